// What handlers of calls in both directions between tiers share: entering and leaving frames.
//
// Arguments lie at the top of the caller's operand stack, where they become the callee's first
// cells; results come back to the same cells (the first result also in its accumulator). A frame
// record keeps what the caller needs again. Tail calls move the arguments down to the frame's first
// cells and reuse the record, whose `instance` is always that of the function to return to: a
// return compares it with the running one, so that calls within an instance never reload memory 0.
#ifndef SEDGE_INTERP_CALL_H_
#define SEDGE_INTERP_CALL_H_

#include <algorithm>

#include "interp/handler.h"
#include "interp/unwind.h"

namespace sedge::interp {

/// Clears the first locals of a frame that starts at `fp`; lowering leaves room for them always.
[[gnu::always_inline]] inline void clear_locals(const FuncCode* code, Cell* fp) {
  Cell* locals = fp + code->param_cells;
  static_assert(kMinimumLocals == 4);
  locals[0] = locals[1] = locals[2] = locals[3] = 0;
}

[[gnu::always_inline]] inline void clear_rest_of(const FuncCode* code, Cell* fp) {
  if (code->zero_cells > kMinimumLocals) {
    __builtin_memset(fp + code->param_cells + kMinimumLocals, 0,
                     (code->zero_cells - kMinimumLocals) * sizeof(Cell));
  }
}

[[gnu::always_inline]] inline bool has_room(const FuncCode* code, Cell* fp, const Context* ctx) {
  return fp + code->frame_cells <= ctx->stack_end;
}

/// Code of a function that is called for the first time; null if its frame is beyond every limit.
const FuncCode* lower_now(Instance* inst, uint32_t func_index);

/// Code of a wasm function; null if its frame is beyond every limit.
[[gnu::always_inline]] inline const FuncCode* code_of(vm::Func* func) {
  if (func->code != nullptr) [[likely]]
    return static_cast<const FuncCode*>(func->code);
  func->code = lower_now(func->instance, func->index);
  return static_cast<const FuncCode*>(func->code);
}

[[gnu::always_inline]] inline void load_accumulators(const Cell* from, uint64_t& ra, float& rf,
                                                     double& rd) {
  ra = from[0];
  rf = load_cell<float>(from);
  rd = load_cell<double>(from);
}

/// Where a function starts: its own code, or enter_native.
[[gnu::always_inline]] inline const Word* entry_of(const FuncCode* code) {
  return code->entry.load(std::memory_order_relaxed);
}

/// Enters `code` with its frame at `base`; goes on behind this instruction of `words` words.
/// SEDGE_RUN follows, when instance and memory are those of `code`.
#define SEDGE_ENTER(code, base, words)                                            \
  do {                                                                            \
    const FuncCode* entered = (code);                                             \
    Cell* new_fp = (base);                                                        \
    if (!has_room(entered, new_fp, ctx) || frame == ctx->frames_end) [[unlikely]] \
      SEDGE_TRAP_NAMED(call_stack_exhausted);                                     \
    *frame = {pc + (words), fp, inst, entered};                                   \
    frame++;                                                                      \
    fp = new_fp;                                                                  \
    pc = entry_of(entered);                                                       \
    clear_locals(entered, fp);                                                    \
  } while (false)

/// Starts the function that was just entered.
#define SEDGE_RUN(code)                                                                 \
  do {                                                                                  \
    if ((code)->zero_cells > kMinimumLocals) SEDGE_TAIL clear_rest(SEDGE_HANDLER_ARGS); \
    SEDGE_DISPATCH();                                                                   \
  } while (false)

#define SEDGE_RETURN()                                \
  do {                                                \
    frame--;                                          \
    pc = static_cast<const Word*>(frame->return_pc);  \
    fp = frame->fp;                                   \
    if (frame->instance != inst) [[unlikely]]         \
      SEDGE_TAIL returned_across(SEDGE_HANDLER_ARGS); \
    SEDGE_DISPATCH();                                 \
  } while (false)

}  // namespace sedge::interp

#endif  // SEDGE_INTERP_CALL_H_
