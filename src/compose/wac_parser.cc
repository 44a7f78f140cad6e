// Recursive descent with one token of lookahead; expressions inside of each other are bounded. What
// is WIT (interfaces, worlds, types of imports) is cut out here and read by the WIT parser.
#include <algorithm>

#include <fmt/format.h>

#include "compose/wac.h"
#include "wit/lexer.h"

namespace sedge::compose::wac {
namespace {

using wit::Token;
using wit::TokenKind;

constexpr int kMaxDepth = 100;

class Parser {
 public:
  Parser(const wit::Sources& sources, uint32_t source)
      : lexer_(sources, source), text_(sources[source].text) {}

  Result<Document> document() {
    SEDGE_TRY(lexer_.check_characters());
    SEDGE_TRY(advance());
    out_.place = token_.place;
    if (!is_word("package"))
      return fail(
          lexer_.error(fmt::format("expected `package`, found {}", token_.describe()), token_.place)
              .with_remedy("a composition begins with its name: package my:composition;"));
    SEDGE_TRY(advance());
    SEDGE_TRY_ASSIGN(Name name, path(false));
    out_.package = name.text;
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
           token_.text == word;
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

  /// `ns:pkg@1.0.0`, or with an item `ns:pkg/item@1.0.0`.
  Result<Name> path(bool with_item) {
    SEDGE_TRY_ASSIGN(Name out, name("the name of a package, such as my:package"));
    if (!is_word(":")) return expected("`:`, as in my:package");
    return path_rest(std::move(out), with_item);
  }
  Result<Name> path_rest(Name out, bool with_item) {
    while (is_word(":") || is_word("/")) {
      bool slash = is_word("/");
      if (slash && !with_item) return expected("the end of a package's name");
      out.text += token_.text;
      SEDGE_TRY(advance());
      SEDGE_TRY_ASSIGN(Name part, name());
      out.text += part.text;
    }
    if (with_item && out.text.find('/') == std::string::npos)
      return expected("`/` and the name of an item");
    if (is_word("@")) {
      SEDGE_TRY_ASSIGN(wit::Version version, lexer_.version());
      out.text += "@" + version.to_string();
      SEDGE_TRY(advance());
    }
    return out;
  }

  Result<void> statement() {
    if (is_word("import")) return import();
    if (is_word("let")) return let();
    if (is_word("export")) return export_();
    for (std::string_view word : {"interface", "world"})
      if (is_word(word)) return wit_item();
    for (std::string_view word : {"record", "variant", "enum", "flags", "type", "resource", "use"})
      if (is_word(word))
        return fail(lexer_.error(fmt::format("`{}` outside of an interface", word), token_.place)
                        .with_remedy("declare the type in an interface or a world"));
    return expected("a statement: import, let, export, interface or world");
  }

  Result<void> wit_item() {
    size_t begin = offset();
    Place place = token_.place;
    SEDGE_TRY(skip_to("{"));
    SEDGE_TRY(skip_block());
    out_.pieces.push_back({"", text_.substr(begin, offset() - begin), "", place});
    return {};
  }

  Result<void> skip_to(std::string_view word) {
    while (!is_word(word)) {
      if (token_.kind == TokenKind::end || is_word(";")) return expected(fmt::format("`{}`", word));
      SEDGE_TRY(skip());
    }
    return {};
  }
  /// Like advance(), in WIT: versions are no tokens.
  Result<void> skip() {
    bool version = is_word("@");
    if (version) {
      auto known = lexer_.version();
      (void)known;  // `@since` and the like have none
    }
    return advance();
  }
  Result<void> skip_block() {
    size_t depth = 0;
    do {
      if (token_.kind == TokenKind::end) return expected("`}`");
      if (is_word("{")) ++depth;
      if (is_word("}")) --depth;
      SEDGE_TRY(skip());
    } while (depth != 0);
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
    SEDGE_TRY(expect(":"));
    WitPiece piece;
    piece.place = token_.place;
    size_t begin = offset();
    out.world = "wac-import-" + letters(out_.pieces.size());
    std::string world = fmt::format("world {} {{ import ", out.world);
    if (is_word("interface") || is_word("func") || is_word("async")) {
      piece.before = fmt::format("{}item: ", world);
      if (is_word("interface")) {
        SEDGE_TRY(advance());
        if (!is_word("{")) return expected("`{`");
        SEDGE_TRY(skip_block());
        piece.after = " }";
      } else {
        while (!is_word(";")) {
          if (token_.kind == TokenKind::end) return expected("`;`");
          SEDGE_TRY(skip());
        }
        piece.after = "; }";
      }
    } else {
      SEDGE_TRY_ASSIGN(Name first, name("the type of the import"));
      if (is_word(":")) {
        SEDGE_TRY_ASSIGN(first, path_rest(std::move(first), true));
        out.path = first.text;
      }
      piece.before = world;
      piece.after = "; }";
    }
    piece.text = text_.substr(begin, offset() - begin);
    out_.pieces.push_back(std::move(piece));
    SEDGE_TRY(expect(";"));
    out_.statements.emplace_back(std::move(out));
    return {};
  }

  /// A number as a word that names in WIT may have.
  static std::string letters(size_t number) {
    std::string out;
    do out += static_cast<char>('a' + number % 26);
    while ((number /= 26) != 0);
    return out;
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

  wit::Lexer lexer_;
  std::string_view text_;
  Token token_;
  Document out_;
};

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser allows
void collect(const Expr& expr, std::vector<Name>& out) {
  if (const auto* inner = std::get_if<std::unique_ptr<Expr>>(&expr.primary)) collect(**inner, out);
  const auto* made = std::get_if<New>(&expr.primary);
  if (!made) return;
  for (const NewArgument& argument : made->arguments)
    if (argument.value) collect(*argument.value, out);
  if (std::ranges::none_of(out, [&](const Name& n) { return n.text == made->package.text; }))
    out.push_back(made->package);
}

}  // namespace

Result<Document> parse(const wit::Sources& sources, uint32_t source) {
  return Parser(sources, source).document();
}

std::vector<Name> used_packages(const Document& document) {
  std::vector<Name> out;
  for (const auto& statement : document.statements) {
    if (const auto* let = std::get_if<Let>(&statement)) collect(let->value, out);
    if (const auto* item = std::get_if<Export>(&statement)) collect(item->value, out);
  }
  return out;
}

}  // namespace sedge::compose::wac
