// Entities → WIT. Interfaces are found by their names; what two places say of one interface is
// joined, since a world's copy of an interface may show only the part that is used.
#include "componentize/wit_decode.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "component/decode.h"
#include "componentize/entities.h"
#include "componentize/package_docs.h"

namespace sedge::componentize {
namespace {

using component::Sort;
using wit::InterfaceId;
using wit::kNone;
using wit::Owner;
using wit::PackageId;
using wit::TypeDef;
using wit::TypeId;
using wit::TypeKind;

constexpr uint32_t kMaxChain = 500;
constexpr int kMaxNesting = 100;

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::wit_invalid, " in binary form: " + std::move(message));
}

struct ParsedName {
  wit::PackageName package;
  std::string item;
};
/// "wasi:io/streams@0.2.0".
std::optional<ParsedName> parse_interface_name(std::string_view name) {
  size_t colon = name.find(':');
  size_t slash = name.find('/');
  if (colon == std::string_view::npos || slash == std::string_view::npos || colon > slash)
    return std::nullopt;
  ParsedName out;
  out.package.space = name.substr(0, colon);
  out.package.name = name.substr(colon + 1, slash - colon - 1);
  std::string_view item = name.substr(slash + 1);
  size_t at = item.find('@');
  out.item = item.substr(0, at);
  if (at != std::string_view::npos) {
    out.package.version = wit::parse_version(item.substr(at + 1));
    if (!out.package.version) return std::nullopt;
  }
  return out;
}

/// The names under which one interface or world knows types.
struct Names {
  Owner owner;
  std::map<const Entity*, TypeId> by_base;  ///< the first name of a type
  std::map<std::string, TypeId, std::less<>> by_name;
};

class Decoder {
 public:
  explicit Decoder(wit::Resolve& resolve) : resolve_(resolve) {}

  Result<PackageId> package(const component::Component& component);
  /// A package that has one world, which another package in the Resolve may have, too.
  Result<wit::WorldId> world(const component::Component& component) {
    worlds_repeat_ = true;
    SEDGE_TRY(package(component));
    if (last_world_ == kNone) return wrong("there is no world");
    return last_world_;
  }
  Result<DecodedWit> root(const component::Component& component, DecodedWit out);
  Result<void> world_items(const EntitySignature& content, wit::WorldId world);

 private:
  PackageId package_of(const wit::PackageName& name) {
    if (auto id = resolve_.find_package(name)) return *id;
    resolve_.packages.push_back({name, {}, {}, {}});
    return static_cast<PackageId>(resolve_.packages.size() - 1);
  }
  Result<InterfaceId> interface(const Entity& instance, std::string_view name);
  Result<void> fill(InterfaceId id, const Entity& instance);
  Result<TypeId> type_export(const EntityItem& item, Names& names);
  Result<TypeDef> definition(const Entity& entity, Names& names);
  Result<wit::Type> reference(component::ValType type, const EntityScope& scope, Names& names);
  Result<TypeId> reference(Entity& entity, Names& names);
  Result<std::optional<wit::Type>> optional(const std::optional<component::ValType>& type,
                                            const EntityScope& scope, Names& names) {
    std::optional<wit::Type> out;
    if (type) {
      SEDGE_TRY_ASSIGN(out, reference(*type, scope, names));
    }
    return out;
  }
  Result<wit::Function> function(const EntityItem& item, Names& names);
  Result<wit::WorldItem> world_item(const EntityItem& item, wit::WorldId world, Names& names);
  Result<TypeId> add(TypeDef type) {
    type.depth = resolve_.depth_of(type);
    if (type.depth > wit::kMaxTypeDepth) return wrong("types are nested too deep");
    resolve_.types.push_back(std::move(type));
    return static_cast<TypeId>(resolve_.types.size() - 1);
  }

  wit::Resolve& resolve_;
  Entities entities_;
  std::map<std::pair<const Entity*, std::pair<int, uint32_t>>, TypeId> unnamed_;
  int depth_ = 0;
  bool worlds_repeat_ = false;
  wit::WorldId last_world_ = kNone;
};

