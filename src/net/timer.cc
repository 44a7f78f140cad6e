// The timer wheel. A timer further away than one turn stays in its slot until its turn has come.
#include "net/timer.h"

#include <algorithm>

namespace sedge::net {

Timer::~Timer() { unlink(); }

void Timer::unlink() {
  if (!wheel_) return;
  *link_ = next_;
  if (next_) next_->link_ = link_;
  --wheel_->armed_;
  wheel_ = nullptr;
  next_ = nullptr;
  link_ = nullptr;
}

TimerWheel::~TimerWheel() {
  for (Timer* head : slots_)
    while (head) {
      Timer* timer = head;
      head = head->next_;
      timer->unlink();
    }
}

void TimerWheel::arm(Timer& timer, uint64_t deadline_ms) {
  timer.unlink();
  // The tick in which the deadline lies is over at the next one: never early.
  uint64_t tick = std::max(deadline_ms / kTickMs + 1, tick_ + 1);
  Timer** head = &slots_[tick % kSlots];
  timer.wheel_ = this;
  timer.deadline_ms_ = deadline_ms;
  timer.next_ = *head;
  timer.link_ = head;
  if (timer.next_) timer.next_->link_ = &timer.next_;
  *head = &timer;
  ++armed_;
}

void TimerWheel::advance(uint64_t now_ms) {
  uint64_t now_tick = now_ms / kTickMs;
  if (now_tick <= tick_) return;
  // After a long sleep one turn visits every slot.
  uint64_t first = now_tick - tick_ >= kSlots ? now_tick - kSlots + 1 : tick_ + 1;
  for (uint64_t tick = first; tick <= now_tick; ++tick) {
    tick_ = tick;
    // A fired timer may arm or destroy any other, so the due ones move to a list of their own,
    // whose links stay correct when one of them is unlinked.
    Timer* due = nullptr;
    Timer** tail = &due;
    for (Timer* timer = slots_[tick % kSlots]; timer;) {
      Timer* next = timer->next_;
      if (timer->deadline_ms_ / kTickMs < now_tick) {
        *timer->link_ = next;
        if (next) next->link_ = timer->link_;
        timer->next_ = nullptr;
        timer->link_ = tail;
        *tail = timer;
        tail = &timer->next_;
      }
      timer = next;
    }
    while (due) {
      Timer* timer = due;
      timer->unlink();
      timer->on_timer();
    }
  }
  tick_ = now_tick;
}

int TimerWheel::timeout_ms(uint64_t now_ms) const {
  if (armed_ == 0) return -1;
  uint64_t next = (tick_ + 1) * kTickMs;
  return next > now_ms ? static_cast<int>(next - now_ms) : 0;
}

}  // namespace sedge::net
