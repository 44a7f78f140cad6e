// Waits of wasi:clocks 0.3: what is cancelled leaves nothing in the store's loop.
#include <sedge/component_async.h>
#include <sedge/wasi_component.h>

#include <gtest/gtest.h>

namespace sedge::wasi::p3 {
namespace {

/// Each waits for an hour `n` times: `cancels` ends every wait and counts what was cancelled before
/// it returned, `leaves` does not.
constexpr std::string_view kWaits = R"((component
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "wait-for" (func async (param "how-long" u64)))))
  (alias export $clock "wait-for" (func $wait))
  (core func $wait (canon lower (func $wait) async))
  (core func $cancel (canon subtask.cancel))
  (core func $drop (canon subtask.drop))
  (core module $m
    (import "" "wait" (func $wait (param i64) (result i32)))
    (import "" "cancel" (func $cancel (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func $start (result i32)
      (i32.shr_u (call $wait (i64.const 3600000000000)) (i32.const 4)))
    (func (export "cancels") (param $n i32) (result i32) (local $task i32) (local $ended i32)
      (loop $next
        (local.set $task (call $start))
        (local.set $ended (i32.add (local.get $ended)
          (i32.eq (call $cancel (local.get $task)) (i32.const 4))))
        (call $drop (local.get $task))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $ended))
    (func (export "leaves") (param $n i32) (result i32)
      (loop $next
        (drop (call $start))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (i32.const 0)))
  (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait))
    (export "cancel" (func $cancel)) (export "drop" (func $drop))))))
  (func (export "cancels") (param "n" u32) (result u32) (canon lift (core func $i "cancels")))
  (func (export "leaves") (param "n" u32) (result u32) (canon lift (core func $i "leaves")))))";

TEST(P3Clocks, ACancelledWaitLeavesNoTimer) {
  Engine engine = Engine::create({}).value();
  auto component = Component::from_text(engine, kWaits);
  ASSERT_TRUE(component) << component.error().render();
  Store store(engine);
  store.set_data(Context::create({}).value());
  ComponentLinker linker;
  link(linker);
  auto instance = linker.instantiate(store, *component);
  ASSERT_TRUE(instance) << instance.error().render();
  ComponentVal count;
  count.kind = ComponentVal::Kind::u32;
  auto call = [&](const char* name, uint32_t n) {
    count.bits = n;
    auto results = instance->get_func(name)->call(store, std::span(&count, 1));
    return results ? to_string(results->at(0)) : results.error().render();
  };
  EXPECT_EQ(call("cancels", 1000), "1000");
  EXPECT_FALSE(ComponentLoop::of(store).next_time());
  EXPECT_EQ(call("leaves", 2), "0");
  EXPECT_TRUE(ComponentLoop::of(store).next_time());
  // Those that are still waited for stay.
  EXPECT_EQ(call("cancels", 1000), "1000");
  EXPECT_TRUE(ComponentLoop::of(store).next_time());
}

}  // namespace
}  // namespace sedge::wasi::p3
