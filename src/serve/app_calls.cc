// What App does in a call's turns: gives the function its input, makes a response of its output or
// passes on the one that it streams, and counts, keeps and logs it.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "net/body_pipe.h"
#include "net/chars.h"
#include "net/event_loop.h"
#include "serve/app_impl.h"
#include "serve/cgi.h"
#include "serve/content_encoding.h"
#include "serve/event_json.h"

namespace sedge::serve {
namespace {

constexpr size_t kMaxCopy = 256 << 10;  // of streamed content, for the cache

}  // namespace

// Why a request that has got its turn is not run any more.
std::optional<App::Lateness> App::too_late(const Call& call) const {
  if (interrupting_.load(std::memory_order_relaxed))
    return Lateness{503, "the server is shutting down"};
  if (std::chrono::steady_clock::now() >= call.deadline)
    return Lateness{504, "the request waited longer than the route's timeout_ms"};
  return std::nullopt;
}

// A function that answers by itself, while its content still comes.
struct App::Exchange {
  App& app;
  std::unique_ptr<Call> call;
  uint64_t started;
  std::optional<net::Responder> responder;  // none once the answer has been given
  std::shared_ptr<net::BodyPipe> content;   // of the answer
  int status = 0;
  uint64_t body_bytes = 0;            // of an answer without `content`
  std::optional<net::Response> kept;  // what goes to the route's cache when its content is there
  std::string problem;

