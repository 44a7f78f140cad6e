// See component_script.h.
#include "wast/component_script.h"

#include "component/decode.h"
#include "component/encode.h"
#include "component/text/text.h"
#include "wast/component_values.h"

namespace sedge::wast {

Result<Component> ComponentScript::compile(const wasm::ScriptModule& source) const {
  if (source.form == wasm::ScriptModule::Form::binary)
    return Component::from_binary(engine_, source.bytes);
  auto component = Component::from_text(engine_, source.text);
  if (!component && component.error().location().kind == Location::Kind::line) {
    Location place = component.error().location();
    bool slice = source.form == wasm::ScriptModule::Form::text && place.line == 1;
    uint32_t column = slice ? place.column + source.column - 1 : place.column;
    component.error().set_location(Location::at(place.line + source.line - 1, column));
  }
  return component;
}

void ComponentScript::define(const wasm::ScriptModule& source, const Component& component) {
  last_ = component;
  if (source.id) components_.insert_or_assign(*source.id, component);
}

Result<Component> ComponentScript::find(const std::optional<std::string>& id) const {
  if (!id) {
    if (last_) return *last_;
    return fail(ErrorCode::host_failure, ": no component was defined");
  }
  auto found = components_.find(*id);
  if (found == components_.end()) return fail(ErrorCode::host_failure, ": no component " + *id);
  return found->second;
}

Result<void> ComponentScript::instantiate(const std::optional<std::string>& id,
                                          const Component& component) {
  last_instance_.reset();
  auto store = std::make_shared<Store>(engine_);
  ComponentLinker linker;
  SEDGE_TRY_ASSIGN(ComponentInstance instance, linker.instantiate(*store, component));
  last_instance_ = Live{std::move(store), std::move(instance)};
  if (id) instances_.insert_or_assign(*id, *last_instance_);
  return {};
}

bool ComponentScript::has_instance(const std::optional<std::string>& id) const {
  return id ? instances_.contains(*id) : last_instance_.has_value();
}

Result<std::vector<ComponentVal>> ComponentScript::invoke(const wasm::Action& action) {
  Live& live = action.module ? instances_.at(*action.module) : *last_instance_;
  if (action.kind == wasm::Action::Kind::get) {
    SEDGE_TRY_ASSIGN(ComponentVal value, live.instance.get_value(action.field));
    return std::vector{std::move(value)};
  }
  auto func = live.instance.get_func(action.field);
  if (!func) return fail(ErrorCode::unknown_export, " \"" + action.field + "\"");
  std::vector<ComponentVal> args;
  for (const wasm::ScriptValue& arg : action.args) {
    SEDGE_TRY_ASSIGN(ComponentVal value, to_component_val(arg));
    args.push_back(std::move(value));
  }
  return func->call(*live.store, args);
}

namespace {

/// The binary of the component that `syntax` prints as.
Result<std::vector<uint8_t>> print_and_parse(const component::Component& syntax) {
  auto binary = component::assemble(component::print_component(syntax));
  if (!binary) return fail(std::move(binary.error()).with_context("printed component"));
  return binary;
}

}  // namespace

Result<void> round_trip(const Component& component, bool from_text) {
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> once, print_and_parse(component.syntax()));
  std::vector<uint8_t> expected = component::encode(component.syntax());
  std::vector<uint8_t> got = once;
  if (!from_text) {
    auto shared = std::make_shared<const std::vector<uint8_t>>(std::move(once));
    SEDGE_TRY_ASSIGN(component::Component again, component::decode(*shared, shared));
    expected = *shared;
    SEDGE_TRY_ASSIGN(got, print_and_parse(again));
  }
  if (got != expected)
    return fail(ErrorCode::host_failure, ": the printed component encodes to another binary");
  return {};
}

}  // namespace sedge::wast
