// Wakes guests that wait for something that happens on another thread.
#ifndef SEDGE_WASI_P2_SIGNAL_H_
#define SEDGE_WASI_P2_SIGNAL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <sedge/component_async.h>

#include "wasi/p2/poll.h"

namespace sedge::wasi::p2 {

/// One for each thing that is waited for; made with make_shared.
class Signal : public std::enable_shared_from_this<Signal> {
 public:
  /// After the thing has happened, and was made visible under a lock. Any thread.
  void raise();
  /// Ready when `ready` says so, which looks under that lock. On the guest's thread.
  template <typename Ready>
  Condition condition(const Ready& ready) {
    const uint64_t seen = raised();  // before `ready` looks: what is raised after that is not lost
    if (ready()) return Condition::now();
    return {.signal = shared_from_this(), .seen = seen};
  }

  /// Has the loop of `store` call `then` once, when it has been raised since it was raised `seen`
  /// times. On the store's thread. The number is for `cancel`.
  uint64_t when_raised(Store& store, uint64_t seen, std::function<void()> then);
  /// `then` goes, unless it is on its way.
  void cancel(uint64_t number);

 private:
  struct Waiter {
    uint64_t number;
    ComponentLoop::Remote remote;
    std::shared_ptr<void> expected;
    std::function<void()> then;
  };
  uint64_t raised();

  std::mutex mutex_;
  uint64_t raised_ = 0;  // guarded by mutex_, as is the rest
  uint64_t next_number_ = 1;
  std::vector<Waiter> waiters_;
};

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_SIGNAL_H_
