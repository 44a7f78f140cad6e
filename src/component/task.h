// Tasks and threads of components, what they wait for, and the scheduler that resumes them.
// Specification: CanonicalABI.md, "Concurrency", "Waitable State", "Subtask State"; names are those
// of definitions.py. Only components that use asynchronous features come here
// (ComponentInst::async).
//
// A thread that blocks inside core code keeps its fiber. One that waits between two steps (a task
// with a callback, a call that may not enter yet) has none: `step` says how it goes on.
#ifndef SEDGE_COMPONENT_TASK_H_
#define SEDGE_COMPONENT_TASK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "component/instance.h"
#include "runtime/fiber.h"

namespace sedge::component {

struct Task;

/// Who called: what a task asks of it, once each.
class CallSite {
 public:
  virtual ~CallSite() = default;
  /// The arguments, lifted now.
  virtual Result<std::vector<ComponentVal>> start() = 0;
  /// The result; nothing: the call was cancelled.
  virtual Result<void> resolve(std::optional<std::vector<ComponentVal>> values) = 0;
};

/// What was called, as far as a caller can still act on it.
class Callee {
 public:
  virtual ~Callee() = default;
  virtual Result<void> request_cancellation(ComponentInst* caller) = 0;
  /// Nobody waits for it any more.
  virtual void abandon() {}
};

struct Thread : std::enable_shared_from_this<Thread> {
  using Step = std::function<Result<void>()>;

  std::shared_ptr<Task> task;
  std::unique_ptr<runtime::Fiber> fiber;  ///< while it is in core code
  Step step;                              ///< without a fiber: what comes next; null: it has ended
  std::function<bool()> ready;            ///< it waits until this is true; null: it does not wait
  std::shared_ptr<Thread> switch_to;      ///< who runs next, in its place
  std::optional<Error> error;
  uint64_t storage[2] = {};
  uint32_t index = 0;  ///< in ComponentInst::threads; 0: none yet
  bool cancellable = false;
  bool cancelled = false;  ///< how it was resumed
  bool running = false;
  bool queued = false;           ///< in Scheduler::ready
  bool needs_exclusive = false;  ///< it waits for ComponentInst::exclusive to be free, too
  bool killed = false;

  bool suspended() const { return !running && !ready; }
  bool is_ready() const { return !running && ready && ready(); }
};

struct Task final : Callee, std::enable_shared_from_this<Task> {
  enum class State : uint8_t { initial, started, pending_cancel, cancel_delivered, resolved };

  ComponentInst* inst = nullptr;
  const FuncSig* sig = nullptr;
  const AbiOptions* options = nullptr;
  Func callee;
  std::shared_ptr<const void> keeps;  ///< what the pointers above point into
  std::shared_ptr<CallSite> site;
  State state = State::initial;
  std::shared_ptr<uint32_t> borrows = std::make_shared<uint32_t>(0);
  std::shared_ptr<Thread> implicit;
  std::vector<std::shared_ptr<Thread>> threads;

  bool exclusive() const;
  bool has_backpressure() const;
  Result<void> register_thread(const std::shared_ptr<Thread>& thread);
  Result<void> unregister_thread(Thread& thread);
  Result<void> exit_implicit_thread();
  Result<void> request_cancellation(ComponentInst* caller) override;
  bool deliver_pending_cancel(bool cancellable);
  Result<std::vector<ComponentVal>> start();
  Result<void> return_(std::vector<ComponentVal> values);
  Result<void> cancel();
};

enum class EventCode : uint8_t {
  none = 0,
  subtask = 1,
  stream_read = 2,
  stream_write = 3,
  future_read = 4,
  future_write = 5,
  task_cancelled = 6,
};
struct Event {
  EventCode code = EventCode::none;
  uint32_t index = 0;
  uint32_t payload = 0;
};

struct WaitableSet;

/// Something in a handle table that has events.
class Waitable : public TableObject {
 public:
  bool has_pending_event() const { return pending_; }
  /// Takes the event.
  Result<Event> get_pending_event();
  void join(WaitableSet* set);
  /// The current thread waits for an event.
  Result<void> wait_for_pending_event(Store& store);

  WaitableSet* set = nullptr;
  std::shared_ptr<Thread> sync_waiter;
  uint32_t index = 0;  ///< of its handle

 protected:
  explicit Waitable(Kind of) : TableObject(of) {}
  ~Waitable() override { join(nullptr); }
  void set_pending_event();
  virtual Result<Event> deliver() = 0;

 private:
  bool pending_ = false;
};

struct WaitableSet final : TableObject {
  WaitableSet() : TableObject(Kind::waitable_set) {}
  ~WaitableSet() override;
  bool has_pending_event() const;
  Result<Event> get_pending_event();
  Result<Event> wait(Store& store, bool cancellable);
  Result<Event> poll(Store& store, bool cancellable);
  void notify() const;

