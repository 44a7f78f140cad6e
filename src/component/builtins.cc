// See builtins.h: resources, context, backpressure, tasks, waitables and subtasks.
#include "component/builtins.h"

#include <cstring>

#include "component/call.h"
#include "component/canon_abi.h"
#include "component/subtask.h"

namespace sedge::component {
namespace {

using Kind = TableObject::Kind;

uint32_t word(uint64_t cell) { return static_cast<uint32_t>(cell); }

bool is_waitable(Kind kind) { return kind != Kind::waitable_set && kind != Kind::error_context; }

Result<std::shared_ptr<WaitableSet>> find_set(ComponentInst& inst, uint32_t index) {
  SEDGE_TRY_ASSIGN(auto object, inst.handles.get_object(index, "a waitable set", [](Kind kind) {
    return kind == Kind::waitable_set;
  }));
  return std::static_pointer_cast<WaitableSet>(object);
}

Result<std::shared_ptr<Subtask>> find_subtask(ComponentInst& inst, uint32_t index) {
  SEDGE_TRY_ASSIGN(auto object, inst.handles.get_object(index, "a subtask", [](Kind kind) {
    return kind == Kind::subtask;
  }));
  return std::static_pointer_cast<Subtask>(object);
}

/// A function of `inst` and its options, which it keeps.
template <typename F>
RawHostCallback made(ComponentInst& inst, AbiOptions options, F body) {
  return
      [&inst, options = std::move(options), body](Caller& caller, uint64_t* cells) -> Result<void> {
        return body(caller.store(), inst, options, cells);
      };
}

/// The same for those that are a trap while `inst` may not leave.
template <typename F>
RawHostCallback leaving(ComponentInst& inst, AbiOptions options, F body) {
  return
      [&inst, options = std::move(options), body](Caller& caller, uint64_t* cells) -> Result<void> {
        if (!inst.may_leave) return trap("cannot leave component instance");
        return body(caller.store(), inst, options, cells);
      };
}

// Resources and context

RawHostCallback resource_builtin(ComponentInst& inst, const Canon& canon) {
  RuntimeResource* type = inst.types[canon.type];
  if (canon.op == CanonOp::resource_new)
    return leaving(
        inst, {},
        [type](Store&, ComponentInst& in, const AbiOptions&, uint64_t* cells) -> Result<void> {
          Handle handle;
          handle.kind = Handle::Kind::own;
          handle.type = type;
          handle.rep = cells[0];
          SEDGE_TRY_ASSIGN(cells[0], in.handles.add(handle));
          return {};
        });
  if (canon.op == CanonOp::resource_rep)
    return made(
        inst, {},
        [type](Store&, ComponentInst& in, const AbiOptions&, uint64_t* cells) -> Result<void> {
          SEDGE_TRY_ASSIGN(Handle * handle, in.handles.get(word(cells[0]), type));
          cells[0] = handle->rep;
          return {};
        });
  return made(
      inst, {},
      [type](Store& store, ComponentInst& in, const AbiOptions&, uint64_t* cells) -> Result<void> {
        return drop_handle(store, in, word(cells[0]), type);
      });
}

RawHostCallback context_builtin(ComponentInst& inst, const Canon& canon) {
  const bool sets = canon.op == CanonOp::context_set;
  inst.has_context = true;
  return made(inst, {},
              [sets, slot = canon.slot & 1](Store&, ComponentInst& in, const AbiOptions&,
                                            uint64_t* cells) -> Result<void> {
                uint64_t& context = context_of(in)[slot];
                (sets ? context : cells[0]) = sets ? cells[0] : context;
                return {};
              });
}

RawHostCallback backpressure_builtin(ComponentInst& inst, bool more) {
  return made(
      inst, {},
      [more](Store& store, ComponentInst& in, const AbiOptions&, uint64_t*) -> Result<void> {
        constexpr uint32_t kMost = 0xffff;
        if (more) {
          if (in.backpressure == kMost) return trap("backpressure counter overflow");
          ++in.backpressure;
          return {};
        }
        if (in.backpressure == 0) return trap("backpressure counter underflow");
        if (--in.backpressure == 0) Scheduler::of(store).wake_next(in);
        return {};
      });
}

// Tasks

/// The task that runs in `inst`, which has to be one that returns by a canonical function.
Result<Task*> async_task(const ComponentInst& inst, const char* what) {
  Thread* thread = ComponentStore::of(inst).scheduler().current_in(inst);
  if (!thread || !thread->task->options->async_)
    return trap(std::string(what) + " called by a task that does not return by it");
  return thread->task.get();
}

/// Of a task.return and of its task. One that needs no memory may leave it out, though that of the
/// task is there (async/cross-abi-calls.wast).
bool same_lift_options(const AbiOptions& returns, const AbiOptions& task) {
  const bool same_memory =
      !returns.memory || (task.memory && returns.memory->ptr == task.memory->ptr);
  return returns.encoding == task.encoding && same_memory;
}

RawHostCallback task_return(ComponentInst& inst, const Canon& canon, AbiOptions options) {
  std::optional<ValType> type = canon.result;
  if (type && !type->is_prim()) type = ValType::index(inst.info->spaces.types[type->index()].id);
  return leaving(
      inst, std::move(options),
      [type](Store&, ComponentInst& in, const AbiOptions& opts, uint64_t* cells) -> Result<void> {
        SEDGE_TRY_ASSIGN(Task * task, async_task(in, "`task.return`"));
        const Types& types = in.type_arena();
        if (!same_shape(types, type, types, task->sig->type.result) ||
            !same_lift_options(opts, *task->options))
          return trap("invalid `task.return` signature and/or options for current task");
        if (task->state == Task::State::resolved)
          return trap("`task.return` or `task.cancel` called multiple times for current task");
        const uint64_t* at = cells;
        SEDGE_TRY_ASSIGN(auto values,
                         Crossing(in, opts).lift(task->sig->results, kMaxFlatParams, at));
        return task->return_(std::move(values));
      });
}

Result<void> task_cancel(Store&, ComponentInst& inst, const AbiOptions&, uint64_t*) {
  SEDGE_TRY_ASSIGN(Task * task, async_task(inst, "`task.cancel`"));
  return task->cancel();
}

// Waitables

Result<void> write_event(ComponentInst& inst, const AbiOptions& options, const Event& event,
                         uint64_t at, uint64_t* cells) {
  Crossing crossing(inst, options);
  SEDGE_TRY(crossing.check_range(at, 4, 8, "pointer out of bounds of memory"));
  const uint32_t words[2] = {event.index, event.payload};
  std::memcpy(crossing.memory().data() + at, words, sizeof(words));
  cells[0] = static_cast<uint32_t>(event.code);
  return {};
}

RawHostCallback waitable_set_event(ComponentInst& inst, const Canon& canon) {
  AbiOptions options;
  options.memory = inst.core_memories[canon.index];
  options.is64 = inst.info->spaces.core_memories[canon.index].is64;
  const bool waits = canon.op == CanonOp::waitable_set_wait;
  return leaving(inst, std::move(options),
                 [waits, cancellable = canon.cancellable](Store& store, ComponentInst& in,
                                                          const AbiOptions& opts,
                                                          uint64_t* cells) -> Result<void> {
                   SEDGE_TRY_ASSIGN(auto set, find_set(in, word(cells[0])));
                   if (waits) SEDGE_TRY(blocking_thread(in));
                   SEDGE_TRY_ASSIGN(Event event, waits ? set->wait(store, cancellable)
                                                       : set->poll(store, cancellable));
                   const uint64_t at = opts.is64 ? cells[1] : word(cells[1]);
                   return write_event(in, opts, event, at, cells);
                 });
}

Result<void> waitable_set_new(Store&, ComponentInst& inst, const AbiOptions&, uint64_t* cells) {
  SEDGE_TRY_ASSIGN(cells[0], inst.handles.add(std::make_shared<WaitableSet>()));
  return {};
}

Result<void> waitable_set_drop(Store&, ComponentInst& inst, const AbiOptions&, uint64_t* cells) {
  SEDGE_TRY_ASSIGN(auto set, find_set(inst, word(cells[0])));
  if (!set->elems.empty()) return trap("cannot drop waitable set with waitables in it");
  if (!set->waiters.empty()) return trap("cannot drop waitable set with waiters");
  inst.handles.remove(word(cells[0]));
  return {};
}

Result<void> waitable_join(Store&, ComponentInst& inst, const AbiOptions&, uint64_t* cells) {
  SEDGE_TRY_ASSIGN(auto object, inst.handles.get_object(word(cells[0]), "a waitable", is_waitable));
  auto waitable = std::static_pointer_cast<Waitable>(object);
  if (waitable->sync_waiter)
    return trap(
        "waitable cannot be used synchronously while added to a waitable set: it is being waited "
        "for");
  if (word(cells[1]) == 0) {
    waitable->join(nullptr);
    return {};
  }
  SEDGE_TRY_ASSIGN(auto set, find_set(inst, word(cells[1])));
  waitable->join(set.get());
  return {};
}

RawHostCallback subtask_cancel(ComponentInst& inst, bool async) {
  return leaving(
      inst, {},
      [async](Store& store, ComponentInst& in, const AbiOptions&, uint64_t* cells) -> Result<void> {
        SEDGE_TRY_ASSIGN(auto subtask, find_subtask(in, word(cells[0])));
        if (!async) SEDGE_TRY(blocking_thread(in));
        SEDGE_TRY_ASSIGN(auto state, subtask->cancel(store, async));
        cells[0] = state ? static_cast<uint32_t>(*state) : kBlocked;
        return {};
      });
}

Result<void> subtask_drop(Store&, ComponentInst& inst, const AbiOptions&, uint64_t* cells) {
  SEDGE_TRY_ASSIGN(auto subtask, find_subtask(inst, word(cells[0])));
  if (!subtask->resolve_delivered())
    return trap("cannot drop a subtask which has not yet resolved");
  subtask->join(nullptr);
  inst.handles.remove(word(cells[0]));
  return {};
}

}  // namespace

Result<Thread*> blocking_thread(const ComponentInst& inst) {
  if (Thread* thread = ComponentStore::of(inst).scheduler().current_in(inst)) return thread;
  return trap("cannot block a synchronous task before returning");
}

RawHostCallback builtin(ComponentInst& inst, const Canon& canon, AbiOptions options) {
  switch (canon.op) {
    case CanonOp::resource_new:
    case CanonOp::resource_drop:
    case CanonOp::resource_rep:
      return resource_builtin(inst, canon);
    case CanonOp::context_get:
    case CanonOp::context_set:
      return context_builtin(inst, canon);
    case CanonOp::backpressure_inc:
    case CanonOp::backpressure_dec:
      return backpressure_builtin(inst, canon.op == CanonOp::backpressure_inc);
    case CanonOp::task_return:
      return task_return(inst, canon, std::move(options));
    case CanonOp::task_cancel:
      return leaving(inst, {}, task_cancel);
    case CanonOp::waitable_set_new:
      return leaving(inst, {}, waitable_set_new);
    case CanonOp::waitable_set_wait:
    case CanonOp::waitable_set_poll:
      return waitable_set_event(inst, canon);
    case CanonOp::waitable_set_drop:
      return leaving(inst, {}, waitable_set_drop);
    case CanonOp::waitable_join:
      return leaving(inst, {}, waitable_join);
    case CanonOp::subtask_cancel:
      return subtask_cancel(inst, canon.async_);
    case CanonOp::subtask_drop:
      return leaving(inst, {}, subtask_drop);
    case CanonOp::thread_index:
    case CanonOp::thread_new_indirect:
    case CanonOp::thread_resume_later:
    case CanonOp::thread_suspend:
    case CanonOp::thread_yield:
    case CanonOp::thread_suspend_then_resume:
    case CanonOp::thread_yield_then_resume:
    case CanonOp::thread_suspend_then_promote:
    case CanonOp::thread_yield_then_promote:
      return thread_builtin(inst, canon, std::move(options));
    default:
      return copy_builtin(inst, canon, std::move(options));
  }
}

}  // namespace sedge::component
