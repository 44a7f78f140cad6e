// Starting and ending the parts of a server.
#include "serve/server.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/cpu.h"
#include "base/mapping.h"
#include "net/event_loop.h"

namespace sedge::serve {
namespace {

/// What this process may use: its control group's limit (version 2) or the machine's memory.
uint64_t memory_bytes() {
  uint64_t bytes =
      static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(page_size());
  if (FILE* file = std::fopen("/sys/fs/cgroup/memory.max", "re")) {
    uint64_t limit = 0;
    char text[32] = {};
    if (std::fgets(text, sizeof text, file)) limit = std::strtoull(text, nullptr, 10);
    std::fclose(file);
    if (limit > 0) bytes = std::min(bytes, limit);  // "max" reads as 0
  }
  return bytes;
}

constexpr uint32_t kCutGraceMs = 3000;  // for the 503s of what was interrupted, on a busy machine

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const RouterConfig& config,
                                              const FunctionFactory& make_function, bool strict,
                                              const std::function<void(const Error&)>& report) {
  net::HttpServerOptions http;
  for (const std::string& text : config.listen) {
    SEDGE_TRY_ASSIGN(net::Address address, net::Address::parse(text));
    http.listen.push_back(address);
  }
  uint32_t cores = available_cores();
  http.loops = config.workers.value_or(cores);
  http.max_connections = config.max_connections;
  http.http2 = config.http2;
  http.max_streams = config.max_streams;
  http.max_bodies_bytes = std::max(memory_bytes() / 4, config.max_body_bytes);
  http.limits.max_header_bytes = config.max_header_bytes;
  http.limits.max_request_line = std::min(config.max_header_bytes, 8192U);
  http.limits.max_body_bytes = config.max_body_bytes;
  http.header_timeout_ms = config.header_timeout_ms;
  http.idle_timeout_ms = config.idle_timeout_ms;
  http.body_timeout_ms = config.body_timeout_ms;

  std::unique_ptr<Server> server(new Server());
  SEDGE_TRY_ASSIGN(server->log_, AccessLog::open(config.log.value_or("stdout")));
  SEDGE_TRY_ASSIGN(server->diagnostics_, AccessLog::open("stderr"));
  SEDGE_TRY_ASSIGN(std::unique_ptr<App> app,
                   server->make_app(config, make_function, strict, report));
  server->switch_ = std::make_unique<AppSwitch>(std::move(app));
  SEDGE_TRY_ASSIGN(server->http_, net::HttpServer::start(http, *server->switch_));
  server->app()->set_server(server->http_.get());
  return server;
}

Result<std::unique_ptr<App>> Server::make_app(const RouterConfig& config,
                                              const FunctionFactory& make_function, bool strict,
                                              const std::function<void(const Error&)>& report) {
  auto app = std::make_unique<App>(config, make_function, available_cores(), memory_bytes(), *log_,
                                   *diagnostics_);
  const std::vector<Error>& broken = app->broken_routes();
  if (report)
    for (const Error& error : broken) report(error);
  if (!broken.empty() && (strict || broken.size() == app->route_count()))
    return fail(Error(ErrorCode::config_syntax,
                      fmt::format(": {} of {} routes in {} cannot be run", broken.size(),
                                  app->route_count(), config.file)));
  return app;
}

Result<void> Server::reload(const RouterConfig& config, const FunctionFactory& make_function,
                            bool strict, const std::function<void(const Error&)>& report) {
  SEDGE_TRY_ASSIGN(std::unique_ptr<App> app, make_app(config, make_function, strict, report));
  app->set_server(http_.get());
  switch_->replace(std::move(app));
  return {};
}

Server::~Server() {
  // The loops end first, then the functions that still run, then the logs they write to.
  if (http_) {
    http_->drain(0);
    http_->wait();
  }
  if (switch_) switch_->interrupt_all();
  switch_.reset();
  http_.reset();
}

void Server::drain(uint32_t deadline_ms) {
  app()->begin_drain();
  drain_deadline_ns_ = net::now_ns() + uint64_t{deadline_ms} * 1'000'000;
  http_->drain(deadline_ms + kCutGraceMs);
}

void Server::poll_drain() {
  if (drain_deadline_ns_ != 0 && net::now_ns() >= drain_deadline_ns_) switch_->interrupt_all();
}

bool Server::wait() {
  while (!finished()) {
    poll_drain();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return http_->wait();
}

}  // namespace sedge::serve
