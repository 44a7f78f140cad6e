// A core module for a world that does nothing yet (`sedge component embed --dummy`).
#ifndef SEDGE_COMPONENTIZE_DUMMY_MODULE_H_
#define SEDGE_COMPONENTIZE_DUMMY_MODULE_H_

#include <cstdint>
#include <vector>

#include <sedge/error.h>

#include "wit/model.h"

namespace sedge::componentize {

/// Imports everything that the world lets it import, and exports what the world asks for: functions
/// that trap. Errors: those of assembling.
Result<std::vector<uint8_t>> dummy_module(const wit::Resolve& resolve, wit::WorldId world);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_DUMMY_MODULE_H_
