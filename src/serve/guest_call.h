// A call of a component that gives its thread back while the guest waits.
#ifndef SEDGE_SERVE_GUEST_CALL_H_
#define SEDGE_SERVE_GUEST_CALL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include <sedge/component_async.h>

#include "serve/turns.h"

namespace sedge::serve {

/// Drives the loop of one store, turn by turn, until a call that was started in it has ended and
/// its tasks with it. Keeps itself alive until then.
class GuestCall : public std::enable_shared_from_this<GuestCall> {
 public:
  /// Takes the first turn at once, on this thread. `returned` says whether the call has ended;
  /// `end` is called once, in the last turn, and may destroy the store.
  static void run(Store& store, Turns& turns, std::function<bool()> returned,
                  std::move_only_function<void()> end);

 private:
  GuestCall(Store& store, Turns& turns, std::function<bool()> returned,
            std::move_only_function<void()> end);
  void turn();
  void wake();
  void ask();
  /// Asks to be woken for what the guest waits for.
  void watch();

  ComponentLoop loop_;
  Turns& turns_;
  const std::function<bool()> returned_;
  std::move_only_function<void()> end_;
  uint64_t watch_ = 0;

  enum class State : uint8_t {
    running,
    woken,    ///< running, and something has come that it may not have seen
    waiting,  ///< for `wake`
    asked,    ///< for a turn
    ended,
  };
  std::mutex mutex_;
  State state_ = State::running;     // guarded by mutex_
  std::shared_ptr<GuestCall> self_;  // until it has ended
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_GUEST_CALL_H_
