// One thread of an engine that raises the interrupt flag of stores whose deadline has come; started
// with the first deadline.
#ifndef SEDGE_ENGINE_DEADLINE_CLOCK_H_
#define SEDGE_ENGINE_DEADLINE_CLOCK_H_

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "runtime/store_impl.h"

namespace sedge {

class DeadlineClock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  DeadlineClock() = default;
  ~DeadlineClock();
  DeadlineClock(const DeadlineClock&) = delete;
  DeadlineClock& operator=(const DeadlineClock&) = delete;

  /// Raises kInterruptDeadline at `when`. Thread-safe. A store that is gone by then is skipped; a
  /// later deadline of the same store makes this one a harmless false alarm.
  void add(Time when, std::weak_ptr<InterruptState> target);

 private:
  struct Entry {
    Time when;
    std::weak_ptr<InterruptState> target;
    bool operator>(const Entry& other) const { return when > other.when; }
  };
  void run();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace sedge

#endif  // SEDGE_ENGINE_DEADLINE_CLOCK_H_
