// See bindgen.h. A scope is an interface or the top level of a world: its types stand in one
// namespace, its functions in the class Host there, methods in the class of their resource.
#include "wit/bindgen.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/file.h"
#include "wit/cpp_names.h"

namespace sedge::wit {
namespace {

constexpr size_t kMaxSignature = 1 << 20;

std::string_view cpp_primitive(Primitive primitive) {
  switch (primitive) {
    case Primitive::boolean:
      return "bool";
    case Primitive::u8:
      return "uint8_t";
    case Primitive::u16:
      return "uint16_t";
    case Primitive::u32:
      return "uint32_t";
    case Primitive::u64:
      return "uint64_t";
    case Primitive::s8:
      return "int8_t";
    case Primitive::s16:
      return "int16_t";
    case Primitive::s32:
      return "int32_t";
    case Primitive::s64:
      return "int64_t";
    case Primitive::f32:
      return "float";
    case Primitive::f64:
      return "double";
    case Primitive::character:
      return "char32_t";
    case Primitive::string:
      return "::std::string";
    case Primitive::none:
    case Primitive::error_context:
      break;
  }
  return {};
}

/// Function types as include/sedge/component.h compares them.
class Signature {
 public:
  explicit Signature(const Resolve& resolve) : resolve_(resolve) {}

  Result<std::string> func(const Function& function) {
    out_ = function.is_async ? "async func" : "func";
    members(function.params, '(', ')');
    if (function.result) {
      out_ += " -> ";
      type(*function.result);
    }
    if (out_.size() > kMaxSignature)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format(": the type of `{}`, spelled out, is longer than {} bytes",
                              function.name, kMaxSignature));
    return std::move(out_);
  }

 private:
  void members(const std::vector<Member>& list, char open, char close) {
    out_ += open;
    for (const Member& member : list) {
      if (&member != list.data()) out_ += ", ";
      out_ += member.name;
      if (!member.type) continue;
      out_ += ": ";
      type(*member.type);
    }
    out_ += close;
  }
  void of(std::string_view word, const std::optional<Type>& part) {
    out_ += word;
    if (!part) return;
    out_ += '<';
    type(*part);
    out_ += '>';
  }
  void two(std::string_view word, const std::optional<Type>& first, const Type& second) {
    out_ += word;
    out_ += '<';
    if (first)
      type(*first);
    else
      out_ += '_';
    out_ += ", ";
    type(second);
    out_ += '>';
  }

  void type(const Type& type) {
    if (out_.size() > kMaxSignature) return;
    if (!type.is_ref()) {
      out_ += to_string(type.primitive);
      return;
    }
    const TypeDef& def = resolve_.types[type.id];
    switch (def.kind) {
      case TypeKind::alias:
        return this->type(*def.first);
      case TypeKind::record:
        out_ += "record";
        return members(def.members, '{', '}');
      case TypeKind::resource:
      case TypeKind::own:
        out_ += "own";
        return;
      case TypeKind::borrow:
        out_ += "borrow";
        return;
      case TypeKind::flags:
        out_ += "flags";
        return members(def.members, '{', '}');
      case TypeKind::tuple:
        out_ += "tuple<";
        for (const Type& element : def.elements) {
          if (&element != def.elements.data()) out_ += ", ";
          this->type(element);
        }
        out_ += '>';
        return;
      case TypeKind::variant: {
        out_ += "variant{";
        for (const Member& member : def.members) {
          if (&member != def.members.data()) out_ += ", ";
          out_ += member.name;
          if (!member.type) continue;
          out_ += '(';
          this->type(*member.type);
          out_ += ')';
        }
        out_ += '}';
        return;
      }
      case TypeKind::enumeration:
        out_ += "enum";
        return members(def.members, '{', '}');
      case TypeKind::option:
        return of("option", def.first);
      case TypeKind::result:
        return def.second ? two("result", def.first, *def.second) : of("result", def.first);
      case TypeKind::list:
        return of("list", def.first);
      case TypeKind::fixed_list:
        out_ += "list<";
        this->type(*def.first);
        out_ += fmt::format(", {}>", def.length);
        return;
      case TypeKind::map:
        return two("map", def.first, *def.second);
      case TypeKind::future:
        return of("future", def.first);
      case TypeKind::stream:
        return of("stream", def.first);
    }
  }

