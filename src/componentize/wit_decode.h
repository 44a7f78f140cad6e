// The WIT of a component: of a package in binary form, or of what a component imports and exports.
#ifndef SEDGE_COMPONENTIZE_WIT_DECODE_H_
#define SEDGE_COMPONENTIZE_WIT_DECODE_H_

#include "base/reader.h"
#include "component/ast.h"
#include "componentize/wit_encode.h"
#include "wit/model.h"

namespace sedge::componentize {

struct DecodedWit {
  wit::Resolve resolve;
  wit::PackageId root = wit::kNone;
  bool is_package = false;          ///< else `world` says what the component imports and exports
  wit::WorldId world = wit::kNone;  ///< kNone for a package without worlds
  StringEncoding encoding = StringEncoding::utf8;
};

/// Whether the component is a package of WIT in binary form: all its exports are types.
bool is_wit_package(const component::Component& component);

/// Errors: wit_invalid where something has no form in WIT; limit_exceeded.
Result<DecodedWit> decode_wit(const component::Component& component);
/// The world that a core module's custom section carries.
struct DecodedWorld {
  wit::WorldId world = wit::kNone;
  StringEncoding encoding = StringEncoding::utf8;
};
/// Adds it; a world of the same name may be there already.
Result<DecodedWorld> decode_world_into(wit::Resolve& resolve,
                                       const component::Component& component);
/// Adds a package in binary form to packages that are there already; those that both know are
/// joined.
Result<wit::PackageId> decode_package_into(wit::Resolve& resolve,
                                           const component::Component& component);
/// The same of a binary: a component, or a core module's custom section.
Result<DecodedWit> decode_wit(Bytes binary);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_WIT_DECODE_H_
