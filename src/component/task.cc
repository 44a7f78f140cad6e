// See task.h. Whoever changes what threads wait for notifies them; a notified thread is looked at
// again by `tick`, which resumes it if what it waits for holds.
#include "component/task.h"

#include <algorithm>
#include <tuple>

#include "component/call.h"
#include "component/loop.h"
#include "runtime/store_impl.h"

namespace sedge::component {

// Tasks

bool Task::exclusive() const {
  return sig->type.async_ && (!options->async_ || options->callback.has_value());
}

bool Task::has_backpressure() const {
  return inst->backpressure > 0 || (exclusive() && inst->exclusive != nullptr);
}

Result<void> Task::register_thread(const std::shared_ptr<Thread>& thread) {
  threads.push_back(thread);
  SEDGE_TRY_ASSIGN(thread->index, inst->threads.add(thread));
  return {};
}

Result<void> Task::unregister_thread(Thread& thread) {
  inst->threads.remove(thread.index);
  thread.index = 0;
  std::erase_if(threads, [&](const auto& at) { return at.get() == &thread; });
  if (threads.empty() && state != State::resolved)
    return trap("async-lifted export failed to produce a result");
  return {};
}

Result<void> Task::exit_implicit_thread() {
  std::shared_ptr<Thread> thread = implicit;
  if (exclusive()) {
    inst->exclusive = nullptr;
    ComponentStore::of(*inst).scheduler().wake_next(*inst);
  }
  return unregister_thread(*thread);
}

Result<void> Task::request_cancellation(ComponentInst* caller) {
  Scheduler& scheduler = ComponentStore::of(*inst).scheduler();
  if (state == State::initial) {
    state = State::cancel_delivered;
    return scheduler.resume(implicit, true);
  }
  std::shared_ptr<Thread> candidate;
  for (const auto& thread : threads) {
    if (!thread->cancellable || thread->running) continue;
    if (thread == implicit && exclusive() && inst->exclusive && inst->exclusive != implicit.get())
      continue;
    candidate = thread;
    break;
  }
  if (!candidate || !may_enter(inst, caller)) {
    state = State::pending_cancel;
    return {};
  }
  state = State::cancel_delivered;
  SEDGE_TRY_ASSIGN(Entry entry, Entry::enter(inst, caller));
  auto done = scheduler.resume(candidate, true);
  entry.leave(!done);
  return done;
}

bool Task::deliver_pending_cancel(bool cancellable) {
  if (!cancellable || state != State::pending_cancel) return false;
  state = State::cancel_delivered;
  return true;
}

Result<std::vector<ComponentVal>> Task::start() {
  state = State::started;
  return site->start();
}

Result<void> Task::return_(std::vector<ComponentVal> values) {
  if (state == State::resolved)
    return trap("`task.return` or `task.cancel` called multiple times for current task");
  if (*borrows > 0) return trap("borrow handles still remain at the end of the call");
  state = State::resolved;
  return site->resolve(std::move(values));
}

Result<void> Task::cancel() {
  if (state != State::cancel_delivered) {
    if (state == State::resolved)
      return trap("`task.return` or `task.cancel` called multiple times for current task");
    return trap("`task.cancel` called by task which has not been cancelled");
  }
  if (*borrows > 0) return trap("borrow handles still remain at the end of the call");
  state = State::resolved;
  return site->resolve(std::nullopt);
}

// Waitables

void Waitable::set_pending_event() {
  pending_ = true;
  if (set) set->notify();
  if (sync_waiter)
    if (Task* task = sync_waiter->task.get())
      ComponentStore::of(*task->inst).scheduler().notify(sync_waiter);
}

Result<Event> Waitable::get_pending_event() {
  pending_ = false;
  return deliver();
}

void Waitable::join(WaitableSet* other) {
  if (set) std::erase(set->elems, this);
  set = other;
  if (!set) return;
  set->elems.push_back(this);
  if (pending_) set->notify();
}

Result<void> Waitable::wait_for_pending_event(Store& store) {
  Scheduler& scheduler = Scheduler::of(store);
  sync_waiter = scheduler.current()->shared_from_this();
  auto done = scheduler.wait_until(*sync_waiter, [this] { return pending_; }, false);
  sync_waiter.reset();
  SEDGE_TRY(std::move(done));
  return {};
}

WaitableSet::~WaitableSet() {
  for (Waitable* elem : elems) elem->set = nullptr;
}

bool WaitableSet::has_pending_event() const {
  return std::ranges::any_of(elems, &Waitable::has_pending_event);
}

Result<Event> WaitableSet::get_pending_event() {
  for (size_t i = 0; i < elems.size(); ++i) {
    Waitable* elem = elems[(next + i) % elems.size()];
    if (!elem->has_pending_event()) continue;
    next = (next + i + 1) % elems.size();
    return elem->get_pending_event();
  }
  return Event{};
}

void WaitableSet::notify() const {
  for (const auto& waiter : waiters)
    ComponentStore::of(*waiter->task->inst).scheduler().notify(waiter);
}

Result<Event> WaitableSet::wait(Store& store, bool cancellable) {
  Scheduler& scheduler = Scheduler::of(store);
  std::shared_ptr<Thread> thread = scheduler.current()->shared_from_this();
  waiters.push_back(thread);
  auto cancelled =
      scheduler.wait_until(*thread, [this] { return has_pending_event(); }, cancellable);
  std::erase(waiters, thread);
  if (!cancelled) return std::unexpected(std::move(cancelled).error());
  if (*cancelled) return Event{EventCode::task_cancelled, 0, 0};
  return get_pending_event();
}

Result<Event> WaitableSet::poll(Store& store, bool cancellable) {
  Thread* thread = Scheduler::of(store).current();
  if (thread && thread->task->deliver_pending_cancel(cancellable))
    return Event{EventCode::task_cancelled, 0, 0};
  return get_pending_event();
}

// Threads

uint64_t* context_of(ComponentInst& inst) {
  Thread* thread = inst.async_ ? ComponentStore::of(inst).scheduler().current_in(inst) : nullptr;
  return thread ? thread->storage : inst.context;
}

Thread* Scheduler::current_in(const ComponentInst& inst) const {
  return current_ && current_->task->inst == &inst ? current_ : nullptr;
}

void Scheduler::notify(const std::shared_ptr<Thread>& thread) {
  if (thread->queued || !thread->ready) return;
  thread->queued = true;
  ready_.push_back(thread);
}

void Scheduler::start_waiting(Thread& thread, std::function<bool()> ready) {
  thread.ready = std::move(ready);
  if (thread.ready()) notify(thread.shared_from_this());
}

void Scheduler::stop_waiting(Thread& thread) {
  thread.ready = nullptr;
  thread.needs_exclusive = false;
}

void Scheduler::wake_next(ComponentInst& inst) {
  std::deque<std::shared_ptr<Thread>>* from = nullptr;
  if (!inst.exclusive && !inst.exclusive_waiters.empty())
    from = &inst.exclusive_waiters;
  else if (inst.backpressure == 0 && !inst.entry_waiters.empty())
    from = &inst.entry_waiters;
  if (!from) return;
  std::shared_ptr<Thread> thread = std::move(from->front());
  from->pop_front();
  if (thread->ready)
    notify(thread);
  else
    wake_next(inst);
}

/// It has ended: whoever knows its task still must not keep it alive by that.
void Scheduler::forget(Thread& thread) {
  std::erase_if(alive_, [&](const auto& at) { return at.get() == &thread; });
  Task& task = *thread.task;
  if (task.implicit.get() == &thread) task.implicit.reset();
  if (thread.index != 0) {
    task.inst->threads.remove(thread.index);
    std::erase_if(task.threads, [&](const auto& at) { return at.get() == &thread; });
  }
  if (task.threads.empty()) task.site.reset();
}

Result<void> Scheduler::resume(std::shared_ptr<Thread> thread, bool cancelled) {
  while (thread) {
    stop_waiting(*thread);
    thread->cancelled = std::exchange(cancelled, false);
    thread->cancellable = false;
    thread->running = true;
    if (!thread->fiber) {
      auto fiber = runtime::Fiber::create(store_, [at = thread.get()] {
        auto done = std::exchange(at->step, nullptr)();
        if (!done) at->error = std::move(done).error();
      });
      if (!fiber) {
        thread->running = false;
        forget(*thread);
        return std::unexpected(std::move(fiber).error());
      }
      thread->fiber = std::move(*fiber);
    }
    Thread* before = std::exchange(current_, thread.get());
    thread->fiber->resume();
    current_ = before;
    thread->running = false;
    if (thread->fiber->ended()) {
      thread->fiber.reset();
      if (!thread->step || thread->error) forget(*thread);
    }
    if (thread->killed) return {};
    if (thread->error) return fail(*std::exchange(thread->error, std::nullopt));
    thread = std::exchange(thread->switch_to, nullptr);
  }
  return {};
}

Result<bool> Scheduler::block(Thread& thread, bool cancellable, std::shared_ptr<Thread> switch_to) {
  if (thread.killed) return fail(ErrorCode::interrupted);
  thread.cancellable = cancellable;
  thread.switch_to = std::move(switch_to);
  thread.fiber->suspend();
  if (thread.killed) return fail(ErrorCode::interrupted);
  return thread.cancelled;
}

Result<bool> Scheduler::wait_until(Thread& thread, std::function<bool()> ready, bool cancellable) {
  if (thread.task->deliver_pending_cancel(cancellable)) return true;
  if (ready()) return false;
  start_waiting(thread, std::move(ready));
  return block(thread, cancellable);
}

Result<bool> Scheduler::yield(Thread& thread, bool cancellable) {
  if (thread.task->deliver_pending_cancel(cancellable)) return true;
  start_waiting(thread, [] { return true; });
  return block(thread, cancellable);
}

bool Scheduler::run_ready(const std::shared_ptr<Thread>& thread) {
  ComponentInst& inst = *thread->task->inst;
  auto entry = Entry::enter(&inst, nullptr);
  if (!entry) {
    fail_all(inst, std::move(entry).error());
    return true;
  }
  auto done = resume(thread);
  entry->leave(!done);
  if (!done) fail_all(inst, std::move(done).error());
  return true;
}

bool Scheduler::tick() {
  // Threads of instances that a call of the host entered further up this stack stay where they are.
  for (size_t left = ready_.size(); left > 0; --left) {
    std::shared_ptr<Thread> thread = std::move(ready_.front());
    ready_.pop_front();
    thread->queued = false;
    if (!thread->ready) continue;
    ComponentInst& inst = *thread->task->inst;
    if (!may_enter(&inst, nullptr) && !inst.poisoned) {
      notify(thread);
      continue;
    }
    if (thread->ready()) {
      run_ready(thread);
      if (!inst.exclusive) wake_next(inst);
      return true;
    }
    if (thread->needs_exclusive && inst.exclusive) {
      inst.exclusive_waiters.push_back(thread);
    } else if (thread->task->state == Task::State::initial) {
      inst.entry_waiters.push_front(thread);
    } else {
      wake_next(inst);
    }
  }
  return false;
}

Result<bool> Scheduler::tick_inside(ComponentInst& inst) {
  // Threads that take turns must not run while the synchronous task has not returned: they may use
  // the same stack in linear memory (async/during-sync-call-no-exclusive-resume.wast).
  auto fits = [&inst](const std::shared_ptr<Thread>& thread) {
    return thread && thread->task->inst == &inst && thread->index != 0 && thread->is_ready() &&
           !(thread->task->exclusive() && thread->task->implicit == thread);
  };
  std::shared_ptr<Thread> chosen;
  if (auto found = std::ranges::find_if(ready_, fits); found != ready_.end()) {
    chosen = *found;
    chosen->queued = false;
    ready_.erase(found);
  } else {
    for (const auto& thread : inst.threads.entries())
      if (!chosen && fits(thread)) chosen = thread;
  }
  if (!chosen) return false;
  SEDGE_TRY(resume(chosen));
  return true;
}

Result<void> Scheduler::run(const std::shared_ptr<Task>& task, Thread::Step begin,
                            ComponentInst* caller) {
  SEDGE_TRY_ASSIGN(Entry entry, Entry::enter(task->inst, caller));
  auto thread = std::make_shared<Thread>();
  thread->task = task;
  thread->step = std::move(begin);
  task->implicit = thread;
  add(thread);
  Result<void> done = resume(thread);
  while (done && !task->sig->type.async_ && task->state != Task::State::resolved) {
    auto ran = tick_inside(*task->inst);
    if (!ran) {
      done = std::unexpected(std::move(ran).error());
    } else if (!*ran) {
      done =
          trap(has_ready() ? "deadlock detected: event loop cannot make further progress while a "
                             "synchronous task blocks"
                           : "cannot block a synchronous task before returning");
    }
  }
  entry.leave(!done && is_trap(done.error()));
  return done;
}

// Ends

void Scheduler::kill(const std::shared_ptr<Thread>& thread) {
  // What it was in the middle of stays undone.
  for (ComponentInst* at = thread->task->inst; at; at = at->parent) at->poisoned = true;
  thread->killed = true;
  stop_waiting(*thread);
  std::erase(ready_, thread);
  thread->queued = false;
  if (thread->running) return;
  if (!thread->fiber) {
    thread->step = nullptr;
    forget(*thread);
    return;
  }
  // Its stack unwinds: whatever it waits in gives an error, and no core code runs any more.
  std::ignore = resume(thread);
}

void Scheduler::fail_all(const ComponentInst& inst, Error error) {
  auto root_of = [](const ComponentInst* at) {
    while (at->parent) at = at->parent;
    return at;
  };
  const ComponentInst* root = root_of(&inst);
  std::optional<Error> first = std::move(error);
  for (const auto& call : std::vector(host_calls_)) {
    if (root_of(call->inst_) != root) continue;
    if (first) {
      call->finish(fail(*std::exchange(first, std::nullopt)));
    } else {
      call->finish(trap("cannot enter component instance: another call into it has trapped"));
    }
  }
  if (first && !lost_) lost_ = std::move(first);
  for (const auto& thread : std::vector(alive_))
    if (root_of(thread->task->inst) == root) kill(thread);
}

void Scheduler::fail_all(const std::function<Error()>& make) {
  for (const auto& call : std::vector(host_calls_)) call->finish(fail(make()));
  for (const auto& thread : std::vector(alive_)) kill(thread);
}

// Calls of the host

void Scheduler::begin(const std::shared_ptr<HostCall>& call, const ComponentInst& inst) {
  call->scheduler_ = this;
  call->inst_ = &inst;
  host_calls_.push_back(call);
}

Result<void> HostCall::resolve(std::optional<Values> values) {
  finish(*std::move(values));
  return {};
}

void HostCall::finish(Result<Values> with) {
  const bool first = !result_;
  if (first || (*result_ && !with)) result_ = std::move(with);
  if (!first || !then_) return;
  ComponentStore::of(*inst_).loop->later([self = shared_from_this()] {
    auto then = std::move(self->then_);
    then(self->take());
  });
}

Result<HostCall::Values> HostCall::take() {
  std::erase_if(scheduler_->host_calls_, [this](const auto& at) { return at.get() == this; });
  return *std::exchange(result_, std::nullopt);
}

Store& Scheduler::store() const { return *store_.facade; }

}  // namespace sedge::component