/// The WIT type for a type that is used without being named here.
Result<TypeId> Decoder::reference(Entity& entity, Names& names) {
  auto owned = [&](TypeId id) { return resolve_.types[id].owner == names.owner; };
  if (entity.wit != kNone && owned(entity.wit)) return entity.wit;
  if (auto it = names.by_base.find(entity.base); it != names.by_base.end()) return it->second;
  if (entity.wit != kNone) return entity.wit;
  for (const Entity* at = entity.target; at; at = at->target)
    if (at->wit != kNone) return at->wit;
  std::pair<const Entity*, std::pair<int, uint32_t>> key{
      entity.base, {static_cast<int>(names.owner.kind), names.owner.id}};
  if (auto it = unnamed_.find(key); it != unnamed_.end()) return it->second;
  if (depth_ == kMaxNesting) return wrong("types are nested too deep");
  ++depth_;
  SEDGE_TRY_ASSIGN(TypeDef type, definition(entity, names));
  --depth_;
  switch (type.kind) {
    case TypeKind::record:
    case TypeKind::variant:
    case TypeKind::flags:
    case TypeKind::enumeration:
    case TypeKind::resource:
      return wrong("a record, variant, enum, flags or resource type has no name");
    default:
      break;
  }
  SEDGE_TRY_ASSIGN(TypeId id, add(std::move(type)));
  unnamed_.emplace(key, id);
  return id;
}

Result<wit::Type> Decoder::reference(component::ValType type, const EntityScope& scope,
                                     Names& names) {
  if (type.is_prim()) return wit::Type::of(wit::parse_primitive(component::to_string(type.prim())));
  SEDGE_TRY_ASSIGN(Entity * entity, entities_.type_at(scope, type.index()));
  // A primitive type that only an index stands for is that primitive.
  bool named = entity->wit != kNone || names.by_base.contains(entity->base);
  if (!named && entity->type)
    if (const auto* prim = std::get_if<component::PrimType>(&entity->type->type)) {
      bool target_named = false;
      for (const Entity* at = entity->target; at; at = at->target) target_named |= at->wit != kNone;
      if (!target_named) return wit::Type::of(wit::parse_primitive(component::to_string(*prim)));
    }
  SEDGE_TRY_ASSIGN(TypeId id, reference(*entity, names));
  return wit::Type::ref(id);
}

