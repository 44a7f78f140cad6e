// wasi-threads with real threads: a shared memory and descriptors, the first error or exit of any
// thread ends them all, and limits hold for the guest as a whole.
#include <gtest/gtest.h>
#include <sedge/sedge.h>
#include <sedge/wasi.h>

#include <fmt/format.h>

namespace sedge::wasi {
namespace {

/// A threaded module; `start` is the body of _start and `thread` that of wasi_thread_start, whose
/// argument is $arg. Both have a local $i.
std::string threaded(std::string_view start, std::string_view thread) {
  return fmt::format(R"((module
  (import "env" "memory" (memory 1 2 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (export "memory" (memory 0))
  (func $count (param $at i32)
    (drop (i32.atomic.rmw.add (local.get $at) (i32.const 1)))
    (drop (memory.atomic.notify (local.get $at) (i32.const -1))))
  (func $await (param $at i32) (param $value i32) (local $now i32)
    (loop $again
      (local.set $now (i32.atomic.load (local.get $at)))
      (if (i32.ne (local.get $now) (local.get $value)) (then
        (drop (memory.atomic.wait32 (local.get $at) (local.get $now) (i64.const -1)))
        (br $again)))))
  (func $forever (loop $l (br $l)))
  (func $sleep (param $id i32)  ;; an hour, by a clock subscription in a place of the thread's own
    (local $at i32)
    (local.set $at (i32.add (i32.const 4096) (i32.mul (local.get $id) (i32.const 128))))
    (i32.store offset=16 (local.get $at) (i32.const 1))
    (i64.store offset=24 (local.get $at) (i64.const 3600000000000))
    (drop (call $poll (local.get $at) (i32.add (local.get $at) (i32.const 64)) (i32.const 1)
                      (i32.add (local.get $at) (i32.const 112)))))
  (func (export "wasi_thread_start") (param $id i32) (param $arg i32) (local $i i32) {1})
  (func (export "_start") (local $i i32) {0})
))",
                     start, thread);
}

class Threads : public testing::Test {
 protected:
  Result<int> run(const std::string& text) {
    SEDGE_TRY_ASSIGN(Engine engine, Engine::create(engine_config));
    SEDGE_TRY_ASSIGN(Module module, Module::from_text(engine, text));
    Linker linker(engine);
    SEDGE_TRY(link(engine, linker, module));
    SEDGE_TRY_ASSIGN(auto context, Context::create(config));
    Store store(engine);
    if (timeout.count() > 0) store.set_deadline(std::chrono::steady_clock::now() + timeout);
    if (fuel > 0) store.set_fuel(fuel);
    SEDGE_TRY_ASSIGN(Instance instance, instantiate(engine, store, linker, module, context));
    return wasi::run(store, instance);
  }
  /// The error's code; the test fails if there is none.
  ErrorCode error(const std::string& text) {
    auto result = run(text);
    EXPECT_FALSE(result.has_value()) << "exit status " << *result;
    return result ? ErrorCode::usage : result.error().code();
  }

  sedge::Config engine_config{.interruptible = true};
  Config config;
  std::chrono::milliseconds timeout{0};
  uint64_t fuel = 0;
};

TEST_F(Threads, ShareMemory) {
  auto status = run(threaded(
      R"((loop $more
           (if (i32.le_s (call $spawn (i32.const 2)) (i32.const 0))
             (then (call $exit (i32.const 99))))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $i) (i32.const 4))))
         (call $await (i32.const 4) (i32.const 4))
         (call $exit (i32.div_u (i32.atomic.load (i32.const 0)) (i32.const 100))))",
      R"((loop $more
           (drop (i32.atomic.rmw.add (i32.const 0) (local.get $arg)))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $i) (i32.const 1000))))
         (call $count (i32.const 4)))"));
  ASSERT_TRUE(status.has_value()) << status.error().render();
  EXPECT_EQ(*status, 80);
}

TEST_F(Threads, ATrapEndsAll) {
  EXPECT_EQ(error(threaded(
                R"((drop (call $spawn (i32.const 0)))
                   (drop (call $spawn (i32.const 1)))
                   (call $await (i32.const 4) (i32.const 1)))",
                R"((if (local.get $arg) (then unreachable))
                   (call $sleep (local.get $id)))")),
            ErrorCode::unreachable);
}

