// The tiers against each other: results, messages, backtraces, fuel and limits are the same,
// whichever runs a function, and whenever it changes over.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sedge/sedge.h>

#include "runtime/store_impl.h"

namespace sedge {
namespace {

struct Mode {
  const char* name;
  Tier tier;
  uint32_t threshold;
  Optimize optimize = Optimize::off;
};

std::vector<Mode> modes() {
  std::vector<Mode> out = {{"interp", Tier::interp, 1}};
  if (Engine::has(Tier::baseline)) {
    out.push_back({"baseline", Tier::baseline, 1});
    for (uint32_t threshold : {1, 2, 3, 7}) out.push_back({"mixed", Tier::automatic, threshold});
    if (Engine::has(Tier::llvm)) {
      out.push_back({"llvm", Tier::llvm, 1});
      for (uint32_t threshold : {1, 3})
        out.push_back({"optimized", Tier::automatic, threshold, Optimize::at_once});
    }
  }
  return out;
}

/// A module's exports, called in order on one instance in each mode.
class Runner {
 public:
  Runner(const Mode& mode, std::string_view text, Config config = {}, StoreLimits limits = {}) {
    config.tier = mode.tier;
    config.tier_threshold = config.optimize_threshold = mode.threshold;
    config.optimize = mode.optimize;
    auto engine = Engine::create(config);
    auto module = Module::from_text(*engine, text);
    if (!module) {
      ADD_FAILURE() << module.error().render();
      return;
    }
    store = std::make_unique<Store>(*engine, limits);
    store->set_fuel(1'000'000);
    std::vector<Extern> imports;
    for (const ImportType& import : module->imports()) {
      imports.push_back(Func::wrap(
          *store, import.type.func,
          [](Caller&, std::span<const Val> args, std::span<Val> results) -> Result<void> {
            if (args[0].i32() < 0) return fail(ErrorCode::host_failure, ": negative");
            results[0] = args[0];
            return {};
          }));
    }
    auto made = Instance::create(*store, *module, imports);
    if (!made) {
      ADD_FAILURE() << made.error().render();
      return;
    }
    instance = *made;
    exports = module->exports();
  }

  /// The result, or the message and the backtrace with what `render` shows of it.
  std::string call(const std::string& name, const std::vector<Val>& args) {
    auto results = instance->get_func(*store, name)->call(*store, args);
    if (!results) return results.error().render();
    std::string out;
    for (const Val& value : *results) out += fmt::format("{} ", value.low());
    return out;
  }

