// Snapshots: an instance of the snapshot is what the original had become; what cannot be part of a
// module is refused.
#include <sedge/snapshot.h>

#include <gtest/gtest.h>
#include <sedge/sedge.h>

#include <string>
#include <string_view>
#include <vector>

#include "wasm/decode/decode.h"

namespace sedge {
namespace {

constexpr std::string_view kInit[] = {"init"};

struct World {
  Engine engine = Engine::create().value();
  Linker linker{engine};
  World() {
    linker.func("host", "twice", [](Caller&, int32_t x) { return 2 * x; });
  }
  Module parse(std::string_view text) {
    auto module = Module::from_text(engine, text);
    if (!module) ADD_FAILURE() << module.error().render();
    return *std::move(module);
  }
  // Runs `init` and takes the snapshot.
  Result<std::vector<uint8_t>> take(const Module& module) {
    Store store(engine);
    SEDGE_TRY_ASSIGN(Instance instance, linker.instantiate(store, module));
    SEDGE_TRY(instance.get_func(store, "init")->call(store, {}));
    return snapshot(store, instance, kInit);
  }
  Module taken(std::string_view text) {
    auto binary = take(parse(text));
    if (!binary) ADD_FAILURE() << binary.error().render();
    auto module = Module::from_binary(engine, *binary);
    if (!module) ADD_FAILURE() << module.error().render();
    return *std::move(module);
  }
  int64_t call(const Module& module, const char* name) {
    Store store(engine);
    auto instance = linker.instantiate(store, module);
    if (!instance) {
      ADD_FAILURE() << instance.error().render();
      return 0;
    }
    uint64_t cells[2] = {};
    auto result = instance->get_func(store, name)->call_raw(store, cells);
    if (!result) ADD_FAILURE() << name << ": " << result.error().render();
    return static_cast<int64_t>(cells[0]);
  }
};

TEST(SnapshotTest, KeepsMemoryGlobalsTablesAndSpentSegments) {
  World world;
  Module module = world.taken(R"((module
    (import "host" "twice" (func $twice (param i32) (result i32)))
    (type $n (func (result i32)))
    (memory (export "memory") 2 10)
    (memory $second 1)
    (table $t (export "t") 4 20 funcref)
    (table $same 2 funcref)
    (table $any 3 anyref)
    (global $i (mut i32) (i32.const 1)) (global $l (mut i64) (i64.const 1))
    (global $f (mut f32) (f32.const 1)) (global $d (mut f64) (f64.const 1))
    (global $v (mut v128) (v128.const i64x2 0 0))
    (global $r (mut funcref) (ref.null func)) (global $a (mut anyref) (ref.null any))
    (global $fixed i32 (i32.const 77))
    (elem (table $t) (i32.const 0) func $one $two)
    (elem (table $same) (i32.const 1) func $two)
    (elem $passive func $one)
    (elem $kept func $two)
    (data (i32.const 10) "abc") (data $gone "gone") (data $left "left")
    (start $start)
    (func $start (i32.store8 (i32.const 9) (i32.add (i32.load8_u (i32.const 9)) (i32.const 1))))
    (func $one (type $n) i32.const 1)
    (func $two (type $n) i32.const 2)
    (func $three (type $n) i32.const 3)
    (elem declare func $three)
    (func (export "init")
      (i32.store8 (i32.const 11) (i32.const 0x78))
      (drop (memory.grow (i32.const 3)))
      (i64.store (i32.const 327672) (i64.const -2))
      (i32.store $second (i32.const 65532) (call $twice (i32.const 21)))
      (global.set $i (i32.const -5)) (global.set $l (i64.const -6))
      (global.set $f (f32.const 1.5)) (global.set $d (f64.const -2.5))
      (global.set $v (v128.const i64x2 3 -4))
      (global.set $r (ref.func $three)) (global.set $a (ref.i31 (i32.const -9)))
      (table.set $t (i32.const 0) (ref.null func))
      (drop (table.grow $t (ref.func $three) (i32.const 3)))
      (table.set $any (i32.const 2) (ref.i31 (i32.const 5)))
      (data.drop $gone) (elem.drop $passive))
    (func (export "started") (result i32) (i32.load8_u (i32.const 9)))
    (func (export "text") (result i32) (i32.load (i32.const 10)))
    (func (export "pages") (result i32) memory.size)
    (func (export "end") (result i64) (i64.load (i32.const 327672)))
    (func (export "second") (result i32) (i32.load $second (i32.const 65532)))
    (func (export "i") (result i32) global.get $i) (func (export "l") (result i64) global.get $l)
    (func (export "f") (result f32) global.get $f) (func (export "d") (result f64) global.get $d)
    (func (export "v") (result i64) (i64x2.extract_lane 1 (global.get $v)))
    (func (export "r") (result i32) (table.set $t (i32.const 0) (global.get $r))
      (call_indirect $t (type $n) (i32.const 0)))
    (func (export "a") (result i32) (i31.get_s (ref.cast (ref i31) (global.get $a))))
    (func (export "fixed") (result i32) global.get $fixed)
    (func (export "t0") (result i32) (ref.is_null (table.get $t (i32.const 0))))
    (func (export "t1") (result i32) (call_indirect $t (type $n) (i32.const 1)))
    (func (export "t6") (result i32) (call_indirect $t (type $n) (i32.const 6)))
    (func (export "tables") (result i32) (i32.add (table.size $t) (table.size $same)))
    (func (export "same") (result i32) (call_indirect $same (type $n) (i32.const 1)))
    (func (export "any") (result i32)
      (i31.get_u (ref.cast (ref i31) (table.get $any (i32.const 2)))))
    (func (export "left") (result i32)
      (memory.init $left (i32.const 100) (i32.const 0) (i32.const 4)) (i32.load (i32.const 100)))
    (func (export "kept") (result i32)
      (table.init $t $kept (i32.const 2) (i32.const 0) (i32.const 1))
      (call_indirect $t (type $n) (i32.const 2)))
    (func (export "gone") (memory.init $gone (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "spent") (table.init $t $passive (i32.const 0) (i32.const 0) (i32.const 1)))
  ))");
  EXPECT_EQ(module.find_export("init"), nullptr);
  EXPECT_NE(module.find_export("text"), nullptr);
  const std::pair<const char*, int64_t> expected[] = {
      {"started", 1},
      {"text", 0x00637861},
      {"pages", 5},
      {"end", -2},
      {"second", 42},
      {"i", 0xfffffffb},
      {"l", -6},
      {"f", 0x3fc00000},
      {"d", static_cast<int64_t>(0xc004000000000000)},
      {"v", -4},
      {"r", 3},
      {"a", 0xfffffff7},
      {"fixed", 77},
      {"t0", 1},
      {"t1", 2},
      {"t6", 3},
      {"tables", 9},
      {"same", 2},
      {"any", 5},
      {"left", 0x7466656c},
      {"kept", 2}};
  for (auto [name, value] : expected) EXPECT_EQ(world.call(module, name), value) << name;
  Store store(world.engine);
  Instance instance = world.linker.instantiate(store, module).value();
  EXPECT_EQ(instance.get_func(store, "gone")->call(store, {}).error().code(),
            ErrorCode::out_of_bounds_memory_access);
  EXPECT_EQ(instance.get_func(store, "spent")->call(store, {}).error().code(),
            ErrorCode::out_of_bounds_table_access);
}

TEST(SnapshotTest, KeepsTo64BitAddresses) {
  World world;
  Module module = world.taken(R"((module (memory i64 1) (table i64 2 funcref)
    (func $f (export "init") (i64.store (i64.const 65528) (i64.const 12))
      (table.set (i64.const 1) (ref.func $f)))
    (func (export "get") (result i64) (i64.load (i64.const 65528)))
    (func (export "null") (result i32) (ref.is_null (table.get (i64.const 1))))))");
  EXPECT_EQ(world.call(module, "get"), 12);
  EXPECT_EQ(world.call(module, "null"), 0);
}

TEST(SnapshotTest, WritesFewSegmentsForScatteredBytes) {
  World world;
  auto binary = world.take(world.parse(R"((module (memory 64)
    (func (export "init") (local $at i32)
      (loop $next
        (i32.store8 (local.get $at) (i32.const 1))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 24)))
                               (i32.const 4194304)))))))"));
  ASSERT_TRUE(binary);
  wasm::Module syntax = wasm::decode(*binary, nullptr).value();
  EXPECT_EQ(syntax.datas.size(), 1u);  // 174,763 would be more than engines take
  EXPECT_EQ(syntax.datas[0].init.size(), 4194289u);
}

