// Faults in native code: a guard page that an access of wasm hits becomes the trap
// out_of_bounds_memory_access at that place. Any other fault stays what it is.
#ifndef SEDGE_RUNTIME_FAULT_HANDLER_H_
#define SEDGE_RUNTIME_FAULT_HANDLER_H_

#include <cstddef>
#include <cstdint>

#include "vm/layout.h"

namespace sedge::runtime {

/// Handles SIGSEGV and SIGBUS from now on; what was there before gets what is not ours. Once for
/// the process; thread-safe.
void install_fault_handler();

namespace detail {
/// What runs on this thread; null: nothing of ours.
extern constinit thread_local vm::Context* running;
/// The same for code that may go on on another thread (fiber.h) than it has begun on: a compiler
/// may keep the address of a thread's variable, but has to ask this again.
vm::Context*& running_here();
/// This thread's stack and where native frames end on it; empty until it is asked for.
struct ThreadStack {
  const uint8_t* low = nullptr;
  const uint8_t* high = nullptr;
  const uint8_t* limit = nullptr;
};
extern constinit thread_local ThreadStack thread_stack;
ThreadStack& stack_here();  ///< as running_here
/// Room below Context::native_limit for builtins, host functions and signal frames.
inline constexpr size_t kNativeReserve = 256 * 1024;
/// The limit for a caller at `here`, which may be on a stack that nobody told us about.
const uint8_t* find_native_limit(const uint8_t* here);
}  // namespace detail

/// While it lives, `context` is what runs on this thread: faults are looked up in its store, its
/// native_limit is that of the thread. Nests.
class RunningHere {
 public:
  explicit RunningHere(vm::Context& context) : previous_(detail::running) {
    if (previous_ == &context) return;
    detail::running = &context;
    const auto* here = static_cast<const uint8_t*>(__builtin_frame_address(0));
    const detail::ThreadStack& stack = detail::thread_stack;
    context.native_limit =
        here >= stack.low && here < stack.high ? stack.limit : detail::find_native_limit(here);
  }
  ~RunningHere() { detail::running_here() = previous_; }
  RunningHere(const RunningHere&) = delete;
  RunningHere& operator=(const RunningHere&) = delete;

 private:
  vm::Context* previous_;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_FAULT_HANDLER_H_
