// What the server knows of a function: bytes in, bytes out, under a deadline; it may give its
// thread back while it waits. Everything above this interface is independent of WebAssembly and
// tested with functions written in C++.
#ifndef SEDGE_SERVE_FUNCTION_H_
#define SEDGE_SERVE_FUNCTION_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sedge/error.h>

#include "net/http.h"
#include "net/http_error.h"
#include "serve/config.h"
#include "serve/turns.h"

namespace sedge::serve {

using Deadline = std::chrono::steady_clock::time_point;

/// By when an instance must be made for which no request waits: the route's limit is for requests,
/// and a short one must not keep a busy machine from starting.
inline Deadline deadline_to_prepare(std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kLeast{10'000};
  return std::chrono::steady_clock::now() + std::max(timeout, kLeast);
}

/// Live figures of a function's instances.
struct PoolFigures {
  uint32_t capacity = 0;            ///< prepared instances to keep ready
  uint32_t idle = 0;                ///< ready now
  uint32_t live = 0;                ///< ready or running
  uint64_t created = 0;             ///< since the start
  uint64_t taken_ready = 0;         ///< calls that found a prepared instance
  uint64_t memory_limit_bytes = 0;  ///< of one instance; 0: none
  bool snapshot = false;            ///< the initialiser ran once, for all instances
};

/// What one call is given.
struct FunctionInput {
  // NOLINTNEXTLINE(google-explicit-constructor): most functions take nothing else
  FunctionInput(std::string bytes) : data(std::move(bytes)) {}
  std::string data;  ///< standard input, or what a pointer function is handed
  /// Variables beside those of the route, which win; CGI programs only.
  std::vector<std::pair<std::string, std::string>> env;
};

/// What answers a request of HTTP: a response whose content may still come, or why there is none.
/// Called at most once, but for interim responses (1xx), which come before.
using ResponseSink = std::move_only_function<void(net::HttpResult<net::Response>)>;

/// Thread-safe.
class Function {
 public:
  /// Told once, on the thread of the call's last turn.
  using Done = std::move_only_function<void(Result<std::string> output)>;
  using Ended = std::move_only_function<void(Result<void>)>;

  virtual ~Function() = default;
  virtual Kind kind() const = 0;
  /// Runs the function on `input` in an instance of its own. Returns when it has ended or waits; it
  /// goes on in further turns. Errors, to `done`: traps, deadline_exceeded, out_of_memory,
  /// bad_answer, …
  virtual void start(FunctionInput input, Deadline deadline, Turns& turns, Done done) = 0;
  /// Kind::wasi_http only: the same for a request whose content is streamed. `sink` is called on
  /// the way; nothing more of its content comes after `ended` was told. `request` is not used any
  /// more when this returns.
  virtual void handle(const net::Request& request, ResponseSink sink, Deadline deadline,
                      Turns& turns, Ended ended) {
    (void)request, (void)sink, (void)deadline, (void)turns;
    ended(fail(ErrorCode::host_failure, ": this function takes no requests of HTTP"));
  }
  /// Whether its calls give their thread back while they wait.
  virtual bool parks() const { return false; }
  /// Makes one prepared instance if some are missing; false if nothing was to be done. Called
  /// between requests, on the threads that run functions.
  virtual bool prepare() = 0;
  /// Ends every call that is running (a drain that has reached its deadline).
  virtual void interrupt_all() = 0;
  virtual PoolFigures figures() const = 0;
};

/// One that keeps its thread until it has ended.
class BlockingFunction : public Function {
 public:
  virtual Result<std::string> invoke(FunctionInput input, Deadline deadline) = 0;
  void start(FunctionInput input, Deadline deadline, Turns&, Done done) final {
    done(invoke(std::move(input), deadline));
  }
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_FUNCTION_H_
