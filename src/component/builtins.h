// Canonical functions other than lift and lower, as core functions. Specification: CanonicalABI.md,
// "Canonical Definitions"; the order is that of definitions.py.
#ifndef SEDGE_COMPONENT_BUILTINS_H_
#define SEDGE_COMPONENT_BUILTINS_H_

#include <sedge/extern.h>

#include "component/instance.h"
#include "component/task.h"

namespace sedge::component {

/// The core function of `canon` for `inst`. It keeps what it needs of `canon`.
RawHostCallback builtin(ComponentInst& inst, const Canon& canon, AbiOptions options);
/// Of streams, futures and error contexts.
RawHostCallback copy_builtin(ComponentInst& inst, const Canon& canon, AbiOptions options);
/// Of threads.
RawHostCallback thread_builtin(ComponentInst& inst, const Canon& canon, AbiOptions options);

/// What an operation gives that has not ended.
inline constexpr uint32_t kBlocked = 0xffff'ffff;

/// The current thread, for a function that may block. Error: component_trap where no task runs.
Result<Thread*> blocking_thread(const ComponentInst& inst);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_BUILTINS_H_
