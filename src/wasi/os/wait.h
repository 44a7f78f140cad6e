// Waiting that can be ended: every blocking system call of the guest goes through `wait`, which
// asks an Interrupt at least every slice.
#ifndef SEDGE_WASI_OS_WAIT_H_
#define SEDGE_WASI_OS_WAIT_H_

#include <poll.h>

#include <cstdint>
#include <span>

#include "wasi/os/errno.h"

namespace sedge::wasi::os {

/// Says when a waiting guest must be ended. Called on the guest's thread.
class Interrupt {
 public:
  virtual ~Interrupt() = default;
  /// Whether to end now.
  virtual bool requested() = 0;
  /// Monotonic time in nanoseconds at which `requested` turns true by itself; kNever if it does
  /// not. Waiting never sleeps past it.
  virtual uint64_t deadline() { return kNever; }

  static constexpr uint64_t kNever = UINT64_MAX;
};

/// An Interrupt that never asks.
class NoInterrupt final : public Interrupt {
 public:
  bool requested() override { return false; }
};

/// Longest time, in nanoseconds, between two questions to the Interrupt.
constexpr uint64_t kWaitSlice = 20'000'000;

/// Nanoseconds of the monotonic clock.
uint64_t monotonic_now();

/// poll(2) until an event, `until` (monotonic nanoseconds; kNever: none) or an interruption, which
/// is `canceled`. Returns the number of descriptors with events; 0 at `until`.
OsResult<int> wait(std::span<pollfd> fds, uint64_t until, Interrupt& interrupt);
/// Waits for one descriptor.
OsResult<> wait_for(int fd, short events, Interrupt& interrupt);

}  // namespace sedge::wasi::os

#endif  // SEDGE_WASI_OS_WAIT_H_
