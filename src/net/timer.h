// Hashed timer wheel: arming, moving and disarming a timer is O(1), which is what a server needs
// that moves one timer per request and almost never lets one fire. Granularity: 64 ms.
#ifndef SEDGE_NET_TIMER_H_
#define SEDGE_NET_TIMER_H_

#include <array>
#include <cstdint>

namespace sedge::net {

class TimerWheel;

/// A timer that belongs to the object that derives from it; disarms itself when destroyed.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();
  bool armed() const { return wheel_ != nullptr; }
  uint64_t deadline_ms() const { return deadline_ms_; }

 protected:
  /// Called once when the deadline has passed; may arm the timer again or destroy it.
  virtual void on_timer() = 0;

 private:
  friend class TimerWheel;
  void unlink();
  TimerWheel* wheel_ = nullptr;
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // the pointer that points here
  uint64_t deadline_ms_ = 0;
};

/// Owned by one thread. Times are milliseconds of a monotonic clock.
class TimerWheel {
 public:
  static constexpr uint64_t kTickMs = 64;

  explicit TimerWheel(uint64_t now_ms) : tick_(now_ms / kTickMs) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Arms `timer` for `deadline_ms`, wherever it was before.
  void arm(Timer& timer, uint64_t deadline_ms);
  void disarm(Timer& timer) { timer.unlink(); }
  /// Fires what is due.
  void advance(uint64_t now_ms);
  /// How long to sleep at most before the next advance(); -1 when nothing is armed.
  int timeout_ms(uint64_t now_ms) const;

 private:
  friend class Timer;
  static constexpr uint64_t kSlots = 1024;
  std::array<Timer*, kSlots> slots_{};
  uint64_t tick_;  // the last tick that advance() has handled
  uint64_t armed_ = 0;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_TIMER_H_
