// See host_call.h.
#include "component/host_call.h"

#include "component/call.h"
#include "component/lift.h"

namespace sedge {

/// A call that the host has not completed; used on the store's thread.
struct PendingHostCall final : component::Callee {
  using Values = CompletionImpl::Values;

  Result<void> request_cancellation(component::ComponentInst*) override {
    if (site.expired()) return {};
    if (on_cancel) {
      auto told = std::exchange(on_cancel, nullptr);
      told();
      return {};
    }
    return finish(std::optional<Values>());
  }

  /// Tells who called. Later answers are ignored.
  Result<void> finish(CompletionImpl::Answer with) {
    std::shared_ptr<component::CallSite> told = site.lock();
    abandon();
    if (!told) return {};
    if (!with) return std::unexpected(std::move(with).error());
    if (*with) SEDGE_TRY(component::check_results(*types, *sig, **with));
    return told->resolve(*std::move(with));
  }

  /// An answer that came from outside: an error ends everything that waits for it.
  void finish_later(CompletionImpl::Answer with) {
    if (site.expired()) return;
    component::ComponentInst* waits = inst;
    auto done = finish(std::move(with));
    if (done || !waits) return;
    component::ComponentStore::of(*waits).scheduler().fail_all(*waits, std::move(done).error());
  }

  void abandon() override {
    site.reset();
    on_cancel = nullptr;
    if (auto told = std::exchange(on_end, nullptr)) told();
  }

  std::weak_ptr<component::CallSite> site;
  component::ComponentInst* inst = nullptr;  ///< that called
  const component::Types* types = nullptr;
  const component::FuncSig* sig = nullptr;
  std::function<void()> on_cancel;
  std::function<void()> on_end;
};

CompletionImpl::CompletionImpl(std::shared_ptr<PendingHostCall> of,
                               std::shared_ptr<ComponentLoopImpl> in)
    : call(std::move(of)), loop_(std::move(in)) {}

CompletionImpl::~CompletionImpl() {
  answer(sedge::fail(ErrorCode::host_failure, ": it went away without an answer"));
}

void CompletionImpl::answer(Answer with) {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(answered_, true)) return;
    if (!returned_) {
      early_ = std::move(with);
      return;
    }
  }
  loop_->post([call = call, with = std::make_shared<Answer>(std::move(with))](Store&) {
    call->finish_later(std::move(*with));
  });
  loop_->expect(-1);
}

std::optional<CompletionImpl::Answer> CompletionImpl::take_early() {
  std::lock_guard lock(mutex_);
  returned_ = true;
  if (!early_) loop_->expect(1);
  return std::exchange(early_, std::nullopt);
}

void ComponentCompletion::resolve(std::vector<ComponentVal> results) const {
  impl->answer(std::optional(std::move(results)));
}
void ComponentCompletion::fail(Error error) const { impl->answer(sedge::fail(std::move(error))); }
void ComponentCompletion::cancelled() const {
  impl->answer(std::optional<CompletionImpl::Values>());
}
void ComponentCompletion::on_cancel(std::function<void()> then) const {
  impl->call->on_cancel = std::move(then);
}
void ComponentCompletion::on_end(std::function<void()> then) const {
  impl->call->on_end = std::move(then);
}

namespace component {

Result<HostCallStart> call_host(Store& store, const FuncValue& func, std::span<ComponentVal> args,
                                ComponentInst& caller, const FuncSig& sig) {
  HostCallStart out;
  const Types& types = caller.type_arena();
  if (!func.async_host) {
    SEDGE_TRY_ASSIGN(out.results, func.host(store, args));
  } else {
    auto call = std::make_shared<PendingHostCall>();
    call->inst = &caller;
    call->types = &types;
    call->sig = &sig;
    auto completion = std::make_shared<CompletionImpl>(call, caller.home->loop);
    func.async_host(store, args, ComponentCompletion{completion});
    auto early = completion->take_early();
    if (!early) {
      out.pending = std::move(call);
      return out;
    }
    SEDGE_TRY_ASSIGN(out.results, *std::move(early));
  }
  if (out.results) SEDGE_TRY(check_results(types, sig, *out.results));
  return out;
}

std::shared_ptr<Callee> wait_for(const std::shared_ptr<PendingHostCall>& call,
                                 const std::shared_ptr<CallSite>& site) {
  call->site = site;
  return call;
}

}  // namespace component
}  // namespace sedge
