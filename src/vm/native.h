// The contract between native code of any tier, the interpreter and the runtime: how functions are
// entered, how they end, where their frames lie. See docs/decisions/006-native-tiers.md.
//
// Arguments and results travel in cells of the store's stack, in the interpreter's frame layout
// (parameters, other locals, operand stack; a v128 takes two cells): the state at a function entry
// and at a loop header is the same on every tier. How a call ended comes back as a status; nothing
// is unwound behind a frame's back.
#ifndef SEDGE_VM_NATIVE_H_
#define SEDGE_VM_NATIVE_H_

#include <atomic>
#include <cstdint>

#include "vm/layout.h"

// x86-64: arguments in r12, r13, r14, r15, rdi, rsi; no register but rsp and rbp is preserved.
// aarch64: x20 to x25, status in w0; preserved: sp, x29 (x30 is the return address). riscv64: the C
// convention, whose callers extend narrow integers.
#if defined(__x86_64__) || defined(__aarch64__)
#define SEDGE_NATIVE_CONVENTION __attribute__((preserve_none))
#else
#define SEDGE_NATIVE_CONVENTION
#endif

namespace sedge::vm {

/// Entry of a function (at its start or at a loop header) in code of any tier.
///   instance  that of the callee; a host function gets its caller's (null: called from the host)
///   fp        frame: fp[0..] holds the arguments (at a loop header: the whole canonical frame);
///             results overwrite them from fp[0] on. The callee clears its other locals.
///   memory    base of memory 0 of `instance` (Instance::memory_base; anything without a memory)
///   index     function index in `instance`
///   func      the function object where the call went through one (indirect, by reference, import,
///             host); anything otherwise
/// Gives Exit::returned, or how the call failed: the caller hands any other status on to its own
/// caller, unless it is Exit::exception and a try block around the call catches Context::exception.
/// The upper bits of the result register are undefined.
using NativeEntry = Exit(SEDGE_NATIVE_CONVENTION*)(Context* context, Instance* instance, Cell* fp,
                                                   uint8_t* memory, uint32_t index, Func* func);

/// Where calls of one function go. One for each defined function of a module, shared by its
/// instances and threads: Instance::slots[index - imported_func_count]; Func::slot names it. The
/// entry is the interpreter's at first and is replaced, atomically, when a tier has better code.
struct NativeSlot {
  static constexpr int32_t kHeatNow = INT32_MAX;  ///< as a step: below zero in two at most
  std::atomic<NativeEntry> entry{nullptr};
  /// Counts down at entries and loop headers of code that is not final (interpreter, baseline);
  /// below zero, and in the interpreter if `entry` is not its own, Builtins::hot is called.
  std::atomic<int32_t> heat{0};
  /// What baseline code takes from `heat` each time. Running code only reads it, so whoever has
  /// better code makes it kHeatNow and is heard: a value stored to `heat` itself is lost when a
  /// loop stores the next count, which in a short one has always been computed already.
  std::atomic<int32_t> heat_step{1};
};
static_assert(sizeof(NativeSlot) == 16);

/// How memory accesses are checked in code of a module: decided per memory when code is made.
/// guarded: 32-bit, 64 KiB pages, in a reservation of kGuardedReserve bytes: an access at
/// base + (zero-extended index) + (offset below 2^32) of up to 16 bytes either lies in the memory
/// or faults; the signal handler turns the fault into out_of_bounds_memory_access at that place.
/// checked: code compares with Memory::size, which only grows.
enum class MemoryStyle : uint8_t { guarded, checked };
inline constexpr uint64_t kGuardedReserve = (uint64_t{8} << 30) + 65536;

/// Native frames always have a frame pointer: [rbp] the caller's rbp, [rbp + 8] the return address
/// (aarch64: x29, [x29], [x29 + 8]). Nothing is preserved for a caller but rbp and rsp, so whatever
/// a function is doing, it ends by `rsp = rbp; pop rbp; al = dl = status; ret`: that is how a trap
/// leaves, from a stub or after the signal handler has redirected a fault to one. A function whose
/// result register for the status is not al (LLVM's own prototypes: dl beside a value) is served by
/// setting both (aarch64: w0, w1; `sp = x29; ldp x29, x30, [sp], #16`). On riscv64 a frame gives
/// registers back, so that nothing leaves it but its own code: memories are checked there, and a
/// trap returns to its function. Its frames have the caller's s0 at [s0 - 16], the return address
/// at [s0 - 8].
///
/// A trap with a known place: code jumps, in its cold part, to a stub that passes the place (an
/// address inside the function's code that its table of offsets knows) and the TrapCode to
/// Builtins::native_trap, which captures the backtrace while the frames stand and gives Exit::trap.
/// Before any call that may enter wasm, collect garbage or look at the stack, Context::sp is set to
/// the end of the frame's cells (first free cell) and every live reference is in one of them.
/// Prologue, in this order: trap call_stack_exhausted (with the place of the function's start) if
/// fp + frame_cells > Context::stack_end or rsp < Context::native_limit.

/// A place in a module: an instruction of a function.
struct CodePlace {
  uint32_t func_index = 0;
  uint64_t offset = 0;  ///< of the instruction in the module binary
};

/// One contiguous, immutable piece of published native code; the runtime's registry of ranges
/// (runtime/code_registry.h) finds it by address, in signal handlers too.
struct CodeRange {
  const uint8_t* begin = nullptr;
  const uint8_t* end = nullptr;
  const void* module = nullptr;  ///< interp::ModuleCode that it belongs to
  /// The places that run at `pc`, innermost first (more than one where calls were inlined); gives
  /// how many were written. For a return address, look up `pc - 1`. Not called in signal handlers.
  virtual size_t places(const uint8_t* pc, CodePlace* out, size_t room) const = 0;

 protected:
  ~CodeRange() = default;
};

}  // namespace sedge::vm

#endif  // SEDGE_VM_NATIVE_H_