  std::unique_ptr<Store> store;
  std::optional<Instance> instance;
  std::vector<ExportType> exports;
};

/// Calls every export with each of `args` (as its one i32), three times over, in every mode, and
/// expects what the interpreter gives, and the same fuel left.
void expect_alike(std::string_view text, const std::vector<int32_t>& args, Config config = {},
                  StoreLimits limits = {}) {
  std::vector<std::string> expected;
  for (const Mode& mode : modes()) {
    Runner runner(mode, text, config, limits);
    size_t next = 0;
    for (int round = 0; round < 3; ++round) {
      for (const ExportType& item : runner.exports) {
        for (int32_t arg : args) {
          std::string actual = runner.call(item.name, {Val(arg)});
          if (config.fuel) actual += fmt::format(" fuel {}", runner.store->fuel());
          if (mode.tier == Tier::interp) {
            expected.push_back(actual);
          } else {
            EXPECT_EQ(actual, expected[next])
                << mode.name << " " << mode.threshold << ": " << item.name << " " << arg;
          }
          ++next;
        }
      }
    }
  }
}

constexpr const char* kTraps = R"((module
  (import "host" "f" (func $host (param i32) (result i32)))
  (type $f (func (param i32) (result i32)))
  (type $g (func))
  (type $s (struct (field (mut i32))))
  (type $a (array (mut i16)))
  (memory $m 1 2)
  (memory $wide i64 1 2)
  (memory $small 1 2 (pagesize 1))
  (table $t 4 4 funcref)
  (elem (table $t) (i32.const 1) func $self $none)
  (elem $e func $self $none)
  (data $d "0123456789")
  (tag $x (param i32))
  (func $self (type $f) (local.get 0))
  (func $none (type $g))
  (func $f0 (param i32) (result i32) (unreachable))
  (func $f1 (param i32) (result i32) (i32.div_s (i32.const 0x80000000) (local.get 0)))
  (func $f2 (param i32) (result i32) (i32.rem_u (i32.const 7) (local.get 0)))
  (func $f3 (param i32) (result i32) (i32.trunc_f32_s (f32.div (f32.const 1) (f32.convert_i32_s (local.get 0)))))
  (func $f4 (param i32) (result i32) (i32.load (local.get 0)))
  (func $f5 (param i32) (result i32) (i32.store16 offset=65530 (local.get 0) (i32.const 1)) (local.get 0))
  (func $f6 (param i32) (result i32) (i32.load8_u $wide (i64.extend_i32_s (local.get 0))))
  (func $f7 (param i32) (result i32) (i32.load8_u $small (local.get 0)))
  (func $f8 (param i32) (result i32) (call_indirect $t (type $f) (local.get 0) (local.get 0)))
  (func $f9 (param i32) (result i32) (drop (table.get $t (local.get 0))) (local.get 0))
  (func $f10 (param i32) (result i32) (memory.fill $m (local.get 0) (i32.const 0) (i32.const 65535)) (local.get 0))
  (func $f11 (param i32) (result i32) (memory.init $m $d (i32.const 0) (local.get 0) (i32.const 9)) (local.get 0))
  (func $f12 (param i32) (result i32) (table.init $t $e (local.get 0) (i32.const 0) (i32.const 2)) (local.get 0))
  (func $f13 (param i32) (result i32)
    (struct.get $s 0 (if (result (ref null $s)) (local.get 0) (then (struct.new $s (i32.const 5))) (else (ref.null $s)))))
  (func $f14 (param i32) (result i32) (array.get_s $a (array.new $a (i32.const -3) (i32.const 3)) (local.get 0)))
  (func $f15 (param i32) (result i32) (i31.get_s (ref.cast (ref i31)
    (if (result anyref) (local.get 0) (then (ref.i31 (local.get 0))) (else (struct.new_default $s))))))
  (func $f16 (param i32) (result i32) (throw $x (local.get 0)))
  (func $f17 (param i32) (result i32) (call $host (local.get 0)))
  (func $f18 (param i32) (result i32)
    (block $l (result i32) (try_table (result i32) (catch $x $l)
      (call $f16 (call $f17 (local.get 0))))))
  (func $f19 (param i32) (result i32) (call_ref $f (local.get 0) (if (result (ref null $f)) (local.get 0)
    (then (ref.func $self)) (else (ref.null $f)))))
  (func $f20 (param i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.mul (local.get 0) (i32.const 13107)))))
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br_if $again (i32.lt_s (local.get 0) (i32.const 4))))
    (local.get $sum))
  (func $f21 (param i32) (result i32) (memory.atomic.notify $m (local.get 0) (i32.const 1)))
  (elem declare func $self)
  (func (export "direct") (param i32) (result i32)
    (block $20 (block $19 (block $18 (block $17 (block $16 (block $15 (block $14 (block $13 (block $12
    (block $11 (block $10 (block $9 (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2
    (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16 $17 $18 $19 $20
        (i32.and (local.get 0) (i32.const 31))))
      (return (call $f0 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f1 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f2 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f3 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f4 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f5 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f6 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f7 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f8 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f9 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f10 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f11 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f12 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f13 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f14 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f15 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f16 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f17 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f18 (i32.shr_s (local.get 0) (i32.const 5)))))
      (return (call $f19 (i32.shr_s (local.get 0) (i32.const 5)))))
    (call $f20 (i32.shr_s (local.get 0) (i32.const 5))))
  (func (export "notify") (param i32) (result i32) (call $f21 (i32.shr_s (local.get 0) (i32.const 5))))
))";

/// Each function of kTraps with each of these.
std::vector<int32_t> trap_arguments() {
  std::vector<int32_t> out;
  for (int32_t arg : {0, -1, 1, 2, 3, 4, 65532, 65533, 65535, 65536, -4})
    for (int32_t func = 0; func <= 20; ++func) out.push_back(arg * 32 + func);
  return out;
}

/// What optimised code makes of a body that is entered at its loops: it goes on in the variant for
/// the first that it comes to, with the whole frame.
constexpr const char* kLoops = R"((module
  (import "host" "f" (func $host (param i32) (result i32)))
  (tag $x (param i32))
  (type $s (struct (field i32)))
  (memory 1)
  (func $trap_at (param $at i32) (result i32) (local $i i32)
    (loop $next
      (if (i32.eq (local.get $i) (local.get $at)) (then (drop (i32.load (i32.const -1)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 9))))
    (local.get $i))
  (func (export "a trap in a loop of a callee") (param i32) (result i32)
    (i32.add (call $trap_at (local.get 0)) (i32.const 1)))
  (func (export "operands below the loop") (param i32) (result i64 f64 i32)
    (local $v v128) (local $s (ref null $s)) (local $f f32) (local $i i32)
    (local.set $v (i32x4.splat (local.get 0)))
    (local.set $s (struct.new $s (i32.const 11)))
    (local.set $f (f32.const 2.5))
    (i64.extend_i32_s (local.get 0))
    (f64.const 0.5)
    (i32x4.splat (i32.const 3))
    (i32.const 5)
    (loop $next (param i32) (result i32)
      (i32.add (struct.get $s 0 (local.get $s)))
      (drop (struct.new $s (local.get $i)))
      (local.set $f (f32.add (local.get $f) (f32.const 1)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                             (i32.const 5))))
    (local.set $i)
    (i32x4.add (local.get $v))
    (i32.add (i32x4.extract_lane 2) (local.get $i))
    (i32.add (i32.trunc_f32_s (local.get $f))))
  (func $throw_at (param $at i32) (local $i i32)
    (loop $next
      (if (i32.eq (local.get $i) (local.get $at)) (then (throw $x (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 4)))))
  (func (export "a handler around the loop") (param i32) (result i32) (local $i i32)
    (block $caught (result i32)
      (try_table (catch $x $caught)
        (loop $next
          (call $throw_at (i32.sub (local.get 0) (local.get $i)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $i) (i32.const 6)))))
      (return (i32.const 100)))
    (i32.add (i32.const 1000)))
  (func (export "no handler") (param i32) (call $throw_at (local.get 0)))
  (func (export "one loop in another, or around it") (param i32) (result i32)
    (local $i i32) (local $j i32) (local $sum i32)
    (if (i32.eq (local.get 0) (i32.const 3)) (then (return (i32.const 33))))
    (loop $outer
      (local.set $j (i32.const 0))
      (if (i32.and (local.get $i) (i32.const 1)) (then
        (loop $inner
          (local.set $sum (i32.add (local.get $sum) (call $host (local.get 0))))
          (local.set $j (i32.add (local.get $j) (i32.const 1)))
          (br_if $inner (i32.lt_u (local.get $j) (local.get $i))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $outer (i32.lt_u (local.get $i) (i32.const 6))))
    (loop $behind
      (local.set $sum (i32.sub (local.get $sum) (i32.const 1)))
      (br_if $behind (i32.gt_s (local.get $sum) (i32.const 50))))
    (local.get $sum))
  (func $down (export "recursion in a loop") (param $n i32) (result i32) (local $i i32)
    (loop $next
      (if (i32.gt_s (local.get $n) (i32.const 0)) (then
        (local.set $i (i32.add (local.get $i)
          (call $down (i32.sub (local.get $n) (i32.const 1)))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
      (if (i32.lt_s (local.get $n) (i32.const 0)) (then (unreachable))))
    (i32.add (local.get $i) (i32.const 1)))
  (func $jump (param $n i32) (param $far i32) (result i32) (local $i i32)
    (loop $next
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 2))))
    (if (i32.eqz (local.get $n)) (then (return (local.get $far))))
    (return_call $jump (i32.sub (local.get $n) (i32.const 1)) (local.get $far)))
  (func (export "tail calls behind a loop") (param i32) (result i32)
    (call $jump (i32.const 20000) (local.get 0)))
))";

TEST(Tiers, LoopsGoOnInTheirVariants) {
  Config config;
  config.fuel = true;
  expect_alike(kLoops, {-1, 0, 1, 2, 3, 7}, config);
  config.fuel = false;
  expect_alike(kLoops, {-1, 0, 1, 2, 3, 7}, config);
  config.interruptible = true;
  expect_alike(kLoops, {-1, 0, 1, 2, 3, 7}, config);
}

TEST(Tiers, TrapAlike) { expect_alike(kTraps, trap_arguments()); }

/// What ends in a tail call to another type keeps to cells: optimised code gets there by way of an
/// entry, which is no frame and takes none of the places that are shown.
TEST(Tiers, ShowAsManyFrames) {
  expect_alike(R"((module
    (func $down (export "down") (param $n i32) (result i32)
      (if (i32.eqz (local.get $n)) (then unreachable))
      (i32.add (call $by_way_of (i32.sub (local.get $n) (i32.const 1)) (i64.const 0)) (i32.const 1)))
    (func $by_way_of (param i32 i64) (result i32) (return_call $down (local.get 0)))))",
               {1, 50, 200});
}

TEST(Tiers, BurnFuelAlike) {
  expect_alike(kTraps, trap_arguments(), {.fuel = true});
  expect_alike(kTraps, trap_arguments(), {.fuel = true, .interruptible = true});
  // Runs out in the middle.
  expect_alike(R"((module (func $g (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "f") (param i32) (result i32)
      (loop $l (local.set 0 (call $g (local.get 0)))
        (if (i32.rem_u (local.get 0) (i32.const 3)) (then (nop) (drop (i32.const 1))))
        (br_if $l (i32.lt_u (local.get 0) (i32.const 1000000))))
      (local.get 0))))",
               {999'900, 990'000, 0, 999'999}, {.fuel = true});
}

// Objects that only frames hold survive collections, on every tier and across a change.
TEST(Tiers, KeepObjectsAliveAlike) {
  expect_alike(R"((module
    (type $list (struct (field i32) (field (ref null $list))))
    (type $bytes (array (mut i8)))
    (func $garbage (param i32) (drop (array.new $bytes (i32.const 0) (local.get 0))))
    (func $build (param i32) (result (ref null $list)) (local (ref null $list))
      (loop $again
        (call $garbage (i32.const 3000))
        (local.set 1 (struct.new $list (local.get 0) (local.get 1)))
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))
    (func $sum (param (ref null $list)) (result i32)
      (if (ref.is_null (local.get 0)) (then (return (i32.const 0))))
      (call $garbage (i32.const 5000))
      (i32.add (struct.get $list 0 (local.get 0)) (call $sum (struct.get $list 1 (local.get 0)))))
    (func (export "f") (param i32) (result i32)
      (i32.sub (call $sum (call $build (local.get 0))) (call $sum (call $build (i32.const 7)))))))",
               {1, 20, 300}, {}, {.gc_heap_bytes = 256 << 10});
}

// The same where everything that is not held is gone at once, for every way of making objects.
TEST(Tiers, CollectAtEveryAllocationAlike) {
  constexpr const char* kText = R"((module
    (type $box (struct (field (mut i32))))
    (type $node (struct (field i8) (field (ref null $node)) (field f64) (field (ref $box)) (field v128)))
    (type $nodes (array (mut (ref null $node))))
    (type $boxes (array (ref $box)))
    (type $longs (array (mut i64)))
    (type $shorts (array (mut i16)))
    (func $box (param i32) (result (ref $box)) (struct.new $box (local.get 0)))
    (func $list (param $n i32) (result (ref null $node)) (local $list (ref null $node)) (local $x f64)
      (loop $again
        (local.set $x (f64.add (local.get $x) (f64.const 0.5)))
        (local.set $list (struct.new $node (local.get $n) (local.get $list)
          (f64.mul (local.get $x) (f64.const 2)) (call $box (local.get $n))
          (i32x4.splat (local.get $n))))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $list))
    (func $sum (param $list (ref null $node)) (result i32) (local $sum f64)
      (loop $again
        (if (ref.is_null (local.get $list)) (then (return (i32.trunc_f64_s (local.get $sum)))))
        (local.set $sum (f64.add (local.get $sum) (f64.add (struct.get $node 2 (local.get $list))
          (f64.convert_i32_s (i32.add (struct.get_s $node 0 (local.get $list))
            (i32.add (i32x4.extract_lane 3 (struct.get $node 4 (local.get $list)))
              (struct.get $box 0 (struct.get $node 3 (local.get $list)))))))))
        (local.set $list (struct.get $node 1 (local.get $list)))
        (br $again))
      (unreachable))
    (func (export "structs") (param i32) (result i32) (local (ref null $node))
      (local.set 1 (call $list (local.get 0)))
      (i32.add (call $sum (call $list (i32.const 5))) (call $sum (local.get 1))))
    (func (export "arrays") (param $n i32) (result i32)
      (local $nodes (ref null $nodes)) (local $boxes (ref null $boxes)) (local $shorts (ref null $shorts))
      (local.set $nodes (array.new_default $nodes (local.get $n)))
      (local.set $boxes (array.new_fixed $boxes 3 (call $box (i32.const 100)) (call $box (local.get $n))
        (struct.new $box (array.len (local.get $nodes)))))
      (array.set $nodes (local.get $nodes) (i32.const 0) (call $list (i32.const 3)))
      (local.set $shorts (array.new $shorts (local.get $n) (i32.add (local.get $n) (i32.const 7))))
      (i32.add (call $sum (array.get $nodes (local.get $nodes) (i32.const 0)))
        (i32.add (array.get_u $shorts (local.get $shorts) (i32.const 6))
          (i32.add (struct.get $box 0 (array.get $boxes (local.get $boxes) (i32.const 2)))
            (i32.sub (struct.get $box 0 (array.get $boxes (local.get $boxes) (i32.const 1)))
              (i32.wrap_i64 (array.get $longs (array.new_default $longs (local.get $n)) (i32.const 0))))))))
    (func (export "too_long") (param i32) (result i32)
      (array.len (array.new_default $longs (i32.sub (i32.const 3) (local.get 0))))))
  )";
  std::vector<std::string> expected;
  for (const bool stress : {false, true}) {
    for (const Mode& mode : modes()) {
      Runner runner(mode, kText, {}, {.gc_heap_bytes = 256 << 10});
      auto heap = runner.store->impl().heap();
      ASSERT_TRUE(heap);
      (*heap)->set_stress(stress);
      std::vector<std::string> actual;
      for (int32_t arg : {1, 30, 2, 90})
        for (const ExportType& item : runner.exports)
          actual.push_back(runner.call(item.name, {Val(arg)}));
      if (expected.empty()) expected = actual;
      EXPECT_EQ(actual, expected) << mode.name << " " << mode.threshold << " " << stress;
    }
  }
  EXPECT_EQ(expected[0], "64 ");
}

// Host functions that call wasm again, to any depth, and what ends such a chain at its bottom.
TEST(Tiers, HostFunctionsCallBackAlike) {
  constexpr const char* kText = R"((module
    (import "host" "again" (func $again (param i32 i32) (result i32)))
    (import "host" "fail" (func $fail))
    (import "host" "numbers" (func $numbers (param i32 i64 f32 f64) (result f64 f32 i64 i32)))
    (tag $t (param i32))
    (func $bottom (param $what i32) (result i32)
      (if (i32.eq (local.get $what) (i32.const 1)) (then unreachable))
      (if (i32.eq (local.get $what) (i32.const 2)) (then (call $fail)))
      (if (i32.eq (local.get $what) (i32.const 3)) (then (throw $t (i32.const 1000))))
      (i32.const 100))
    (func $down (export "down") (param $what i32) (param $n i32) (result i32)
      (if (i32.eqz (local.get $n)) (then (return (call $bottom (local.get $what)))))
      (i32.add (i32.const 1) (call $again (local.get $what) (i32.sub (local.get $n) (i32.const 1)))))
    (func (export "tail") (param $what i32) (param $n i32) (result i32)
      (return_call $again (local.get $what) (local.get $n)))
    (func (export "catches") (param $what i32) (param $n i32) (result i32)
      (block $caught (result i32)
        (try_table (catch $t $caught) (return (call $down (local.get $what) (local.get $n))))
        (unreachable)))
    (func (export "numbers") (param i32 i32) (result f64 f32 i64 i32)
      (call $numbers (local.get 0) (i64.const -5) (f32.const 1.5) (f64.const -0.25)))))";
  std::vector<std::string> expected;
  for (const Mode& mode : modes()) {
    Config config;
    config.tier = mode.tier;
    config.tier_threshold = config.optimize_threshold = mode.threshold;
    config.optimize = mode.optimize;
    auto engine = Engine::create(config);
    Linker linker(*engine);
    linker.func("host", "again", [](Caller& caller, int32_t what, int32_t n) -> Result<int32_t> {
      SEDGE_TRY_ASSIGN(auto down, caller.instance()->get_typed<int32_t(int32_t, int32_t)>(
                                      caller.store(), "down"));
      return down.call(caller.store(), what, n);
    });
    linker.func("host", "fail",
                [](Caller&) -> Result<void> { return fail(ErrorCode::bad_argument); });
    linker.func("host", "numbers", [](Caller&, int32_t a, int64_t b, float c, double d) {
      return std::tuple<double, float, int64_t, int32_t>(d, c, b, a);
    });
    auto module = Module::from_text(*engine, kText);
    ASSERT_TRUE(module) << module.error().render();
    Store store(*engine);
    auto instance = linker.instantiate(store, *module);
    ASSERT_TRUE(instance) << instance.error().render();
    std::vector<std::string> actual;
    for (int round = 0; round < 3; ++round) {
      for (const char* name : {"down", "tail", "catches"}) {
        for (int32_t what = 0; what < 4; ++what) {
          for (int32_t n : {0, 1, 5, 1000}) {
            auto f = instance->get_typed<int32_t(int32_t, int32_t)>(store, name);
            auto result = f->call(store, what, n);
            std::string text = result ? std::to_string(*result) : result.error().render();
            // The interpreter keeps the frame of a function that ends in a tail call of the host.
            // And entries of optimised code take places in a backtrace that is cut off.
            if (!result && (std::string_view(name) == "tail" || n == 1000))
              text = result.error().message();
            actual.push_back(fmt::format("{} {} {}: {}", name, what, n, text));
          }
        }
      }
      using Numbers = std::tuple<double, float, int64_t, int32_t>;
      auto numbers = instance->get_typed<Numbers(int32_t, int32_t)>(store, "numbers");
      ASSERT_TRUE(numbers) << numbers.error().render();
      EXPECT_EQ(*numbers->call(store, 7, 0), Numbers(-0.25, 1.5F, -5, 7));
    }
    if (expected.empty()) expected = actual;
    EXPECT_EQ(actual, expected) << mode.name << " " << mode.threshold;
  }
  EXPECT_EQ(expected[2], "down 0 5: 105");
  EXPECT_EQ(expected[46], "catches 3 5: 1000");
}

TEST(Tiers, CatchAlike) {
  expect_alike(R"((module
    (import "host" "f" (func $host (param i32) (result i32)))
    (tag $a (param i32)) (tag $b (param i64))
    (func $throw (param i32) (result i32)
      (if (i32.eq (local.get 0) (i32.const 5)) (then (throw $b (i64.const 9))))
      (if (i32.and (local.get 0) (i32.const 1)) (then (throw $a (local.get 0))))
      (call $host (local.get 0)))
    (func $middle (param i32) (result i32)
      (block $caught (result i64)
        (try_table (catch $b $caught) (return (call $throw (local.get 0))))
        (unreachable))
      (i32.wrap_i64))
    (func $rethrow (param i32) (result i32)
      (block $caught (result exnref)
        (try_table (catch_all_ref $caught) (return (call $middle (local.get 0))))
        (unreachable))
      (throw_ref))
    (func (export "f") (param i32) (result i32) (local $i i32)
      (loop $again
        (block $done
          (block $caught (result i32)
            (try_table (catch $a $caught)
              (local.set $i (i32.add (local.get $i) (call $rethrow (local.get 0))))
              (br $done))
            (unreachable))
          (local.set $i (i32.add (local.get $i) (i32.const 1000)))
          (drop))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br_if $again (i32.gt_s (local.get 0) (i32.const 0))))
      (local.get $i))
    (func (export "uncaught") (param i32) (result i32) (call $rethrow (local.get 0)))))",
               {1, 2, 3, 9, -2, 5});
}

