// poll(2) in slices, so that deadlines and interruptions end a waiting guest on time.
#include "wasi/os/wait.h"

#include <time.h>

#include <algorithm>
#include <cerrno>

namespace sedge::wasi::os {

uint64_t monotonic_now() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

OsResult<int> wait(std::span<pollfd> fds, uint64_t until, Interrupt& interrupt) {
  for (;;) {
    if (interrupt.requested()) return Err(Errno::canceled);
    uint64_t now = monotonic_now();
    uint64_t end = std::min({until, interrupt.deadline(), now + kWaitSlice});
    uint64_t left = end > now ? end - now : 0;
    timespec timeout{static_cast<time_t>(left / 1'000'000'000u),
                     static_cast<long>(left % 1'000'000'000u)};
    int ready = ::ppoll(fds.data(), fds.size(), &timeout, nullptr);
    if (ready > 0) return ready;
    if (ready < 0 && errno != EINTR) return Err(last_errno());
    if (ready == 0 && monotonic_now() >= until) return 0;
  }
}

OsResult<> wait_for(int fd, short events, Interrupt& interrupt) {
  pollfd one{fd, events, 0};
  auto ready = wait({&one, 1}, Interrupt::kNever, interrupt);
  if (!ready) return Err(ready.error());
  return {};
}

}  // namespace sedge::wasi::os
