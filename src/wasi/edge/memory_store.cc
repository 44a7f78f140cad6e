// Kept values in memory: one map under a lock, bounded in entries and bytes.
#include <map>
#include <mutex>
#include <tuple>

#include "wasi/edge/keyvalue_store.h"

namespace sedge::wasi {
namespace {

constexpr size_t kEntryCost = 128;  // of the map's node, about

class MemoryStore final : public KeyValueStore {
 public:
  Outcome<std::optional<Value>> get(std::string_view bucket, std::string_view key,
                                    const Stop&) override {
    std::lock_guard lock(mutex_);
    return find(bucket, key);
  }
  Outcome<bool> exists(std::string_view bucket, std::string_view key, const Stop&) override {
    std::lock_guard lock(mutex_);
    return entries_.contains(Name(bucket, key));
  }
  Outcome<> set(std::string_view bucket, Entries entries, const Stop&) override {
    std::lock_guard lock(mutex_);
    return put(bucket, entries);
  }
  Outcome<> remove(std::string_view bucket, std::span<const std::string> keys,
                   const Stop&) override {
    std::lock_guard lock(mutex_);
    for (const std::string& key : keys)
      if (auto old = entries_.find(Name(bucket, key)); old != entries_.end()) {
        bytes_ -= cost(old->first, old->second.data);
        entries_.erase(old);
      }
    return {};
  }
  Outcome<std::vector<std::string>> keys(std::string_view bucket,
                                         const std::optional<std::string>& after, uint64_t skip,
                                         size_t most, const Stop&) override {
    std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    auto at = after ? entries_.upper_bound(Name(bucket, *after))
                    : entries_.lower_bound(Name(bucket, std::string_view()));
    for (; at != entries_.end() && at->first.first == bucket && out.size() < most; ++at)
      if (skip > 0)
        --skip;
      else
        out.push_back(at->first.second);
    return out;
  }
  Outcome<> update(std::string_view bucket, std::string_view key, const Change& change,
                   const Stop&) override {
    std::lock_guard lock(mutex_);
    auto changed = change(find(bucket, key));
    if (!changed) return std::unexpected(std::move(changed).error());
    const std::pair<std::string, std::string> entry(key, *std::move(changed));
    return put(bucket, {&entry, 1});
  }

 private:
  using Name = std::pair<std::string_view, std::string_view>;
  using Owned = std::pair<std::string, std::string>;
  struct Less {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const {
      return Name(a.first, a.second) < Name(b.first, b.second);
    }
  };
  static size_t cost(const Owned& name, const std::string& value) {
    return kEntryCost + name.first.size() + name.second.size() + value.size();
  }
  std::optional<Value> find(std::string_view bucket, std::string_view key) const {
    auto found = entries_.find(Name(bucket, key));
    if (found == entries_.end()) return std::nullopt;
    return found->second;
  }

  Outcome<> put(std::string_view bucket, Entries entries) {
    // What it will take is known before anything is changed.
    size_t bytes = bytes_;
    size_t count = entries_.size();
    std::map<std::string_view, std::string_view> latest;
    for (const auto& [key, value] : entries) latest[key] = value;
    for (const auto& [key, value] : latest) {
      auto old = entries_.find(Name(bucket, key));
      if (old == entries_.end()) ++count;
      if (old != entries_.end()) bytes -= cost(old->first, old->second.data);
      bytes += kEntryCost + bucket.size() + key.size() + value.size();
    }
    if (count > kMaxEntries) return std::unexpected("the store holds its most entries");
    if (bytes > kMaxMemory) return std::unexpected("the store is full");
    for (const auto& [key, value] : latest) {
      auto old = entries_.find(Name(bucket, key));
      if (old == entries_.end()) old = entries_.try_emplace(Owned(bucket, key)).first;
      old->second = {std::string(value), ++version_};
    }
    bytes_ = bytes;
    return {};
  }

  std::mutex mutex_;
  std::map<Owned, Value, Less> entries_;  // guarded by mutex_, as is the rest
  size_t bytes_ = 0;
  int64_t version_ = 0;
};

}  // namespace

std::shared_ptr<KeyValueStore> keyvalue_in_memory() { return std::make_shared<MemoryStore>(); }

}  // namespace sedge::wasi