/// What a type is made of.
Result<TypeDef> Decoder::definition(const Entity& entity, Names& names) {
  TypeDef out;
  if (entity.is_resource) {
    out.kind = TypeKind::resource;
    return out;
  }
  const EntityScope& scope = *entity.scope;
  auto one = [&](TypeKind kind, const std::optional<component::ValType>& first) -> Result<void> {
    out.kind = kind;
    SEDGE_TRY_ASSIGN(out.first, optional(first, scope, names));
    return {};
  };
  auto handle = [&](TypeKind kind, uint32_t resource) -> Result<void> {
    out.kind = kind;
    SEDGE_TRY_ASSIGN(Entity * target, entities_.type_at(scope, resource));
    SEDGE_TRY_ASSIGN(TypeId id, reference(*target, names));
    out.first = wit::Type::ref(id);
    return {};
  };
  auto labels = [&](TypeKind kind, const std::vector<std::string_view>& texts) {
    out.kind = kind;
    for (std::string_view text : texts) out.members.push_back({std::string(text), {}, {}});
  };
  const auto& type = entity.type->type;
  if (const auto* prim = std::get_if<component::PrimType>(&type)) {
    out.first = wit::Type::of(wit::parse_primitive(component::to_string(*prim)));
  } else if (const auto* record = std::get_if<component::Record>(&type)) {
    out.kind = TypeKind::record;
    for (const component::Field& field : record->fields) {
      SEDGE_TRY_ASSIGN(wit::Type part, reference(field.type, scope, names));
      out.members.push_back({std::string(field.name), part, {}});
    }
  } else if (const auto* variant = std::get_if<component::Variant>(&type)) {
    out.kind = TypeKind::variant;
    for (const component::Case& one_case : variant->cases) {
      SEDGE_TRY_ASSIGN(auto part, optional(one_case.type, scope, names));
      out.members.push_back({std::string(one_case.name), part, {}});
    }
  } else if (const auto* tuple = std::get_if<component::Tuple>(&type)) {
    out.kind = TypeKind::tuple;
    for (component::ValType element : tuple->types) {
      SEDGE_TRY_ASSIGN(wit::Type part, reference(element, scope, names));
      out.elements.push_back(part);
    }
  } else if (const auto* flags = std::get_if<component::Flags>(&type)) {
    labels(TypeKind::flags, flags->names);
  } else if (const auto* cases = std::get_if<component::Enum>(&type)) {
    labels(TypeKind::enumeration, cases->names);
  } else if (const auto* list = std::get_if<component::List>(&type)) {
    SEDGE_TRY(one(TypeKind::list, list->element));
  } else if (const auto* fixed = std::get_if<component::FixedList>(&type)) {
    SEDGE_TRY(one(TypeKind::fixed_list, fixed->element));
    out.length = fixed->length;
  } else if (const auto* option = std::get_if<component::Option>(&type)) {
    SEDGE_TRY(one(TypeKind::option, option->type));
  } else if (const auto* result = std::get_if<component::ResultType>(&type)) {
    SEDGE_TRY(one(TypeKind::result, result->ok));
    SEDGE_TRY_ASSIGN(out.second, optional(result->error, scope, names));
  } else if (const auto* map = std::get_if<component::Map>(&type)) {
    SEDGE_TRY(one(TypeKind::map, map->key));
    SEDGE_TRY_ASSIGN(out.second, optional(map->value, scope, names));
  } else if (const auto* stream = std::get_if<component::Stream>(&type)) {
    SEDGE_TRY(one(TypeKind::stream, stream->element));
  } else if (const auto* future = std::get_if<component::Future>(&type)) {
    SEDGE_TRY(one(TypeKind::future, future->element));
  } else if (const auto* own = std::get_if<component::Own>(&type)) {
    SEDGE_TRY(handle(TypeKind::own, own->resource));
  } else if (const auto* borrow = std::get_if<component::Borrow>(&type)) {
    SEDGE_TRY(handle(TypeKind::borrow, borrow->resource));
  } else {
    return wrong("a value type is a function, component, instance or resource type");
  }
  return out;
}

/// A type that an interface exports, or a world imports: named from here on.
Result<TypeId> Decoder::type_export(const EntityItem& item, Names& names) {
  Entity& entity = *item.entity;
  TypeDef out;
  const Entity* named = nullptr;
  for (const Entity* at = entity.target; at && !named; at = at->target)
    if (at->wit != kNone) named = at;
  if (named) {
    out.first = wit::Type::ref(named->wit);
  } else if (auto it = names.by_base.find(entity.base); it != names.by_base.end()) {
    out.first = wit::Type::ref(it->second);
  } else {
    SEDGE_TRY_ASSIGN(out, definition(entity, names));
  }
  out.name = item.name.name;
  out.owner = names.owner;
  if (item.name.external_id) out.external_id = *item.name.external_id;
  SEDGE_TRY_ASSIGN(entity.wit, add(std::move(out)));
  names.by_base.emplace(entity.base, entity.wit);
  names.by_name.emplace(item.name.name, entity.wit);
  return entity.wit;
}

