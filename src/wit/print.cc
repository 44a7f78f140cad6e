// Blank lines stand between types and between functions of an interface; `use` comes first.
#include "wit/print.h"

#include <map>

#include <fmt/format.h>

#include "wit/lexer.h"

namespace sedge::wit {
namespace {

std::string escaped(std::string_view name) {
  return is_keyword(name) ? fmt::format("%{}", name) : std::string(name);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\{:02x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

std::string package_text(const PackageName& name) {
  std::string out = escaped(name.space) + ":" + escaped(name.name);
  if (name.version) out += "@" + name.version->to_string();
  return out;
}

class Printer {
 public:
  explicit Printer(const Resolve& resolve) : resolve_(resolve) {}

  void package(PackageId id, bool nested) {
    const Package& package = resolve_.packages[id];
    package_ = id;
    docs(package.docs);
    if (nested) {
      open(fmt::format("package {} {{", package_text(package.name)));
    } else {
      line(fmt::format("package {};", package_text(package.name)));
      out_ += '\n';
    }
    for (const auto& [name, interface] : package.interfaces) {
      const Interface& content = resolve_.interfaces[interface];
      docs(content.docs);
      stability(content.stability);
      open(fmt::format("interface {} {{", escaped(name)));
      this->interface(content);
      close();
      if (!nested) out_ += '\n';
    }
    for (const auto& [name, world] : package.worlds) this->world(resolve_.worlds[world]);
    if (nested) close();
  }

  std::string type(const Type& type) const {
    if (!type.is_ref()) return std::string(to_string(type.primitive));
    const TypeDef& def = resolve_.types[type.id];
    if (!def.name.empty()) return escaped(def.name);
    if (def.kind == TypeKind::own) return this->type(*def.first);
    return definition(def);
  }

  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view text) {
    out_.append(2 * depth_, ' ');
    out_ += text;
    out_ += '\n';
  }
  void open(std::string_view text) {
    line(text);
    ++depth_;
  }
  void close() {
    --depth_;
    line("}");
  }

  void docs(std::string_view text) {
    while (!text.empty()) {
      size_t end = text.find('\n');
      std::string_view one = text.substr(0, end);
      line(one.empty() ? std::string("///") : fmt::format("/// {}", one));
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
  }

  void stability(const Stability& stability) {
    if (stability.kind == Stability::Kind::unstable)
      line(fmt::format("@unstable(feature = {})", escaped(stability.feature)));
    if (stability.since) line(fmt::format("@since(version = {})", stability.since->to_string()));
    if (stability.deprecated)
      line(fmt::format("@deprecated(version = {})", stability.deprecated->to_string()));
  }
  void external_id(const std::string& id) {
    if (!id.empty()) line(fmt::format("@external-id({})", quoted(id)));
  }

  /// `foo`, or `ns:pkg/foo@1.2.3` for interfaces of other packages.
  std::string path(InterfaceId id) const {
    const Interface& interface = resolve_.interfaces[id];
    if (interface.package == package_) return escaped(interface.name);
    const PackageName& name = resolve_.packages[interface.package].name;
    std::string out =
        fmt::format("{}:{}/{}", escaped(name.space), escaped(name.name), escaped(interface.name));
    if (name.version) out += "@" + name.version->to_string();
    return out;
  }

  /// The right-hand side of a type that is not declared with braces.
  std::string definition(const TypeDef& def) const {
    auto args = [&](std::string_view word) {
      if (!def.first && !def.second) return std::string(word);
      std::string out = fmt::format("{}<{}", word, def.first ? type(*def.first) : "_");
      if (def.second) out += ", " + type(*def.second);
      return out + ">";
    };
    switch (def.kind) {
      case TypeKind::alias:
        return type(*def.first);
      case TypeKind::own:
        return args("own");
      case TypeKind::borrow:
        return args("borrow");
      case TypeKind::option:
        return args("option");
      case TypeKind::result:
        return args("result");
      case TypeKind::list:
        return args("list");
      case TypeKind::fixed_list:
        return fmt::format("list<{}, {}>", type(*def.first), def.length);
      case TypeKind::map:
        return args("map");
      case TypeKind::future:
        return args("future");
      case TypeKind::stream:
        return args("stream");
      case TypeKind::tuple: {
        std::string out = "tuple<";
        for (const Type& element : def.elements) {
          if (&element != def.elements.data()) out += ", ";
          out += type(element);
        }
        return out + ">";
      }
      case TypeKind::record:
      case TypeKind::resource:
      case TypeKind::flags:
      case TypeKind::variant:
      case TypeKind::enumeration:
        break;
    }
    return {};
  }

  std::string signature(const Function& function) const {
    std::string out;
    if (function.kind != FunctionKind::constructor) out = function.is_async ? "async func" : "func";
    out += '(';
    for (const Member& param : function.params) {
      if (function.kind == FunctionKind::method && &param == function.params.data()) continue;
      if (!out.ends_with('(')) out += ", ";
      out += fmt::format("{}: {}", escaped(param.name), type(*param.type));
    }
    out += ')';
    bool implied = function.kind == FunctionKind::constructor && function.result &&
                   function.result->is_ref() &&
                   resolve_.types[function.result->id].kind == TypeKind::own;
    if (function.result && !implied) out += " -> " + type(*function.result);
    return out;
  }

  void function(const Function& function, std::string_view before) {
    docs(function.docs);
    stability(function.stability);
    external_id(function.external_id);
    std::string name = function.kind == FunctionKind::constructor
                           ? "constructor"
                           : escaped(function.item_name()) + ": ";
    if (function.kind == FunctionKind::static_) name += "static ";
    line(fmt::format("{}{}{};", before, name, signature(function)));
  }

  void members(std::string_view word, const TypeDef& def) {
    open(fmt::format("{} {} {{", word, escaped(def.name)));
    for (const Member& member : def.members) {
      docs(member.docs);
      std::string text = escaped(member.name);
      if (member.type)
        text += def.kind == TypeKind::record ? ": " + type(*member.type)
                                             : "(" + type(*member.type) + ")";
      line(text + ",");
    }
    close();
  }

  void type_decl(TypeId id, const std::vector<const Function*>& functions) {
    const TypeDef& def = resolve_.types[id];
    docs(def.docs);
    stability(def.stability);
    external_id(def.external_id);
    switch (def.kind) {
      case TypeKind::record:
        return members("record", def);
      case TypeKind::variant:
        return members("variant", def);
      case TypeKind::enumeration:
        return members("enum", def);
      case TypeKind::flags:
        return members("flags", def);
      case TypeKind::resource: {
        if (functions.empty()) return line(fmt::format("resource {};", escaped(def.name)));
        open(fmt::format("resource {} {{", escaped(def.name)));
        for (const Function* function : functions) this->function(*function, {});
        return close();
      }
      default:
        return line(fmt::format("type {} = {};", escaped(def.name), definition(def)));
    }
  }

  /// `use` lines, then types; `functions` are those of resources. True if anything was printed.
  bool types(const std::vector<TypeId>& ids,
             const std::unordered_map<TypeId, std::vector<const Function*>>& functions) {
    std::vector<std::pair<InterfaceId, std::vector<TypeId>>> uses;
    for (TypeId id : ids) {
      InterfaceId from = resolve_.used_from(id);
      if (from == kNone) continue;
      auto alike = [](const TypeDef& a, const TypeDef& b) {
        return a.stability == b.stability && a.external_id == b.external_id;
      };
      bool same = !uses.empty() && uses.back().first == from &&
                  alike(resolve_.types[uses.back().second[0]], resolve_.types[id]);
      if (!same) uses.emplace_back(from, std::vector<TypeId>());
      uses.back().second.push_back(id);
    }
    for (const auto& [from, names] : uses) {
      stability(resolve_.types[names[0]].stability);
      external_id(resolve_.types[names[0]].external_id);
      std::string list;
      for (TypeId id : names) {
        const TypeDef& def = resolve_.types[id];
        const std::string& original = resolve_.types[def.first->id].name;
        if (!list.empty()) list += ", ";
        list += escaped(original);
        if (def.name != original) list += " as " + escaped(def.name);
      }
      line(fmt::format("use {}.{{{}}};", path(from), list));
    }
    bool any = !uses.empty();
    for (TypeId id : ids) {
      if (resolve_.used_from(id) != kNone) continue;
      if (any) out_ += '\n';
      any = true;
      auto own = functions.find(id);
      type_decl(id, own == functions.end() ? std::vector<const Function*>() : own->second);
    }
    return any;
  }

  void interface(const Interface& interface) {
    std::vector<TypeId> ids;
    for (const auto& [name, id] : interface.types) ids.push_back(id);
    std::unordered_map<TypeId, std::vector<const Function*>> of_resources;
    for (const auto& [name, function] : interface.functions)
      if (function.kind != FunctionKind::freestanding)
        of_resources[function.resource].push_back(&function);
    bool any = types(ids, of_resources);
    for (const auto& [name, function] : interface.functions) {
      if (function.kind != FunctionKind::freestanding) continue;
      if (any) out_ += '\n';
      any = true;
      this->function(function, {});
    }
  }

  void item(const WorldItem& item, std::string_view word) {
    if (item.kind == WorldItem::Kind::function) return function(item.function, word);
    const Interface& content = resolve_.interfaces[item.interface];
    bool is_inline = content.name.empty();
    docs(is_inline ? content.docs : item.docs);
    stability(item.stability);
    external_id(item.external_id);
    if (is_inline) {
      open(fmt::format("{}{}: interface {{", word, escaped(item.name)));
      interface(content);
      return close();
    }
    std::string name = item.name.empty() ? "" : escaped(item.name) + ": ";
    line(fmt::format("{}{}{};", word, name, path(item.interface)));
  }

  void world(const World& world) {
    docs(world.docs);
    stability(world.stability);
    open(fmt::format("world {} {{", escaped(world.name)));
    std::vector<TypeId> ids;
    std::unordered_map<TypeId, std::vector<const Function*>> of_resources;
    for (const auto& [key, item] : world.imports) {
      if (item.kind == WorldItem::Kind::type) ids.push_back(item.type);
      if (item.kind == WorldItem::Kind::function &&
          item.function.kind != FunctionKind::freestanding)
        of_resources[item.function.resource].push_back(&item.function);
    }
    for (const auto& [key, item] : world.imports)
      if (item.kind == WorldItem::Kind::interface) this->item(item, "import ");
    types(ids, of_resources);
    for (const auto& [key, item] : world.imports)
      if (item.kind == WorldItem::Kind::function &&
          item.function.kind == FunctionKind::freestanding)
        this->item(item, "import ");
    if (!world.imports.empty() && !world.exports.empty()) out_ += '\n';
    for (const auto& [key, item] : world.exports) this->item(item, "export ");
    close();
  }

  const Resolve& resolve_;
  PackageId package_ = kNone;
  std::string out_;
  size_t depth_ = 0;
};

}  // namespace

std::string print_package(const Resolve& resolve, PackageId package) {
  Printer printer(resolve);
  printer.package(package, false);
  return printer.take();
}

std::string print_all(const Resolve& resolve, PackageId root) {
  Printer printer(resolve);
  printer.package(root, false);
  std::map<PackageName, PackageId> others;
  for (PackageId id = 0; id < resolve.packages.size(); ++id)
    if (id != root) others.emplace(resolve.packages[id].name, id);
  for (const auto& [name, id] : others) printer.package(id, true);
  return printer.take();
}

std::string print_type(const Resolve& resolve, const Type& type) {
  return Printer(resolve).type(type);
}

}  // namespace sedge::wit
