// Calls that stop inside a host function on a fiber and go on later: on every tier, with garbage
// collection, traps, exhausted stacks, fuel and interrupts in between.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sedge/sedge.h>

#include "engine/engine_impl.h"
#include "runtime/fiber.h"

namespace sedge {
namespace {

constexpr std::string_view kModule = R"((module
  (type $pair (struct (field i32) (field i32)))
  (import "host" "wait" (func $wait (param i32) (result i32)))
  (memory 1)
  (func $spin (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $spin (i32.sub (local.get 0) (i32.const 1)))))))
  (func (export "sum") (param $n i32) (result i32)
    (local $at i32) (local $sum i32) (local $kept (ref null $pair))
    (local.set $kept (struct.new $pair (local.get $n) (i32.const 7)))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 3))))
    (i32.add (local.get $sum)
      (i32.mul (struct.get $pair 0 (local.get $kept)) (struct.get $pair 1 (local.get $kept)))))
  (func (export "deep") (param i32) (result i32)
    (drop (call $wait (i32.const 0)))
    (call $spin (local.get 0)))
  (func $bad (result i32)
    (drop (call $wait (i32.const 0)))
    (i32.load (i32.const 65536)))
  (func (export "bad") (result i32) (call $bad))
  (func (export "loop") (drop (call $wait (i32.const 0))) (loop $l (br $l)))))";

struct Mode {
  const char* name;
  Tier tier;
};

std::vector<Mode> modes() {
  std::vector<Mode> out = {{"interp", Tier::interp}};
  if (Engine::has(Tier::baseline)) out.push_back({"baseline", Tier::baseline});
  if (Engine::has(Tier::llvm)) out.push_back({"llvm", Tier::llvm});
  return out;
}

/// A store whose only import suspends the fiber that calls it.
struct World {
  explicit World(Tier tier, Config config = {}) {
    config.tier = tier;
    engine = std::make_unique<Engine>(Engine::create(config).value());
    Module module = Module::from_text(*engine, kModule).value();
    store = std::make_unique<Store>(*engine);
    store->set_fuel(100'000'000);
    Func wait = Func::wrap(
        *store, module.imports()[0].type.func,
        [](Caller& caller, std::span<const Val> args, std::span<Val> results) -> Result<void> {
          StoreImpl& impl = caller.store().impl();
          if (impl.fiber) impl.fiber->suspend();
          if (caller.store().should_stop()) return fail(ErrorCode::interrupted);
          results[0] = args[0];
          return {};
        });
    std::vector<Extern> imports = {wait};
    instance = Instance::create(*store, module, imports).value();
  }
  Func func(std::string_view name) { return std::get<Func>(*instance.get_export(*store, name)); }
  StoreImpl& impl() { return store->impl(); }
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Store> store;
  Instance instance;
};

/// A call on a fiber, and what became of it.
struct Started {
  Started(World& world, std::string_view name, std::vector<Val> args) {
    fiber = runtime::Fiber::create(world.impl(), [this, &world, func = world.func(name), args] {
              result = func.call(*world.store, args);
            }).value();
  }
  std::unique_ptr<runtime::Fiber> fiber;
  std::optional<Result<std::vector<Val>>> result;
};

TEST(Fiber, ThousandsWaitAtOnceAndGoOnInAnyOrder) {
  for (const Mode& mode : modes()) {
    World world(mode.tier);
    std::vector<std::unique_ptr<Started>> calls;
    constexpr int kCalls = 3000;
    for (int i = 0; i < kCalls; ++i)
      calls.push_back(std::make_unique<Started>(world, "sum", std::vector{Val(i)}));
    for (int round = 0; round < 4; ++round) {
      for (size_t i = 0; i < calls.size(); ++i) {
        Started& call = *calls[i * 7 % calls.size()];
        ASSERT_FALSE(call.fiber->ended()) << mode.name;
        call.fiber->resume();
      }
      world.store->collect_garbage();
      // A call that has no fiber runs between them.
      auto direct = world.func("sum").call(*world.store, std::vector{Val(1)});
      ASSERT_TRUE(direct) << mode.name;
      EXPECT_EQ((*direct)[0].i32(), 10);
    }
    for (int i = 0; i < kCalls; ++i) {
      Started& call = *calls[static_cast<size_t>(i)];
      ASSERT_TRUE(call.fiber->ended() && call.result && *call.result) << mode.name << i;
      EXPECT_EQ((**call.result)[0].i32(), 3 + 7 * i) << mode.name;
    }
  }
}