Result<wit::Function> Decoder::function(const EntityItem& item, Names& names) {
  const Entity& type = *item.entity->func_type;
  const auto* func = type.type ? std::get_if<component::FuncType>(&type.type->type) : nullptr;
  if (!func) return wrong(fmt::format("function `{}` has no function type", item.name.name));
  wit::Function out;
  out.name = item.name.name;
  out.is_async = func->async_;
  if (item.name.external_id) out.external_id = *item.name.external_id;
  for (const component::Field& param : func->params) {
    SEDGE_TRY_ASSIGN(wit::Type part, reference(param.type, *type.scope, names));
    out.params.push_back({std::string(param.name), part, {}});
  }
  SEDGE_TRY_ASSIGN(out.result, optional(func->result, *type.scope, names));
  std::string_view name = out.name;
  if (!name.starts_with('[')) return out;
  constexpr std::pair<std::string_view, wit::FunctionKind> kPrefixes[] = {
      {"[method]", wit::FunctionKind::method},
      {"[static]", wit::FunctionKind::static_},
      {"[constructor]", wit::FunctionKind::constructor},
  };
  for (const auto& [prefix, kind] : kPrefixes) {
    if (!name.starts_with(prefix)) continue;
    out.kind = kind;
    name.remove_prefix(prefix.size());
    std::string_view resource = name.substr(0, name.find('.'));
    if (auto it = names.by_name.find(resource);
        it != names.by_name.end() && resolve_.is_resource(it->second))
      out.resource = it->second;
    if (out.resource == kNone) return wrong(fmt::format("`{}` belongs to no resource", out.name));
    return out;
  }
  return wrong(fmt::format("`{}` is no name of a function", out.name));
}

/// Adds what an instance shows to an interface.
Result<void> Decoder::fill(InterfaceId id, const Entity& instance) {
  Names names;
  names.owner = {Owner::Kind::interface, id};
  for (const EntityItem& item : instance.exports) {
    std::string name(item.name.name);
    if (!item.entity) return wrong(fmt::format("`{}` has no form in WIT", name));
    switch (item.entity->sort) {
      case Sort::type:
        if (const TypeId* known = resolve_.interfaces[id].types.find(name)) {
          item.entity->wit = *known;
          names.by_base.emplace(item.entity->base, *known);
          names.by_name.emplace(name, *known);
        } else {
          SEDGE_TRY_ASSIGN(TypeId type, type_export(item, names));
          resolve_.interfaces[id].types.insert(name, type);
        }
        break;
      case Sort::func: {
        if (resolve_.interfaces[id].functions.contains(name)) break;
        SEDGE_TRY_ASSIGN(wit::Function function, this->function(item, names));
        resolve_.interfaces[id].functions.insert(name, std::move(function));
        break;
      }
      default:
        return wrong(fmt::format("`{}` is neither a type nor a function", name));
    }
  }
  uint32_t depth = 0;
  for (InterfaceId used : resolve_.direct_dependencies(id))
    if (used != id) depth = std::max(depth, resolve_.interfaces[used].depth + 1);
  if (depth > kMaxChain) return wrong("too many interfaces use one another in a chain");
  resolve_.interfaces[id].depth = std::max(depth, resolve_.interfaces[id].depth);
  return {};
}

/// The interface of an instance; `name` is that of an interface, or empty for one without a name.
Result<InterfaceId> Decoder::interface(const Entity& instance, std::string_view name) {
  InterfaceId id = kNone;
  if (!name.empty()) {
    auto parsed = parse_interface_name(name);
    if (!parsed) return wrong(fmt::format("`{}` is no name of an interface", name));
    PackageId package = package_of(parsed->package);
    if (const InterfaceId* known = resolve_.packages[package].interfaces.find(parsed->item)) {
      id = *known;
    } else {
      id = static_cast<InterfaceId>(resolve_.interfaces.size());
      wit::Interface& made = resolve_.interfaces.emplace_back();
      made.name = parsed->item;
      made.package = package;
      resolve_.packages[package].interfaces.insert(parsed->item, id);
    }
  } else {
    id = static_cast<InterfaceId>(resolve_.interfaces.size());
    resolve_.interfaces.emplace_back();
  }
  SEDGE_TRY(fill(id, instance));
  return id;
}

