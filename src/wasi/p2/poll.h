// Pollables: conditions that a guest waits for, alone or many together. Whatever else waits
// (streams, sockets) says what for with a Condition.
#ifndef SEDGE_WASI_P2_POLL_H_
#define SEDGE_WASI_P2_POLL_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "p2/wasi/io/poll.h"
#include "wasi/os/wait.h"

namespace sedge::wasi::p2 {

class Signal;

/// When something becomes ready. It is asked again after each event, so it may be an estimate.
struct Condition {
  bool ready = false;
  int fd = -1;       ///< ready when poll(2) reports `events` for it; -1: not by a descriptor
  short events = 0;  ///< of poll(2)
  uint64_t at = os::Interrupt::kNever;  ///< ready at this time of the monotonic clock, nanoseconds
  std::shared_ptr<Signal> signal;       ///< to be asked again when this is raised, after
  uint64_t seen = 0;                    ///< so many times

  static Condition now() { return {.ready = true}; }
  static Condition when(int fd, short events) { return {.fd = fd, .events = events}; }
  static Condition until(uint64_t at) { return {.at = at}; }
};
/// Has the loop of `store` call `then`, soon after the condition may have become ready. Gives what
/// takes that back: then it is called only if it was on its way.
std::move_only_function<void()> when(Store& store, const Condition& condition,
                                     const std::function<void()>& then);
/// Gives the condition as it is now; owns what it asks.
using Watch = std::function<Condition()>;

/// The one implementation of wasi:io/poll's pollable.
class Pollable final : public bindings::p2::wasi::io::poll::Pollable {
 public:
  explicit Pollable(Watch watch) : watch_(std::move(watch)) {}
  Condition condition() const { return watch_(); }

  Result<bool> ready(Store& store) override;
  Result<void> block(Store& store) override;

 private:
  Watch watch_;
};
inline std::unique_ptr<bindings::p2::wasi::io::poll::Pollable> pollable(Watch watch) {
  return std::make_unique<Pollable>(std::move(watch));
}

/// Waits until `watch` is ready. Errors: deadline_exceeded, interrupted.
Result<void> wait_for(Store& store, const Watch& watch);

bindings::p2::wasi::io::poll::Host& poll_host(Store& store);

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_POLL_H_
