// A program that sedge starts and waits for, and what that took.
#ifndef SEDGE_CLI_CHILD_H_
#define SEDGE_CLI_CHILD_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

namespace sedge::cli {

struct ChildOptions {
  std::string input = "/dev/null";   ///< a file for standard input
  std::string output = "/dev/null";  ///< a file for standard output, made empty first
  std::string error = "/dev/null";   ///< a file for standard error, made empty first
  std::string folder;                ///< where it runs; empty: here
  std::chrono::milliseconds timeout{60'000};
};

struct ChildOutcome {
  int status = 0;         ///< exit status; 128 + N for a signal N; 124 when it ran out of time
  uint64_t wall_ns = 0;   ///< from before its start to after its end
  uint64_t cpu_ns = 0;    ///< user and system
  uint64_t peak_kib = 0;  ///< most resident memory
};

/// Where a program is: `name` itself if it has a slash and may be run, else the first in PATH.
std::optional<std::string> find_program(std::string_view name);
/// Runs argv[0], a path. Errors: io where it cannot be started.
Result<ChildOutcome> run_child(const std::vector<std::string>& argv, const ChildOptions& options);
/// Most resident memory of this process so far, in KiB: the kernel counts it as a child's, too,
/// until the child's program begins.
uint64_t own_peak_kib();

}  // namespace sedge::cli

#endif  // SEDGE_CLI_CHILD_H_
