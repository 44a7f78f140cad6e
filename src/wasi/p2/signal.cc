// See signal.h.
#include "wasi/p2/signal.h"

#include <algorithm>
#include <utility>

namespace sedge::wasi::p2 {

uint64_t Signal::raised() {
  std::lock_guard lock(mutex_);
  return raised_;
}

void Signal::raise() {
  std::vector<Waiter> told;
  {
    std::lock_guard lock(mutex_);
    ++raised_;
    told.swap(waiters_);
  }
  for (Waiter& waiter : told)
    waiter.remote.post([then = std::move(waiter.then)](Store&) { then(); });
}

uint64_t Signal::when_raised(Store& store, uint64_t seen, std::function<void()> then) {
  ComponentLoop loop = ComponentLoop::of(store);
  Waiter waiter{0, loop.remote(), loop.expect(), std::move(then)};
  std::unique_lock lock(mutex_);
  waiter.number = next_number_++;
  const uint64_t number = waiter.number;
  if (raised_ == seen) {
    waiters_.push_back(std::move(waiter));
    return number;
  }
  lock.unlock();
  waiter.remote.post([then = std::move(waiter.then)](Store&) { then(); });
  return number;
}

void Signal::cancel(uint64_t number) {
  std::vector<Waiter> gone;  // past the lock
  std::lock_guard lock(mutex_);
  auto found = std::ranges::find(waiters_, number, &Waiter::number);
  if (found == waiters_.end()) return;
  gone.push_back(std::move(*found));
  waiters_.erase(found);
}

}  // namespace sedge::wasi::p2
