// Calls, tail calls and exceptions between every pair of tiers: each function of a module is left
// to the interpreter, compiled by the baseline compiler or optimised, in every mix, directly,
// through tables, by reference and across instances. Skipped where sedgec was not built.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sedge/sedge.h>

#include "engine/engine_impl.h"
#include "wasm/text/text.h"

namespace sedge {
namespace {

enum class Where : uint8_t { interp, baseline, llvm };
using Mix = std::vector<Where>;  ///< by defined function; what is beyond is interpreted

std::string to_string(const Mix& mix) {
  std::string text;
  for (Where each : mix) text += "IBL"[static_cast<size_t>(each)];
  return text;
}

/// Every mix of `count` functions.
std::vector<Mix> mixes(size_t count) {
  std::vector<Mix> out = {{}};
  for (size_t i = 0; i < count; ++i) {
    std::vector<Mix> longer;
    for (const Mix& mix : out) {
      for (Where each : {Where::interp, Where::baseline, Where::llvm}) {
        longer.push_back(mix);
        longer.back().push_back(each);
      }
    }
    out = std::move(longer);
  }
  return out;
}

class TierPairs : public testing::Test {
 protected:
  void SetUp() override {
    if (!Engine::has(Tier::baseline)) GTEST_SKIP() << "there is no baseline compiler";
    if (!Engine::has(Tier::llvm)) GTEST_SKIP() << "there is no sedgec";
    Config config;
    config.tier_threshold = INT32_MAX;  // nothing changes over by itself
    auto engine = Engine::create(config);
    ASSERT_TRUE(engine);
    engine_ = *engine;
  }

  /// The module with its functions where `mix` has them.
  Module load(std::string_view text, const Mix& mix) {
    const auto binary = *wasm::assemble(text);
    auto module = Module::from_binary(*engine_, binary);
    EXPECT_TRUE(module) << module.error().render();
    const auto imported = static_cast<uint32_t>(module->syntax().imported_funcs.size());
    std::string optimized;
    for (uint32_t i = 0; i < mix.size(); ++i) {
      if (mix[i] == Where::baseline) module->impl()->tiers->compile_first(imported + i);
      if (mix[i] == Where::llvm)
        optimized += (optimized.empty() ? "" : ",") + std::to_string(imported + i);
    }
    if (optimized.empty()) return *module;
    const vm::ArtifactMode mode =
        artifact_mode(module->syntax(), engine_->config(), *engine_->impl()->resources->memories);
    std::vector<std::string> arguments = sedgec_arguments(vm::host_target(), mode, 2);
    arguments.insert(arguments.end(), {"--funcs", optimized});
    auto answer = sedgec_.compile(arguments, binary);
    EXPECT_TRUE(answer) << answer.error().render();
    if (answer) {
      EXPECT_EQ(answer->report, "");
      EXPECT_EQ(module->impl()->tiers->add_artifact(answer->artifact, mode), "");
    }
    return *module;
  }
  Instance instantiate(Store& store, const Module& module, const Linker* linker = nullptr) {
    const Linker none(*engine_);
    auto instance = (linker != nullptr ? *linker : none).instantiate(store, module);
    EXPECT_TRUE(instance) << instance.error().render();
    return *instance;
  }
  /// The i32 result as text, or the message and the functions of the backtrace.
  static std::string call(Store& store, const Instance& instance, std::string_view name,
                          int32_t arg) {
    auto results = instance.get_func(store, name)->call(store, {Val(arg)});
    if (results) return std::to_string((*results)[0].i32());
    std::string text = results.error().message();
    for (const Frame& frame : results.error().backtrace()) text += " " + frame.func_name;
    return text;
  }

  std::optional<Engine> engine_;
  Sedgec sedgec_;
};

constexpr int32_t kDeep = 10'000'000;

/// f(n) and g(n) call each other, n deep, with arguments that do not fit the same place: each
/// passes on a sum, so that both have the same result.
std::string ping_pong(std::string_view to_pong, std::string_view to_ping) {
  return fmt::format(
      R"((module
        (type $t (func (param i32 i64 f64) (result i32)))
        (table 2 2 funcref) (elem (i32.const 0) func $ping $pong)
        (func $ping (type $t)
          (if (i32.eqz (local.get 0))
            (then (return (i32.add (i32.wrap_i64 (local.get 1)) (i32.trunc_f64_s (local.get 2))))))
          (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 1))
          (local.get 2) {})
        (func $pong (type $t)
          (if (i32.eqz (local.get 0))
            (then (return (i32.add (i32.wrap_i64 (local.get 1)) (i32.trunc_f64_s (local.get 2))))))
          (i32.sub (local.get 0) (i32.const 1)) (local.get 1)
          (f64.add (local.get 2) (f64.const 2)) {})
        (func (export "f") (param i32) (result i32)
          (i32.add (call $ping (local.get 0) (i64.const 0) (f64.const 0)) (i32.const 5)))))",
      to_pong, to_ping);
}

