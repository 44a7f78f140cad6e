// Walking the frame records: landing places of exceptions, backtraces.
#ifndef SEDGE_INTERP_UNWIND_H_
#define SEDGE_INTERP_UNWIND_H_

#include "interp/code.h"
#include "runtime/trace.h"

namespace sedge::interp {

/// The return address of records of calls that come from outside the interpreter.
extern const Word kExitWord;
inline const Word* exit_pc() { return &kExitWord; }
/// The first instruction of functions that have native code.
extern const Word kNativeWord;

/// A place in running code.
struct Landing {
  const Word* pc;
  Cell* fp;
  Instance* instance;
  FrameRecord* frame;  ///< end of the records
};

/// Looks for the handler of Context::exception, thrown at `at`, down to the entry from the host.
/// If there is one: puts payload and exnref into its cells, and the place to go on into `at`.
bool find_landing(Context& context, Landing& at);

/// Captures where a trap or an uncaught exception began.
inline void note_place(Context& context, const Word* pc, Instance* instance, FrameRecord* frame) {
  runtime::capture_trace(context, frame[-1].code, pc, instance, frame);
}

}  // namespace sedge::interp

#endif  // SEDGE_INTERP_UNWIND_H_
