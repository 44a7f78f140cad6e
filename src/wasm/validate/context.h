// What validation knows about a module outside its function bodies: index spaces with imports
// resolved to their types, features, and the module's canonical types. Spec: "Validation",
// "Contexts".
#ifndef SEDGE_WASM_VALIDATE_CONTEXT_H_
#define SEDGE_WASM_VALIDATE_CONTEXT_H_

#include <optional>
#include <string_view>
#include <vector>

#include <sedge/error.h>
#include <sedge/feature.h>

#include "wasm/module.h"
#include "wasm/type_registry.h"

namespace sedge::wasm::validation {

struct Context {
  const Module& module;
  Features features;
  TypeSet types;
  std::vector<TypeIdx> funcs;               ///< type index of each function
  std::vector<const FuncType*> signatures;  ///< type of each function
  std::vector<TableType> tables;
  std::vector<MemoryType> memories;
  std::vector<GlobalType> globals;
  std::vector<const FuncType*> tags;
  std::vector<ValType> elems;        ///< element type of each segment
  std::vector<bool> declared_funcs;  ///< those that `ref.func` may name in bodies

  bool matches(ValType sub, ValType super) const {
    return sub == super ||
           types.registry()->matches(canonical(sub, types), canonical(super, types));
  }
  bool matches(HeapType sub, HeapType super) const {
    return matches(ValType::reference(sub, true), ValType::reference(super, true));
  }
};

/// feature_disabled for `what` ("operator i32.atomic.load").
Error feature_error(Feature feature, std::string_view what, Location location);

/// Index bounds and features of a value type (or of a storage type).
Result<void> check_value_type(const Module& module, Features features, ValType type,
                              Location location);

Result<void> check_value_type(uint32_t type_count, Features features, ValType type,
                              Location location);

/// Composite types, subtyping declarations and their bounds; then registers them.
Result<TypeSet> validate_types(const Module& module, Features features,
                               const std::shared_ptr<TypeRegistry>& registry);

/// How bodies are walked: with the quick path, or by the full rules alone (tests compare the two).
enum class Walk : uint8_t { quick, full };
/// `validate`.
Result<TypeSet> validate_module(const Module& module, Features features,
                                const std::shared_ptr<TypeRegistry>& registry, Walk walk);

}  // namespace sedge::wasm::validation

#endif  // SEDGE_WASM_VALIDATE_CONTEXT_H_
