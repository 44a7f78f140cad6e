// Parked threads, each with its own condition variable under one lock for each memory.
#include "runtime/wait_queue.h"

#include <algorithm>
#include <chrono>

namespace sedge::runtime {

WaitQueue::Outcome WaitQueue::wait(uint64_t address, const std::function<bool()>& differs,
                                   int64_t timeout_ns, const std::function<bool()>& should_stop) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kSlice = std::chrono::milliseconds(20);
  std::unique_lock lock(mutex_);
  if (differs()) return Outcome::not_equal;
  Clock::time_point end = Clock::time_point::max();
  if (timeout_ns >= 0 && timeout_ns < (int64_t{1} << 60))
    end = Clock::now() + std::chrono::nanoseconds(timeout_ns);
  Waiter self;
  std::list<Waiter*>& queue = waiters_[address];
  auto place = queue.insert(queue.end(), &self);
  Outcome outcome = Outcome::woken;
  while (!self.woken) {
    if (should_stop()) {
      outcome = Outcome::stopped;
      break;
    }
    Clock::time_point now = Clock::now();
    if (now >= end) {
      outcome = Outcome::timed_out;
      break;
    }
    self.wake.wait_until(lock, std::min(end, now + kSlice));
  }
  if (!self.woken) {
    queue.erase(place);
    if (queue.empty()) waiters_.erase(address);
  } else {
    outcome = Outcome::woken;
  }
  return outcome;
}

uint32_t WaitQueue::notify(uint64_t address, uint32_t count) {
  std::lock_guard lock(mutex_);
  auto found = waiters_.find(address);
  if (found == waiters_.end()) return 0;
  uint32_t woken = 0;
  std::list<Waiter*>& queue = found->second;
  while (woken < count && !queue.empty()) {
    queue.front()->woken = true;
    queue.front()->wake.notify_one();
    queue.pop_front();
    ++woken;
  }
  if (queue.empty()) waiters_.erase(found);
  return woken;
}

}  // namespace sedge::runtime
