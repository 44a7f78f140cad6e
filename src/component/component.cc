// Component: bytes or text → decode → validate.
#include <sedge/component.h>

#include "component/component_impl.h"
#include "component/decode.h"
#include "component/fused_call.h"
#include "component/text/text.h"
#include "engine/engine_impl.h"

namespace sedge {

Result<Component> Component::from_binary(const Engine& engine, std::span<const uint8_t> bytes,
                                         std::shared_ptr<const void> owner) {
  if (!owner) {
    auto copy = std::make_shared<std::vector<uint8_t>>(bytes.begin(), bytes.end());
    bytes = *copy;
    owner = std::move(copy);
  }
  auto impl = std::make_shared<ComponentImpl>(engine);
  impl->plans = std::make_shared<component::PlanCache>();
  impl->owner = owner;
  SEDGE_TRY_ASSIGN(impl->syntax, component::decode(bytes, std::move(owner)));
  SEDGE_TRY_ASSIGN(impl->validated, component::validate(impl->syntax, engine.config().features,
                                                        engine.impl()->resources->registry));
  return Component(std::move(impl));
}

Result<Component> Component::from_text(const Engine& engine, std::string_view text) {
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, component::assemble(text));
  auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(binary));
  auto out = from_binary(engine, *owner, owner);
  // Offsets are those of a binary that nobody has seen.
  if (!out) out.error().set_location(Location::none());
  return out;
}

Result<Module> ComponentImpl::module(const component::CoreModule& item) const {
  std::lock_guard lock(modules_mutex_);
  if (auto known = modules_.find(&item); known != modules_.end()) return known->second;
  SEDGE_TRY_ASSIGN(Module made, ModuleImpl::from_validated(engine, item.binary, owner));
  return modules_.emplace(&item, std::move(made)).first->second;
}

std::span<const uint8_t> Component::binary() const { return impl_->syntax.binary; }
const component::Component& Component::syntax() const { return impl_->syntax; }
const component::Validated& Component::validated() const { return impl_->validated; }

}  // namespace sedge
