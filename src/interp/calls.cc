// Handlers of calls, tail calls and returns, and the entry from the host.
//
// Arguments lie at the top of the caller's operand stack, where they become the callee's first
// cells; results come back to the same cells (the first result also in its accumulator). A frame
// record keeps what the caller needs again. Tail calls move the arguments down to the frame's first
// cells and reuse the record, whose `instance` is always that of the function to return to: a
// return compares it with the running one, so that calls within an instance never reload memory 0.
#include <algorithm>

#include "interp/handler.h"
#include "interp/unwind.h"

namespace sedge::interp {

namespace {

/// Clears the first locals of a frame that starts at `fp`; lowering leaves room for them always.
[[gnu::always_inline]] inline void clear_locals(const FuncCode* code, Cell* fp) {
  Cell* locals = fp + code->param_cells;
  static_assert(kMinimumLocals == 4);
  locals[0] = locals[1] = locals[2] = locals[3] = 0;
}

[[gnu::always_inline]] inline bool has_room(const FuncCode* code, Cell* fp, const Context* ctx) {
  return fp + code->frame_cells <= ctx->stack_end;
}

[[gnu::noinline]] const FuncCode* lower_now(Instance* inst, uint32_t func_index) {
  auto code = inst->code->get(func_index);
  return code ? *code : nullptr;
}

/// Code of a wasm function; null if its frame is beyond every limit.
[[gnu::always_inline]] inline const FuncCode* code_of(vm::Func* func) {
  if (func->code != nullptr) [[likely]]
    return static_cast<const FuncCode*>(func->code);
  func->code = lower_now(func->instance, func->index);
  return static_cast<const FuncCode*>(func->code);
}

/// Calls a host function. `first`: its arguments and results; false when it did not return.
[[gnu::noinline]] Exit call_host(vm::Func* func, Context* ctx, Instance* inst,
                                 const Word* return_pc, Cell* fp, FrameRecord* frame, Cell* first) {
  if (frame == ctx->frames_end) {
    ctx->trap_code = nullptr;
    ctx->trap = TrapCode::call_stack_exhausted;
    return Exit::trap;
  }
  const FuncCode* code = running(frame);
  ctx->sp = fp + code->frame_cells;
  // Arguments of a tail call may reach further than what a frame needs otherwise.
  if (Cell* end = first + std::max(func->param_cells, func->result_cells); end > ctx->sp) {
    ctx->sp = end;
  }
  *frame = {return_pc, fp, inst, nullptr};
  ctx->frame = frame + 1;
  ctx->trap_code = nullptr;
  Exit exit = func->host(func->env, *ctx, inst, first);
  ctx->frame = frame;
  return exit;
}

}  // namespace

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
    pc = entered->entry;                                                          \
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

/// Calls `func`, any function of the store, with its arguments at `base`.
#define SEDGE_CALL(func, base, words)                                           \
  do {                                                                          \
    vm::Func* called = (func);                                                  \
    if (called->host != nullptr) {                                              \
      Cell* first = (base);                                                     \
      Exit exit = call_host(called, ctx, inst, pc + (words), fp, frame, first); \
      if (exit != Exit::returned) [[unlikely]] {                                \
        ra = static_cast<uint64_t>(exit);                                       \
        SEDGE_TAIL host_failed(SEDGE_HANDLER_ARGS);                             \
      }                                                                         \
      load_memory(inst, running(frame)->has_memory, mem, mem_size);             \
      load_accumulators(first, ra, rf, rd);                                     \
      SEDGE_NEXT(words);                                                        \
    }                                                                           \
    const FuncCode* code = code_of(called);                                     \
    if (code == nullptr) [[unlikely]]                                           \
      SEDGE_TRAP_NAMED(call_stack_exhausted);                                   \
    SEDGE_ENTER(code, base, words);                                             \
    if (called->instance != inst) {                                             \
      inst = called->instance;                                                  \
      load_memory(inst, code->has_memory, mem, mem_size);                       \
    }                                                                           \
    SEDGE_RUN(code);                                                            \
  } while (false)

/// Replaces the running function by `func`, whose arguments lie from `base` on.
#define SEDGE_TAIL_CALL(func, base)                                                       \
  do {                                                                                    \
    vm::Func* called = (func);                                                            \
    if (called->host != nullptr) {                                                        \
      /* A host function needs no frame of ours: it gets its arguments where they lie. */ \
      Cell* first = (base);                                                               \
      Exit exit = call_host(called, ctx, inst, pc + 1, fp, frame, first);                 \
      if (exit != Exit::returned) [[unlikely]] {                                          \
        ra = static_cast<uint64_t>(exit);                                                 \
        SEDGE_TAIL host_failed(SEDGE_HANDLER_ARGS);                                       \
      }                                                                                   \
      for (uint32_t i = 0; i < called->result_cells; i++) fp[i] = first[i];               \
      load_memory(inst, running(frame)->has_memory, mem, mem_size);                       \
      load_accumulators(fp, ra, rf, rd);                                                  \
      SEDGE_RETURN();                                                                     \
    }                                                                                     \
    const FuncCode* code = code_of(called);                                               \
    if (code == nullptr || !has_room(code, fp, ctx)) [[unlikely]]                         \
      SEDGE_TRAP_NAMED(call_stack_exhausted);                                             \
    const Cell* from = (base);                                                            \
    for (uint32_t i = 0; i < code->param_cells; i++) fp[i] = from[i];                     \
    frame[-1].code = code;                                                                \
    clear_locals(code, fp);                                                               \
    pc = code->entry;                                                                     \
    if (called->instance != inst) {                                                       \
      inst = called->instance;                                                            \
      load_memory(inst, code->has_memory, mem, mem_size);                                 \
    }                                                                                     \
    SEDGE_RUN(code);                                                                      \
  } while (false)

/// The common case of SEDGE_CALL without its frame: a wasm function of this instance that ran
/// before.
#define SEDGE_CALL_NEAR(func, base, words)                                \
  do {                                                                    \
    if ((func)->instance == inst && (func)->code != nullptr) [[likely]] { \
      const auto* near = static_cast<const FuncCode*>((func)->code);      \
      SEDGE_ENTER(near, base, words);                                     \
      SEDGE_RUN(near);                                                    \
    }                                                                     \
  } while (false)

namespace {

[[gnu::always_inline]] inline void load_accumulators(const Cell* from, uint64_t& ra, float& rf,
                                                     double& rd) {
  ra = from[0];
  rf = load_cell<float>(from);
  rd = load_cell<double>(from);
}

/// The callee of an indirect call, or null with the reason in `code`.
[[gnu::always_inline]] inline vm::Func* indirect_callee(const Word* pc, const Instance* inst,
                                                        vm::Context* ctx, uint64_t index,
                                                        TrapCode& code) {
  const vm::Table* table = inst->tables[operand<uint32_t>(pc, 4)];
  if (index >= table->size) [[unlikely]] {
    code = TrapCode::undefined_element;
    ctx->trap_index = index;
    return nullptr;
  }
  auto* func = reinterpret_cast<vm::Func*>(table->elements[index]);
  if (func == nullptr) [[unlikely]] {
    code = TrapCode::uninitialized_element;
    ctx->trap_index = index;
    return nullptr;
  }
  if (func->type != operand<uint32_t>(pc, 8) &&
      !func->canon->is_subtype_of(*inst->canon_types[operand<uint32_t>(pc, 12)])) [[unlikely]] {
    code = TrapCode::indirect_call_type_mismatch;
    return nullptr;
  }
  return func;
}

}  // namespace

namespace handler {

SEDGE_HANDLER(call) {
  const FuncCode* code = operand<const CodeSlot*>(pc, 8)->load(std::memory_order_acquire);
  if (code == nullptr) [[unlikely]]
    SEDGE_TAIL call_lower(SEDGE_HANDLER_ARGS);
  SEDGE_ENTER(code, fp + cell_at(pc, 0), 3);
  SEDGE_RUN(code);
}
SEDGE_HANDLER(clear_rest) {
  const FuncCode* code = running(frame);
  __builtin_memset(fp + code->param_cells + kMinimumLocals, 0,
                   (code->zero_cells - kMinimumLocals) * sizeof(Cell));
  SEDGE_DISPATCH();
}
SEDGE_HANDLER(call_lower) {
  auto* place = operand<const CodeSlot*>(pc, 8);
  const ModuleCode::Impl& module = inst->code->impl();
  auto index = static_cast<uint32_t>(place - module.slots.get()) + module.imported_funcs;
  if (lower_now(inst, index) == nullptr) SEDGE_TRAP_NAMED(call_stack_exhausted);
  SEDGE_DISPATCH();
}
SEDGE_HANDLER(call_import) {
  SEDGE_CALL(inst->imported_funcs[operand<uint32_t>(pc, 4)], fp + cell_at(pc, 0), 2);
}
SEDGE_HANDLER(call_indirect) {
  const vm::Table* table = inst->tables[operand<uint32_t>(pc, 4)];
  const auto index = slot<uint32_t>(pc, fp, 2);
  if (index < table->size) [[likely]] {
    auto* func = reinterpret_cast<vm::Func*>(table->elements[index]);
    if (func != nullptr && func->type == operand<uint32_t>(pc, 8)) [[likely]]
      SEDGE_CALL_NEAR(func, fp + cell_at(pc, 0), 3);
  }
  SEDGE_TAIL call_indirect_any(SEDGE_HANDLER_ARGS);
}
SEDGE_HANDLER(call_indirect_any) {
  TrapCode why{};
  vm::Func* func = indirect_callee(pc, inst, ctx, slot<uint32_t>(pc, fp, 2), why);
  if (func == nullptr) [[unlikely]]
    SEDGE_TRAP(why);
  SEDGE_CALL(func, fp + cell_at(pc, 0), 3);
}
SEDGE_HANDLER(call_indirect64) {
  TrapCode why{};
  vm::Func* func = indirect_callee(pc, inst, ctx, slot<uint64_t>(pc, fp, 2), why);
  if (func == nullptr) [[unlikely]]
    SEDGE_TRAP(why);
  SEDGE_CALL(func, fp + cell_at(pc, 0), 3);
}
SEDGE_HANDLER(call_ref) {
  auto* func = reinterpret_cast<vm::Func*>(slot<uint64_t>(pc, fp, 2));
  if (func == nullptr) [[unlikely]]
    SEDGE_TRAP_NAMED(null_function_reference);
  SEDGE_CALL_NEAR(func, fp + cell_at(pc, 0), 2);
  SEDGE_TAIL call_ref_any(SEDGE_HANDLER_ARGS);
}
SEDGE_HANDLER(call_ref_any) {
  SEDGE_CALL(reinterpret_cast<vm::Func*>(slot<uint64_t>(pc, fp, 2)), fp + cell_at(pc, 0), 2);
}

SEDGE_HANDLER(return_call) {
  const FuncCode* code = operand<const CodeSlot*>(pc, 8)->load(std::memory_order_acquire);
  if (code == nullptr) [[unlikely]]
    SEDGE_TAIL call_lower(SEDGE_HANDLER_ARGS);
  if (!has_room(code, fp, ctx)) [[unlikely]]
    SEDGE_TRAP_NAMED(call_stack_exhausted);
  const Cell* from = fp + cell_at(pc, 0);
  for (uint32_t i = 0; i < code->param_cells; i++) fp[i] = from[i];
  frame[-1].code = code;
  clear_locals(code, fp);
  pc = code->entry;
  SEDGE_RUN(code);
}
SEDGE_HANDLER(return_call_import) {
  SEDGE_TAIL_CALL(inst->imported_funcs[operand<uint32_t>(pc, 4)], fp + cell_at(pc, 0));
}
SEDGE_HANDLER(return_call_indirect) {
  TrapCode why{};
  vm::Func* func = indirect_callee(pc, inst, ctx, slot<uint32_t>(pc, fp, 2), why);
  if (func == nullptr) [[unlikely]]
    SEDGE_TRAP(why);
  SEDGE_TAIL_CALL(func, fp + cell_at(pc, 0));
}
SEDGE_HANDLER(return_call_indirect64) {
  TrapCode why{};
  vm::Func* func = indirect_callee(pc, inst, ctx, slot<uint64_t>(pc, fp, 2), why);
  if (func == nullptr) [[unlikely]]
    SEDGE_TRAP(why);
  SEDGE_TAIL_CALL(func, fp + cell_at(pc, 0));
}
SEDGE_HANDLER(return_call_ref) {
  auto* func = reinterpret_cast<vm::Func*>(slot<uint64_t>(pc, fp, 2));
  if (func == nullptr) [[unlikely]]
    SEDGE_TRAP_NAMED(null_function_reference);
  SEDGE_TAIL_CALL(func, fp + cell_at(pc, 0));
}

SEDGE_HANDLER(return_void) { SEDGE_RETURN(); }
SEDGE_HANDLER(return_acc_i) {
  fp[0] = ra;
  SEDGE_RETURN();
}
SEDGE_HANDLER(return_acc_f) {
  store_cell<float>(fp, rf);
  SEDGE_RETURN();
}
SEDGE_HANDLER(return_acc_d) {
  store_cell<double>(fp, rd);
  SEDGE_RETURN();
}
SEDGE_HANDLER(return_slot_i) {
  ra = slot<uint64_t>(pc, fp, 0);
  fp[0] = ra;
  SEDGE_RETURN();
}
SEDGE_HANDLER(return_slot_f) {
  rf = slot<float>(pc, fp, 0);
  store_cell<float>(fp, rf);
  SEDGE_RETURN();
}
SEDGE_HANDLER(return_slot_d) {
  rd = slot<double>(pc, fp, 0);
  store_cell<double>(fp, rd);
  SEDGE_RETURN();
}
SEDGE_HANDLER(return_const_i) {
  ra = operand<uint64_t>(pc, 8);
  fp[0] = ra;
  SEDGE_RETURN();
}
SEDGE_HANDLER(return_cells) {
  const Cell* from = fp + cell_at(pc, 0);
  for (uint32_t i = 0, n = operand<uint32_t>(pc, 4); i < n; i++) fp[i] = from[i];
  SEDGE_RETURN();
}

SEDGE_HANDLER(exit_to_host) { return Exit::returned; }

SEDGE_HANDLER(returned_across) {
  inst = frame->instance;
  // At the bottom nothing runs that could look at memory.
  if (pc != exit_pc()) load_memory(inst, running(frame)->has_memory, mem, mem_size);
  SEDGE_DISPATCH();
}

SEDGE_HANDLER(throw_) {
  publish(ctx, fp, frame);
  GcRef exception = 0;
  vm::Tag* tag = inst->tags[operand<uint32_t>(pc, 4)];
  Exit exit = ctx->builtins->exception_new(inst, tag, fp + cell_at(pc, 0), &exception);
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  ctx->exception = exception;
  ctx->trap_code = nullptr;
  SEDGE_TAIL unwind(SEDGE_HANDLER_ARGS);
}
SEDGE_HANDLER(throw_ref) {
  auto exception = slot<GcRef>(pc, fp, 0);
  if (exception == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_exception_reference);
  ctx->exception = exception;
  ctx->trap_code = nullptr;
  SEDGE_TAIL unwind(SEDGE_HANDLER_ARGS);
}

SEDGE_HANDLER(unwind) {
  Landing at{pc, fp, inst, frame};
  if (!find_landing(*ctx, at)) {
    if (ctx->trap_code == nullptr) note_place(*ctx, pc, inst, frame);
    return Exit::exception;
  }
  pc = at.pc;
  fp = at.fp;
  inst = at.instance;
  frame = at.frame;
  load_memory(inst, running(frame)->has_memory, mem, mem_size);
  SEDGE_DISPATCH();
}

SEDGE_HANDLER(host_failed) {
  auto exit = static_cast<Exit>(ra);
  if (exit == Exit::exception) SEDGE_TAIL unwind(SEDGE_HANDLER_ARGS);
  // A trap deeper down, in wasm that the host function called, keeps its own place.
  if (ctx->trap_code == nullptr) note_place(*ctx, pc, inst, frame);
  return exit;
}

SEDGE_HANDLER(trapped) {
  note_place(*ctx, pc, inst, frame);
  return Exit::trap;
}

SEDGE_HANDLER(out_of_bounds) {
  if (running(frame)->has_memory) {
    uint64_t size = inst->memories[0]->size.load(std::memory_order_acquire);
    if (size != mem_size) {
      mem_size = size;
      SEDGE_DISPATCH();
    }
  }
  SEDGE_TRAP_NAMED(out_of_bounds_memory_access);
}

}  // namespace handler

const Word* exit_pc() {
  static const Word kExit = reinterpret_cast<Word>(&handler::exit_to_host);
  return &kExit;
}

Exit invoke(Context& context, vm::Func& func, Cell* args) {
  if (context.host_depth >= context.max_host_depth) {
    context.trap = TrapCode::call_stack_exhausted;
    note_place(context, nullptr, nullptr, context.frame);
    return Exit::trap;
  }
  context.host_depth++;
  Cell* const sp = context.sp;
  FrameRecord* const frame = context.frame;
  Exit exit;
  if (func.host != nullptr) {
    exit = func.host(func.env, context, nullptr, args);
  } else {
    const FuncCode* code = code_of(&func);
    if (code == nullptr || !has_room(code, sp, &context) || frame == context.frames_end) {
      context.trap = TrapCode::call_stack_exhausted;
      note_place(context, nullptr, nullptr, frame);
      exit = Exit::trap;
    } else {
      *frame = {exit_pc(), nullptr, func.instance, code};
      for (uint32_t i = 0; i < func.param_cells; i++) sp[i] = args[i];
      std::fill_n(sp + code->param_cells, code->zero_cells, Cell{0});
      uint8_t* mem;
      uint64_t mem_size;
      load_memory(func.instance, code->has_memory, mem, mem_size);
      auto start = reinterpret_cast<Handler>(*code->entry);
      exit = start(code->entry, sp, func.instance, mem, mem_size, &context, frame + 1, 0, 0, 0);
      if (exit == Exit::returned) {
        for (uint32_t i = 0; i < func.result_cells; i++) args[i] = sp[i];
      }
    }
  }
  context.sp = sp;
  context.frame = frame;
  context.host_depth--;
  return exit;
}

}  // namespace sedge::interp
