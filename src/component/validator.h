// Internals of component validation: the scopes around a definition, and one method for each kind.
// Not for users of validate.h.
#ifndef SEDGE_COMPONENT_VALIDATOR_H_
#define SEDGE_COMPONENT_VALIDATOR_H_

#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "component/names.h"
#include "component/subtype.h"
#include "component/validate.h"

namespace sedge::component {

/// Types that have a name outside: resource names and ids of defined types.
class NamedTypes {
 public:
  void add(TypeRef type) { keys_.insert(key(type)); }
  bool has(TypeRef type) const { return keys_.contains(key(type)); }
  void add_all(const NamedTypes& other) { keys_.insert(other.keys_.begin(), other.keys_.end()); }

 private:
  static uint64_t key(TypeRef type) { return static_cast<uint64_t>(type.kind) << 32 | type.id; }
  std::unordered_set<uint64_t> keys_;
};

/// Imports or exports of a scope: what is there, under which names, and which types they name.
struct ExternList {
  EntityMap entities;
  std::unordered_map<std::string, std::string_view> by_key;  ///< unique_key → the name as written
  NamedTypes named;
  std::unordered_map<ResourceId, std::string_view> resource_labels;
  std::unordered_set<std::string_view> labels;  ///< names of resources
};

struct Scope {
  enum class Kind : uint8_t { component, component_type, instance_type };
  Kind kind = Kind::component;
  IndexSpaces spaces;
  ExternList imports, exports;
  std::vector<ResourceAt> imported;       ///< resources that imports introduced
  std::vector<ResourceId> defined_order;  ///< resources that are new here
  std::unordered_set<ResourceId> defined;
  std::optional<sedge::ValType> context_type;  ///< of context.get and context.set
  bool has_start = false;
};

class Validator {
 public:
  /// Borrows all but `features`.
  Validator(Validated& out, Features features, const OnConstant& on_constant)
      : out_(out),
        types_(*out.types),
        subtyping_(types_),
        features_(features),
        on_constant_(on_constant) {}

  /// Validates a component; its ComponentSig.
  Result<uint32_t> component(const Component& component);

 private:
  // validate.cc
  Result<void> definition(const Definition& definition);
  Result<uint32_t> finish_component(Scope& scope);
  Result<void> check_defined_here(const Scope& scope, const EntityMap& map);
  Result<void> import(const Import& import);
  Result<void> export_(const Export& item);
  Result<void> add_extern(ExternList& list, bool is_import, const ExternName& name,
                          const Entity& entity);
  Result<void> check_name(const ExternList& list, bool is_import, const ExternName& name,
                          const Entity& entity);
  Result<void> check_annotation(const ExternList& list, std::string_view word,
                                const ParsedName& name, const Entity& entity);
  Result<void> check_attributes(const ExternName& name, const ParsedName& parsed,
                                const Entity& entity);
  /// Appends to the index space of the entity's sort.
  void push(const Entity& entity);
  Result<Entity> entity_at(const SortIdx& item);
  void name_types(NamedTypes& named, const Entity& entity);
  Result<void> start(const Start& start);
  Result<void> value(const Value& value);
  Result<void> use_value(uint32_t index);

  // validate_types.cc
  Result<void> type(const Type& type);
  Result<TypeRef> defined_type(const Type& type);
  Result<ValType> val_type(ValType type);
  Result<std::optional<ValType>> val_type(const std::optional<ValType>& type);
  Result<uint32_t> resource_name(uint32_t type_index);
  Result<void> check_labels(std::string_view what, std::string_view short_what,
                            const std::vector<std::string_view>& names);
  Result<TypeRef> resource_type(const ResourceType& type);
  Result<FuncType> func_type(const FuncType& type);
  Result<uint32_t> component_type(const ComponentType& type);
  Result<uint32_t> instance_type(const InstanceType& type);
  Result<TypeRef> type_at(uint32_t index);
  Result<uint32_t> func_at(uint32_t type_index);
  Result<Entity> extern_type(const ExternType& type);
  /// The entity with new resources for those that it introduces; they are found at `path`.
  Result<Entity> freshen(const Entity& entity, const ExternType& type, bool is_import,
                         std::string_view name);

