// Calls across component boundaries. Specification: CanonicalABI.md, "canon lift", "canon lower".
#ifndef SEDGE_COMPONENT_CALL_H_
#define SEDGE_COMPONENT_CALL_H_

#include <sedge/extern.h>

#include "component/instance.h"
#include "component/task.h"

namespace sedge::component {

/// The core function, of type `signature`, that `inst` gets for `callee`, whose type it knows as
/// `sig`.
Func lowered(Store& store, ComponentInst& inst, std::shared_ptr<const FuncValue> callee,
             uint32_t sig, AbiOptions options, const sedge::FuncType& signature);
/// A call by such a core function where neither side can wait: by way of values.
Result<void> call_lowered(Store& store, ComponentInst& inst, const FuncValue& callee,
                          const FuncSig& sig, const AbiOptions& options, uint64_t* cells);
/// A call of the host; it waits until the function has returned. Arguments fit the parameters'
/// types.
Result<std::vector<ComponentVal>> call(Store& store, const FuncValue& func,
                                       std::span<const ComponentVal> args);
/// Starts a call of the host, which ends in the HostCall; the loop runs it on from there.
void start_call(Store& store, const FuncValue& func, const std::shared_ptr<HostCall>& call);
/// The call of a start function of `inst`, which knows its type as `sig`; it waits until the
/// function has returned. Arguments fit the parameters' types.
Result<std::vector<ComponentVal>> call_start(Store& store, ComponentInst& inst,
                                             const FuncValue& func, const FuncSig& sig,
                                             std::span<ComponentVal> args);
/// canon resource.drop: ends a handle, and an owned resource with its destructor.
Result<void> drop_handle(Store& store, ComponentInst& inst, uint32_t index, RuntimeResource* type);

/// An error that leaves an instance unusable; a wrong argument of the host does not.
bool is_trap(const Error& error);

/// Whether a call from `caller` (null: the host) may enter `callee`.
bool may_enter(const ComponentInst* callee, const ComponentInst* caller);
/// The instances that a call enters: the callee and those around it that the caller is not in.
class Entry {
 public:
  /// Error: component_trap if it may not.
  static Result<Entry> enter(ComponentInst* callee, const ComponentInst* caller);
  void leave(bool trapped);

 private:
  ComponentInst* callee_ = nullptr;
  ComponentInst* end_ = nullptr;  ///< the first of those around it that is not entered
};

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_CALL_H_