  const Resolve& resolve_;
  std::string out_;
};

/// An interface, or what stands at the top of a world.
struct Scope {
  Owner owner;
  PackageId package = kNone;
  std::string name;    ///< of the interface or world
  std::string import;  ///< what components import it as; empty: its functions by themselves
  std::vector<std::pair<std::string, TypeId>> types;
  std::vector<const Function*> functions;
  std::string docs;
};

class Generator {
 public:
  Generator(const Resolve& resolve, const BindgenOptions& options)
      : resolve_(resolve), options_(options) {}

  Result<std::vector<GeneratedFile>> run(PackageId root) {
    SEDGE_TRY(choose(root));
    std::map<std::string, std::string> sources;  // by path
    for (const Scope& scope : scopes_) {
      std::string stem = path_of(scope);
      SEDGE_TRY_ASSIGN(std::string header, this->header(scope));
      SEDGE_TRY_ASSIGN(std::string glue, this->glue(scope));
      files_.push_back({stem + ".h", std::move(header)});
      std::string& source = sources[stem.substr(0, stem.rfind('/')) + ".cc"];
      if (source.empty()) source = "// Generated by `sedge bindgen`: do not edit.\n";
      source += fmt::format("#include \"../{}.h\"\n", stem) + glue;
    }
    for (auto& [path, text] : sources) files_.push_back({path, std::move(text)});
    return std::move(files_);
  }

 private:
  // Which scopes

  Result<void> choose(PackageId root) {
    const Package& package = resolve_.packages[root];
    const WorldId* world = nullptr;
    if (options_.world) {
      world = package.worlds.find(*options_.world);
      if (!world) {
        std::string names;
        for (const auto& [name, id] : package.worlds) names += " " + name;
        return fail(ErrorCode::bad_argument,
                    fmt::format(": {} has no world `{}`; it has:{}", package.name.to_string(),
                                *options_.world, names.empty() ? " none" : names));
      }
    } else if (package.worlds.size() == 1) {
      world = &package.worlds.begin()->second;
    }
    if (world) {
      add_world(*world);
    } else {
      for (const auto& [name, id] : package.interfaces) add_interface(id);
    }
    return check_names();
  }

  void add_world(WorldId id) {
    const World& world = resolve_.worlds[id];
    Scope top;
    top.owner = {Owner::Kind::world, id};
    top.package = world.package;
    top.name = world.name;
    top.docs = world.docs;
    for (const auto& [key, item] : world.imports) {
      if (item.kind == WorldItem::Kind::interface) {
        add_interface(item.interface, item.name, world.package);
      } else if (item.kind == WorldItem::Kind::function) {
        top.functions.push_back(&item.function);
      } else {
        top.types.emplace_back(resolve_.types[item.type].name, item.type);
      }
    }
    if (!top.types.empty() || !top.functions.empty()) scopes_.push_back(std::move(top));
  }

  /// With what it uses before it.
  void add_interface(InterfaceId id, const std::string& plain_name = {}, PackageId world = kNone) {
    if (!seen_.insert(id).second) return;
    for (InterfaceId used : resolve_.direct_dependencies(id)) add_interface(used);
    const Interface& interface = resolve_.interfaces[id];
    Scope scope;
    scope.owner = {Owner::Kind::interface, id};
    scope.package = interface.name.empty() ? world : interface.package;
    scope.name = interface.name.empty() ? plain_name : interface.name;
    scope.import = plain_name.empty() ? resolve_.interface_name(id) : plain_name;
    scope.docs = interface.docs;
    for (const auto& [name, type] : interface.types) scope.types.emplace_back(name, type);
    for (const auto& [name, function] : interface.functions) scope.functions.push_back(&function);
    scopes_.push_back(std::move(scope));
  }

  Result<void> check_names() const {
    std::map<std::string, const Scope*> paths;
    for (const Scope& scope : scopes_) {
      auto [other, fresh] = paths.emplace(path_of(scope), &scope);
      if (!fresh)
        return fail(Error(ErrorCode::wit_invalid, fmt::format(": {} and {} have one name in C++",
                                                              other->second->import, scope.import))
                        .with_remedy("generate each from a world of its own, with its own "
                                     "--namespace"));
    }
    return {};
  }

