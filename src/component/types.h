// Resolved types: what indices mean once validation has followed them. Types of a component and of
// everything nested in it live in one `Types`, by id; they refer to each other by id and form no
// cycles. Layout facts of the canonical ABI are computed once, when a type is made.
#ifndef SEDGE_COMPONENT_TYPES_H_
#define SEDGE_COMPONENT_TYPES_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <sedge/error.h>

#include "component/ast.h"
#include "wasm/type_registry.h"

namespace sedge::component {

/// Identity of a resource type: two are the same type exactly when their ids are equal.
using ResourceId = uint32_t;

/// Size and alignment in linear memory, in bytes.
struct Layout {
  uint32_t size = 0;
  uint32_t align = 1;
};

/// A value type other than a primitive. The structs are those of the syntax; here a ValType's index
/// is the id of another Defined, and the index of `own` and `borrow` is a resource name (see
/// Types::resource_of).
struct Defined {
  std::variant<PrimType, Record, Variant, List, FixedList, Tuple, Flags, Enum, Option, ResultType,
               Own, Borrow, Stream, Future, Map>
      type;
  uint32_t entry = 0;                ///< Map: the id of the tuple of key and value
  std::optional<uint32_t> alias_of;  ///< the type that this is one more name of
  Layout layout32, layout64;         ///< with 32-bit and 64-bit pointers
  uint32_t flat_count = 0;           ///< core values that a value flattens to; at most kManyFlat
  uint32_t size = 1;                 ///< of the type as a tree
  uint16_t depth = 1;                ///< of nesting
  bool has_borrow = false;           ///< somewhere inside
  bool has_pointer = false;          ///< a string or a list (not of fixed length) inside
  bool renameable = false;           ///< a handle inside
};
inline constexpr uint32_t kManyFlat = 1000;
/// Limits of the canonical ABI on core parameters and results.
inline constexpr uint32_t kMaxFlatParams = 16, kMaxFlatAsyncParams = 4, kMaxFlatResults = 1;

/// A function type with resolved types. Its facts sum up all parameters and the result.
struct FuncSig {
  explicit FuncSig(FuncType of);
  FuncType type;                         ///< ValType indices are ids of Defined
  std::vector<ValType> params, results;  ///< those of `type`, without names
  uint32_t size = 1;
  uint16_t depth = 1;
  bool renameable = false;
};

/// What a type index or an exported type stands for.
struct TypeRef {
  enum class Kind : uint8_t { resource, defined, func, component, instance };
  Kind kind = Kind::defined;
  uint32_t id = 0;  ///< resource: a resource name
  bool operator==(const TypeRef&) const = default;
};
const char* to_string(TypeRef::Kind kind);

/// The type of something that components import and export.
struct Entity {
  ExternType::Kind kind = ExternType::Kind::func;
  /// Of module, func, component, instance; kind value: entities with the same id, in the imports
  /// and exports of one scope, are the same value
  uint32_t id = 0;
  ValType value = PrimType::bool_;  ///< kind value
  TypeRef type;                     ///< kind type
};

/// Entities by name, in order.
class EntityMap {
 public:
  struct Item {
    std::string_view name;
    Entity entity;
  };
  /// Null if there is none.
  const Entity* find(std::string_view name) const {
    auto found = index_.find(name);
    return found == index_.end() ? nullptr : &items_[found->second].entity;
  }
  /// False, and nothing is added, if the name is there.
  bool add(std::string_view name, const Entity& entity) {
    if (!index_.emplace(name, static_cast<uint32_t>(items_.size())).second) return false;
    items_.push_back({name, entity});
    return true;
  }
  size_t size() const { return items_.size(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  const Item& operator[](size_t position) const { return items_[position]; }
  uint32_t position(std::string_view name) const { return index_.at(name); }

 private:
  std::vector<Item> items_;
  std::unordered_map<std::string_view, uint32_t> index_;
};

/// Where a resource is found in imports or exports: a name at each level of instances.
using ResourcePath = std::vector<std::string_view>;
struct ResourceAt {
  ResourceId id = 0;
  ResourcePath path;
};

struct InstanceSig {
  EntityMap exports;
  /// Resources that the type itself introduces, as a type definition does: each use of the type
  /// stands for fresh ones. Empty for the type of an actual instance.
  std::vector<ResourceAt> defined;
  uint32_t size = 1;
  uint16_t depth = 1;
  bool renameable = false;
};

struct ComponentSig {
  EntityMap imports;
  EntityMap exports;
  std::vector<ResourceAt> imported;  ///< resources that imports introduce
  std::vector<ResourceAt> defined;   ///< resources that each instance makes anew
  uint32_t size = 1;
  uint16_t depth = 1;
  bool renameable = false;
};

/// Indices in `type` are canonical ids of the type registry.
using CoreEntity = wasm::ExternDesc;

struct ModuleSig {
  struct ImportItem {
    std::string_view module, name;
    CoreEntity type;
  };
  struct ExportItem {
    std::string_view name;
    CoreEntity type;
  };
  std::vector<ImportItem> imports;
  std::vector<ExportItem> exports;
  std::unordered_map<std::string_view, uint32_t> export_index;
  uint32_t size = 1;
  const CoreEntity* find_export(std::string_view name) const {
    auto found = export_index.find(name);
    return found == export_index.end() ? nullptr : &exports[found->second].type;
  }
};

/// Puts types in the place of others: resources by identity, or names of types one by one. Also
/// remembers the types that it has rewritten.
struct Renaming {
  std::unordered_map<ResourceId, ResourceId> resources;
  std::unordered_map<uint32_t, uint32_t> defined, funcs, instances, components, names;
  bool empty() const { return resources.empty() && defined.empty() && names.empty(); }
};

/// All resolved types of one validation. Ids are positions; addresses are stable. Only grows.
class Types {
 public:
  explicit Types(std::shared_ptr<wasm::TypeRegistry> registry) : registry_(std::move(registry)) {}

  const Defined& defined(uint32_t id) const { return defined_[id]; }
  const FuncSig& func(uint32_t id) const { return funcs_[id]; }
  const InstanceSig& instance(uint32_t id) const { return instances_[id]; }
  const ComponentSig& component(uint32_t id) const { return components_[id]; }
  const ModuleSig& module(uint32_t id) const { return modules_[id]; }
  /// The resource that a name stands for. Each import or export of a resource gives it one more
  /// name; types refer to names, since some names are visible outside and some are not.
  ResourceId resource_of(uint32_t name) const { return resource_names_[name]; }

  ResourceId new_resource() { return next_resource_++; }
  uint32_t name_resource(ResourceId id);

  // Adding computes facts. Errors: limit_exceeded, and what the specification says of sizes.
  Result<uint32_t> add(Defined type);
  /// A tuple that is an entry of a map; it may be as large as both its parts.
  Result<uint32_t> add_map_entry(Tuple entry);
  Result<uint32_t> add(FuncType type);
  Result<uint32_t> add(InstanceSig type);
  Result<uint32_t> add(ComponentSig type);
  Result<uint32_t> add(ModuleSig type);
  /// The same type under a new id, for a new name.
  Result<TypeRef> renamed(TypeRef type);

  // Copies with other resources; the same id where nothing changes.
  Result<ValType> rename(ValType type, Renaming& renaming);
  Result<uint32_t> rename_func(uint32_t id, Renaming& renaming);
  Result<uint32_t> rename_instance(uint32_t id, Renaming& renaming);
  Result<uint32_t> rename_component(uint32_t id, Renaming& renaming);
  Result<TypeRef> rename(TypeRef type, Renaming& renaming);
  Result<Entity> rename(const Entity& entity, Renaming& renaming);

  // Facts
  Layout layout(ValType type, bool is64) const;
  uint32_t flat_count(ValType type) const;
  bool has_borrow(ValType type) const {
    return !type.is_prim() && defined_[type.index()].has_borrow;
  }
  bool has_pointer(ValType type) const;
  bool renameable(const Entity& entity) const;
  uint32_t size(const Entity& entity) const;
  uint16_t depth(const Entity& entity) const;
  template <class Get>
  uint32_t measure(const Entity& entity, Get get) const;
  /// Appends the core types that a value flattens to; only for types of few.
  void flatten(ValType type, bool is64, std::vector<sedge::ValType>& out) const;

  wasm::TypeRegistry& registry() const { return *registry_; }
  const std::shared_ptr<wasm::TypeRegistry>& registry_ptr() const { return registry_; }
  /// Keeps canonical core types alive.
  void keep(wasm::TypeSet set) { core_types_.push_back(std::move(set)); }
  /// The canonical id of a core function type.
  Result<wasm::TypeId> core_func(const sedge::FuncType& type);

  /// Takes `steps` from the work that one validation may do.
  Result<void> work(uint64_t steps);

 private:
  template <typename Map>
  Result<bool> rename_all(Map& map, Renaming& renaming);
  Result<void> add_facts(Defined& type, uint64_t size_limit) const;
  Result<uint32_t> add(Defined type, uint64_t size_limit);

  std::shared_ptr<wasm::TypeRegistry> registry_;
  std::deque<Defined> defined_;
  std::deque<FuncSig> funcs_;
  std::deque<InstanceSig> instances_;
  std::deque<ComponentSig> components_;
  std::deque<ModuleSig> modules_;
  std::vector<ResourceId> resource_names_;
  std::vector<wasm::TypeSet> core_types_;
  ResourceId next_resource_ = 0;
  uint64_t work_left_ = 200'000'000;
};

/// Calls `visit(ValType)` for each type directly inside.
template <typename Variant_, typename Visit>
void for_each_inner(Variant_& type, Visit visit) {
  auto optional = [&](auto& inner) {
    if (inner) visit(*inner);
  };
  std::visit(
      [&](auto& t) {
        using T = std::remove_cvref_t<decltype(t)>;
        if constexpr (std::is_same_v<T, Record>) {
          for (auto& field : t.fields) visit(field.type);
        } else if constexpr (std::is_same_v<T, Variant>) {
          for (auto& next : t.cases) optional(next.type);
        } else if constexpr (std::is_same_v<T, Tuple>) {
          for (auto& inner : t.types) visit(inner);
        } else if constexpr (std::is_same_v<T, List> || std::is_same_v<T, FixedList>) {
          visit(t.element);
        } else if constexpr (std::is_same_v<T, Option>) {
          visit(t.type);
        } else if constexpr (std::is_same_v<T, ResultType>) {
          optional(t.ok);
          optional(t.error);
        } else if constexpr (std::is_same_v<T, Stream> || std::is_same_v<T, Future>) {
          optional(t.element);
        } else if constexpr (std::is_same_v<T, Map>) {
          visit(t.key);
          visit(t.value);
        }
      },
      type);
}

/// Discriminant of a variant of so many cases: bytes.
uint32_t discriminant_size(size_t cases);

inline constexpr uint32_t kMaxTypeSize = 1'000'000, kMaxTypeDepth = 100, kMaxValueSize = 1u << 28;

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_TYPES_H_
