// poll_oneoff: waits for clocks and descriptors together. What is ready at once is answered without
// sleeping; else one poll(2) in slices until the earliest clock, the deadline or an interruption.
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <optional>

#include "wasi/os/clock.h"
#include "wasi/os/wait.h"
#include "wasi/p1/call.h"

namespace sedge::wasi::p1 {
namespace {

constexpr u32 kMaxSubscriptions = 4096;
constexpr uint16_t kAbsoluteTime = 1;
constexpr uint16_t kHangup = 1;

enum class EventType : uint8_t { clock = 0, fd_read = 1, fd_write = 2 };

struct Subscription {
  uint64_t userdata = 0;
  EventType type = EventType::clock;
  std::optional<Errno> error;             // answered at once
  uint64_t wake = os::Interrupt::kNever;  // monotonic; for clocks
  std::shared_ptr<Descriptor> descriptor;
  int poll_index = -1;  // in the pollfd array, for what the kernel must tell
};

struct Event {
  uint64_t userdata;
  Errno error;
  EventType type;
  uint64_t nbytes = 0;
  uint16_t flags = 0;
};

uint64_t saturating_add(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

/// When a clock subscription comes due, on the monotonic clock.
OsResult<uint64_t> wake_time(u32 id, uint64_t timeout, bool absolute) {
  if (id > static_cast<u32>(os::Clock::thread_cputime)) return Err(Errno::inval);
  auto clock = static_cast<os::Clock>(id);
  // No time of the CPU passes while the guest sleeps.
  if (clock != os::Clock::realtime && clock != os::Clock::monotonic) return Err(Errno::notsup);
  if (absolute) {
    auto now = os::clock_now(clock);
    if (!now) return Err(now.error());
    timeout = timeout > *now ? timeout - *now : 0;
  }
  return saturating_add(os::monotonic_now(), timeout);
}

OsResult<Subscription> decode(Call& call, u32 address) {
  u32 size = subscription_size(call.snapshot);
  auto bytes = call.memory.range(address, size);
  if (!bytes) return Err(bytes.error());
  // Copied: another guest thread may change it while it is looked at.
  std::array<uint8_t, subscription_size(Snapshot::unstable)> copy;  // the larger of the two
  std::memcpy(copy.data(), bytes->data(), bytes->size());
  auto get = [&]<typename T>(u32 offset, T) {
    T value;
    std::memcpy(&value, copy.data() + offset, sizeof(T));
    return value;
  };
  Subscription out;
  out.userdata = get(0, uint64_t{});
  uint8_t tag = copy[8];
  if (tag > static_cast<uint8_t>(EventType::fd_write)) return Err(Errno::inval);
  out.type = static_cast<EventType>(tag);
  if (out.type == EventType::clock) {
    // The older edition puts an identifier of its own before the clock's id.
    u32 at = call.snapshot == Snapshot::unstable ? 24 : 16;
    u32 id = get(at, u32{});
    uint64_t timeout = get(at + 8, uint64_t{});
    uint16_t flags = get(at + 24, uint16_t{});
    auto wake = wake_time(id, timeout, flags & kAbsoluteTime);
    if (wake)
      out.wake = *wake;
    else
      out.error = wake.error();
    return out;
  }
  auto descriptor = call.fd(get(16, u32{}), kPollFdReadwrite);
  if (!descriptor) {
    out.error = descriptor.error();
    return out;
  }
  if ((*descriptor)->is_dir()) {
    out.error = Errno::badf;
    return out;
  }
  out.descriptor = std::move(*descriptor);
  return out;
}

/// Bytes that a read would get now, as far as one can know.
uint64_t readable(Descriptor& descriptor) {
  if (auto* source = descriptor.as<SourceHandle>()) {
    std::lock_guard lock(descriptor.mutex);
    return source->callback ? 1 : source->data.size() - source->position;
  }
  int fd = descriptor.kernel_fd();
  if (descriptor.type == os::FileType::regular_file) {
    auto stat = os::stat_fd(fd);
    auto at = os::seek(fd, 0, os::Whence::cur);
    return stat && at && stat->size > *at ? stat->size - *at : 0;
  }
  int pending = 0;
  return ::ioctl(fd, FIONREAD, &pending) == 0 && pending > 0 ? static_cast<uint64_t>(pending) : 0;
}

Event ready_event(const Subscription& sub, short revents) {
  Event event{sub.userdata, Errno::success, sub.type};
  if (revents & POLLNVAL) {
    event.error = Errno::badf;
    return event;
  }
  if (revents & (POLLHUP | POLLRDHUP | POLLERR)) event.flags |= kHangup;
  if (sub.type == EventType::fd_read)
    event.nbytes = readable(*sub.descriptor);
  else
    event.nbytes = 1;  // at least: the kernel does not tell how much room there is
  return event;
}

OsResult<> store_events(Call& call, u32 address, const std::vector<Event>& events) {
  for (const Event& event : events) {
    auto to = call.memory.range(address, kEventSize);
    if (!to) return Err(to.error());
    std::memset(to->data(), 0, to->size());
    std::memcpy(to->data(), &event.userdata, 8);
    std::memcpy(to->data() + 8, &event.error, 2);
    std::memcpy(to->data() + 10, &event.type, 1);
    std::memcpy(to->data() + 16, &event.nbytes, 8);
    std::memcpy(to->data() + 24, &event.flags, 2);
    address += kEventSize;
  }
  return {};
}

}  // namespace

Answer poll_oneoff(Call& call, u32 subscriptions, u32 events, u32 count, u32 stored) {
  if (count == 0 || count > kMaxSubscriptions) return Errno::inval;
  u32 size = subscription_size(call.snapshot);
  SEDGE_WASI_CHECK(call.memory.range(subscriptions, uint64_t{count} * size));
  SEDGE_WASI_CHECK(call.memory.range(events, uint64_t{count} * kEventSize));
  SEDGE_WASI_CHECK(call.memory.range(stored, 4));

  std::vector<Subscription> subs;
  std::vector<pollfd> polls;
  uint64_t wake = os::Interrupt::kNever;
  bool at_once = false;
  for (u32 i = 0; i < count; ++i) {
    SEDGE_WASI_TRY(Subscription sub, decode(call, subscriptions + i * size));
    if (sub.descriptor) {
      // Regular files and memory are always ready; the kernel is asked about the rest.
      int fd = sub.descriptor->kernel_fd();
      if (fd >= 0 && sub.descriptor->waiting() != os::Waiting::never) {
        short interest = sub.type == EventType::fd_read ? POLLIN | POLLRDHUP : POLLOUT;
        sub.poll_index = static_cast<int>(polls.size());
        polls.push_back({fd, interest, 0});
      } else {
        at_once = true;
      }
    }
    if (sub.error) at_once = true;
    if (sub.type == EventType::clock && !sub.error) wake = std::min(wake, sub.wake);
    subs.push_back(std::move(sub));
  }

  SEDGE_WASI_CHECK(os::wait(polls, at_once ? 0 : wake, call.interrupt));

  std::vector<Event> out;
  uint64_t now = os::monotonic_now();
  for (const Subscription& sub : subs) {
    if (sub.error) {
      out.push_back({sub.userdata, *sub.error, sub.type});
    } else if (sub.type == EventType::clock) {
      if (sub.wake <= now) out.push_back({sub.userdata, Errno::success, sub.type});
    } else if (sub.poll_index < 0) {
      out.push_back(ready_event(sub, 0));
    } else if (short revents = polls[static_cast<size_t>(sub.poll_index)].revents) {
      out.push_back(ready_event(sub, revents));
    }
  }
  SEDGE_WASI_CHECK(store_events(call, events, out));
  return answer(call, call.memory.store(stored, static_cast<u32>(out.size())));
}

}  // namespace sedge::wasi::p1
