// The C++ API as an embedder uses it: modules from text, host functions, limits, traps, references.
#include <gtest/gtest.h>
#include <sedge/sedge.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "wasm/text/text.h"

namespace sedge {
namespace {

Engine make_engine(Config config = {}) { return Engine::create(config).value(); }

Module module_of(const Engine& engine, std::string_view text) {
  auto module = Module::from_text(engine, text);
  if (!module) ADD_FAILURE() << module.error().render();
  return *std::move(module);
}

Instance instance_of(Store& store, const Linker& linker, const Module& module) {
  auto instance = linker.instantiate(store, module);
  if (!instance) ADD_FAILURE() << instance.error().render();
  return instance.value();
}

TEST(EngineTest, CallsAnExportedFunction) {
  Engine engine = make_engine();
  Store store(engine);
  Module module = module_of(engine, R"((module
    (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)))");
  Instance instance = instance_of(store, Linker(engine), module);
  Func add = instance.get_func(store, "add").value();
  auto results = add.call(store, {Val(int32_t{40}), Val(int32_t{2})});
  ASSERT_TRUE(results) << results.error().render();
  ASSERT_EQ(results->size(), 1u);
  EXPECT_EQ((*results)[0].i32(), 42);
}

TEST(EngineTest, RefusesArgumentsOfTheWrongTypeOrNumber) {
  Engine engine = make_engine();
  Store store(engine);
  Module module = module_of(engine, R"((module (func (export "f") (param i32 i64))))");
  Instance instance = instance_of(store, Linker(engine), module);
  Func f = instance.get_func(store, "f").value();
  EXPECT_EQ(f.call(store, {Val(int32_t{1})}).error().message(),
            "wrong arguments: the function takes 2 arguments, 1 given");
  EXPECT_EQ(f.call(store, {Val(int32_t{1}), Val(2.0)}).error().message(),
            "wrong arguments: argument 1 is f64, the function takes i64");
}

TEST(EngineTest, RefusesHandlesOfAnotherStore) {
  Engine engine = make_engine();
  Store first(engine);
  Store second(engine);
  Module module = module_of(engine, R"((module (func (export "f"))))");
  Func f = instance_of(first, Linker(engine), module).get_func(first, "f").value();
  auto result = f.call(second, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::bad_store);
}

TEST(EngineTest, TypedHostFunctionsSeeArgumentsAndData) {
  Engine engine = make_engine();
  Linker linker(engine);
  linker.func("host", "mix",
              [](Caller& caller, int32_t a, uint64_t b, float c, double d) -> double {
                *caller.data<int>() += 1;
                return a + static_cast<double>(b) + static_cast<double>(c) + d;
              });
  linker.func("host", "pair",
              [](Caller&, int32_t a) -> std::tuple<int32_t, int64_t> { return {a + 1, a + 2}; });
  Module module = module_of(engine, R"((module
    (import "host" "mix" (func $mix (param i32 i64 f32 f64) (result f64)))
    (import "host" "pair" (func $pair (param i32) (result i32 i64)))
    (func (export "mix") (result f64)
      i32.const -1 i64.const 20 f32.const 0.5 f64.const 0.25 call $mix)
    (func (export "pair") (result i32 i64) i32.const 5 call $pair)))");
  Store store(engine);
  auto count = std::make_shared<int>(0);
  store.set_data(count);
  Instance instance = instance_of(store, linker, module);
  auto mixed = instance.get_func(store, "mix")->call(store, {});
  ASSERT_TRUE(mixed) << mixed.error().render();
  EXPECT_EQ((*mixed)[0].f64(), 19.75);
  EXPECT_EQ(*count, 1);
  auto pair = instance.get_func(store, "pair")->call(store, {});
  ASSERT_TRUE(pair);
  EXPECT_EQ((*pair)[0].i32(), 6);
  EXPECT_EQ((*pair)[1].i64(), 7);
}