  Route& route() const { return call->route; }
  /// Sends the answer. What is counted now is the time to its head; its content when it is there.
  void give(net::Response response, std::string_view why) {
    status = response.status;
    content = response.stream;
    body_bytes = response.body.size();
    problem = why;
    if (ttl_of_route(route().config, response) && call->request->method() == "GET") {
      kept = net::Response{.status = status, .headers = response.headers, .body = response.body};
      if (content) content->keep_copy(kMaxCopy);
    }
    app.record(*call->request, &route(), response);
    net::Responder to = *std::move(responder);
    responder.reset();
    to.respond(std::move(response));
  }
  void fail(int with, std::string_view why) {
    give(app.error_response(with, why, call->context().request_id), why);
  }
  void end(const Result<void>& ran);
};

void App::Exchange::end(const Result<void>& ran) {
  const std::string& request_id = call->context().request_id;
  if (!ran)
    app.diagnostics_.write_line(fmt::format("error: request {} on route {}: {}\n", request_id,
                                            route().config.path, ran.error().render()));
  if (responder) {
    if (ran)
      fail(502, "the function set no response");
    else
      fail(ran.error().info().http_status, ran.error().message());
  }
  if (content) {
    content->fail({net::HttpError::Kind::internal_error, "the function has ended"});
    body_bytes = content->total();
    std::optional<std::string> whole = content->take_copy();
    if (kept && whole)
      kept->body = *std::move(whole);
    else
      kept.reset();
    route().metrics.add_content(body_bytes);
  }
  if (kept)
    route().cache.put(*call->request, call->context().path, *kept, *route().config.edge_cache_ttl,
                      ResponseCache::Clock::now(), "x-request-id");
  if (!ran && problem.empty()) problem = ran.error().message();
  app.log(*call->request, call->context(), &route(), status, body_bytes, problem, started);
  call->request->stream->close_reader();
  Route& at = route();
  call.reset();  // a guest may keep what it answers with, and this by it, for longer
  at.metrics.in_flight.fetch_sub(1, std::memory_order_release);
  app.leave(at);
}

void App::stream(std::unique_ptr<Call> call, uint64_t started) {
  auto exchange = std::make_shared<Exchange>(*this, std::move(call), started);
  Call& of = *exchange->call;
  exchange->responder.emplace(std::move(of.responder));
  if (std::optional<Lateness> late = too_late(of)) {
    exchange->started = 0;
    exchange->fail(late->status, late->error);
    return exchange->end({});
  }
  of.route.function->handle(
      *of.request,
      [exchange](net::HttpResult<net::Response> response) {
        if (!exchange->responder) return;
        if (response && net::is_interim(response->status))
          return exchange->responder->respond(*std::move(response));
        if (response) {
          response->headers.emplace_back("X-Request-Id", exchange->call->context().request_id);
          return exchange->give(*std::move(response), {});
        }
        exchange->fail(502, "the function answered with an error: " + response.error().detail);
      },
      of.deadline, of.route, [exchange](const Result<void>& ran) { exchange->end(ran); });
}

std::expected<FunctionInput, std::pair<int, std::string>> App::input_of(Call& call) {
  const Context& context = call.context();
  if (std::optional<Lateness> late = too_late(call))
    return std::unexpected(std::pair(late->status, std::string(late->error)));
  EventContext event{context.request_id, context.path, &context.params};
  Result<std::string> input = std::string();
  Environment env;
  switch (call.route.function->kind()) {
    case Kind::pointer:
      input = std::move(call.request->body);
      break;
    case Kind::wcgi:
      env = cgi_environment(
          *call.request, {context.request_id, context.path, script_name(call.route.config.path)});
      input = std::move(call.request->body);
      break;
    case Kind::serverless:
      input = serverless_event(*call.request, event, std::time(nullptr));
      break;
    default:
      input = edge_event(*call.request, event);
      break;
  }
  if (!input) return std::unexpected(std::pair(415, input.error().message()));
  FunctionInput given(*std::move(input));
  given.env = std::move(env);
  return given;
}

void App::invoke(std::unique_ptr<Call> call, uint64_t started) {
  Call& of = *call;
  Route& at = of.route;
  auto input = input_of(of);
  if (!input) {
    const auto& [status, why] = input.error();
    answer(std::move(call), error_response(status, why, of.context().request_id), why, started);
    return leave(at);
  }
  auto done = [this, call = std::move(call), started](Result<std::string> output) mutable {
    Route& route = call->route;
    std::string problem;
    net::Response response = response_of(*call, std::move(output), problem);
    answer(std::move(call), std::move(response), problem, started);
    leave(route);
  };
  of.route.function->start(*std::move(input), of.deadline, of.route, std::move(done));
}

net::Response App::response_of(Call& call, Result<std::string> output, std::string& problem) {
  const Context& context = call.context();
  Result<FunctionResponse> response =
      !output ? Result<FunctionResponse>(fail(std::move(output).error()))
      : call.route.function->kind() == Kind::wcgi ? response_from_cgi(*output)
                                                  : response_from_output(*output);
  if (!response) {
    const Error& error = response.error();
    diagnostics_.write_line(fmt::format("error: request {} on route {}: {}\n", context.request_id,
                                        call.route.config.path, error.render()));
    problem = error.message();
    return error_response(error.info().http_status, problem, context.request_id);
  }
  if (!response->content_encoding.empty())
    encode_body(*response, response->content_encoding,
                call.request->find("accept-encoding").value_or(""));
  response->headers.emplace_back("X-Request-Id", context.request_id);
  if (!response->edge_cache_ttl)
    response->edge_cache_ttl = ttl_of_route(call.route.config, *response);
  if (response->edge_cache_ttl)
    call.route.cache.put(*call.request, context.path, *response, *response->edge_cache_ttl,
                         ResponseCache::Clock::now(), "x-request-id");
  return *std::move(response);
}

std::optional<uint32_t> App::ttl_of_route(const RouteConfig& config, net::Response& response) {
  if (!config.edge_cache_ttl || response.status != 200) return std::nullopt;
  bool said = std::ranges::any_of(response.headers, [](const auto& header) {
    return std::ranges::equal(header.first, std::string_view("cache-control"),
                              [](char a, char b) { return net::to_lower(a) == b; });
  });
  if (said) return std::nullopt;
  response.headers.emplace_back("Cache-Control",
                                fmt::format("s-maxage={}", *config.edge_cache_ttl));
  return config.edge_cache_ttl;
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
  record(request, route, response);
  log(request, context, route, response.status, response.body.size(), problem, started_ns);
}

void App::record(const net::Request& request, Route* route, const net::Response& response) {
  (route ? route->metrics : unrouted_)
      .record(response.status, net::now_ns() - request.received_ns, request.wire_bytes,
              response.body.size());
}

void App::log(const net::Request& request, const Context& context, const Route* route, int status,
              uint64_t bytes_out, std::string_view problem, uint64_t started_ns) {
  if (!log_.enabled()) return;
  uint64_t now = net::now_ns();
  AccessEntry entry;
  entry.request_id = context.request_id;
  entry.peer = request.peer;
  entry.method = request.method();
  entry.target = request.target();
  entry.protocol = request.protocol();
  entry.host = request.host();
  entry.user_agent = request.find("user-agent").value_or("");
  if (route) entry.route = route->config.path;
  entry.error = problem;
  entry.status = status;
  entry.bytes_in = request.wire_bytes + (request.stream ? request.stream->total() : 0);
  entry.bytes_out = bytes_out;
  entry.duration_ns = now - request.received_ns;
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

}  // namespace sedge::serve
