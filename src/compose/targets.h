// Whether a component conforms to a world of WIT.
#ifndef SEDGE_COMPOSE_TARGETS_H_
#define SEDGE_COMPOSE_TARGETS_H_

#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "component/ast.h"
#include "wit/model.h"

namespace sedge::compose {

/// Whether the component may stand where one of the world is asked for: it imports nothing that the
/// world does not have, and exports everything that the world exports, each in the same version or
/// a compatible one, with types that fit. Error type_mismatch: all that is missing or differs, a
/// line each.
Result<void> check_targets(const component::Component& component, std::string_view label,
                           const wit::Resolve& resolve, wit::WorldId world);

}  // namespace sedge::compose

#endif  // SEDGE_COMPOSE_TARGETS_H_
