// Syntax → resolved packages: names, versions, feature gates, `include`, and what worlds import by
// implication (WIT.md, "Name resolution", "Transitive imports and worlds").
#ifndef SEDGE_WIT_RESOLVER_H_
#define SEDGE_WIT_RESOLVER_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "wit/model.h"
#include "wit/source.h"

namespace sedge::wit {

/// Which @unstable items are there; @since ones always are.
struct Gates {
  bool all = false;
  std::set<std::string, std::less<>> features;

  bool has(const Stability& stability) const {
    return stability.kind != Stability::Kind::unstable || all ||
           features.contains(stability.feature);
  }
};

/// What resolving needs to know beyond the result: names that gates left out.
struct Gated {
  /// "wasi:io/poll@0.2.0" for interfaces and worlds, with "#pollable" behind it for types.
  std::set<std::string, std::less<>> names;
};

/// Resolves the packages of `files`, the root's first, into `resolve`, which may hold packages that
/// they use. Returns the root package. Errors: wit_syntax, wit_invalid with file, line and column.
Result<PackageId> resolve_packages(Resolve& resolve, const Sources& sources,
                                   const std::vector<ast::File>& files, const Gates& gates);

/// One package whose dependencies are all there; a step of resolve_packages.
Result<PackageId> resolve_package(Resolve& resolve, const Sources& sources,
                                  const ast::Package& package, const Gates& gates, Gated& gated);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_RESOLVER_H_
