// One package: its interfaces and worlds in the order of their dependencies, each with its names,
// then its types and functions, then the worlds as a whole.
#include <algorithm>

#include <fmt/format.h>

#include "base/nearest.h"
#include "wit/package_types.h"
#include "wit/toposort.h"
#include "wit/walk.h"
#include "wit/world.h"

namespace sedge::wit {
namespace {

/// Chains of interfaces longer than this are refused; walks along them recurse.
constexpr uint32_t kMaxDepth = 500;

/// What a path names: an item of this package, or an interface or world of another one.
struct Target {
  uint32_t node = kNone;
  PackageId package = kNone;
  std::string_view name;
  ast::Place place;
  bool is_use = false;  ///< reached by a `use` at the top of the file, which names interfaces
};

struct Node {
  const ast::Interface* interface = nullptr;  ///< or
  const ast::World* world = nullptr;
  uint32_t scope = 0;
  ast::Name name;
  const ast::Attributes* attributes = nullptr;
  bool is_there = false;  ///< no gate leaves it out
  uint32_t id = kNone;    ///< InterfaceId or WorldId
  ItemNames names;
};

/// Where a function stands until its types are final.
struct FunctionPlace {
  InterfaceId interface = kNone;
  WorldId world = kNone;
  bool exports = false;
  std::string key;
  ast::Place place;
};

class PackageResolver {
 public:
  PackageResolver(Resolve& resolve, const Sources& sources, const ast::Package& package,
                  const Gates& gates, Gated& gated)
      : resolve_(resolve),
        sources_(sources),
        package_(package),
        gates_(gates),
        gated_(gated),
        types_(resolve, sources, gates) {}

  Result<PackageId> run() {
    id_ = static_cast<PackageId>(resolve_.packages.size());
    first_interface_ = static_cast<InterfaceId>(resolve_.interfaces.size());
    resolve_.packages.push_back({package_.name, package_.docs, {}, {}});
    SEDGE_TRY(collect());
    SEDGE_TRY(check_top_level_uses());
    SEDGE_TRY_ASSIGN(std::vector<uint32_t> order, this->order());
    for (uint32_t node : order) SEDGE_TRY(announce(nodes_[node]));
    for (uint32_t node : order)
      if (nodes_[node].interface) SEDGE_TRY(interface(nodes_[node]));
    for (uint32_t node : order)
      if (nodes_[node].world) SEDGE_TRY(world(nodes_[node]));
    SEDGE_TRY(finish());
    for (uint32_t node : order)
      if (nodes_[node].world && nodes_[node].is_there) SEDGE_TRY(complete(nodes_[node]));
    return id_;
  }

 private:
  using ScopeNames = std::unordered_map<std::string_view, const ast::TopLevelUse*>;

  std::unexpected<Error> wrong(std::string message, ast::Place place) const {
    return fail(sources_.error(ErrorCode::wit_invalid, ": " + std::move(message), place));
  }

  Result<void> collect();
  Result<void> check_top_level_uses();
  Result<std::vector<uint32_t>> order();
  Result<Target> find(uint32_t scope, const ast::Path& path) const;
  Result<uint32_t> interface_of(uint32_t scope, const ast::Path& path, const Stability& stability,
                                const ItemNames** names) const;
  Result<bool> is_there(const ast::Attributes& attributes, ast::Place place) const;
  Result<void> announce(Node& node);
  Result<void> use(const ast::Use& use, uint32_t scope, Owner owner, bool owner_there,
                   ItemNames& names);
  Result<void> type_decls(const std::vector<const ast::TypeDecl*>& decls, Owner owner,
                          bool owner_there, ItemNames& names);
  Result<void> check_methods(const ast::TypeDecl& resource) const;
  Result<Function> function(const ast::Func& func, const ItemNames& names,
                            std::string_view resource);
  Result<void> interface_items(const ast::Interface& syntax, uint32_t scope, InterfaceId id,
                               bool is_there, ItemNames& names);
  Result<void> interface(Node& node);
  Result<void> world(Node& node);
  Result<void> world_function(Node& node, const ast::Func& func, std::string_view resource,
                              bool exports);
  Result<void> external(Node& node, const ast::Extern& item);
  Result<void> add_item(Node& node, bool exports, WorldItem item, ast::Place place);
  Result<void> finish();
  Result<void> complete(Node& node);

