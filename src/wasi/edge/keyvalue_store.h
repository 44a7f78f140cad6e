// Where wasi:keyvalue keeps what guests give it: buckets of keys and values, in memory or in a file
// that several processes may use at once. Guests see it through keyvalue.cc.
#ifndef SEDGE_WASI_EDGE_KEYVALUE_STORE_H_
#define SEDGE_WASI_EDGE_KEYVALUE_STORE_H_

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/wasi.h>

namespace sedge::wasi {

/// Thread-safe. Every operation is done wholly or not at all.
class KeyValueStore {
 public:
  static constexpr size_t kMaxBucket = 256;         ///< bytes of a bucket's name
  static constexpr size_t kMaxKey = 1024;           ///< bytes
  static constexpr size_t kMaxValue = 4 << 20;      ///< bytes
  static constexpr uint64_t kMaxEntries = 1000000;  ///< of all buckets
  static constexpr size_t kMaxMemory = 64 << 20;    ///< bytes, where there is no file
  static constexpr uint64_t kMaxFile = 1 << 30;     ///< bytes

  /// The error is a text for the guest.
  template <typename T = void>
  using Outcome = std::expected<T, std::string>;
  struct Value {
    std::string data;
    int64_t version = 0;  ///< another one after each change
  };
  using Entries = std::span<const std::pair<std::string, std::string>>;
  /// What takes the place of a value, which may be none yet.
  using Change = std::function<Outcome<std::string>(const std::optional<Value>&)>;
  /// Whether to give up waiting for another process.
  using Stop = std::function<bool()>;

  KeyValueStore() = default;
  KeyValueStore(const KeyValueStore&) = delete;
  KeyValueStore& operator=(const KeyValueStore&) = delete;
  virtual ~KeyValueStore() = default;

  virtual Outcome<std::optional<Value>> get(std::string_view bucket, std::string_view key,
                                            const Stop& stop) = 0;
  virtual Outcome<bool> exists(std::string_view bucket, std::string_view key, const Stop& stop) = 0;
  virtual Outcome<> set(std::string_view bucket, Entries entries, const Stop& stop) = 0;
  virtual Outcome<> remove(std::string_view bucket, std::span<const std::string> keys,
                           const Stop& stop) = 0;
  /// Keys in the order of their bytes, behind `after` if it is given, without the first `skip`.
  virtual Outcome<std::vector<std::string>> keys(std::string_view bucket,
                                                 const std::optional<std::string>& after,
                                                 uint64_t skip, size_t most, const Stop& stop) = 0;
  virtual Outcome<> update(std::string_view bucket, std::string_view key, const Change& change,
                           const Stop& stop) = 0;
};

/// The store of one process that is gone with it.
std::shared_ptr<KeyValueStore> keyvalue_in_memory();
/// Errors: io, with the file; not_in_build without SQLite.
Result<std::shared_ptr<KeyValueStore>> keyvalue_in_file(const std::string& file);

}  // namespace sedge::wasi

#endif  // SEDGE_WASI_EDGE_KEYVALUE_STORE_H_
