// memory.atomic.wait and notify: threads parked by address. Spec: threads proposal, "Wait and
// notify".
#ifndef SEDGE_RUNTIME_WAIT_QUEUE_H_
#define SEDGE_RUNTIME_WAIT_QUEUE_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <unordered_map>

namespace sedge::runtime {

/// Waiters of one shared memory.
class WaitQueue {
 public:
  enum class Outcome : uint32_t { woken = 0, not_equal = 1, timed_out = 2, stopped = 3 };
  /// Parks until notified at `address`, unless `differs()` (evaluated under the lock) holds at
  /// once. `timeout_ns` < 0 waits for ever. `should_stop` is asked at least every 20 ms.
  Outcome wait(uint64_t address, const std::function<bool()>& differs, int64_t timeout_ns,
               const std::function<bool()>& should_stop);
  /// Wakes up to `count` waiters at `address`, oldest first; how many it woke.
  uint32_t notify(uint64_t address, uint32_t count);

 private:
  struct Waiter {
    std::condition_variable wake;
    bool woken = false;
  };
  std::mutex mutex_;
  std::unordered_map<uint64_t, std::list<Waiter*>> waiters_;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_WAIT_QUEUE_H_
