// Backtraces are captured in two steps: the places while the frames stand (bounded, without
// allocation: also from the signal handler's stub), their functions and offsets later
// (interp::take_backtrace).
#ifndef SEDGE_RUNTIME_TRACE_H_
#define SEDGE_RUNTIME_TRACE_H_

#include "vm/layout.h"

namespace sedge::runtime {

/// Captures a backtrace that begins with an interpreter frame. `code` null: with its caller.
/// `records`: end of the frame records.
void capture_trace(vm::Context& context, const void* code, const void* pc, vm::Instance* instance,
                   const vm::FrameRecord* records);

/// Captures a backtrace that begins in native code: at `place` in the function with this frame
/// pointer; or, without a place, at the caller of the function with this frame address; or, with
/// neither, where the records end.
void capture_native_trace(vm::Context& context, const void* place, const void* frame);

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_TRACE_H_
