// Putting the parts together, and the life of the process: start, announce, wait for a signal,
// drain.
#include "serve/serve.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "net/signals.h"
#include "serve/server.h"
#include "serve/wasm_function.h"

namespace sedge::serve {
namespace {

// A server may need a descriptor for each of its connections; the soft limit is often 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool is_module_file(const std::string& path) {
  if (path.ends_with(".wasm") || path.ends_with(".wat")) return true;
  FILE* file = std::fopen(path.c_str(), "re");
  if (!file) return false;
  char head[4] = {};
  bool module = std::fread(head, 1, 4, file) == 4 &&
                std::string_view(head, 4) == std::string_view("\0asm", 4);
  std::fclose(file);
  return module;
}

}  // namespace

std::expected<RouterConfig, std::vector<Error>> configure(const ServeOptions& options) {
  RouterConfig config;
  if (is_module_file(options.file)) {
    config.file = options.file;
    RouteConfig route = options.single;
    route.path = "/*";
    route.module = options.file;
    config.routes.push_back(std::move(route));
  } else {
    auto loaded = load_router_config(options.file);
    if (!loaded) return std::unexpected(std::move(loaded).error());
    config = *std::move(loaded);
  }
  if (!options.listen.empty()) config.listen = options.listen;
  if (config.listen.empty()) config.listen = {"127.0.0.1:8080"};
  if (options.workers) config.workers = options.workers;
  if (options.log) config.log = options.log;
  if (options.drain_timeout_ms) config.drain_timeout_ms = *options.drain_timeout_ms;
  return config;
}

Result<int> serve_main(const ServeOptions& options) {
  auto announce = [&](std::string_view line) {
    if (options.announce) options.announce(line);
  };
  auto config = configure(options);
  if (!config) {
    // The last mistake is the result; the caller shows it like any other error.
    std::vector<Error>& errors = config.error();
    for (size_t i = 0; i + 1 < errors.size(); ++i)
      if (options.report) options.report(errors[i]);
    return fail(std::move(errors.back()));
  }
  SEDGE_TRY_ASSIGN(net::SignalWaiter signals, net::SignalWaiter::create({SIGTERM, SIGINT}));
  raise_descriptor_limit();
  // One arena per core, not eight: instances come and go on every thread.
  ::mallopt(M_ARENA_MAX, static_cast<int>(available_cores()));
  Config engine_config;
  engine_config.features = options.features;
  engine_config.interruptible = true;
  SEDGE_TRY_ASSIGN(Engine engine, Engine::create(engine_config));

  std::atomic<Server*> running = nullptr;
  GuestStderr guest_stderr = [&](std::string_view route, std::string_view text) {
    Server* server = running;
    if (!server) return;
    std::string lines;
    while (!text.empty()) {
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      lines += fmt::format("{}: {}\n", route, line);
    }
    server->diagnostics().write_line(lines);
  };
  FunctionFactory factory = [&](const RouteConfig& route, uint32_t pool_size) {
    return load_wasm_function(engine, route, config->file, pool_size, guest_stderr);
  };
  SEDGE_TRY_ASSIGN(std::unique_ptr<Server> server,
                   Server::start(*config, factory, options.strict, options.report));
  running = server.get();
  for (size_t i = 0; i < config->routes.size(); ++i) {
    const RouteConfig& route = config->routes[i];
    std::optional<Kind> kind = server->app().route_kind(i);
    announce(fmt::format("{}{} → {} ({})", route.host, route.path, route.module,
                         kind ? to_string(*kind) : "cannot be run: answers 503"));
  }
  for (const net::Address& address : server->addresses())
    announce(fmt::format("listening on http://{}", address.to_string()));

  while (signals.wait(-1) == 0) {
  }
  announce(fmt::format("draining for at most {} ms; signal again to stop at once",
                       config->drain_timeout_ms));
  server->drain(config->drain_timeout_ms);
  while (!server->finished()) {
    if (signals.wait(20) != 0) {
      server->app().interrupt_all();
      return 1;
    }
    server->poll_drain();
  }
  bool clean = server->wait();
  if (!clean) announce("some requests did not finish in time and were cut");
  return clean ? 0 : 1;
}

}  // namespace sedge::serve
