// A call from one component to another that goes from core code to core code: arguments and results
// are copied by plans (copy_plan.h) instead of becoming values. Only where neither side can wait.
#ifndef SEDGE_COMPONENT_FUSED_CALL_H_
#define SEDGE_COMPONENT_FUSED_CALL_H_

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include <sedge/extern.h>

#include "component/copy_plan.h"
#include "component/instance.h"

namespace sedge::component {

/// Plans of a function type for two sides; either may be missing.
struct CallPlans {
  std::unique_ptr<const CopyPlan> params, results;
  bool complete() const { return params && results; }
  /// Arguments and result are numbers in cells, and no result can be wrong.
  bool numbers = false;
};

/// Plans that instances of a component share, made when they are first wanted. Thread-safe.
class PlanCache {
 public:
  std::shared_ptr<const CallPlans> get(const Types& types, uint32_t sig,
                                       const CopyPlan::Sides& sides);

 private:
  std::mutex mutex_;
  std::map<std::tuple<uint32_t, bool, bool, int>, std::shared_ptr<const CallPlans>> plans_;
};

/// Whether calls of `callee`, where neither side can wait, by core code of `inst` can be fused.
bool can_fuse(const ComponentInst& inst, const FuncValue& callee);
/// The core function, of type `signature`, that `inst` gets for it; `sig` is its type there.
Func fused(Store& store, ComponentInst& inst, std::shared_ptr<const FuncValue> callee, uint32_t sig,
           AbiOptions options, const sedge::FuncType& signature);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_FUSED_CALL_H_
