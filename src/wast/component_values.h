// Values of components in scripts.
#ifndef SEDGE_WAST_COMPONENT_VALUES_H_
#define SEDGE_WAST_COMPONENT_VALUES_H_

#include <sedge/component.h>

#include "wasm/text/script.h"

namespace sedge::wast {

/// The value that a script writes. Error: bad_argument.
Result<ComponentVal> to_component_val(const wasm::ScriptValue& value);

}  // namespace sedge::wast

#endif  // SEDGE_WAST_COMPONENT_VALUES_H_
