// Modules and components made smaller or faster: by an outside optimiser where there is one, and by
// passes of our own. What comes out validates, or is what went in.
#ifndef SEDGE_OPTIMIZE_OPTIMIZE_H_
#define SEDGE_OPTIMIZE_OPTIMIZE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>
#include <sedge/feature.h>

#include "base/reader.h"
#include "optimize/shrink.h"

namespace sedge::optimize {

/// Optimises one core module, given whole; an error says why it could not.
using Tool = std::function<Result<std::vector<uint8_t>>(Bytes module)>;

struct Options {
  ShrinkOptions shrink;
  Tool tool;  ///< null: none
};

struct Optimized {
  std::vector<uint8_t> binary;
  size_t modules = 0;  ///< core modules in it
  size_t by_tool = 0;  ///< those of them that the outside optimiser made smaller
  /// Why the tool was not used for a module, each reason once.
  std::vector<std::string> notes;
};

/// A core module, or a component with the core modules inside, at every depth. Errors: those of
/// decoding and validating what is given.
Result<Optimized> optimize(Bytes binary, const Options& options);

}  // namespace sedge::optimize

#endif  // SEDGE_OPTIMIZE_OPTIMIZE_H_
