// See lift.h. A task with a callback waits between two calls of core code without a stack: each
// wait leaves the next step in its thread.
#include "component/lift.h"

#include <algorithm>

#include "component/call.h"
#include "component/canon_abi.h"

namespace sedge::component {
namespace {

enum class CallbackCode : uint8_t { exit = 0, yield = 1, wait = 2 };

Scheduler& scheduler_of(const Task& task) { return ComponentStore::of(*task.inst).scheduler(); }

/// The body of a task; each function is one stretch of core code and what leads to it.
class Body {
 public:
  explicit Body(Task& task) : task_(task), inst_(*task.inst), store_(scheduler_of(task).store()) {}
  Result<void> begin();

 private:
  Result<void> enter();
  Result<void> run();
  Result<void> run_sync(const FlatCells& cells, Crossing& crossing);
  Result<void> next(uint64_t packed);
  Result<void> wait(std::function<bool()> ready, std::function<Result<Event>(bool)> event);
  Result<void> call_back(Event event);
  /// A step that keeps the task and goes on with another Body of it.
  template <typename F>
  Thread::Step step(F then) {
    return [task = task_.shared_from_this(), then = std::move(then)] {
      Body body(*task);
      return then(body);
    };
  }
  Thread& thread() { return *task_.implicit; }

  Task& task_;
  ComponentInst& inst_;
  Store& store_;
};

Result<void> Body::begin() {
  if (task_.sig->type.async_ && inst_.exclusive && inst_.exclusive->is_ready() &&
      task_.exclusive() && inst_.backpressure == 0 && inst_.waiting_to_enter == 0) {
    // The task in whose way this one comes has been able to go on (async/sync-streams.wast).
    SEDGE_TRY(scheduler_of(task_).resume(inst_.exclusive->shared_from_this()));
  }
  if (!task_.sig->type.async_ || (!task_.has_backpressure() && inst_.waiting_to_enter == 0))
    return enter();
  ++inst_.waiting_to_enter;
  thread().cancellable = true;
  thread().step = step([](Body& body) -> Result<void> {
    --body.inst_.waiting_to_enter;
    return body.thread().cancelled ? body.task_.cancel() : body.enter();
  });
  inst_.entry_waiters.push_back(task_.implicit);
  scheduler_of(task_).start_waiting(thread(), [&task = task_] { return !task.has_backpressure(); });
  return {};
}

Result<void> Body::enter() {
  if (task_.exclusive()) inst_.exclusive = task_.implicit.get();
  SEDGE_TRY(task_.register_thread(task_.implicit));
  return run();
}

Result<void> Body::run() {
  Crossing crossing(inst_, *task_.options);
  crossing.set_borrow_scope(task_.borrows);
  SEDGE_TRY_ASSIGN(std::vector<ComponentVal> args, task_.start());
  FlatCells cells;
  SEDGE_TRY(crossing.lower(task_.sig->params, kMaxFlatParams, args, std::nullopt, cells));
  args.clear();
  SEDGE_TRY(call_core(store_, task_.callee, cells.data()));
  if (!task_.options->async_) return run_sync(cells, crossing);
  if (!task_.options->callback) return task_.exit_implicit_thread();
  return next(cells[0]);
}

Result<void> Body::run_sync(const FlatCells& cells, Crossing& crossing) {
  const uint64_t* at = cells.data();
  SEDGE_TRY_ASSIGN(auto results, crossing.lift(task_.sig->results, kMaxFlatResults, at));
  SEDGE_TRY(task_.return_(std::move(results)));
  SEDGE_TRY(run_post_return(store_, inst_, *task_.options, cells[0]));
  return task_.exit_implicit_thread();
}

/// What the core code asks for by its result.
Result<void> Body::next(uint64_t packed) {
  auto bits = static_cast<uint32_t>(packed);
  switch (static_cast<CallbackCode>(bits & 0xf)) {
    case CallbackCode::exit:
      return task_.exit_implicit_thread();
    case CallbackCode::yield:
      return wait([] { return true; },
                  [](bool cancelled) -> Result<Event> {
                    return Event{cancelled ? EventCode::task_cancelled : EventCode::none, 0, 0};
                  });
    case CallbackCode::wait: {
      SEDGE_TRY_ASSIGN(auto object, inst_.handles.get_object(
                                        bits >> 4, "a waitable set", [](TableObject::Kind kind) {
                                          return kind == TableObject::Kind::waitable_set;
                                        }));
      auto set = std::static_pointer_cast<WaitableSet>(object);
      set->waiters.push_back(task_.implicit);
      return wait([set] { return set->has_pending_event(); },
                  [set, waiter = task_.implicit](bool cancelled) -> Result<Event> {
                    std::erase(set->waiters, waiter);
                    if (cancelled) return Event{EventCode::task_cancelled, 0, 0};
                    return set->get_pending_event();
                  });
    }
  }
  return trap("unsupported callback code");
}

Result<void> Body::wait(std::function<bool()> ready, std::function<Result<Event>(bool)> event) {
  Scheduler& scheduler = scheduler_of(task_);
  inst_.exclusive = nullptr;
  scheduler.wake_next(inst_);
  auto go_on = [event = std::move(event)](Body& body) -> Result<void> {
    body.inst_.exclusive = body.task_.implicit.get();
    SEDGE_TRY_ASSIGN(Event happened, event(body.thread().cancelled));
    return body.call_back(happened);
  };
  if (task_.deliver_pending_cancel(true)) {
    thread().cancelled = true;
    return go_on(*this);
  }
  thread().step = step(std::move(go_on));
  thread().cancellable = true;
  thread().needs_exclusive = true;
  scheduler.start_waiting(
      thread(), [&inst = inst_, ready = std::move(ready)] { return !inst.exclusive && ready(); });
  return {};
}

Result<void> Body::call_back(Event event) {
  uint64_t cells[3] = {static_cast<uint64_t>(event.code), event.index, event.payload};
  SEDGE_TRY(call_core(store_, *task_.options->callback, cells));
  return next(cells[0]);
}

/// A call of a destructor: one core argument, no result.
class DestructorCall final : public CallSite {
 public:
  explicit DestructorCall(uint64_t rep) : rep_(rep) {}
  Result<std::vector<ComponentVal>> start() override {
    ComponentVal rep;
    rep.kind = ComponentVal::Kind::u64;
    rep.bits = rep_;
    return std::vector{rep};
  }
  Result<void> resolve(std::optional<std::vector<ComponentVal>>) override { return {}; }

