// WAC: compositions of components as text (`sedge compose file.wac`). The language is that of the
// Bytecode Alliance's wac, version 0.10: package, import, let and export statements, `new` with
// inferred, named, spread and left-out (`...`) arguments, and WIT's own interfaces, worlds and
// types.
#ifndef SEDGE_COMPOSE_WAC_H_
#define SEDGE_COMPOSE_WAC_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sedge/error.h>

#include "component/ast.h"
#include "wit/source.h"

namespace sedge::compose {

namespace wac {

using wit::ast::Place;

/// A name as written; of a string, the text between the quotes.
struct Name {
  std::string text;
  Place place;
  bool exact = false;  ///< a string: stands for itself and no interface's last part
};

/// `ns:pkg@1.0.0`, or with an item `ns:pkg/item@1.0.0`.
struct Path {
  wit::PackageName package;
  std::string item;
  Place place;

  std::string to_string() const { return item.empty() ? package.to_string() : package.item(item); }
};

struct Expr;

struct NewArgument {
  enum class Kind : uint8_t { inferred, named, spread, fill };
  Kind kind = Kind::inferred;
  Name name;  ///< all but fill; spread, inferred: the local name
  std::unique_ptr<Expr> value;
};

struct New {
  Path package;
  std::vector<NewArgument> arguments;
};

/// A local name, `new`, or an expression in parentheses, with the accesses behind it.
struct Expr {
  std::variant<Name, New, std::unique_ptr<Expr>> primary;
  std::vector<Name> accesses;
  Place place;
};

struct Import {
  Name name;
  std::optional<Name> as;
  std::variant<wit::ast::Path, wit::ast::Func, wit::ast::Interface> type;
  std::string_view world = {};  ///< of the document's WIT: the world that imports it
  std::string_view item = {};   ///< that world's import; empty: its last
};
/// Of an interface, a world or a type.
struct Declaration {
  Name name;
  std::variant<wit::ast::Interface, wit::ast::World, wit::ast::TypeDecl> node;
};
struct Let {
  Name name;
  Expr value;
};
struct Export {
  Expr value;
  bool spread = false;
  std::optional<Name> as;
};

struct Document {
  Path package;
  std::optional<Path> targets;
  std::vector<std::variant<Import, Declaration, Let, Export>> statements;
};

/// Errors: wit_syntax with line and column. Views in the result point into `sources`.
Result<Document> parse(const wit::Sources& sources, uint32_t source);
/// The packages that `new` names, each once, in the order of the text.
std::vector<Path> used_packages(const Document& document);

/// The WIT of a document, as a package of plain WIT.
struct DocumentWit {
  wit::ast::File file;  ///< no items: the document has no WIT
  /// Imports each type of the document, and each function, as what it is called there; empty if
  /// there is none.
  std::string_view types;
  std::deque<std::string> names;  ///< views in `file` point to them
};
/// Moves interfaces and worlds out of the document; imports get their `world` and `item`. Names of
/// function types are replaced by what they stand for. Errors: wit_syntax, wit_invalid,
/// limit_exceeded.
Result<DocumentWit> take_wit(const wit::Sources& sources, uint32_t source, Document& document);

}  // namespace wac

/// What a composition's packages are: by name, components and packages of WIT.
struct WacInput {
  std::string path;  ///< of the document, for messages
  std::string text;
  /// The component called "ns:pkg" or "ns:pkg@1.0.0"; an error that says where it was looked for.
  std::function<Result<component::Component>(const std::string& name)> find;
  /// Packages of WIT that paths may name.
  wit::Resolve wit;
  /// Adds the package of that name, or without a version of any, and what it uses; an error that
  /// says where it was looked for. Null: there are no others.
  std::function<Result<void>(wit::Resolve& wit, const wit::PackageName& name)> find_wit;
};

/// Errors: wit_syntax, no_component, with line and column; those of types, see graph.h.
Result<component::Component> compose_wac(const WacInput& input);

}  // namespace sedge::compose

#endif  // SEDGE_COMPOSE_WAC_H_
