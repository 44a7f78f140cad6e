// Operators that native code leaves to C++: one function for each pure row of op.def, computed by
// its eval function. Context::op_helpers points to this table.
#ifndef SEDGE_RUNTIME_OP_HELPER_H_
#define SEDGE_RUNTIME_OP_HELPER_H_

#include "vm/layout.h"
#include "wasm/op.h"

namespace sedge::runtime {

/// By wasm::Op; null where the operator is not pure (memory, control, references…).
extern const vm::OpHelper kOpHelpers[wasm::kOpCount];

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_OP_HELPER_H_