  // Names

  std::string path_of(const Scope& scope) const {
    const PackageName& package = resolve_.packages[scope.package].name;
    return fmt::format("{}/{}/{}", package.space, package.name, scope.name);
  }
  std::string namespace_of(const Scope& scope) const {
    const PackageName& package = resolve_.packages[scope.package].name;
    return fmt::format("{}::{}::{}::{}", options_.name_space, snake_case(package.space),
                       snake_case(package.name), snake_case(scope.name));
  }
  const Scope* scope_of(const Owner& owner) const {
    auto found = std::ranges::find(scopes_, owner, &Scope::owner);
    return found == scopes_.end() ? nullptr : &*found;
  }
  static std::string type_name(std::string_view name) {
    std::string out = pascal_case(name);
    return out == "Host" ? out + "_" : out;
  }
  /// Empty scope: fully qualified.
  std::string named(TypeId id, const Scope* from) const {
    const TypeDef& def = resolve_.types[id];
    const Scope* scope = scope_of(def.owner);
    if (!scope || scope == from) return type_name(def.name);
    return fmt::format("::{}::{}", namespace_of(*scope), type_name(def.name));
  }

  // Types

  Result<std::string> list_of(std::string_view form, const std::vector<Type>& parts,
                              const Scope* from) const {
    std::string inner;
    for (const Type& part : parts) {
      SEDGE_TRY_ASSIGN(std::string text, cpp(part, from));
      inner += (inner.empty() ? "" : ", ") + text;
    }
    return fmt::format("{}<{}>", form, inner);
  }
  Result<std::string> part(const std::optional<Type>& type, const Scope* from) const {
    return type ? cpp(*type, from) : Result<std::string>("::sedge::host::Unit");
  }

  Result<std::string> cpp(const Type& type, const Scope* from) const {
    if (!type.is_ref()) {
      if (type.primitive == Primitive::error_context) return no_form("error-context");
      return std::string(cpp_primitive(type.primitive));
    }
    const TypeDef& def = resolve_.types[type.id];
    return def.name.empty() ? form(def, from) : named(type.id, from);
  }
  /// What a type is made of, its name aside.
  Result<std::string> form(const TypeDef& def, const Scope* from) const {
    switch (def.kind) {
      case TypeKind::own:
        return fmt::format("::std::unique_ptr<{}>", named(def.first->id, from));
      case TypeKind::borrow:
        return fmt::format("{}*", named(def.first->id, from));
      case TypeKind::tuple:
        return list_of("::std::tuple", def.elements, from);
      case TypeKind::option:
        return list_of("::std::optional", {*def.first}, from);
      case TypeKind::result: {
        SEDGE_TRY_ASSIGN(std::string ok, part(def.first, from));
        SEDGE_TRY_ASSIGN(std::string error, part(def.second, from));
        return fmt::format("::sedge::host::Outcome<{}, {}>", ok, error);
      }
      case TypeKind::list:
        if (is_u8(*def.first)) return std::string("::sedge::host::Bytes");
        return list_of("::std::vector", {*def.first}, from);
      case TypeKind::fixed_list: {
        SEDGE_TRY_ASSIGN(std::string element, cpp(*def.first, from));
        return fmt::format("::std::array<{}, {}>", element, def.length);
      }
      case TypeKind::map: {
        SEDGE_TRY_ASSIGN(std::string entry,
                         list_of("::std::tuple", {*def.first, *def.second}, from));
        return fmt::format("::std::vector<{}>", entry);
      }
      case TypeKind::future:
        return std::string("::sedge::host::Future");
      case TypeKind::stream:
        return std::string("::sedge::host::Stream");
      case TypeKind::alias:
        return cpp(*def.first, from);
      default:
        return no_form("an unnamed type");
    }
  }
  bool is_u8(Type type) const {
    while (type.is_ref() && resolve_.types[type.id].kind == TypeKind::alias)
      type = *resolve_.types[type.id].first;
    return type.primitive == Primitive::u8;
  }
  static std::unexpected<Error> no_form(std::string_view what) {
    return fail(ErrorCode::wit_invalid, fmt::format(": {} has no C++ form yet", what));
  }

