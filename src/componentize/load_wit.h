// WIT from wherever it is: text, a package in binary form, a component, a core module with a world.
#ifndef SEDGE_COMPONENTIZE_LOAD_WIT_H_
#define SEDGE_COMPONENTIZE_LOAD_WIT_H_

#include <string>

#include "wit/load.h"

namespace sedge::componentize {

/// Like wit::load, and also takes components and core modules, in binary or text form; `deps` may
/// hold packages in binary form. A component gives the package "root:component" with the world
/// "root"; `options.gates` have no part in binary forms. Errors: those of wit::load and of
/// decoding; no_component for a module without a world.
Result<wit::Loaded> load_wit(const std::string& path, wit::LoadOptions options);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_LOAD_WIT_H_
