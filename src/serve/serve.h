// `sedge serve`: from a router file or a single module to a running server and its orderly end.
#ifndef SEDGE_SERVE_SERVE_H_
#define SEDGE_SERVE_SERVE_H_

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/engine.h>
#include <sedge/error.h>

#include "serve/config.h"

namespace sedge::serve {

/// What the command line says. What it leaves out comes from the router file, then from defaults.
struct ServeOptions {
  std::string file;                 ///< router.yaml, its ConfigMap form, or a module
  std::vector<std::string> listen;  ///< default 127.0.0.1:8080
  std::optional<uint32_t> workers;  ///< event loops
  std::optional<std::string> log;   ///< stdout (default), stderr, none, or a path
  std::optional<uint32_t> drain_timeout_ms;
  bool strict = false;                             ///< refuse to start if any route cannot be run
  RouteConfig single;                              ///< for a module: everything but path and module
  Config engine;                                   ///< but for the tier, which routes choose
  std::function<void(const Error&)> report;        ///< shows an error to the user
  std::function<void(std::string_view)> announce;  ///< shows a line to the user
};

/// The configuration that `options` describe. On failure every mistake.
std::expected<RouterConfig, std::vector<Error>> configure(const ServeOptions& options);

/// Serves until SIGTERM or SIGINT, then drains (a second signal ends at once). The exit status.
Result<int> serve_main(const ServeOptions& options);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_SERVE_H_