TEST(EngineTest, TypedFunctionsCheckTheirTypeOnce) {
  Engine engine = make_engine();
  Module module = module_of(engine, R"((module
    (func (export "mix") (param i32 f32 i64 f64) (result f64 i32)
      (f64.add (f64.promote_f32 (local.get 1)) (f64.add (local.get 3) (f64.convert_i64_s (local.get 2))))
      (i32.add (local.get 0) (i32.const 1)))
    (func (export "none"))
    (func (export "trap") (result i64) unreachable)))");
  Store store(engine), other(engine);
  Instance instance = instance_of(store, Linker(engine), module);
  using Mix = std::tuple<double, uint32_t>(int32_t, float, int64_t, double);
  auto mix = instance.get_typed<Mix>(store, "mix");
  ASSERT_TRUE(mix) << mix.error().render();
  EXPECT_EQ(*mix->call(store, -1, 0.5F, -4, 0.25), std::tuple(-3.25, 0U));
  EXPECT_TRUE(instance.get_typed<void()>(store, "none")->call(store));
  EXPECT_EQ(instance.get_typed<int64_t()>(store, "trap")->call(store).error().backtrace().size(),
            1u);

  EXPECT_EQ(instance.get_typed<int32_t(int32_t)>(store, "none").error().message(),
            "wrong arguments: the function is [] -> [], it is to be called as [i32] -> [i32]");
  EXPECT_EQ(instance.get_typed<void()>(store, "nono").error().message(),
            "unknown export: the module has no function \"nono\"");
  EXPECT_EQ(instance.get_func(store, "none")->typed<void()>(other).error().code(),
            ErrorCode::bad_store);
  EXPECT_EQ(instance.get_typed<void()>(store, "none")->call(other).error().code(),
            ErrorCode::bad_store);
}

TEST(EngineTest, HostErrorsKeepTheirMessageAndGainABacktrace) {
  Engine engine = make_engine();
  Linker linker(engine);
  linker.func("host", "fail", [](Caller&) -> Result<void> {
    return fail(ErrorCode::host_failure, ": the disk is on fire");
  });
  Module module = module_of(engine, R"((module $m
    (import "host" "fail" (func $fail))
    (func $outer (export "run") call $inner)
    (func $inner call $fail)))");
  Store store(engine);
  Instance instance = instance_of(store, linker, module);
  auto result = instance.get_func(store, "run")->call(store, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "host function failed: the disk is on fire");
  ASSERT_EQ(result.error().backtrace().size(), 2u);
  EXPECT_EQ(result.error().backtrace()[0].func_name, "inner");
  EXPECT_EQ(result.error().backtrace()[1].func_name, "outer");
}

TEST(EngineTest, TrapsCarryFunctionNamesAndLines) {
  Engine engine = make_engine();
  Module module = module_of(engine,
                            "(module $m\n"
                            "  (func $boom\n"
                            "    unreachable)\n"
                            "  (func $caller (export \"run\")\n"
                            "    call $boom))");
  Store store(engine);
  Instance instance = instance_of(store, Linker(engine), module);
  auto result = instance.get_func(store, "run")->call(store, {});
  ASSERT_FALSE(result);
  const Error& error = result.error();
  EXPECT_EQ(error.message(), "unreachable");
  EXPECT_EQ(error.exit_code(), 134);
  ASSERT_EQ(error.backtrace().size(), 2u);
  EXPECT_EQ(error.backtrace()[0].module, "m");
  EXPECT_EQ(error.backtrace()[0].func_name, "boom");
  EXPECT_EQ(error.backtrace()[0].source, "line 3, column 5");
  EXPECT_EQ(error.backtrace()[1].func_name, "caller");
  EXPECT_EQ(error.backtrace()[1].source, "line 5, column 5");
}

TEST(EngineTest, EndsInfiniteRecursion) {
  Engine engine = make_engine();
  Module module = module_of(engine, R"((module (func $f (export "f") call $f)))");
  Store store(engine);
  Instance instance = instance_of(store, Linker(engine), module);
  for (int i = 0; i < 3; ++i) {
    auto result = instance.get_func(store, "f")->call(store, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::call_stack_exhausted);
  }
}

