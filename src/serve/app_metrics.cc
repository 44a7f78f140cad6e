// The paths that App answers by itself: health and metrics.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
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

// A figure of each route whose function can be run.
struct RouteFigure {
  std::string_view name, type, help;
  uint64_t (*value)(const PoolFigures& pool, const ResponseCache::Figures& cache);
};

constexpr RouteFigure kRouteFigures[] = {
    {"sedge_pool_size", "gauge", "Prepared instances to keep ready.",
     [](auto& pool, auto&) -> uint64_t { return pool.capacity; }},
    {"sedge_pool_idle", "gauge", "Prepared instances that are ready.",
     [](auto& pool, auto&) -> uint64_t { return pool.idle; }},
    {"sedge_instances_live", "gauge", "Instances that are ready or running.",
     [](auto& pool, auto&) -> uint64_t { return pool.live; }},
    {"sedge_instances_created_total", "counter", "Instances made.",
     [](auto& pool, auto&) -> uint64_t { return pool.created; }},
    {"sedge_instances_taken_ready_total", "counter", "Requests that found a prepared instance.",
     [](auto& pool, auto&) -> uint64_t { return pool.taken_ready; }},
    {"sedge_cache_hits_total", "counter", "Requests answered from the cache.",
     [](auto&, auto& cache) -> uint64_t { return cache.hits; }},
    {"sedge_cache_misses_total", "counter",
     "Requests that could have been answered from the cache, and were not.",
     [](auto&, auto& cache) -> uint64_t { return cache.misses; }},
    {"sedge_cache_responses", "gauge", "Responses kept.",
     [](auto&, auto& cache) -> uint64_t { return cache.entries; }},
    {"sedge_cache_bytes", "gauge", "Bytes of the responses kept.",
     [](auto&, auto& cache) -> uint64_t { return cache.bytes; }},
};

// A figure of the server's connections.
struct ServerFigure {
  std::string_view name, type, help;
  int64_t (*value)(const net::HttpServerStats& stats);
};

template <auto Member>
int64_t counted(const net::HttpServerStats& stats) {
  return static_cast<int64_t>((stats.*Member).load(std::memory_order_relaxed));
}

using Stats = net::HttpServerStats;
constexpr ServerFigure kServerFigures[] = {
    {"sedge_connections_open", "gauge", "Open connections.", counted<&Stats::connections_open>},
    {"sedge_connections_accepted_total", "counter", "Connections accepted.",
     counted<&Stats::connections_accepted>},
    {"sedge_connections_refused_total", "counter", "Connections beyond max_connections.",
     counted<&Stats::connections_refused>},
    {"sedge_connection_timeouts_total", "counter", "Connections that were too slow.",
     counted<&Stats::timeouts>},
    {"sedge_http2_connections_total", "counter", "Connections of HTTP/2.",
     counted<&Stats::http2_connections>},
    {"sedge_http2_requests_total", "counter", "Requests that came by HTTP/2.",
     counted<&Stats::http2_requests>},
    {"sedge_http2_streams_refused_total", "counter", "Requests beyond max_streams.",
     counted<&Stats::http2_refused>},
    {"sedge_http2_floods_total", "counter", "Connections of HTTP/2 ended for their floods.",
     counted<&Stats::http2_abuses>},
    {"sedge_network_receive_bytes_total", "counter", "Bytes received.",
     counted<&Stats::bytes_received>},
    {"sedge_network_transmit_bytes_total", "counter", "Bytes sent.", counted<&Stats::bytes_sent>},
};

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
  std::string available, info, fired, limit;
  std::array<std::string, std::size(kRouteFigures)> figures;
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
    const PoolFigures pool = route->function->figures();
    const ResponseCache::Figures cache = route->cache.figures();
    for (size_t i = 0; i < figures.size(); ++i)
      sample(figures[i], kRouteFigures[i].name, kRouteFigures[i].value(pool, cache));
    if (pool.memory_limit_bytes) sample(limit, "sedge_memory_limit_bytes", pool.memory_limit_bytes);
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
  append_family(out, "sedge_memory_limit_bytes", "gauge", "Memory limit of one instance.", limit);
  append_family(out, "sedge_triggers_total", "counter",
                "Events of schedules and folders, by outcome.", fired);
  for (size_t i = 0; i < figures.size(); ++i)
    append_family(out, kRouteFigures[i].name, kRouteFigures[i].type, kRouteFigures[i].help,
                  figures[i]);
  auto single = [&](std::string_view name, std::string_view type, std::string_view help,
                    auto value) {
    append_family(out, name, type, help, fmt::format("{} {}\n", name, value));
  };
  if (const net::HttpServer* server = server_.load()) {
    for (const ServerFigure& figure : kServerFigures)
      single(figure.name, figure.type, figure.help, figure.value(server->stats()));
    single("sedge_request_bodies_bytes", "gauge", "Request bodies in memory.",
           server->bodies_bytes());
  }
  single("sedge_worker_threads", "gauge", "Threads that run functions.", workers_->threads());
  single("sedge_access_log_dropped_total", "counter", "Log lines dropped.", log_.dropped());
  single("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  return out;
}

}  // namespace sedge::serve
