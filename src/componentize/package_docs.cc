// Entries: docs, stability; of worlds and interfaces also those of their items, by name.
#include "componentize/package_docs.h"

#include <functional>
#include <unordered_map>

#include "base/json.h"
#include "base/json_scan.h"

namespace sedge::componentize {
namespace {

using wit::Stability;

/// Writes objects only where they would not be empty: keys wait until something is in them.
class Writer {
 public:
  void enter(std::string_view key) { waiting_.emplace_back(key); }
  void leave() {
    if (waiting_.empty())
      json_.end();
    else
      waiting_.pop_back();
  }
  void docs(const std::string& docs) {
    if (docs.empty()) return;
    flush();
    json_.field("docs", docs);
  }
  void text(std::string_view key, const std::string& docs) {
    if (docs.empty()) return;
    flush();
    json_.field(key, docs);
  }
  void stability(const Stability& stability) {
    if (stability.kind == Stability::Kind::unknown) return;
    flush();
    bool stable = stability.kind == Stability::Kind::stable;
    json_.key("stability").begin_object().key(stable ? "stable" : "unstable").begin_object();
    if (stable)
      json_.field("since", stability.since->to_string());
    else
      json_.field("feature", stability.feature);
    if (stability.deprecated) json_.field("deprecated", stability.deprecated->to_string());
    json_.end().end();
  }
  void begin() { json_.begin_object(); }
  std::string take() {
    json_.end();
    return json_.take();
  }

 private:
  void flush() {
    for (const std::string& key : waiting_) json_.key(key).begin_object();
    waiting_.clear();
  }

  Json json_;
  std::vector<std::string> waiting_;
};

struct DocsWriter {
  const wit::Resolve& resolve;
  Writer out;

  void function(const std::string& name, const wit::Function& function) {
    out.enter(name);
    out.docs(function.docs);
    out.stability(function.stability);
    out.leave();
  }

  void type(const std::string& name, wit::TypeId id) {
    const wit::TypeDef& def = resolve.types[id];
    out.enter(name);
    out.docs(def.docs);
    out.stability(def.stability);
    out.enter("items");
    for (const wit::Member& member : def.members) out.text(member.name, member.docs);
    out.leave();
    out.leave();
  }

  void interface_items(const wit::Interface& interface) {
    out.enter("funcs");
    for (const auto& [name, function] : interface.functions) this->function(name, function);
    out.leave();
    out.enter("types");
    for (const auto& [name, id] : interface.types) type(name, id);
    out.leave();
  }

  void items(const wit::Named<wit::WorldItem>& items, std::string_view interfaces,
             std::string_view functions) {
    out.enter(functions);
    for (const auto& [key, item] : items)
      if (item.kind == wit::WorldItem::Kind::function) function(item.name, item.function);
    out.leave();
    out.enter(interfaces);
    for (const auto& [key, item] : items) {
      if (item.kind != wit::WorldItem::Kind::interface) continue;
      const wit::Interface& interface = resolve.interfaces[item.interface];
      bool is_inline = interface.name.empty();
      out.enter(resolve.item_name(item));
      out.docs(is_inline ? interface.docs : item.docs);
      out.stability(item.stability);
      if (is_inline) interface_items(interface);
      out.leave();
    }
    out.leave();
  }

  std::string run(const wit::Package& package) {
    out.begin();
    out.docs(package.docs);
    out.enter("worlds");
    for (const auto& [name, id] : package.worlds) {
      const wit::World& world = resolve.worlds[id];
      out.enter(name);
      out.docs(world.docs);
      out.stability(world.stability);
      out.enter("types");
      for (const auto& [key, item] : world.imports)
        if (item.kind == wit::WorldItem::Kind::type) type(item.name, item.type);
      out.leave();
      items(world.imports, "interface_imports", "func_imports");
      items(world.exports, "interface_exports", "func_exports");
      out.leave();
    }
    out.leave();
    out.enter("interfaces");
    for (const auto& [name, id] : package.interfaces) {
      const wit::Interface& interface = resolve.interfaces[id];
      out.enter(name);
      out.docs(interface.docs);
      out.stability(interface.stability);
      interface_items(interface);
      out.leave();
    }
    out.leave();
    return out.take();
  }
};

using Visit = std::function<void(const std::string& name, std::string_view value)>;

void each(std::string_view object, const Visit& visit) {
  auto members = json_members(object);
  if (!members) return;
  for (const JsonMember& member : *members) visit(member.name, member.value);
}

void read_text(std::string_view value, std::string& docs) {
  if (auto text = json_string(value)) docs = *text;
}

void read_version(std::string_view value, std::optional<wit::Version>& version) {
  if (auto text = json_string(value)) version = wit::parse_version(*text);
}

void read_stability(std::string_view value, Stability& out) {
  each(value, [&](const std::string& kind, std::string_view fields) {
    Stability read;
    each(fields, [&](const std::string& name, std::string_view field) {
      if (name == "since") read_version(field, read.since);
      if (name == "feature") read_text(field, read.feature);
      if (name == "deprecated") read_version(field, read.deprecated);
    });
    if (kind == "stable" && read.since) read.kind = Stability::Kind::stable;
    if (kind == "unstable" && !read.feature.empty()) read.kind = Stability::Kind::unstable;
    if (read.kind != Stability::Kind::unknown) out = read;
  });
}

/// Docs and stability of an entry; other members go to `rest`.
void read_entry(std::string_view entry, std::string& docs, Stability& stability,
                const Visit& rest) {
  each(entry, [&](const std::string& name, std::string_view value) {
    if (name == "docs")
      read_text(value, docs);
    else if (name == "stability")
      read_stability(value, stability);
    else
      rest(name, value);
  });
}

struct DocsReader {
  wit::Resolve& resolve;

