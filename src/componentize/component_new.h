// A core module with its world → a component (`sedge component new`).
#ifndef SEDGE_COMPONENTIZE_COMPONENT_NEW_H_
#define SEDGE_COMPONENTIZE_COMPONENT_NEW_H_

#include <string>
#include <vector>

#include <sedge/error.h>

#include "base/reader.h"

namespace sedge::componentize {

struct Adapter {
  std::string name;  ///< the module name that it provides, such as "wasi_snapshot_preview1"
  Bytes module;
};

/// The component of a module whose custom sections say its world. Imports that nothing uses are
/// left out. With `plain_names` a function that is exported under its name alone (`add` or, for
/// `json-pretty`, `json_pretty`), with the core type that the world makes it, implements it where
/// nothing is exported under the full name. Errors: those of the module; no_component, naming the
/// import or export that does not fit; wit_invalid for a damaged section.
Result<std::vector<uint8_t>> component_new(Bytes module, const std::vector<Adapter>& adapters,
                                           bool plain_names = false);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_COMPONENT_NEW_H_
