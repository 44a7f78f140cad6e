// Binary format → component::Component. Specification: Binary.md of the Component Model.
#ifndef SEDGE_COMPONENT_DECODE_H_
#define SEDGE_COMPONENT_DECODE_H_

#include <memory>

#include <sedge/error.h>

#include "base/reader.h"
#include "component/ast.h"

namespace sedge::component {

/// Whether the bytes begin with a component's header (a core module's has another layer).
bool is_component(Bytes binary);

/// Decodes a component with everything nested in it, apart from core modules, which stay bytes.
/// Checks structure and encoding only. `owner` keeps `binary` alive and may be null if the caller
/// outlives the component. The component-name section is parsed and ignored as a whole where it is
/// malformed. Errors: phase malformed with the byte offset; limit_exceeded beyond the limits of
/// ast.h; invalid where the specification says so of an encoding.
Result<Component> decode(Bytes binary, std::shared_ptr<const void> owner);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_DECODE_H_
