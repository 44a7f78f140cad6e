// Worlds as a whole: `include`, and the imports that follow from used types.
#ifndef SEDGE_WIT_WORLD_H_
#define SEDGE_WIT_WORLD_H_

#include <expected>
#include <string>
#include <vector>

#include "wit/model.h"

namespace sedge::wit {

/// What is wrong, for the caller to say where.
using Checked = std::expected<void, std::string>;

struct Rename {
  std::string from;
  std::string to;
};

/// Adds the imports and exports of `included` to `world`, plain names changed as `renames` say.
/// Types that `included` owns are copied.
Checked include_world(Resolve& resolve, WorldId world, WorldId included,
                      const std::vector<Rename>& renames);

/// Adds the interfaces that imports and exports use types of, and orders everything: interfaces,
/// types, functions. Wrong: an export that would need an interface as import and as export.
Checked complete_world(Resolve& resolve, WorldId world);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_WORLD_H_
