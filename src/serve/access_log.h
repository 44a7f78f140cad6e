// Structured access log: one JSON line per request, written by a thread of its own so that a slow
// disk or a full pipe never holds up an event loop.
#ifndef SEDGE_SERVE_ACCESS_LOG_H_
#define SEDGE_SERVE_ACCESS_LOG_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <sedge/error.h>

#include "base/fd.h"

namespace sedge::serve {

/// One request, as it is logged.
struct AccessEntry {
  std::string_view request_id;
  std::string_view peer;
  std::string_view method;
  std::string_view target;
  std::string_view protocol;  ///< empty if no request was understood
  std::string_view host;
  std::string_view user_agent;
  std::string_view route;  ///< pattern; empty if none matched
  std::string_view error;  ///< what went wrong; empty if nothing
  int status = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t duration_ns = 0;
  uint64_t queue_ns = 0;
  uint64_t run_ns = 0;
};

class AccessLog {
 public:
  /// `target`: stdout, stderr, none, or a file that is appended to. Error: io.
  static Result<std::unique_ptr<AccessLog>> open(std::string_view target);
  /// Writes what is left.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// Any thread; never waits for the file. When the file cannot keep up, lines are dropped and
  /// counted.
  void write(const AccessEntry& entry);
  /// Any other line, with its newline, under the same terms.
  void write_line(std::string_view line);
  bool enabled() const { return fd_ >= 0; }
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  AccessLog(int fd, Fd owned);
  void run();
  bool write_out(std::string_view bytes);

  int fd_;
  Fd owned_;
  size_t chunk_;  // what a write can take without blocking once poll() says so
  std::mutex mutex_;
  std::condition_variable ready_;
  std::string buffer_;
  std::atomic<bool> stopping_ = false;  // written under mutex_
  std::atomic<uint64_t> dropped_ = 0;
  std::thread thread_;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_ACCESS_LOG_H_
