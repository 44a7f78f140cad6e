// Include expansion (WIT.md, "Union of Worlds with `include`") and the completion of imports
// ("Transitive imports and worlds"). Chains of interfaces are bounded by the resolver, so recursion
// along them is too.
#include "wit/world.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace sedge::wit {
namespace {

/// Copies types of one world for another.
class Copier {
 public:
  Copier(Resolve& resolve, WorldId from, WorldId to) : resolve_(resolve), from_(from), to_(to) {}

  void name(TypeId original, std::string name) { names_[original] = std::move(name); }

  /// The copy of `id`; itself if nothing in it belongs to the world.
  TypeId copy(TypeId id) {
    if (auto it = copies_.find(id); it != copies_.end()) return it->second;
    TypeDef type = resolve_.types[id];
    bool owned = type.owner == Owner{Owner::Kind::world, from_};
    if (!owned && type.owner.kind != Owner::Kind::none) return id;
    bool changed = owned;
    auto part = [&](std::optional<Type>& part) {
      if (part) changed |= copy(*part);
    };
    part(type.first);
    part(type.second);
    for (Type& element : type.elements) changed |= copy(element);
    for (Member& member : type.members) part(member.type);
    TypeId out = id;
    if (changed) {
      if (owned) {
        type.owner.id = to_;
        if (auto it = names_.find(id); it != names_.end()) type.name = it->second;
      }
      out = static_cast<TypeId>(resolve_.types.size());
      resolve_.types.push_back(std::move(type));
    }
    copies_.emplace(id, out);
    return out;
  }
  bool copy(Type& type) {
    if (!type.is_ref()) return false;
    TypeId before = type.id;
    type.id = copy(before);
    return type.id != before;
  }
  void copy(Function& function) {
    if (function.kind != FunctionKind::freestanding) {
      function.resource = copy(function.resource);
      std::string_view prefix =
          std::string_view(function.name).substr(0, function.name.find(']') + 1);
      std::string renamed = std::string(prefix) + resolve_.types[function.resource].name;
      if (function.kind != FunctionKind::constructor)
        renamed += "." + std::string(function.item_name());
      function.name = std::move(renamed);
    }
    for (Member& param : function.params) copy(*param.type);
    if (function.result) copy(*function.result);
  }

 private:
  Resolve& resolve_;
  WorldId from_;
  WorldId to_;
  std::unordered_map<TypeId, TypeId> copies_;
  std::unordered_map<TypeId, std::string> names_;
};

/// Stability that an included import keeps: `since` counts versions of its own package only.
Stability included_stability(const Stability& from, bool same_package) {
  if (from.kind == Stability::Kind::stable && !same_package) return {};
  return from;
}

bool is_plain(const WorldItem& item) {
  return item.kind != WorldItem::Kind::function || item.function.kind == FunctionKind::freestanding;
}

/// The interfaces that a function's types are used from.
void used_interfaces(const Resolve& resolve, TypeId id, std::vector<InterfaceId>& out,
                     std::set<TypeId>& seen) {
  if (!seen.insert(id).second) return;
  const TypeDef& type = resolve.types[id];
  if (type.owner.kind == Owner::Kind::interface) {
    if (std::ranges::find(out, type.owner.id) == out.end()) out.push_back(type.owner.id);
    return;
  }
  if (type.owner.kind == Owner::Kind::world) return;  // the world's type stands for itself
  auto part = [&](const std::optional<Type>& part) {
    if (part && part->is_ref()) used_interfaces(resolve, part->id, out, seen);
  };
  part(type.first);
  part(type.second);
  for (const Type& element : type.elements) part(element);
  for (const Member& member : type.members) part(member.type);
}

std::vector<InterfaceId> used_interfaces(const Resolve& resolve, const Function& function) {
  std::vector<InterfaceId> out;
  std::set<TypeId> seen;
  for (const Member& param : function.params)
    if (param.type->is_ref()) used_interfaces(resolve, param.type->id, out, seen);
  if (function.result && function.result->is_ref())
    used_interfaces(resolve, function.result->id, out, seen);
  return out;
}

WorldItem interface_item(InterfaceId id, const Stability& stability) {
  WorldItem item;
  item.interface = id;
  item.stability = stability;
  return item;
}

class Completion {
 public:
  Completion(Resolve& resolve, WorldId world) : resolve_(resolve), world_(resolve.worlds[world]) {}

  Checked run() {
    add_imports();
    Named<WorldItem> exports = std::move(world_.exports);
    world_.exports = {};
    std::vector<WorldItem> interfaces;
    for (auto& [key, item] : exports) {
      if (item.kind == WorldItem::Kind::interface) {
        exported_.insert(item.key());
        interfaces.push_back(item);
        continue;
      }
      for (InterfaceId id : used_interfaces(resolve_, item.function)) import(id, item.stability);
      world_.exports.insert(key, item);
    }
    for (const WorldItem& item : interfaces)
      if (!add_export(item, true))
        return std::unexpected(fmt::format(
            "export `{}` uses types of an interface that would have to be imported and exported",
            resolve_.item_name(item)));
    Named<WorldItem> imports = std::move(world_.imports);
    world_.imports = {};
    for (auto& [key, item] : imports)
      if (item.kind == WorldItem::Kind::interface) world_.imports.insert(key, item);
    for (auto& [key, item] : imports)
      if (item.kind != WorldItem::Kind::interface) world_.imports.insert(key, item);
    return {};
  }

