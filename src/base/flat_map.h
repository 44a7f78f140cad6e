// A map as a sorted vector: one allocation for many entries, which usually come in ascending order.
#ifndef SEDGE_BASE_FLAT_MAP_H_
#define SEDGE_BASE_FLAT_MAP_H_

#include <algorithm>
#include <utility>
#include <vector>

namespace sedge {

/// The part of std::map's interface that is used here. Inserting in ascending order is amortised
/// constant time, elsewhere linear; inserting moves entries.
template <typename Key, typename Value>
class FlatMap {
 public:
  using value_type = std::pair<Key, Value>;
  using iterator = typename std::vector<value_type>::iterator;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  iterator begin() { return entries_.begin(); }
  iterator end() { return entries_.end(); }
  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  auto rbegin() const { return entries_.rbegin(); }
  auto rend() const { return entries_.rend(); }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  void reserve(size_t size) { entries_.reserve(size); }
  void clear() { entries_.clear(); }
  /// The entry with the greatest key; the map must not be empty.
  const value_type& back() const { return entries_.back(); }

  iterator find(const Key& key) { return found(lower(entries_.begin(), entries_.end(), key), key); }
  const_iterator find(const Key& key) const {
    auto at = lower(entries_.begin(), entries_.end(), key);
    return at != entries_.end() && at->first == key ? at : entries_.end();
  }
  bool contains(const Key& key) const { return find(key) != end(); }

  /// Inserts unless the key is there; the entry, and whether it was inserted.
  template <typename... Args>
  std::pair<iterator, bool> emplace(const Key& key, Args&&... args) {
    if (entries_.empty() || entries_.back().first < key) {
      entries_.emplace_back(key, Value(std::forward<Args>(args)...));
      return {std::prev(entries_.end()), true};
    }
    auto at = lower(entries_.begin(), entries_.end(), key);
    if (at != entries_.end() && at->first == key) return {at, false};
    return {entries_.insert(at, value_type(key, Value(std::forward<Args>(args)...))), true};
  }
  Value& operator[](const Key& key) { return emplace(key).first->second; }

 private:
  template <typename Iterator>
  static Iterator lower(Iterator begin, Iterator end, const Key& key) {
    return std::lower_bound(begin, end, key, [](const value_type& entry, const Key& wanted) {
      return entry.first < wanted;
    });
  }
  iterator found(iterator at, const Key& key) {
    return at != entries_.end() && at->first == key ? at : entries_.end();
  }

  std::vector<value_type> entries_;
};

}  // namespace sedge

#endif  // SEDGE_BASE_FLAT_MAP_H_
