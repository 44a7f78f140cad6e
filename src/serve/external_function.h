// Functions that another, installed runtime runs: a process per call, with the event on its
// standard input.
#ifndef SEDGE_SERVE_EXTERNAL_FUNCTION_H_
#define SEDGE_SERVE_EXTERNAL_FUNCTION_H_

#include <memory>
#include <string>

#include <sedge/error.h>

#include "serve/config.h"
#include "serve/function.h"
#include "serve/wasm_function.h"

namespace sedge::serve {

/// Finds the program of the route's runtime on the PATH; links to sedge itself do not count.
/// Errors, with the route's place: file_not_found, config_syntax for what such a process cannot be
/// told.
Result<std::unique_ptr<BlockingFunction>> load_external_function(const RouteConfig& route,
                                                                 const std::string& file,
                                                                 GuestStderr guest_stderr);

/// The command line that runs the route's module with `program`; without what a call adds.
std::vector<std::string> external_command(
    const RouteConfig& route, const std::string& program,
    const std::vector<std::pair<std::string, std::string>>& env);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_EXTERNAL_FUNCTION_H_
