// Clocks and random bytes from the kernel.
#include "wasi/os/clock.h"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

#include "wasi/os/wait.h"

namespace sedge::wasi::os {
namespace {

OsResult<clockid_t> clock_id(Clock clock) {
  switch (clock) {
    case Clock::realtime:
      return CLOCK_REALTIME;
    case Clock::monotonic:
      return CLOCK_MONOTONIC;
    case Clock::process_cputime:
      return CLOCK_PROCESS_CPUTIME_ID;
    case Clock::thread_cputime:
      return CLOCK_THREAD_CPUTIME_ID;
  }
  return Err(Errno::inval);
}

OsResult<uint64_t> nanoseconds(OsResult<clockid_t> id, int (*call)(clockid_t, timespec*)) {
  if (!id) return Err(id.error());
  timespec t;
  if (call(*id, &t) < 0) return Err(last_errno());
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
}

}  // namespace

OsResult<uint64_t> clock_now(Clock clock) { return nanoseconds(clock_id(clock), ::clock_gettime); }

OsResult<uint64_t> clock_resolution(Clock clock) {
  return nanoseconds(clock_id(clock), ::clock_getres);
}

OsResult<> random_bytes(std::span<uint8_t> out, Interrupt& interrupt) {
  constexpr size_t kPiece = 1 << 20;  // about 2 ms
  while (!out.empty()) {
    ssize_t size = ::getrandom(out.data(), std::min(out.size(), kPiece), 0);
    if (size < 0 && errno != EINTR) return Err(last_errno());
    if (size > 0) out = out.subspan(static_cast<size_t>(size));
    if (!out.empty() && interrupt.requested()) return Err(Errno::canceled);
  }
  return {};
}

}  // namespace sedge::wasi::os
