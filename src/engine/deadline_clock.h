// One thread of an engine that raises the interrupt flag of stores whose deadline has come; started
// with the first deadline.
#ifndef SEDGE_ENGINE_DEADLINE_CLOCK_H_
#define SEDGE_ENGINE_DEADLINE_CLOCK_H_

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/store_impl.h"

namespace sedge {

class DeadlineClock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  DeadlineClock() = default;
  ~DeadlineClock();
  DeadlineClock(const DeadlineClock&) = delete;
  DeadlineClock& operator=(const DeadlineClock&) = delete;

  /// Gives up the alarm at `from`, if any, and raises kInterruptDeadline at `to`, if any.
  /// Thread-safe. A store takes its alarm back before it goes, so that nothing of it stays behind
  /// until then.
  void move(std::optional<Time> from, std::optional<Time> to,
            const std::shared_ptr<InterruptState>& target);

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<Time, InterruptState*>, std::weak_ptr<InterruptState>> alarms_;
  Time sleeping_until_ = Time::max();
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace sedge

#endif  // SEDGE_ENGINE_DEADLINE_CLOCK_H_
