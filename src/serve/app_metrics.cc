// The paths that App answers by itself: health and metrics.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "serve/app_impl.h"

namespace sedge::serve {
namespace {

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
  std::string available, info, fired, capacity, idle, live, created, ready, limit, hits, misses,
      cached, cache_bytes;
  for (const auto& route : routes_) {
    route->metrics.append(families, route->labels);
    auto sample = [&](std::string& out, std::string_view name, uint64_t value) {
      out += fmt::format("{}{{{}}} {}\n", name, route->labels, value);
    };
    sample(available, "sedge_route_available", route->function ? 1 : 0);
    const RouteConfig& config = route->config;
    info += fmt::format(
        "sedge_route_info{{{},runtime={},backend={},kind={}}} 1\n", route->labels,
        label_value(config.runtime), label_value(config.backend.empty() ? "auto" : config.backend),
        label_value(to_string(route->function ? route->function->kind() : config.kind)));
    if (route->config.triggered())
      for (const auto& [outcome, count] : {std::pair("succeeded", &route->triggers.succeeded),
                                           std::pair("failed", &route->triggers.failed),
                                           std::pair("skipped", &route->triggers.skipped)})
        fired += fmt::format("sedge_triggers_total{{{},outcome=\"{}\"}} {}\n", route->labels,
                             outcome, count->load(std::memory_order_relaxed));
    if (!route->function) continue;
    PoolFigures figures = route->function->figures();
    sample(capacity, "sedge_pool_size", figures.capacity);
    sample(idle, "sedge_pool_idle", figures.idle);
    sample(live, "sedge_instances_live", figures.live);
    sample(created, "sedge_instances_created_total", figures.created);
    sample(ready, "sedge_instances_taken_ready_total", figures.taken_ready);
    ResponseCache::Figures cache = route->cache.figures();
    sample(hits, "sedge_cache_hits_total", cache.hits);
    sample(misses, "sedge_cache_misses_total", cache.misses);
    sample(cached, "sedge_cache_responses", cache.entries);
    sample(cache_bytes, "sedge_cache_bytes", cache.bytes);
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
  append_family(out, "sedge_route_info", "gauge", "What runs a route, and how it is spoken to.",
                info);
  append_family(out, "sedge_pool_size", "gauge", "Prepared instances to keep ready.", capacity);
  append_family(out, "sedge_pool_idle", "gauge", "Prepared instances that are ready.", idle);
  append_family(out, "sedge_instances_live", "gauge", "Instances that are ready or running.", live);
  append_family(out, "sedge_instances_created_total", "counter", "Instances made.", created);
  append_family(out, "sedge_instances_taken_ready_total", "counter",
                "Requests that found a prepared instance.", ready);
  append_family(out, "sedge_memory_limit_bytes", "gauge", "Memory limit of one instance.", limit);
  append_family(out, "sedge_triggers_total", "counter",
                "Events of schedules and folders, by outcome.", fired);
  append_family(out, "sedge_cache_hits_total", "counter", "Requests answered from the cache.",
                hits);
  append_family(out, "sedge_cache_misses_total", "counter",
                "Requests that could have been answered from the cache, and were not.", misses);
  append_family(out, "sedge_cache_responses", "gauge", "Responses kept.", cached);
  append_family(out, "sedge_cache_bytes", "gauge", "Bytes of the responses kept.", cache_bytes);
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
    single("sedge_request_bodies_bytes", "gauge", "Request bodies in memory.",
           server->bodies_bytes());
    single("sedge_connections_refused_total", "counter", "Connections beyond max_connections.",
           stats.connections_refused.load(kRelaxed));
    single("sedge_connection_timeouts_total", "counter", "Connections that were too slow.",
           stats.timeouts.load(kRelaxed));
    single("sedge_http2_connections_total", "counter", "Connections of HTTP/2.",
           stats.http2_connections.load(kRelaxed));
    single("sedge_http2_requests_total", "counter", "Requests that came by HTTP/2.",
           stats.http2_requests.load(kRelaxed));
    single("sedge_http2_streams_refused_total", "counter", "Requests beyond max_streams.",
           stats.http2_refused.load(kRelaxed));
    single("sedge_http2_floods_total", "counter", "Connections of HTTP/2 ended for their floods.",
           stats.http2_abuses.load(kRelaxed));
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