TEST_F(Threads, AnExitOfAThreadEndsAll) {
  auto status = run(threaded(
      R"((drop (call $spawn (i32.const 0)))
         (drop (call $spawn (i32.const 0)))
         (drop (call $spawn (i32.const 7)))
         (call $forever))",
      R"((if (i32.eqz (local.get $arg)) (then (call $sleep (local.get $id))))
         (call $exit (local.get $arg)))"));
  ASSERT_TRUE(status.has_value()) << status.error().render();
  EXPECT_EQ(*status, 7);
}

TEST_F(Threads, TheEndOfMainEndsThem) {
  auto status = run(threaded(R"((drop (call $spawn (i32.const 0)))
                                (drop (call $spawn (i32.const 1)))
                                (drop (call $spawn (i32.const 2)))
                                (call $await (i32.const 4) (i32.const 3)))",
                             R"((call $count (i32.const 4))
                                (if (i32.eqz (local.get $arg)) (then (call $forever)))
                                (if (i32.eq (local.get $arg) (i32.const 1))
                                  (then (call $sleep (local.get $id))))
                                (call $await (i32.const 8) (i32.const 1)))"));
  ASSERT_TRUE(status.has_value()) << status.error().render();
  EXPECT_EQ(*status, 0);
}

TEST_F(Threads, AreLimited) {
  config.max_threads = 2;
  auto status = run(threaded(R"((drop (call $spawn (i32.const 0)))
                                (drop (call $spawn (i32.const 0)))
                                (call $exit (i32.sub (i32.const 0) (call $spawn (i32.const 0)))))",
                             "(call $sleep (local.get $id))"));
  ASSERT_TRUE(status.has_value()) << status.error().render();
  EXPECT_EQ(*status, 6);  // again
}

TEST_F(Threads, PlacesAreUsedAgain) {
  config.max_threads = 2;
  auto status = run(threaded(
      R"((loop $more
           (if (i32.gt_s (call $spawn (i32.const 0)) (i32.const 0)) (then
             (local.set $i (i32.add (local.get $i) (i32.const 1)))))
           (br_if $more (i32.lt_u (local.get $i) (i32.const 20))))
         (call $await (i32.const 4) (i32.const 20))
         (call $exit (i32.atomic.load (i32.const 4))))",
      "(call $count (i32.const 4))"));
  ASSERT_TRUE(status.has_value()) << status.error().render();
  EXPECT_EQ(*status, 20);
}

TEST_F(Threads, TheDeadlineHoldsForAll) {
  timeout = std::chrono::milliseconds(100);
  EXPECT_EQ(error(threaded(R"((drop (call $spawn (i32.const 0)))
                              (drop (call $spawn (i32.const 1)))
                              (call $await (i32.const 4) (i32.const 1)))",
                           R"((if (local.get $arg) (then (call $sleep (local.get $id))))
                              (call $forever))")),
            ErrorCode::deadline_exceeded);
}

TEST_F(Threads, FuelIsSharedOut) {
  engine_config.fuel = true;
  fuel = 100'000;
  // Each thread spawns the next: without sharing, this would never end.
  EXPECT_EQ(error(threaded("(drop (call $spawn (i32.const 0))) (call $sleep (i32.const 0))",
                           R"((drop (call $spawn (i32.const 0)))
                              (call $forever))")),
            ErrorCode::out_of_fuel);
}

TEST_F(Threads, ShareDescriptors) {
  auto out = std::make_shared<Capture>();
  config.output = out;
  // iovec at 16: four bytes at 32.
  auto status = run(threaded(
      R"((i32.store (i32.const 16) (i32.const 32))
         (i32.store (i32.const 20) (i32.const 4))
         (i32.store (i32.const 32) (i32.const 0x0a636261))
         (drop (call $spawn (i32.const 64)))
         (drop (call $spawn (i32.const 68)))
         (drop (call $spawn (i32.const 72)))
         (call $await (i32.const 4) (i32.const 3)))",
      R"((loop $more
           (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (local.get $arg)))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $i) (i32.const 100))))
         (call $count (i32.const 4)))"));
  ASSERT_TRUE(status.has_value()) << status.error().render();
  std::string expected;
  for (int i = 0; i < 300; ++i) expected += "abc\n";
  EXPECT_EQ(out->data, expected);
}

TEST_F(Threads, AModuleWithoutThreadStartCannotSpawn) {
  auto status = run(R"((module
    (import "env" "memory" (memory 1 2 shared))
    (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (export "memory" (memory 0))
    (func (export "_start")
      (call $exit (i32.sub (i32.const 0) (call $spawn (i32.const 0)))))))");
  ASSERT_TRUE(status.has_value()) << status.error().render();
  EXPECT_EQ(*status, 6);
}

}  // namespace
}  // namespace sedge::wasi
