// Whole processes, measured in turns.
#ifndef SEDGE_CLI_BENCH_RUN_H_
#define SEDGE_CLI_BENCH_RUN_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sedge/error.h>

namespace sedge::cli {

/// One command line to measure.
struct BenchCase {
  std::vector<std::string> argv;
  std::string input = "/dev/null";
};

/// Of all rounds that count.
struct Measured {
  uint64_t min_ns = 0;
  uint64_t median_ns = 0;
  uint64_t cpu_ns = 0;         ///< median of user and system time
  uint64_t peak_kib = 0;       ///< most resident memory
  bool peak_is_bound = false;  ///< it is that of this process: the true peak is no larger
};

struct BenchPlan {
  uint32_t runs = 10;
  uint32_t warm_up = 1;  ///< rounds before, which do not count
  std::chrono::milliseconds timeout{60'000};
};

/// Runs the cases in turns (A B C, A B C, …), so that a drifting machine hurts all alike. A case
/// that ends with another status than 0, or not in time, has no result and is not run again.
std::vector<std::optional<Measured>> measure(const std::vector<BenchCase>& cases,
                                             const BenchPlan& plan);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_BENCH_RUN_H_
