#include "serve/reactor.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <future>

namespace sedge::serve {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    out = Fd(ends[0]);
    in = Fd(ends[1]);
  }
  pollfd readable() const { return {out.get(), POLLIN, 0}; }
  void write() const { EXPECT_EQ(::write(in.get(), "x", 1), 1); }
  Fd out, in;
};

TEST(ReactorTest, WakesForADescriptorOnce) {
  Reactor reactor;
  Pipe pipe;
  std::promise<void> woken;  // a second call would throw
  pollfd fds[] = {pipe.readable()};
  EXPECT_NE(reactor.wait(fds, std::nullopt, [&] { woken.set_value(); }), 0U);
  pipe.write();
  woken.get_future().wait();
  pipe.write();
  std::promise<void> later;
  reactor.wait({}, std::chrono::steady_clock::now() + std::chrono::milliseconds(5),
               [&] { later.set_value(); });
  later.get_future().wait();
}

/// Keeps a reactor's thread in a wake until it goes: what is asked for meanwhile comes together.
class Gate {
 public:
  explicit Gate(Reactor& reactor) {
    reactor.wait({}, std::chrono::steady_clock::now(),
                 [this, opened = opened_.get_future().share()] {
                   entered_.set_value();
                   opened.wait();
                 });
    entered_.get_future().wait();
  }
  ~Gate() { opened_.set_value(); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

 private:
  std::promise<void> entered_, opened_;
};

TEST(ReactorTest, WakesInTheOrderOfTimes) {
  Reactor reactor;
  std::string order;
  std::promise<void> done;
  {
    Gate gate(reactor);
    auto now = std::chrono::steady_clock::now();
    reactor.wait({}, now + std::chrono::milliseconds(30), [&] {
      order += 'c';
      done.set_value();
    });
    reactor.wait({}, now + std::chrono::milliseconds(20), [&] { order += 'b'; });
    reactor.wait({}, now - std::chrono::hours(1), [&] { order += 'a'; });
  }
  done.get_future().wait();
  EXPECT_EQ(order, "abc");
}

TEST(ReactorTest, WhatIsCancelledIsNotCalled) {
  Reactor reactor;
  Pipe pipe;
  pollfd fds[] = {pipe.readable()};
  std::promise<void> done;
  {
    Gate gate(reactor);
    auto now = std::chrono::steady_clock::now();
    uint64_t both = reactor.wait(fds, now + std::chrono::hours(1), [] { ADD_FAILURE(); });
    uint64_t time = reactor.wait({}, now, [] { ADD_FAILURE(); });
    reactor.cancel(both);
    reactor.cancel(time);
    reactor.cancel(time);
    pipe.write();
    reactor.wait({}, now + std::chrono::milliseconds(10), [&] { done.set_value(); });
  }
  done.get_future().wait();
}

TEST(ReactorTest, ADescriptorMayBeClosedAndWaitedForByMany) {
  Reactor reactor;
  Pipe pipe;
  pollfd fds[] = {pipe.readable(), pipe.readable()};
  std::promise<void> first, second;
  reactor.wait(fds, std::nullopt, [&] { first.set_value(); });
  reactor.wait(fds, std::nullopt, [&] { second.set_value(); });
  pipe.out.reset();
  pipe.write();
  first.get_future().wait();
  second.get_future().wait();
}

TEST(ReactorTest, TellsAtOnceOfWhatCannotBeWatched) {
  Pipe pipe;
  Reactor reactor;
  pollfd fds[] = {{-1, POLLIN, 0}};
  std::promise<void> woken;
  reactor.wait(fds, std::nullopt, [&] { woken.set_value(); });
  woken.get_future().wait();
  // What still waits goes with the reactor.
  fds[0] = pipe.readable();
  reactor.wait(fds, std::nullopt, [] { ADD_FAILURE(); });
}

}  // namespace
}  // namespace sedge::serve
