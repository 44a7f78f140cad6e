// Store: the world of one guest — its instances, memories, tables, garbage-collected objects and
// limits. One thread at a time.
#ifndef SEDGE_STORE_H_
#define SEDGE_STORE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sedge/engine.h>
#include <sedge/value.h>

namespace sedge {

namespace vm {
struct Context;
struct Func;
struct Global;
struct Memory;
struct Table;
struct Tag;
}  // namespace vm
struct StoreImpl;
struct InstanceImpl;

/// What a store may use; hitting a limit is a named error or, for memory.grow and table.grow, -1.
struct StoreLimits {
  uint64_t memory_bytes = UINT64_MAX;    ///< all memories of the store together
  uint64_t table_elements = 10'000'000;  ///< each table
  uint32_t instances = 10'000;
  uint32_t memories = 10'000;
  uint32_t tables = 10'000;
  uint64_t stack_bytes = 1 << 20;       ///< of wasm frames; 64 KiB to 1 GiB
  uint64_t gc_heap_bytes = 1ull << 30;  ///< at most 2 GiB
};

/// A memory.grow that was refused, kept so that the guest's abort that follows can be explained.
struct RefusedGrowth {
  uint64_t asked_bytes;  ///< the size that was asked for
  uint64_t limit_bytes;  ///< the limit that refused it
  bool by_store_limit;   ///< else by the memory's own maximum or the system
};

/// Stops a store from any thread; may outlive the store.
class Interrupter {
 public:
  /// The running call, or the next one, ends with `interrupted`. Thread-safe.
  void interrupt() const;
  std::shared_ptr<void> state;  ///< internal
};

class Store {
 public:
  explicit Store(const Engine& engine, StoreLimits limits = {});
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  /// Ends every instance; handles into the store are invalid from here on.
  ~Store();

  uint64_t id() const;

  /// Fuel units left; needs Config::fuel.
  void set_fuel(uint64_t units);
  uint64_t fuel() const;
  /// Wall-clock end of execution: running calls end with deadline_exceeded. Needs
  /// Config::interruptible to take effect inside wasm loops; host functions that wait must honour
  /// `deadline()`.
  void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline);
  std::optional<std::chrono::steady_clock::time_point> deadline() const;
  Interrupter interrupter() const;
  /// Whether an interrupt or the deadline has struck (for host functions that wait).
  bool should_stop() const;

  uint64_t memory_bytes() const;  ///< in use by all memories
  std::optional<RefusedGrowth> refused_growth() const;
  void collect_garbage();

  /// Host data by type: one object of each type T.
  template <typename T>
  void set_data(std::shared_ptr<T> data) {
    set_data_at(data_key<T>(), std::move(data));
  }
  /// Null if none was set.
  template <typename T>
  T* data() const {
    return static_cast<T*>(data_at(data_key<T>()));
  }

  // References.
  /// An externref that holds `value`; `destroy`, if given, is called when it is collected.
  Result<Val> make_externref(void* value, void (*destroy)(void*) = nullptr);
  /// What make_externref stored; null for anything else.
  void* externref_value(const Val& value) const;
  /// A Val from cells as the engine holds them, rooted if it is a reference.
  Val make_val(ValType type, uint64_t low, uint64_t high = 0);
  /// Whether a value matches a type (canonical heap types).
  bool matches(const Val& value, ValType type) const;

  vm::Context& context() const;
  StoreImpl& impl() const { return *impl_; }

 private:
  friend struct StoreImpl;
  template <typename T>
  static const void* data_key() {
    static const char key = 0;
    return &key;
  }
  void set_data_at(const void* key, std::shared_ptr<void> data);
  void* data_at(const void* key) const;
  std::unique_ptr<StoreImpl> impl_;
};

}  // namespace sedge

#endif  // SEDGE_STORE_H_