TEST(EngineTest, EndsRecursionThroughTheHost) {
  Engine engine = make_engine();
  Linker linker(engine);
  linker.func("host", "again", [](Caller& caller) -> Result<void> {
    auto again = caller.instance()->get_func(caller.store(), "f");
    return again->call_raw(caller.store(), std::array<uint64_t, 1>{}.data());
  });
  Module module = module_of(engine, R"((module
    (import "host" "again" (func $again)) (func (export "f") call $again)))");
  Store store(engine);
  Instance instance = instance_of(store, linker, module);
  auto result = instance.get_func(store, "f")->call(store, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::call_stack_exhausted);
}

TEST(EngineTest, FuelEndsALoopAndIsCounted) {
  Engine engine = make_engine({.fuel = true});
  Module module = module_of(engine, R"((module
    (func (export "spin") (loop br 0))
    (func (export "one") (result i32) i32.const 1)))");
  Store store(engine);
  Instance instance = instance_of(store, Linker(engine), module);
  store.set_fuel(1000);
  ASSERT_TRUE(instance.get_func(store, "one")->call(store, {}));
  EXPECT_EQ(store.fuel(), 999u);
  auto result = instance.get_func(store, "spin")->call(store, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::out_of_fuel);
  EXPECT_EQ(store.fuel(), 0u);
}

TEST(EngineTest, DeadlineEndsALoop) {
  Engine engine = make_engine({.interruptible = true});
  Module module = module_of(engine, R"((module (func (export "spin") (loop br 0))))");
  Store store(engine);
  Instance instance = instance_of(store, Linker(engine), module);
  store.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  auto result = instance.get_func(store, "spin")->call(store, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::deadline_exceeded);
}

TEST(EngineTest, InterrupterEndsALoopFromAnotherThread) {
  Engine engine = make_engine({.interruptible = true});
  Module module = module_of(engine, R"((module (func (export "spin") (loop br 0))))");
  Store store(engine);
  Instance instance = instance_of(store, Linker(engine), module);
  Interrupter interrupter = store.interrupter();
  std::thread other([&interrupter] {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    interrupter.interrupt();
  });
  auto result = instance.get_func(store, "spin")->call(store, {});
  other.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::interrupted);
}

TEST(EngineTest, MemoryLimitRefusesGrowthAndRemembersIt) {
  Engine engine = make_engine();
  Module module = module_of(engine, R"((module (memory (export "memory") 1)
    (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)))");
  Store store(engine, {.memory_bytes = 4 * 65536});
  Instance instance = instance_of(store, Linker(engine), module);
  Func grow = instance.get_func(store, "grow").value();
  EXPECT_EQ(grow.call(store, {Val(int32_t{2})}).value()[0].i32(), 1);
  EXPECT_FALSE(store.refused_growth());
  EXPECT_EQ(grow.call(store, {Val(int32_t{2})}).value()[0].i32(), -1);
  ASSERT_TRUE(store.refused_growth());
  EXPECT_EQ(store.refused_growth()->asked_bytes, 5u * 65536);
  EXPECT_EQ(store.refused_growth()->limit_bytes, 4u * 65536);
  EXPECT_TRUE(store.refused_growth()->by_store_limit);
  EXPECT_EQ(store.memory_bytes(), 3u * 65536);
}

TEST(EngineTest, MemoryLimitRefusesAnInstance) {
  Engine engine = make_engine();
  Module module = module_of(engine, R"((module (memory 16)))");
  Store store(engine, {.memory_bytes = 65536});
  auto result = Linker(engine).instantiate(store, module);
  ASSERT_FALSE(result);
  EXPECT_EQ(
      result.error().message(),
      "out of memory: wasm trap: the module asks for 16 pages (1048576 bytes) of memory at the "
      "start, the limit is 65536 bytes");
}