  static void docs(std::string& out, std::string_view text, std::string_view indent = {}) {
    while (!text.empty()) {
      size_t end = text.find('\n');
      out += fmt::format("{}/// {}\n", indent, text.substr(0, end));
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
  }

  Result<void> type(std::string& out, TypeId id, const Scope& scope) const {
    const TypeDef& def = resolve_.types[id];
    std::string name = type_name(def.name);
    docs(out, def.docs);
    switch (def.kind) {
      case TypeKind::resource:
        return {};  // classes stand behind all types
      case TypeKind::record: {
        out += fmt::format("struct {} {{\n", name);
        for (const Member& member : def.members) {
          SEDGE_TRY_ASSIGN(std::string text, cpp(*member.type, &scope));
          docs(out, member.docs, "  ");
          out += fmt::format("  {} {}{{}};\n", text, snake_case(member.name));
        }
        out += "};\n";
        return {};
      }
      case TypeKind::flags: {
        if (def.members.size() > 64) return no_form("more than 64 flags");
        out += fmt::format("struct {} : ::sedge::host::FlagSet {{\n", name);
        for (size_t i = 0; i < def.members.size(); ++i)
          out += fmt::format("  static constexpr uint64_t k{} = uint64_t{{1}} << {};\n",
                             pascal_case(def.members[i].name), i);
        out += "};\n";
        return {};
      }
      case TypeKind::enumeration: {
        size_t count = def.members.size();
        out += fmt::format("enum class {} : uint{}_t {{\n", name,
                           count <= 256     ? 8
                           : count <= 65536 ? 16
                                            : 32);
        for (const Member& member : def.members)
          out += fmt::format("  {},\n", snake_case(member.name));
        out += "};\n";
        return {};
      }
      case TypeKind::variant:
        return variant(out, def);
      default: {
        SEDGE_TRY_ASSIGN(std::string text, form(def, &scope));
        out += fmt::format("using {} = {};\n", name, text);
        return {};
      }
    }
  }

  Result<void> variant(std::string& out, const TypeDef& def) const {
    std::string name = type_name(def.name);
    std::string cases;
    out += fmt::format("struct {} {{\n", name);
    for (const Member& member : def.members) {
      std::string case_name = pascal_case(member.name);
      if (case_name == name) case_name += '_';
      docs(out, member.docs, "  ");
      if (member.type) {
        // Qualified: a case often has the name of its type.
        SEDGE_TRY_ASSIGN(std::string text, cpp(*member.type, nullptr));
        out += fmt::format("  struct {} {{\n    {} value;\n  }};\n", case_name, text);
      } else {
        out += fmt::format("  struct {} {{}};\n", case_name);
      }
      cases += (cases.empty() ? "" : ", ") + case_name;
    }
    out += fmt::format("  ::std::variant<{}> value;\n}};\n", cases);
    return {};
  }

  // Functions

  /// "virtual ::sedge::Result<T> name(::sedge::Store&, A a) = 0;", or for an asynchronous function
  /// "virtual void name(::sedge::Store&, ::sedge::host::Completion<T> done, A a) = 0;"
  Result<std::string> declaration(const Function& function, std::string_view name,
                                  const Scope& scope) const {
    std::string result = "void";
    if (function.result) {
      SEDGE_TRY_ASSIGN(result, cpp(*function.result, &scope));
    }
    std::string params = "::sedge::Store&";
    if (function.is_async) params += fmt::format(", ::sedge::host::Completion<{}> done", result);
    bool self = function.kind == FunctionKind::method;
    for (const Member& param : function.params) {
      if (self && &param == function.params.data()) continue;
      SEDGE_TRY_ASSIGN(std::string type, cpp(*param.type, &scope));
      if (is_borrow(*param.type)) type.back() = '&';
      params += fmt::format(", {} {}", type, snake_case(param.name));
    }
    std::string out;
    docs(out, function.docs, "  ");
    std::string type =
        function.is_async ? std::string("void") : fmt::format("::sedge::Result<{}>", result);
    return out + fmt::format("  virtual {} {}({}) = 0;\n", type, name, params);
  }
  bool is_borrow(const Type& type) const {
    return type.is_ref() && resolve_.types[type.id].kind == TypeKind::borrow &&
           resolve_.types[type.id].name.empty();
  }

  /// The name of a function in the class Host.
  std::string host_name(const Function& function) const {
    const std::string& resource =
        function.resource == kNone ? std::string() : resolve_.types[function.resource].name;
    switch (function.kind) {
      case FunctionKind::constructor:
        return snake_case("make-" + resource);
      case FunctionKind::static_:
        return snake_case(resource + "-" + std::string(function.item_name()));
      default:
        return snake_case(function.name);
    }
  }
  static bool is_method(const Function* function) { return function->kind == FunctionKind::method; }
  static bool has_host(const Scope& scope) {
    return !std::ranges::all_of(scope.functions, is_method);
  }

  // Files

  Result<std::string> header(const Scope& scope) const {
    std::string out =
        "// Generated by `sedge bindgen`: do not edit.\n#pragma once\n\n#include <sedge/host.h>\n";
    std::set<std::string> includes;
    for (const auto& [name, id] : scope.types) {
      const TypeDef& def = resolve_.types[id];
      if (def.kind != TypeKind::alias || !def.first->is_ref()) continue;
      const Scope* from = scope_of(resolve_.types[def.first->id].owner);
      if (from && from != &scope) includes.insert(path_of(*from));
    }
    for (const std::string& path : includes) out += fmt::format("#include \"../../{}.h\"\n", path);
    out += '\n';
    docs(out, scope.docs);
    out += fmt::format("namespace {} {{\n\n", namespace_of(scope));
    if (!scope.import.empty())
      out +=
          fmt::format("inline constexpr ::std::string_view kInterface = \"{}\";\n\n", scope.import);
    for (const auto& [name, id] : scope.types)
      if (resolve_.types[id].kind == TypeKind::resource)
        out += fmt::format("class {};\n", type_name(name));
    for (const auto& [name, id] : scope.types) SEDGE_TRY(type(out, id, scope));
    for (const auto& [name, id] : scope.types)
      if (resolve_.types[id].kind == TypeKind::resource) SEDGE_TRY(resource(out, id, scope));
    SEDGE_TRY(host(out, scope));
    out += fmt::format("\n}}  // namespace {}\n", namespace_of(scope));
    return out + conversions(scope);
  }

  Result<void> resource(std::string& out, TypeId id, const Scope& scope) const {
    std::string name = type_name(resolve_.types[id].name);
    out += fmt::format(
        "\nclass {} : public ::sedge::host::Resource {{\n public:\n"
        "  static const ::sedge::HostResourceType kType;\n",
        name);
    for (const Function* function : scope.functions) {
      if (!is_method(function) || function->resource != id) continue;
      SEDGE_TRY_ASSIGN(std::string line,
                       declaration(*function, snake_case(function->item_name()), scope));
      out += line;
    }
    out += "};\n";
    return {};
  }

  Result<void> host(std::string& out, const Scope& scope) const {
    if (!has_host(scope)) {
      out += "\nvoid add_to_linker(::sedge::ComponentLinker& linker);\n";
      return {};
    }
    out +=
        "\nclass Host {\n public:\n  Host() = default;\n  Host(const Host&) = delete;\n"
        "  Host& operator=(const Host&) = delete;\n  virtual ~Host() = default;\n";
    std::set<std::string> names;
    for (const Function* function : scope.functions) {
      if (is_method(function)) continue;
      std::string name = host_name(*function);
      if (!names.insert(name).second)
        return fail(
            ErrorCode::wit_invalid,
            fmt::format(": two functions of {} are called `{}` in C++", scope.import, name));
      SEDGE_TRY_ASSIGN(std::string line, declaration(*function, name, scope));
      out += line;
    }
    out +=
        "};\n\n/// `find` gives the implementation for the store of a call.\n"
        "void add_to_linker(::sedge::ComponentLinker& linker, Host& (*find)(::sedge::Store&));\n";
    return {};
  }

  std::string conversions(const Scope& scope) const {
    std::string out;
    for (const auto& [name, id] : scope.types) {
      const TypeDef& def = resolve_.types[id];
      std::string full = named(id, nullptr);
      if (def.kind == TypeKind::variant) {
        out += fmt::format(
            "\ntemplate <>\nstruct sedge::host::Convert<{0}> : ::sedge::host::Variant<{0}> {{}};\n",
            full);
      } else if (def.kind == TypeKind::record) {
        std::string fields;
        for (const Member& member : def.members)
          fields += fmt::format(", &{}::{}", full, snake_case(member.name));
        out += fmt::format(
            "\ntemplate <>\nstruct sedge::host::Convert<{0}>\n    : ::sedge::host::Record<{0}{1}> "
            "{{}};\n",
            full, fields);
      }
    }
    return out;
  }

  Result<std::string> glue(const Scope& scope) const {
    std::string out = fmt::format("\nnamespace {} {{\n", namespace_of(scope));
    std::string resources;
    for (const auto& [name, id] : scope.types) {
      if (!resolve_.is_resource(id)) continue;
      std::string cpp_name = type_name(name);
      if (resolve_.types[id].kind == TypeKind::resource)
        out += fmt::format(
            "const ::sedge::HostResourceType {}::kType{{\"{}\", ::sedge::host::drop_resource}};\n",
            cpp_name, name);
      resources += fmt::format("      {{\"{}\", &{}::kType}},\n", name, cpp_name);
    }
    std::string rows;
    for (const Function* function : scope.functions) {
      SEDGE_TRY_ASSIGN(std::string type, Signature(resolve_).func(*function));
      std::string method = is_method(function)
                               ? fmt::format("&{}::{}>::of_resource",
                                             type_name(resolve_.types[function->resource].name),
                                             snake_case(function->item_name()))
                               : fmt::format("&Host::{}>::of_interface", host_name(*function));
      rows += fmt::format("      {{\"{}\",\n       \"{}\",\n       ::sedge::host::Method<{}}},\n",
                          function->name, type, method);
    }
    bool with_host = has_host(scope);
    out += with_host ? "void add_to_linker(::sedge::ComponentLinker& linker, Host& "
                       "(*find)(::sedge::Store&)) {\n"
                     : "void add_to_linker(::sedge::ComponentLinker& linker) {\n";
    out += array("::sedge::host::Function", "kFunctions", rows);
    out += array("::sedge::host::ResourceName", "kResources", resources);
    out += fmt::format(
        "  ::sedge::host::add_to_linker(linker, {}, kFunctions, kResources, {});\n}}\n",
        scope.import.empty() ? "{}" : "kInterface",
        with_host ? "[find](::sedge::Store& store) -> void* { return &find(store); }" : "nullptr");
    return out + fmt::format("}}  // namespace {}\n\n", namespace_of(scope));
  }
  /// C++ has no arrays of nothing.
  static std::string array(std::string_view type, std::string_view name, std::string_view rows) {
    if (rows.empty()) return fmt::format("  const ::std::span<const {}> {};\n", type, name);
    return fmt::format("  static constexpr {} {}[] = {{\n{}  }};\n", type, name, rows);
  }

  const Resolve& resolve_;
  const BindgenOptions& options_;
  std::set<InterfaceId> seen_;
  std::vector<Scope> scopes_;
  std::vector<GeneratedFile> files_;
};

}  // namespace

Result<std::vector<GeneratedFile>> generate_bindings(const Resolve& resolve, PackageId root,
                                                     const BindgenOptions& options) {
  return Generator(resolve, options).run(root);
}

Result<void> write_bindings(const std::vector<GeneratedFile>& files, const std::string& folder) {
  for (const GeneratedFile& file : files) {
    std::filesystem::path path = std::filesystem::path(folder) / file.path;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error)
      return fail(ErrorCode::io,
                  fmt::format(": {}: {}", path.parent_path().string(), error.message()));
    if (std::filesystem::exists(path, error)) {
      SEDGE_TRY_ASSIGN(FileContent old, read_file(path.string(), uint64_t{1} << 30));
      if (old.text() == file.text) continue;
    }
    SEDGE_TRY(write_file(path.string(), file.text));
  }
  return {};
}

}  // namespace sedge::wit
