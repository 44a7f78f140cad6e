// Termination signals as a file descriptor: no code runs in a signal handler.
#ifndef SEDGE_NET_SIGNALS_H_
#define SEDGE_NET_SIGNALS_H_

#include <initializer_list>

#include <sedge/error.h>

#include "base/fd.h"

namespace sedge::net {

/// Blocks the given signals in this thread and in those it starts from now on, and reads them one
/// at a time. The signals stay blocked.
class SignalWaiter {
 public:
  static Result<SignalWaiter> create(std::initializer_list<int> signals);
  /// Waits for one of the signals; returns its number, or 0 after `timeout_ms` (-1: for ever).
  int wait(int timeout_ms);

 private:
  explicit SignalWaiter(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_SIGNALS_H_
