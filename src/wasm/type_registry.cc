// Hash-consing of recursion groups. A group's key spells out its types with references to earlier
// groups as canonical ids and references within the group as relative positions; equal keys mean
// iso-recursively equal groups. Spec: "Type Equivalence", "Rolling and Unrolling".
#include "wasm/type_registry.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace sedge::wasm {
namespace {

using Key = std::vector<uint32_t>;

/// Marks a key word as a position within the group; canonical ids stay below 2^23.
constexpr uint32_t kWithinGroup = 1u << 31;
constexpr uint32_t kNoSuper = ~0u;

}  // namespace

/// Rewrites the references of one group: module indices in, canonical ids or key words out.
struct GroupIndices {
  TypeIdx first;
  uint32_t count;
  const std::vector<TypeId>* ids;  ///< of earlier groups; null: indices are ids already

  bool within(TypeIdx index) const { return ids && index >= first && index - first < count; }
  uint32_t key_word(TypeIdx index) const {
    return within(index) ? kWithinGroup | (index - first) : ids ? (*ids)[index] : index;
  }
};

namespace {

struct KeyHash {
  size_t operator()(const Key& key) const {
    uint64_t hash = 0x9e3779b97f4a7c15;
    for (uint32_t word : key) {
      hash = (hash ^ word) * 0xff51afd7ed558ccd;
      hash ^= hash >> 32;
    }
    return static_cast<size_t>(hash);
  }
};

void append(Key& key, ValType type, const GroupIndices& indices) {
  key.push_back(type.kind());
  if (!type.is_ref()) return;
  HeapType heap = type.heap();
  key.push_back(heap.is_index() ? indices.key_word(heap.index()) : heap.bits());
}

void append(Key& key, const SubType& type, const GroupIndices& indices) {
  key.push_back(static_cast<uint32_t>(type.kind) | static_cast<uint32_t>(type.final_) << 8);
  key.push_back(type.super ? indices.key_word(*type.super) : kNoSuper);
  if (type.kind == SubType::Kind::func) {
    key.push_back(static_cast<uint32_t>(type.func.params.size()));
    for (ValType param : type.func.params) append(key, param, indices);
    key.push_back(static_cast<uint32_t>(type.func.results.size()));
    for (ValType result : type.func.results) append(key, result, indices);
  } else {
    key.push_back(static_cast<uint32_t>(type.fields.size()));
    for (const FieldType& field : type.fields) {
      append(key, field.storage, indices);
      key.push_back(field.mutable_);
    }
  }
}

struct Group {
  const Key* key = nullptr;  ///< in the map of groups by key
  std::unique_ptr<CanonType[]> types;
  uint32_t count = 0;
  uint32_t uses = 0;                ///< TypeSets and groups that refer to it
  std::vector<uint32_t> requires_;  ///< groups that it refers to, each counted once
};

/// Calls `visit` with every type id that a canonical type refers to.
template <typename Visit>
void for_each_reference(const SubType& type, Visit visit) {
  auto value = [&](ValType t) {
    if (t.is_ref() && t.heap().is_index()) visit(t.heap().index());
  };
  if (type.super) visit(*type.super);
  for (ValType param : type.func.params) value(param);
  for (ValType result : type.func.results) value(result);
  for (const FieldType& field : type.fields) value(field.storage);
}

}  // namespace

struct TypeRegistry::Impl {
  static constexpr uint32_t kFirstBits = 8, kFirstChunk = 1u << kFirstBits;
  static constexpr uint32_t kMaxIds = HeapType::kAbstractBit;

  /// Id → type and group. Chunks are made once and never move, so readers need no lock; each is
  /// twice as long as the one before, so that a small module touches little memory.
  struct Slot {
    std::atomic<const CanonType*> type{nullptr};
    uint32_t group = 0;
  };
  std::atomic<Slot*> chunks[std::bit_width((kMaxIds + kFirstChunk - 1) >> kFirstBits)] = {};
  static uint32_t chunk_of(TypeId id) {
    return static_cast<uint32_t>(std::bit_width((id + kFirstChunk) >> kFirstBits)) - 1;
  }

  std::mutex mutex;  ///< guards everything below
  std::unordered_map<Key, uint32_t, KeyHash> by_key;
  std::vector<std::unique_ptr<Group>> groups;
  std::vector<uint32_t> free_groups;
  std::vector<TypeId> free_ids;
  uint32_t next_id = 0;

  ~Impl() {
    for (auto& chunk : chunks) delete[] chunk.load(std::memory_order_relaxed);
  }

  Slot& slot(TypeId id) const {
    uint32_t chunk = chunk_of(id);
    Slot* slots = chunks[chunk].load(std::memory_order_acquire);
    return slots[id + kFirstChunk - (kFirstChunk << chunk)];
  }

  bool has_ids(uint32_t count) const { return free_ids.size() + (kMaxIds - next_id) >= count; }