  void function(wit::Function& function, std::string_view entry) {
    read_entry(entry, function.docs, function.stability, [](const auto&, auto) {});
  }

  void type(wit::TypeId id, std::string_view entry) {
    wit::TypeDef& def = resolve.types[id];
    read_entry(entry, def.docs, def.stability,
               [&](const std::string& name, std::string_view items) {
                 if (name != "items") return;
                 each(items, [&](const std::string& item, std::string_view docs) {
                   for (wit::Member& member : def.members)
                     if (member.name == item) read_text(docs, member.docs);
                 });
               });
  }

  void interface_items(wit::Interface& interface, const std::string& name, std::string_view value) {
    if (name == "funcs")
      each(value, [&](const std::string& key, std::string_view entry) {
        if (wit::Function* found = interface.functions.find(key)) function(*found, entry);
      });
    if (name == "types")
      each(value, [&](const std::string& key, std::string_view entry) {
        if (wit::TypeId* found = interface.types.find(key)) type(*found, entry);
      });
  }

  void items(wit::Named<wit::WorldItem>& items, std::string_view value) {
    std::unordered_map<std::string, wit::WorldItem*> names;
    for (auto& [key, item] : items) names.emplace(resolve.item_name(item), &item);
    each(value, [&](const std::string& key, std::string_view entry) {
      auto found = names.find(key);
      if (found == names.end()) return;
      wit::WorldItem* item = found->second;
      if (item->kind == wit::WorldItem::Kind::type) return type(item->type, entry);
      if (item->kind == wit::WorldItem::Kind::function) return function(item->function, entry);
      wit::Interface& interface = resolve.interfaces[item->interface];
      bool is_inline = interface.name.empty();
      read_entry(entry, is_inline ? interface.docs : item->docs, item->stability,
                 [&](const std::string& name, std::string_view rest) {
                   if (is_inline) interface_items(interface, name, rest);
                 });
    });
  }

  void run(wit::Package& package, std::string_view json) {
    each(json, [&](const std::string& name, std::string_view value) {
      if (name == "docs") read_text(value, package.docs);
      if (name == "worlds")
        each(value, [&](const std::string& key, std::string_view entry) {
          wit::WorldId* id = package.worlds.find(key);
          if (!id) return;
          wit::World& world = resolve.worlds[*id];
          read_entry(entry, world.docs, world.stability,
                     [&](const std::string& part, std::string_view parts) {
                       bool exports = part.ends_with("_exports");
                       items(exports ? world.exports : world.imports, parts);
                     });
        });
      if (name == "interfaces")
        each(value, [&](const std::string& key, std::string_view entry) {
          wit::InterfaceId* id = package.interfaces.find(key);
          if (!id) return;
          wit::Interface& interface = resolve.interfaces[*id];
          read_entry(entry, interface.docs, interface.stability,
                     [&](const std::string& part, std::string_view parts) {
                       interface_items(interface, part, parts);
                     });
        });
    });
  }
};

}  // namespace

std::string write_package_docs(const wit::Resolve& resolve, wit::PackageId package) {
  DocsWriter writer{resolve, {}};
  return "\x01" + writer.run(resolve.packages[package]);
}

void read_package_docs(wit::Resolve& resolve, wit::PackageId package, std::string_view content) {
  // Version 0 had no gates; its entries are the same otherwise.
  if (content.empty() || static_cast<uint8_t>(content[0]) > 1 || !is_json(content.substr(1)))
    return;
  DocsReader{resolve}.run(resolve.packages[package], content.substr(1));
}

}  // namespace sedge::componentize