  // validate_core.cc
  Result<void> core_module(const CoreModule& module);
  Result<void> core_type(const CoreType& type);
  Result<void> rec_group(const CoreRecGroup& group, std::vector<IndexSpaces::CoreTypeEntry>& space);
  Result<ModuleSig> module_type(const CoreModuleType& type);
  Result<void> core_instance(const CoreInstance& instance);
  Result<CoreEntity> core_entity(const SortIdx& item);
  Result<CoreEntity> canonical(const wasm::ExternDesc& type,
                               const std::vector<IndexSpaces::CoreTypeEntry>& space);
  void push_core(const CoreEntity& entity);
  Result<void> need_exceptions();

  // validate_instance.cc
  Result<void> instance(const Instance& instance);
  Result<void> instantiate(const Instance& instance);
  Result<void> alias(const Alias& alias);
  Result<void> outer_alias(const Alias& alias);
  bool has_free_resources(TypeRef type, std::unordered_set<ResourceId>& bound);
  bool entity_has_free_resources(const Entity& entity, std::unordered_set<ResourceId>& bound);

  // validate_canon.cc
  struct Options;
  Result<void> canon(const Canon& canon);
  Result<Options> options(const Canon& canon);
  Result<void> lift(const Canon& canon);
  Result<void> lower(const Canon& canon);
  Result<void> task_return(const Canon& canon);
  Result<void> stream_or_future(const Canon& canon);
  Result<void> resource_builtin(const Canon& canon);
  Result<void> context_builtin(const Canon& canon);
  Result<void> thread_builtin(const Canon& canon);
  Result<void> add_core_func(std::vector<sedge::ValType> params,
                             std::vector<sedge::ValType> results);
  Result<void> check_core_func(uint32_t index, const sedge::FuncType& type,
                               std::string_view option);
  Result<void> need_more_builtins(const char* what);
  const sedge::FuncType& core_signature(uint32_t core_func) const;

  Scope& scope() { return *scopes_.back(); }
  Result<void> need(Feature feature, std::string_view what);
  template <typename T>
  Result<const T*> at(const std::vector<T>& space, uint32_t index, Sort sort);

  Validated& out_;
  Types& types_;
  Subtyping subtyping_;
  Features features_;
  const OnConstant& on_constant_;
  std::vector<std::unique_ptr<Scope>> scopes_;
  uint32_t next_value_ = 0;  ///< Entity::id of the next value that is not known to be another
};

std::unexpected<Error> invalid(std::string text);

/// The entry of an index space, or the error that the index is out of bounds.
template <typename T>
Result<const T*> Validator::at(const std::vector<T>& space, uint32_t index, Sort sort) {
  if (index < space.size()) return &space[index];
  struct Row {
    ErrorCode code;
    const char* noun;
  };
  static constexpr Row kRows[kSortCount] = {
      {ErrorCode::unknown_function, "function"},  {ErrorCode::invalid_component, "value"},
      {ErrorCode::unknown_type, "type"},          {ErrorCode::invalid_component, "component"},
      {ErrorCode::invalid_component, "instance"}, {ErrorCode::unknown_function, "function"},
      {ErrorCode::unknown_table, "table"},        {ErrorCode::unknown_memory, "memory"},
      {ErrorCode::unknown_global, "global"},      {ErrorCode::unknown_tag, "tag"},
      {ErrorCode::unknown_type, "type"},          {ErrorCode::invalid_component, "module"},
      {ErrorCode::invalid_component, "instance"}};
  const Row& row = kRows[static_cast<size_t>(sort)];
  std::string place = row.code == ErrorCode::invalid_component
                          ? std::string(": unknown ") + row.noun + " " + std::to_string(index)
                          : " " + std::to_string(index);
  return fail(row.code, place + ": " + row.noun + " index out of bounds");
}

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_VALIDATOR_H_