  TypeId take_id() {
    if (!free_ids.empty()) {
      TypeId id = free_ids.back();
      free_ids.pop_back();
      return id;
    }
    TypeId id = next_id++;
    uint32_t index = chunk_of(id);
    auto& chunk = chunks[index];
    if (!chunk.load(std::memory_order_relaxed))
      chunk.store(new Slot[kFirstChunk << index], std::memory_order_release);
    return id;
  }

  /// The group of `key`, one more use counted; nothing when the ids are used up.
  std::optional<uint32_t> intern(Key key, const SubType* types, uint32_t count,
                                 const GroupIndices& indices);
  void release(uint32_t group);
};

std::optional<uint32_t> TypeRegistry::Impl::intern(Key key, const SubType* types, uint32_t count,
                                                   const GroupIndices& indices) {
  if (auto found = by_key.find(key); found != by_key.end()) {
    ++groups[found->second]->uses;
    return found->second;
  }
  if (!has_ids(count)) return std::nullopt;

  uint32_t number;
  if (free_groups.empty()) {
    number = static_cast<uint32_t>(groups.size());
    groups.emplace_back();
  } else {
    number = free_groups.back();
    free_groups.pop_back();
  }
  groups[number] = std::make_unique<Group>();
  Group& group = *groups[number];
  group.types = std::make_unique<CanonType[]>(count);
  group.count = count;
  group.uses = 1;
  for (uint32_t i = 0; i < count; ++i) {
    group.types[i].id = take_id();
    slot(group.types[i].id).group = number;
  }

  auto canonical_id = [&](TypeIdx index) {
    uint32_t word = indices.key_word(index);
    return (word & kWithinGroup) ? group.types[word & ~kWithinGroup].id : word;
  };
  auto rewrite = [&](ValType& type) {
    if (type.is_ref() && type.heap().is_index())
      type =
          ValType::reference(HeapType::index(canonical_id(type.heap().index())), type.nullable());
  };
  for (uint32_t i = 0; i < count; ++i) {
    CanonType& canon = group.types[i];
    canon.type = types[i];
    for (ValType& param : canon.type.func.params) rewrite(param);
    for (ValType& result : canon.type.func.results) rewrite(result);
    for (FieldType& field : canon.type.fields) rewrite(field.storage);
    if (types[i].super) {
      canon.type.super = canonical_id(*types[i].super);
      // A supertype is declared before its subtypes: in an earlier group, or already filled here.
      const CanonType* super = indices.within(*types[i].super)
                                   ? &group.types[*types[i].super - indices.first]
                                   : slot(*canon.type.super).type.load(std::memory_order_relaxed);
      canon.supers = super->supers;
      canon.depth = super->depth + 1;
    }
    canon.supers.push_back(canon.id);
  }
  for (uint32_t i = 0; i < count; ++i) {
    for_each_reference(group.types[i].type, [&](TypeId id) {
      uint32_t other = slot(id).group;
      if (other != number) group.requires_.push_back(other);
    });
  }
  std::sort(group.requires_.begin(), group.requires_.end());
  group.requires_.erase(std::unique(group.requires_.begin(), group.requires_.end()),
                        group.requires_.end());
  for (uint32_t other : group.requires_) ++groups[other]->uses;
  for (uint32_t i = 0; i < count; ++i)
    slot(group.types[i].id).type.store(&group.types[i], std::memory_order_release);
  group.key = &by_key.emplace(std::move(key), number).first->first;
  return number;
}

void TypeRegistry::Impl::release(uint32_t first) {
  std::vector<uint32_t> pending{first};
  while (!pending.empty()) {
    uint32_t number = pending.back();
    pending.pop_back();
    Group& group = *groups[number];
    if (--group.uses != 0) continue;
    for (uint32_t i = 0; i < group.count; ++i) {
      slot(group.types[i].id).type.store(nullptr, std::memory_order_relaxed);
      free_ids.push_back(group.types[i].id);
    }
    pending.insert(pending.end(), group.requires_.begin(), group.requires_.end());
    by_key.erase(by_key.find(*group.key));
    groups[number].reset();
    free_groups.push_back(number);
  }
}

TypeRegistry::TypeRegistry() : impl_(std::make_unique<Impl>()) {}
TypeRegistry::~TypeRegistry() = default;

std::shared_ptr<TypeRegistry> TypeRegistry::create() {
  return std::shared_ptr<TypeRegistry>(new TypeRegistry);
}

TypeSet TypeRegistry::add(const std::vector<SubType>& types, const std::vector<RecGroup>& groups) {
  TypeSet set;
  set.registry_ = shared_from_this();
  set.ids_.reserve(types.size());
  set.types_.reserve(types.size());
  set.groups_.reserve(groups.size());
  bool full = false;
  {
    std::lock_guard lock(impl_->mutex);
    for (const RecGroup& rec : groups) {
      GroupIndices indices{rec.first, rec.count, &set.ids_};
      Key key;
      for (uint32_t i = 0; i < rec.count; ++i) append(key, types[rec.first + i], indices);
      auto number = impl_->intern(std::move(key), types.data() + rec.first, rec.count, indices);
      if (!number) {
        full = true;
        break;
      }
      set.groups_.push_back(*number);
      const Group& group = *impl_->groups[*number];
      for (uint32_t i = 0; i < group.count; ++i) {
        set.ids_.push_back(group.types[i].id);
        set.types_.push_back(&group.types[i]);
      }
    }
  }
  if (full) return {};  // the set's destructor releases what was counted
  return set;
}

