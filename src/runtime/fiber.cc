// See fiber.h. A switch saves what the C convention preserves on the stack that it leaves and takes
// the same from the one that it enters.
#include "runtime/fiber.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "runtime/store_impl.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEDGE_FIBER_ASAN 1
#include <sanitizer/common_interface_defs.h>
#endif
#if __has_feature(thread_sanitizer)
#define SEDGE_FIBER_TSAN 1
#include <sanitizer/tsan_interface.h>
#endif
#endif

extern "C" {
/// Leaves the running stack, whose place goes to *save, for the one at `load`.
void sedge_switch_stack(void** save, void* load);
/// Where a new stack starts: calls sedge_fiber_enter with the fiber that `prepare` left for it.
void sedge_fiber_start();
[[noreturn, gnu::used]] void sedge_fiber_enter(void* fiber);
}

#if defined(__x86_64__)

asm(R"(
.text
.p2align 4
.hidden sedge_switch_stack
.globl sedge_switch_stack
.type sedge_switch_stack, @function
sedge_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size sedge_switch_stack, .-sedge_switch_stack
.p2align 4
.hidden sedge_fiber_start
.globl sedge_fiber_start
.type sedge_fiber_start, @function
sedge_fiber_start:
  .cfi_startproc
  .cfi_undefined rip
  movq %r12, %rdi
  call sedge_fiber_enter
  ud2
  .cfi_endproc
.size sedge_fiber_start, .-sedge_fiber_start
)");

namespace {
/// Six registers, of which r12 is the fiber, then the address; what is left is aligned for a call.
void* prepare(uint8_t* high, void* fiber) {
  auto* at = reinterpret_cast<uint64_t*>(high) - 9;
  std::fill_n(at, 9, 0);
  at[3] = reinterpret_cast<uint64_t>(fiber);
  at[6] = reinterpret_cast<uint64_t>(&sedge_fiber_start);
  return at;
}
}  // namespace

#elif defined(__aarch64__)

asm(R"(
.text
.p2align 4
.hidden sedge_switch_stack
.globl sedge_switch_stack
.type sedge_switch_stack, %function
sedge_switch_stack:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x2, sp
  str x2, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size sedge_switch_stack, .-sedge_switch_stack
.p2align 4
.hidden sedge_fiber_start
.globl sedge_fiber_start
.type sedge_fiber_start, %function
sedge_fiber_start:
  .cfi_startproc
  .cfi_undefined x30
  mov x0, x19
  bl sedge_fiber_enter
  brk #1
  .cfi_endproc
.size sedge_fiber_start, .-sedge_fiber_start
)");

namespace {
void* prepare(uint8_t* high, void* fiber) {
  auto* at = reinterpret_cast<uint64_t*>(high) - 20;
  std::fill_n(at, 20, 0);
  at[0] = reinterpret_cast<uint64_t>(fiber);                // x19
  at[11] = reinterpret_cast<uint64_t>(&sedge_fiber_start);  // x30
  return at;
}
}  // namespace

#elif defined(__riscv) && __riscv_xlen == 64

asm(R"(
.text
.p2align 2
.hidden sedge_switch_stack
.globl sedge_switch_stack
.type sedge_switch_stack, @function
sedge_switch_stack:
  addi sp, sp, -208
  sd ra, 0(sp)
  sd s0, 8(sp)
  sd s1, 16(sp)
  sd s2, 24(sp)
  sd s3, 32(sp)
  sd s4, 40(sp)
  sd s5, 48(sp)
  sd s6, 56(sp)
  sd s7, 64(sp)
  sd s8, 72(sp)
  sd s9, 80(sp)
  sd s10, 88(sp)
  sd s11, 96(sp)
  fsd fs0, 104(sp)
  fsd fs1, 112(sp)
  fsd fs2, 120(sp)
  fsd fs3, 128(sp)
  fsd fs4, 136(sp)
  fsd fs5, 144(sp)
  fsd fs6, 152(sp)
  fsd fs7, 160(sp)
  fsd fs8, 168(sp)
  fsd fs9, 176(sp)
  fsd fs10, 184(sp)
  fsd fs11, 192(sp)
  sd sp, 0(a0)
  mv sp, a1
  ld ra, 0(sp)
  ld s0, 8(sp)
  ld s1, 16(sp)
  ld s2, 24(sp)
  ld s3, 32(sp)
  ld s4, 40(sp)
  ld s5, 48(sp)
  ld s6, 56(sp)
  ld s7, 64(sp)
  ld s8, 72(sp)
  ld s9, 80(sp)
  ld s10, 88(sp)
  ld s11, 96(sp)
  fld fs0, 104(sp)
  fld fs1, 112(sp)
  fld fs2, 120(sp)
  fld fs3, 128(sp)
  fld fs4, 136(sp)
  fld fs5, 144(sp)
  fld fs6, 152(sp)
  fld fs7, 160(sp)
  fld fs8, 168(sp)
  fld fs9, 176(sp)
  fld fs10, 184(sp)
  fld fs11, 192(sp)
  addi sp, sp, 208
  ret
.size sedge_switch_stack, .-sedge_switch_stack
.p2align 2
.hidden sedge_fiber_start
.globl sedge_fiber_start
.type sedge_fiber_start, @function
sedge_fiber_start:
  .cfi_startproc
  .cfi_undefined ra
  mv a0, s1
  call sedge_fiber_enter
  ebreak
  .cfi_endproc
.size sedge_fiber_start, .-sedge_fiber_start
)");

