// Text format → component::Component, and back. Specification: Explainer.md, "Grammar".
#ifndef SEDGE_COMPONENT_TEXT_TEXT_H_
#define SEDGE_COMPONENT_TEXT_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "component/ast.h"

namespace sedge::component {

/// Whether a text is a component: it begins with "(component", white space and comments aside.
bool is_component_text(std::string_view text);

/// Parses one component: `(component …)`. Sugar becomes definitions of its own, before the one that
/// it stands in; core modules become binaries; ids become names. Errors: phase malformed with line
/// and column (in bytes); limit_exceeded.
Result<Component> parse_component(std::string_view text);

/// Parses and encodes: text → binary.
Result<std::vector<uint8_t>> assemble(std::string_view text);

struct PrintOptions {
  bool names = true;      ///< use names from the name section as $ids
  bool skeleton = false;  ///< no bodies of core functions
};

/// Prints a decoded component, each definition on its own, without sugar. Parsing the result and
/// encoding it gives the component back, in the canonical form that `encode` writes.
std::string print_component(const Component& component, const PrintOptions& options = {});

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_TEXT_TEXT_H_
