// In the nested component, "import-type-NAME" and "import-func-NAME" are what it is given.
#include "componentize/export_instance.h"

#include <set>

#include <fmt/format.h>

namespace sedge::componentize {
namespace {

using component::Sort;

class Nested {
 public:
  Nested(const wit::Resolve& resolve, Storage& storage, WitTypes& outer)
      : resolve_(resolve),
        storage_(storage),
        outer_(outer),
        types_(resolve, storage, inner_, nullptr),
        exported_(resolve, storage, inner_, nullptr) {
    types_.on_unbound([this](wit::TypeId id) { return import_type(id); });
    exported_.on_unbound([this](wit::TypeId id) { return types_.index(id); });
  }

  /// Imports a type under a name of its own, and passes the outer one for it.
  uint32_t import_type(wit::TypeId id) {
    const wit::TypeDef& def = resolve_.types[id];
    std::string name = fmt::format("import-type-{}", def.name);
    for (int i = 0; !names_.insert(name).second; ++i)
      name = fmt::format("import-type-{}{}", def.name, i);
    std::string_view kept = storage_.text(std::move(name));
    component::ExternType bound;
    wit::TypeId canonical = resolve_.canonical(id);
    if (resolve_.types[canonical].kind == wit::TypeKind::resource) {
      auto known = resources_.find(canonical);
      bound = known == resources_.end() ? resource_type() : eq_type(known->second);
    } else if (resolve_.used_from(id) != wit::kNone) {
      bound = eq_type(types_.definition(canonical));
    } else {
      bound = eq_type(types_.definition(id));
    }
    uint32_t index = inner_.import({kept, {}, {}, {}}, bound);
    if (bound.type.kind == component::TypeBound::Kind::sub_resource)
      resources_.emplace(canonical, index);
    types_.bind(id, index);
    arguments_.push_back({{kept, {}, {}, {}}, {Sort::type, outer_.index(id)}});
    return index;
  }

  component::Instance run(wit::InterfaceId id, const std::map<std::string, uint32_t>& functions) {
    const wit::Interface& interface = resolve_.interfaces[id];
    for (const auto& [name, type] : interface.types)
      if (is_given(type)) types_.index(type);
    std::vector<uint32_t> imported;
    for (const auto& [name, function] : interface.functions) {
      std::string_view kept = storage_.text("import-func-" + plain_name(name));
      imported.push_back(inner_.import({kept, {}, {}, {}}, func_type(types_.function(function))));
      arguments_.push_back({{kept, {}, {}, {}}, {Sort::func, functions.at(name)}});
    }
    for (const auto& [name, type] : interface.types) {
      component::ExternName label = extern_name(storage_, name, resolve_.types[type].external_id);
      // Its own types are made of what is exported here; others stay what was given.
      uint32_t index = is_given(type) ? types_.index(type) : exported_.definition(type);
      exported_.bind(type, inner_.export_item(label, {Sort::type, index}));
    }
    size_t next = 0;
    for (const auto& [name, function] : interface.functions) {
      uint32_t type = exported_.function(function);
      inner_.export_item(extern_name(storage_, name, function.external_id),
                         {Sort::func, imported[next++]}, func_type(type));
    }
    component::Instance out;
    out.items = std::move(arguments_);
    return out;
  }
  component::Component take() { return inner_.take_component(storage_); }

 private:
  /// Whether a type of the interface comes from outside: a resource, or of another interface.
  bool is_given(wit::TypeId type) const {
    return resolve_.types[type].kind == wit::TypeKind::resource ||
           resolve_.used_from(type) != wit::kNone;
  }

  /// A function's name as part of a plain name: "[method]r.f" → "method-r-f".
  static std::string plain_name(std::string_view name) {
    std::string out;
    for (char c : name) {
      if (c == '[') continue;
      out += c == ']' || c == '.' ? '-' : c;
    }
    return out;
  }

  const wit::Resolve& resolve_;
  Storage& storage_;
  WitTypes& outer_;
  Builder inner_;
  WitTypes types_;     ///< by what is imported
  WitTypes exported_;  ///< by what is exported
  std::map<wit::TypeId, uint32_t> resources_;
  std::set<std::string> names_;
  std::vector<component::InstanceItem> arguments_;
};

}  // namespace

uint32_t export_instance(const wit::Resolve& resolve, Storage& storage, Builder& builder,
                         WitTypes& types, wit::InterfaceId interface,
                         const std::map<std::string, uint32_t>& functions) {
  Nested nested(resolve, storage, types);
  component::Instance instance = nested.run(interface, functions);
  instance.component = builder.component(nested.take());
  return builder.instance(std::move(instance));
}

}  // namespace sedge::componentize
