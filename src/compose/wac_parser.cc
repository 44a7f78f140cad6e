// Recursive descent with one token of lookahead; expressions inside of each other are bounded. What
// is WIT (interfaces, worlds, types) the WIT parser reads where it stands.
#include <set>

#include <fmt/format.h>

#include "compose/wac.h"
#include "wit/lexer.h"
#include "wit/parser.h"

namespace sedge::compose::wac {
namespace {

using wit::Token;
using wit::TokenKind;

constexpr int kMaxDepth = 100;

class Parser {
 public:
  Parser(const wit::Sources& sources, uint32_t source)
      : sources_(sources), source_(source), lexer_(sources, source), text_(sources[source].text) {}

  Result<Document> document() {
    SEDGE_TRY(lexer_.check_characters());
    SEDGE_TRY(advance());
    if (!is_word("package"))
      return fail(
          lexer_.error(fmt::format("expected `package`, found {}", token_.describe()), token_.place)
              .with_remedy("a composition begins with its name: package my:composition;"));
    SEDGE_TRY(advance());
    SEDGE_TRY_ASSIGN(out_.package, path(false));
    if (is_word("targets")) {
      SEDGE_TRY(advance());
      SEDGE_TRY_ASSIGN(out_.targets, path(true));
    }
    SEDGE_TRY(expect(";"));
    while (token_.kind != TokenKind::end) SEDGE_TRY(statement());
    return std::move(out_);
  }

 private:
  bool is_word(std::string_view word) const {
    return (token_.kind == TokenKind::name || token_.kind == TokenKind::keyword ||
            token_.kind == TokenKind::punctuation) &&
           token_.text == word && text_[offset()] != '%';
  }
  Result<void> advance() {
    SEDGE_TRY_ASSIGN(token_, lexer_.next());
    return {};
  }
  size_t offset() const { return token_.place.offset; }
  std::unexpected<Error> expected(std::string_view what) const {
    return fail(
        lexer_.error(fmt::format("expected {}, found {}", what, token_.describe()), token_.place));
  }
  Result<void> expect(std::string_view word) {
    if (!is_word(word)) return expected(fmt::format("`{}`", word));
    return advance();
  }
  /// A word; words that only WIT keeps for itself are names here.
  Result<Name> name(std::string_view what = "a name") {
    if (token_.kind != TokenKind::name && token_.kind != TokenKind::keyword) return expected(what);
    Name out{std::string(token_.text), token_.place};
    SEDGE_TRY(advance());
    return out;
  }
  Result<Name> string() {
    Name out{std::string(token_.text.substr(1, token_.text.size() - 2)), token_.place, true};
    if (out.text.find('\\') != std::string::npos)
      return fail(lexer_.error("a name in quotes has no escapes", token_.place));
    SEDGE_TRY(advance());
    return out;
  }
  Result<Name> name_or_string(std::string_view what) {
    return token_.kind == TokenKind::string ? string() : name(what);
  }

  /// A package, or an item of one. A package's last name is its own; before it stand namespaces.
  Result<Path> path(bool with_item) {
    Path out;
    SEDGE_TRY_ASSIGN(Name first, name("the name of a package, such as my:package"));
    out.place = first.place;
    out.package.space = first.text;
    if (!is_word(":")) return expected("`:`, as in my:package");
    SEDGE_TRY(advance());
    SEDGE_TRY_ASSIGN(Name second, name());
    out.package.name = second.text;
    while (is_word(":")) {
      SEDGE_TRY(advance());
      SEDGE_TRY_ASSIGN(Name part, name());
      out.package.space += ":" + out.package.name;
      out.package.name = part.text;
    }
    if (is_word("/") && !with_item) return expected("the end of a package's name");
    if (with_item) {
      if (!is_word("/")) return expected("`/` and the name of an item");
      SEDGE_TRY(advance());
      SEDGE_TRY_ASSIGN(Name item, name());
      out.item = item.text;
    }
    if (is_word("@")) {
      SEDGE_TRY_ASSIGN(out.package.version, lexer_.version());
      SEDGE_TRY(advance());
    }
    return out;
  }

