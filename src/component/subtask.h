// The caller's side of a call between components that may take its time. Specification:
// CanonicalABI.md, "Subtask State", "canon lower", "canon subtask.cancel".
#ifndef SEDGE_COMPONENT_SUBTASK_H_
#define SEDGE_COMPONENT_SUBTASK_H_

#include <memory>
#include <optional>
#include <vector>

#include "component/canon_abi.h"
#include "component/task.h"

namespace sedge::component {

class Subtask final : public Waitable,
                      public CallSite,
                      public std::enable_shared_from_this<Subtask> {
 public:
  enum class State : uint8_t {
    starting = 0,
    started = 1,
    returned = 2,
    cancelled_before_started = 3,
    cancelled_before_returned = 4,
  };
  Subtask(ComponentInst& inst, const FuncSig& sig, const AbiOptions& options)
      : Subtask(inst, sig, options, Crossing(inst, options)) {}
  /// Arguments have been lifted by `crossing`.
  Subtask(ComponentInst& inst, const FuncSig& sig, const AbiOptions& options, Crossing crossing);
  ~Subtask() override;

  /// A call that core code of `inst` makes; `cells` hold core arguments, then core results.
  static Result<void> call(Store& store, ComponentInst& inst,
                           const std::shared_ptr<const FuncValue>& callee, const FuncSig& sig,
                           const AbiOptions& options, uint64_t* cells);

  Result<std::vector<ComponentVal>> start() override;
  Result<void> resolve(std::optional<std::vector<ComponentVal>> values) override;

  bool resolved() const { return state_ >= State::returned; }
  bool resolve_delivered() const { return delivered_; }
  /// canon subtask.cancel: the state, or nothing if it has not ended yet.
  Result<std::optional<State>> cancel(Store& store, bool async);

 private:
  static Result<void> call_host(Store& store, ComponentInst& inst, const FuncValue& callee,
                                const FuncSig& sig, const AbiOptions& options, uint64_t* cells);
  static Result<void> finish(Store& store, const std::shared_ptr<Subtask>& subtask,
                             std::shared_ptr<Callee> callee, uint64_t* cells);
  Result<Event> deliver() override;
  Result<void> deliver_resolve();
  Result<void> wait(Store& store);
  void progress(State state);

  ComponentInst& inst_;
  const FuncSig& sig_;
  const AbiOptions& options_;
  Crossing crossing_;
  uint64_t cells_[kMaxFlatParams + 1] = {};  ///< core arguments
  uint64_t results_at_ = 0;                  ///< where results go that are not flat
  FlatCells flat_results_;
  std::shared_ptr<Callee> callee_;
  std::shared_ptr<Thread> waiter_;  ///< the caller, of a synchronous call
  State state_ = State::starting;
  bool cancellation_requested_ = false;
  bool delivered_ = false;
  bool in_table_ = false;
};

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_SUBTASK_H_
