// Stores that answer one caller after the other: nothing of the one can be seen by the next.
#include <sedge/component.h>

#include <gtest/gtest.h>

#include "component/instance.h"
#include "runtime/store_mark.h"

namespace sedge::component {
namespace {

// `step` gives the first time 11114711, and changes everything that a guest can change.
constexpr std::string_view kGuest = R"((component
  (type $r (resource (rep i32)))
  (core func $new (canon resource.new $r))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (type $box (struct (field (mut i32))))
    (memory (export "mem") 1 10)
    (table $t 4 20 funcref)
    (table $boxes 1 anyref)
    (global $count (mut i32) (i32.const 0))
    (global $box (mut anyref) (ref.null any))
    (data (i32.const 8) "\07")
    (data $once "\01")
    (elem $funcs func $step)
    (func $digit (param $sum i32) (param $digit i32) (result i32)
      (i32.add (i32.mul (local.get $sum) (i32.const 10)) (local.get $digit)))
    (func $step (export "step") (result i32) (local $sum i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (if (i32.eq (global.get $count) (i32.const 1)) (then
        (memory.init $once (i32.const 2000) (i32.const 0) (i32.const 1))
        (data.drop $once)
        (table.init $t $funcs (i32.const 1) (i32.const 0) (i32.const 1))
        (elem.drop $funcs)))
      (local.set $sum (call $digit (local.get $sum) (call $new (i32.const 5))))
      (local.set $sum (call $digit (local.get $sum) (ref.is_null (global.get $box))))
      (local.set $sum (call $digit (local.get $sum)
        (ref.is_null (table.get $boxes (i32.const 0)))))
      (local.set $sum (call $digit (local.get $sum) (ref.is_null (table.get $t (i32.const 0)))))
      (local.set $sum (call $digit (local.get $sum) (table.size $t)))
      (local.set $sum (call $digit (local.get $sum) (i32.load8_u (i32.const 8))))
      (local.set $sum (call $digit (local.get $sum) (memory.size)))
      (local.set $sum (call $digit (local.get $sum) (global.get $count)))
      (global.set $box (struct.new $box (i32.const 3)))
      (table.set $boxes (i32.const 0) (global.get $box))
      (table.set $t (i32.const 0) (ref.func $step))
      (drop (table.grow $t (ref.null func) (i32.const 2)))
      (i32.store8 (i32.const 8) (i32.const 9))
      (i32.store8 (i32.const 60000) (i32.const 9))
      (drop (memory.grow (i32.const 1)))
      (i32.store8 (i32.const 100000) (i32.const 9))
      (local.get $sum))
    (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "crash") unreachable))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func (export "step") (result u32) (canon lift (core func $i "step")))
  (func (export "peek") (param "at" u32) (result u32) (canon lift (core func $i "peek")))
  (func (export "crash") (canon lift (core func $i "crash")))))";
constexpr uint64_t kFirst = 11114711;

class RewindTest : public testing::TestWithParam<Tier> {
 protected:
  RewindTest() {
    Config config;
    config.features = Features::parse("all").value();
    config.tier = GetParam();
    engine_.emplace(Engine::create(config).value());
    component_.emplace(sedge::Component::from_text(*engine_, kGuest).value());
    pre_.emplace(ComponentLinker().instantiate_pre(*component_).value());
  }
  Result<uint64_t> call(Store& store, const ComponentInstance& instance, std::string_view name,
                        std::optional<uint32_t> argument = {}) {
    std::vector<ComponentVal> arguments;
    if (argument) {
      arguments.emplace_back().kind = ComponentVal::Kind::u32;
      arguments.back().bits = *argument;
    }
    SEDGE_TRY_ASSIGN(auto results, instance.get_func(name)->call(store, arguments));
    return results.empty() ? 0 : results[0].bits;
  }

  std::optional<Engine> engine_;
  std::optional<sedge::Component> component_;
  std::optional<ComponentPre> pre_;
};

