// Where the interpreter meets native code and the host: the initial entry of every function's slot,
// the handlers that call native code on a frame of the interpreter, the slot of host functions, and
// `invoke`. No mix of tail calls grows a stack: a frame at the bottom of its loop of handlers
// leaves the loop before native code takes its place.
#include "interp/call.h"
#include "runtime/fault_handler.h"

namespace sedge::interp {

namespace {

/// How a loop of handlers ends when Context::tail is to run in the place of its bottom frame.
constexpr auto kTailCall = static_cast<Exit>(4);

vm::NativeEntry native_entry(const void* entry) {
  return reinterpret_cast<vm::NativeEntry>(const_cast<void*>(entry));
}

[[gnu::always_inline]] inline bool is_bottom(const FrameRecord* frame) {
  return frame[-1].return_pc == exit_pc();
}

// Sanitizers put variables into memory that they reach through a register which calls of the two
// conventions without preserved registers destroy. So those calls have functions of their own. Nor
// do functions made at run time carry what -fsanitize=function looks for.
#define SEDGE_CALLS_NATIVE [[clang::no_sanitize("function")]]
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEDGE_MAY_CALL_NATIVE [[gnu::noinline]]
#else
#define SEDGE_MAY_CALL_NATIVE [[gnu::always_inline]] inline
#endif

/// Calls native code from a function that saves registers itself, once for all that it does.
SEDGE_CALLS_NATIVE SEDGE_MAY_CALL_NATIVE Exit enter_native_code(const void* entry, Context* context,
                                                                Instance* inst, Cell* fp,
                                                                uint32_t index) {
  using Entry = Exit(SEDGE_NATIVE_CONVENTION*)(Context*, Instance*, Cell*, uint8_t*, uint32_t,
                                               vm::Func*) noexcept;
  return reinterpret_cast<Entry>(const_cast<void*>(entry))(context, inst, fp, inst->memory_base,
                                                           index, nullptr);
}

SEDGE_CALLS_NATIVE [[gnu::noinline]] Exit call_native(const void* entry, Context* context,
                                                      Instance* inst, Cell* fp, uint32_t index) {
  return enter_native_code(entry, context, inst, fp, index);
}

[[gnu::noinline]] Exit start_loop(const Word* pc, Context* context, Instance* inst, Cell* fp,
                                  FrameRecord* frame, uint8_t* mem, uint64_t mem_size) {
  return reinterpret_cast<Handler>(*pc)(pc, fp, inst, mem, mem_size, context, frame, 0, 0, 0);
}

/// Runs a loop of handlers from the start of `code`, whose arguments lie at `fp`, until the record
/// below `frame` returns.
Exit run_loop(Context& context, const FuncCode* code, Instance* inst, Cell* fp,
              FrameRecord* frame) {
  clear_locals(code, fp);
  clear_rest_of(code, fp);
  uint8_t* mem;
  uint64_t mem_size;
  load_memory(inst, code->has_memory, mem, mem_size);
  return start_loop(entry_of(code), &context, inst, fp, frame, mem, mem_size);
}

/// The bottom frame of the running loop goes on in native code.
[[gnu::noinline]] void leave_loop(Context* context, const void* entry, Instance* inst,
                                  uint32_t index) {
  context->tail = {entry, inst, index};
}

/// A function finds no room. `frame_address`: where native code called it; else null.
[[gnu::noinline, gnu::cold, clang::not_tail_called]] Exit exhausted(Context* context,
                                                                    const void* frame_address) {
  context->trap = TrapCode::call_stack_exhausted;
  runtime::capture_native_trace(*context, nullptr, frame_address);
  return Exit::trap;
}

/// A host function that native code called has failed: the backtrace is of this place.
[[gnu::noinline, gnu::cold, clang::not_tail_called]] Exit host_failed(Context* ctx, Exit exit,
                                                                      const void* here) {
  ctx->host_frame = nullptr;
  runtime::capture_native_trace(*ctx, nullptr, here);
  return exit;
}

/// Entry of the slot that host functions share. Nearly all that a call costs, so it makes no
/// record.
Exit SEDGE_NATIVE_CONVENTION enter_host(Context* ctx, Instance* inst, Cell* fp, uint8_t* /*memory*/,
                                        uint32_t /*index*/, vm::Func* func) {
  const void* here = __builtin_frame_address(0);
  if (here < ctx->native_limit) [[unlikely]]
    return exhausted(ctx, here);
  ctx->host_frame = here;
  const Exit exit = func->host(func->env, *ctx, inst, fp);
  if (exit != Exit::returned) [[unlikely]]
    return host_failed(ctx, exit, here);
  ctx->host_frame = nullptr;
  return exit;
}

/// Runs a function for native code; kTailCall: in its place, Context::tail.
[[gnu::noinline, clang::not_tail_called]] Exit call_interpreter(Context* ctx, Instance* inst,
                                                                Cell* fp, uint32_t index,
                                                                void* here) {
  FrameRecord* frame = ctx->frame;
  if (frame == ctx->frames_end || here < ctx->native_limit) [[unlikely]]
    return exhausted(ctx, here);
  const FuncCode* code = code_slot(*inst->code, index).load(std::memory_order_acquire);
  if (code == nullptr) [[unlikely]]
    code = lower_now(inst, index);
  // The first call may have made native code.
  vm::NativeEntry entry =
      inst->slots[index - inst->imported_func_count].entry.load(std::memory_order_acquire);
  if (entry != &enter) [[unlikely]] {
    ctx->tail = {reinterpret_cast<const void*>(entry), inst, index};
    return kTailCall;
  }
  if (code == nullptr || !has_room(code, fp, ctx)) [[unlikely]]
    return exhausted(ctx, here);
  *frame = {exit_pc(), static_cast<Cell*>(here), inst, code};
  const Exit exit = run_loop(*ctx, code, inst, fp, frame + 1);
  ctx->frame = frame;
  return exit;
}

constinit vm::NativeSlot shared_host_slot{.entry = enter_host};

}  // namespace

/// Runs native code from `entry` on in the running frame, then returns from that.
#define SEDGE_RUN_NATIVE(native)                                            \
  do {                                                                      \
    const void* entered = (native);                                         \
    const uint32_t index = running(frame)->func_index;                      \
    if (is_bottom(frame)) {                                                 \
      leave_loop(ctx, entered, inst, index);                                \
      return kTailCall;                                                     \
    }                                                                       \
    frame[-1].code = &vm::kNativeFrame;                                     \
    ctx->frame = frame;                                                     \
    ra = static_cast<uint64_t>(call_native(entered, ctx, inst, fp, index)); \
    if (static_cast<Exit>(ra) != Exit::returned) [[unlikely]]               \
      SEDGE_TAIL native_failed(SEDGE_HANDLER_ARGS);                         \
    load_accumulators(fp, ra, rf, rd);                                      \
    SEDGE_RETURN();                                                         \
  } while (false)

namespace handler {

SEDGE_HANDLER(exit_loop) { return Exit::returned; }

SEDGE_HANDLER(enter_native) {
  const vm::NativeSlot& slot = inst->slots[running(frame)->func_index - inst->imported_func_count];
  SEDGE_RUN_NATIVE(reinterpret_cast<const void*>(slot.entry.load(std::memory_order_acquire)));
}

SEDGE_HANDLER(native_failed) {
  const auto exit = static_cast<Exit>(ra);
  if (exit != Exit::exception) return exit;
  // The frame is gone; its caller, which is of this loop, may catch.
  frame--;
  pc = static_cast<const Word*>(frame->return_pc) - 1;
  fp = frame->fp;
  inst = frame->instance;
  SEDGE_TAIL unwind(SEDGE_HANDLER_ARGS);
}

SEDGE_HANDLER(heat) {
  vm::NativeSlot* slot = operand<vm::NativeSlot*>(pc, 8);
  // Threads may lose each other's counts.
  const int32_t left = slot->heat.load(std::memory_order_relaxed) - 1;
  slot->heat.store(left, std::memory_order_relaxed);
  // Where there is better code by now, it counts there how hot the function is: this frame leaves.
  if (left < 0 || slot->entry.load(std::memory_order_acquire) != &enter) [[unlikely]]
    SEDGE_TAIL heated(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}

SEDGE_HANDLER(heated) {
  publish(ctx, fp, frame);
  const void* entry =
      ctx->builtins->hot(inst, running(frame)->func_index, operand<uint32_t>(pc, 4));
  if (entry != nullptr) SEDGE_RUN_NATIVE(entry);
  SEDGE_NEXT(3);
}

}  // namespace handler

const Word kExitWord = reinterpret_cast<Word>(&handler::exit_loop);
const Word kNativeWord = reinterpret_cast<Word>(&handler::enter_native);

vm::NativeSlot* host_slot() { return &shared_host_slot; }

SEDGE_CALLS_NATIVE Exit SEDGE_NATIVE_CONVENTION enter(Context* ctx, Instance* inst, Cell* fp,
                                                      uint8_t* /*memory*/, uint32_t index,
                                                      vm::Func* /*func*/) {
  const Exit exit = call_interpreter(ctx, inst, fp, index, __builtin_frame_address(0));
  if (exit != kTailCall) [[likely]]
    return exit;
  inst = ctx->tail.instance;
  SEDGE_TAIL native_entry(ctx->tail.entry)(ctx, inst, fp, inst->memory_base, ctx->tail.index,
                                           nullptr);
}

namespace {

/// Most functions have one argument or result, or none: then no library function is called.
[[gnu::always_inline]] inline void copy_cells(const Cell* from, uint32_t count, Cell* to) {
  if (count == 0) return;
  to[0] = from[0];
  if (count > 1) [[unlikely]]
    std::copy_n(from + 1, count - 1, to + 1);
}

vm::NativeEntry entry_of(const vm::Func& func) {
  return func.slot == nullptr ? &enter : func.slot->entry.load(std::memory_order_acquire);
}

/// Calls a function that the interpreter runs from the host.
[[gnu::noinline]] Exit invoke_interpreter(Context& context, vm::Func& func, const FuncCode* code,
                                          const Cell* args, Cell* fp, FrameRecord* frame) {
  if (code == nullptr || !has_room(code, fp, &context) || frame == context.frames_end)
    return exhausted(&context, nullptr);
  *frame = {exit_pc(), nullptr, func.instance, code};
  copy_cells(args, func.param_cells, fp);
  const Exit exit = run_loop(context, code, func.instance, fp, frame + 1);
  if (exit != kTailCall) return exit;
  context.frame = frame;
  const vm::TailCall tail = context.tail;
  return call_native(tail.entry, &context, tail.instance, fp, tail.index);
}

/// Calls a wasm function from the host, with its frame at `fp`. Where its code is native, what it
/// calls makes the first record.
SEDGE_CALLS_NATIVE [[gnu::always_inline]] inline Exit invoke_wasm(Context& context, vm::Func& func,
                                                                  Cell* args, Cell* fp,
                                                                  FrameRecord* frame) {
  vm::NativeEntry entry = entry_of(func);
  const FuncCode* code = nullptr;
  if (entry == &enter) [[unlikely]] {
    code = code_of(&func);
    entry = entry_of(func);  // the first call may have made native code
  }
  Exit exit;
  if (entry == &enter) {
    exit = invoke_interpreter(context, func, code, args, fp, frame);
  } else {
    if (fp + std::max(func.param_cells, func.result_cells) > context.stack_end) [[unlikely]]
      return exhausted(&context, nullptr);
    copy_cells(args, func.param_cells, fp);
    exit = enter_native_code(reinterpret_cast<const void*>(entry), &context, func.instance, fp,
                             func.index);
  }
  if (exit == Exit::returned) [[likely]]
    copy_cells(fp, func.result_cells, args);
  return exit;
}

}  // namespace

SEDGE_CALLS_NATIVE Exit invoke(Context& context, vm::Func& func, Cell* args) {
  const void* const host_frame = context.host_frame;
  FrameRecord* const frame = context.frame;
  if (context.host_depth >= context.max_host_depth ||
      (host_frame != nullptr && frame == context.frames_end)) [[unlikely]]
    return exhausted(&context, host_frame);
  runtime::RunningHere running_here(context);
  if (context.host_depth++ == 0) context.trace_count = 0;
  if (host_frame != nullptr) {
    *frame = {exit_pc(), static_cast<Cell*>(const_cast<void*>(host_frame)), nullptr, nullptr};
    context.frame = frame + 1;
    context.host_frame = nullptr;
  }
  Cell* const sp = context.sp;
  const Exit exit = func.host != nullptr ? func.host(func.env, context, nullptr, args)
                                         : invoke_wasm(context, func, args, sp, context.frame);
  context.sp = sp;
  context.frame = frame;
  context.host_frame = host_frame;
  context.host_depth--;
  return exit;
}

}  // namespace sedge::interp
