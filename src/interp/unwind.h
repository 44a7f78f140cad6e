// Walking the frame records: landing places of exceptions, backtraces.
#ifndef SEDGE_INTERP_UNWIND_H_
#define SEDGE_INTERP_UNWIND_H_

#include "interp/code.h"

namespace sedge::interp {

/// The return address of the record that `invoke` makes.
const Word* exit_pc();

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

/// Remembers where a trap or an uncaught exception began. `pc` null: before any code ran.
inline void note_place(Context& context, const Word* pc, Instance* instance, FrameRecord* frame) {
  context.trap_pc = pc;
  context.trap_code = pc == nullptr ? nullptr : frame[-1].code;
  context.trap_instance = instance;
  context.trap_frame = frame;
}

}  // namespace sedge::interp

#endif  // SEDGE_INTERP_UNWIND_H_
