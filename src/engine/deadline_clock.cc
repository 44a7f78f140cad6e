// The deadline thread: sleeps until the earliest entry, raises it, repeats.
#include "engine/deadline_clock.h"

#include <csignal>

namespace sedge {

DeadlineClock::~DeadlineClock() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void DeadlineClock::move(std::optional<Time> from, std::optional<Time> to,
                         const std::shared_ptr<InterruptState>& target) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (from) alarms_.erase({*from, target.get()});
    if (!to) return;
    if (!thread_.joinable()) {
      // Signals are for the threads that expect them.
      sigset_t all;
      sigset_t before;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
      thread_ = std::thread([this] { run(); });
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    alarms_.insert_or_assign({*to, target.get()}, target);
    wake = *to < sleeping_until_;
  }
  if (wake) changed_.notify_one();
}

void DeadlineClock::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (alarms_.empty()) {
      sleeping_until_ = Time::max();
      changed_.wait(lock);
      continue;
    }
    auto first = alarms_.begin();
    if (std::chrono::steady_clock::now() < first->first.first) {
      sleeping_until_ = first->first.first;
      changed_.wait_until(lock, Time(sleeping_until_));
      continue;
    }
    std::weak_ptr<InterruptState> target = std::move(first->second);
    alarms_.erase(first);
    lock.unlock();
    if (auto state = target.lock()) state->raise(vm::kInterruptDeadline);
    lock.lock();
  }
}

}  // namespace sedge
