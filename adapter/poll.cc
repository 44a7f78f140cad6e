// poll_oneoff: each subscription becomes a pollable; one that is answered at once, a timer of 0.
#include "state.h"

using namespace adapter;

namespace {

constexpr uint32_t kMaxSubscriptions = 4096;

/// How long from now until the wall clock says `when`, in nanoseconds.
uint64_t until(uint64_t when) {
  p2::Datetime now;
  p2::wall_now(&now);
  return when > nanoseconds(now) ? when - nanoseconds(now) : 0;
}

p2::Handle subscribe_clock(const Subscription& sub, Errno& error) {
  uint32_t id = sub.clock.id;
  bool absolute = sub.clock.flags & kAbsoluteTime;
  if (id > kMonotonic) {
    // No time of the processor passes while the program sleeps.
    error = id > kThreadCputime ? Errno::inval : Errno::notsup;
    return p2::subscribe_duration(0);
  }
  if (!absolute) return p2::subscribe_duration(sub.clock.timeout);
  if (id == kMonotonic) return p2::subscribe_instant(sub.clock.timeout);
  return p2::subscribe_duration(until(sub.clock.timeout));
}

p2::Handle subscribe_fd(const Subscription& sub, Errno& error) {
  Fd* fd = find_fd(sub.fd, kPollFdReadwrite, error);
  if (fd == nullptr) return p2::subscribe_duration(0);
  error = fd->kind == Fd::Kind::directory ? Errno::badf : Errno::success;
  bool reads = sub.type == EventType::fd_read;
  if (fd->kind == Fd::Kind::input && reads) return p2::input_subscribe(standard_stream(*fd));
  if (fd->kind == Fd::Kind::output && !reads) return p2::output_subscribe(standard_stream(*fd));
  return p2::subscribe_duration(0);  // files are always ready
}

/// Bytes that a transfer would move now, as far as one can know.
uint64_t ready_bytes(const Subscription& sub) {
  if constexpr (!kIsProxy) {
    Errno error;
    Fd* fd = find_fd(sub.fd, 0, error);
    if (fd != nullptr && fd->kind == Fd::Kind::file && sub.type == EventType::fd_read) {
      p2::StatResult stat;
      p2::stat(fd->handle, &stat);
      if (stat.failed || stat.stat.size <= fd->position) return 0;
      return stat.stat.size - fd->position;
    }
  }
  return 1;
}

}  // namespace

SEDGE_P1(poll_oneoff)(const Subscription* subs, Event* events, uint32_t count, uint32_t* stored) {
  if (count == 0 || count > kMaxSubscriptions) return Errno::inval;
  if (!in_memory(subs, count) || !in_memory(events, count) || !in_memory(stored))
    return Errno::fault;
  // A copy: the events may be written over the subscriptions.
  Region& region = passing();
  auto* asked = reinterpret_cast<Subscription*>(
      take(region, alignof(Subscription), count * sizeof(Subscription)));
  auto* errors = reinterpret_cast<Errno*>(take(region, alignof(Errno), count * sizeof(Errno)));
  auto* pollables =
      reinterpret_cast<p2::Handle*>(take(region, alignof(p2::Handle), count * sizeof(p2::Handle)));
  for (uint32_t i = 0; i < count; ++i) {
    asked[i] = subs[i];
    errors[i] = Errno::success;
    if (asked[i].type == EventType::clock) {
      pollables[i] = subscribe_clock(asked[i], errors[i]);
    } else if (asked[i].type <= EventType::fd_write) {
      pollables[i] = subscribe_fd(asked[i], errors[i]);
    } else {
      for (uint32_t made = 0; made < i; ++made) p2::drop_pollable(pollables[made]);
      return Errno::inval;
    }
  }
  p2::List ready;
  ResultsTo there(region);
  p2::poll(pollables, count, &ready);
  for (uint32_t i = 0; i < count; ++i) p2::drop_pollable(pollables[i]);
  for (uint32_t i = 0; i < ready.size; ++i) {
    uint32_t index = reinterpret_cast<const uint32_t*>(ready.data)[i];
    if (index >= count) __builtin_trap();
    events[i] = {};
    events[i].userdata = asked[index].userdata;
    events[i].error = errors[index];
    events[i].type = asked[index].type;
    if (errors[index] == Errno::success && asked[index].type != EventType::clock)
      events[i].nbytes = ready_bytes(asked[index]);
  }
  *stored = ready.size;
  return Errno::success;
}
