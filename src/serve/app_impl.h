// The inside of App: what it knows of a route, a request and a call.
#ifndef SEDGE_SERVE_APP_IMPL_H_
#define SEDGE_SERVE_APP_IMPL_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "serve/app.h"
#include "serve/response_cache.h"

namespace sedge::serve {

// What check_head found out, for handle.
struct App::Context final : net::RequestContext {
  std::string request_id;
  std::string path;  // normalised
  PathParams params;
  Route* route = nullptr;
};

struct App::Call {
  std::unique_ptr<net::Request> request;
  net::Responder responder;
  Route& route;
  Deadline deadline;
  const Context& context() const { return static_cast<const Context&>(*request->context); }
};

struct App::Route final : Turns {
  App& app;
  RouteConfig config;
  std::unique_ptr<Function> function;  // null: cannot be run
  std::string labels;                  // for metrics
  uint64_t max_body_bytes = 0;
  uint32_t max_calls = 1;
  uint32_t max_running = 1;
  RouteMetrics metrics;
  ResponseCache cache;
  struct {
    std::atomic<uint64_t> succeeded = 0, failed = 0, skipped = 0;
  } triggers;

  Route(App& of, size_t cache_bytes) : app(of), cache(cache_bytes) {}
  void ask(Turn turn) override;
  Reactor& reactor() override { return app.reactor_; }

  std::mutex mutex;        // guards what follows
  uint32_t calls = 0;      // that have begun and not ended
  uint32_t running = 0;    // of them, those that have their turn
  std::deque<Turn> turns;  // of those that can go on; they come before new ones
  std::deque<std::unique_ptr<Call>> queue;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_APP_IMPL_H_
