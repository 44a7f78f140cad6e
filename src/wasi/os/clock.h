// Clocks and random bytes.
#ifndef SEDGE_WASI_OS_CLOCK_H_
#define SEDGE_WASI_OS_CLOCK_H_

#include <cstdint>
#include <span>

#include "wasi/os/errno.h"

namespace sedge::wasi::os {

class Interrupt;

/// WASI's numbers.
enum class Clock : uint32_t {
  realtime = 0,
  monotonic = 1,
  process_cputime = 2,
  thread_cputime = 3
};

/// Nanoseconds.
OsResult<uint64_t> clock_now(Clock clock);
OsResult<uint64_t> clock_resolution(Clock clock);

/// Fills `out` from the kernel's generator, in pieces so that a large request can be ended.
OsResult<> random_bytes(std::span<uint8_t> out, Interrupt& interrupt);

}  // namespace sedge::wasi::os

#endif  // SEDGE_WASI_OS_CLOCK_H_