TEST(Tiers, StopAtADeadline) {
  for (const Mode& mode : modes()) {
    Runner runner(mode,
                  R"((module (func $f (param i32) (result i32) (loop $l (br $l)) (unreachable))
        (func (export "f") (param i32) (result i32) (call $f (i32.const 0)))))",
                  {.interruptible = true});
    runner.store->set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(30));
    std::string message = runner.call("f", {Val(1)});
    EXPECT_EQ(message.substr(0, message.find('\n')), "wall-clock deadline exceeded");
  }
}

// Threads run one module, each in its own store, while it gets hot.
TEST(Tiers, ThreadsShareAModule) {
  for (const Mode& mode : modes()) {
    auto engine = Engine::create({.tier = mode.tier, .tier_threshold = 50});
    auto module = Module::from_text(*engine, R"((module (memory 1)
      (func $collatz (param i32) (result i32) (local i32)
        (loop $l
          (local.set 1 (i32.add (local.get 1) (i32.const 1)))
          (local.set 0 (if (result i32) (i32.and (local.get 0) (i32.const 1))
            (then (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 1)))
            (else (i32.shr_u (local.get 0) (i32.const 1)))))
          (br_if $l (i32.ne (local.get 0) (i32.const 1))))
        (local.get 1))
      (func (export "oob") (param i32) (result i32) (i32.load (local.get 0)))
      (func (export "f") (param i32) (result i32) (local i32)
        (loop $l
          (local.set 1 (i32.add (local.get 1) (call $collatz (local.get 0))))
          (br_if $l (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))))
        (local.get 1))))");
    ASSERT_TRUE(module) << module.error().render();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        Store store(*engine);
        auto instance = Instance::create(store, *module, {});
        for (int round = 0; round < 20; ++round) {
          auto sum = instance->get_func(store, "f")->call(store, std::vector<Val>{Val(100)});
          EXPECT_EQ((*sum)[0].i32(), 3142);
          auto trap = instance->get_func(store, "oob")->call(store, std::vector<Val>{Val(-1)});
          EXPECT_EQ(trap.error().code(), ErrorCode::out_of_bounds_memory_access);
          EXPECT_EQ(trap.error().backtrace().size(), 1u);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace sedge
