// Starting and ending the parts of a server.
#include "serve/server.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "net/event_loop.h"

namespace sedge::serve {
namespace {

constexpr uint32_t kCutGraceMs = 1000;  // for the 503s of what was interrupted

}  // namespace

uint32_t available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
    return static_cast<uint32_t>(CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

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
  http.limits.max_header_bytes = config.max_header_bytes;
  http.limits.max_request_line = std::min(config.max_header_bytes, 8192U);
  http.limits.max_body_bytes = config.max_body_bytes;
  http.header_timeout_ms = config.header_timeout_ms;
  http.idle_timeout_ms = config.idle_timeout_ms;
  http.body_timeout_ms = config.body_timeout_ms;

  std::unique_ptr<Server> server(new Server());
  SEDGE_TRY_ASSIGN(server->log_, AccessLog::open(config.log.value_or("stdout")));
  SEDGE_TRY_ASSIGN(server->diagnostics_, AccessLog::open("stderr"));
  server->app_ =
      std::make_unique<App>(config, make_function, cores, *server->log_, *server->diagnostics_);
  const std::vector<Error>& broken = server->app_->broken_routes();
  if (report)
    for (const Error& error : broken) report(error);
  if (!broken.empty() && (strict || broken.size() == server->app_->route_count()))
    return fail(Error(ErrorCode::config_syntax,
                      fmt::format(": {} of {} routes in {} cannot be run", broken.size(),
                                  server->app_->route_count(), config.file)));
  SEDGE_TRY_ASSIGN(server->http_, net::HttpServer::start(http, *server->app_));
  server->app_->set_server(server->http_.get());
  return server;
}

Server::~Server() {
  // The loops end first, then the functions that still run, then the logs they write to.
  if (http_) {
    http_->drain(0);
    http_->wait();
  }
  if (app_) app_->interrupt_all();
  app_.reset();
  http_.reset();
}

void Server::drain(uint32_t deadline_ms) {
  app_->begin_drain();
  drain_deadline_ns_ = net::now_ns() + uint64_t{deadline_ms} * 1'000'000;
  http_->drain(deadline_ms + kCutGraceMs);
}

void Server::poll_drain() {
  if (drain_deadline_ns_ != 0 && net::now_ns() >= drain_deadline_ns_) app_->interrupt_all();
}

bool Server::wait() {
  while (!finished()) {
    poll_drain();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return http_->wait();
}

}  // namespace sedge::serve
