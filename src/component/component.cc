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
  impl->checked_ = std::move(impl->validated.modules);
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

const Module& ComponentImpl::module(const component::CoreModule& item) const {
  std::lock_guard lock(modules_mutex_);
  auto known = modules_.find(&item);
  if (known == modules_.end()) {
    component::CheckedModule checked = std::move(checked_.extract(&item).mapped());
    known = modules_
                .emplace(&item, ModuleImpl::from_validated(engine, std::move(checked.syntax),
                                                           std::move(checked.types), owner))
                .first;
  }
  return known->second;
}

std::span<const uint8_t> Component::binary() const { return impl_->syntax.binary; }
const component::Component& Component::syntax() const { return impl_->syntax; }
const component::Validated& Component::validated() const { return impl_->validated; }

}  // namespace sedge
