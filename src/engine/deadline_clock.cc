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

void DeadlineClock::add(Time when, std::weak_ptr<InterruptState> target) {
  bool wake;
  {
    std::lock_guard lock(mutex_);
    if (!thread_.joinable()) {
      // Signals are for the threads that expect them.
      sigset_t all;
      sigset_t before;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
      thread_ = std::thread([this] { run(); });
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    wake = entries_.empty() || when < entries_.top().when;
    entries_.push({when, std::move(target)});
  }
  if (wake) changed_.notify_one();
}

void DeadlineClock::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (entries_.empty()) {
      changed_.wait(lock);
      continue;
    }
    // Entries of stores that are gone need no alarm.
    if (entries_.top().target.expired()) {
      entries_.pop();
      continue;
    }
    if (std::chrono::steady_clock::now() < entries_.top().when) {
      Time when = entries_.top().when;
      changed_.wait_until(lock, when);
      continue;
    }
    std::weak_ptr<InterruptState> target = entries_.top().target;
    entries_.pop();
    lock.unlock();
    if (auto state = target.lock()) state->raise(vm::kInterruptDeadline);
    lock.lock();
  }
}

}  // namespace sedge
