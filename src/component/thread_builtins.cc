// Canonical functions of threads. Specification: CanonicalABI.md, "canon thread.index" and after.
#include "component/builtins.h"
#include "component/call.h"
#include "component/canon_abi.h"
#include "component/task.h"

namespace sedge::component {
namespace {

uint32_t word(uint64_t cell) { return static_cast<uint32_t>(cell); }

/// Runs `then` with the current thread and the core arguments.
template <typename F>
RawHostCallback threaded(ComponentInst& inst, F then) {
  return [&inst, then](Caller& caller, uint64_t* cells) -> Result<void> {
    if (!inst.may_leave) return trap("cannot leave component instance");
    SEDGE_TRY_ASSIGN(Thread * thread, blocking_thread(inst));
    return then(Scheduler::of(caller.store()), inst, *thread, cells);
  };
}

/// The body of a new thread: its function with one argument.
Result<void> run_thread(Thread& thread, const Func& func, uint64_t argument) {
  std::shared_ptr<Task> task = thread.task;
  Store& store = ComponentStore::of(*task->inst).scheduler().store();
  SEDGE_TRY(call_core(store, func, &argument));
  return task->unregister_thread(thread);
}

RawHostCallback thread_new_indirect(ComponentInst& inst, const Canon& canon) {
  const Table table = inst.core_tables[canon.index];
  const bool is64 = inst.info->spaces.core_tables[canon.index].is64;
  const wasm::TypeId type = inst.info->spaces.core_types[canon.type].id;
  const sedge::FuncType& signature = inst.type_arena().registry().get(type).type.func;
  return threaded(inst,
                  [table, is64, &signature](Scheduler& scheduler, ComponentInst&, Thread& current,
                                            uint64_t* cells) -> Result<void> {
                    Store& store = scheduler.store();
                    const uint64_t index = is64 ? cells[0] : word(cells[0]);
                    auto entry = table.get(store, index);
                    if (!entry) return trap("table index out of bounds");
                    auto func = Func::from_val(store, *entry);
                    if (!func) return trap("uninitialized element");
                    if (!(func->type(store) == signature))
                      return trap("start function does not match expected type");
                    auto made = std::make_shared<Thread>();
                    made->task = current.task;
                    made->step = [at = made.get(), func = *func, argument = cells[1]] {
                      return run_thread(*at, func, argument);
                    };
                    scheduler.add(made);
                    SEDGE_TRY(current.task->register_thread(made));
                    cells[0] = made->index;
                    return {};
                  });
}

Result<std::shared_ptr<Thread>> suspended_thread(const ComponentInst& inst, uint64_t index) {
  SEDGE_TRY_ASSIGN(std::shared_ptr<Thread> other, inst.threads.get(word(index)));
  if (!other->suspended()) return trap("cannot resume thread which is not suspended");
  return other;
}

Result<void> thread_index(Scheduler&, ComponentInst&, Thread& thread, uint64_t* cells) {
  cells[0] = thread.index;
  return {};
}

Result<void> thread_resume_later(Scheduler& scheduler, ComponentInst& inst, Thread&,
                                 uint64_t* cells) {
  SEDGE_TRY_ASSIGN(auto other, suspended_thread(inst, cells[0]));
  scheduler.start_waiting(*other, [] { return true; });
  return {};
}

/// thread.suspend and thread.yield, alone or with a thread that runs next.
enum class Next : uint8_t { nobody, resume, promote };

RawHostCallback thread_switch(ComponentInst& inst, bool yields, bool cancellable, Next next) {
  return threaded(inst,
                  [=](Scheduler& scheduler, ComponentInst& in, Thread& thread,
                      uint64_t* cells) -> Result<void> {
                    std::shared_ptr<Thread> other;
                    if (next == Next::resume) {
                      SEDGE_TRY_ASSIGN(other, suspended_thread(in, cells[0]));
                    } else if (next == Next::promote) {
                      SEDGE_TRY_ASSIGN(other, in.threads.get(word(cells[0])));
                    }
                    if (thread.task->deliver_pending_cancel(cancellable)) {
                      cells[0] = 1;
                      return {};
                    }
                    // One that is not ready is not promoted.
                    if (next == Next::promote && !other->is_ready()) other.reset();
                    if (yields) scheduler.start_waiting(thread, [] { return true; });
                    SEDGE_TRY_ASSIGN(bool cancelled,
                                     scheduler.block(thread, cancellable, std::move(other)));
                    cells[0] = cancelled ? 1 : 0;
                    return {};
                  });
}

}  // namespace

RawHostCallback thread_builtin(ComponentInst& inst, const Canon& canon, AbiOptions) {
  switch (canon.op) {
    case CanonOp::thread_index:
      return threaded(inst, thread_index);
    case CanonOp::thread_new_indirect:
      return thread_new_indirect(inst, canon);
    case CanonOp::thread_resume_later:
      return threaded(inst, thread_resume_later);
    case CanonOp::thread_suspend:
      return thread_switch(inst, false, canon.cancellable, Next::nobody);
    case CanonOp::thread_suspend_then_resume:
      return thread_switch(inst, false, canon.cancellable, Next::resume);
    case CanonOp::thread_yield_then_resume:
      return thread_switch(inst, true, canon.cancellable, Next::resume);
    case CanonOp::thread_suspend_then_promote:
      return thread_switch(inst, false, canon.cancellable, Next::promote);
    case CanonOp::thread_yield_then_promote:
      return thread_switch(inst, true, canon.cancellable, Next::promote);
    default:
      return thread_switch(inst, true, canon.cancellable, Next::nobody);
  }
}

}  // namespace sedge::component
