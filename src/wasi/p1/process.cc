// Arguments, environment, clocks, random numbers and the end of the process.
#include <sched.h>

#include "wasi/os/clock.h"
#include "wasi/p1/call.h"

#include <fmt/format.h>

namespace sedge::wasi::p1 {
namespace {

/// Writes strings NUL-terminated and packed to `buffer`, their addresses to `table`.
OsResult<> store_strings(const Call& call, const std::vector<std::string>& strings, u32 table,
                         u32 buffer) {
  for (const std::string& text : strings) {
    auto to = call.memory.range(buffer, text.size() + 1);
    if (!to) return Err(to.error());
    if (auto ok = call.memory.store(table, buffer); !ok) return ok;
    std::memcpy(to->data(), text.c_str(), text.size() + 1);
    // Both were in range above, so neither wraps.
    buffer += static_cast<u32>(text.size()) + 1;
    table += 4;
  }
  return {};
}

Answer store_sizes(Call& call, const std::vector<std::string>& strings, u32 count, u32 size) {
  uint64_t bytes = 0;
  for (const std::string& text : strings) bytes += text.size() + 1;
  if (bytes > UINT32_MAX) return Errno::overflow;
  SEDGE_WASI_CHECK(call.memory.store(count, static_cast<u32>(strings.size())));
  return answer(call, call.memory.store(size, static_cast<u32>(bytes)));
}

}  // namespace

Answer args_get(Call& call, u32 argv, u32 buffer) {
  return answer(call, store_strings(call, call.state.args(), argv, buffer));
}

Answer args_sizes_get(Call& call, u32 count, u32 size) {
  return store_sizes(call, call.state.args(), count, size);
}

Answer environ_get(Call& call, u32 environ, u32 buffer) {
  return answer(call, store_strings(call, call.state.environment(), environ, buffer));
}

Answer environ_sizes_get(Call& call, u32 count, u32 size) {
  return store_sizes(call, call.state.environment(), count, size);
}

Answer clock_res_get(Call& call, u32 id, u32 resolution) {
  SEDGE_WASI_TRY(uint64_t value, os::clock_resolution(static_cast<os::Clock>(id)));
  return answer(call, call.memory.store(resolution, value));
}

Answer clock_time_get(Call& call, u32 id, u64, u32 time) {
  SEDGE_WASI_TRY(uint64_t value, os::clock_now(static_cast<os::Clock>(id)));
  return answer(call, call.memory.store(time, value));
}

Result<void> proc_exit(Call&, u32 status) {
  Error exit(ErrorCode::guest_exit, fmt::format(" with status {}", status));
  exit.set_guest_exit_status(static_cast<int>(status));
  return fail(std::move(exit));
}

Answer proc_raise(Call& call, u32 signal) {
  // WASI's numbers follow Linux's for all that matters here: the process ends as a shell would
  // report it. Signals whose action is to ignore or continue do nothing.
  constexpr u32 kPipe = 13, kChld = 16, kCont = 17, kUrg = 22, kWinch = 27, kLast = 30;
  if (signal > kLast) return Errno::inval;
  switch (signal) {
    case 0:
    case kPipe:
    case kChld:
    case kCont:
    case kUrg:
    case kWinch:
      return Errno::success;
    default:
      break;
  }
  if (auto exit = proc_exit(call, 128 + signal); !exit) return fail(std::move(exit).error());
  return Errno::success;
}

Answer sched_yield(Call& call) {
  if (call.interrupt.requested()) return fail(call.interrupt.error());
  ::sched_yield();
  return Errno::success;
}

Answer random_get(Call& call, u32 buffer, u32 size) {
  SEDGE_WASI_TRY(auto to, call.memory.range(buffer, size));
  return answer(call, os::random_bytes(to, call.interrupt));
}

}  // namespace sedge::wasi::p1