TEST_P(RewindTest, EveryCallerFindsWhatInstantiationMade) {
  Store store(*engine_);
  ComponentInstance instance = pre_->instantiate(store).value();
  ASSERT_TRUE(pre_->mark(store));
  const uint64_t bytes = store.memory_bytes();
  for (int caller = 0; caller < 3; ++caller) {
    EXPECT_EQ(call(store, instance, "step").value(), kFirst) << caller;
    EXPECT_EQ(call(store, instance, "peek", 100'000).value(), 9u);
    EXPECT_NE(call(store, instance, "step").value(), kFirst);
    ASSERT_TRUE(ComponentPre::rewind(store));
    EXPECT_EQ(store.memory_bytes(), bytes);
    EXPECT_EQ(call(store, instance, "peek", 8).value(), 7u);
    EXPECT_EQ(call(store, instance, "peek", 2000).value(), 0u);
    EXPECT_EQ(call(store, instance, "peek", 60'000).value(), 0u);
    ASSERT_TRUE(ComponentPre::rewind(store));
  }
  // What lay beyond the first size is out of reach again.
  EXPECT_FALSE(call(store, instance, "peek", 100'000));
}

TEST_P(RewindTest, HostDataAndInterruptersOfACallerEndWithIt) {
  struct Secret {
    int value;
  };
  Store store(*engine_);
  ComponentInstance instance = pre_->instantiate(store).value();
  ASSERT_TRUE(pre_->mark(store));
  store.set_data(std::make_shared<Secret>(Secret{1}));
  store.set_deadline(std::chrono::steady_clock::now() + std::chrono::hours(1));
  Interrupter interrupter = store.interrupter();
  ASSERT_TRUE(call(store, instance, "step"));
  ASSERT_TRUE(ComponentPre::rewind(store));
  EXPECT_EQ(store.data<Secret>(), nullptr);
  EXPECT_FALSE(store.deadline());
  interrupter.interrupt();
  EXPECT_FALSE(store.should_stop());
  EXPECT_EQ(call(store, instance, "step").value(), kFirst);
  store.interrupter().interrupt();
  EXPECT_TRUE(store.should_stop());
  ASSERT_TRUE(ComponentPre::rewind(store));
  EXPECT_FALSE(store.should_stop());
}

TEST_P(RewindTest, WhatTrappedIsNotUsedAgain) {
  Store store(*engine_);
  ComponentInstance instance = pre_->instantiate(store).value();
  EXPECT_FALSE(ComponentPre::rewind(store)) << "without a mark";
  ASSERT_TRUE(pre_->mark(store));
  EXPECT_FALSE(call(store, instance, "crash"));
  EXPECT_FALSE(ComponentPre::rewind(store));
}

TEST_P(RewindTest, AStoreThatIsNotNewIsNotMarked) {
  Store store(*engine_);
  ComponentInstance instance = pre_->instantiate(store).value();
  ASSERT_TRUE(call(store, instance, "step"));
  EXPECT_FALSE(pre_->mark(store));
}

TEST_P(RewindTest, ImagesAreNotSharedWhereStartFunctionsRan) {
  // Run twice, it would add its one twice.
  constexpr std::string_view kText = R"((component
    (core module $m
      (memory (export "mem") 1)
      (data (i32.const 0) "\05")
      (func $start (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))))
      (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
      (start $start))
    (core instance $i (instantiate $m))
    (func (export "peek") (param "at" u32) (result u32) (canon lift (core func $i "peek")))))";
  auto component = sedge::Component::from_text(*engine_, kText).value();
  ComponentPre pre = ComponentLinker().instantiate_pre(component).value();
  for (int i = 0; i < 2; ++i) {
    Store store(*engine_);
    ComponentInstance instance = pre.instantiate(store).value();
    ASSERT_TRUE(pre.mark(store));
    EXPECT_EQ(call(store, instance, "peek", 0).value(), 6u);
    ASSERT_TRUE(ComponentPre::rewind(store));
    EXPECT_EQ(call(store, instance, "peek", 0).value(), 6u);
  }
}

TEST_P(RewindTest, StoresShareTheImagesOfTheirMemories) {
  Store first(*engine_), second(*engine_);
  ASSERT_TRUE(pre_->instantiate(first));
  ASSERT_TRUE(pre_->mark(first));
  ComponentInstance instance = pre_->instantiate(second).value();
  ASSERT_TRUE(pre_->mark(second));
  ASSERT_EQ(first.impl().mark->images()->size(), 1u);
  EXPECT_NE(first.impl().mark->images()->at(0), nullptr);
  EXPECT_EQ(first.impl().mark->images(), second.impl().mark->images());
  EXPECT_EQ(call(second, instance, "step").value(), kFirst);
  ASSERT_TRUE(ComponentPre::rewind(second));
  EXPECT_EQ(call(second, instance, "step").value(), kFirst);
}

INSTANTIATE_TEST_SUITE_P(Tiers, RewindTest, testing::Values(Tier::interp, Tier::baseline),
                         [](const auto& tested) {
                           return tested.param == Tier::interp ? "interp" : "baseline";
                         });

}  // namespace
}  // namespace sedge::component