  Result<void> statement() {
    if (is_word("import")) return import();
    if (is_word("let")) return let();
    if (is_word("export")) return export_();
    for (std::string_view word :
         {"interface", "world", "record", "variant", "enum", "flags", "type"})
      if (is_word(word)) return declaration();
    for (std::string_view word : {"resource", "use"})
      if (is_word(word))
        return fail(lexer_.error(fmt::format("`{}` outside of an interface", word), token_.place)
                        .with_remedy("put it in an interface or a world"));
    return expected("a statement: import, let, export, interface, world or a type");
  }

  /// WIT from the current token on, as the WIT parser reads it.
  Result<wit::ast::Embedded> wit(wit::EmbeddedKind kind) {
    SEDGE_TRY_ASSIGN(wit::ast::Embedded out,
                     wit::parse_embedded(sources_, source_, token_.place.offset, kind));
    lexer_.seek(out.end);
    SEDGE_TRY(advance());
    return out;
  }

  Result<void> declaration() {
    SEDGE_TRY_ASSIGN(wit::ast::Embedded read, wit(wit::EmbeddedKind::item));
    Declaration out;
    auto take = [&](auto& node) {
      out.name = {std::string(node.name.text), node.name.place};
      out.node = std::move(node);
    };
    if (auto* interface = std::get_if<wit::ast::Interface>(&read.node)) take(*interface);
    if (auto* world = std::get_if<wit::ast::World>(&read.node)) take(*world);
    if (auto* type = std::get_if<wit::ast::TypeDecl>(&read.node)) take(*type);
    out_.statements.emplace_back(std::move(out));
    return {};
  }

  Result<void> import() {
    SEDGE_TRY(advance());
    Import out;
    SEDGE_TRY_ASSIGN(out.name, name());
    if (is_word("as")) {
      SEDGE_TRY(advance());
      SEDGE_TRY_ASSIGN(out.as, name_or_string("the import's name"));
    }
    if (!is_word(":")) return expected("`:`");
    SEDGE_TRY(advance());
    SEDGE_TRY_ASSIGN(wit::ast::Embedded read, wit(wit::EmbeddedKind::extern_type));
    if (auto* path = std::get_if<wit::ast::Path>(&read.node)) out.type = std::move(*path);
    if (auto* func = std::get_if<wit::ast::Func>(&read.node)) out.type = std::move(*func);
    if (auto* item = std::get_if<wit::ast::Interface>(&read.node)) out.type = std::move(*item);
    out_.statements.emplace_back(std::move(out));
    return {};
  }

  Result<void> let() {
    SEDGE_TRY(advance());
    Let out;
    SEDGE_TRY_ASSIGN(out.name, name());
    SEDGE_TRY(expect("="));
    SEDGE_TRY_ASSIGN(out.value, expr(0));
    SEDGE_TRY(expect(";"));
    out_.statements.emplace_back(std::move(out));
    return {};
  }

  Result<void> export_() {
    SEDGE_TRY(advance());
    Export out;
    SEDGE_TRY_ASSIGN(out.value, expr(0));
    if (is_word(".")) {
      SEDGE_TRY(dots());
      out.spread = true;
    } else if (is_word("as")) {
      SEDGE_TRY(advance());
      SEDGE_TRY_ASSIGN(out.as, name_or_string("the export's name"));
    }
    SEDGE_TRY(expect(";"));
    out_.statements.emplace_back(std::move(out));
    return {};
  }

  /// `...`; after an expression its first dot has been seen to be no access.
  Result<void> dots() {
    for (int i = 0; i < 3; ++i) SEDGE_TRY(expect("."));
    return {};
  }

