// component::Component → binary format. Specification: Binary.md of the Component Model.
#ifndef SEDGE_COMPONENT_ENCODE_H_
#define SEDGE_COMPONENT_ENCODE_H_

#include <cstdint>
#include <vector>

#include "component/ast.h"

namespace sedge::component {

/// The binary form, canonical: shortest LEB128, neighbouring definitions of one kind in one
/// section, names as a component-name section at the end. Core modules are copied as they are.
std::vector<uint8_t> encode(const Component& component);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_ENCODE_H_
