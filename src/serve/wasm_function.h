// Functions that are WebAssembly modules: commands (JSON on stdin and stdout) and pointer
// functions, each call in a fresh instance with a store of its own.
#ifndef SEDGE_SERVE_WASM_FUNCTION_H_
#define SEDGE_SERVE_WASM_FUNCTION_H_

#include <functional>
#include <memory>
#include <string_view>

#include <sedge/engine.h>
#include <sedge/error.h>

#include "serve/config.h"
#include "serve/function.h"

namespace sedge::serve {

/// Takes what guests print on stderr, a piece at a time. Any thread.
using GuestStderr = std::function<void(std::string_view route, std::string_view text)>;

/// Loads the route's module, finds out how it is spoken to, links it and instantiates it once, so
/// that what would stop it from running is said now. `file` is the router file, for messages.
/// Errors: those of loading, linking and instantiating; unsupported_file for what this version
/// cannot run; config_syntax for a route that does not fit its module. Each begins with the route's
/// place.
Result<std::unique_ptr<BlockingFunction>> load_wasm_function(const Engine& engine,
                                                             const RouteConfig& route,
                                                             const std::string& file,
                                                             uint32_t pool_size,
                                                             GuestStderr guest_stderr);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_WASM_FUNCTION_H_
