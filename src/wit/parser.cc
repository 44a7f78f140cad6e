// Recursive descent with one token of lookahead; depth of types and packages is bounded.
#include "wit/parser.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/utf8.h"
#include "wit/lexer.h"

namespace sedge::wit {
namespace {

constexpr int kMaxDepth = 100;

struct Built {
  std::string_view word;
  TypeKind kind;
  uint8_t least;  ///< arguments
  uint8_t most;
};
/// Types with arguments in angle brackets; handles, tuples and lists have rules of their own.
constexpr Built kBuilt[] = {
    {"option", TypeKind::option, 1, 1}, {"result", TypeKind::result, 0, 2},
    {"map", TypeKind::map, 2, 2},       {"future", TypeKind::future, 0, 1},
    {"stream", TypeKind::stream, 0, 1},
};

bool is_map_key(const ast::TypeExpr& type) {
  if (type.kind != ast::TypeExpr::Kind::primitive) return type.kind == ast::TypeExpr::Kind::named;
  return type.primitive != Primitive::f32 && type.primitive != Primitive::f64 &&
         type.primitive != Primitive::error_context;
}

bool hex_digit(char c, uint32_t* value) {
  auto [end, error] = std::from_chars(&c, &c + 1, *value, 16);
  return error == std::errc() && end == &c + 1;
}

class Parser {
 public:
  Parser(const Sources& sources, uint32_t source) : lexer_(sources, source) {}

  Result<ast::File> file();
  Result<ast::Embedded> embedded(uint32_t offset, EmbeddedKind kind);

 private:
  Result<void> advance() {
    end_ = token_.text.data() + token_.text.size();
    SEDGE_TRY_ASSIGN(token_, lexer_.next());
    return {};
  }
  std::unexpected<Error> expected(std::string_view what) const {
    return fail(
        lexer_.error(fmt::format("expected {}, found {}", what, token_.describe()), token_.place));
  }
  std::unexpected<Error> wrong(std::string message, ast::Place place) const {
    return fail(lexer_.error(std::move(message), place));
  }
  /// Takes the token if it is `word`.
  Result<bool> eat(std::string_view word) {
    if (!token_.is(word)) return false;
    SEDGE_TRY(advance());
    return true;
  }
  Result<void> expect(std::string_view word) {
    if (!token_.is(word)) return expected(fmt::format("`{}`", word));
    return advance();
  }
  Result<ast::Name> name(std::string_view what = "a name") {
    if (token_.kind == TokenKind::keyword)
      return fail(
          lexer_.error(fmt::format("expected {}, found {}", what, token_.describe()), token_.place)
              .with_remedy(fmt::format("a name that is a keyword is written `%{}`", token_.text)));
    if (token_.kind != TokenKind::name) return expected(what);
    ast::Name out{token_.text, token_.place};
    SEDGE_TRY(advance());
    return out;
  }
  /// The version after '@', which is the current token.
  Result<Version> version_after() {
    SEDGE_TRY_ASSIGN(Version out, lexer_.version());
    SEDGE_TRY(advance());
    return out;
  }

  Result<ast::Attributes> attributes();
  Result<std::string> string();
  Result<void> package_name(ast::Package* out);
  Result<ast::Path> path();
  Result<ast::Path> path_after(ast::Name first);
  Result<ast::Path> path_in(ast::Name space, ast::Name package);
  Result<ast::TypeExpr> type();
  Result<ast::TypeExpr> type_at_depth();
  Result<void> type_arguments(ast::TypeExpr* out, const Built& built);
  Result<ast::Func> func(ast::Name name, ast::Attributes attributes, FunctionKind kind);
  Result<void> params(ast::Func* out);
  Result<ast::Use> use(ast::Attributes attributes);
  Result<std::vector<ast::UseName>> use_names(bool needs_as);
  bool starts_type_decl() const;
  Result<ast::TypeDecl> type_decl(ast::Attributes attributes);
  Result<void> members(ast::TypeDecl* out);
  Result<void> methods(ast::TypeDecl* out);
  Result<ast::Interface> interface_body(ast::Name name, ast::Attributes attributes);
  Result<ast::World> world(ast::Attributes attributes);
  Result<ast::Extern> external(ast::Attributes attributes);
  Result<ast::Include> include(ast::Attributes attributes);
  Result<void> item(ast::Scope* scope);

