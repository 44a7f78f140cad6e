// The timer wheel against simulated time.
#include "net/timer.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

namespace sedge::net {
namespace {

class TestTimer final : public Timer {
 public:
  std::function<void()> action;
  int fired = 0;

 private:
  void on_timer() override {
    ++fired;
    if (action) action();
  }
};

TEST(TimerWheel, FiresAfterTheDeadlineAndOnce) {
  TimerWheel wheel(1000);
  TestTimer timer;
  wheel.arm(timer, 1500);
  wheel.advance(1499);
  EXPECT_EQ(timer.fired, 0);
  wheel.advance(1500 + TimerWheel::kTickMs);
  EXPECT_EQ(timer.fired, 1);
  EXPECT_FALSE(timer.armed());
  wheel.advance(100000);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, HoldsDeadlinesBeyondOneTurn) {
  TimerWheel wheel(0);
  TestTimer timer;
  wheel.arm(timer, 1'000'000);
  for (uint64_t now = 0; now < 1'000'000; now += 50) wheel.advance(now);
  EXPECT_EQ(timer.fired, 0);
  wheel.advance(1'000'000 + TimerWheel::kTickMs);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, FiresEverythingAfterALongSleep) {
  TimerWheel wheel(0);
  std::vector<std::unique_ptr<TestTimer>> timers;
  for (uint64_t i = 0; i < 500; ++i) {
    timers.push_back(std::make_unique<TestTimer>());
    wheel.arm(*timers.back(), i * 777);
  }
  wheel.advance(10'000'000);
  for (auto& timer : timers) EXPECT_EQ(timer->fired, 1);
  EXPECT_EQ(wheel.timeout_ms(10'000'000), -1);
}

TEST(TimerWheel, MovesAndDisarms) {
  TimerWheel wheel(0);
  TestTimer moved, disarmed;
  wheel.arm(moved, 100);
  wheel.arm(moved, 5000);
  wheel.arm(disarmed, 100);
  wheel.disarm(disarmed);
  wheel.advance(1000);
  EXPECT_EQ(moved.fired, 0);
  EXPECT_EQ(disarmed.fired, 0);
  wheel.advance(6000);
  EXPECT_EQ(moved.fired, 1);
  EXPECT_EQ(disarmed.fired, 0);
}

TEST(TimerWheel, LetsATimerDestroyOthersAndArmItself) {
  TimerWheel wheel(0);
  TestTimer first;
  auto second = std::make_unique<TestTimer>();
  auto third = std::make_unique<TestTimer>();
  auto destroy_others = [&] {
    second.reset();
    third.reset();
    wheel.arm(first, 10'000);
  };
  first.action = destroy_others;
  second->action = third->action = [] { FAIL() << "a destroyed timer fired"; };
  // The one armed last is the first of its slot.
  wheel.arm(*second, 100);
  wheel.arm(*third, 101);
  wheel.arm(first, 102);
  wheel.advance(1000);
  EXPECT_EQ(first.fired, 1);
  EXPECT_TRUE(first.armed());
}

TEST(TimerWheel, SaysHowLongToSleep) {
  TimerWheel wheel(640);
  EXPECT_EQ(wheel.timeout_ms(640), -1);
  TestTimer timer;
  wheel.arm(timer, 700);
  EXPECT_GT(wheel.timeout_ms(641), 0);
  EXPECT_LE(wheel.timeout_ms(641), static_cast<int>(TimerWheel::kTickMs));
  EXPECT_EQ(wheel.timeout_ms(5000), 0);
}

}  // namespace
}  // namespace sedge::net
