// Traps of every tier against the interpreter's: the same kind at the same place, where an
// optimiser would make one instruction of two, remove one or move it. What fuzz/tiers.cc found.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sedge/sedge.h>

#include "tiers.h"

namespace sedge {
namespace {

// Each function takes a condition and an address.
constexpr std::string_view kText = R"((module
  (memory 1)
  (table 1 funcref)
  (elem (i32.const 0) $store)
  (global $g (mut i32) (i32.const 0))
  (func $load (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "loads of two branches") (param i32 i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.load offset=8 (local.get 1))) (else (i32.load offset=16 (local.get 1)))))
  (func (export "the same load of two branches") (param i32 i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.load (local.get 1))) (else (i32.load (local.get 1)))))
  (func (export "the same computation of two branches") (param i32 i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (i32.load8_s (local.get 1))))
      (else (i32.add (i32.const 1) (i32.load8_s offset=4 (local.get 1))))))
  (func (export "calls of two branches") (param i32 i32) (result i32)
    (if (result i32) (local.get 0)
      (then (call $load (local.get 1))) (else (call $load (local.get 1)))))
  (func $store (param i32 i32) (result i32)
    (i32.store (local.get 1) (local.get 0)) (i32.const 0))
  (func (export "a tail call") (param i32 i32) (result i32)
    (return_call $store (local.get 0) (local.get 1)))
  (func (export "a tail call from a loop") (param i32 i32) (result i32)
    (loop (if (local.get 0) (then (return_call $store (local.get 0) (local.get 1)))))
    (return_call_indirect (param i32 i32) (result i32)
      (local.get 0) (local.get 1) (i32.const 0)))
  (func (export "stores of two branches") (param i32 i32) (result i32)
    (if (local.get 0)
      (then (i32.store (local.get 1) (i32.const 1))) (else (i32.store (local.get 1) (i32.const 2))))
    (i32.const 0))
  (func (export "divisions of two branches") (param i32 i32) (result i32)
    (local.set 1 (i32.add (local.get 1) (i32.const 4)))
    (if (result i32) (local.get 0)
      (then (i32.div_u (i32.const 7) (local.get 1))) (else (i32.div_u (i32.const 9) (local.get 1)))))
  (func (export "half of a load") (param i32 i32) (result i32)
    (i16x8.extract_lane_u 0 (v128.load32_splat (local.get 1))))
  (func (export "half of a load, widened") (param i32 i32) (result i32)
    (i32.wrap_i64 (i64.shl (i64.extend_i32_u (i32.and (i32.load (local.get 1)) (i32.const 0xffff)))
      (i64.const 4))))
  (func (export "a load before another trap") (param i32 i32) (result i32) (local i32)
    (local.set 2 (i32.load (local.get 1)))
    (if (i32.eqz (local.get 0)) (then unreachable))
    (local.get 2))
  (func (export "a load that is wanted in one branch") (param i32 i32) (result i32) (local i32)
    (local.set 2 (i32.load (local.get 1)))
    (if (local.get 0) (then (global.set $g (local.get 2))))
    (i32.const 0))
  (func (export "a load that is chosen, or not") (param i32 i32) (result i32)
    (select (i32.load (i32.const 0x80000000)) (local.get 1) (local.get 0)))
  (func (export "a load that is not chosen, or is") (param i32 i32) (result i32)
    (select (local.get 1) (i32.load (i32.const 0x80000000)) (local.get 0)))
  (func (export "a load that is chosen, or its address") (param i32 i32) (result i32)
    (select (i32.load (local.get 1)) (local.get 1) (local.get 0)))
  (func (export "a load added to what is used again") (param i32 i32) (result i32)
    (i32.xor (i32.add (local.get 0) (i32.load (local.get 1)))
             (i32.mul (local.get 0) (i32.const 77))))
  (func (export "a load that nobody wants") (param i32 i32) (result i32)
    (drop (i32.add (i32.load (local.get 1)) (i32.const 1)))
    (i32.const 0))
  (func (export "a load that makes no difference") (param i32 i32) (result i32)
    (i32.and (i32.load (local.get 1)) (i32.const 0)))
  (func (export "an atomic operator that changes nothing") (param i32 i32) (result i32)
    (drop (i32.atomic.rmw.or (local.get 1) (i32.const 0)))
    (i32.const 0))
  (func (export "another that changes nothing") (param i32 i32) (result i32)
    (drop (i32.atomic.rmw.sub (local.get 1) (i32.const 0)))
    (drop (i32.atomic.rmw.cmpxchg (local.get 1) (local.get 0) (local.get 0)))
    (i32.const 0))
  (func (export "a store that is written over") (param i32 i32) (result i32)
    (i32.store (local.get 1) (i32.const 1))
    (i32.store (local.get 1) (i32.const 2))
    (i32.const 0))
))";

/// What every function ends with for both conditions and an address beyond the end. Without
/// `places`, accesses of memory beyond its end have none.
std::vector<std::string> outcomes(const Config& config, bool places) {
  std::vector<std::string> out;
  auto engine = Engine::create(config);
  EXPECT_TRUE(engine);
  auto module = Module::from_text(*engine, kText);
  EXPECT_TRUE(module) << module.error().render();
  if (!module) return out;
  for (const ExportType& each : module->exports()) {
    for (const int32_t condition : {0, 1}) {
      Store store(*engine);
      if (config.fuel) store.set_fuel(1000);
      auto instance = Instance::create(store, *module, {});
      EXPECT_TRUE(instance);
      const auto func = instance->get_func(store, each.name);
      const std::array<Val, 2> args = {Val(condition), Val(int32_t{-4})};
      for (int round = 0; round < 2; ++round) {  // the mix changes over in between
        auto result = func->call(store, args);
        std::string text = fmt::format("{}, {}: ", each.name, condition);
        if (result) {
          out.push_back(text + "returned");
          continue;
        }
        text += result.error().message();
        if (places || result.error().code() != ErrorCode::out_of_bounds_memory_access)
          for (const Frame& frame : result.error().backtrace())
            text += fmt::format(" {}@{:#x}", frame.func_index, frame.offset);
        out.push_back(text);
      }
    }
  }
  return out;
}

class TrapPlaces : public testing::TestWithParam<test::TierCase> {
 protected:
  Config config(bool exact) const {
    Config made;
    made.tier = GetParam().tier;
    made.tier_threshold = GetParam().threshold;
    made.optimize = GetParam().optimize;
    made.optimize_threshold = 1;
    made.exact = exact;
    return made;
  }
  static Config interpreter() {
    Config made;
    made.tier = Tier::interp;
    return made;
  }
};

TEST_P(TrapPlaces, AreTheInterpreters) {
  EXPECT_EQ(outcomes(config(true), true), outcomes(interpreter(), true));
}

/// Behind the counting of fuel, choices become other instructions.
TEST_P(TrapPlaces, AreTheInterpretersWithFuel) {
  Config counted = config(true), right = interpreter();
  counted.fuel = right.fuel = true;
  EXPECT_EQ(outcomes(counted, true), outcomes(right, true));
}

// An access beyond a memory's end may name another one there.
TEST_P(TrapPlaces, AreTheInterpretersInFastModeButForAccesses) {
  EXPECT_EQ(outcomes(config(false), false), outcomes(interpreter(), false));
}

INSTANTIATE_TEST_SUITE_P(Tiers, TrapPlaces, testing::ValuesIn(test::engine_tiers()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sedge
