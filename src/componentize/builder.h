// Building component definitions: index spaces are counted, strings kept.
#ifndef SEDGE_COMPONENTIZE_BUILDER_H_
#define SEDGE_COMPONENTIZE_BUILDER_H_

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "component/ast.h"

namespace sedge::componentize {

/// Owns what a component's views point to.
class Storage {
 public:
  std::string_view text(std::string text) { return content_->texts.emplace_back(std::move(text)); }
  Bytes bytes(std::vector<uint8_t> bytes) { return content_->blobs.emplace_back(std::move(bytes)); }
  /// For Component::storage.
  std::shared_ptr<const void> owner() const { return content_; }

 private:
  struct Content {
    std::deque<std::string> texts;
    std::deque<std::vector<uint8_t>> blobs;
  };
  std::shared_ptr<Content> content_ = std::make_shared<Content>();
};

/// Appends to the definitions of a component, or to the declarators of a type, and says which index
/// each gets.
class Builder {
 public:
  uint32_t type(component::Type type) { return add(component::Sort::type, std::move(type)); }
  template <typename T>
  uint32_t define(T definition) {
    return type(component::Type{std::move(definition)});
  }
  uint32_t alias(component::Alias alias) { return add(alias.sort, alias); }
  uint32_t alias_export(uint32_t instance, std::string_view name, component::Sort sort) {
    return alias({component::Alias::Target::export_, sort, instance, name, 0, 0});
  }
  uint32_t alias_core_export(uint32_t instance, std::string_view name, component::Sort sort) {
    return alias({component::Alias::Target::core_export, sort, instance, name, 0, 0});
  }
  uint32_t alias_outer(uint32_t count, uint32_t index, component::Sort sort) {
    return alias({component::Alias::Target::outer, sort, 0, {}, count, index});
  }
  uint32_t import(component::ExternName name, component::ExternType type) {
    return add(component::sort_of(type.kind), component::Import{name, type});
  }
  /// A declarator: an export that has a type only.
  uint32_t declare_export(component::ExternName name, component::ExternType type) {
    return add(component::sort_of(type.kind), component::Export{name, std::nullopt, type});
  }
  uint32_t export_item(component::ExternName name, component::SortIdx item,
                       std::optional<component::ExternType> type = std::nullopt) {
    return add(item.sort, component::Export{name, item, type});
  }
  uint32_t core_module(Bytes binary) {
    return add(component::Sort::core_module, component::CoreModule{binary});
  }
  uint32_t core_instance(component::CoreInstance instance) {
    return add(component::Sort::core_instance, std::move(instance));
  }
  uint32_t core_type(component::CoreType type) {
    return add(component::Sort::core_type, std::move(type));
  }
  uint32_t instance(component::Instance instance) {
    return add(component::Sort::instance, std::move(instance));
  }
  uint32_t component(component::Component component) {
    return add(component::Sort::component,
               std::make_unique<component::Component>(std::move(component)));
  }
  uint32_t canon(component::Canon canon) {
    bool lift = canon.op == component::CanonOp::lift;
    return add(lift ? component::Sort::func : component::Sort::core_func, std::move(canon));
  }
  void custom(std::string_view name, Bytes content) {
    definitions_.push_back({component::Custom{name, content}, 0});
  }
  uint32_t count(component::Sort sort) const { return counts_[static_cast<size_t>(sort)]; }
  /// The definition that was added last.
  component::Definition& last() { return definitions_.back(); }
  std::vector<component::Definition> take() { return std::move(definitions_); }
  component::Component take_component(const Storage& storage) {
    component::Component out;
    out.definitions = take();
    out.storage.push_back(storage.owner());
    return out;
  }

 private:
  template <typename T>
  uint32_t add(component::Sort sort, T node) {
    definitions_.push_back({std::move(node), 0});
    return counts_[static_cast<size_t>(sort)]++;
  }

  std::vector<component::Definition> definitions_;
  std::array<uint32_t, component::kSortCount> counts_{};
};

inline component::ExternType func_type(uint32_t index) {
  return {component::ExternType::Kind::func, index, {}, {}};
}
inline component::ExternType instance_type(uint32_t index) {
  return {component::ExternType::Kind::instance, index, {}, {}};
}
inline component::ExternType component_type(uint32_t index) {
  return {component::ExternType::Kind::component, index, {}, {}};
}
inline component::ExternType eq_type(uint32_t index) {
  return {component::ExternType::Kind::type, 0, {component::TypeBound::Kind::eq, index}, {}};
}
inline component::ExternType resource_type() {
  return {component::ExternType::Kind::type, 0, {component::TypeBound::Kind::sub_resource, 0}, {}};
}

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_BUILDER_H_
