// See guest_call.h. Wakes come from any thread; turns follow one another, each on whatever thread.
#include "serve/guest_call.h"

#include <utility>
#include <vector>

namespace sedge::serve {

GuestCall::GuestCall(Store& store, Turns& turns, std::function<bool()> returned,
                     std::move_only_function<void()> end)
    : loop_(ComponentLoop::of(store)),
      turns_(turns),
      returned_(std::move(returned)),
      end_(std::move(end)) {}

void GuestCall::run(Store& store, Turns& turns, std::function<bool()> returned,
                    std::move_only_function<void()> end) {
  std::shared_ptr<GuestCall> call(new GuestCall(store, turns, std::move(returned), std::move(end)));
  call->self_ = call;
  call->loop_.on_wake([weak = std::weak_ptr(call)] {
    if (auto alive = weak.lock()) alive->wake();
  });
  call->turn();
}

void GuestCall::ask() {
  turns_.ask([call = shared_from_this()] {
    {
      std::lock_guard lock(call->mutex_);
      call->state_ = State::running;
    }
    call->turn();
  });
}

void GuestCall::wake() {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::running) state_ = State::woken;
    if (state_ != State::waiting) return;
    state_ = State::asked;
  }
  ask();
}

void GuestCall::watch() {
  std::vector<pollfd> fds;
  loop_.interests(fds);
  std::optional<ComponentLoop::Clock::time_point> time = loop_.next_time();
  if (fds.empty() && !time) return;
  watch_ = turns_.reactor().wait(fds, time, [weak = weak_from_this()] {
    if (auto alive = weak.lock()) alive->wake();
  });
}

void GuestCall::turn() {
  if (watch_ != 0) turns_.reactor().cancel(std::exchange(watch_, 0));
  loop_.poll();
  if (returned_() && loop_.finished()) {
    {
      std::lock_guard lock(mutex_);
      state_ = State::ended;
    }
    // Who else has the loop could still post: a store that is to be used again must be left alone.
    {
      const ComponentLoop left = std::move(loop_);
      left.on_wake(nullptr);
    }
    std::shared_ptr<GuestCall> last = std::move(self_);
    return std::exchange(end_, nullptr)();
  }
  watch();
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::running) {
      state_ = State::waiting;
      return;  // from here on the next turn may run
    }
    state_ = State::asked;
  }
  ask();
}

}  // namespace sedge::serve