  Resolve& resolve_;
  const Sources& sources_;
  const ast::Package& package_;
  const Gates& gates_;
  Gated& gated_;
  PackageTypes types_;
  PackageId id_ = kNone;
  InterfaceId first_interface_ = 0;
  std::vector<Node> nodes_;
  std::unordered_map<std::string_view, uint32_t> items_;  ///< nodes by name
  std::vector<ScopeNames> uses_;
  std::vector<std::unordered_map<std::string_view, uint32_t>> own_;  ///< nodes of each scope
  std::vector<FunctionPlace> functions_;
};

/// Finds the interfaces and worlds, and the names that `use` gives in each file.
Result<void> PackageResolver::collect() {
  uses_.resize(package_.scopes.size());
  own_.resize(package_.scopes.size());
  for (uint32_t scope = 0; scope < package_.scopes.size(); ++scope)
    for (const auto& item : package_.scopes[scope].items) {
      Node node;
      node.scope = scope;
      if (const auto* interface = std::get_if<ast::Interface>(&item)) {
        node.interface = interface;
        node.name = interface->name;
        node.attributes = &interface->attributes;
      } else if (const auto* world = std::get_if<ast::World>(&item)) {
        node.world = world;
        node.name = world->name;
        node.attributes = &world->attributes;
      } else {
        continue;
      }
      auto index = static_cast<uint32_t>(nodes_.size());
      if (!items_.emplace(node.name.text, index).second)
        return wrong(fmt::format("the package has two items called `{}`", node.name.text),
                     node.name.place);
      own_[scope].emplace(node.name.text, index);
      nodes_.push_back(std::move(node));
    }
  for (uint32_t scope = 0; scope < package_.scopes.size(); ++scope)
    for (const auto& item : package_.scopes[scope].items) {
      const auto* use = std::get_if<ast::TopLevelUse>(&item);
      if (!use) continue;
      if (own_[scope].contains(use->as.text) || !uses_[scope].emplace(use->as.text, use).second)
        return wrong(fmt::format("`{}` is defined twice in this file", use->as.text),
                     use->as.place);
    }
  return {};
}

/// A `use` that nothing refers to has to name something, too.
Result<void> PackageResolver::check_top_level_uses() {
  for (uint32_t scope = 0; scope < uses_.size(); ++scope)
    for (const auto& item : package_.scopes[scope].items)
      if (const auto* use = std::get_if<ast::TopLevelUse>(&item)) {
        SEDGE_TRY_ASSIGN(Target target, find(scope, ast::Path{std::nullopt, {}, use->as}));
        if (target.package == kNone) continue;
        const Package& package = resolve_.packages[target.package];
        bool known = package.interfaces.contains(target.name) ||
                     gated_.names.contains(package.name.item(target.name));
        if (!known)
          return wrong(fmt::format("package `{}` has no interface `{}`", package.name.to_string(),
                                   target.name),
                       target.place);
      }
  return {};
}

Result<Target> PackageResolver::find(uint32_t scope, const ast::Path& path) const {
  const ast::Path* at = &path;
  bool is_use = false;
  for (size_t steps = 0; !at->package; ++steps) {
    auto used = uses_[scope].find(at->name.text);
    // The target of a `use` may have the name that the `use` gives: that one is the item's.
    bool itself = used != uses_[scope].end() && &used->second->from == at;
    if (auto own = own_[scope].find(at->name.text); own != own_[scope].end())
      return Target{own->second, kNone, at->name.text, at->name.place, is_use};
    if (used != uses_[scope].end() && !itself) {
      if (steps > uses_[scope].size())
        return wrong(fmt::format("`use` of `{}` leads back to itself", at->name.text),
                     at->name.place);
      at = &used->second->from;
      is_use = true;
      continue;
    }
    if (auto item = items_.find(at->name.text); item != items_.end())
      return Target{item->second, kNone, at->name.text, at->name.place, is_use};
    std::vector<std::string_view> known;
    known.reserve(nodes_.size());
    for (const Node& node : nodes_) known.push_back(node.name.text);
    return wrong(fmt::format("there is no interface or world `{}`{}", at->name.text,
                             did_you_mean(at->name.text, known)),
                 at->name.place);
  }
  std::optional<PackageId> package = resolve_.find_package(*at->package);
  if (package) return Target{kNone, *package, at->name.text, at->name.place, is_use};
  std::string known;
  for (const Package& other : resolve_.packages)
    if (&other != &resolve_.packages[id_])
      known += fmt::format("{}`{}`", known.empty() ? "" : ", ", other.name.to_string());
  return fail(sources_
                  .error(ErrorCode::wit_invalid,
                         fmt::format(": package `{}` is not there; known are {}",
                                     at->package->to_string(), known.empty() ? "none" : known),
                         at->package_place)
                  .with_remedy("name a folder that has it with --deps"));
}

Result<std::vector<uint32_t>> PackageResolver::order() {
  std::vector<std::vector<uint32_t>> dependencies(nodes_.size());
  for (uint32_t index = 0; index < nodes_.size(); ++index) {
    const Node& node = nodes_[index];
    auto path = [&](const ast::Path& path) -> Result<void> {
      SEDGE_TRY_ASSIGN(Target target, find(node.scope, path));
      if (target.node != kNone) dependencies[index].push_back(target.node);
      return {};
    };
    auto interface = [&](const ast::Interface& interface) -> Result<void> {
      for (const ast::Item& item : interface.items)
        if (const auto* use = std::get_if<ast::Use>(&item)) SEDGE_TRY(path(use->from));
      return {};
    };
    if (node.interface) {
      SEDGE_TRY(interface(*node.interface));
      continue;
    }
    for (const auto& item : node.world->items) {
      if (const auto* use = std::get_if<ast::Use>(&item)) SEDGE_TRY(path(use->from));
      if (const auto* include = std::get_if<ast::Include>(&item)) SEDGE_TRY(path(include->from));
      if (const auto* external = std::get_if<ast::Extern>(&item)) {
        if (external->kind == ast::Extern::Kind::path) {
          SEDGE_TRY_ASSIGN(Target target, find(node.scope, external->path));
          if (target.node != kNone && nodes_[target.node].world)
            return wrong(fmt::format("`{}` is a world, not an interface", target.name),
                         external->path.name.place);
          SEDGE_TRY(path(external->path));
        }
        if (external->kind == ast::Extern::Kind::interface)
          for (const ast::Item& inner : external->interface.items)
            if (const auto* use = std::get_if<ast::Use>(&inner)) {
              SEDGE_TRY_ASSIGN(Target target, find(node.scope, use->from));
              if (target.node != kNone && nodes_[target.node].world)
                return wrong(fmt::format("`{}` is a world, not an interface", target.name),
                             use->from.name.place);
              SEDGE_TRY(path(use->from));
            }
      }
    }
  }
  Order order = toposort(dependencies);
  if (order.in_cycle != UINT32_MAX)
    return wrong(fmt::format("{} `{}` depends on itself",
                             nodes_[order.in_cycle].world ? "world" : "interface",
                             nodes_[order.in_cycle].name.text),
                 nodes_[order.in_cycle].name.place);
  return std::move(order.nodes);
}

/// Checks the gate of an item; false if it leaves the item out.
Result<bool> PackageResolver::is_there(const ast::Attributes& attributes, ast::Place place) const {
  const Stability& stability = attributes.stability;
  if (stability.since) {
    if (!package_.name.version)
      return wrong(
          fmt::format("`@since` needs a version of package `{}`", package_.name.to_string()),
          place);
    if (*stability.since > *package_.name.version)
      return wrong(fmt::format("`@since` names version {}, but the package is `{}`",
                               stability.since->to_string(), package_.name.to_string()),
                   place);
  }
  return gates_.has(stability);
}

/// Gives an interface or world its id, or notes that a gate leaves it out.
Result<void> PackageResolver::announce(Node& node) {
  SEDGE_TRY_ASSIGN(node.is_there, is_there(*node.attributes, node.name.place));
  std::string name(node.name.text);
  Package& package = resolve_.packages[id_];
  if (!node.is_there) {
    gated_.names.insert(package.name.item(name));
    return {};
  }
  if (node.interface) {
    node.id = static_cast<InterfaceId>(resolve_.interfaces.size());
    Interface& interface = resolve_.interfaces.emplace_back();
    interface.name = name;
    interface.docs = node.attributes->docs;
    interface.stability = node.attributes->stability;
    interface.package = id_;
    package.interfaces.insert(name, node.id);
  } else {
    node.id = static_cast<WorldId>(resolve_.worlds.size());
    World& world = resolve_.worlds.emplace_back();
    world.name = name;
    world.docs = node.attributes->docs;
    world.stability = node.attributes->stability;
    world.package = id_;
    package.worlds.insert(name, node.id);
  }
  return {};
}

/// The interface that `path` names: its id, kNone if it is gated and so may be the item. `names`
/// becomes that interface's names if it is of this package.
Result<uint32_t> PackageResolver::interface_of(uint32_t scope, const ast::Path& path,
                                               const Stability& stability,
                                               const ItemNames** names) const {
  *names = nullptr;
  SEDGE_TRY_ASSIGN(Target target, find(scope, path));
  bool item_there = gates_.has(stability);
  if (target.node != kNone) {
    const Node& node = nodes_[target.node];
    if (!node.interface)
      return wrong(fmt::format("`{}` is a world, not an interface", target.name), path.name.place);
    *names = &node.names;
    if (node.is_there || !item_there) return node.id;
  } else {
    const Package& package = resolve_.packages[target.package];
    if (const InterfaceId* id = package.interfaces.find(target.name)) return *id;
    if (!item_there) return kNone;
    if (!gated_.names.contains(package.name.item(target.name)))
      return wrong(
          fmt::format("package `{}` has no interface `{}`", package.name.to_string(), target.name),
          path.name.place);
  }
  return fail(
      sources_
          .error(ErrorCode::wit_invalid,
                 fmt::format(": interface `{}` is behind a feature that is off", target.name),
                 path.name.place)
          .with_remedy("switch the feature on with --features, or gate this item likewise"));
}

Result<void> PackageResolver::use(const ast::Use& use, uint32_t scope, Owner owner,
                                  bool owner_there, ItemNames& names) {
  const Stability& stability = use.attributes.stability;
  SEDGE_TRY_ASSIGN(bool there, is_there(use.attributes, use.from.name.place));
  Stability reached = stability;
  if (!owner_there && there) reached = {Stability::Kind::unstable, "", {}, {}};
  const ItemNames* local = nullptr;
  SEDGE_TRY_ASSIGN(InterfaceId from, interface_of(scope, use.from, reached, &local));
  for (const ast::UseName& name : use.names) {
    TypeDef alias;
    alias.name = name.as.text;
    alias.owner = owner;
    alias.stability = stability;
    alias.external_id = use.attributes.external_id;
    if (local) {
      const NamedItem* item = local->find(name.name.text);
      if (!item)
        return wrong(fmt::format("interface `{}` has no type `{}`{}", use.from.name.text,
                                 name.name.text, local->suggest(name.name.text)),
                     name.name.place);
      if (item->is_function)
        return wrong(fmt::format("`{}` is a function; only types can be used", name.name.text),
                     name.name.place);
      alias.first = Type::ref(item->type);
    } else if (const TypeId* type =
                   from == kNone ? nullptr : resolve_.interfaces[from].types.find(name.name.text)) {
      alias.first = Type::ref(*type);
    } else if (there) {
      bool gated = from != kNone && gated_.names.contains(resolve_.interface_name(from) + "#" +
                                                          std::string(name.name.text));
      return wrong(fmt::format("interface `{}` has no type `{}`{}", use.from.name.text,
                               name.name.text, gated ? ": it is behind a feature that is off" : ""),
                   name.name.place);
    } else {
      alias.first = Type::of(Primitive::boolean);  // never seen: a gate leaves it out
    }
    TypeId id = types_.add(std::move(alias), name.as.place);
    if (!names.insert(name.as.text, {false, id}))
      return wrong(fmt::format("`{}` is defined twice", name.as.text), name.as.place);
  }
  return {};
}

Result<void> PackageResolver::type_decls(const std::vector<const ast::TypeDecl*>& decls,
                                         Owner owner, bool owner_there, ItemNames& names) {
  std::unordered_map<std::string_view, uint32_t> index;
  for (uint32_t i = 0; i < decls.size(); ++i) index.emplace(decls[i]->name.text, i);
  std::vector<std::vector<uint32_t>> dependencies(decls.size());
  for (uint32_t i = 0; i < decls.size(); ++i)
    each_type_name(*decls[i], [&](const ast::Name& name) {
      if (auto it = index.find(name.text); it != index.end()) dependencies[i].push_back(it->second);
    });
  Order order = toposort(dependencies);
  if (order.in_cycle != UINT32_MAX)
    return wrong(fmt::format("type `{}` contains itself", decls[order.in_cycle]->name.text),
                 decls[order.in_cycle]->name.place);
  for (uint32_t i : order.nodes) {
    const ast::TypeDecl& decl = *decls[i];
    SEDGE_TRY_ASSIGN(bool there, is_there(decl.attributes, decl.name.place));
    if (there && !owner_there)
      return wrong(fmt::format("type `{}` needs the gate of what it stands in", decl.name.text),
                   decl.name.place);
    SEDGE_TRY_ASSIGN(TypeDef type, types_.definition(decl, names));
    type.owner = owner;
    names.find(decl.name.text)->type = types_.add(std::move(type), decl.name.place);
    if (!there && owner.kind == Owner::Kind::interface && owner.id != kNone)
      gated_.names.insert(resolve_.interface_name(owner.id) + "#" + std::string(decl.name.text));
    for (const ast::Func& method : decl.methods) {
      SEDGE_TRY_ASSIGN(bool method_there, is_there(method.attributes, method.name.place));
      if (method_there && !there)
        return wrong(fmt::format("a function of resource `{}` needs the gate of the resource",
                                 decl.name.text),
                     method.name.place);
    }
  }
  return {};
}

/// Methods and static functions of a resource have one space of names.
Result<void> PackageResolver::check_methods(const ast::TypeDecl& resource) const {
  std::set<std::string> known;
  for (const ast::Func& method : resource.methods)
    if (method.kind != FunctionKind::constructor && !known.insert(folded(method.name.text)).second)
      return fail(
          sources_
              .error(ErrorCode::wit_invalid,
                     fmt::format(": resource `{}` has two functions called `{}`",
                                 resource.name.text, method.name.text),
                     method.name.place)
              .with_remedy("methods and static functions share their names: rename one of them"));
  return {};
}

Result<Function> PackageResolver::function(const ast::Func& func, const ItemNames& names,
                                           std::string_view resource) {
  const Stability& stability = func.attributes.stability;
  Function out;
  out.kind = func.kind;
  out.is_async = func.is_async;
  out.docs = func.attributes.docs;
  out.stability = stability;
  out.external_id = func.attributes.external_id;
  std::set<std::string> known;
  switch (func.kind) {
    case FunctionKind::freestanding:
      out.name = func.name.text;
      break;
    case FunctionKind::method:
      out.name = fmt::format("[method]{}.{}", resource, func.name.text);
      break;
    case FunctionKind::static_:
      out.name = fmt::format("[static]{}.{}", resource, func.name.text);
      break;
    case FunctionKind::constructor:
      out.name = fmt::format("[constructor]{}", resource);
      break;
  }
  if (!resource.empty()) out.resource = names.find(resource)->type;
  if (func.kind == FunctionKind::method) {
    ast::TypeExpr self;
    self.kind = ast::TypeExpr::Kind::built;
    self.built = TypeKind::borrow;
    self.name = {resource, func.name.place};
    self.place = func.name.place;
    SEDGE_TRY_ASSIGN(Type type, types_.value(self, names, stability));
    out.params.push_back({"self", type, {}});
    known.insert("self");
  }
  for (const ast::Param& param : func.params) {
    if (!known.insert(folded(param.name.text)).second)
      return wrong(fmt::format("parameter `{}` stands twice", param.name.text), param.name.place);
    SEDGE_TRY_ASSIGN(Type type, types_.value(param.type, names, stability));
    out.params.push_back({std::string(param.name.text), type, {}});
  }
  if (func.kind == FunctionKind::constructor) {
    out.result = Type::ref(out.resource);
    if (func.result.kind != ast::TypeExpr::Kind::missing) {
      const ast::TypeExpr& result = func.result;
      bool is_result =
          result.kind == ast::TypeExpr::Kind::built && result.built == TypeKind::result;
      bool is_own = is_result && !result.args.empty() &&
                    result.args[0].kind != ast::TypeExpr::Kind::missing &&
                    result.args[0].name.text == resource &&
                    (result.args[0].kind == ast::TypeExpr::Kind::named ||
                     result.args[0].built == TypeKind::own);
      if (!is_own)
        return wrong(fmt::format("a constructor returns nothing or `result<{}, …>`", resource),
                     result.place);
    }
  }
  if (func.result.kind != ast::TypeExpr::Kind::missing) {
    SEDGE_TRY_ASSIGN(out.result, types_.value(func.result, names, stability));
  }
  return out;
}

/// Names, types and functions of an interface; its entries in the Resolve only if it `is_there`.
Result<void> PackageResolver::interface_items(const ast::Interface& syntax, uint32_t scope,
                                              InterfaceId id, bool is_there, ItemNames& names) {
  Owner owner{Owner::Kind::interface, id};
  for (const ast::Item& item : syntax.items)
    if (const auto* use = std::get_if<ast::Use>(&item))
      SEDGE_TRY(this->use(*use, scope, owner, is_there, names));
  std::vector<const ast::TypeDecl*> decls;
  for (const ast::Item& item : syntax.items) {
    const auto* decl = std::get_if<ast::TypeDecl>(&item);
    const auto* func = std::get_if<ast::Func>(&item);
    if (!decl && !func) continue;
    const ast::Name& name = decl ? decl->name : func->name;
    if (!names.insert(name.text, {func != nullptr, kNone}))
      return wrong(fmt::format("`{}` is defined twice", name.text), name.place);
    if (decl) decls.push_back(decl);
  }
  SEDGE_TRY(type_decls(decls, owner, is_there, names));
  auto add = [&](const ast::Func& func, std::string_view resource) -> Result<void> {
    SEDGE_TRY_ASSIGN(bool there, this->is_there(func.attributes, func.name.place));
    SEDGE_TRY_ASSIGN(Function function, this->function(func, names, resource));
    if (!there || !is_there) return {};
    std::string key = function.name;
    if (!resolve_.interfaces[id].functions.insert(key, std::move(function)))
      return wrong(func.kind == FunctionKind::constructor
                       ? fmt::format("resource `{}` has two constructors", resource)
                       : fmt::format("`{}` is defined twice", func.name.text),
                   func.name.place);
    functions_.push_back({id, kNone, false, key, func.name.place});
    return {};
  };
  for (const ast::Item& item : syntax.items) {
    if (const auto* func = std::get_if<ast::Func>(&item)) SEDGE_TRY(add(*func, {}));
    const auto* decl = std::get_if<ast::TypeDecl>(&item);
    if (!decl) continue;
    SEDGE_TRY(check_methods(*decl));
    for (const ast::Func& method : decl->methods) SEDGE_TRY(add(method, decl->name.text));
  }
  return {};
}

Result<void> PackageResolver::interface(Node& node) {
  return interface_items(*node.interface, node.scope, node.id, node.is_there, node.names);
}

Result<void> PackageResolver::add_item(Node& node, bool exports, WorldItem item, ast::Place place) {
  if (!node.is_there) return {};
  World& world = resolve_.worlds[node.id];
  std::string key = item.key();
  std::string name = resolve_.item_name(item);
  if ((exports ? world.exports : world.imports).insert(std::move(key), std::move(item))) return {};
  return wrong(fmt::format("`{}` is {} twice", name, exports ? "exported" : "imported"), place);
}

Result<void> PackageResolver::world_function(Node& node, const ast::Func& func,
                                             std::string_view resource, bool exports) {
  SEDGE_TRY_ASSIGN(bool there, is_there(func.attributes, func.name.place));
  SEDGE_TRY_ASSIGN(Function function, this->function(func, node.names, resource));
  if (!there || !node.is_there) return {};
  WorldItem item;
  item.kind = WorldItem::Kind::function;
  item.name = function.name;
  item.function = std::move(function);
  functions_.push_back({kNone, node.id, exports, item.name, func.name.place});
  return add_item(node, exports, std::move(item), func.name.place);
}

Result<void> PackageResolver::external(Node& node, const ast::Extern& external) {
  if (external.kind == ast::Extern::Kind::function)
    return world_function(node, external.function, {}, external.is_export);
  const ast::Attributes& attributes =
      external.kind == ast::Extern::Kind::interface ? external.interface.attributes
                                                    : external.attributes;
  ast::Place place =
      external.has_name || external.kind == ast::Extern::Kind::interface ? external.name.place
                                                                         : external.path.name.place;
  SEDGE_TRY_ASSIGN(bool there, is_there(attributes, place));
  there = there && node.is_there;
  WorldItem item;
  item.stability = attributes.stability;
  item.external_id = attributes.external_id;
  if (external.kind == ast::Extern::Kind::interface) {
    item.name = external.name.text;
    if (there) {
      item.interface = static_cast<InterfaceId>(resolve_.interfaces.size());
      Interface& interface = resolve_.interfaces.emplace_back();
      interface.docs = attributes.docs;
      interface.stability = attributes.stability;
      interface.package = id_;
    }
    ItemNames names;
    SEDGE_TRY(interface_items(external.interface, node.scope, item.interface, there, names));
  } else {
    const ItemNames* names = nullptr;
    Stability reached = attributes.stability;
    if (!there) reached = {Stability::Kind::unstable, "", {}, {}};
    // A gated item of another package may be anything.
    SEDGE_TRY_ASSIGN(item.interface, interface_of(node.scope, external.path, reached, &names));
    if (external.has_name) item.name = external.name.text;
    item.docs = attributes.docs;
  }
  if (!there) return {};
  return add_item(node, external.is_export, std::move(item), place);
}

Result<void> PackageResolver::world(Node& node) {
  const ast::World& syntax = *node.world;
  Owner owner{Owner::Kind::world, node.id};
  for (const auto& item : syntax.items)
    if (const auto* use = std::get_if<ast::Use>(&item))
      SEDGE_TRY(this->use(*use, node.scope, owner, node.is_there, node.names));
  std::vector<const ast::TypeDecl*> decls;
  for (const auto& item : syntax.items) {
    const auto* decl = std::get_if<ast::TypeDecl>(&item);
    if (!decl) continue;
    if (!node.names.insert(decl->name.text, {false, kNone}))
      return wrong(fmt::format("`{}` is defined twice", decl->name.text), decl->name.place);
    decls.push_back(decl);
  }
  SEDGE_TRY(type_decls(decls, owner, node.is_there, node.names));
  // Types are imports: first those that are used, in the text's order, then the world's own.
  auto add_type = [&](const ast::Name& name) -> Result<void> {
    TypeId id = node.names.find(name.text)->type;
    if (!gates_.has(types_[id].stability)) return {};
    WorldItem item;
    item.kind = WorldItem::Kind::type;
    item.name = name.text;
    item.type = id;
    return add_item(node, false, std::move(item), name.place);
  };
  for (const auto& item : syntax.items)
    if (const auto* use = std::get_if<ast::Use>(&item))
      for (const ast::UseName& name : use->names) SEDGE_TRY(add_type(name.as));
  for (const ast::TypeDecl* decl : decls) SEDGE_TRY(add_type(decl->name));
  for (const auto& item : syntax.items) {
    if (const auto* external = std::get_if<ast::Extern>(&item))
      SEDGE_TRY(this->external(node, *external));
    const auto* decl = std::get_if<ast::TypeDecl>(&item);
    if (!decl) continue;
    SEDGE_TRY(check_methods(*decl));
    for (const ast::Func& method : decl->methods)
      SEDGE_TRY(world_function(node, method, decl->name.text, false));
  }
  return {};
}

/// Everything is known: types and functions get their ids in the Resolve.
Result<void> PackageResolver::finish() {
  auto first_type = static_cast<TypeId>(resolve_.types.size());
  SEDGE_TRY(types_.move());
  for (TypeId id = first_type; id < resolve_.types.size(); ++id) {
    const TypeDef& type = resolve_.types[id];
    if (type.owner.kind != Owner::Kind::interface || type.name.empty()) continue;
    resolve_.interfaces[type.owner.id].types.insert(type.name, id);
  }
  for (InterfaceId id = first_interface_; id < resolve_.interfaces.size(); ++id) {
    Interface& interface = resolve_.interfaces[id];
    for (InterfaceId used : resolve_.direct_dependencies(id))
      interface.depth = std::max(interface.depth, resolve_.interfaces[used].depth + 1);
    if (interface.depth > kMaxDepth)
      return wrong(fmt::format("more than {} interfaces use one another in a chain", kMaxDepth),
                   package_.place);
  }
  for (const FunctionPlace& at : functions_)
    if (at.interface != kNone)
      SEDGE_TRY(types_.finish(*resolve_.interfaces[at.interface].functions.find(at.key), at.place));
  for (const Node& node : nodes_) {
    if (!node.world || !node.is_there) continue;
    for (auto& [key, item] : resolve_.worlds[node.id].imports)
      if (item.kind == WorldItem::Kind::type) {
        SEDGE_TRY_ASSIGN(item.type, types_.final_id(item.type, node.name.place));
      }
  }
  for (const FunctionPlace& at : functions_) {
    if (at.world == kNone) continue;
    World& world = resolve_.worlds[at.world];
    WorldItem* item = (at.exports ? world.exports : world.imports).find(at.key);
    SEDGE_TRY(types_.finish(item->function, at.place));
  }
  return {};
}

Result<void> PackageResolver::complete(Node& node) {
  for (const auto& item : node.world->items) {
    const auto* include = std::get_if<ast::Include>(&item);
    if (!include) continue;
    ast::Place place = include->from.name.place;
    SEDGE_TRY_ASSIGN(bool there, is_there(include->attributes, place));
    SEDGE_TRY_ASSIGN(Target target, find(node.scope, include->from));
    WorldId world = kNone;
    bool gated = false;
    if (target.node != kNone) {
      const Node& from = nodes_[target.node];
      if (!from.world)
        return wrong(fmt::format("`{}` is an interface, not a world", target.name), place);
      world = from.id;
      gated = !from.is_there;
    } else {
      const Package& package = resolve_.packages[target.package];
      if (target.is_use)
        return wrong(fmt::format("`{}` is an interface, not a world: `use` names interfaces",
                                 include->from.name.text),
                     place);
      gated = gated_.names.contains(package.name.item(target.name));
      if (const WorldId* id = package.worlds.find(target.name)) world = *id;
      if (world == kNone && !gated)
        return wrong(
            fmt::format("package `{}` has no world `{}`", package.name.to_string(), target.name),
            place);
    }
    if (!there) continue;
    if (gated)
      return fail(
          sources_
              .error(ErrorCode::wit_invalid,
                     fmt::format(": world `{}` is behind a feature that is off", target.name),
                     place)
              .with_remedy("switch the feature on with --features, or gate this item likewise"));
    std::vector<Rename> renames;
    renames.reserve(include->with.size());
    for (const ast::UseName& name : include->with)
      renames.push_back({std::string(name.name.text), std::string(name.as.text)});
    if (Checked done = include_world(resolve_, node.id, world, renames); !done)
      return wrong(std::move(done).error(), place);
  }
  if (Checked done = complete_world(resolve_, node.id); !done)
    return wrong(std::move(done).error(), node.name.place);
  const World& world = resolve_.worlds[node.id];
  for (const Named<WorldItem>* items : {&world.imports, &world.exports}) {
    std::set<std::string> known;
    for (const auto& [key, item] : *items)
      if (!item.name.empty() && !known.insert(folded(item.name)).second)
        return wrong(
            fmt::format("world `{}` has two {} called `{}`; case makes no difference", world.name,
                        items == &world.imports ? "imports" : "exports", item.name),
            node.name.place);
  }
  return {};
}

}  // namespace

Result<PackageId> resolve_package(Resolve& resolve, const Sources& sources,
                                  const ast::Package& package, const Gates& gates, Gated& gated) {
  return PackageResolver(resolve, sources, package, gates, gated).run();
}

}  // namespace sedge::wit
