// Marking, with a list of work instead of recursion. Versions: Explainer.md, "canonical interface
// name": of versions that may stand in for each other the highest is imported.
#include "componentize/live.h"

#include <vector>

namespace sedge::componentize {

Live::Live(const wit::Resolve& resolve, const wit::World& world)
    : resolve_(resolve), world_(world) {
  join_versions();
}

void Live::join_versions() {
  std::map<std::string, const wit::WorldItem*> best;
  auto version = [&](const wit::WorldItem& item) -> const wit::Version& {
    return *resolve_.packages[resolve_.interfaces[item.interface].package].name.version;
  };
  auto track = [&](const wit::WorldItem& item) {
    const wit::Interface& interface = resolve_.interfaces[item.interface];
    if (!item.name.empty() || interface.package == wit::kNone) return std::string();
    const wit::PackageName& name = resolve_.packages[interface.package].name;
    if (!name.version || !name.version->pre.empty()) return std::string();
    return name.space + ":" + name.name + "/" + interface.name + "@" +
           name.version->compatible_track();
  };
  for (const auto& [key, item] : world_.imports) {
    if (item.kind != wit::WorldItem::Kind::interface) continue;
    std::string name = track(item);
    if (name.empty()) continue;
    const wit::WorldItem*& known = best[name];
    if (!known || version(*known) < version(item)) known = &item;
  }
  for (const auto& [key, item] : world_.imports) {
    if (item.kind != wit::WorldItem::Kind::interface) continue;
    std::string name = track(item);
    if (name.empty() || best[name] == &item) continue;
    // Only if the later version has everything that the earlier one has.
    const wit::Interface& from = resolve_.interfaces[item.interface];
    const wit::Interface& to = resolve_.interfaces[best[name]->interface];
    bool all = true;
    for (const auto& [function, unused] : from.functions) all &= to.functions.contains(function);
    for (const auto& [type, unused] : from.types) all &= to.types.contains(type);
    if (all) canonical_.emplace(key, best[name]->key());
  }
}

void Live::mark(wit::TypeId first, bool first_of_export) {
  std::vector<std::pair<wit::TypeId, bool>> work{{first, first_of_export}};
  while (!work.empty()) {
    auto [id, of_export] = work.back();
    work.pop_back();
    const wit::TypeDef& type = resolve_.types[id];
    if (type.owner.kind == wit::Owner::Kind::interface) {
      std::string key = "#" + std::to_string(type.owner.id);
      bool exported = resolve_.interfaces[type.owner.id].name.empty()
                          ? of_export
                          : of_export && world_.exports.contains(key);
      if (!exported) {
        of_export = false;
        if (std::string to = canonical(key); to != key) {
          const wit::WorldItem* item = world_.imports.find(to);
          id = *resolve_.interfaces[item->interface].types.find(type.name);
        }
      }
    } else if (type.owner.kind == wit::Owner::Kind::world) {
      of_export = false;
    }
    if (!seen_.emplace(id, of_export).second) continue;
    const wit::TypeDef& def = resolve_.types[id];
    if (!of_export && def.owner.kind != wit::Owner::Kind::none) {
      types_.insert(id);
      if (def.owner.kind == wit::Owner::Kind::interface) interfaces_.insert(def.owner.id);
    }
    auto part = [&](const std::optional<wit::Type>& part) {
      if (part && part->is_ref()) work.emplace_back(part->id, of_export);
    };
    part(def.first);
    part(def.second);
    for (const wit::Type& element : def.elements) part(element);
    for (const wit::Member& member : def.members) part(member.type);
  }
}

void Live::mark(const wit::Function& function, bool of_export) {
  for (const wit::Member& param : function.params)
    if (param.type->is_ref()) mark(param.type->id, of_export);
  if (function.result && function.result->is_ref()) mark(function.result->id, of_export);
  if (function.resource != wit::kNone) mark(function.resource, of_export);
}

void Live::function(const std::string& item, const wit::Function& function) {
  std::string key = canonical(item);
  functions_.emplace(key, function.name);
  if (key != item) {
    const wit::WorldItem* to = world_.imports.find(key);
    mark(*resolve_.interfaces[to->interface].functions.find(function.name), false);
  } else {
    mark(function, false);
  }
}

void Live::exported(const wit::WorldItem& item) {
  if (item.kind == wit::WorldItem::Kind::function) return mark(item.function, true);
  const wit::Interface& interface = resolve_.interfaces[item.interface];
  for (const auto& [name, type] : interface.types) {
    // Of an interface under a plain name, its own types are the export's, not an import's.
    const wit::TypeDef& def = resolve_.types[type];
    if (item.name.empty()) {
      mark(type, true);
    } else if (resolve_.used_from(type) != wit::kNone) {
      mark(def.first->id, true);
    }
  }
  for (const auto& [name, function] : interface.functions) {
    if (item.name.empty() || interface.name.empty()) mark(function, true);
  }
}

bool Live::has_item(const wit::WorldItem& item) const {
  switch (item.kind) {
    case wit::WorldItem::Kind::function:
      return has_function("", item.name);
    case wit::WorldItem::Kind::type:
      return has_type(item.type);
    case wit::WorldItem::Kind::interface:
      break;
  }
  std::string key = item.key();
  if (canonical(key) != key) return false;
  auto it = functions_.lower_bound({key, ""});
  if (it != functions_.end() && it->first == key) return true;
  bool labelled = !item.name.empty() && !resolve_.interfaces[item.interface].name.empty();
  return !labelled && interfaces_.contains(item.interface);
}

}  // namespace sedge::componentize
