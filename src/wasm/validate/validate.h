// Validation of a decoded or parsed module: one algorithm for binary and text. Spec: chapter
// "Validation" and appendix "Validation Algorithm".
#ifndef SEDGE_WASM_VALIDATE_VALIDATE_H_
#define SEDGE_WASM_VALIDATE_VALIDATE_H_

#include <memory>
#include <span>
#include <vector>

#include <sedge/error.h>
#include <sedge/feature.h>

#include "wasm/module.h"
#include "wasm/type_registry.h"

namespace sedge::wasm {

/// Facts that validation finds and that compilation needs.
struct Validated {
  TypeSet types;  ///< canonical types of the module, by type index
};

/// Validates everything. Errors: phase invalid with the byte offset of the instruction or
/// definition, and the function as context; feature_disabled where an operator or type needs a
/// feature that is off.
Result<Validated> validate(const Module& module, Features features,
                           const std::shared_ptr<TypeRegistry>& registry);

/// Validates and registers one recursion group that stands outside of a module, behind types that
/// have the ids `earlier`. Errors as `validate`'s, without a place.
Result<TypeSet> validate_rec_group(std::span<const SubType> group, bool is_explicit,
                                   const std::vector<TypeId>& earlier, Features features,
                                   const std::shared_ptr<TypeRegistry>& registry);

/// Whether every branch hint of a valid module names a branch. Apart from `validate`, since custom
/// sections never make a module invalid. Error: bad_branch_hint.
Result<void> validate_branch_hints(const Module& module);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_VALIDATE_VALIDATE_H_
