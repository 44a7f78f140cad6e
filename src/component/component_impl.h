// The inside of Component.
#ifndef SEDGE_COMPONENT_COMPONENT_IMPL_H_
#define SEDGE_COMPONENT_COMPONENT_IMPL_H_

#include <memory>
#include <mutex>
#include <unordered_map>

#include <sedge/component.h>
#include <sedge/module.h>

#include "component/validate.h"

namespace sedge {

namespace component {
class PlanCache;
}

struct ComponentImpl {
  explicit ComponentImpl(const Engine& of) : engine(of) {}
  Engine engine;
  std::shared_ptr<const void> owner;
  component::Component syntax;  ///< stays in its place: `validated` refers to it
  component::Validated validated;
  std::shared_ptr<component::PlanCache> plans;  ///< thread-safe

  /// A module inside, made when the first instance needs it: all instances share its code.
  /// Thread-safe.
  const Module& module(const component::CoreModule& item) const;

 private:
  friend class Component;
  mutable std::mutex modules_mutex_;
  /// Those of which no module has been made.
  mutable std::unordered_map<const component::CoreModule*, component::CheckedModule> checked_;
  mutable std::unordered_map<const component::CoreModule*, Module> modules_;
};

}  // namespace sedge

#endif  // SEDGE_COMPONENT_COMPONENT_IMPL_H_