 private:
  uint64_t rep_;
};

Result<std::shared_ptr<Callee>> run_task(const std::shared_ptr<Task>& task, ComponentInst* caller) {
  auto begin = [task] { return Body(*task).begin(); };
  SEDGE_TRY(scheduler_of(*task).run(task, std::move(begin), caller));
  return task;
}

}  // namespace

Result<std::shared_ptr<Callee>> lift(const FuncValue& func, const std::shared_ptr<CallSite>& site,
                                     ComponentInst* caller) {
  auto task = std::make_shared<Task>();
  task->inst = func.inst;
  task->sig = &func.inst->type_arena().func(func.sig);
  task->options = &func.options;
  task->callee = func.callee;
  task->keeps = func.shared_from_this();
  task->site = site;
  return run_task(task, caller);
}

Result<void> run_destructor(const RuntimeResource& type, uint64_t rep, ComponentInst* caller) {
  static const FuncSig kSig = [] {
    FuncType type;
    type.params.push_back({"rep", PrimType::u64});
    return FuncSig(std::move(type));
  }();
  static const AbiOptions kOptions;
  auto task = std::make_shared<Task>();
  task->inst = type.owner;
  task->sig = &kSig;
  task->options = &kOptions;
  task->callee = *type.destructor;
  task->site = std::make_shared<DestructorCall>(rep);
  SEDGE_TRY(run_task(task, caller));
  return {};
}

Result<void> run_post_return(Store& store, ComponentInst& inst, const AbiOptions& options,
                             uint64_t core_result) {
  if (!options.post_return) return {};
  inst.may_leave = false;
  auto done = call_core(store, *options.post_return, &core_result);
  inst.may_leave = true;
  return done;
}

Result<void> check_results(const Types& types, const FuncSig& sig,
                           std::vector<ComponentVal>& results) {
  if (results.size() != sig.results.size())
    return fail(ErrorCode::host_failure, ": a host function gave another number of results");
  for (size_t i = 0; i < results.size(); ++i)
    SEDGE_TRY(check_value(types, sig.results[i], results[i]));
  return {};
}

}  // namespace sedge::component
