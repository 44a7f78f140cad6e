// The inside of ComponentLoop: what comes from outside (posts, timers, descriptors), and how a
// store is driven. docs/decisions/011-fibers.md says how the two ways to run guests fit together.
#ifndef SEDGE_COMPONENT_LOOP_H_
#define SEDGE_COMPONENT_LOOP_H_

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sedge/component_async.h>

#include "base/fd.h"
#include "runtime/fiber.h"

namespace sedge {

/// Outlives its store through remotes, completions and ends of streams; `store` is null then.
struct ComponentLoopImpl {
  using Clock = ComponentLoop::Clock;
  explicit ComponentLoopImpl(Store& of);

  /// Null once the store is gone. Changes under `mutex`, read on the store's thread without.
  StoreImpl* store = nullptr;

  // From any thread.
  void post(std::function<void(Store&)> what);
  void wake();
  void expect(int change);

  // On the store's thread.
  /// Runs `what` when the loop comes to it: never inside the caller.
  void later(std::function<void()> what) { todo.push_back(std::move(what)); }
  /// Does what has come from outside; true if there was anything.
  bool drain();
  /// Tells those whose descriptor is ready, after so many milliseconds at most.
  bool run_watches(int timeout_ms);
  /// Whether there is nothing to do, now or later.
  bool is_idle();
  /// Whether anything outside can still make guests go on.
  bool expects() const;
  /// Waits until there may be something to do: parks the driver that runs, else sleeps.
  void pause();
  /// Runs threads and waits until `done`. Errors: deadline_exceeded, interrupted, component_trap
  /// ("deadlock detected") if nothing can make it true.
  Result<void> drive(const std::function<bool()>& done);
  Result<void> finish();
  bool finished() const;
  void poll();
  /// No error while the store may go on.
  Result<void> check_stop() const;
  /// Ends everything that waits; called before the store goes.
  void end();

  /// When, and the number, which tells apart those of one moment.
  using TimerKey = std::pair<Clock::time_point, uint64_t>;
  struct Watch {
    int fd;
    short events;
    std::function<void(short)> then;
  };
  std::map<TimerKey, std::function<void()>> timers;
  std::unordered_map<uint64_t, Clock::time_point> timer_times;  ///< by number
  std::map<uint64_t, Watch> watches;
  uint64_t next_number = 1;
  std::deque<std::function<void()>> todo;
  /// Ends of the host whose copies wait. What they are to be told may keep them alive: it goes with
  /// the store.
  std::map<ChannelEnd*, std::weak_ptr<ChannelEnd>> waiting_ends;
  std::optional<Error> no_stack;           ///< while `poll` has found none for its driver: why
  std::unique_ptr<runtime::Fiber> driver;  ///< of `poll`: runs threads, parked while a host waits

  std::mutex mutex;
  std::function<void()> notify;
  std::deque<std::function<void(Store&)>> posted;
  bool notified = false;
  Fd bell;  ///< an eventfd, made when somebody sleeps
  std::atomic<bool> woken = false;
  std::atomic<int> expected = 0;

 private:
  bool run_timers();
  int sleep_ms() const;
  void run_driver();
};

}  // namespace sedge

#endif  // SEDGE_COMPONENT_LOOP_H_
