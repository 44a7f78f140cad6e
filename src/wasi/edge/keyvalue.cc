// wasi:keyvalue: store, atomics and batch of both published drafts over one KeyValueStore. Names
// and sizes are checked here, before anything is kept.
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "edge/wasi/keyvalue/atomics.h"
#include "edge/wasi/keyvalue/batch.h"
#include "edge_draft/wasi/keyvalue/atomics.h"
#include "edge_draft/wasi/keyvalue/batch.h"
#include "wasi/edge/edge.h"
#include "wasi/edge/keyvalue_store.h"
#include "wasi/p2/guest.h"

namespace sedge::wasi::edge {
namespace {

namespace second = bindings::edge::wasi::keyvalue;
namespace first = bindings::edge_draft::wasi::keyvalue;
using host::Bytes;
using host::Outcome;
using host::Unit;

/// What one call to list-keys answers with, and one to get-many.
constexpr size_t kPage = 1000;
constexpr size_t kMaxAnswer = 16 << 20;  // bytes
constexpr size_t kMaxBatch = 10'000;     // entries

/// The types of 0.2.0-draft: a cursor is a number of keys, counters have no sign.
struct Draft {
  using Bucket = first::store::Bucket;
  using Error = first::store::Error;
  using KeyResponse = first::store::KeyResponse;
  using Cursor = uint64_t;
  using Number = uint64_t;
  using StoreHost = first::store::Host;
  using AtomicsHost = first::atomics::Host;
  using BatchHost = first::batch::Host;
};
/// Those of 0.2.0-draft2: a cursor is the last key.
struct Draft2 {
  using Bucket = second::store::Bucket;
  using Error = second::store::Error;
  using KeyResponse = second::store::KeyResponse;
  using Cursor = std::string;
  using Number = int64_t;
  using StoreHost = second::store::Host;
  using AtomicsHost = second::atomics::Host;
  using BatchHost = second::batch::Host;
};

template <typename V>
typename V::Error other(std::string why) {
  return {typename V::Error::Other{std::move(why)}};
}

/// Why a name or value is not kept; none if it may be.
std::optional<std::string> too_long(std::string_view what, size_t size, size_t most) {
  if (size <= most) return std::nullopt;
  return fmt::format("the {} has {} bytes, at most {} are kept", what, size, most);
}
std::optional<std::string> bad_key(std::string_view key) {
  return too_long("key", key.size(), KeyValueStore::kMaxKey);
}
std::optional<std::string> bad_value(std::string_view value) {
  return too_long("value", value.size(), KeyValueStore::kMaxValue);
}

KeyValueStore::Stop stop_of(Store& store) {
  return [&store] { return store.should_stop(); };
}

/// A number as text, which is what counters are kept as.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <typename V>
class BucketOf final : public V::Bucket {
 public:
  using Error = typename V::Error;
  template <typename T>
  using Kept = Result<Outcome<T, Error>>;

  BucketOf(std::shared_ptr<KeyValueStore> store, std::string name)
      : store_(std::move(store)), name_(std::move(name)) {}

  KeyValueStore& store() const { return *store_; }
  const std::string& name() const { return name_; }
  const std::shared_ptr<KeyValueStore>& shared() const { return store_; }

  Kept<std::optional<Bytes>> get(Store& guest, std::string key) override {
    if (auto bad = bad_key(key)) return host::err(other<V>(*bad));
    auto value = store_->get(name_, key, stop_of(guest));
    if (!value) return host::err(other<V>(value.error()));
    if (!*value) return std::optional<Bytes>();
    return std::optional(Bytes{std::move((*value)->data)});
  }
  Kept<Unit> set(Store& guest, std::string key, Bytes value) override {
    auto bad = bad_key(key);
    if (!bad) bad = bad_value(value.data);
    if (bad) return host::err(other<V>(*bad));
    const std::pair<std::string, std::string> entry(std::move(key), std::move(value.data));
    return done(store_->set(name_, {&entry, 1}, stop_of(guest)));
  }
  Kept<Unit> delete_(Store& guest, std::string key) override {
    if (auto bad = bad_key(key)) return host::err(other<V>(*bad));
    return done(store_->remove(name_, {&key, 1}, stop_of(guest)));
  }
  Kept<bool> exists(Store& guest, std::string key) override {
    if (auto bad = bad_key(key)) return host::err(other<V>(*bad));
    auto found = store_->exists(name_, key, stop_of(guest));
    if (!found) return host::err(other<V>(found.error()));
    return *found;
  }
  Kept<typename V::KeyResponse> list_keys(Store& guest,
                                          std::optional<typename V::Cursor> cursor) override {
    std::optional<std::string> after;
    uint64_t skip = 0;
    if constexpr (std::is_same_v<typename V::Cursor, std::string>)
      after = cursor;
    else
      skip = cursor.value_or(0);
    auto keys = store_->keys(name_, after, skip, kPage, stop_of(guest));
    if (!keys) return host::err(other<V>(keys.error()));
    typename V::KeyResponse out{.keys = *std::move(keys)};
    if (out.keys.size() == kPage) {
      if constexpr (std::is_same_v<typename V::Cursor, std::string>)
        out.cursor = out.keys.back();
      else
        out.cursor = skip + kPage;
    }
    return out;
  }