 private:
  static int rank(const WorldItem& item) {
    if (item.kind == WorldItem::Kind::interface) return 0;
    if (item.kind == WorldItem::Kind::type) return 1;
    return item.function.kind == FunctionKind::freestanding ? 2 : 3;
  }

  void add_imports() {
    std::vector<WorldItem> items;
    for (int wanted = 0; wanted <= 3; ++wanted)
      for (auto& [key, item] : world_.imports)
        if (rank(item) == wanted) items.push_back(item);
    world_.imports = {};
    for (const WorldItem& item : items) {
      switch (item.kind) {
        case WorldItem::Kind::interface:
          for (InterfaceId id : resolve_.direct_dependencies(item.interface))
            import(id, item.stability);
          break;
        case WorldItem::Kind::type:
          if (InterfaceId id = resolve_.used_from(item.type); id != kNone)
            import(id, resolve_.types[item.type].stability);
          break;
        case WorldItem::Kind::function:
          for (InterfaceId id : used_interfaces(resolve_, item.function))
            import(id, item.function.stability);
          break;
      }
      world_.imports.insert(item.key(), item);
    }
  }

  void import(InterfaceId id, const Stability& stability) {
    WorldItem item = interface_item(id, stability);
    if (world_.imports.contains(item.key())) return;
    for (InterfaceId used : resolve_.direct_dependencies(id)) import(used, stability);
    std::string key = item.key();
    world_.imports.insert(std::move(key), std::move(item));
  }

  /// Adds an exported interface after what it uses: exports where the world says so, else imports.
  bool add_export(const WorldItem& item, bool as_export) {
    if (world_.exports.contains(item.key())) return as_export;
    if (!as_export && needed_.contains(item.key())) return true;
    for (InterfaceId id : resolve_.direct_dependencies(item.interface)) {
      WorldItem used = interface_item(id, item.stability);
      if (!add_export(used, as_export && exported_.contains(used.key()))) return false;
    }
    if (as_export) {
      if (needed_.contains(item.key())) return false;
      world_.exports.insert(item.key(), item);
    } else {
      needed_.insert(item.key());
      world_.imports.insert(item.key(), item);
    }
    return true;
  }

  Resolve& resolve_;
  World& world_;
  std::set<std::string> exported_;
  std::set<std::string> needed_;  ///< imports that exports need
};

}  // namespace

Checked include_world(Resolve& resolve, WorldId world, WorldId included,
                      const std::vector<Rename>& renames) {
  Copier copier(resolve, included, world);
  World from = resolve.worlds[included];
  bool same_package = from.package == resolve.worlds[world].package;
  std::set<std::string_view> unused;
  for (const Rename& rename : renames) unused.insert(rename.from);
  auto renamed = [&](const std::string& name) {
    auto it = std::ranges::find(renames, name, &Rename::from);
    if (it == renames.end()) return name;
    unused.erase(it->from);
    return it->to;
  };
  for (auto& [key, item] : from.imports)
    if (item.kind == WorldItem::Kind::type) copier.name(item.type, renamed(item.name));
  for (bool exports : {false, true}) {
    for (auto& [key, original] : exports ? from.exports : from.imports) {
      WorldItem item = original;
      item.stability = included_stability(item.stability, same_package);
      if (!item.name.empty() && is_plain(item)) item.name = renamed(item.name);
      if (item.kind == WorldItem::Kind::type) item.type = copier.copy(item.type);
      if (item.kind == WorldItem::Kind::function) {
        copier.copy(item.function);
        if (is_plain(item)) item.function.name = item.name;
        item.name = item.function.name;
      }
      World& into = resolve.worlds[world];
      Named<WorldItem>& items = exports ? into.exports : into.imports;
      std::string new_key = item.key();
      if (WorldItem* present = items.find(new_key)) {
        if (!item.name.empty())
          return std::unexpected(fmt::format(
              "{} `{}` of world `{}` is there already; give it another name: `with {{ {} as … }}`",
              exports ? "export" : "import", item.name, from.name, item.name));
        if (present->stability.kind == Stability::Kind::unknown)
          present->stability = item.stability;
        continue;
      }
      items.insert(std::move(new_key), std::move(item));
    }
  }
  if (unused.empty()) return {};
  return std::unexpected(fmt::format(
      "world `{}` has no import or export of the plain name `{}` to rename; interfaces keep theirs",
      from.name, *unused.begin()));
}

Checked complete_world(Resolve& resolve, WorldId world) { return Completion(resolve, world).run(); }

}  // namespace sedge::wit
