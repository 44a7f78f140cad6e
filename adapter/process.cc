// Arguments, environment, clocks, random numbers and the end of the program.
#include "state.h"

using namespace adapter;

namespace {

/// Returns where the copy ends.
uint8_t* copy_text(uint8_t* to, const p2::List& text) {
  __builtin_memcpy(to, reinterpret_cast<const void*>(text.data), text.size);
  return to + text.size;
}

#ifndef SEDGE_ADAPTER_PROXY
const p2::List& arguments() {
  State& s = state();
  if (!s.has_arguments) {
    ResultsTo kept(s.kept);
    p2::get_arguments(&s.arguments);
    s.has_arguments = true;
  }
  return s.arguments;
}

/// Pairs of strings.
const p2::List& environment() {
  State& s = state();
  if (!s.has_environment) {
    ResultsTo kept(s.kept);
    p2::get_environment(&s.environment);
    s.has_environment = true;
  }
  return s.environment;
}
#else
const p2::List& arguments() { return state().arguments; }
const p2::List& environment() { return state().environment; }
#endif

const p2::List* texts(const p2::List& list) { return reinterpret_cast<const p2::List*>(list.data); }

/// WASI 0.2 has no clock of processor time: what has passed since the first look stands in.
uint64_t processor_time() {
  State& s = state();
  uint64_t now = p2::monotonic_now();
  if (!s.has_start) {
    s.has_start = true;
    s.start = now;
  }
  return now - s.start;
}

Errno not_socket(uint32_t fd) {
  Errno error;
  return find_fd(fd, 0, error) == nullptr ? error : Errno::notsock;
}

}  // namespace

SEDGE_P1(args_sizes_get)(uint32_t* count, uint32_t* size) {
  const p2::List& list = arguments();
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < list.size; ++i) bytes += texts(list)[i].size + 1;
  *count = list.size;
  *size = bytes;
  return Errno::success;
}

SEDGE_P1(args_get)(uint8_t** table, uint8_t* buffer) {
  const p2::List& list = arguments();
  for (uint32_t i = 0; i < list.size; ++i) {
    table[i] = buffer;
    buffer = copy_text(buffer, texts(list)[i]);
    *buffer++ = 0;
  }
  return Errno::success;
}

SEDGE_P1(environ_sizes_get)(uint32_t* count, uint32_t* size) {
  const p2::List& list = environment();
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < list.size * 2; ++i) bytes += texts(list)[i].size + 1;  // = and NUL
  *count = list.size;
  *size = bytes;
  return Errno::success;
}

SEDGE_P1(environ_get)(uint8_t** table, uint8_t* buffer) {
  const p2::List& list = environment();
  for (uint32_t i = 0; i < list.size; ++i) {
    table[i] = buffer;
    buffer = copy_text(buffer, texts(list)[i * 2]);
    *buffer++ = '=';
    buffer = copy_text(buffer, texts(list)[i * 2 + 1]);
    *buffer++ = 0;
  }
  return Errno::success;
}

SEDGE_P1(clock_res_get)(uint32_t id, uint64_t* resolution) {
  if (id > kThreadCputime) return Errno::inval;
  if (id == kRealtime) {
    p2::Datetime time;
    p2::wall_resolution(&time);
    *resolution = nanoseconds(time);
  } else {
    *resolution = p2::monotonic_resolution();
  }
  return Errno::success;
}

SEDGE_P1(clock_time_get)(uint32_t id, uint64_t, uint64_t* out) {
  if (id > kThreadCputime) return Errno::inval;
  if (id == kRealtime) {
    p2::Datetime time;
    p2::wall_now(&time);
    *out = nanoseconds(time);
  } else {
    *out = id == kMonotonic ? p2::monotonic_now() : processor_time();
  }
  return Errno::success;
}

SEDGE_P1(random_get)(uint32_t buffer, uint32_t size) {
  if (!in_memory(buffer, size)) return Errno::fault;
  if (size == 0) return Errno::success;
  p2::List bytes;
  ResultsTo there(buffer, size);
  p2::get_random_bytes(size, &bytes);
  return Errno::success;
}

extern "C" __attribute__((export_name("proc_exit"))) [[noreturn]] void proc_exit(uint32_t status) {
#ifndef SEDGE_ADAPTER_PROXY
  p2::exit_with_code(status & 0xff);
#else
  (void)status;
#endif
  __builtin_trap();
}

/// There is nobody to send a signal to; those that would end the program end it.
SEDGE_P1(proc_raise)(uint32_t signal) {
  constexpr uint32_t kPipe = 13, kChld = 16, kCont = 17, kUrg = 22, kWinch = 27, kLast = 30;
  constexpr uint32_t kIgnored =
      1u | 1u << kPipe | 1u << kChld | 1u << kCont | 1u << kUrg | 1u << kWinch;
  if (signal > kLast) return Errno::inval;
  if (kIgnored >> signal & 1) return Errno::success;
  proc_exit(128 + signal);
}

SEDGE_P1(sched_yield)() { return Errno::success; }

// WASI 0.1 has no way to open a socket, and nothing that WASI 0.2 hands to a program is one.
SEDGE_P1(sock_accept)(uint32_t fd, uint32_t, uint32_t) { return not_socket(fd); }
SEDGE_P1(sock_recv)(uint32_t fd, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t) {
  return not_socket(fd);
}
SEDGE_P1(sock_send)(uint32_t fd, uint32_t, uint32_t, uint32_t, uint32_t) { return not_socket(fd); }
SEDGE_P1(sock_shutdown)(uint32_t fd, uint32_t) { return not_socket(fd); }