  Lexer lexer_;
  Token token_;
  const char* end_ = nullptr;  ///< where the token before ended
  int depth_ = 0;
  bool is_wac_ = false;  ///< the text is WAC, with what that adds to WIT
};

Result<std::string> Parser::string() {
  if (token_.kind != TokenKind::string) return expected("a string");
  std::string_view text = token_.text.substr(1, token_.text.size() - 2);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    constexpr std::string_view kEscapes = "tnr\"'\\";
    constexpr std::string_view kMeanings = "\t\n\r\"'\\";
    if (size_t known = kEscapes.find(text[++i]); known != std::string_view::npos) {
      out += kMeanings[known];
      continue;
    }
    uint32_t code = 0;
    if (text.substr(i).starts_with("u{")) {
      const char* begin = text.data() + i + 2;
      auto [end, error] = std::from_chars(begin, text.data() + text.size(), code, 16);
      bool scalar = code < 0xd800 || (code > 0xdfff && code < 0x110000);
      if (error == std::errc() && end != text.data() + text.size() && *end == '}' && scalar) {
        append_utf8(out, code);
        i = static_cast<size_t>(end - text.data());
        continue;
      }
    } else if (uint32_t low = 0;
               i + 1 < text.size() && hex_digit(text[i], &code) && hex_digit(text[i + 1], &low)) {
      out += static_cast<char>(code << 4 | low);
      ++i;
      continue;
    }
    return wrong("a backslash in a string begins no known escape", token_.place);
  }
  if (!is_utf8(out)) return wrong("a string is not UTF-8", token_.place);
  SEDGE_TRY(advance());
  return out;
}

/// Comments, then any of @unstable, @since, @deprecated and @external-id.
Result<ast::Attributes> Parser::attributes() {
  ast::Attributes out;
  out.docs = documentation(lexer_.comments());
  out.docs_place = lexer_.comments_place();
  std::optional<ast::Place> deprecated;
  while (token_.is("@")) {
    ast::Place place = token_.place;
    SEDGE_TRY(advance());
    SEDGE_TRY_ASSIGN(ast::Name attribute, name("the name of an attribute"));
    SEDGE_TRY(expect("("));
    if (attribute.text == "external-id") {
      SEDGE_TRY_ASSIGN(out.external_id, string());
      SEDGE_TRY(expect(")"));
      continue;
    }
    bool unstable = attribute.text == "unstable";
    if (!unstable && attribute.text != "since" && attribute.text != "deprecated")
      return wrong(fmt::format("unknown attribute `@{}`: there are @since, @unstable, @deprecated "
                               "and @external-id",
                               attribute.text),
                   place);
    std::string_view field = unstable ? "feature" : "version";
    if (token_.kind != TokenKind::name || token_.text != field)
      return expected(fmt::format("`{}`", field));
    SEDGE_TRY(advance());
    if (!token_.is("=")) return expected("`=`");
    if (attribute.text == "deprecated") {
      if (deprecated) return wrong("two `@deprecated` for one item", place);
      deprecated = place;
      SEDGE_TRY_ASSIGN(out.stability.deprecated, version_after());
    } else {
      if (out.stability.kind != Stability::Kind::unknown)
        return wrong("an item has one `@since` or one `@unstable`", place);
      if (unstable) {
        SEDGE_TRY(advance());
        SEDGE_TRY_ASSIGN(ast::Name feature, name("the name of a feature"));
        out.stability.kind = Stability::Kind::unstable;
        out.stability.feature = feature.text;
      } else {
        out.stability.kind = Stability::Kind::stable;
        SEDGE_TRY_ASSIGN(out.stability.since, version_after());
      }
    }
    SEDGE_TRY(expect(")"));
  }
  if (deprecated && out.stability.kind == Stability::Kind::unknown)
    return wrong("`@deprecated` needs `@since` or `@unstable` beside it", *deprecated);
  return out;
}

Result<void> Parser::package_name(ast::Package* out) {
  SEDGE_TRY_ASSIGN(ast::Name space, name("a package's namespace"));
  out->place = space.place;
  out->name.space = space.text;
  SEDGE_TRY(expect(":"));
  SEDGE_TRY_ASSIGN(ast::Name package, name("a package's name"));
  out->name.name = package.text;
  if (token_.is(":") || token_.is("/"))
    return wrong("nested namespaces and packages are not supported: write `namespace:name`",
                 token_.place);
  if (token_.is("@")) {
    SEDGE_TRY_ASSIGN(out->name.version, version_after());
  }
  return {};
}

Result<ast::Path> Parser::path() {
  SEDGE_TRY_ASSIGN(ast::Name first, name("the name of an interface or world"));
  return path_after(first);
}

Result<ast::Path> Parser::path_after(ast::Name first) {
  if (!token_.is(":")) return ast::Path{std::nullopt, {}, first};
  SEDGE_TRY(advance());
  SEDGE_TRY_ASSIGN(ast::Name package, name("a package's name"));
  return path_in(first, package);
}

/// What follows `space:package`.
Result<ast::Path> Parser::path_in(ast::Name space, ast::Name package) {
  ast::Path out;
  out.package_place = space.place;
  out.package.emplace(std::string(space.text), std::string(package.text), std::nullopt);
  SEDGE_TRY(expect("/"));
  SEDGE_TRY_ASSIGN(out.name, name("the name of an interface or world"));
  if (token_.is("/") || token_.is(":"))
    return wrong("nested namespaces and packages are not supported", token_.place);
  if (token_.is("@")) {
    SEDGE_TRY_ASSIGN(out.package->version, version_after());
  }
  return out;
}

Result<ast::TypeExpr> Parser::type() {
  if (depth_ == kMaxDepth)
    return wrong(fmt::format("types are nested more than {} deep", kMaxDepth), token_.place);
  ++depth_;
  auto out = type_at_depth();
  --depth_;
  return out;
}

Result<ast::TypeExpr> Parser::type_at_depth() {
  ast::TypeExpr out;
  out.place = token_.place;
  if (token_.kind == TokenKind::name) {
    out.kind = ast::TypeExpr::Kind::named;
    SEDGE_TRY_ASSIGN(out.name, name());
    return out;
  }
  if (token_.kind != TokenKind::keyword) return expected("a type");
  std::string_view word = token_.text;
  out.primitive = parse_primitive(word);
  if (out.primitive != Primitive::none) {
    out.kind = ast::TypeExpr::Kind::primitive;
    SEDGE_TRY(advance());
    return out;
  }
  out.kind = ast::TypeExpr::Kind::built;
  if (word == "own" || word == "borrow") {
    out.built = word == "own" ? TypeKind::own : TypeKind::borrow;
    SEDGE_TRY(advance());
    SEDGE_TRY(expect("<"));
    SEDGE_TRY_ASSIGN(out.name, name("the name of a resource"));
    SEDGE_TRY(expect(">"));
    return out;
  }
  if (word == "tuple") {
    out.built = TypeKind::tuple;
    SEDGE_TRY(advance());
    SEDGE_TRY(expect("<"));
    while (!token_.is(">")) {
      SEDGE_TRY_ASSIGN(ast::TypeExpr element, type());
      out.args.push_back(std::move(element));
      SEDGE_TRY_ASSIGN(bool more, eat(","));
      if (!more) break;
    }
    SEDGE_TRY(expect(">"));
    return out;
  }
  if (word == "list") {
    out.built = TypeKind::list;
    SEDGE_TRY(advance());
    SEDGE_TRY(expect("<"));
    SEDGE_TRY_ASSIGN(ast::TypeExpr element, type());
    out.args.push_back(std::move(element));
    SEDGE_TRY_ASSIGN(bool fixed, eat(","));
    if (fixed) {
      out.built = TypeKind::fixed_list;
      if (token_.kind != TokenKind::integer) return expected("the length of the list");
      const char* end = token_.text.data() + token_.text.size();
      auto [stop, error] = std::from_chars(token_.text.data(), end, out.length);
      if (error != std::errc() || stop != end || out.length == 0)
        return wrong("the length of a list is at least 1 and fits 32 bits", token_.place);
      SEDGE_TRY(advance());
    }
    SEDGE_TRY(expect(">"));
    return out;
  }
  for (const Built& built : kBuilt) {
    if (built.word != word) continue;
    out.built = built.kind;
    SEDGE_TRY(advance());
    SEDGE_TRY(type_arguments(&out, built));
    return out;
  }
  return expected("a type");
}

Result<void> Parser::type_arguments(ast::TypeExpr* out, const Built& built) {
  if (built.least == 0 && !token_.is("<")) return {};
  SEDGE_TRY(expect("<"));
  for (uint8_t i = 0; i < built.most; ++i) {
    if (i != 0) {
      if (i >= std::max<uint8_t>(built.least, 1) && !token_.is(",")) break;
      SEDGE_TRY(expect(","));
    }
    if (built.kind == TypeKind::result && i == 0 && token_.is("_")) {
      out->args.emplace_back().place = token_.place;
      SEDGE_TRY(advance());
      if (!token_.is(",")) return expected("`,`");
      continue;
    }
    SEDGE_TRY_ASSIGN(ast::TypeExpr argument, type());
    out->args.push_back(std::move(argument));
  }
  if (built.kind == TypeKind::map && !is_map_key(out->args[0]))
    return wrong("the key of a map is bool, char, string or an integer type", out->args[0].place);
  return expect(">");
}

Result<void> Parser::params(ast::Func* out) {
  SEDGE_TRY(expect("("));
  while (!token_.is(")")) {
    ast::Param param;
    SEDGE_TRY_ASSIGN(param.name, name("a parameter's name"));
    SEDGE_TRY(expect(":"));
    SEDGE_TRY_ASSIGN(param.type, type());
    out->params.push_back(std::move(param));
    SEDGE_TRY_ASSIGN(bool more, eat(","));
    if (!more) break;
  }
  SEDGE_TRY(expect(")"));
  SEDGE_TRY_ASSIGN(bool has_result, eat("->"));
  if (has_result) {
    SEDGE_TRY_ASSIGN(out->result, type());
  }
  return {};
}

/// From `async`, `func` or, in WAC, the name of a function type on, `;` included.
Result<ast::Func> Parser::func(ast::Name name, ast::Attributes attributes, FunctionKind kind) {
  ast::Func out;
  out.name = name;
  out.kind = kind;
  out.attributes = std::move(attributes);
  if (is_wac_ && kind == FunctionKind::freestanding && token_.kind == TokenKind::name) {
    SEDGE_TRY_ASSIGN(out.type, this->name());
    SEDGE_TRY(expect(";"));
    return out;
  }
  if (kind != FunctionKind::constructor) {
    SEDGE_TRY_ASSIGN(out.is_async, eat("async"));
    SEDGE_TRY(expect("func"));
  }
  SEDGE_TRY(params(&out));
  SEDGE_TRY(expect(";"));
  return out;
}

Result<std::vector<ast::UseName>> Parser::use_names(bool needs_as) {
  std::vector<ast::UseName> out;
  SEDGE_TRY(expect("{"));
  while (!token_.is("}")) {
    ast::UseName entry;
    SEDGE_TRY_ASSIGN(entry.name, name());
    entry.as = entry.name;
    if (needs_as && !token_.is("as")) return expected("`as`");
    SEDGE_TRY_ASSIGN(bool renamed, eat("as"));
    if (renamed) {
      SEDGE_TRY_ASSIGN(entry.as, name());
    }
    out.push_back(entry);
    SEDGE_TRY_ASSIGN(bool more, eat(","));
    if (!more) break;
  }
  SEDGE_TRY(expect("}"));
  return out;
}

Result<ast::Use> Parser::use(ast::Attributes attributes) {
  ast::Use out;
  out.attributes = std::move(attributes);
  SEDGE_TRY(expect("use"));
  SEDGE_TRY_ASSIGN(out.from, path());
  SEDGE_TRY(expect("."));
  SEDGE_TRY_ASSIGN(out.names, use_names(false));
  SEDGE_TRY(expect(";"));
  return out;
}

bool Parser::starts_type_decl() const {
  for (std::string_view word : {"type", "resource", "record", "variant", "enum", "flags"})
    if (token_.is(word)) return true;
  return false;
}

Result<void> Parser::members(ast::TypeDecl* out) {
  SEDGE_TRY(expect("{"));
  while (!token_.is("}")) {
    ast::Param member;
    member.docs = documentation(lexer_.comments());
    SEDGE_TRY_ASSIGN(member.name, name());
    if (out->kind == TypeKind::record) {
      SEDGE_TRY(expect(":"));
      SEDGE_TRY_ASSIGN(member.type, type());
    } else if (out->kind == TypeKind::variant) {
      SEDGE_TRY_ASSIGN(bool payload, eat("("));
      if (payload) {
        SEDGE_TRY_ASSIGN(member.type, type());
        SEDGE_TRY(expect(")"));
      }
    }
    out->members.push_back(std::move(member));
    SEDGE_TRY_ASSIGN(bool more, eat(","));
    if (!more) break;
  }
  if ((out->kind == TypeKind::variant || out->kind == TypeKind::enumeration) &&
      out->members.empty())
    return wrong(fmt::format("`{}` has no case; it needs at least one", out->name.text),
                 out->name.place);
  return expect("}");
}

Result<void> Parser::methods(ast::TypeDecl* out) {
  SEDGE_TRY_ASSIGN(bool none, eat(";"));
  if (none) return {};
  SEDGE_TRY(expect("{"));
  while (!token_.is("}")) {
    SEDGE_TRY_ASSIGN(ast::Attributes attributes, this->attributes());
    ast::Name method{token_.text, token_.place};
    SEDGE_TRY_ASSIGN(bool constructor, eat("constructor"));
    FunctionKind kind = constructor ? FunctionKind::constructor : FunctionKind::method;
    if (!constructor) {
      if (token_.kind != TokenKind::name) return expected("`constructor` or the name of a method");
      SEDGE_TRY_ASSIGN(method, name());
      SEDGE_TRY(expect(":"));
      SEDGE_TRY_ASSIGN(bool is_static, eat("static"));
      if (is_static) kind = FunctionKind::static_;
    }
    SEDGE_TRY_ASSIGN(ast::Func function, func(method, std::move(attributes), kind));
    out->methods.push_back(std::move(function));
  }
  return expect("}");
}

Result<ast::TypeDecl> Parser::type_decl(ast::Attributes attributes) {
  constexpr std::pair<std::string_view, TypeKind> kWords[] = {
      {"type", TypeKind::alias},       {"resource", TypeKind::resource},
      {"record", TypeKind::record},    {"variant", TypeKind::variant},
      {"enum", TypeKind::enumeration}, {"flags", TypeKind::flags},
  };
  ast::TypeDecl out;
  out.attributes = std::move(attributes);
  for (const auto& [word, kind] : kWords)
    if (token_.is(word)) out.kind = kind;
  SEDGE_TRY(advance());
  SEDGE_TRY_ASSIGN(out.name, name());
  if (out.kind == TypeKind::alias) {
    SEDGE_TRY(expect("="));
    if (is_wac_ && (token_.is("func") || token_.is("async"))) {
      SEDGE_TRY_ASSIGN(out.func, func(out.name, {}, FunctionKind::freestanding));
      return out;
    }
    SEDGE_TRY_ASSIGN(out.target, type());
    SEDGE_TRY(expect(";"));
  } else if (out.kind == TypeKind::resource) {
    SEDGE_TRY(methods(&out));
  } else {
    SEDGE_TRY(members(&out));
  }
  return out;
}

Result<ast::Interface> Parser::interface_body(ast::Name name, ast::Attributes attributes) {
  ast::Interface out;
  out.name = name;
  out.attributes = std::move(attributes);
  SEDGE_TRY(expect("{"));
  while (!token_.is("}")) {
    SEDGE_TRY_ASSIGN(ast::Attributes inner, this->attributes());
    if (token_.is("use")) {
      SEDGE_TRY_ASSIGN(ast::Use item, use(std::move(inner)));
      out.items.emplace_back(std::move(item));
    } else if (starts_type_decl()) {
      SEDGE_TRY_ASSIGN(ast::TypeDecl item, type_decl(std::move(inner)));
      out.items.emplace_back(std::move(item));
    } else {
      if (token_.kind != TokenKind::name)
        return expected("a type, `use`, a function's name or `}`");
      SEDGE_TRY_ASSIGN(ast::Name function, this->name());
      SEDGE_TRY(expect(":"));
      SEDGE_TRY_ASSIGN(ast::Func item,
                       func(function, std::move(inner), FunctionKind::freestanding));
      out.items.emplace_back(std::move(item));
    }
  }
  SEDGE_TRY(expect("}"));
  return out;
}

/// From `import` or `export` on.
Result<ast::Extern> Parser::external(ast::Attributes attributes) {
  ast::Extern out;
  out.is_export = token_.is("export");
  SEDGE_TRY(advance());
  SEDGE_TRY_ASSIGN(out.name, name());
  if (!token_.is(":")) {
    out.path.name = out.name;
  } else {
    bool blank_before = end_ != token_.text.data();
    uint32_t after = token_.place.offset + 1;
    SEDGE_TRY(advance());
    bool blank_after = after != token_.place.offset;
    if (token_.is("async") || token_.is("func")) {
      out.kind = ast::Extern::Kind::function;
      SEDGE_TRY_ASSIGN(out.function,
                       func(out.name, std::move(attributes), FunctionKind::freestanding));
      return out;
    }
    if (token_.is("interface")) {
      out.kind = ast::Extern::Kind::interface;
      SEDGE_TRY(advance());
      SEDGE_TRY_ASSIGN(out.interface, interface_body(out.name, std::move(attributes)));
      if (is_wac_) SEDGE_TRY(eat(";"));
      return out;
    }
    SEDGE_TRY_ASSIGN(ast::Name second, name("`func`, `interface` or the name of an interface"));
    if (token_.is("/")) {
      SEDGE_TRY_ASSIGN(out.path, path_in(out.name, second));
    } else {
      if (!blank_before && !blank_after && !token_.is(":"))
        return wrong(
            fmt::format("`{}:{}` names a package, not an interface", out.name.text, second.text),
            out.name.place);
      out.has_name = true;
      SEDGE_TRY_ASSIGN(out.path, path_after(second));
    }
  }
  out.attributes = std::move(attributes);
  SEDGE_TRY(expect(";"));
  return out;
}

Result<ast::Include> Parser::include(ast::Attributes attributes) {
  ast::Include out;
  out.attributes = std::move(attributes);
  SEDGE_TRY(expect("include"));
  SEDGE_TRY_ASSIGN(out.from, path());
  SEDGE_TRY_ASSIGN(bool with, eat("with"));
  if (!with) {
    SEDGE_TRY(expect(";"));
    return out;
  }
  SEDGE_TRY_ASSIGN(out.with, use_names(true));
  if (is_wac_) SEDGE_TRY(eat(";"));
  return out;
}

Result<ast::World> Parser::world(ast::Attributes attributes) {
  ast::World out;
  out.attributes = std::move(attributes);
  SEDGE_TRY(expect("world"));
  SEDGE_TRY_ASSIGN(out.name, name());
  SEDGE_TRY(expect("{"));
  while (!token_.is("}")) {
    SEDGE_TRY_ASSIGN(ast::Attributes inner, this->attributes());
    if (token_.is("use")) {
      SEDGE_TRY_ASSIGN(ast::Use item, use(std::move(inner)));
      out.items.emplace_back(std::move(item));
    } else if (starts_type_decl()) {
      SEDGE_TRY_ASSIGN(ast::TypeDecl item, type_decl(std::move(inner)));
      out.items.emplace_back(std::move(item));
    } else if (token_.is("include")) {
      SEDGE_TRY_ASSIGN(ast::Include item, include(std::move(inner)));
      out.items.emplace_back(std::move(item));
    } else if (token_.is("import") || token_.is("export")) {
      SEDGE_TRY_ASSIGN(ast::Extern item, external(std::move(inner)));
      out.items.emplace_back(std::move(item));
    } else {
      return expected("`import`, `export`, `include`, `use`, a type or `}`");
    }
  }
  SEDGE_TRY(expect("}"));
  return out;
}

/// An item of a package, its attributes not read yet.
Result<void> Parser::item(ast::Scope* scope) {
  SEDGE_TRY_ASSIGN(ast::Attributes attributes, this->attributes());
  if (token_.is("use")) {
    ast::TopLevelUse out;
    SEDGE_TRY(advance());
    SEDGE_TRY_ASSIGN(out.from, path());
    out.as = out.from.name;
    SEDGE_TRY_ASSIGN(bool renamed, eat("as"));
    if (renamed) {
      SEDGE_TRY_ASSIGN(out.as, name());
    }
    SEDGE_TRY(expect(";"));
    scope->items.emplace_back(std::move(out));
  } else if (token_.is("interface")) {
    SEDGE_TRY(advance());
    SEDGE_TRY_ASSIGN(ast::Name interface, name());
    SEDGE_TRY_ASSIGN(ast::Interface out, interface_body(interface, std::move(attributes)));
    scope->items.emplace_back(std::move(out));
  } else if (token_.is("world")) {
    SEDGE_TRY_ASSIGN(ast::World out, world(std::move(attributes)));
    scope->items.emplace_back(std::move(out));
  } else {
    return expected("`world`, `interface`, `use` or `package`");
  }
  return {};
}

Result<ast::File> Parser::file() {
  ast::File out;
  out.main.scopes.emplace_back();
  SEDGE_TRY(lexer_.check_characters());
  SEDGE_TRY(advance());
  while (token_.kind != TokenKind::end) {
    if (!token_.is("package")) {
      SEDGE_TRY(item(&out.main.scopes[0]));
      continue;
    }
    ast::Package package;
    package.docs = documentation(lexer_.comments());
    package.docs_place = lexer_.comments_place();
    bool documented = false;
    for (std::string_view comment : lexer_.comments())
      documented |= comment.starts_with("///") || comment.starts_with("/**");
    SEDGE_TRY(advance());
    SEDGE_TRY(package_name(&package));
    bool may_be_main = !out.has_name && out.main.scopes[0].items.empty() && out.nested.empty();
    if (may_be_main && token_.is(";")) {
      SEDGE_TRY(advance());
      package.scopes = std::move(out.main.scopes);
      out.main = std::move(package);
      out.has_name = true;
      out.is_documented = documented;
      continue;
    }
    SEDGE_TRY(expect("{"));
    package.scopes.emplace_back();
    while (!token_.is("}")) {
      if (token_.is("package"))
        return wrong("a package stands at the top of a file, not inside another package",
                     token_.place);
      SEDGE_TRY(item(&package.scopes[0]));
    }
    SEDGE_TRY(expect("}"));
    out.nested.push_back(std::move(package));
  }
  return out;
}

Result<ast::Embedded> Parser::embedded(uint32_t offset, EmbeddedKind kind) {
  is_wac_ = true;
  lexer_.seek(offset);
  SEDGE_TRY(advance());
  ast::Embedded out;
  ast::Name name{{}, token_.place};
  SEDGE_TRY_ASSIGN(bool interface, eat("interface"));
  if (kind == EmbeddedKind::extern_type) {
    if (interface) {
      SEDGE_TRY_ASSIGN(out.node, interface_body(name, {}));
      SEDGE_TRY(expect(";"));
    } else if (token_.is("func") || token_.is("async")) {
      SEDGE_TRY_ASSIGN(out.node, func(name, {}, FunctionKind::freestanding));
    } else {
      SEDGE_TRY_ASSIGN(out.node, path());
      SEDGE_TRY(expect(";"));
    }
  } else if (interface) {
    SEDGE_TRY_ASSIGN(name, this->name());
    SEDGE_TRY_ASSIGN(out.node, interface_body(name, {}));
  } else if (token_.is("world")) {
    SEDGE_TRY_ASSIGN(out.node, world({}));
  } else if (starts_type_decl() && !token_.is("resource")) {
    SEDGE_TRY_ASSIGN(out.node, type_decl({}));
  } else {
    return expected("an interface, a world or a type");
  }
  out.end = token_.place.offset;
  return out;
}

}  // namespace

