// WAC: compositions of components as text (`sedge compose file.wac`). The language is that of the
// Bytecode Alliance's wac, version 0.10: package, import, let and export statements, `new` with
// inferred, named, spread and left-out (`...`) arguments, and WIT's own interfaces and worlds.
#ifndef SEDGE_COMPOSE_WAC_H_
#define SEDGE_COMPOSE_WAC_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sedge/error.h>

#include "component/ast.h"
#include "wit/load.h"
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

struct Expr;

struct NewArgument {
  enum class Kind : uint8_t { inferred, named, spread, fill };
  Kind kind = Kind::inferred;
  Name name;  ///< all but fill; spread, inferred: the local name
  std::unique_ptr<Expr> value;
};

struct New {
  Name package;  ///< "ns:pkg@1.0.0"
  std::vector<NewArgument> arguments;
};

/// A local name, `new`, or an expression in parentheses, with the accesses behind it.
struct Expr {
  std::variant<Name, New, std::unique_ptr<Expr>> primary;
  std::vector<Name> accesses;
  Place place;
};

/// A piece of WIT inside of the document: where it stands, and what has to be around it.
struct WitPiece {
  std::string before;
  std::string_view text;
  std::string after;
  Place place;
};

struct Import {
  Name name;
  std::optional<Name> as;
  std::string world;  ///< a world that imports it alone, among the pieces
  std::string path;   ///< "ns:pkg/iface@1.0.0" for an import by path
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
  std::string package;
  Place place;
  std::optional<Name> targets;  ///< "ns:pkg/world@1.0.0"
  std::vector<std::variant<Import, Let, Export>> statements;
  std::vector<WitPiece> pieces;
};

/// Errors: wit_syntax with line and column. Views in the result point into `sources`.
Result<Document> parse(const wit::Sources& sources, uint32_t source);
/// The packages that `new` names, each once, in the order of the text.
std::vector<Name> used_packages(const Document& document);

}  // namespace wac

/// What a composition's packages are: by name, components and packages of WIT.
struct WacInput {
  std::string path;  ///< of the document, for messages
  std::string text;
  /// The component called "ns:pkg" or "ns:pkg@1.0.0"; an error that says where it was looked for.
  std::function<Result<component::Component>(const std::string& name)> find;
  /// Packages of WIT that paths may name.
  wit::Resolve wit;
};

/// Errors: wit_syntax, no_component, with line and column; those of types, see graph.h.
Result<component::Component> compose_wac(const WacInput& input);

}  // namespace sedge::compose

#endif  // SEDGE_COMPOSE_WAC_H_
