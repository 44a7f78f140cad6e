// One definition per type and scope. Unnamed types nest at most as deep as WIT text may.
#include "componentize/wit_types.h"

namespace sedge::componentize {

using component::PrimType;
using component::ValType;
using wit::TypeDef;
using wit::TypeKind;

PrimType prim_type(wit::Primitive primitive) {
  return *component::prim_type(wit::to_string(primitive));
}

namespace {

const std::string& external_id(const wit::Resolve& resolve, const wit::WorldItem& item) {
  switch (item.kind) {
    case wit::WorldItem::Kind::function:
      return item.function.external_id;
    case wit::WorldItem::Kind::type:
      return resolve.types[item.type].external_id;
    default:
      return item.external_id;
  }
}

}  // namespace

component::ExternName extern_name(Storage& storage, const std::string& name,
                                  const std::string& external_id) {
  component::ExternName out{storage.text(name), {}, {}, {}};
  if (!external_id.empty()) out.external_id = storage.text(external_id);
  return out;
}

component::ExternName extern_name(const wit::Resolve& resolve, Storage& storage,
                                  const wit::WorldItem& item) {
  component::ExternName out =
      extern_name(storage, resolve.item_name(item), external_id(resolve, item));
  bool labelled = item.kind == wit::WorldItem::Kind::interface && !item.name.empty() &&
                  !resolve.interfaces[item.interface].name.empty();
  if (labelled) out.implements = storage.text(resolve.interface_name(item.interface));
  return out;
}

void WitTypes::bind_instance(wit::InterfaceId interface, uint32_t instance) {
  instances_[interface] = instance;
  for (const auto& [name, type] : resolve_.interfaces[interface].types) types_.erase(type);
}

uint32_t WitTypes::index(wit::TypeId id) {
  if (auto it = types_.find(id); it != types_.end()) return it->second;
  const TypeDef& type = resolve_.types[id];
  uint32_t out = 0;
  if (type.name.empty()) {
    out = definition(id);
  } else if (auto it = instances_.find(type.owner.id);
             type.owner.kind == wit::Owner::Kind::interface && it != instances_.end()) {
    out = builder_.alias_export(it->second, type.name, component::Sort::type);
  } else if (outer_) {
    out = builder_.alias_outer(1, outer_->index(id), component::Sort::type);
  } else if (provide_) {
    out = provide_(id);
  } else {
    // A type of an interface that nothing imports: its own definition stands for it.
    out = definition(id);
  }
  types_[id] = out;
  return out;
}

ValType WitTypes::value(const wit::Type& type) {
  return type.is_ref() ? ValType::index(index(type.id)) : ValType(prim_type(type.primitive));
}

uint32_t WitTypes::function(const wit::Function& function) {
  component::FuncType out;
  out.async_ = function.is_async;
  for (const wit::Member& param : function.params)
    out.params.push_back({storage_.text(param.name), value(*param.type)});
  out.result = optional(function.result);
  return builder_.define(std::move(out));
}

uint32_t WitTypes::definition(wit::TypeId id) {
  const TypeDef& type = resolve_.types[id];
  switch (type.kind) {
    case TypeKind::alias:
      if (type.first->is_ref()) return index(type.first->id);
      return builder_.define(prim_type(type.first->primitive));
    case TypeKind::record: {
      component::Record out;
      for (const wit::Member& member : type.members)
        out.fields.push_back({storage_.text(member.name), value(*member.type)});
      return builder_.define(std::move(out));
    }
    case TypeKind::variant: {
      component::Variant out;
      for (const wit::Member& member : type.members)
        out.cases.push_back({storage_.text(member.name), optional(member.type)});
      return builder_.define(std::move(out));
    }
    case TypeKind::enumeration: {
      component::Enum out;
      for (const wit::Member& member : type.members)
        out.names.push_back(storage_.text(member.name));
      return builder_.define(std::move(out));
    }
    case TypeKind::flags: {
      component::Flags out;
      for (const wit::Member& member : type.members)
        out.names.push_back(storage_.text(member.name));
      return builder_.define(std::move(out));
    }
    case TypeKind::tuple: {
      component::Tuple out;
      for (const wit::Type& element : type.elements) out.types.push_back(value(element));
      return builder_.define(std::move(out));
    }
    case TypeKind::own:
      return builder_.define(component::Own{index(type.first->id)});
    case TypeKind::borrow:
      return builder_.define(component::Borrow{index(type.first->id)});
    case TypeKind::option:
      return builder_.define(component::Option{value(*type.first)});
    case TypeKind::result: {
      std::optional<ValType> ok = optional(type.first);
      return builder_.define(component::ResultType{ok, optional(type.second)});
    }
    case TypeKind::list:
      return builder_.define(component::List{value(*type.first)});
    case TypeKind::fixed_list:
      return builder_.define(component::FixedList{value(*type.first), type.length});
    case TypeKind::map: {
      ValType key = value(*type.first);
      return builder_.define(component::Map{key, value(*type.second)});
    }
    case TypeKind::future:
      return builder_.define(component::Future{optional(type.first)});
    case TypeKind::stream:
      return builder_.define(component::Stream{optional(type.first)});
    case TypeKind::resource:
      return builder_.define(component::ResourceType{});
  }
  return 0;
}

uint32_t WitTypes::instance_type_of(wit::InterfaceId id, const InterfaceFilter& filter) {
  const wit::Interface& interface = resolve_.interfaces[id];
  Builder inner;
  WitTypes types(resolve_, storage_, inner, this);
  for (const auto& [name, type] : interface.types) {
    if (filter.type && !filter.type(type)) continue;
    component::ExternName label = extern_name(storage_, name, resolve_.types[type].external_id);
    component::ExternType bound = resolve_.types[type].kind == TypeKind::resource
                                      ? resource_type()
                                      : eq_type(types.definition(type));
    types.bind(type, inner.declare_export(label, bound));
  }
  for (const auto& [name, function] : interface.functions) {
    if (filter.function && !filter.function(name)) continue;
    uint32_t type = types.function(function);
    inner.declare_export(extern_name(storage_, name, function.external_id), func_type(type));
  }
  return builder_.define(component::InstanceType{inner.take()});
}

}  // namespace sedge::componentize