  // NOLINTNEXTLINE(misc-no-recursion): bounded
  Result<Expr> expr(int depth) {
    if (depth > kMaxDepth)
      return fail(lexer_.error(fmt::format("expressions are nested more than {} deep", kMaxDepth),
                               token_.place));
    Expr out;
    out.place = token_.place;
    if (is_word("new")) {
      SEDGE_TRY(advance());
      SEDGE_TRY_ASSIGN(out.primary, new_(depth));
    } else if (is_word("(")) {
      SEDGE_TRY(advance());
      SEDGE_TRY_ASSIGN(Expr inner, expr(depth + 1));
      SEDGE_TRY(expect(")"));
      out.primary = std::make_unique<Expr>(std::move(inner));
    } else {
      SEDGE_TRY_ASSIGN(out.primary, name("an expression: a name, `new`, or `(`"));
    }
    while (true) {
      if (is_word("[")) {
        SEDGE_TRY(advance());
        if (token_.kind != TokenKind::string) return expected("the name of an export in quotes");
        SEDGE_TRY_ASSIGN(Name key, string());
        out.accesses.push_back(std::move(key));
        SEDGE_TRY(expect("]"));
      } else if (is_word(".") && !text_.substr(offset()).starts_with("..")) {
        SEDGE_TRY(advance());
        SEDGE_TRY_ASSIGN(Name key, name("the name of an export"));
        out.accesses.push_back(std::move(key));
      } else {
        return out;
      }
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion): bounded
  Result<New> new_(int depth) {
    New out;
    SEDGE_TRY_ASSIGN(out.package, path(false));
    SEDGE_TRY(expect("{"));
    while (!is_word("}")) {
      NewArgument argument;
      if (is_word(".")) {
        Place place = token_.place;
        SEDGE_TRY(dots());
        argument.kind = NewArgument::Kind::fill;
        argument.name.place = place;
        if (!is_word("}") && !is_word(",")) {
          argument.kind = NewArgument::Kind::spread;
          SEDGE_TRY_ASSIGN(argument.name, name());
        }
      } else {
        SEDGE_TRY_ASSIGN(argument.name, name_or_string("an argument"));
        if (is_word(":")) {
          SEDGE_TRY(advance());
          argument.kind = NewArgument::Kind::named;
          SEDGE_TRY_ASSIGN(Expr value, expr(depth + 1));
          argument.value = std::make_unique<Expr>(std::move(value));
        } else if (argument.name.exact) {
          return expected("`:` and the argument's value");
        }
      }
      bool fill = argument.kind == NewArgument::Kind::fill;
      out.arguments.push_back(std::move(argument));
      if (is_word(",")) {
        SEDGE_TRY(advance());
        if (fill && !is_word("}")) return expected("`}`: `...` is the last argument");
      } else if (!is_word("}")) {
        return expected("`,` or `}`");
      }
    }
    SEDGE_TRY(advance());
    return out;
  }

  const wit::Sources& sources_;
  uint32_t source_;
  wit::Lexer lexer_;
  std::string_view text_;
  Token token_;
  Document out_;
};

/// The packages that `new` names.
class Packages {
 public:
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the parser allows
  void collect(const Expr& expr) {
    if (const auto* inner = std::get_if<std::unique_ptr<Expr>>(&expr.primary)) collect(**inner);
    const auto* made = std::get_if<New>(&expr.primary);
    if (!made) return;
    for (const NewArgument& argument : made->arguments)
      if (argument.value) collect(*argument.value);
    if (known_.insert(made->package.package).second) out_.push_back(made->package);
  }
  std::vector<Path> take() { return std::move(out_); }

 private:
  std::set<wit::PackageName> known_;
  std::vector<Path> out_;
};

}  // namespace

Result<Document> parse(const wit::Sources& sources, uint32_t source) {
  return Parser(sources, source).document();
}

std::vector<Path> used_packages(const Document& document) {
  Packages out;
  for (const auto& statement : document.statements) {
    if (const auto* let = std::get_if<Let>(&statement)) out.collect(let->value);
    if (const auto* item = std::get_if<Export>(&statement)) out.collect(item->value);
  }
  return out.take();
}

}  // namespace sedge::compose::wac
