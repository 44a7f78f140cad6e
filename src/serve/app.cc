// The way of a request: check_head (route, method, size) → handle → admit (slot, queue or 429) →
// run on a worker → answer. A route's slots bound how many of its requests run; the worker pool
// decides how many threads that takes.
#include "serve/app.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "net/chars.h"
#include "net/event_loop.h"
#include "serve/event_json.h"

namespace sedge::serve {
namespace {

constexpr uint32_t kMaxThreads = 256;
constexpr std::string_view kBuiltins[] = {"/healthz", "/readyz", "/metrics"};

uint64_t random_seed() {
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = net::now_ns();
  return seed;
}

// A bijective mixer (the finaliser of splitmix64): distinct counters give distinct ids.
uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// An id from outside is kept if it is plain enough for logs and headers.
bool is_request_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 && std::ranges::all_of(id, [](char c) {
    return net::is_digit(c) || (net::to_lower(c) >= 'a' && net::to_lower(c) <= 'z') ||
           std::string_view("-_.:/+=").find(c) != std::string_view::npos;
  });
}

uint64_t resident_bytes() {
  FILE* file = std::fopen("/proc/self/statm", "re");
  if (!file) return 0;
  char line[128] = {};
  const bool read = std::fgets(line, sizeof(line), file) != nullptr;
  std::fclose(file);
  if (!read) return 0;
  char* second = nullptr;
  std::strtoull(line, &second, 10);  // all pages; the resident ones come second
  return std::strtoull(second, nullptr, 10) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

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

struct App::Route {
  RouteConfig config;
  std::unique_ptr<Function> function;  // null: cannot be run
  std::string labels;                  // for metrics
  uint64_t max_body_bytes = 0;
  uint32_t max_concurrency = 1;
  RouteMetrics metrics;

  std::mutex mutex;
  uint32_t running = 0;  // guarded by mutex, as is the queue
  std::deque<std::unique_ptr<Call>> queue;
};

App::App(const RouterConfig& config, const FunctionFactory& make_function, uint32_t cores,
         AccessLog& log, AccessLog& diagnostics)
    : router_(config.routes),
      log_(log),
      diagnostics_(diagnostics),
      id_seed_{random_seed(), random_seed()} {
  uint64_t slots = 0;
  for (const RouteConfig& route_config : config.routes) {
    auto route = std::make_unique<Route>();
    route->config = route_config;
    route->labels = "route=" + label_value(route_config.host + route_config.path);
    if (!route_config.methods.empty()) {
      std::string methods;
      for (const std::string& method : route_config.methods)
        methods += (methods.empty() ? "" : ",") + method;
      route->labels += ",methods=" + label_value(methods);
    }
    uint32_t pool_size = route_config.pool_size.value_or(cores);
    route->max_body_bytes = route_config.max_body_bytes.value_or(config.max_body_bytes);
    route->max_concurrency =
        route_config.max_concurrency.value_or(std::max({4 * cores, pool_size, 8U}));
    Result<std::unique_ptr<Function>> function = make_function(route_config, pool_size);
    if (function) {
      route->function = *std::move(function);
      slots += route->max_concurrency;
    } else {
      broken_.push_back(std::move(function).error());
    }
    routes_.push_back(std::move(route));
  }
  for (std::string_view path : kBuiltins)
    if (std::ranges::none_of(config.routes,
                             [&](const RouteConfig& route) { return route.path == path; }))
      builtins_.push_back(path);
  // A thread for every slot: then no route can take the threads that another needs.
  workers_ = std::make_unique<WorkerPool>(
      cores, static_cast<uint32_t>(std::min<uint64_t>(slots, kMaxThreads)),
      [this] { expire_queued(); });
  for (auto& route : routes_)
    if (route->function)
      workers_->submit([&function = *route->function] {
        while (function.prepare()) {
        }
      });
}

App::~App() { workers_.reset(); }

std::optional<Kind> App::route_kind(size_t index) const {
  const Route& route = *routes_[index];
  return route.function ? std::optional(route.function->kind()) : std::nullopt;
}

std::string App::make_request_id() {
  uint64_t count = id_counter_.fetch_add(1, std::memory_order_relaxed);
  return fmt::format("{:016x}{:016x}", mix(id_seed_[0] + count), mix(id_seed_[1] ^ count));
}

bool App::is_builtin(std::string_view path) const {
  return std::ranges::find(builtins_, path) != builtins_.end();
}

// ---- On the loop's thread
// -------------------------------------------------------------------------

net::HeadVerdict App::check_head(net::Request& request) {
  auto owned = std::make_unique<Context>();
  Context& context = *owned;
  request.context = std::move(owned);
  auto inbound = request.find("x-request-id");
  context.request_id =
      inbound && is_request_id(*inbound) ? std::string(*inbound) : make_request_id();
  auto refusal = [&](int status, std::string_view error, Route* route,
                     std::string_view allow = {}) {
    net::Response response = error_response(status, error, context.request_id);
    if (!allow.empty()) response.headers.emplace_back("Allow", allow);
    finish(request, context, route, response, error, 0);
    return net::HeadVerdict{.max_body_bytes = 0, .refusal = std::move(response)};
  };
  std::optional<std::string> path = normalize_path(request.path());
  if (!path) return refusal(400, "the path has a malformed percent escape", nullptr);
  context.path = *std::move(path);
  if (is_builtin(context.path)) {
    if (request.method() != "GET" && request.method() != "HEAD")
      return refusal(405, "this path takes GET only", nullptr, "GET, HEAD");
    return {.max_body_bytes = 0, .refusal = {}};
  }
  Router::Match match = router_.match(request.host(), context.path, request.method());
  if (match.outcome == Router::Match::Outcome::not_found)
    return refusal(404, "no route for this path", nullptr);
  Route& route = *routes_[match.route];
  if (match.outcome == Router::Match::Outcome::method_not_allowed)
    return refusal(405, fmt::format("this path does not take {}", request.method()), &route,
                   match.allow);
  if (!route.function)
    return refusal(503, "this route's function cannot be run: see the server's log", &route);
  context.route = &route;
  context.params = std::move(match.params);
  return {.max_body_bytes = route.max_body_bytes, .refusal = {}};
}

void App::handle(std::unique_ptr<net::Request> request, net::Responder responder) {
  auto& context = static_cast<Context&>(*request->context);
  if (!context.route) {
    net::Response response = builtin(context.path);
    finish(*request, context, nullptr, response, {}, 0);
    responder.respond(std::move(response));
    return;
  }
  Route& route = *context.route;
  auto age = std::chrono::nanoseconds(net::now_ns() - request->received_ns);
  Deadline arrived = std::chrono::steady_clock::now() - age;
  admit(std::make_unique<Call>(Call{std::move(request), std::move(responder), route,
                                    arrived + std::chrono::milliseconds(route.config.timeout_ms)}));
}

net::Response App::refuse(int status, std::string_view reason, std::string_view peer) {
  std::string request_id = make_request_id();
  net::Response response = error_response(status, reason, request_id);
  unrouted_.record(status, 0, 0, response.body.size());
  AccessEntry entry;
  entry.request_id = request_id;
  entry.peer = peer;
  entry.error = reason;
  entry.status = status;
  entry.bytes_out = response.body.size();
  log_.write(entry);
  return response;
}

void App::admit(std::unique_ptr<Call> call) {
  Route& route = call->route;
  route.metrics.in_flight.fetch_add(1, std::memory_order_relaxed);
  bool full = false;
  {
    std::lock_guard lock(route.mutex);
    if (route.running < route.max_concurrency) {
      ++route.running;
    } else if (route.queue.size() < route.config.queue) {
      route.queue.push_back(std::move(call));
      route.metrics.queued.fetch_add(1, std::memory_order_relaxed);
      return;
    } else {
      full = true;
    }
  }
  if (!full) return start(std::move(call));
  constexpr std::string_view kError = "too many requests wait for this route";
  net::Response response = error_response(429, kError, call->context().request_id);
  response.headers.emplace_back("Retry-After", "1");
  answer(std::move(call), std::move(response), kError);
}

// ---- On the workers' threads
// ----------------------------------------------------------------------

void App::start(std::unique_ptr<Call> call) {
  workers_->submit([this, call = std::move(call)]() mutable { run(std::move(call)); });
}

void App::run(std::unique_ptr<Call> call) {
  Route& route = call->route;
  uint64_t started = net::now_ns();
  std::string problem;
  net::Response response = invoke(*call, problem);
  answer(std::move(call), std::move(response), problem, started);
  release_slot(route);
  // The answer is on its way; now there is time for the next instance.
  route.function->prepare();
}

void App::release_slot(Route& route) {
  std::unique_ptr<Call> next;
  {
    std::lock_guard lock(route.mutex);
    if (route.queue.empty()) {
      --route.running;
      return;
    }
    next = std::move(route.queue.front());
    route.queue.pop_front();
    route.metrics.queued.fetch_sub(1, std::memory_order_relaxed);
  }
  start(std::move(next));
}

net::Response App::invoke(Call& call, std::string& problem) {
  const Context& context = call.context();
  auto refusal = [&](int status, std::string_view error) {
    problem = error;
    return error_response(status, error, context.request_id);
  };
  if (interrupting_.load(std::memory_order_relaxed))
    return refusal(503, "the server is shutting down");
  if (std::chrono::steady_clock::now() >= call.deadline)
    return refusal(504, "the request waited longer than the route's timeout_ms");

  Function& function = *call.route.function;
  EventContext event{context.request_id, context.path, &context.params};
  Result<std::string> input = std::string();
  switch (function.kind()) {
    case Kind::pointer:
      input = std::move(call.request->body);
      break;
    case Kind::serverless:
      input = serverless_event(*call.request, event, std::time(nullptr));
      break;
    default:
      input = edge_event(*call.request, event);
      break;
  }
  if (!input) return refusal(415, input.error().message());
  Result<std::string> output = function.invoke(*std::move(input), call.deadline);
  Result<net::Response> response = output ? response_from_output(*output)
                                          : Result<net::Response>(fail(std::move(output).error()));
  if (!response) {
    const Error& error = response.error();
    diagnostics_.write_line(fmt::format("error: request {} on route {}: {}\n", context.request_id,
                                        call.route.config.path, error.render()));
    return refusal(error.info().http_status, error.message());
  }
  response->headers.emplace_back("X-Request-Id", context.request_id);
  if (auto ttl = call.route.config.edge_cache_ttl; ttl && response->status == 200) {
    bool said = std::ranges::any_of(response->headers, [](const auto& header) {
      return std::ranges::equal(header.first, std::string_view("cache-control"),
                                [](char a, char b) { return net::to_lower(a) == b; });
    });
    if (!said) response->headers.emplace_back("Cache-Control", fmt::format("s-maxage={}", *ttl));
  }
  return *std::move(response);
}

// Sends the answer and counts it. `started_ns` is 0 if the function was never begun.
void App::answer(std::unique_ptr<Call> call, net::Response response, std::string_view problem,
                 uint64_t started_ns) {
  // Counted first: whoever has the answer finds it in the metrics.
  call->route.metrics.in_flight.fetch_sub(1, std::memory_order_relaxed);
  finish(*call->request, call->context(), &call->route, response, problem, started_ns);
  call->responder.respond(std::move(response));
}

void App::finish(const net::Request& request, const Context& context, Route* route,
                 const net::Response& response, std::string_view problem, uint64_t started_ns) {
  uint64_t now = net::now_ns();
  uint64_t duration = now - request.received_ns;
  (route ? route->metrics : unrouted_)
      .record(response.status, duration, request.wire_bytes, response.body.size());
  if (!log_.enabled()) return;
  AccessEntry entry;
  entry.request_id = context.request_id;
  entry.peer = request.peer;
  entry.method = request.method();
  entry.target = request.target();
  entry.host = request.host();
  entry.user_agent = request.find("user-agent").value_or("");
  if (route) entry.route = route->config.path;
  entry.error = problem;
  entry.status = response.status;
  entry.bytes_in = request.wire_bytes;
  entry.bytes_out = response.body.size();
  entry.duration_ns = duration;
  if (started_ns > 0) {
    entry.queue_ns = started_ns - request.received_ns;
    entry.run_ns = now - started_ns;
  }
  log_.write(entry);
}

net::Response App::error_response(int status, std::string_view error, std::string_view request_id) {
  net::Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.headers.emplace_back("X-Request-Id", request_id);
  response.body = error_body(error, request_id);
  return response;
}

// On the pool's watching thread: a request must not wait longer for its turn than it may take.
void App::expire_queued() {
  Deadline now = std::chrono::steady_clock::now();
  bool all = interrupting_.load(std::memory_order_relaxed);
  for (auto& route : routes_) {
    if (route->metrics.queued.load(std::memory_order_relaxed) == 0) continue;
    std::vector<std::unique_ptr<Call>> expired;
    {
      // All have the same timeout, so those at the front expire first.
      std::lock_guard lock(route->mutex);
      while (!route->queue.empty() && (all || route->queue.front()->deadline <= now)) {
        expired.push_back(std::move(route->queue.front()));
        route->queue.pop_front();
        route->metrics.queued.fetch_sub(1, std::memory_order_relaxed);
      }
    }
    std::string_view error = all ? "the server is shutting down"
                                 : "the request waited longer than the route's timeout_ms";
    for (auto& call : expired) {
      net::Response response = error_response(all ? 503 : 504, error, call->context().request_id);
      answer(std::move(call), std::move(response), error);
    }
  }
}

void App::interrupt_all() {
  interrupting_.store(true, std::memory_order_relaxed);
  for (auto& route : routes_)
    if (route->function) route->function->interrupt_all();
  expire_queued();
}

// ---- The server's own paths
// -----------------------------------------------------------------------

net::Response App::builtin(std::string_view path) {
  net::Response response;
  response.headers.emplace_back("Cache-Control", "no-store");
  if (path == "/metrics") {
    response.headers.emplace_back("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = metrics_text();
    return response;
  }
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  bool ready = path == "/healthz" || !draining_.load(std::memory_order_relaxed);
  response.status = ready ? 200 : 503;
  response.body = ready ? "ok\n" : "draining\n";
  return response;
}

std::string App::metrics_text() const {
  RouteMetrics::Families families;
  std::string available, capacity, idle, live, created, ready, limit;
  for (const auto& route : routes_) {
    route->metrics.append(families, route->labels);
    auto sample = [&](std::string& out, std::string_view name, uint64_t value) {
      out += fmt::format("{}{{{}}} {}\n", name, route->labels, value);
    };
    sample(available, "sedge_route_available", route->function ? 1 : 0);
    if (!route->function) continue;
    PoolFigures figures = route->function->figures();
    sample(capacity, "sedge_pool_size", figures.capacity);
    sample(idle, "sedge_pool_idle", figures.idle);
    sample(live, "sedge_instances_live", figures.live);
    sample(created, "sedge_instances_created_total", figures.created);
    sample(ready, "sedge_instances_taken_ready_total", figures.taken_ready);
    if (figures.memory_limit_bytes)
      sample(limit, "sedge_memory_limit_bytes", figures.memory_limit_bytes);
  }
  unrouted_.append(families, "route=\"\"");

  std::string out;
  append_family(out, "sedge_http_requests_total", "counter", "Requests by route and status.",
                families.requests);
  append_family(out, "sedge_http_request_duration_seconds", "histogram",
                "From the first byte of a request to its answer.", families.duration);
  append_family(out, "sedge_requests_in_flight", "gauge", "Requests that run or wait.",
                families.in_flight);
  append_family(out, "sedge_requests_queued", "gauge", "Requests that wait for their turn.",
                families.queued);
  append_family(out, "sedge_http_request_bytes_total", "counter", "Bytes of requests received.",
                families.bytes_in);
  append_family(out, "sedge_http_response_body_bytes_total", "counter", "Bytes of response bodies.",
                families.bytes_out);
  append_family(out, "sedge_route_available", "gauge", "Whether the route's function can be run.",
                available);
  append_family(out, "sedge_pool_size", "gauge", "Prepared instances to keep ready.", capacity);
  append_family(out, "sedge_pool_idle", "gauge", "Prepared instances that are ready.", idle);
  append_family(out, "sedge_instances_live", "gauge", "Instances that are ready or running.", live);
  append_family(out, "sedge_instances_created_total", "counter", "Instances made.", created);
  append_family(out, "sedge_instances_taken_ready_total", "counter",
                "Requests that found a prepared instance.", ready);
  append_family(out, "sedge_memory_limit_bytes", "gauge", "Memory limit of one instance.", limit);
  auto single = [&](std::string_view name, std::string_view type, std::string_view help,
                    auto value) {
    append_family(out, name, type, help, fmt::format("{} {}\n", name, value));
  };
  if (const net::HttpServer* server = server_.load()) {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    const net::HttpServerStats& stats = server->stats();
    single("sedge_connections_open", "gauge", "Open connections.",
           stats.connections_open.load(kRelaxed));
    single("sedge_connections_accepted_total", "counter", "Connections accepted.",
           stats.connections_accepted.load(kRelaxed));
    single("sedge_connections_refused_total", "counter", "Connections beyond max_connections.",
           stats.connections_refused.load(kRelaxed));
    single("sedge_connection_timeouts_total", "counter", "Connections that were too slow.",
           stats.timeouts.load(kRelaxed));
    single("sedge_network_receive_bytes_total", "counter", "Bytes received.",
           stats.bytes_received.load(kRelaxed));
    single("sedge_network_transmit_bytes_total", "counter", "Bytes sent.",
           stats.bytes_sent.load(kRelaxed));
  }
  single("sedge_worker_threads", "gauge", "Threads that run functions.", workers_->threads());
  single("sedge_access_log_dropped_total", "counter", "Log lines dropped.", log_.dropped());
  single("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  return out;
}

}  // namespace sedge::serve
