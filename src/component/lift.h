// Functions of components as tasks. Specification: CanonicalABI.md, "canon lift".
#ifndef SEDGE_COMPONENT_LIFT_H_
#define SEDGE_COMPONENT_LIFT_H_

#include <memory>

#include "component/instance.h"
#include "component/task.h"

namespace sedge::component {

/// Calls `func` of a component on behalf of `caller` (null: the host). Runs until it blocks for the
/// first time; the site learns the rest. Gives what can be cancelled later.
Result<std::shared_ptr<Callee>> lift(const FuncValue& func, const std::shared_ptr<CallSite>& site,
                                     ComponentInst* caller);
/// The destructor of a resource whose owner uses asynchronous features, as a call from `caller`.
Result<void> run_destructor(const RuntimeResource& type, uint64_t rep, ComponentInst* caller);
/// post-return, if there is one, with the core result.
Result<void> run_post_return(Store& store, ComponentInst& inst, const AbiOptions& options,
                             uint64_t core_result);
/// Whether the host has given results of this type. Error: host_failure, bad_argument.
Result<void> check_results(const Types& types, const FuncSig& sig,
                           std::vector<ComponentVal>& results);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_LIFT_H_
