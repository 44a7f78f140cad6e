// The table of runtime helpers (builtin.def) that a Context points to.
#ifndef SEDGE_VM_BUILTIN_H_
#define SEDGE_VM_BUILTIN_H_

#include "vm/layout.h"

namespace sedge::vm {

struct Builtins {
#define SEDGE_BUILTIN(result, name, parameters, gc) result(*name) parameters;
#include "vm/builtin.def"
#undef SEDGE_BUILTIN
};

}  // namespace sedge::vm

#endif  // SEDGE_VM_BUILTIN_H_
