// Keys appear in the order that WIT tools write them in, so that texts can be compared.
#include "wit/json.h"

#include <fmt/format.h>

#include "base/json.h"

namespace sedge::wit {
namespace {

class Writer {
 public:
  explicit Writer(const Resolve& resolve) : resolve_(resolve) {}

  std::string run() {
    json_.begin_object();
    json_.key("worlds").begin_array();
    for (const World& world : resolve_.worlds) this->world(world);
    json_.end().key("interfaces").begin_array();
    for (const Interface& interface : resolve_.interfaces) this->interface(interface);
    json_.end().key("types").begin_array();
    for (const TypeDef& type : resolve_.types) this->type(type);
    json_.end().key("packages").begin_array();
    for (const Package& package : resolve_.packages) this->package(package);
    json_.end().end();
    return json_.take();
  }

 private:
  void name(const std::string& name) {
    json_.key("name");
    name.empty() ? json_.null() : json_.value(name);
  }

  void docs(const std::string& docs) {
    if (!docs.empty()) json_.key("docs").begin_object().field("contents", docs).end();
  }

  void external_id(const std::string& id) {
    if (!id.empty()) json_.field("external-id", id);
  }

  void stability(const Stability& stability) {
    if (stability.kind == Stability::Kind::unknown) return;
    bool stable = stability.kind == Stability::Kind::stable;
    json_.key("stability").begin_object().key(stable ? "stable" : "unstable").begin_object();
    if (stable)
      json_.field("since", stability.since->to_string());
    else
      json_.field("feature", stability.feature);
    if (stability.deprecated) json_.field("deprecated", stability.deprecated->to_string());
    json_.end().end();
  }

  void reference(const Type& type) {
    type.is_ref() ? json_.value(type.id) : json_.value(to_string(type.primitive));
  }
  void reference(const std::optional<Type>& type) { type ? reference(*type) : void(json_.null()); }

  void members(std::string_view kind, std::string_view list, const std::vector<Member>& members,
               bool typed) {
    json_.key(kind).begin_object().key(list).begin_array();
    for (const Member& member : members) {
      json_.begin_object().field("name", member.name);
      if (typed) {
        json_.key("type");
        reference(member.type);
      }
      docs(member.docs);
      json_.end();
    }
    json_.end().end();
  }

  void one(std::string_view key, const std::optional<Type>& type) {
    json_.key(key);
    reference(type);
  }

  void kind(const TypeDef& type) {
    json_.key("kind");
    if (type.kind == TypeKind::resource) {
      json_.value("resource");
      return;
    }
    json_.begin_object();
    switch (type.kind) {
      case TypeKind::alias:
        one("type", type.first);
        break;
      case TypeKind::record:
        members("record", "fields", type.members, true);
        break;
      case TypeKind::resource:
        break;
      case TypeKind::own:
      case TypeKind::borrow:
        json_.key("handle").begin_object();
        one(type.kind == TypeKind::own ? "own" : "borrow", type.first);
        json_.end();
        break;
      case TypeKind::flags:
        members("flags", "flags", type.members, false);
        break;
      case TypeKind::tuple:
        json_.key("tuple").begin_object().key("types").begin_array();
        for (const Type& element : type.elements) reference(element);
        json_.end().end();
        break;
      case TypeKind::variant:
        members("variant", "cases", type.members, true);
        break;
      case TypeKind::enumeration:
        members("enum", "cases", type.members, false);
        break;
      case TypeKind::option:
        one("option", type.first);
        break;
      case TypeKind::result:
        json_.key("result").begin_object();
        one("ok", type.first);
        one("err", type.second);
        json_.end();
        break;
      case TypeKind::list:
        one("list", type.first);
        break;
      case TypeKind::fixed_list:
        json_.key("fixed-length-list").begin_array();
        reference(type.first);
        json_.value(type.length).end();
        break;
      case TypeKind::map:
        json_.key("map").begin_array();
        reference(type.first);
        reference(type.second);
        json_.end();
        break;
      case TypeKind::future:
        one("future", type.first);
        break;
      case TypeKind::stream:
        one("stream", type.first);
        break;
    }
    json_.end();
  }

  void type(const TypeDef& type) {
    json_.begin_object();
    name(type.name);
    kind(type);
    json_.key("owner");
    if (type.owner.kind == Owner::Kind::none) {
      json_.null();
    } else {
      bool interface = type.owner.kind == Owner::Kind::interface;
      json_.begin_object().field(interface ? "interface" : "world", type.owner.id).end();
    }
    docs(type.docs);
    stability(type.stability);
    external_id(type.external_id);
    json_.end();
  }

  void function(const Function& function) {
    constexpr std::string_view kKinds[] = {"freestanding", "method", "static", "constructor"};
    json_.begin_object().field("name", function.name).key("kind");
    std::string kind = function.is_async ? "async-" : "";
    kind += kKinds[static_cast<size_t>(function.kind)];
    if (function.kind == FunctionKind::freestanding)
      json_.value(kind);
    else
      json_.begin_object().field(kind, function.resource).end();
    json_.key("params").begin_array();
    for (const Member& param : function.params) {
      json_.begin_object().field("name", param.name).key("type");
      reference(param.type);
      json_.end();
    }
    json_.end();
    if (function.result) one("result", function.result);
    docs(function.docs);
    stability(function.stability);
    external_id(function.external_id);
    json_.end();
  }

  void interface(const Interface& interface) {
    json_.begin_object();
    name(interface.name);
    json_.key("types").begin_object();
    for (const auto& [name, id] : interface.types) json_.field(name, id);
    json_.end().key("functions").begin_object();
    for (const auto& [name, function] : interface.functions) {
      json_.key(name);
      this->function(function);
    }
    json_.end();
    docs(interface.docs);
    stability(interface.stability);
    json_.field("package", interface.package).end();
  }

  void items(std::string_view key, const Named<WorldItem>& items) {
    json_.key(key).begin_object();
    for (const auto& [unused, item] : items) {
      json_.key(item.name.empty() ? fmt::format("interface-{}", item.interface) : item.name);
      json_.begin_object();
      switch (item.kind) {
        case WorldItem::Kind::interface:
          json_.key("interface").begin_object().field("id", item.interface);
          docs(item.docs);
          stability(item.stability);
          external_id(item.external_id);
          json_.end();
          break;
        case WorldItem::Kind::function:
          json_.key("function");
          function(item.function);
          break;
        case WorldItem::Kind::type:
          json_.field("type", item.type);
          break;
      }
      json_.end();
    }
    json_.end();
  }

  void world(const World& world) {
    json_.begin_object().field("name", world.name);
    items("imports", world.imports);
    items("exports", world.exports);
    json_.field("package", world.package);
    docs(world.docs);
    stability(world.stability);
    json_.end();
  }

  void package(const Package& package) {
    json_.begin_object().field("name", package.name.to_string());
    docs(package.docs);
    json_.key("interfaces").begin_object();
    for (const auto& [name, id] : package.interfaces) json_.field(name, id);
    json_.end().key("worlds").begin_object();
    for (const auto& [name, id] : package.worlds) json_.field(name, id);
    json_.end().end();
  }

  const Resolve& resolve_;
  Json json_;
};

}  // namespace

std::string to_json(const Resolve& resolve) { return Writer(resolve).run(); }

}  // namespace sedge::wit