  std::vector<Waitable*> elems;
  std::vector<std::shared_ptr<Thread>> waiters;
  size_t next = 0;  ///< where the search begins, so that no element starves
};

/// Runs the threads of one store.
class Scheduler {
 public:
  explicit Scheduler(StoreImpl& store) : store_(store) {}
  static Scheduler& of(Store& store) { return ComponentStore::of(store).scheduler(); }
  Store& store() const;

  Thread* current() const { return current_; }
  /// The thread that runs in code of `inst`; null while none does (start functions, realloc).
  Thread* current_in(const ComponentInst& inst) const;
  /// As if no thread ran, until the result goes.
  class NoThread;

  /// A new thread, which is suspended.
  void add(const std::shared_ptr<Thread>& thread) { alive_.push_back(thread); }
  /// Runs a thread, and those that it switches to, until one blocks or ends.
  Result<void> resume(std::shared_ptr<Thread> thread, bool cancelled = false);
  /// Makes a thread wait without blocking; it is looked at again when somebody notifies it.
  void start_waiting(Thread& thread, std::function<bool()> ready);
  /// Blocks the current thread, which is on its fiber. True: cancelled.
  Result<bool> block(Thread& thread, bool cancellable, std::shared_ptr<Thread> switch_to = nullptr);
  Result<bool> wait_until(Thread& thread, std::function<bool()> ready, bool cancellable);
  Result<bool> yield(Thread& thread, bool cancellable);
  void notify(const std::shared_ptr<Thread>& thread);
  /// ComponentInst::exclusive is free, or backpressure has gone.
  void wake_next(ComponentInst& inst);

  bool has_ready() const { return !ready_.empty(); }
  /// Whether a thread has begun and not ended.
  bool has_threads() const { return !alive_.empty(); }
  /// Resumes one ready thread; false if there is none.
  bool tick();
  /// Resumes a ready thread of this instance, for a synchronous task that blocks; false if none.
  Result<bool> tick_inside(ComponentInst& inst);
  /// Runs `task` until it blocks for the first time; to its end if its type is synchronous.
  Result<void> run(const std::shared_ptr<Task>& task, Thread::Step begin, ComponentInst* caller);

  /// Ends with this error the host's calls into the component that `inst` is a part of, and every
  /// thread of it.
  void fail_all(const ComponentInst& inst, Error error);
  /// Ends every call and every thread. `make` gives the error of each call.
  void fail_all(const std::function<Error()>& make);
  void kill(const std::shared_ptr<Thread>& thread);

  /// A call of the host into `inst`; known until its result is taken.
  void begin(const std::shared_ptr<HostCall>& call, const ComponentInst& inst);
  bool has_calls() const { return !host_calls_.empty(); }
  /// An error that came when no call of the host was left to be told: of a task that had given its
  /// result.
  std::optional<Error> take_lost() { return std::exchange(lost_, std::nullopt); }

 private:
  void stop_waiting(Thread& thread);
  void forget(Thread& thread);
  bool run_ready(const std::shared_ptr<Thread>& thread);

  StoreImpl& store_;
  std::vector<std::shared_ptr<HostCall>> host_calls_;
  std::optional<Error> lost_;
  Thread* current_ = nullptr;
  std::deque<std::shared_ptr<Thread>> ready_;
  std::vector<std::shared_ptr<Thread>> alive_;  ///< all that have begun and not ended

  friend class HostCall;
};

class Scheduler::NoThread {
 public:
  explicit NoThread(Scheduler& of) : of_(of), before_(std::exchange(of.current_, nullptr)) {}
  ~NoThread() { of_.current_ = before_; }
  NoThread(const NoThread&) = delete;
  NoThread& operator=(const NoThread&) = delete;

 private:
  Scheduler& of_;
  Thread* before_;
};

/// The two slots of context.get and context.set, of the thread or call that runs in `inst`.
uint64_t* context_of(ComponentInst& inst);

/// A call that the host has made.
class HostCall final : public CallSite, public std::enable_shared_from_this<HostCall> {
 public:
  using Values = std::vector<ComponentVal>;
  using Then = std::function<void(Result<Values>)>;
  /// `then` is told by the loop; without it the result waits to be taken.
  explicit HostCall(Values args, Then then = nullptr)
      : args_(std::move(args)), then_(std::move(then)) {}
  Result<Values> start() override { return std::move(args_); }
  Result<void> resolve(std::optional<Values> values) override;
  /// How it ends. A trap that comes before the result was taken is what counts.
  void finish(Result<Values> with);
  bool ended() const { return result_.has_value(); }
  Result<Values> take();

 private:
  friend class Scheduler;
  Values args_;
  Then then_;
  Scheduler* scheduler_ = nullptr;
  const ComponentInst* inst_ = nullptr;
  std::optional<Result<Values>> result_;
};

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_TASK_H_
