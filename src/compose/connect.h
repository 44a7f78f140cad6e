// One component whose imports others satisfy: what `sedge compose A --dependency …` and
// `sedge plug` do.
#ifndef SEDGE_COMPOSE_CONNECT_H_
#define SEDGE_COMPOSE_CONNECT_H_

#include <string>
#include <vector>

#include <sedge/error.h>

#include "component/ast.h"

namespace sedge::compose {

/// What an import is to be satisfied by: a dependency, or an export of it.
struct GivenArgument {
  std::string import;
  std::string dependency;
  std::string export_name;  ///< empty: the one that fits
};

/// A component, and what the user calls it.
struct Part {
  std::string name;   ///< of a dependency, which may be that of an import
  std::string label;  ///< for messages: its file
  component::Component component;
  std::vector<GivenArgument> arguments = {};  ///< others are found by name
};

struct ConnectOptions {
  /// Dependencies also satisfy each other's imports.
  bool chain = true;
  /// Imports that nothing satisfies are an error, not imports of the result.
  bool closed = false;
};

/// Instantiates `root` with exports of the dependencies: with that of the same name, else of a
/// compatible version; a dependency that is called like an import and has no such export is itself
/// the instance. All exports of `root` are exported, and imports that are left are imported, shared
/// where names match. Errors: no_component for a dependency that satisfies nothing, two that
/// satisfy the same, and cycles; type_mismatch.
Result<component::Component> connect(Part root, std::vector<Part> dependencies,
                                     ConnectOptions options);

}  // namespace sedge::compose

#endif  // SEDGE_COMPOSE_CONNECT_H_