Result<wit::WorldItem> Decoder::world_item(const EntityItem& item, wit::WorldId world,
                                           Names& names) {
  wit::WorldItem out;
  std::string name(item.name.name);
  if (!item.entity) return wrong(fmt::format("`{}` has no form in WIT", name));
  if (item.name.external_id) out.external_id = *item.name.external_id;
  switch (item.entity->sort) {
    case Sort::instance: {
      bool is_interface = name.find('/') != std::string::npos;
      std::string_view interface_name = is_interface ? std::string_view(name) : std::string_view();
      if (item.name.implements) interface_name = *item.name.implements;
      SEDGE_TRY_ASSIGN(out.interface, interface(*item.entity, interface_name));
      wit::Interface& content = resolve_.interfaces[out.interface];
      if (content.package == kNone) content.package = resolve_.worlds[world].package;
      if (!is_interface) out.name = name;
      return out;
    }
    case Sort::func: {
      out.kind = wit::WorldItem::Kind::function;
      out.name = name;
      SEDGE_TRY_ASSIGN(out.function, function(item, names));
      return out;
    }
    case Sort::type: {
      out.kind = wit::WorldItem::Kind::type;
      out.name = name;
      SEDGE_TRY_ASSIGN(out.type, type_export(item, names));
      return out;
    }
    default:
      return wrong(fmt::format("`{}` is no function, instance or type", name));
  }
}

/// Whether an export is the type of a function, instance or component, such as a composition has of
/// the interfaces that it declares: a world has no item for it.
bool has_no_item(const EntityItem& item) {
  if (!item.entity || item.entity->sort != Sort::type) return false;
  const Entity* at = item.entity;
  while (!at->type && at->target) at = at->target;
  return at->type && (std::holds_alternative<component::FuncType>(at->type->type) ||
                      std::holds_alternative<component::InstanceType>(at->type->type) ||
                      std::holds_alternative<component::ComponentType>(at->type->type));
}

Result<void> Decoder::world_items(const EntitySignature& content, wit::WorldId world) {
  Names names;
  names.owner = {Owner::Kind::world, world};
  for (bool exports : {false, true})
    for (const EntityItem& item : exports ? content.exports : content.imports) {
      if (exports && has_no_item(item)) continue;
      SEDGE_TRY_ASSIGN(wit::WorldItem made, world_item(item, world, names));
      wit::World& into = resolve_.worlds[world];
      std::string key = made.key();
      // Types of a world stand beside its imports, wherever they come from.
      const bool is_type = made.kind == wit::WorldItem::Kind::type;
      if (!(exports && !is_type ? into.exports : into.imports).insert(key, std::move(made)))
        return wrong(fmt::format("`{}` is there twice", item.name.name));
    }
  return {};
}

Result<PackageId> Decoder::package(const component::Component& component) {
  SEDGE_TRY_ASSIGN(EntitySignature top, entities_.component(component));
  PackageId root = kNone;
  std::string_view docs;
  for (const component::Definition& definition : component.definitions)
    if (const auto* custom = std::get_if<component::Custom>(&definition.node);
        custom && custom->name == kPackageDocs)
      docs = {reinterpret_cast<const char*>(custom->content.data()), custom->content.size()};
  for (const EntityItem& item : top.exports) {
    if (!item.entity || item.entity->sort != Sort::type)
      return wrong("a package exports types only");
    SEDGE_TRY_ASSIGN(EntitySignature content, entities_.component_type(*item.entity));
    if (content.exports.size() != 1 || !content.exports[0].entity)
      return wrong(fmt::format("`{}` does not have one export", item.name.name));
    const EntityItem& inner = content.exports[0];
    auto name = parse_interface_name(inner.name.name);
    if (!name || name->item != item.name.name)
      return wrong(fmt::format("`{}` is exported as `{}`", inner.name.name, item.name.name));
    PackageId package = package_of(name->package);
    if (root != kNone && root != package) return wrong("there is more than one package");
    root = package;
    for (const EntityItem& import : content.imports) {
      if (!import.entity || import.entity->sort != Sort::instance)
        return wrong(fmt::format("import `{}` is no interface", import.name.name));
      SEDGE_TRY(interface(*import.entity, import.name.name));
    }
    if (inner.entity->sort == Sort::instance) {
      SEDGE_TRY(interface(*inner.entity, inner.name.name));
    } else if (inner.entity->sort == Sort::component) {
      auto world = static_cast<wit::WorldId>(resolve_.worlds.size());
      wit::World& made = resolve_.worlds.emplace_back();
      made.name = name->item;
      made.package = package;
      last_world_ = world;
      if (!resolve_.packages[package].worlds.insert(name->item, world) && !worlds_repeat_)
        return wrong(fmt::format("world `{}` is there twice", name->item));
      SEDGE_TRY_ASSIGN(EntitySignature items, entities_.component_type(*inner.entity));
      SEDGE_TRY(world_items(items, world));
    } else {
      return wrong(fmt::format("`{}` is no interface and no world", inner.name.name));
    }
  }
  if (root == kNone) return wrong("the package is empty");
  read_package_docs(resolve_, root, docs);
  return root;
}

