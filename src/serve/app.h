// The handler behind the HTTP server: finds the route, admits the request (limits, queue), runs the
// function in turns on the worker pool, and answers; with health checks, metrics and the access
// log.
#ifndef SEDGE_SERVE_APP_H_
#define SEDGE_SERVE_APP_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "net/http_server.h"
#include "serve/access_log.h"
#include "serve/config.h"
#include "serve/function.h"
#include "serve/metrics.h"
#include "serve/reactor.h"
#include "serve/router.h"
#include "serve/triggers.h"
#include "serve/turns.h"
#include "serve/worker_pool.h"

namespace sedge::serve {

/// Makes the function of a route; an error makes the route answer 503.
using FunctionFactory =
    std::function<Result<std::unique_ptr<Function>>(const RouteConfig& route, uint32_t pool_size)>;

class App final : public net::Handler {
 public:
  /// `log` and `diagnostics` outlive the app; `cores` is how many functions run at once normally,
  /// `memory_bytes` bounds how many wait at once.
  App(const RouterConfig& config, const FunctionFactory& make_function, uint32_t cores,
      uint64_t memory_bytes, AccessLog& log, AccessLog& diagnostics);
  /// Waits for the functions that run or wait.
  ~App() override;

  net::HeadVerdict check_head(net::Request& request) override;
  void handle(std::unique_ptr<net::Request> request, net::Responder responder) override;
  net::Response refuse(int status, std::string_view reason, std::string_view peer) override;

  /// Routes that cannot be run, each with its reason.
  const std::vector<Error>& broken_routes() const { return broken_; }
  size_t route_count() const { return routes_.size(); }
  /// How the route's function is spoken to; nothing if it cannot be run.
  std::optional<Kind> route_kind(size_t index) const;

  /// For /metrics; the server that this app answers for.
  void set_server(const net::HttpServer* server) { server_.store(server); }
  /// /readyz says 503 and nothing is triggered from now on.
  void begin_drain() {
    draining_.store(true, std::memory_order_relaxed);
    triggers_.reset();
  }
  /// Nothing is triggered from now on.
  void retire() { triggers_.reset(); }
  /// Whether no request is running or waiting.
  bool idle() const;
  /// Ends what still runs or waits (503).
  void interrupt_all();

 private:
  struct Call;
  struct Route;
  struct Context;
  struct Exchange;

  void admit(std::unique_ptr<Call> call);
  void start(std::unique_ptr<Call> call);
  void run(std::unique_ptr<Call> call);
  void start_triggers();
  void fire(Route& route, std::string event, Triggers::Done done);
  void give_turn(Route& route, Turns::Turn turn);
  void release_turn(Route& route);
  void leave(Route& route);
  void call_ended();
  void expire_queued();
  struct Lateness {
    int status;
    std::string_view error;
  };
  std::optional<Lateness> too_late(const Call& call) const;
  void stream(std::unique_ptr<Call> call, uint64_t started);
  /// What the call's function is given; error: the status and why.
  std::expected<FunctionInput, std::pair<int, std::string>> input_of(Call& call);
  void invoke(std::unique_ptr<Call> call, uint64_t started);
  net::Response response_of(Call& call, Result<std::string> output, std::string& problem);
  net::Response error_response(int status, std::string_view error, std::string_view request_id);
  void finish(const net::Request& request, const Context& context, Route* route,
              const net::Response& response, std::string_view problem, uint64_t started_ns);
  /// How long this response is kept because its route says so, which its fields say from then on.
  static std::optional<uint32_t> ttl_of_route(const RouteConfig& config, net::Response& response);
  void record(const net::Request& request, Route* route, const net::Response& response);
  void log(const net::Request& request, const Context& context, const Route* route, int status,
           uint64_t bytes_out, std::string_view problem, uint64_t started_ns);
  void answer(std::unique_ptr<Call> call, net::Response response, std::string_view problem,
              uint64_t started_ns = 0);
  bool is_builtin(std::string_view path) const;
  net::Response builtin(std::string_view path);
  std::string metrics_text() const;
  std::string make_request_id();

  std::vector<std::unique_ptr<Route>> routes_;
  Router router_;
  std::vector<Error> broken_;
  RouteMetrics unrouted_;  // requests that reach no route
  AccessLog& log_;
  AccessLog& diagnostics_;
  std::atomic<const net::HttpServer*> server_ = nullptr;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> interrupting_ = false;
  std::vector<std::string_view> builtins_;  // those that no route has taken
  const uint64_t id_seed_[2];
  std::atomic<uint64_t> id_counter_ = 0;
  std::atomic<uint32_t> calls_ = 0;   // that have begun and not ended
  std::atomic<uint32_t> asking_ = 0;  // threads that are handing a turn to the workers
  Reactor reactor_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<Triggers> triggers_;  // ends first
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_APP_H_