TEST(EngineTest, ANewInstanceSeesZeroedMemory) {
  Engine engine = make_engine();
  Module module = module_of(engine, R"((module (memory (export "memory") 3)
    (func (export "sum") (result i64) (local $at i32) (local $sum i64)
      (loop
        (local.set $sum (i64.or (local.get $sum) (i64.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if 0 (i32.lt_u (local.get $at) (i32.const 196608))))
      (memory.fill (i32.const 0) (i32.const 255) (i32.const 196608))
      local.get $sum)))");
  for (int i = 0; i < 5; ++i) {
    Store store(engine);
    Instance instance = instance_of(store, Linker(engine), module);
    EXPECT_EQ(instance.get_func(store, "sum")->call(store, {}).value()[0].i64(), 0);
  }
}

TEST(EngineTest, UnknownImportNamesTheNearest) {
  Engine engine = make_engine();
  Linker linker(engine);
  linker.func("env", "print_line", [](Caller&, int32_t) {});
  Module module = module_of(engine, R"((module (import "env" "print_lien" (func (param i32)))))");
  Store store(engine);
  auto result = linker.instantiate(store, module);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "unknown import `env` `print_lien` (func [i32] -> [])");
  EXPECT_EQ(result.error().remedy(), "`env` has `print_line`: is that what is meant?");
  EXPECT_EQ(result.error().exit_code(), 4);
}

TEST(EngineTest, IncompatibleImportShowsBothTypes) {
  Engine engine = make_engine();
  Linker linker(engine);
  linker.func("env", "f", [](Caller&, int32_t) {});
  Module module = module_of(engine, R"((module (import "env" "f" (func (param i64)))))");
  Store store(engine);
  const char* message =
      "incompatible import type for `env` `f`: the module wants func [i64] -> [], given is "
      "func [i32] -> []";
  EXPECT_EQ(linker.instantiate(store, module).error().message(), message);
  EXPECT_EQ(linker.instantiate_pre(module).error().message(), message);
}

TEST(EngineTest, PrelinkedModulesInstantiateInManyStores) {
  Engine engine = make_engine();
  Linker linker(engine);
  linker.func("env", "next", [](Caller& caller) -> int32_t { return ++*caller.data<int>(); });
  Module module = module_of(engine, R"((module (import "env" "next" (func $next (result i32)))
    (func (export "run") (result i32) call $next drop call $next)))");
  InstancePre pre = linker.instantiate_pre(module).value();
  for (int i = 0; i < 10; ++i) {
    Store store(engine);
    store.set_data(std::make_shared<int>(i));
    Instance instance = pre.instantiate(store).value();
    EXPECT_EQ(instance.get_func(store, "run")->call(store, {}).value()[0].i32(), i + 2);
  }
}

TEST(EngineTest, ExternrefsSurviveCollection) {
  Engine engine = make_engine();
  Module module = module_of(engine, R"((module
    (table (export "t") 4 externref)
    (func (export "echo") (param externref) (result externref) local.get 0)))");
  Store store(engine);
  Instance instance = instance_of(store, Linker(engine), module);
  static int destroyed;
  destroyed = 0;
  int value = 7;
  {
    Val ref = store.make_externref(&value, [](void*) { ++destroyed; }).value();
    Val back = instance.get_func(store, "echo")->call(store, {ref}).value()[0];
    EXPECT_EQ(store.externref_value(back), &value);
    ASSERT_TRUE(instance.get_table(store, "t")->set(store, 2, ref));
  }
  store.collect_garbage();
  EXPECT_EQ(destroyed, 0);
  EXPECT_EQ(store.externref_value(instance.get_table(store, "t")->get(store, 2).value()), &value);
  ASSERT_TRUE(instance.get_table(store, "t")->set(store, 2, Val::null(HeapType::extern_)));
  store.collect_garbage();
  EXPECT_EQ(destroyed, 1);
}