TEST(SnapshotTest, AnEmptyModuleStaysOne) {
  World world;
  auto binary = world.take(world.parse(R"((module (func (export "init"))))"));
  ASSERT_TRUE(binary);
  EXPECT_EQ(wasm::decode(*binary, nullptr)->exports.size(), 0u);
}

TEST(SnapshotTest, RefusesWhatIsNotTheModulesOwn) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"((module (memory 1 1 shared) (func (export "init"))))",
       "a memory is shared, other threads may be changing it"},
      {R"((module (import "m" "memory" (memory 1)) (func (export "init"))))",
       "`m` `memory` is imported, so its content is not the module's own"},
      {R"((module (import "m" "global" (global (mut i32))) (func (export "init"))))",
       "`m` `global` is imported, so its content is not the module's own"},
      {R"((module (type $s (struct)) (global $g (mut anyref) (ref.null any))
          (func (export "init") (global.set $g (struct.new $s)))))",
       "a reference to an object of the host or of the garbage-collected heap"},
      {R"((module (type $s (struct)) (global (ref $s) (struct.new $s)) (func (export "init"))))",
       "a reference to an object of the host or of the garbage-collected heap"},
      {R"((module (type $s (struct)) (table $t 2 anyref)
          (func (export "init") (table.set $t (i32.const 1) (struct.new $s)))))",
       "a reference to an object of the host or of the garbage-collected heap"},
      {R"((module (type $s (struct)) (elem (ref $s) (item (struct.new $s)))
          (func (export "init"))))",
       "a reference to an object of the host or of the garbage-collected heap"},
      {R"((module (import "m" "other" (func $other (result funcref))) (table $t 1 funcref)
          (func (export "init") (table.set $t (i32.const 0) (call $other)))))",
       "a reference to a function that is not the module's own"},
  };
  for (auto [text, message] : cases) {
    World world;
    Module module = world.parse(text);
    Store store(world.engine);
    world.linker.define(store, "m", "memory", Memory::create(store, {{1, {}}}).value());
    world.linker.define(store, "m", "global",
                        Global::create(store, {ValType::i32, true}, Val(int32_t{1})).value());
    FuncType other{{}, {ValType::funcref()}};
    world.linker.func_values(
        "m", "other", other, [](Caller& caller, std::span<const Val>, std::span<Val> results) {
          results[0] = Func::wrap(caller.store(), {},
                                  [](Caller&, std::span<const Val>,
                                     std::span<Val>) -> Result<void> { return {}; })
                           .to_val(caller.store());
          return Result<void>();
        });
    auto instance = world.linker.instantiate(store, module);
    ASSERT_TRUE(instance) << instance.error().render();
    auto called = instance->get_func(store, "init")->call(store, {});
    ASSERT_TRUE(called) << called.error().render();
    auto binary = snapshot(store, *instance, kInit);
    ASSERT_FALSE(binary) << text;
    EXPECT_EQ(binary.error().message(),
              "the instance's state cannot become a module: " + std::string(message));
  }
}

}  // namespace
}  // namespace sedge
