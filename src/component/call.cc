// See call.h. A call locks the instances that it enters and poisons them if it traps: a trap leaves
// them in no state that anybody could rely on. Between components that use nothing asynchronous a
// call runs where its caller runs; any other becomes a task (lift.cc).
#include "component/call.h"

#include <algorithm>

#include <fmt/format.h>

#include "component/canon_abi.h"
#include "component/fused_call.h"
#include "component/host_call.h"
#include "component/lift.h"
#include "component/loop.h"
#include "component/subtask.h"

namespace sedge::component {
namespace {

bool is_inside(const ComponentInst* inner, const ComponentInst* outer) {
  return inner && inner->is_inside(*outer);
}

/// The lifted function itself: lower arguments, run, lift the result, hand it on, clean up.
template <typename Deliver>
Result<void> run_lifted(Store& store, const FuncValue& func, std::span<const ComponentVal> args,
                        Deliver& deliver) {
  ComponentInst& inst = *func.inst;
  const FuncSig& sig = inst.type_arena().func(func.sig);
  Crossing crossing(inst, func.options);
  std::shared_ptr<uint32_t> borrows;
  for (ValType param : sig.params)
    if (!borrows && inst.type_arena().has_borrow(param)) borrows = std::make_shared<uint32_t>(0);
  if (borrows) crossing.set_borrow_scope(borrows);
  FlatCells cells;
  SEDGE_TRY(crossing.lower(sig.params, kMaxFlatParams, args, std::nullopt, cells));
  SEDGE_TRY(call_core(store, func.callee, cells.data()));
  const uint64_t* at = cells.data();
  SEDGE_TRY_ASSIGN(std::vector<ComponentVal> out, crossing.lift(sig.results, kMaxFlatResults, at));
  if (borrows && *borrows > 0) return trap("borrow handles still remain at the end of the call");
  SEDGE_TRY(deliver(std::move(out)));
  return run_post_return(store, inst, func.options, cells[0]);
}

/// A call of a component's function that blocks nobody, on the stack of its caller. `deliver` gets
/// the results.
template <typename Deliver>
Result<void> call_directly(Store& store, const FuncValue& func, std::span<const ComponentVal> args,
                           ComponentInst* caller, Deliver deliver) {
  SEDGE_TRY_ASSIGN(Entry entry, Entry::enter(func.inst, caller));
  auto done = [&] {
    FreshContext context(*func.inst);
    return run_lifted(store, func, args, deliver);
  }();
  entry.leave(!done && is_trap(done.error()));
  return done;
}

/// The same for the host, which takes the results as they are.
Result<std::vector<ComponentVal>> call_for_host(Store& store, const FuncValue& func,
                                                std::span<const ComponentVal> args) {
  std::vector<ComponentVal> out;
  SEDGE_TRY(call_directly(store, func, args, nullptr, [&out](std::vector<ComponentVal> results) {
    out = std::move(results);
    return Result<void>();
  }));
  return out;
}

/// Drives the store until the call has ended. `inst` is whose calls fail if it cannot.
Result<std::vector<ComponentVal>> wait_for_end(Store& store, const ComponentInst& inst,
                                               const std::shared_ptr<HostCall>& call) {
  std::shared_ptr<ComponentLoopImpl> loop = ComponentStore::of(store).loop;
  auto driven = loop->drive([&call] { return call->ended(); });
  if (!driven) Scheduler::of(store).fail_all(inst, std::move(driven).error());
  return call->take();
}

/// Whether a call of it can be nothing but a call.
bool is_direct(const FuncValue& func, const FuncType& type) {
  return !type.async_ && !func.async_host && (!func.inst || !func.inst->async_);
}

}  // namespace

Result<void> call_lowered(Store& store, ComponentInst& inst, const FuncValue& callee,
                          const FuncSig& sig, const AbiOptions& options, uint64_t* cells) {
  Crossing crossing(inst, options);
  const uint64_t* at = cells;
  SEDGE_TRY_ASSIGN(std::vector<ComponentVal> args, crossing.lift(sig.params, kMaxFlatParams, at));
  FlatCells out;
  auto deliver = [&](std::vector<ComponentVal> results) {
    return crossing.lower(sig.results, kMaxFlatResults, results, *at, out);
  };
  auto call = [&]() -> Result<void> {
    if (callee.inst) return call_directly(store, callee, args, &inst, deliver);
    SEDGE_TRY_ASSIGN(std::vector<ComponentVal> results, callee.host(store, args));
    SEDGE_TRY(check_results(inst.type_arena(), sig, results));
    return deliver(std::move(results));
  };
  auto done = call();
  crossing.give_back();
  SEDGE_TRY(std::move(done));
  std::copy_n(out.data(), out.size(), cells);
  return {};
}

bool is_trap(const Error& error) {
  return error.phase() == Phase::trap || error.phase() == Phase::exhaustion ||
         error.phase() == Phase::exception;
}

bool may_enter(const ComponentInst* callee, const ComponentInst* caller) {
  // For now an instance and one inside of it cannot call each other (async/trap-on-reenter.wast).
  if (caller && caller != callee && (is_inside(caller, callee) || is_inside(callee, caller)))
    return false;
  for (const ComponentInst* inst = callee; inst && !is_inside(caller, inst); inst = inst->parent)
    if (inst->entered || inst->poisoned) return false;
  return true;
}

Result<Entry> Entry::enter(ComponentInst* callee, const ComponentInst* caller) {
  if (!may_enter(callee, caller)) return trap("cannot enter component instance");
  Entry out;
  out.callee_ = out.end_ = callee;
  for (; out.end_ && !is_inside(caller, out.end_); out.end_ = out.end_->parent)
    out.end_->entered = true;
  return out;
}

void Entry::leave(bool trapped) {
  for (ComponentInst* inst = callee_; inst != end_; inst = inst->parent) {
    inst->entered = false;
    inst->poisoned |= trapped;
  }
}

Func lowered(Store& store, ComponentInst& inst, std::shared_ptr<const FuncValue> callee,
             uint32_t sig, AbiOptions options, const sedge::FuncType& signature) {
  const FuncSig& type = inst.type_arena().func(sig);
  const bool direct = !options.async_ && is_direct(*callee, type.type);
  if (direct && can_fuse(inst, *callee))
    return fused(store, inst, std::move(callee), sig, std::move(options), signature);
  RawHostCallback callback;
  if (direct) {
    callback = [&inst, &type, callee = std::move(callee), options = std::move(options)](
                   Caller& caller, uint64_t* cells) -> Result<void> {
      if (!inst.may_leave) return trap("cannot leave component instance");
      return call_lowered(caller.store(), inst, *callee, type, options, cells);
    };
  } else {
    callback = [&inst, &type, callee = std::move(callee), options = std::move(options)](
                   Caller& caller, uint64_t* cells) -> Result<void> {
      if (!inst.may_leave) return trap("cannot leave component instance");
      return Subtask::call(caller.store(), inst, callee, type, options, cells);
    };
  }
  return Func::wrap_raw(store, signature, std::move(callback));
}

Result<std::vector<ComponentVal>> call(Store& store, const FuncValue& func,
                                       std::span<const ComponentVal> args) {
  const FuncType& type = func.component->validated.types->func(func.sig).type;
  if (is_direct(func, type)) {
    Scheduler::NoThread no_thread(func.inst->home->scheduler());
    return call_for_host(store, func, args);
  }
  auto started = std::make_shared<HostCall>(std::vector(args.begin(), args.end()));
  start_call(store, func, started);
  return wait_for_end(store, *func.inst, started);
}

Result<std::vector<ComponentVal>> call_start(Store& store, ComponentInst& inst,
                                             const FuncValue& func, const FuncSig& sig,
                                             std::span<ComponentVal> args) {
  if (func.inst) return call(store, func, args);
  SEDGE_TRY_ASSIGN(HostCallStart started, call_host(store, func, args, inst, sig));
  auto ending = std::make_shared<HostCall>(HostCall::Values());
  Scheduler::of(store).begin(ending, inst);
  if (!started.pending) {
    SEDGE_TRY(ending->resolve(std::move(started.results)));
    return ending->take();
  }
  // Keeps what the answer is told to.
  std::shared_ptr<Callee> called = wait_for(started.pending, ending);
  return wait_for_end(store, inst, ending);
}

void start_call(Store& store, const FuncValue& func, const std::shared_ptr<HostCall>& call) {
  Scheduler& scheduler = Scheduler::of(store);
  Scheduler::NoThread no_thread(scheduler);
  scheduler.begin(call, *func.inst);
  if (const auto& why = ComponentStore::of(store).loop->no_stack)
    return call->finish(fail(Error(*why)));
  const FuncType& type = func.component->validated.types->func(func.sig).type;
  if (is_direct(func, type)) {
    auto args = call->start();
    return call->finish(call_for_host(store, func, *args));
  }
  if (!may_enter(func.inst, nullptr)) return call->finish(trap("cannot enter component instance"));
  auto done = lift(func, call, nullptr);
  if (!done) scheduler.fail_all(*func.inst, std::move(done).error());
}

Result<void> drop_handle(Store& store, ComponentInst& inst, uint32_t index, RuntimeResource* type) {
  if (!inst.may_leave) return trap("cannot leave component instance");
  SEDGE_TRY_ASSIGN(Handle * handle, inst.handles.get(index, type));
  Handle ended = *handle;
  if (ended.lends != 0) return trap("cannot remove owned resource while borrowed");
  inst.handles.remove(index);
  if (ended.kind == Handle::Kind::borrow) {
    if (ended.scope) --*ended.scope;
    return {};
  }
  if (type->host) type->host->drop(store, ended.rep);
  if (!type->destructor) return {};
  if (type->owner->async_) return run_destructor(*type, ended.rep, &inst);
  uint64_t argument = ended.rep;
  FreshContext context(*type->owner);
  if (type->owner == &inst) return call_core(store, *type->destructor, &argument);
  SEDGE_TRY_ASSIGN(Entry entry, Entry::enter(type->owner, &inst));
  auto done = call_core(store, *type->destructor, &argument);
  entry.leave(!done && is_trap(done.error()));
  return done;
}

}  // namespace sedge::component
