// Calls of host functions by tasks, and their completion from outside.
#ifndef SEDGE_COMPONENT_HOST_CALL_H_
#define SEDGE_COMPONENT_HOST_CALL_H_

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "component/loop.h"
#include "component/task.h"

namespace sedge {
struct PendingHostCall;
}

namespace sedge::component {

/// A call of a function of the host: its results, nothing if it was cancelled; or what is going to
/// tell `PendingHostCall::site`.
struct HostCallStart {
  std::optional<std::vector<ComponentVal>> results;
  std::shared_ptr<PendingHostCall> pending;
};
/// Calls a function of the host, whose type `caller` knows as `sig`.
Result<HostCallStart> call_host(Store& store, const FuncValue& func, std::span<ComponentVal> args,
                                ComponentInst& caller, const FuncSig& sig);
/// Tells who waits.
std::shared_ptr<Callee> wait_for(const std::shared_ptr<PendingHostCall>& call,
                                 const std::shared_ptr<CallSite>& site);

}  // namespace sedge::component

namespace sedge {

/// Shared by the copies of a ComponentCompletion.
struct CompletionImpl {
  using Values = std::vector<ComponentVal>;
  using Answer = Result<std::optional<Values>>;  ///< nothing: cancelled
  explicit CompletionImpl(std::shared_ptr<PendingHostCall> of,
                          std::shared_ptr<ComponentLoopImpl> in);
  ~CompletionImpl();
  CompletionImpl(const CompletionImpl&) = delete;
  CompletionImpl& operator=(const CompletionImpl&) = delete;
  /// The first one counts. Thread-safe.
  void answer(Answer with);
  /// What was answered while the host function ran; later answers are posted, and the loop is told
  /// to expect them.
  std::optional<Answer> take_early();

  const std::shared_ptr<PendingHostCall> call;

 private:
  const std::shared_ptr<ComponentLoopImpl> loop_;
  std::mutex mutex_;
  std::optional<Answer> early_;
  bool answered_ = false;
  bool returned_ = false;
};

}  // namespace sedge

#endif  // SEDGE_COMPONENT_HOST_CALL_H_
