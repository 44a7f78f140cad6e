// Putting the parts together, and the life of the process: start, announce, wait for a signal,
// drain.
#include "serve/serve.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/cpu.h"
#include "engine/tier_names.h"
#include "net/signals.h"
#include "serve/component_function.h"
#include "serve/external_function.h"
#include "serve/file_watch.h"
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

// One engine for each tier that a route asks for.
class Engines {
 public:
  /// A tier that this build lacks is announced; `auto` stands in for it.
  static Result<Engines> create(const RouterConfig& config, Config engine_config,
                                const std::function<void(std::string_view)>& announce) {
    Engines engines;
    engine_config.interruptible = true;
    SEDGE_TRY(engines.add(engine_config));
    for (const RouteConfig& route : config.routes) {
      engine_config.tier = tier_named(route.backend).value_or(Tier::automatic);
      if (engines.by_tier_.contains(engine_config.tier)) continue;
      if (Engine::has(engine_config.tier))
        SEDGE_TRY(engines.add(engine_config));
      else
        announce(fmt::format("backend {} of {}: this build has no {} compiler; tier auto runs it",
                             route.backend, route.label(), to_string(engine_config.tier)));
    }
    return engines;
  }
  const Engine& of(const RouteConfig& route) const {
    auto found = by_tier_.find(tier_named(route.backend).value_or(Tier::automatic));
    return found != by_tier_.end() ? found->second : by_tier_.at(Tier::automatic);
  }

 private:
  Result<void> add(const Config& config) {
    SEDGE_TRY_ASSIGN(Engine engine, Engine::create(config));
    by_tier_.emplace(config.tier, std::move(engine));
    return {};
  }
  std::map<Tier, Engine> by_tier_;
};

constexpr int kWatchMs = 1000;

// Reports all but the last mistake, which is the result: the caller shows it like any other error.
Error report_all(std::vector<Error> errors, const std::function<void(const Error&)>& report) {
  for (size_t i = 0; i + 1 < errors.size(); ++i)
    if (report) report(errors[i]);
  return std::move(errors.back());
}

std::vector<std::string> files_of(const RouterConfig& config) {
  std::vector<std::string> files = {config.file};
  for (const RouteConfig& route : config.routes) files.push_back(route.module);
  return files;
}

void announce_routes(const RouterConfig& config, const App& app,
                     const std::function<void(std::string_view)>& announce) {
  for (size_t i = 0; i < config.routes.size(); ++i) {
    const RouteConfig& route = config.routes[i];
    std::optional<Kind> kind = app.route_kind(i);
    announce(fmt::format("{} → {} ({})", route.label(), route.module,
                         kind ? to_string(*kind) : "cannot be run: answers 503"));
  }
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
    return fail(report_all(std::move(config).error(), options.report));
  }
  SEDGE_TRY_ASSIGN(net::SignalWaiter signals, net::SignalWaiter::create({SIGTERM, SIGINT, SIGHUP}));
  raise_descriptor_limit();
  // One arena per core, not eight: instances come and go on every thread.
  ::mallopt(M_ARENA_MAX, static_cast<int>(available_cores()));
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
  SEDGE_TRY_ASSIGN(Engines engines, Engines::create(*config, options.engine, announce));
  // Never destroyed: the process ends after it, and what sedgec still does for the cache goes on.
  [[maybe_unused]] static const Engines& kept = *new Engines(engines);
  auto factory_for = [&](const RouterConfig& routes, const Engines& with) -> FunctionFactory {
    return [&](const RouteConfig& route, uint32_t pool_size) -> Result<std::unique_ptr<Function>> {
      if (route.external_engine) return load_external_function(route, routes.file, guest_stderr);
      if (is_component_file(route.module))
        return load_component_function(with.of(route), route, routes.file, pool_size, guest_stderr);
      return load_wasm_function(with.of(route), route, routes.file, pool_size, guest_stderr);
    };
  };
  SEDGE_TRY_ASSIGN(
      std::unique_ptr<Server> server,
      Server::start(*config, factory_for(*config, engines), options.strict, options.report));
  running = server.get();
  announce_routes(*config, *server->app(), announce);
  for (const net::Address& address : server->addresses())
    announce(fmt::format("listening on http://{}", address.to_string()));

  FileWatch watch;
  watch.watch(files_of(*config));
  auto reload = [&]() -> Result<void> {
    auto fresh = configure(options);
    if (!fresh) return fail(report_all(std::move(fresh).error(), options.report));
    SEDGE_TRY_ASSIGN(Engines fresh_engines, Engines::create(*fresh, options.engine, announce));
    SEDGE_TRY(
        server->reload(*fresh, factory_for(*fresh, fresh_engines), options.strict, options.report));
    announce_routes(*fresh, *server->app(), announce);
    if (fresh->listen != config->listen || fresh->workers != config->workers)
      announce("`listen` and `workers` change with a restart only");
    watch.watch(files_of(*fresh));
    config = std::move(fresh);
    return {};
  };
  for (;;) {
    int signal = signals.wait(kWatchMs);
    if (signal == SIGTERM || signal == SIGINT) break;
    server->sweep();
    if (signal != SIGHUP && !(config->watch && watch.changed())) continue;
    announce(signal == SIGHUP ? "reloading: SIGHUP" : "reloading: a file has changed");
    if (auto done = reload(); !done) {
      if (options.report) options.report(done.error());
      announce("the routes stay as they were");
    }
  }
  announce(fmt::format("draining for at most {} ms; signal again to stop at once",
                       config->drain_timeout_ms));
  server->drain(config->drain_timeout_ms);
  while (!server->finished()) {
    if (int signal = signals.wait(20); signal == SIGTERM || signal == SIGINT) {
      server->interrupt_all();
      return 1;
    }
    server->poll_drain();
  }
  bool clean = server->wait();
  if (!clean) announce("some requests did not finish in time and were cut");
  return clean ? 0 : 1;
}

}  // namespace sedge::serve