  static Outcome<Unit, Error> done(KeyValueStore::Outcome<> result) {
    if (!result) return host::err(other<V>(result.error()));
    return Unit{};
  }

 private:
  std::shared_ptr<KeyValueStore> store_;
  std::string name_;
};

template <typename V>
BucketOf<V>& of(typename V::Bucket& bucket) {
  return static_cast<BucketOf<V>&>(bucket);
}

template <typename V>
struct StoreHost final : V::StoreHost {
  using Error = typename V::Error;
  Result<Outcome<std::unique_ptr<typename V::Bucket>, Error>> open(Store& guest,
                                                                   std::string name) override {
    SEDGE_TRY_ASSIGN(Context * context, context_of(guest));
    const auto& store = context->services().keyvalue;
    if (!store) {
      context->p1().deny({.kind = Denial::Kind::keyvalue, .path = {}, .guest = {}});
      return host::err(Error{typename Error::AccessDenied{}});
    }
    if (auto bad = too_long("bucket's name", name.size(), KeyValueStore::kMaxBucket))
      return host::err(other<V>(*bad));
    return std::unique_ptr<typename V::Bucket>(
        std::make_unique<BucketOf<V>>(store, std::move(name)));
  }
};

/// increment, of both drafts.
template <typename V>
Result<Outcome<typename V::Number, typename V::Error>> increment_in(Store& guest,
                                                                    typename V::Bucket& bucket,
                                                                    const std::string& key,
                                                                    typename V::Number delta) {
  using Number = typename V::Number;
  if (auto bad = bad_key(key)) return host::err(other<V>(*bad));
  Number sum = delta;
  auto done = of<V>(bucket).store().update(
      of<V>(bucket).name(), key,
      [&](const std::optional<KeyValueStore::Value>& old) -> KeyValueStore::Outcome<std::string> {
        Number now = 0;
        if (old) {
          auto number = parse_number<Number>(old->data);
          if (!number) return std::unexpected("the value is no number in decimal digits");
          now = *number;
        }
        if (__builtin_add_overflow(now, delta, &sum))
          return std::unexpected("the sum has no place in 64 bits");
        return fmt::format("{}", sum);
      },
      stop_of(guest));
  if (!done) return host::err(other<V>(done.error()));
  return sum;
}

struct DraftAtomics final : first::atomics::Host {
  Result<Outcome<uint64_t, first::store::Error>> increment(Store& guest,
                                                           first::store::Bucket& bucket,
                                                           std::string key,
                                                           uint64_t delta) override {
    return increment_in<Draft>(guest, bucket, key, delta);
  }
};

/// Knows the version that the value must still have.
class Cas final : public second::atomics::Cas {
 public:
  Cas(std::shared_ptr<KeyValueStore> store, std::string bucket, std::string key,
      std::optional<KeyValueStore::Value> value)
      : store_(std::move(store)),
        bucket_(std::move(bucket)),
        key_(std::move(key)),
        value_(std::move(value)) {}

  using Swapped = Outcome<Unit, second::atomics::CasError>;
  using Error = second::store::Error;

  Result<Outcome<std::optional<Bytes>, Error>> current(Store&) override {
    if (!value_) return std::optional<Bytes>();
    return std::optional(Bytes{value_->data});
  }
  Swapped swap(Store& guest, const std::string& value) && {
    std::optional<KeyValueStore::Value> found;
    bool changed = false;
    auto done = store_->update(
        bucket_, key_,
        [&](const std::optional<KeyValueStore::Value>& now) -> KeyValueStore::Outcome<std::string> {
          changed =
              now.has_value() != value_.has_value() || (now && now->version != value_->version);
          if (!changed) return value;
          found = now;
          return std::unexpected(std::string());
        },
        stop_of(guest));
    if (done) return Unit{};
    using CasError = second::atomics::CasError;
    if (!changed) return host::err(CasError{CasError::StoreError{other<Draft2>(done.error())}});
    return host::err(CasError{CasError::CasFailed{std::make_unique<Cas>(
        std::move(store_), std::move(bucket_), std::move(key_), std::move(found))}});
  }