TEST_F(TierPairs, TailCallsGoTenMillionDeep) {
  const std::pair<std::string_view, std::string_view> kinds[] = {
      {"(return_call $pong)", "(return_call $ping)"},
      {"(return_call_indirect (type $t) (i32.const 1))",
       "(return_call_indirect (type $t) (i32.const 0))"},
      {"(return_call_ref $t (ref.func $pong))", "(return_call_ref $t (ref.func $ping))"},
  };
  for (const auto& [to_pong, to_ping] : kinds) {
    for (const Mix& mix : mixes(2)) {
      SCOPED_TRACE(to_string(mix) + " " + std::string(to_pong));
      Store store(*engine_);
      const Instance instance = instantiate(store, load(ping_pong(to_pong, to_ping), mix));
      EXPECT_EQ(call(store, instance, "f", kDeep), std::to_string(kDeep / 2 * 3 + 5));
    }
  }
}

/// Two instances, each with a memory of its own, call each other through a table.
TEST_F(TierPairs, TailCallsGoTenMillionDeepAcrossInstances) {
  constexpr std::string_view kSide = R"((module
    (import "e" "t" (table 2 2 funcref))
    (type $t (func (param i32 i32) (result i32)))
    (memory 1)
    (func (type $t)
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (if (i32.eqz (local.get 0)) (then (return (i32.load (i32.const 0)))))
      (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1))
        (i32.xor (local.get 1) (i32.const 1)) (i32.xor (local.get 1) (i32.const 1))))
    (func (export "put") (param i32) (result i32)
      (table.set (local.get 0) (ref.func 0)) (i32.const 0))
    (func (export "f") (param i32) (result i32) (call 0 (local.get 0) (i32.const 0)))
    (elem declare func 0)))";
  for (const Mix& mix : mixes(2)) {
    SCOPED_TRACE(to_string(mix));
    Store store(*engine_);
    Linker linker(*engine_);
    const TableType type{.element = ValType::funcref(), .limits = {2, 2}};
    auto table = Table::create(store, type, Val::null(HeapType::func));
    ASSERT_TRUE(table);
    linker.define(store, "e", "t", *table);
    const Instance first = instantiate(store, load(kSide, {mix[0]}), &linker);
    const Instance second = instantiate(store, load(kSide, {mix[1]}), &linker);
    EXPECT_EQ(call(store, first, "put", 0), "0");
    EXPECT_EQ(call(store, second, "put", 1), "0");
    EXPECT_EQ(call(store, first, "f", kDeep), std::to_string(kDeep / 2 + 1));
    EXPECT_EQ(call(store, second, "f", kDeep + 1), std::to_string(kDeep + 2));
  }
}

/// $throw throws, $middle hands on or catches and throws again, $catch catches: 27 mixes.
constexpr std::string_view kThrow = R"((module
  (tag $a (param i32 i64 v128)) (tag $b (param f64)) (tag $never)
  (func $throw (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 1))
      (then (throw $a (i32.const 7) (i64.const 70) (v128.const i32x4 1 2 3 4))))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b (f64.const 2.5))))
    (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $never)))
    (if (i32.eq (local.get 0) (i32.const 4)) (then (unreachable)))
    (i32.add (local.get 0) (i32.const 1)))
  (func $middle (param i32) (result i32) (local i32 i64)
    (local.set 1 (i32.const 1000)) (local.set 2 (i64.const 3))
    (block $caught (result exnref)
      (block $b (result f64)
        (try_table (catch_all_ref $caught)
          (try_table (catch $b $b)
            (local.set 1 (i32.add (local.get 1) (i32.const 10)))
            (return (i32.add (call $throw (local.get 0)) (local.get 1)))))
        (unreachable))
      (i32.trunc_f64_s) (i32.add (local.get 1)) (i32.add (i32.wrap_i64 (local.get 2)))
      (return))
    (throw_ref))
  (func $catch (param i32) (result i32) (local i32 v128 i64)
    (block $a (result i32 i64 v128)
      (try_table (catch $a $a)
        (local.set 1 (i32.const 5))
        (return (i32.add (call $middle (local.get 0)) (local.get 1))))
      (unreachable))
    (local.set 2) (local.set 3)
    (i32.add (local.get 1)) (i32.add (i32.wrap_i64 (local.get 3)))
    (i32.add (i32x4.extract_lane 3 (local.get 2))))
  (func (export "f") (param i32) (result i32) (call $catch (local.get 0)))
  (func (export "many") (param i32) (result i32) (local i32)
    (loop $l
      (local.set 1 (i32.add (local.get 1) (call $catch (i32.rem_u (local.get 0) (i32.const 3)))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))))";

TEST_F(TierPairs, ThrowsArriveFromEveryTierInEveryOther) {
  for (const Mix& mix : mixes(3)) {
    SCOPED_TRACE(to_string(mix));
    Store store(*engine_);
    const Instance instance = instantiate(store, load(kThrow, mix));
    EXPECT_EQ(call(store, instance, "f", 0), "1016");
    EXPECT_EQ(call(store, instance, "f", 1), "86");
    EXPECT_EQ(call(store, instance, "f", 2), "1020");
    EXPECT_EQ(call(store, instance, "f", 3), "uncaught exception middle catch f");
    EXPECT_EQ(call(store, instance, "f", 4), "unreachable throw middle catch f");
    EXPECT_EQ(call(store, instance, "many", 30'000), std::to_string(10'000 * (1016 + 86 + 1020)));
  }
}

}  // namespace
}  // namespace sedge
