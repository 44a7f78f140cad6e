// Components from the command line, for commands that put them together.
#ifndef SEDGE_CLI_COMPOSE_PARTS_H_
#define SEDGE_CLI_COMPOSE_PARTS_H_

#include <string>
#include <string_view>
#include <utility>

#include "cli/options.h"
#include "component/ast.h"

namespace sedge::cli {

/// The component in a file, binary or text, not validated. Error for a core module:
/// not_a_component, with what makes a component of it.
Result<component::Component> read_component(std::string_view path);
/// "name" and "file" of "name:file" or "name=file"; a name may itself be that of an interface, such
/// as "ns:pkg/iface@1.0.0". The name is empty where there is a file alone.
std::pair<std::string, std::string> named_file(std::string_view text);
/// Writes the binary form to --output, or standard output.
Result<void> write_component(const Arguments& arguments, const component::Component& component);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_COMPOSE_PARTS_H_