Result<ast::Embedded> parse_embedded(const Sources& sources, uint32_t source, uint32_t offset,
                                     EmbeddedKind kind) {
  return Parser(sources, source).embedded(offset, kind);
}

Result<ast::File> parse_file(const Sources& sources, uint32_t source) {
  return Parser(sources, source).file();
}

Result<ast::File> merge_files(const Sources& sources, std::vector<ast::File> files) {
  ast::File out;
  for (ast::File& file : files) {
    if (file.has_name) {
      if (out.has_name && out.main.name != file.main.name)
        return fail(
            sources
                .error(
                    ErrorCode::wit_syntax,
                    fmt::format(
                        ": the files of a folder are one package, but this one is `{}` and another "
                        "`{}`",
                        file.main.name.to_string(), out.main.name.to_string()),
                    file.main.place)
                .with_remedy("name one file of them; --deps names a folder with the rest"));
      if (out.is_documented && file.is_documented)
        return fail(sources.error(ErrorCode::wit_syntax,
                                  ": two files of the folder document the package",
                                  file.main.docs_place));
      if (!out.has_name) {
        out.main.name = file.main.name;
        out.main.place = file.main.place;
      }
      if (!out.is_documented && !file.main.docs.empty()) {
        out.main.docs = file.main.docs;
        out.main.docs_place = file.main.docs_place;
      }
      out.has_name = true;
      out.is_documented |= file.is_documented;
    }
    for (ast::Scope& scope : file.main.scopes) out.main.scopes.push_back(std::move(scope));
    for (ast::Package& nested : file.nested) out.nested.push_back(std::move(nested));
  }
  return out;
}

}  // namespace sedge::wit
