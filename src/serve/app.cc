// The way of a request: check_head (route, method, size) → handle → admit (slot, queue or 429) →
// run on a worker → answer. A call that waits gives its turn to the route's next and asks for
// another when it can go on. A route's slots bound how many of its calls are there at once, and how
// many of them run; the worker pool decides how many threads that takes.
#include "serve/app.h"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "net/chars.h"
#include "net/event_loop.h"
#include "serve/app_impl.h"

namespace sedge::serve {
namespace {

constexpr uint32_t kMaxThreads = 256;
constexpr uint32_t kMaxWaiting = 1000;           // calls of a route, if it does not say more
constexpr uint64_t kWaitingBytes = 16ull << 20;  // of memory that one may take, if it does not say
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

}  // namespace

App::App(const RouterConfig& config, const FunctionFactory& make_function, uint32_t cores,
         uint64_t memory_bytes, AccessLog& log, AccessLog& diagnostics)
    : router_(config.routes),
      log_(log),
      diagnostics_(diagnostics),
      id_seed_{random_seed(), random_seed()} {
  uint64_t slots = 0;
  for (const RouteConfig& route_config : config.routes) {
    auto route = std::make_unique<Route>(*this, uint64_t{route_config.edge_cache_mb} << 20);
    route->config = route_config;
    route->labels = "route=" + label_value(route_config.label());
    if (!route_config.methods.empty()) {
      std::string methods;
      for (const std::string& method : route_config.methods)
        methods += (methods.empty() ? "" : ",") + method;
      route->labels += ",methods=" + label_value(methods);
    }
    uint32_t pool_size = route_config.pool_size.value_or(cores);
    route->max_body_bytes = route_config.max_body_bytes.value_or(config.max_body_bytes);
    const uint32_t usual = std::max({4 * cores, pool_size, 8U});
    route->max_calls = route->max_running = route_config.max_concurrency.value_or(usual);
    Result<std::unique_ptr<Function>> function = make_function(route_config, pool_size);
    if (function) {
      route->function = *std::move(function);
      if (route->function->parks()) {
        uint64_t each = route_config.memory_limit_mb ? uint64_t{*route_config.memory_limit_mb} << 20
                                                     : kWaitingBytes;
        auto fit = static_cast<uint32_t>(std::min<uint64_t>(memory_bytes / 2 / each, kMaxWaiting));
        route->max_calls = route_config.max_concurrency.value_or(std::max(usual, fit));
        route->max_running = std::min(route->max_calls, usual);
      }
      slots += route->max_running;
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
  start_triggers();
}

App::~App() {
  triggers_.reset();
  // Calls that wait ask for turns: they end before the workers do.
  for (uint32_t left; (left = calls_.load()) != 0;) calls_.wait(left);
  while (asking_.load() != 0) std::this_thread::yield();
  workers_.reset();
}

std::optional<Kind> App::route_kind(size_t index) const {
  const Route& route = *routes_[index];
  return route.function ? std::optional(route.function->kind()) : std::nullopt;
}

bool App::idle() const {
  return std::ranges::all_of(routes_, [](const auto& route) {
    return route->metrics.in_flight.load(std::memory_order_acquire) == 0;
  });
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
    return net::HeadVerdict{.max_body_bytes = 0, .stream = false, .refusal = std::move(response)};
  };
  std::optional<std::string> path = normalize_path(request.path());
  if (!path) return refusal(400, "the path has a malformed percent escape", nullptr);
  context.path = *std::move(path);
  if (is_builtin(context.path)) {
    if (request.method() != "GET" && request.method() != "HEAD")
      return refusal(405, "this path takes GET only", nullptr, "GET, HEAD");
    return {.max_body_bytes = 0, .stream = false, .refusal = {}};
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
  return {.max_body_bytes = route.max_body_bytes,
          .stream = route.function->kind() == Kind::wasi_http,
          .refusal = {}};
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
  if (auto kept = route.cache.find(*request, context.path, ResponseCache::Clock::now())) {
    kept->headers.emplace_back("X-Request-Id", context.request_id);
    finish(*request, context, &route, *kept, {}, 0);
    responder.respond(*std::move(kept));
    return;
  }
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
    if (route.running < route.max_running && route.calls < route.max_calls) {
      ++route.running;
      ++route.calls;
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
  Route& route = call->route;
  calls_.fetch_add(1);
  give_turn(route, [this, call = std::move(call)]() mutable { run(std::move(call)); });
}

void App::run(std::unique_ptr<Call> call) {
  uint64_t started = net::now_ns();
  if (call->route.function->kind() == Kind::wasi_http)
    stream(std::move(call), started);
  else
    invoke(std::move(call), started);
}

void App::Route::ask(Turn turn) {
  app.asking_.fetch_add(1);
  std::unique_lock lock(mutex);
  if (running < max_running) {
    ++running;
    lock.unlock();
    app.give_turn(*this, std::move(turn));
  } else {
    turns.push_back(std::move(turn));
    lock.unlock();
  }
  app.asking_.fetch_sub(1);  // from here on the app may be gone
}

void App::give_turn(Route& route, Turns::Turn turn) {
  workers_->submit([this, &route, turn = std::move(turn)]() mutable {
    turn();
    turn = nullptr;
    release_turn(route);
    // The answer is on its way, or the guest waits; now there is time for the next instance.
    route.function->prepare();
  });
}

// Whoever comes next has the turn that has ended.
void App::release_turn(Route& route) {
  Turns::Turn turn;
  std::unique_ptr<Call> call;
  {
    std::lock_guard lock(route.mutex);
    if (!route.turns.empty()) {
      turn = std::move(route.turns.front());
      route.turns.pop_front();
    } else if (!route.queue.empty() && route.calls < route.max_calls) {
      call = std::move(route.queue.front());
      route.queue.pop_front();
      route.metrics.queued.fetch_sub(1, std::memory_order_relaxed);
      ++route.calls;
    } else {
      --route.running;
    }
  }
  if (turn) give_turn(route, std::move(turn));
  if (call) start(std::move(call));
}

// In the last turn of a call, whose end lets the next one in.
void App::leave(Route& route) {
  {
    std::lock_guard lock(route.mutex);
    --route.calls;
  }
  call_ended();
}

void App::call_ended() {
  calls_.fetch_sub(1);
  calls_.notify_all();
}

// ---- Triggers
// -------------------------------------------------------------------------------------

void App::start_triggers() {
  std::vector<Trigger> triggers;
  for (size_t i = 0; i < routes_.size(); ++i) {
    const RouteConfig& config = routes_[i]->config;
    if (!routes_[i]->function) continue;
    if (config.schedule)
      triggers.push_back(
          {i, config.schedule, config.task.empty() ? config.label() : config.task, {}});
    if (!config.events.empty()) triggers.push_back({i, std::nullopt, {}, config.events});
  }
  if (triggers.empty()) return;
  triggers_ = std::make_unique<Triggers>(
      std::move(triggers),
      [this](size_t route, std::string event, Triggers::Done done) {
        fire(*routes_[route], std::move(event), std::move(done));
      },
      [this](size_t route) {
        routes_[route]->triggers.skipped.fetch_add(1, std::memory_order_relaxed);
      });
}

void App::fire(Route& route, std::string event, Triggers::Done done) {
  route.metrics.in_flight.fetch_add(1, std::memory_order_relaxed);
  calls_.fetch_add(1);
  // Events take no request's slot, and wait for none.
  workers_->submit([this, &route, event = std::move(event), done = std::move(done)]() mutable {
    Deadline deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(route.config.timeout_ms);
    auto ended = [this, &route, done = std::move(done)](Result<std::string> output) {
      auto& count = output ? route.triggers.succeeded : route.triggers.failed;
      count.fetch_add(1, std::memory_order_relaxed);
      if (!output)
        diagnostics_.write_line(fmt::format("error: trigger of {}: {}\n", route.config.label(),
                                            output.error().render()));
      done(std::move(output));
      route.metrics.in_flight.fetch_sub(1, std::memory_order_release);
      call_ended();
    };
    route.function->start(std::move(event), deadline, route, std::move(ended));
    route.function->prepare();
  });
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

}  // namespace sedge::serve