TEST(EngineTest, UncaughtExceptionsPassThroughTheHost) {
  Engine engine = make_engine();
  Linker linker(engine);
  linker.func("host", "call_back", [](Caller& caller) -> Result<void> {
    uint64_t cell = 0;
    return caller.instance()->get_func(caller.store(), "thrower")->call_raw(caller.store(), &cell);
  });
  Module module = module_of(engine, R"((module
    (import "host" "call_back" (func $call_back))
    (tag $t (param i32))
    (func (export "thrower") (throw $t (i32.const 11)))
    (func (export "caught") (result i32)
      (block $h (result i32)
        (try_table (catch $t $h) (call $call_back))
        i32.const 0))))");
  Store store(engine);
  Instance instance = instance_of(store, linker, module);
  auto caught = instance.get_func(store, "caught")->call(store, {});
  ASSERT_TRUE(caught) << caught.error().render();
  EXPECT_EQ((*caught)[0].i32(), 11);
  auto uncaught = instance.get_func(store, "thrower")->call(store, {});
  ASSERT_FALSE(uncaught);
  EXPECT_EQ(uncaught.error().code(), ErrorCode::uncaught_exception);
}

TEST(EngineTest, SharedMemoryWakesAnotherThread) {
  Engine engine = make_engine();
  MemoryType type;
  type.limits = {1, 1};
  type.shared = true;
  SharedMemory memory = SharedMemory::create(engine, type).value();
  Module module = module_of(engine, R"((module (import "env" "mem" (memory 1 1 shared))
    (func (export "wait") (result i32)
      (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const -1)))
    (func (export "wake") (result i32)
      (i32.atomic.store (i32.const 8) (i32.const 1))
      (memory.atomic.notify (i32.const 8) (i32.const 1)))))");
  Linker linker(engine);
  linker.define("env", "mem", memory);
  InstancePre pre = linker.instantiate_pre(module).value();
  std::atomic<int32_t> outcome = -1;
  std::thread waiter([&] {
    Store store(engine);
    Instance instance = pre.instantiate(store).value();
    outcome = instance.get_func(store, "wait")->call(store, {}).value()[0].i32();
  });
  Store store(engine);
  Instance instance = pre.instantiate(store).value();
  while (instance.get_func(store, "wake")->call(store, {}).value()[0].i32() == 0 && outcome == -1)
    std::this_thread::yield();
  waiter.join();
  EXPECT_TRUE(outcome == 0 || outcome == 1) << outcome;  // 1: it came after the store
}

TEST(EngineTest, GlobalsTablesAndMemoriesFromTheHost) {
  Engine engine = make_engine();
  Store store(engine);
  Linker linker(engine);
  Global global = Global::create(store, {ValType::i64, true}, Val(int64_t{5})).value();
  linker.define(store, "env", "g", global);
  Memory memory = Memory::create(store, MemoryType{.limits = {1, 2}}).value();
  linker.define(store, "env", "m", memory);
  Module module = module_of(engine, R"((module
    (import "env" "g" (global $g (mut i64))) (import "env" "m" (memory 1 2))
    (data (i32.const 16) "hello")
    (func (export "bump") (global.set $g (i64.add (global.get $g) (i64.const 1))))))");
  Instance instance = instance_of(store, linker, module);
  ASSERT_TRUE(instance.get_func(store, "bump")->call(store, {}));
  EXPECT_EQ(global.get(store).i64(), 6);
  EXPECT_EQ(memory.bytes(store)[16], 'h');
  ASSERT_TRUE(memory.grow(store, 1));
  EXPECT_EQ(memory.size_pages(store), 2u);
  EXPECT_FALSE(memory.grow(store, 1));
}

TEST(EngineTest, TextErrorsCarryLineAndColumn) {
  Engine engine = make_engine();
  auto result = Module::from_text(engine, "(module\n  (func (result i32)\n    i64.const 1))");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().location().kind, Location::Kind::line);
  EXPECT_EQ(result.error().location().line, 3u);
  EXPECT_TRUE(result.error().message().starts_with("type mismatch")) << result.error().message();
}

TEST(EngineTest, RefusesTiersItDoesNotHave) {
  auto engine = Engine::create({.tier = Tier::llvm});
  if (engine) GTEST_SKIP() << "every tier exists for this processor";
  EXPECT_EQ(engine.error().message(), "not supported: this build has no llvm compiler");
}

}  // namespace
}  // namespace sedge