TypeSet TypeRegistry::add(const FuncType& type) {
  SubType sub;
  sub.func = type;
  return add({&sub, 1}, GroupIndices{0, 0, nullptr});
}

TypeSet TypeRegistry::add(std::span<const SubType> group, const std::vector<TypeId>& earlier) {
  return add(group, GroupIndices{static_cast<TypeIdx>(earlier.size()),
                                 static_cast<uint32_t>(group.size()), &earlier});
}

TypeSet TypeRegistry::add(std::span<const SubType> types, const GroupIndices& indices) {
  TypeSet set;
  set.registry_ = shared_from_this();
  Key key;
  for (const SubType& type : types) append(key, type, indices);
  std::lock_guard lock(impl_->mutex);
  auto number =
      impl_->intern(std::move(key), types.data(), static_cast<uint32_t>(types.size()), indices);
  if (!number) return {};
  const Group& group = *impl_->groups[*number];
  set.groups_.push_back(*number);
  for (uint32_t i = 0; i < group.count; ++i) {
    set.ids_.push_back(group.types[i].id);
    set.types_.push_back(&group.types[i]);
  }
  return set;
}

const CanonType& TypeRegistry::get(TypeId id) const {
  return *impl_->slot(id).type.load(std::memory_order_acquire);
}

bool TypeRegistry::matches(HeapType sub, HeapType super) const {
  if (sub == super) return true;
  if (sub.is_index()) {
    const CanonType& type = get(sub.index());
    if (super.is_index()) return type.is_subtype_of(get(super.index()));
    switch (super.abstract()) {
      case HeapType::any:
      case HeapType::eq:
        return type.type.kind != SubType::Kind::func;
      case HeapType::struct_:
        return type.type.kind == SubType::Kind::struct_;
      case HeapType::array:
        return type.type.kind == SubType::Kind::array;
      case HeapType::func:
        return type.type.kind == SubType::Kind::func;
      default:
        return false;
    }
  }
  if (sub.abstract() == HeapType::bottom) return true;
  if (super.is_index()) {
    bool func = get(super.index()).type.kind == SubType::Kind::func;
    return sub.abstract() == (func ? HeapType::nofunc : HeapType::none);
  }
  switch (super.abstract()) {
    case HeapType::any:
      return sub.abstract() == HeapType::eq || sub.abstract() == HeapType::i31 ||
             sub.abstract() == HeapType::struct_ || sub.abstract() == HeapType::array ||
             sub.abstract() == HeapType::none;
    case HeapType::eq:
      return sub.abstract() == HeapType::i31 || sub.abstract() == HeapType::struct_ ||
             sub.abstract() == HeapType::array || sub.abstract() == HeapType::none;
    case HeapType::i31:
    case HeapType::struct_:
    case HeapType::array:
      return sub.abstract() == HeapType::none;
    case HeapType::func:
      return sub.abstract() == HeapType::nofunc;
    case HeapType::extern_:
      return sub.abstract() == HeapType::noextern;
    case HeapType::exn:
      return sub.abstract() == HeapType::noexn;
    default:
      return false;
  }
}

bool TypeRegistry::matches(ValType sub, ValType super) const {
  if (sub == super || sub.kind() == ValType::bottom) return true;
  if (!sub.is_ref() || !super.is_ref()) return false;
  if (sub.nullable() && !super.nullable()) return false;
  return matches(sub.heap(), super.heap());
}

TypeSet::TypeSet(TypeSet&& other) noexcept
    : registry_(std::move(other.registry_)),
      ids_(std::move(other.ids_)),
      types_(std::move(other.types_)),
      groups_(std::move(other.groups_)) {}

TypeSet& TypeSet::operator=(TypeSet&& other) noexcept {
  registry_.swap(other.registry_);
  ids_.swap(other.ids_);
  types_.swap(other.types_);
  groups_.swap(other.groups_);
  return *this;
}

TypeSet::~TypeSet() {
  if (!registry_) return;
  std::lock_guard lock(registry_->impl_->mutex);
  for (uint32_t group : groups_) registry_->impl_->release(group);
}

TypeSet TypeSet::share() const {
  TypeSet out;
  if (registry_) {
    std::lock_guard lock(registry_->impl_->mutex);
    for (uint32_t group : groups_) ++registry_->impl_->groups[group]->uses;
  }
  out.registry_ = registry_;
  out.ids_ = ids_;
  out.types_ = types_;
  out.groups_ = groups_;
  return out;
}

ValType canonical(ValType type, const TypeSet& set) {
  if (!type.is_ref() || !type.heap().is_index()) return type;
  return ValType::reference(HeapType::index(set.id(type.heap().index())), type.nullable());
}

}  // namespace sedge::wasm
