// Handlers of calls, tail calls and returns between functions of the interpreter and of the host.
#include "interp/call.h"

namespace sedge::interp {

namespace {

/// Calls a host function. `first`: its arguments and results; false when it did not return.
[[gnu::noinline]] Exit call_host(vm::Func* func, Context* ctx, Instance* inst,
                                 const Word* return_pc, Cell* fp, FrameRecord* frame, Cell* first) {
  if (frame == ctx->frames_end) {
    ctx->trace_count = 0;
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
  ctx->trace_count = 0;
  Exit exit = func->host(func->env, *ctx, inst, first);
  ctx->frame = frame;
  return exit;
}

}  // namespace

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
    pc = entry_of(code);                                                                  \
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
  clear_rest_of(running(frame), fp);
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
  pc = entry_of(code);
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
  ctx->trace_count = 0;
  SEDGE_TAIL unwind(SEDGE_HANDLER_ARGS);
}
SEDGE_HANDLER(throw_ref) {
  auto exception = slot<GcRef>(pc, fp, 0);
  if (exception == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_exception_reference);
  ctx->exception = exception;
  ctx->trace_count = 0;
  SEDGE_TAIL unwind(SEDGE_HANDLER_ARGS);
}

SEDGE_HANDLER(unwind) {
  Landing at{pc, fp, inst, frame};
  if (!find_landing(*ctx, at)) {
    if (ctx->trace_count == 0) note_place(*ctx, pc, inst, frame);
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
  if (ctx->trace_count == 0) note_place(*ctx, pc, inst, frame);
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

const FuncCode* lower_now(Instance* inst, uint32_t func_index) {
  auto code = inst->code->get(func_index);
  return code ? *code : nullptr;
}

}  // namespace sedge::interp
