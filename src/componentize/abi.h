// Core signatures of component functions (CanonicalABI.md, "Flattening").
#ifndef SEDGE_COMPONENTIZE_ABI_H_
#define SEDGE_COMPONENTIZE_ABI_H_

#include <sedge/types.h>

#include "wit/model.h"

namespace sedge::componentize {

enum class Abi : uint8_t {
  lower,        ///< a synchronous import
  lower_async,  ///< an import that gives a subtask back
  lift,         ///< a synchronous export
  lift_callback,
  lift_stackful,
};

/// What core code sees of a function, and which canonical options that takes.
struct CoreSignature {
  FuncType type;
  bool memory = false;   ///< something is passed in memory
  bool realloc = false;  ///< the callee of the adapter has to allocate
  bool strings = false;  ///< a string encoding matters
};
CoreSignature core_signature(const wit::Resolve& resolve, const wit::Function& function, Abi abi);
/// task.return of a function: its result as parameters.
CoreSignature task_return_signature(const wit::Resolve& resolve, const wit::Function& function);
/// Whether values of the type are passed in memory, or hold strings (see CoreSignature).
CoreSignature payload_needs(const wit::Resolve& resolve, const std::optional<wit::Type>& type);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_ABI_H_
