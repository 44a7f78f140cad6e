// See subtask.h.
#include "component/subtask.h"

#include <algorithm>

#include "component/call.h"
#include "component/host_call.h"
#include "component/lift.h"
#include "component/shapes.h"

namespace sedge::component {
namespace {

uint32_t most_params(const AbiOptions& options) {
  return options.async_ ? kMaxFlatAsyncParams : kMaxFlatParams;
}
uint32_t most_results(const AbiOptions& options) { return options.async_ ? 0 : kMaxFlatResults; }

/// Core arguments of a lowered function, the pointer for its results included.
uint64_t param_cells(const Types& types, const FuncSig& sig, const AbiOptions& options) {
  const uint64_t count = total_flat(types, sig.params);
  return (count > most_params(options) ? 1 : count) + 1;
}

}  // namespace

Subtask::Subtask(ComponentInst& inst, const FuncSig& sig, const AbiOptions& options,
                 Crossing crossing)
    : Waitable(Kind::subtask),
      inst_(inst),
      sig_(sig),
      options_(options),
      crossing_(std::move(crossing)) {}

Subtask::~Subtask() {
  if (callee_) callee_->abandon();
}

Result<std::vector<ComponentVal>> Subtask::start() {
  progress(State::started);
  const uint64_t* at = cells_;
  SEDGE_TRY_ASSIGN(std::vector<ComponentVal> args,
                   crossing_.lift(sig_.params, most_params(options_), at));
  results_at_ = *at;
  return args;
}

Result<void> Subtask::resolve(std::optional<std::vector<ComponentVal>> values) {
  callee_.reset();
  if (!values) {
    progress(state_ == State::starting ? State::cancelled_before_started
                                       : State::cancelled_before_returned);
    return {};
  }
  SEDGE_TRY(
      crossing_.lower(sig_.results, most_results(options_), *values, results_at_, flat_results_));
  progress(State::returned);
  return {};
}

void Subtask::progress(State state) {
  state_ = state;
  if (in_table_) set_pending_event();
  if (waiter_) ComponentStore::of(inst_).scheduler().notify(waiter_);
}

Result<void> Subtask::deliver_resolve() {
  crossing_.give_back();
  delivered_ = true;
  return {};
}

Result<Event> Subtask::deliver() {
  if (resolved()) SEDGE_TRY(deliver_resolve());
  return Event{EventCode::subtask, index, static_cast<uint32_t>(state_)};
}

Result<void> Subtask::wait(Store& store) {
  Scheduler& scheduler = Scheduler::of(store);
  Thread* thread = scheduler.current_in(inst_);
  if (!thread) return trap("cannot block a synchronous task before returning");
  waiter_ = thread->shared_from_this();
  auto done = scheduler.wait_until(*thread, [this] { return resolved(); }, false);
  waiter_.reset();
  SEDGE_TRY(std::move(done));
  return {};
}

Result<void> Subtask::call(Store& store, ComponentInst& inst,
                           const std::shared_ptr<const FuncValue>& callee, const FuncSig& sig,
                           const AbiOptions& options, uint64_t* cells) {
  if (!callee->inst) return call_host(store, inst, *callee, sig, options, cells);
  auto subtask = std::make_shared<Subtask>(inst, sig, options);
  std::copy_n(cells, param_cells(inst.type_arena(), sig, options), subtask->cells_);
  SEDGE_TRY_ASSIGN(std::shared_ptr<Callee> called, lift(*callee, subtask, &inst));
  return finish(store, subtask, std::move(called), cells);
}

/// Most functions of the host are done when they return: then there is no subtask.
Result<void> Subtask::call_host(Store& store, ComponentInst& inst, const FuncValue& callee,
                                const FuncSig& sig, const AbiOptions& options, uint64_t* cells) {
  Crossing crossing(inst, options);
  const uint64_t* at = cells;
  SEDGE_TRY_ASSIGN(std::vector<ComponentVal> args,
                   crossing.lift(sig.params, most_params(options), at));
  const uint64_t results_at = *at;
  SEDGE_TRY_ASSIGN(HostCallStart started, component::call_host(store, callee, args, inst, sig));
  if (started.pending) {
    auto subtask = std::make_shared<Subtask>(inst, sig, options, std::move(crossing));
    subtask->state_ = State::started;
    subtask->results_at_ = results_at;
    return finish(store, subtask, wait_for(started.pending, subtask), cells);
  }
  FlatCells out;
  if (started.results)
    SEDGE_TRY(
        crossing.lower(sig.results, most_results(options), *started.results, results_at, out));
  crossing.give_back();
  if (options.async_) {
    cells[0] = static_cast<uint32_t>(State::returned);
  } else {
    std::copy_n(out.data(), out.size(), cells);
  }
  return {};
}

Result<void> Subtask::finish(Store& store, const std::shared_ptr<Subtask>& subtask,
                             std::shared_ptr<Callee> callee, uint64_t* cells) {
  if (!subtask->options_.async_) {
    if (!subtask->resolved()) {
      subtask->callee_ = std::move(callee);
      SEDGE_TRY(subtask->wait(store));
    }
    SEDGE_TRY(subtask->deliver_resolve());
    std::copy_n(subtask->flat_results_.data(), subtask->flat_results_.size(), cells);
    return {};
  }
  if (subtask->resolved()) {
    SEDGE_TRY(subtask->deliver_resolve());
    cells[0] = static_cast<uint32_t>(State::returned);
    return {};
  }
  subtask->callee_ = std::move(callee);
  SEDGE_TRY_ASSIGN(subtask->index,
                   subtask->inst_.handles.add(std::shared_ptr<TableObject>(subtask)));
  subtask->in_table_ = true;
  cells[0] = static_cast<uint32_t>(subtask->state_) | (subtask->index << 4);
  return {};
}

Result<std::optional<Subtask::State>> Subtask::cancel(Store& store, bool async) {
  if (delivered_) return trap("`subtask.cancel` called after terminal status delivered");
  if (cancellation_requested_) return trap("`subtask.cancel` called twice");
  if (set && !async)
    return trap("waitable cannot be used synchronously while added to a waitable set");
  if (!resolved()) {
    cancellation_requested_ = true;
    std::shared_ptr<Callee> called = callee_;
    SEDGE_TRY(called->request_cancellation(&inst_));
    if (!resolved()) {
      if (async) return std::optional<State>();
      // An event that only says that it has begun is not its end.
      while (!resolved()) SEDGE_TRY(wait_for_pending_event(store));
    }
  }
  SEDGE_TRY(get_pending_event());
  return std::optional(state_);
}

}  // namespace sedge::component
