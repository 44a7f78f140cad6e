// Fibers: stacks on which calls of a store can stop inside a host function and go on later, on the
// same thread or another. A fiber has a native stack and its own stretch of cells and frame
// records, so code of every tier runs on it unchanged; what a store's context knows about its
// stacks changes over with it. See docs/decisions/011-fibers.md.
#ifndef SEDGE_RUNTIME_FIBER_H_
#define SEDGE_RUNTIME_FIBER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <sedge/error.h>

#include "base/mapping.h"
#include "runtime/fault_handler.h"
#include "vm/layout.h"

namespace sedge {
struct StoreImpl;
}

namespace sedge::runtime {

/// What belongs to one stack of activations of a store. In the context while that stack runs; else
/// here, in the list StoreImpl::parked, so that the garbage collector finds its cells.
struct Activation {
  vm::Cell* stack_base = nullptr;
  vm::Cell* stack_end = nullptr;
  vm::Cell* sp = nullptr;
  vm::FrameRecord* frames_base = nullptr;
  vm::FrameRecord* frames_end = nullptr;
  vm::FrameRecord* frame = nullptr;
  const void* host_frame = nullptr;
  const uint8_t* native_limit = nullptr;
  uint32_t host_depth = 0;
  vm::Context* running = nullptr;  ///< of detail::running
  detail::ThreadStack thread_stack;
  Activation* next = nullptr;
  Activation* previous = nullptr;
};

/// A place in native code to switch to, and what sanitizers want to know about its stack.
struct MachineStack {
  void* sp = nullptr;
  const void* low = nullptr;
  size_t size = 0;
  void* fake = nullptr;
  void* tsan = nullptr;
  MachineStack* came_from = nullptr;  ///< what was left for this one last
};

/// Memory of one fiber, from low to high: a guard page, the native stack, cells, frame records.
struct FiberStack {
  Mapping memory;
  size_t cell_bytes = 0;  ///< of the cells; the frame records have as many
  uint32_t uses = 0;
  uint8_t* native_low() const { return memory.data() + page_size(); }
  uint8_t* native_high() const { return memory.data() + memory.size() - 2 * cell_bytes; }
};

/// Recycles the stacks of an engine's fibers; bounded. Thread-safe.
class FiberPool {
 public:
  static constexpr size_t kNativeBytes = 2 << 20;  ///< native stack of a fiber
  static constexpr size_t kMaxFibers =
      16 * 1024;  ///< at once; each takes two of the process's maps

  /// A stack with so many bytes of cells. Error: component_trap ("too many calls wait at once").
  Result<FiberStack> take(size_t cell_bytes);
  /// Pages that were used deeply go back to the system at once, all of them if the pool has enough.
  void give(FiberStack stack);

 private:
  static constexpr size_t kMaxWarm = 256;  ///< free stacks that keep their first pages
  std::mutex mutex_;
  std::vector<FiberStack> free_;
  size_t in_use_ = 0;
};

/// One fiber of a store, which it follows from thread to thread: nothing on its stack may keep what
/// belongs to a thread (a lock, the address of a thread-local variable) while it is suspended. Ends
/// before it is destroyed.
class Fiber {
 public:
  using Body = std::function<void()>;
  /// `body` runs on the first `resume`. Error: component_trap ("too many calls wait at once").
  static Result<std::unique_ptr<Fiber>> create(StoreImpl& store, Body body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs it, where it was, until it suspends or ends. It does not run now.
  void resume();
  /// Called on this fiber, or on one that it has resumed, directly or not: goes back to who resumed
  /// this one. Returns when it is resumed again, in the same place.
  void suspend();
  bool ended() const { return ended_; }
  /// Whether it has been resumed and has not come back.
  bool running() const { return return_to_ != nullptr; }

 private:
  Fiber(StoreImpl& store, FiberStack stack, Body body);
  [[noreturn]] static void enter(Fiber* fiber);

  StoreImpl& store_;
  FiberStack stack_;
  Body body_;
  Activation activation_;
  MachineStack machine_;
  MachineStack* return_to_ = nullptr;
  Fiber* innermost_ = nullptr;  ///< the fiber that ran when this one was suspended
  bool ended_ = false;

  friend struct FiberEntry;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_FIBER_H_
