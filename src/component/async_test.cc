// Components that wait, through the host's interface: asynchronous host functions, parked guests,
// streams and futures between host and guest, and what ends them.
#include <sedge/component_async.h>

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "component/instance.h"
#include "runtime/store_impl.h"

namespace sedge::component {
namespace {

Engine make_engine(Tier tier = Tier::interp) {
  Config config;
  config.features = Features::parse("all,+cm-async-stackful,+cm-more-async-builtins").value();
  config.tier = tier;
  config.interruptible = true;
  return Engine::create(config).value();
}

std::vector<Tier> tiers() {
  std::vector<Tier> out = {Tier::interp};
  if (Engine::has(Tier::baseline)) out.push_back(Tier::baseline);
  return out;
}

ComponentVal u32(uint32_t value) {
  ComponentVal out;
  out.kind = ComponentVal::Kind::u32;
  out.bits = value;
  return out;
}

/// run(n) = the sum of wait(0) … wait(n - 1); `wait` looks synchronous.
constexpr std::string_view kSync = R"((component
  (import "wait" (func $wait (param "n" u32) (result u32)))
  (core func $wait' (canon lower (func $wait)))
  (core module $m
    (import "" "wait" (func $wait (param i32) (result i32)))
    (func (export "run") (param $n i32) (result i32)
      (local $at i32) (local $sum i32)
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
      (local.get $sum)))
  (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait'))))))
  (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run")))))";

/// The same with a host function of an asynchronous type: `blocks` waits for it in core code,
/// `calls-back` in a callback.
constexpr std::string_view kAsync = R"((component
  (import "wait" (func $wait async (param "n" u32) (result u32)))
  (core module $mem (memory (export "m") 1))
  (core instance $mem (instantiate $mem))
  (core func $sync (canon lower (func $wait)))
  (core func $async (canon lower (func $wait) async (memory (core memory $mem "m"))))
  (core func $return (canon task.return (result u32)))
  (core func $cancel (canon subtask.cancel))
  (core func $drop (canon subtask.drop))
  (core func $join (canon waitable.join))
  (core func $new (canon waitable-set.new))
  (core module $m
    (import "" "m" (memory 1))
    (import "" "sync" (func $sync (param i32) (result i32)))
    (import "" "async" (func $async (param i32 i32) (result i32)))
    (import "" "return" (func $return (param i32)))
    (import "" "cancel" (func $cancel (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "new" (func $new (result i32)))
    (func (export "blocks") (param i32) (result i32)
      (i32.add (call $sync (local.get 0)) (call $sync (local.get 0))))
    (func (export "calls-back") (param i32) (result i32)
      (local $state i32) (local $set i32)
      (local.set $state (call $async (local.get 0) (i32.const 16)))
      (if (i32.eq (i32.and (local.get $state) (i32.const 15)) (i32.const 2))
        (then (call $return (i32.load (i32.const 16))) (return (i32.const 0))))
      (local.set $set (call $new))
      (call $join (i32.shr_u (local.get $state) (i32.const 4)) (local.get $set))
      (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
    (func (export "cb") (param i32 i32 i32) (result i32)
      (if (i32.ne (local.get 0) (i32.const 1)) (then unreachable))
      (if (i32.ne (local.get 2) (i32.const 2)) (then unreachable))
      (call $drop (local.get 1))
      (call $return (i32.load (i32.const 16)))
      (i32.const 0))
    (func (export "cancels") (param i32) (result i32)
      (call $cancel (i32.shr_u (call $async (local.get 0) (i32.const 16)) (i32.const 4)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "m" (memory $mem "m"))
    (export "sync" (func $sync)) (export "async" (func $async)) (export "return" (func $return))
    (export "cancel" (func $cancel)) (export "drop" (func $drop)) (export "join" (func $join))
    (export "new" (func $new))))))
  (func (export "blocks") async (param "n" u32) (result u32) (canon lift (core func $i "blocks")))
  (func (export "calls-back") async (param "n" u32) (result u32)
    (canon lift (core func $i "calls-back") async (callback (core func $i "cb"))))
  (func (export "cancels") async (param "n" u32) (result u32)
    (canon lift (core func $i "cancels")))))";

/// `sum` adds the bytes of a stream up to its end; `count` gives a stream of 1 … n and a future
/// that holds 7; `late` waits for a future.
constexpr std::string_view kChannels = R"((component
  (type $st (stream u8)) (type $ft (future u32))
  (core module $mem (memory (export "m") 1))
  (core instance $mem (instantiate $mem))
  (core func $read (canon stream.read $st (memory (core memory $mem "m"))))
  (core func $write (canon stream.write $st (memory (core memory $mem "m"))))
  (core func $new (canon stream.new $st))
  (core func $drop-r (canon stream.drop-readable $st))
  (core func $drop-w (canon stream.drop-writable $st))
  (core func $fread (canon future.read $ft (memory (core memory $mem "m"))))
  (core func $fdrop (canon future.drop-readable $ft))
  (core func $return (canon task.return (result $st)))
  (core module $m
    (import "" "m" (memory 1))
    (import "" "read" (func $read (param i32 i32 i32) (result i32)))
    (import "" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "" "new" (func $new (result i64)))
    (import "" "drop-r" (func $drop-r (param i32)))
    (import "" "drop-w" (func $drop-w (param i32)))
    (import "" "fread" (func $fread (param i32 i32) (result i32)))
    (import "" "fdrop" (func $fdrop (param i32)))
    (import "" "return" (func $return (param i32)))
    (func (export "sum") (param $s i32) (result i32)
      (local $got i32) (local $sum i32) (local $at i32)
      (loop $more
        (local.set $got (call $read (local.get $s) (i32.const 64) (i32.const 16)))
        (local.set $at (i32.const 0))
        (block $done (loop $each
          (br_if $done (i32.ge_u (local.get $at) (i32.shr_u (local.get $got) (i32.const 4))))
          (local.set $sum
            (i32.add (local.get $sum) (i32.load8_u offset=64 (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $each)))
        (br_if $more (i32.eqz (i32.and (local.get $got) (i32.const 15)))))
      (call $drop-r (local.get $s))
      (local.get $sum))
    (func (export "late") (param $f i32) (result i32)
      (if (i32.ne (call $fread (local.get $f) (i32.const 8)) (i32.const 0)) (then unreachable))
      (call $fdrop (local.get $f))
      (i32.load (i32.const 8)))
    (func (export "count") (param $n i32)
      (local $both i64) (local $at i32) (local $left i32)
      (local.set $both (call $new))
      (call $return (i32.wrap_i64 (local.get $both)))
      (loop $fill
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (i32.store8 offset=255 (local.get $at) (local.get $at))
        (br_if $fill (i32.lt_u (local.get $at) (local.get $n))))
      (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $both) (i64.const 32)))
        (i32.const 256) (local.get $n)))
      (call $drop-w (i32.wrap_i64 (i64.shr_u (local.get $both) (i64.const 32))))))
  (core instance $i (instantiate $m (with "" (instance
    (export "m" (memory $mem "m"))
    (export "read" (func $read)) (export "write" (func $write)) (export "new" (func $new))
    (export "drop-r" (func $drop-r)) (export "drop-w" (func $drop-w))
    (export "fread" (func $fread)) (export "fdrop" (func $fdrop))
    (export "return" (func $return))))))
  (func (export "sum") async (param "s" $st) (result u32) (canon lift (core func $i "sum")))
  (func (export "late") async (param "f" $ft) (result u32) (canon lift (core func $i "late")))
  (func (export "count") async (param "n" u32) (result $st)
    (canon lift (core func $i "count") async))))";

/// One store with one instance.
struct Guest {
  Guest(const Engine& engine, const ComponentLinker& linker, std::string_view text)
      : store(std::make_unique<Store>(engine)) {
    auto component = sedge::Component::from_text(engine, text);
    if (!component) {
      ADD_FAILURE() << component.error().render();
      return;
    }
    auto made = linker.instantiate(*store, *component);
    if (!made)
      ADD_FAILURE() << made.error().render();
    else
      instance = *std::move(made);
  }
  ComponentFunc func(std::string_view name) const { return *instance.get_func(name); }
  Result<std::vector<ComponentVal>> call(std::string_view name, ComponentVal arg) const {
    return func(name).call(*store, std::vector{std::move(arg)});
  }
  std::unique_ptr<Store> store;
  ComponentInstance instance;
};

std::string told(const Result<std::vector<ComponentVal>>& result) {
  if (!result) return result.error().message();
  return result->empty() ? "nothing" : to_string((*result)[0]);
}

TEST(ComponentAsync, AHostFunctionParksItsGuestWithoutAThread) {
  for (Tier tier : tiers()) {
    Engine engine = make_engine(tier);
    bool open = false;
    ComponentLinker linker;
    linker.func("wait",
                [&open](Store& store,
                        std::span<const ComponentVal> args) -> Result<std::vector<ComponentVal>> {
                  SEDGE_TRY(suspend_until(store, [&open] { return open; }));
                  return std::vector{args[0]};
                });
    constexpr size_t kGuests = 1000;
    std::vector<std::unique_ptr<Guest>> guests;
    std::vector<std::string> answers(kGuests);
    for (size_t i = 0; i < kGuests; ++i) {
      guests.push_back(std::make_unique<Guest>(engine, linker, kSync));
      Guest& guest = *guests.back();
      ASSERT_TRUE(
          guest.func("run").start(*guest.store, std::vector{u32(static_cast<uint32_t>(i % 10))},
                                  [&answers, i](auto result) { answers[i] = told(result); }));
      ComponentLoop::of(*guest.store).poll();
    }
    EXPECT_EQ(answers[0], "0");
    EXPECT_EQ(answers[9], "");
    open = true;
    for (auto& guest : guests) ComponentLoop::of(*guest->store).poll();
    EXPECT_EQ(answers[9], "36");
    EXPECT_EQ(answers[kGuests - 1], "36");
  }
}

TEST(ComponentAsync, AParkedGuestGoesOnOnAnyThread) {
  for (Tier tier : tiers()) {
    Engine engine = make_engine(tier);
    bool open = false;
    ComponentLinker linker;
    linker.func("wait",
                [&open](Store& store,
                        std::span<const ComponentVal> args) -> Result<std::vector<ComponentVal>> {
                  open = false;
                  SEDGE_TRY(suspend_until(store, [&open] { return open; }));
                  return std::vector{args[0]};
                });
    Guest guest(engine, linker, kSync);
    std::string answer;
    ASSERT_TRUE(guest.func("run").start(*guest.store, std::vector{u32(9)},
                                        [&answer](auto result) { answer = told(result); }));
    for (int turns = 0; answer.empty() && turns < 20; ++turns) {
      open = true;
      std::thread([&guest] { ComponentLoop::of(*guest.store).poll(); }).join();
    }
    EXPECT_EQ(answer, "36");
    EXPECT_TRUE(ComponentLoop::of(*guest.store).finished());
    // One that waits is ended by whoever destroys it.
    ASSERT_TRUE(guest.func("run").start(*guest.store, std::vector{u32(9)}, [](auto) {}));
    std::thread([&guest] { ComponentLoop::of(*guest.store).poll(); }).join();
    EXPECT_FALSE(ComponentLoop::of(*guest.store).finished());
    std::thread([&guest] { guest.store.reset(); }).join();
  }
}

TEST(ComponentAsync, WhatFailsAfterTheResultIsToldByFinish) {
  constexpr std::string_view kLate = R"((component
    (core func $return (canon task.return (result u32)))
    (core module $m
      (import "" "return" (func $return (param i32)))
      (func (export "run") (result i32) (call $return (i32.const 7)) (i32.const 1))
      (func (export "cb") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
    (func (export "run") async (result u32)
      (canon lift (core func $i "run") async (callback (core func $i "cb"))))))";
  for (bool polls : {false, true}) {
    Guest guest(make_engine(), ComponentLinker(), kLate);
    ComponentLoop loop = ComponentLoop::of(*guest.store);
    std::string answer;
    if (polls) {
      ASSERT_TRUE(guest.func("run").start(*guest.store, {},
                                          [&answer](auto result) { answer = told(result); }));
      loop.poll();
      EXPECT_TRUE(loop.finished());
    } else {
      answer = told(guest.func("run").call(*guest.store, {}));
    }
    EXPECT_EQ(answer, "7");
    auto rest = loop.finish();
    ASSERT_FALSE(rest);
    EXPECT_EQ(rest.error().code(), ErrorCode::unreachable);
    EXPECT_TRUE(loop.finish());
  }
}

TEST(ComponentAsync, ACallThatWaitsSleepsUntilAnotherThreadWakesIt) {
  Engine engine = make_engine();
  std::atomic<bool> open = false;
  std::thread waker;
  ComponentLinker linker;
  linker.func(
      "wait",
      [&](Store& store, std::span<const ComponentVal> args) -> Result<std::vector<ComponentVal>> {
        if (!waker.joinable())
          waker = std::thread([&open, remote = ComponentLoop::of(store).remote()] {
            open = true;
            remote.wake();
          });
        SEDGE_TRY(suspend_until(store, [&open] { return open.load(); }));
        return std::vector{args[0]};
      });
  Guest guest(engine, linker, kSync);
  EXPECT_EQ(told(guest.call("run", u32(4))), "6");
  waker.join();
}

TEST(ComponentAsync, HostFunctionsCompleteAtOnceLaterOrFromAnotherThread) {
  for (Tier tier : tiers()) {
    Engine engine = make_engine(tier);
    std::vector<std::thread> threads;
    ComponentLinker linker;
    linker.async_func("wait", [&threads](Store& store, std::span<const ComponentVal> args,
                                         ComponentCompletion done) {
      switch (args[0].bits) {
        case 1:
          return done.resolve({u32(10)});
        case 2:
          ComponentLoop::of(store).at(ComponentLoop::Clock::now(),
                                      [done] { done.resolve({u32(20)}); });
          return;
        case 3:
          threads.emplace_back([done] { done.resolve({u32(30)}); });
          return;
        case 4:
          return done.resolve({});
        default:
          return;  // dropped
      }
    });
    for (std::string_view name : {"blocks", "calls-back"}) {
      const bool twice = name == "blocks";
      auto run = [&](uint32_t n) { return told(Guest(engine, linker, kAsync).call(name, u32(n))); };
      EXPECT_EQ(run(1), twice ? "20" : "10") << name;
      EXPECT_EQ(run(2), twice ? "40" : "20") << name;
      EXPECT_EQ(run(3), twice ? "60" : "30") << name;
      EXPECT_EQ(run(4), "host function failed: a host function gave another number of results");
      EXPECT_EQ(run(5), "host function failed: it went away without an answer");
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(ComponentAsync, ACancelledCallEndsAtOnceOrWhenTheHostSaysSo) {
  Engine engine = make_engine();
  ComponentLinker linker;
  std::vector<ComponentCompletion> kept;
  linker.async_func("wait",
                    [&kept](Store&, std::span<const ComponentVal> args, ComponentCompletion done) {
                      if (args[0].bits == 1) done.on_cancel([done] { done.resolve({u32(1)}); });
                      if (args[0].bits == 2) done.on_cancel([done] { done.cancelled(); });
                      kept.push_back(std::move(done));
                    });
  Guest guest(engine, linker, kAsync);
  EXPECT_EQ(told(guest.call("cancels", u32(0))), "4");  // cancelled before it returned
  EXPECT_EQ(told(guest.call("cancels", u32(1))), "2");  // returned
  EXPECT_EQ(told(guest.call("cancels", u32(2))), "4");
}

TEST(ComponentAsync, TheHostIsToldOnceWhenNobodyWaitsForItsCall) {
  Engine engine = make_engine();
  ComponentLinker linker;
  int ended = 0;
  linker.async_func("wait", [&ended](Store& store, std::span<const ComponentVal>,
                                     ComponentCompletion done) {
    done.on_end([&ended] { ++ended; });
    // The call may be cancelled before.
    ComponentLoop::of(store).at(ComponentLoop::Clock::now(), [done] { done.resolve({u32(1)}); });
  });
  Guest guest(engine, linker, kAsync);
  EXPECT_EQ(told(guest.call("cancels", u32(0))), "4");
  EXPECT_EQ(ended, 1);
}

TEST(ComponentAsync, WaitingCallbacksHoldNoStack) {
  Engine engine = make_engine();
  ComponentLinker linker;
  std::vector<ComponentCompletion> kept;
  linker.async_func("wait", [&kept](Store&, std::span<const ComponentVal>,
                                    ComponentCompletion done) { kept.push_back(std::move(done)); });
  Guest guest(engine, linker, kAsync);
  constexpr uint32_t kCalls = 2000;
  std::vector<std::string> answers(kCalls);
  ComponentLoop loop = ComponentLoop::of(*guest.store);
  for (uint32_t i = 0; i < kCalls; ++i)
    ASSERT_TRUE(
        guest.func("calls-back").start(*guest.store, std::vector{u32(i)}, [&answers, i](auto r) {
          answers[i] = told(r);
        }));
  loop.poll();
  ASSERT_EQ(kept.size(), kCalls);
  EXPECT_EQ(guest.store->impl().fibers_in_use, 0u);
  // All write to one place in memory: each is answered before the next is.
  for (uint32_t i = 0; i < kCalls; ++i) {
    kept[kCalls - 1 - i].resolve({u32(i)});
    if (i % 100 == 0) loop.poll();
  }
  loop.poll();
  EXPECT_EQ(answers[kCalls - 1], "0");
  EXPECT_NE(answers[0], "");
}

TEST(ComponentAsync, StreamsAndFuturesOfTheHost) {
  for (Tier tier : tiers()) {
    Guest guest(make_engine(tier), ComponentLinker(), kChannels);
    auto [stream, writer] = ComponentWriter::stream(*guest.store);
    auto shared = std::make_shared<ComponentWriter>(std::move(writer));
    uint32_t taken = 0;
    std::function<void(ComponentItems)> next = [&](ComponentItems items) {
      taken += items.count;
      if (taken < 40)
        shared->write_bytes(std::vector<uint8_t>(40 - taken, 2), next);
      else
        shared.reset();
    };
    shared->write_bytes(std::vector<uint8_t>(40, 2), next);
    EXPECT_EQ(told(guest.call("sum", std::move(stream))), "80");
    EXPECT_EQ(taken, 40u);

    auto [future, once] = ComponentWriter::future(*guest.store);
    ComponentLoop::of(*guest.store).at(ComponentLoop::Clock::now(), [&once] {
      once.write({u32(77)}, [](ComponentItems items) { EXPECT_EQ(items.count, 1u); });
    });
    EXPECT_EQ(told(guest.call("late", std::move(future))), "77");

    auto made = guest.call("count", u32(5));
    ASSERT_TRUE(made) << made.error().message();
    auto reader = ComponentReader::from(*guest.store, (*made)[0]).value();
    std::vector<uint8_t> bytes;
    bool ended = false;
    std::function<void(ComponentItems)> more = [&](ComponentItems items) {
      bytes.insert(bytes.end(), items.bytes.begin(), items.bytes.end());
      ended = items.ended;
      if (!ended) reader.read_bytes(3, more);
    };
    reader.read_bytes(3, more);
    ComponentLoop::of(*guest.store).poll();
    EXPECT_EQ(bytes, (std::vector<uint8_t>{1, 2, 3, 4, 5}));
    EXPECT_TRUE(ended);
    EXPECT_FALSE(ComponentReader::from(*guest.store, (*made)[0]));
  }
}

TEST(ComponentAsync, DroppedEndsAreSeenByTheOther) {
  Guest guest(make_engine(), ComponentLinker(), kChannels);
  {
    auto [stream, writer] = ComponentWriter::stream(*guest.store);
    writer = ComponentWriter();
    EXPECT_EQ(told(guest.call("sum", std::move(stream))), "0");
  }
  auto [future, never] = ComponentWriter::future(*guest.store);
  never = ComponentWriter();
  EXPECT_EQ(told(guest.call("late", std::move(future))),
            "wasm trap: cannot read from a future whose writer has gone without writing");
}

// As wit-bindgen waits for a stream: the end of one that the host writes is seen by a read of
// something.
TEST(ComponentAsync, AReadOfNothingOnlyWaits) {
  constexpr std::string_view kText = R"((component
    (type $S (stream u8))
    (core module $Libc (memory (export "memory") 1))
    (core instance $libc (instantiate $Libc))
    (core func $read (canon stream.read $S (memory (core memory $libc "memory"))))
    (core module $M
      (import "" "read" (func $read (param i32 i32 i32) (result i32)))
      (func (export "f") (param i32) (result i32)
        (i32.add
          (i32.mul (call $read (local.get 0) (i32.const 0) (i32.const 0)) (i32.const 1000))
          (call $read (local.get 0) (i32.const 0) (i32.const 4)))))
    (core instance $m (instantiate $M (with "" (instance (export "read" (func $read))))))
    (func (export "f") async (param "s" $S) (result u32) (canon lift (core func $m "f")))))";
  Guest guest(make_engine(), ComponentLinker(), kText);
  auto [stream, writer] = ComponentWriter::stream(*guest.store);
  ComponentLoop::of(*guest.store).at(ComponentLoop::Clock::now(), [&writer] {
    writer = ComponentWriter();
  });
  EXPECT_EQ(told(guest.call("f", std::move(stream))), "1");  // completed, then dropped
}

TEST(ComponentAsync, AWriterIsToldAtOnceThatItsReaderIsGone) {
  Engine engine = make_engine();
  Store store(engine);
  int told = 0;
  {
    auto [stream, writer] = ComponentWriter::stream(store);
    writer.on_dropped([&] { ++told; });
    EXPECT_EQ(told, 0);
    stream = ComponentVal();
    EXPECT_EQ(told, 1);
    // What is too late is told by the loop.
    writer.on_dropped([&] { ++told; });
    EXPECT_EQ(told, 1);
    ComponentLoop::of(store).poll();
    EXPECT_EQ(told, 2);
  }
  // It is not told of itself.
  auto [stream, writer] = ComponentWriter::stream(store);
  writer.on_dropped([&] { ++told; });
  writer = ComponentWriter();
  stream = ComponentVal();
  EXPECT_EQ(told, 2);
}

TEST(ComponentAsync, DeadlinesInterruptsAndTheEndOfTheStoreEndWhatWaits) {
  Engine engine = make_engine();
  ComponentLinker linker;
  std::vector<ComponentCompletion> kept;
  linker.async_func("wait", [&kept](Store&, std::span<const ComponentVal>,
                                    ComponentCompletion done) { kept.push_back(std::move(done)); });
  for (std::string_view name : {"blocks", "calls-back"}) {
    Guest guest(engine, linker, kAsync);
    guest.store->set_deadline(ComponentLoop::Clock::now() + std::chrono::milliseconds(5));
    EXPECT_EQ(told(guest.call(name, u32(1))), "wall-clock deadline exceeded") << name;
    EXPECT_EQ(guest.store->impl().fibers_in_use, 0u);

    Guest other(engine, linker, kAsync);
    std::thread stop([interrupter = other.store->interrupter()] { interrupter.interrupt(); });
    EXPECT_EQ(told(other.call(name, u32(1))), "interrupted") << name;
    stop.join();

    std::string answer;
    {
      Guest gone(engine, linker, kAsync);
      ASSERT_TRUE(gone.func(name).start(*gone.store, std::vector{u32(1)},
                                        [&answer](auto r) { answer = told(r); }));
      ComponentLoop::of(*gone.store).poll();
      EXPECT_EQ(answer, "");
    }
    kept.back().resolve({u32(1)});  // nobody is there
  }
}

TEST(ComponentAsync, WhatHostEndsAreToBeToldGoesWithTheStore) {
  auto kept = std::make_shared<int>(0);
  {
    Guest guest(make_engine(), ComponentLinker(), kChannels);
    auto [stream, first] = ComponentWriter::stream(*guest.store);
    auto writer = std::make_shared<ComponentWriter>(std::move(first));
    ComponentWriter& used = *writer;
    used.write_bytes({1}, [writer = std::move(writer), kept](const ComponentItems&) {});
    EXPECT_EQ(kept.use_count(), 2);
  }
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(ComponentAsync, AStoreThatIsReplacedEndsWhatWaitsInIt) {
  Engine engine = make_engine();
  ComponentLinker linker;
  std::vector<ComponentCompletion> kept;
  linker.async_func("wait", [&kept](Store&, std::span<const ComponentVal>,
                                    ComponentCompletion done) { kept.push_back(std::move(done)); });
  for (std::string_view name : {"blocks", "calls-back"}) {
    Guest guest(engine, linker, kAsync);
    Store moved = std::move(*guest.store);
    ASSERT_TRUE(guest.func(name).start(moved, std::vector{u32(1)}, [](auto) {}));
    ComponentLoop::of(moved).poll();
    EXPECT_NE(moved.impl().parked == nullptr, name == "blocks");
    moved = Store(engine);
    EXPECT_EQ(moved.impl().fibers_in_use, 0u);
    kept.back().resolve({u32(1)});
  }
}

TEST(ComponentAsync, ATrapEndsWhatWaitsInTheSameComponent) {
  Engine engine = make_engine();
  ComponentLinker linker;
  std::vector<ComponentCompletion> kept;
  linker.async_func("wait", [&kept](Store&, std::span<const ComponentVal>,
                                    ComponentCompletion done) { kept.push_back(std::move(done)); });
  Guest guest(engine, linker, kAsync);
  std::vector<std::string> answers(3);
  for (size_t i = 0; i < answers.size(); ++i)
    ASSERT_TRUE(
        guest.func("calls-back").start(*guest.store, std::vector{u32(1)}, [&answers, i](auto r) {
          answers[i] = told(r);
        }));
  ComponentLoop loop = ComponentLoop::of(*guest.store);
  loop.poll();
  kept[1].fail(Error(ErrorCode::host_failure, ": on purpose"));
  loop.poll();
  EXPECT_EQ(answers[0], "host function failed: on purpose");
  for (size_t i : {1u, 2u})
    EXPECT_EQ(answers[i],
              "wasm trap: cannot enter component instance: another call into it has trapped");
  EXPECT_EQ(told(guest.call("calls-back", u32(1))), "wasm trap: cannot enter component instance");
}

TEST(ComponentAsync, NothingThatCouldGoOnIsADeadlock) {
  Guest guest(make_engine(), ComponentLinker(), kChannels);
  auto made = guest.call("count", u32(5));
  ASSERT_TRUE(made);
  // The stream's writer is the guest itself, which waits for a reader.
  EXPECT_EQ(told(guest.call("sum", std::move((*made)[0]))), "15");
  Guest alone(make_engine(), ComponentLinker(), kChannels);
  auto [future, writer] = ComponentWriter::future(*alone.store);
  std::string answer;
  ASSERT_TRUE(alone.func("late").start(*alone.store, std::vector{std::move(future)},
                                       [&answer](auto r) { answer = told(r); }));
  ComponentLoop::of(*alone.store).poll();
  EXPECT_EQ(answer, "");
  writer = ComponentWriter();
  ComponentLoop::of(*alone.store).poll();
  EXPECT_EQ(answer, "wasm trap: cannot read from a future whose writer has gone without writing");
}

}  // namespace
}  // namespace sedge::component
