// Functions that are components: handlers of wasi:http, and commands that take JSON events.
#ifndef SEDGE_SERVE_COMPONENT_FUNCTION_H_
#define SEDGE_SERVE_COMPONENT_FUNCTION_H_

#include <memory>
#include <string>

#include <sedge/engine.h>
#include <sedge/error.h>

#include "serve/config.h"
#include "serve/function.h"
#include "serve/wasm_function.h"

namespace sedge::serve {

/// Whether the file is a component, in binary or text.
bool is_component_file(const std::string& path);

/// Loads the route's component and instantiates it once. Like load_wasm_function, also its errors.
Result<std::unique_ptr<Function>> load_component_function(const Engine& engine,
                                                          const RouteConfig& route,
                                                          const std::string& file,
                                                          uint32_t pool_size,
                                                          GuestStderr guest_stderr);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_COMPONENT_FUNCTION_H_
