// Recording and printing metrics.
#include "serve/metrics.h"

#include <algorithm>

#include <fmt/format.h>

namespace sedge::serve {

void RouteMetrics::record(int status, uint64_t latency_ns, uint64_t bytes_in, uint64_t bytes_out) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  by_status_[static_cast<size_t>(std::clamp(status, 0, 599))].fetch_add(1, kRelaxed);
  double seconds = static_cast<double>(latency_ns) * 1e-9;
  auto bucket = std::ranges::lower_bound(kLatencyBounds, seconds) - kLatencyBounds.begin();
  latency_[static_cast<size_t>(bucket)].fetch_add(1, kRelaxed);
  latency_sum_ns_.fetch_add(latency_ns, kRelaxed);
  bytes_in_.fetch_add(bytes_in, kRelaxed);
  bytes_out_.fetch_add(bytes_out, kRelaxed);
}

void RouteMetrics::append(Families& families, std::string_view labels) const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  for (size_t status = 0; status < by_status_.size(); ++status)
    if (uint64_t count = by_status_[status].load(kRelaxed))
      families.requests +=
          fmt::format("sedge_http_requests_total{{{},status=\"{}\"}} {}\n", labels, status, count);
  uint64_t total = 0;
  for (size_t i = 0; i < latency_.size(); ++i) {
    total += latency_[i].load(kRelaxed);
    families.duration += fmt::format(
        "sedge_http_request_duration_seconds_bucket{{{},le=\"{}\"}} {}\n", labels,
        i < kLatencyBounds.size() ? fmt::format("{}", kLatencyBounds[i]) : "+Inf", total);
  }
  families.duration += fmt::format(
      "sedge_http_request_duration_seconds_sum{{{}}} {}\n"
      "sedge_http_request_duration_seconds_count{{{}}} {}\n",
      labels, static_cast<double>(latency_sum_ns_.load(kRelaxed)) * 1e-9, labels, total);
  auto sample = [&](std::string& family, std::string_view name, auto value) {
    family += fmt::format("{}{{{}}} {}\n", name, labels, value);
  };
  sample(families.in_flight, "sedge_requests_in_flight", in_flight.load(kRelaxed));
  sample(families.queued, "sedge_requests_queued", queued.load(kRelaxed));
  sample(families.bytes_in, "sedge_http_request_bytes_total", bytes_in_.load(kRelaxed));
  sample(families.bytes_out, "sedge_http_response_body_bytes_total", bytes_out_.load(kRelaxed));
}

std::string label_value(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

void append_family(std::string& out, std::string_view name, std::string_view type,
                   std::string_view help, std::string_view samples) {
  if (samples.empty()) return;
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{3}", name, help, type, samples);
}

}  // namespace sedge::serve