namespace {
void* prepare(uint8_t* high, void* fiber) {
  auto* at = reinterpret_cast<uint64_t*>(high) - 26;
  std::fill_n(at, 26, 0);
  at[0] = reinterpret_cast<uint64_t>(&sedge_fiber_start);  // ra
  at[2] = reinterpret_cast<uint64_t>(fiber);               // s1
  return at;
}
}  // namespace

#else

#include <ucontext.h>

// The place of a stack is a ucontext_t: at the end of a new one's memory, on the stack of others.
extern "C" void sedge_switch_stack(void** save, void* load) {
  ucontext_t here;
  *save = &here;
  swapcontext(&here, static_cast<ucontext_t*>(load));
}

namespace {
void start(unsigned high_half, unsigned low_half) {
  sedge_fiber_enter(reinterpret_cast<void*>((uint64_t{high_half} << 32) | uint64_t{low_half}));
}
void* prepare(uint8_t* high, void* fiber) {
  constexpr size_t kSize = (sizeof(ucontext_t) + 63) / 64 * 64;
  auto* place = new (high - kSize) ucontext_t;
  getcontext(place);
  constexpr size_t kStart = 64 * 1024;  // only says where it begins: the stack grows down
  place->uc_stack.ss_sp = high - kSize - kStart;
  place->uc_stack.ss_size = kStart;
  place->uc_link = nullptr;
  auto bits = reinterpret_cast<uint64_t>(fiber);
  makecontext(place, reinterpret_cast<void (*)()>(&start), 2, static_cast<unsigned>(bits >> 32),
              static_cast<unsigned>(bits));
  return place;
}
}  // namespace

#endif

namespace sedge::runtime {
namespace {

[[maybe_unused]] void arrived([[maybe_unused]] MachineStack& at) {
#if SEDGE_FIBER_ASAN
  __sanitizer_finish_switch_fiber(at.fake, &at.came_from->low, &at.came_from->size);
#endif
}

/// `ends`: nobody will come back to `from`.
void jump(MachineStack& from, MachineStack& to, [[maybe_unused]] bool ends) {
  to.came_from = &from;
#if SEDGE_FIBER_ASAN
  __sanitizer_start_switch_fiber(ends ? nullptr : &from.fake, to.low, to.size);
#endif
#if SEDGE_FIBER_TSAN
  from.tsan = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.tsan, 0);
#endif
  sedge_switch_stack(&from.sp, to.sp);
  arrived(from);
}

void park(StoreImpl& store, Activation& to) {
  vm::Context& context = store.context;
  to.stack_base = context.stack_base;
  to.stack_end = context.stack_end;
  to.sp = context.sp;
  to.frames_base = context.frames_base;
  to.frames_end = context.frames_end;
  to.frame = context.frame;
  to.host_frame = context.host_frame;
  to.native_limit = context.native_limit;
  to.host_depth = context.host_depth;
  to.running = detail::running_here();
  to.thread_stack = detail::stack_here();
  to.previous = nullptr;
  to.next = store.parked;
  if (to.next) to.next->previous = &to;
  store.parked = &to;
}

void unpark(StoreImpl& store, const Activation& from) {
  (from.previous ? from.previous->next : store.parked) = from.next;
  if (from.next) from.next->previous = from.previous;
  vm::Context& context = store.context;
  context.stack_base = from.stack_base;
  context.stack_end = from.stack_end;
  context.sp = from.sp;
  context.frames_base = from.frames_base;
  context.frames_end = from.frames_end;
  context.frame = from.frame;
  context.host_frame = from.host_frame;
  context.native_limit = from.native_limit;
  context.host_depth = from.host_depth;
  detail::running_here() = from.running;
  detail::stack_here() = from.thread_stack;
}

std::unexpected<Error> refuse(std::string_view why) {
  return fail(ErrorCode::component_trap, fmt::format(": too many calls wait at once: {}", why));
}

}  // namespace

Result<FiberStack> FiberPool::take(size_t cell_bytes) {
  std::lock_guard lock(mutex_);
  if (in_use_ >= kMaxFibers) return refuse(fmt::format("{} in this process", kMaxFibers));
  if (!free_.empty() && free_.back().cell_bytes == cell_bytes) {
    FiberStack stack = std::move(free_.back());
    free_.pop_back();
    ++in_use_;
    return stack;
  }
  FiberStack stack;
  stack.memory = Mapping::zeroed(page_size() + kNativeBytes + 2 * cell_bytes);
  stack.cell_bytes = cell_bytes;
  if (!stack.memory || !stack.memory.protect(0, page_size()))
    return refuse("the system has no memory for another");
  ++in_use_;
  return stack;
}

