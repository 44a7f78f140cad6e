// A child process that gets its input and gives its output, under a deadline.
#ifndef SEDGE_SERVE_PROCESS_H_
#define SEDGE_SERVE_PROCESS_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

namespace sedge::serve {

struct ProcessOutcome {
  int status = 0;  ///< exit status; 128 + N for a signal N
  std::string output;
  std::string error;  ///< its beginning
};

struct ProcessLimits {
  std::chrono::steady_clock::time_point deadline;
  size_t max_output = 16 << 20;
  size_t max_error = 16 << 10;
};

/// Runs `argv` (argv[0] is a path) with `input` on standard input until it ends. Beyond the
/// deadline, with more output than allowed, or once `stop` is set it is killed. Errors: io,
/// deadline_exceeded, bad_answer for too much output, interrupted.
Result<ProcessOutcome> run_process(const std::vector<std::string>& argv, std::string_view input,
                                   const ProcessLimits& limits, const std::atomic<bool>& stop);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_PROCESS_H_
