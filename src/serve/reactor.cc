// epoll with one timerfd, which is set to the earliest time.
#include "serve/reactor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace sedge::serve {
namespace {

constexpr uint64_t kTimer = 0;  // the number that stands for the timer
constexpr std::chrono::milliseconds kRetry(20);

}  // namespace

Reactor::~Reactor() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    times_.emplace(Time(), kTimer);
    if (timer_) set_timer();
  }
  if (thread_.joinable()) thread_.join();
}

/// False if the system has no descriptors left for it.
bool Reactor::start() {
  if (thread_.joinable()) return true;
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kTimer;
  if (!epoll || !timer || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &event) != 0)
    return false;
  epoll_ = std::move(epoll);
  timer_ = std::move(timer);
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &previous);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  return true;
}

/// Steady clocks are the kernel's CLOCK_MONOTONIC.
void Reactor::set_timer() {
  itimerspec spec{};
  if (!times_.empty()) {
    auto since = times_.begin()->first.time_since_epoch();
    // All zero would disarm it.
    auto left =
        std::max<int64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count(), 1);
    spec.it_value = {static_cast<time_t>(left / 1'000'000'000),
                     static_cast<long>(left % 1'000'000'000)};
  }
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

uint64_t Reactor::wait(std::span<const pollfd> fds, std::optional<Time> time, Wake wake) {
  std::unique_lock lock(mutex_);
  if (!start()) {
    lock.unlock();
    wake();
    return 0;
  }
  const uint64_t number = next_number_++;
  Entry entry{std::move(wake), {}, std::nullopt};
  for (const pollfd& each : fds) {
    Fd copy(::fcntl(each.fd, F_DUPFD_CLOEXEC, 0));
    epoll_event event{};
    event.events = static_cast<uint32_t>(static_cast<uint16_t>(each.events));
    event.data.u64 = number;
    if (copy && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, copy.get(), &event) == 0) {
      entry.fds.push_back(std::move(copy));
      continue;
    }
    const Time retry = std::chrono::steady_clock::now() + kRetry;
    time = std::min(time.value_or(retry), retry);
  }
  if (time) {
    entry.time = times_.emplace(*time, number);
    if (*entry.time == times_.begin()) set_timer();
  }
  entries_.emplace(number, std::move(entry));
  return number;
}

void Reactor::cancel(uint64_t number) {
  std::vector<Wake> gone;  // past the lock
  std::lock_guard lock(mutex_);
  take(number, gone);
}

void Reactor::take(uint64_t number, std::vector<Wake>& into) {
  auto found = entries_.find(number);
  if (found == entries_.end()) return;
  into.push_back(std::move(found->second.wake));
  if (found->second.time) times_.erase(*found->second.time);
  entries_.erase(found);
}

void Reactor::run() {
  constexpr int kMost = 128;
  epoll_event events[kMost];
  std::vector<Wake> woken;
  for (;;) {
    int count = ::epoll_wait(epoll_.get(), events, kMost, -1);
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 != kTimer) {
        take(events[i].data.u64, woken);
        continue;
      }
      const Time now = std::chrono::steady_clock::now();
      while (!times_.empty() && times_.begin()->first <= now) take(times_.begin()->second, woken);
      set_timer();
    }
    lock.unlock();
    for (const Wake& wake : woken) wake();
    woken.clear();
  }
}

}  // namespace sedge::serve