 private:
  std::shared_ptr<KeyValueStore> store_;
  std::string bucket_, key_;
  std::optional<KeyValueStore::Value> value_;
};

struct Draft2Atomics final : second::atomics::Host {
  using Error = second::store::Error;
  Result<Outcome<int64_t, Error>> increment(Store& guest, second::store::Bucket& bucket,
                                            std::string key, int64_t delta) override {
    return increment_in<Draft2>(guest, bucket, key, delta);
  }
  Result<Outcome<std::unique_ptr<second::atomics::Cas>, Error>> cas_new(
      Store& guest, second::store::Bucket& bucket, std::string key) override {
    if (auto bad = bad_key(key)) return host::err(other<Draft2>(*bad));
    auto& in = of<Draft2>(bucket);
    auto value = in.store().get(in.name(), key, stop_of(guest));
    if (!value) return host::err(other<Draft2>(value.error()));
    return std::unique_ptr<second::atomics::Cas>(
        std::make_unique<Cas>(in.shared(), in.name(), std::move(key), *std::move(value)));
  }
  Result<Outcome<Unit, second::atomics::CasError>> swap(Store& guest,
                                                        std::unique_ptr<second::atomics::Cas> cas,
                                                        Bytes value) override {
    using CasError = second::atomics::CasError;
    if (auto bad = bad_value(value.data))
      return host::err(CasError{CasError::StoreError{other<Draft2>(*bad)}});
    return std::move(static_cast<Cas&>(*cas)).swap(guest, value.data);
  }
};

template <typename V>
struct BatchHost final : V::BatchHost {
  using Error = typename V::Error;
  using Bucket = typename V::Bucket;
  using Pair = std::tuple<std::string, Bytes>;

  Result<Outcome<std::vector<std::optional<Pair>>, Error>> get_many(
      Store& guest, Bucket& bucket, std::vector<std::string> keys) override {
    if (auto bad = bad_batch(keys.size())) return host::err(other<V>(*bad));
    std::vector<std::optional<Pair>> out;
    size_t bytes = 0;
    for (std::string& key : keys) {
      SEDGE_TRY_ASSIGN(auto value, of<V>(bucket).get(guest, key));
      if (!value) return host::err(std::move(value.error()));
      out.emplace_back();
      if (!*value) continue;
      bytes += key.size() + (*value)->data.size();
      if (bytes > kMaxAnswer)
        return host::err(other<V>(fmt::format("the values are more than {} bytes", kMaxAnswer)));
      out.back() = Pair(std::move(key), std::move(**value));
    }
    return out;
  }
  Result<Outcome<Unit, Error>> set_many(Store& guest, Bucket& bucket,
                                        std::vector<Pair> key_values) override {
    auto bad = bad_batch(key_values.size());
    std::vector<std::pair<std::string, std::string>> entries;
    for (auto& [key, value] : key_values) {
      if (!bad) bad = bad_key(key);
      if (!bad) bad = bad_value(value.data);
      entries.emplace_back(std::move(key), std::move(value.data));
    }
    if (bad) return host::err(other<V>(*bad));
    auto& in = of<V>(bucket);
    return BucketOf<V>::done(in.store().set(in.name(), entries, stop_of(guest)));
  }
  Result<Outcome<Unit, Error>> delete_many(Store& guest, Bucket& bucket,
                                           std::vector<std::string> keys) override {
    auto bad = bad_batch(keys.size());
    for (const std::string& key : keys)
      if (!bad) bad = bad_key(key);
    if (bad) return host::err(other<V>(*bad));
    auto& in = of<V>(bucket);
    return BucketOf<V>::done(in.store().remove(in.name(), keys, stop_of(guest)));
  }

 private:
  static std::optional<std::string> bad_batch(size_t count) {
    if (count <= kMaxBatch) return std::nullopt;
    return fmt::format("a batch of {} entries, at most {} are taken", count, kMaxBatch);
  }
};

}  // namespace

void link_keyvalue(ComponentLinker& linker) {
  first::store::add_to_linker(linker, p2::single<StoreHost<Draft>, first::store::Host>);
  first::atomics::add_to_linker(linker, p2::single<DraftAtomics, first::atomics::Host>);
  first::batch::add_to_linker(linker, p2::single<BatchHost<Draft>, first::batch::Host>);
  second::store::add_to_linker(linker, p2::single<StoreHost<Draft2>, second::store::Host>);
  second::atomics::add_to_linker(linker, p2::single<Draft2Atomics, second::atomics::Host>);
  second::batch::add_to_linker(linker, p2::single<BatchHost<Draft2>, second::batch::Host>);
}

}  // namespace sedge::wasi::edge

namespace sedge::wasi {

Result<std::shared_ptr<KeyValueStore>> open_keyvalue(const std::string& file) {
  if (file.empty()) return keyvalue_in_memory();
  return keyvalue_in_file(file);
}

Result<void> fill_keyvalue(KeyValueStore& store,
                           std::span<const std::pair<std::string, std::string>> entries) {
  std::optional<std::string> bad;
  for (const auto& [key, value] : entries) {
    if (!bad) bad = edge::bad_key(key);
    if (!bad) bad = edge::bad_value(value);
  }
  if (!bad)
    if (auto kept = store.set("", entries, [] { return false; }); !kept) bad = kept.error();
  if (bad) return fail(ErrorCode::bad_argument, fmt::format(": key-value data: {}", *bad));
  return {};
}

}  // namespace sedge::wasi
