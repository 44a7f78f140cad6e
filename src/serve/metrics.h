// Counters per route and their Prometheus text form (exposition format 0.0.4).
#ifndef SEDGE_SERVE_METRICS_H_
#define SEDGE_SERVE_METRICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace sedge::serve {

/// Latencies in seconds, upper bounds.
inline constexpr std::array<double, 14> kLatencyBounds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 10};

/// Figures of one route. Relaxed atomics: each is exact, together they are a snapshot.
class RouteMetrics {
 public:
  void record(int status, uint64_t latency_ns, uint64_t bytes_in, uint64_t bytes_out);

  /// Content of a response that was recorded before it was complete.
  void add_content(uint64_t bytes) { bytes_out_.fetch_add(bytes, std::memory_order_relaxed); }

  std::atomic<int64_t> in_flight = 0;
  std::atomic<int64_t> queued = 0;

  /// Appends every sample of this route, family by family, to the families' texts.
  struct Families {
    std::string requests, duration, in_flight, queued, bytes_in, bytes_out;
  };
  void append(Families& families, std::string_view labels) const;

 private:
  std::array<std::atomic<uint64_t>, 600> by_status_{};
  std::array<std::atomic<uint64_t>, kLatencyBounds.size() + 1> latency_{};
  std::atomic<uint64_t> latency_sum_ns_ = 0;
  std::atomic<uint64_t> bytes_in_ = 0;
  std::atomic<uint64_t> bytes_out_ = 0;
};

/// `text` as the value of a label, quotes included.
std::string label_value(std::string_view text);
/// Appends "# HELP", "# TYPE" and the samples, if there are any.
void append_family(std::string& out, std::string_view name, std::string_view type,
                   std::string_view help, std::string_view samples);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_METRICS_H_