TEST(Fiber, TrapsBacktracesAndExhaustionAreThoseOfItsOwnStack) {
  for (const Mode& mode : modes()) {
    World world(mode.tier);
    Started bad(world, "bad", {});
    Started deep(world, "deep", {Val(100)});
    Started endless(world, "deep", {Val(100'000'000)});
    for (Started* call : {&bad, &deep, &endless}) call->fiber->resume();
    for (Started* call : {&endless, &bad, &deep}) call->fiber->resume();
    ASSERT_FALSE(*bad.result);
    EXPECT_EQ(bad.result->error().code(), ErrorCode::out_of_bounds_memory_access) << mode.name;
    EXPECT_EQ(bad.result->error().backtrace().size(), 2u) << mode.name;
    ASSERT_FALSE(*endless.result);
    EXPECT_EQ(endless.result->error().code(), ErrorCode::call_stack_exhausted) << mode.name;
    ASSERT_TRUE(*deep.result) << mode.name;
    EXPECT_EQ((**deep.result)[0].i32(), 100) << mode.name;
  }
}

TEST(Fiber, OneInsideAnotherGoesBackToWhoResumedTheOuter) {
  World world(Tier::interp);
  Started inner(world, "sum", {Val(2)});
  std::string order;
  runtime::Fiber* outer_fiber = nullptr;
  auto leaves_all = runtime::Fiber::create(world.impl(), [&] {
                      order += "b";
                      outer_fiber->suspend();
                      order += "d";
                    }).value();
  auto outer = runtime::Fiber::create(world.impl(), [&] {
                 order += "a";
                 leaves_all->resume();
                 order += "e";
                 while (!inner.fiber->ended()) inner.fiber->resume();
               }).value();
  outer_fiber = outer.get();
  outer->resume();
  order += "c";
  EXPECT_TRUE(leaves_all->running());
  outer->resume();
  EXPECT_EQ(order, "abcde");
  EXPECT_TRUE(outer->ended() && leaves_all->ended());
  EXPECT_EQ((**inner.result)[0].i32(), 17);
  EXPECT_EQ(world.impl().fiber, nullptr);
}

TEST(Fiber, FuelAndInterruptsCountForAll) {
  for (const Mode& mode : modes()) {
    Config config;
    config.fuel = true;
    config.interruptible = true;
    World world(mode.tier, config);
    Started first(world, "loop", {});
    Started second(world, "sum", {Val(1)});
    world.store->set_fuel(10'000);
    second.fiber->resume();
    first.fiber->resume();
    first.fiber->resume();
    EXPECT_EQ(first.result->error().code(), ErrorCode::out_of_fuel) << mode.name;
    second.fiber->resume();
    EXPECT_EQ(second.result->error().code(), ErrorCode::out_of_fuel) << mode.name;
    world.store->set_fuel(100'000);
    Started third(world, "sum", {Val(1)});
    third.fiber->resume();
    world.store->interrupter().interrupt();
    third.fiber->resume();
    EXPECT_EQ(third.result->error().code(), ErrorCode::interrupted) << mode.name;
  }
}

TEST(Fiber, TooManyIsANamedError) {
  World world(Tier::interp);
  world.impl().fiber_limit = 2;
  auto one = runtime::Fiber::create(world.impl(), [] {}).value();
  auto two = runtime::Fiber::create(world.impl(), [] {}).value();
  auto three = runtime::Fiber::create(world.impl(), [] {});
  ASSERT_FALSE(three);
  EXPECT_EQ(three.error().message(), "wasm trap: too many calls wait at once: 2 in this store");
  two.reset();
  EXPECT_TRUE(runtime::Fiber::create(world.impl(), [] {}));
}

}  // namespace
}  // namespace sedge
