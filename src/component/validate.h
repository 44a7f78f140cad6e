// Validation of a component with everything nested in it, core modules included. Specification:
// Explainer.md, Binary.md ("Validation …" in its notes) and CanonicalABI.md ("validation
// specifies").
#ifndef SEDGE_COMPONENT_VALIDATE_H_
#define SEDGE_COMPONENT_VALIDATE_H_

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include <sedge/error.h>
#include <sedge/feature.h>

#include "component/ast.h"
#include "component/types.h"

namespace sedge::component {

/// A resource type that a component defines.
struct LocalResource {
  sedge::ValType rep = sedge::ValType::i32;
  std::optional<uint32_t> destructor;  ///< core func index
};

/// The index spaces of one scope, resolved: the type of everything in them.
struct IndexSpaces {
  struct CoreTypeEntry {
    bool is_module = false;
    uint32_t id = 0;  ///< ModuleSig, or canonical id of the type registry
  };
  struct ValueEntry {
    ValType type = PrimType::bool_;
    bool used = false;
    uint32_t id = 0;                  ///< Entity::id
    const Value* constant = nullptr;  ///< what defines it, if that is a constant
  };
  std::vector<CoreTypeEntry> core_types;
  std::vector<uint32_t> core_modules;    ///< ModuleSig
  std::vector<uint32_t> core_instances;  ///< in `core_instance_exports`
  std::vector<wasm::TypeId> core_funcs, core_tags;
  std::vector<TableType> core_tables;
  std::vector<MemoryType> core_memories;
  std::vector<GlobalType> core_globals;
  std::vector<TypeRef> types;
  std::vector<uint32_t> components, instances, funcs;  ///< ComponentSig, InstanceSig, FuncSig
  std::vector<ValueEntry> values;
  std::vector<std::unordered_map<std::string_view, CoreEntity>> core_instance_exports;
  std::unordered_map<ResourceId, LocalResource> local_resources;
  bool async_ = false;  ///< a canonical function is asynchronous or has to do with tasks
};

/// What is known of one component.
struct ComponentInfo {
  IndexSpaces spaces;
  uint32_t sig = 0;  ///< ComponentSig
};

/// A core module inside a component, decoded and valid.
struct CheckedModule {
  wasm::Module syntax;
  wasm::TypeSet types;
};

struct Validated {
  std::shared_ptr<Types> types;
  /// Of the component and of those nested in it, by address: the component must stay in its place.
  std::unordered_map<const Component*, ComponentInfo> components;
  /// Those of all of them, by address.
  std::unordered_map<const CoreModule*, CheckedModule> modules;
};

/// All features, those that must be asked for included: for those who ask for types and leave it to
/// others to refuse.
Features every_feature();

/// Called with each constant in their order, before it is read as a value of its type. An error
/// ends the validation.
using OnConstant = std::function<Result<void>(const Types& types, ValType type, const Value&)>;

/// Validates `component`. Errors: phase invalid with the offset of the definition; malformed for a
/// core module inside that is; feature_disabled for what `features` leaves out; limit_exceeded.
/// Views in the result borrow the component's storage.
Result<Validated> validate(const Component& component, Features features,
                           const std::shared_ptr<wasm::TypeRegistry>& registry,
                           const OnConstant& on_constant = {});

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_VALIDATE_H_