void FiberPool::give(FiberStack stack) {
  // What shallow calls use stays, as in StackSlot::trim, while the pool has few.
  constexpr size_t kKept = 16 * 1024;
  constexpr uint32_t kUses = 16;
  std::lock_guard lock(mutex_);
  --in_use_;
  if (!free_.empty() && free_.back().cell_bytes != stack.cell_bytes) free_.clear();
  const size_t kept = free_.size() < kMaxWarm ? kKept : 0;
  if (kept == 0 || ++stack.uses % kUses == 0) {
    Mapping& memory = stack.memory;
    const auto high = static_cast<size_t>(stack.native_high() - memory.data());
    const size_t frames = high + stack.cell_bytes;
    if (!memory.discard(page_size(), high - kept) || !memory.discard(high + kept, frames) ||
        !memory.discard(frames + kept, memory.size()))
      return;  // it is unmapped
  }
  free_.push_back(std::move(stack));
}

Result<std::unique_ptr<Fiber>> Fiber::create(StoreImpl& store, Body body) {
  if (store.fibers_in_use >= store.fiber_limit)
    return refuse(fmt::format("{} in this store", store.fiber_limit));
  SEDGE_TRY_ASSIGN(FiberStack stack, store.resources->fibers.take(store.stack_bytes()));
  ++store.fibers_in_use;
  return std::unique_ptr<Fiber>(new Fiber(store, std::move(stack), std::move(body)));
}

Fiber::Fiber(StoreImpl& store, FiberStack stack, Body body)
    : store_(store), stack_(std::move(stack)), body_(std::move(body)) {
  uint8_t* low = stack_.native_low();
  uint8_t* high = stack_.native_high();
  activation_.stack_base = activation_.sp = reinterpret_cast<vm::Cell*>(high);
  activation_.stack_end = reinterpret_cast<vm::Cell*>(high + stack_.cell_bytes);
  activation_.frames_base = activation_.frame =
      reinterpret_cast<vm::FrameRecord*>(high + stack_.cell_bytes);
  activation_.frames_end = activation_.frames_base + stack_.cell_bytes / sizeof(vm::FrameRecord);
  activation_.thread_stack = {.low = low, .high = high, .limit = low + detail::kNativeReserve};
  activation_.native_limit = activation_.thread_stack.limit;
  machine_.low = low;
  machine_.size = static_cast<size_t>(high - low);
  machine_.sp = prepare(high, this);
#if SEDGE_FIBER_TSAN
  machine_.tsan = __tsan_create_fiber(0);
#endif
  // In the list from the start, so that every fiber that does not run is in it.
  activation_.next = store.parked;
  if (activation_.next) activation_.next->previous = &activation_;
  store.parked = &activation_;
}

Fiber::~Fiber() {
  assert(!running());
  // One that never ran has nothing on its stack; any other has ended.
  assert(ended_ || body_);
  (activation_.previous ? activation_.previous->next : store_.parked) = activation_.next;
  if (activation_.next) activation_.next->previous = activation_.previous;
#if SEDGE_FIBER_TSAN
  __tsan_destroy_fiber(machine_.tsan);
#endif
  --store_.fibers_in_use;
  store_.resources->fibers.give(std::move(stack_));
}

void Fiber::resume() {
  assert(!running() && !ended_);
  MachineStack here;
  Activation mine;
  park(store_, mine);
  Fiber* before = store_.fiber;
  Fiber* target = std::exchange(innermost_, nullptr);
  if (!target) target = this;
  return_to_ = &here;
  store_.fiber = target;
  unpark(store_, target->activation_);
  jump(here, target->machine_, false);
  return_to_ = nullptr;
  store_.fiber = before;
  unpark(store_, mine);
}

void Fiber::suspend() {
  assert(running());
  Fiber* self = store_.fiber;
  innermost_ = self;
  park(store_, self->activation_);
  jump(self->machine_, *return_to_, false);
}

void Fiber::enter(Fiber* fiber) {
  arrived(fiber->machine_);
  {
    Body body = std::exchange(fiber->body_, nullptr);
    body();
  }
  assert(fiber->store_.fiber == fiber);
  fiber->ended_ = true;
  park(fiber->store_, fiber->activation_);
  jump(fiber->machine_, *fiber->return_to_, true);
  std::abort();
}

struct FiberEntry {
  [[noreturn]] static void run(void* fiber) { Fiber::enter(static_cast<Fiber*>(fiber)); }
};

}  // namespace sedge::runtime

extern "C" void sedge_fiber_enter(void* fiber) { sedge::runtime::FiberEntry::run(fiber); }
