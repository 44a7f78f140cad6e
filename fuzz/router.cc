// Any text as router.yaml: it is read, or every mistake in it is named.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "serve/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  using fuzz::require;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto config = serve::parse_router_config(text, "/nowhere/router.yaml");
  if (!config) {
    require(!config.error().empty(), "a file that is refused has a mistake");
    require(config.error().size() <= 20, "at most 20 mistakes are named");
    for (const Error& error : config.error()) {
      require(!error.message().empty(), "an error has a message");
    }
    return 0;
  }
  for (const serve::RouteConfig& route : config->routes) {
    require(route.path.empty() ? route.triggered() : route.path.front() == '/',
            "a route's path begins with '/', or something else triggers it");
    if (route.schedule) {
      auto next = route.schedule->next(1'700'000'000);
      require(!next || *next > 1'700'000'000, "a schedule goes forward");
    }
    require(!route.module.empty(), "a route has a module");
    for (const auto& [name, value] : route.variables)
      require(!name.empty() && name.find('=') == std::string::npos, "a value has a name");
  }
  return 0;
}