Result<DecodedWit> Decoder::root(const component::Component& component, DecodedWit out) {
  SEDGE_TRY_ASSIGN(EntitySignature top, entities_.component(component));
  out.root = package_of({"root", "component", std::nullopt});
  out.world = static_cast<wit::WorldId>(resolve_.worlds.size());
  wit::World& world = resolve_.worlds.emplace_back();
  world.name = "root";
  world.package = out.root;
  resolve_.packages[out.root].worlds.insert("root", out.world);
  SEDGE_TRY(world_items(top, out.world));
  return out;
}

}  // namespace

bool is_wit_package(const component::Component& component) {
  bool any = false;
  std::vector<const component::Type*> types;  // by index
  for (const component::Definition& definition : component.definitions) {
    if (const auto* exported = std::get_if<component::Export>(&definition.node)) {
      if (!exported->item || exported->item->sort != Sort::type) return false;
      const uint32_t index = exported->item->index;
      if (index >= types.size() ||
          !std::holds_alternative<component::ComponentType>(types[index]->type))
        return false;
      types.push_back(types[index]);
      any = true;
    } else if (const auto* type = std::get_if<component::Type>(&definition.node)) {
      types.push_back(type);
    } else if (!std::holds_alternative<component::Custom>(definition.node)) {
      return false;
    }
  }
  return any;
}

namespace {

StringEncoding string_encoding(const component::Component& component) {
  for (const component::Definition& definition : component.definitions)
    if (const auto* custom = std::get_if<component::Custom>(&definition.node);
        custom && custom->name == kEncodingSection && custom->content.size() == 2 &&
        custom->content[1] <= static_cast<uint8_t>(StringEncoding::latin1_utf16))
      return static_cast<StringEncoding>(custom->content[1]);
  return StringEncoding::utf8;
}

}  // namespace

Result<DecodedWorld> decode_world_into(wit::Resolve& resolve,
                                       const component::Component& component) {
  DecodedWorld out;
  SEDGE_TRY_ASSIGN(out.world, Decoder(resolve).world(component));
  out.encoding = string_encoding(component);
  return out;
}

Result<PackageId> decode_package_into(wit::Resolve& resolve,
                                      const component::Component& component) {
  return Decoder(resolve).package(component);
}

Result<DecodedWit> decode_wit(const component::Component& component) {
  DecodedWit out;
  out.is_package = is_wit_package(component);
  if (!out.is_package) {
    wit::Resolve resolve;
    Decoder decoder(resolve);
    SEDGE_TRY_ASSIGN(out, decoder.root(component, std::move(out)));
    out.resolve = std::move(resolve);
    return out;
  }
  SEDGE_TRY_ASSIGN(out.root, Decoder(out.resolve).package(component));
  const wit::Package& package = out.resolve.packages[out.root];
  if (!package.worlds.empty()) out.world = package.worlds.begin()->second;
  out.encoding = string_encoding(component);
  return out;
}

Result<DecodedWit> decode_wit(Bytes binary) {
  SEDGE_TRY_ASSIGN(component::Component component, component::decode(binary, nullptr));
  return decode_wit(component);
}

}  // namespace sedge::componentize
