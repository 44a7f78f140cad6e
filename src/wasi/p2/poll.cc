// wasi:io/poll: what is ready is answered at once; else the guest is parked in the store's event
// loop, so that a server's thread goes on with others.
#include "wasi/p2/poll.h"

#include <algorithm>
#include <span>
#include <vector>

#include <sedge/component_async.h>

#include "wasi/p2/signal.h"

namespace sedge::wasi::p2 {
namespace {

/// What is ready now, by index; what is not goes to `others`.
std::vector<uint32_t> ready_now(std::span<const Watch* const> watches,
                                std::vector<Condition>& others) {
  std::vector<uint32_t> ready;
  std::vector<pollfd> fds;
  std::vector<uint32_t> owners;
  uint64_t now = os::monotonic_now();
  for (size_t i = 0; i < watches.size(); ++i) {
    Condition condition = (*watches[i])();
    if (condition.ready || condition.at <= now) {
      ready.push_back(static_cast<uint32_t>(i));
      continue;
    }
    if (condition.fd >= 0) {
      fds.push_back({condition.fd, condition.events, 0});
      owners.push_back(static_cast<uint32_t>(i));
    }
    others.push_back(condition);
  }
  if (!fds.empty() && ::poll(fds.data(), fds.size(), 0) > 0)
    for (size_t i = 0; i < fds.size(); ++i)
      if (fds[i].revents != 0) ready.push_back(owners[i]);
  std::ranges::sort(ready);
  return ready;
}

/// Parks the guest until one of these may have become ready.
Result<void> wait_for_one(Store& store, std::span<const Condition> conditions) {
  // Who tells may come late.
  auto woken = std::make_shared<bool>(false);
  const std::function<void()> wake = [woken] { *woken = true; };
  std::vector<std::move_only_function<void()>> cancels;
  cancels.reserve(conditions.size());
  for (const Condition& condition : conditions) cancels.push_back(when(store, condition, wake));
  auto done = suspend_until(store, [&woken] { return *woken; });
  for (auto& cancel : cancels) cancel();
  return done;
}

/// Indices of what is ready, at least one.
Result<std::vector<uint32_t>> wait_any(Store& store, std::span<const Watch* const> watches) {
  for (;;) {
    std::vector<Condition> others;
    std::vector<uint32_t> ready = ready_now(watches, others);
    if (!ready.empty()) return ready;
    SEDGE_TRY(wait_for_one(store, others));
  }
}

class Host final : public bindings::p2::wasi::io::poll::Host {
 public:
  Result<std::vector<uint32_t>> poll(
      Store& store, std::vector<bindings::p2::wasi::io::poll::Pollable*> in) override {
    if (in.empty()) return fail(ErrorCode::component_trap, ": poll of an empty list");
    std::vector<Watch> owned;
    owned.reserve(in.size());
    std::vector<const Watch*> watches;
    for (auto* one : in) {
      owned.emplace_back([one] { return static_cast<Pollable*>(one)->condition(); });
      watches.push_back(&owned.back());
    }
    return wait_any(store, watches);
  }
};

}  // namespace

std::move_only_function<void()> when(Store& store, const Condition& condition,
                                     const std::function<void()>& then) {
  if (condition.signal)
    return [signal = condition.signal,
            number = condition.signal->when_raised(store, condition.seen, then)] {
      signal->cancel(number);
    };
  ComponentLoop loop = ComponentLoop::of(store);
  uint64_t number = 0;
  if (condition.ready)
    number = loop.at(ComponentLoop::Clock::now(), then);
  else if (condition.fd >= 0)
    number = loop.when(condition.fd, condition.events, [then](short) { then(); });
  else if (condition.at <= INT64_MAX)
    number =
        loop.at(ComponentLoop::Clock::time_point(std::chrono::nanoseconds(condition.at)), then);
  return [loop, number] { loop.cancel(number); };
}

Result<bool> Pollable::ready(Store&) {
  const Watch* one = &watch_;
  std::vector<Condition> others;
  return !ready_now({&one, 1}, others).empty();
}

Result<void> Pollable::block(Store& store) { return wait_for(store, watch_); }

Result<void> wait_for(Store& store, const Watch& watch) {
  const Watch* one = &watch;
  SEDGE_TRY(wait_any(store, {&one, 1}));
  return {};
}

bindings::p2::wasi::io::poll::Host& poll_host(Store&) {
  static Host host;
  return host;
}

}  // namespace sedge::wasi::p2
