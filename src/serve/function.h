// What the server knows of a function: bytes in, bytes out, under a deadline. Everything above this
// interface is independent of WebAssembly and tested with functions written in C++.
#ifndef SEDGE_SERVE_FUNCTION_H_
#define SEDGE_SERVE_FUNCTION_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <sedge/error.h>

#include "serve/config.h"

namespace sedge::serve {

using Deadline = std::chrono::steady_clock::time_point;

/// Live figures of a function's instances.
struct PoolFigures {
  uint32_t capacity = 0;            ///< prepared instances to keep ready
  uint32_t idle = 0;                ///< ready now
  uint32_t live = 0;                ///< ready or running
  uint64_t created = 0;             ///< since the start
  uint64_t taken_ready = 0;         ///< calls that found a prepared instance
  uint64_t memory_limit_bytes = 0;  ///< of one instance; 0: none
};

/// Thread-safe.
class Function {
 public:
  virtual ~Function() = default;
  virtual Kind kind() const = 0;
  /// Runs the function on `input` in an instance of its own; returns its output. Blocks. Errors:
  /// traps, deadline_exceeded, out_of_memory, bad_answer, …
  virtual Result<std::string> invoke(std::string input, Deadline deadline) = 0;
  /// Makes one prepared instance if some are missing; false if nothing was to be done. Called
  /// between requests, on the threads that run functions.
  virtual bool prepare() = 0;
  /// Ends every call that is running (a drain that has reached its deadline).
  virtual void interrupt_all() = 0;
  virtual PoolFigures figures() const = 0;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_FUNCTION_H_
