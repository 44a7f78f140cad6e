// Calls between components from core code to core code: the same as by way of values, whatever
// guests give, on every tier.
#include "component/fused_call.h"

#include <random>

#include <gtest/gtest.h>

#include "component/component_impl.h"
#include "component/twin_call.h"

namespace sedge::component {
namespace {

using Encoding = AbiOptions::Encoding;

Engine engine_on(Tier tier) {
  Config config;
  config.features = Features::parse("all,+cm-fixed-length-lists").value();
  config.tier = tier;
  return Engine::create(config).value();
}

std::vector<Tier> tiers() {
  std::vector<Tier> out = {Tier::interp};
  if (Engine::has(Tier::baseline)) out.push_back(Tier::baseline);
  return out;
}

TEST(FusedCall, DoesWhatTheWayOverValuesDoes) {
  Engine engine = engine_on(Tier::interp);
  std::mt19937 random(20260821);
  size_t returned = 0, trapped = 0;
  for (int round = 0; round < 150; ++round) {
    std::vector<uint8_t> bytes(2000);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    fuzz::Choices choices(bytes.data(), bytes.size());
    const auto caller = static_cast<Encoding>(choices.below(3));
    const auto callee = choices.below(4) != 0 ? caller : static_cast<Encoding>(choices.below(3));
    const std::string param = twin::type_text(choices, 0), result = twin::type_text(choices, 0);
    auto component = sedge::Component::from_text(engine, twin::guest_text(param, result));
    ASSERT_TRUE(component) << component.error().message();
    auto values = twin::World::make(engine, *component, caller, callee).value();
    auto fused = twin::World::make(engine, *component, caller, callee).value();
    for (int call = 0; call < 4; ++call) {
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      fuzz::Choices given(bytes.data(), bytes.size());
      const twin::Given what = twin::make_given(given, values->types(), values->sig());
      const twin::Seen first = values->run(what, false), second = fused->run(what, true);
      ASSERT_EQ(first.error, second.error) << param << " -> " << result << ", round " << round;
      ASSERT_EQ(first.arguments, second.arguments) << param << ", round " << round;
      ASSERT_EQ(first.results, second.results) << result << ", round " << round;
      ASSERT_EQ(first.state, second.state) << param << " -> " << result << ", round " << round;
      ASSERT_TRUE(first == second) << param << " -> " << result << ", round " << round;
      ++(first.error.empty() ? returned : trapped);
    }
  }
  EXPECT_GT(returned, 50u);
  EXPECT_GT(trapped, 50u);
}

/// Rows by hand, from definitions.py: a type, what the caller has in cells and at address 0 of its
/// memory, and what the callee gets.
struct Row {
  std::string_view type;
  std::vector<uint64_t> cells;
  std::vector<uint8_t> memory;
  std::vector<uint64_t> arguments;
  std::vector<uint8_t> callee;  ///< from 1024 on, where realloc begins
  std::string_view error = "";
};

TEST(FusedCall, FollowsTheSpecificationRowByRow) {
  const std::string out_of_bounds =
      "string pointer/length out of bounds of memory: string content out-of-bounds";
  const Row rows[] = {
      {"u8", {0xffffffff}, {}, {0xff}, {}},
      {"s8", {0x80}, {}, {0xffffff80}, {}},
      {"s16", {0x18000}, {}, {0xffff8000}, {}},
      {"u16", {0x12345}, {}, {0x2345}, {}},
      {"bool", {0x100}, {}, {1}, {}},
      {"f32", {0xff800001}, {}, {0x7fc00000}, {}},
      {"f64", {0xfff0000000000001}, {}, {0x7ff8000000000000}, {}},
      {"char", {0x10ffff}, {}, {0x10ffff}, {}},
      {"char", {0xd800}, {}, {}, {}, "invalid `char` bit pattern"},
      {"char", {0x110000}, {}, {}, {}, "invalid `char` bit pattern"},
      {R"((enum "a" "b"))", {1}, {}, {1}, {}},
      {R"((enum "a" "b"))", {2}, {}, {}, {}, "invalid variant discriminant"},
      {R"((flags "a" "b" "c"))", {0xf5}, {}, {5}, {}},
      {"(option u8)", {0, 77}, {}, {0, 0}, {}},
      {"(option u8)", {1, 0x1ff}, {}, {1, 0xff}, {}},
      {"(option u8)", {2, 0}, {}, {}, {}, "invalid variant discriminant"},
      // A cell that payloads share holds the narrower ones in its low bits.
      {R"((variant (case "a" f32) (case "b" u64)))",
       {0, 0x123456783f800000},
       {},
       {0, 0x3f800000},
       {}},
      {R"((variant (case "a" f32) (case "b" u64)))",
       {1, 0x123456783f800000},
       {},
       {1, 0x123456783f800000},
       {}},
      {"string", {0, 2}, {'h', 'i'}, {1024, 2}, {'h', 'i'}},
      {"string", {0, 0}, {}, {1024, 0}, {}},
      {"string", {65535, 2}, {}, {}, {}, out_of_bounds},
      {"string", {0, 0x10000000}, {}, {}, {}, out_of_bounds},
      {"string", {0, 1}, {0x80}, {}, {}, "invalid utf-8"},
      {"string", {0, 2}, {0xc0, 0x80}, {}, {}, "invalid utf-8"},
      {"string", {0, 3}, {0xed, 0xa0, 0x80}, {}, {}, "invalid utf-8"},
      {"string", {0, 1}, {0xe2}, {}, {}, "invalid utf-8: incomplete utf-8 byte sequence"},
      {"(list u16)", {2, 2}, {9, 9, 1, 0, 2, 0}, {1024, 2}, {1, 0, 2, 0}},
      {"(list u16)", {1, 2}, {}, {}, {}, "unaligned pointer"},
      {"(list u16)", {0, 0x10000000}, {}, {}, {}, "list content out-of-bounds"},
      {"(list bool)", {0, 3}, {0, 2, 255}, {1024, 3}, {0, 1, 1}},
      {"(list char)", {0, 1}, {0, 0, 0x11, 0}, {}, {}, "invalid `char` bit pattern"},
      {"(list (option u8))", {0, 2}, {0, 7, 1, 8}, {1024, 2}, {0, 0, 1, 8}},
      {"(list (option u8))", {0, 1}, {2, 0}, {}, {}, "invalid variant discriminant"},
      // Padding stays behind.
      {"(list (tuple u8 u16))", {0, 1}, {1, 0xee, 2, 3}, {1024, 1}, {1, 0, 2, 3}},
      {"(list string)",
       {0, 1},
       {8, 0, 0, 0, 1, 0, 0, 0, 'x'},
       {1024, 1},
       {0x10, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'x'}},
      {"(tuple u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u8)",
       {65536},
       {},
       {},
       {},
       "pointer out of bounds of memory"},
  };
  Engine engine = engine_on(Tier::interp);
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.type));
    auto component =
        sedge::Component::from_text(engine, twin::guest_text(std::string(row.type), "u8")).value();
    for (bool fuse : {false, true}) {
      auto world = twin::World::make(engine, component, Encoding::utf8, Encoding::utf8).value();
      twin::Given given;
      given.cells = row.cells;
      given.cells.resize(kMaxFlatParams + 1);
      given.caller = row.memory;
      const twin::Seen seen = world->run(given, fuse);
      if (!row.error.empty()) {
        EXPECT_TRUE(seen.error.ends_with(row.error)) << seen.error;
        continue;
      }
      EXPECT_EQ(seen.error, "");
      EXPECT_EQ(seen.arguments, row.arguments);
      const std::vector<uint8_t> got(
          seen.callee.begin() + 1024,
          seen.callee.begin() + 1024 + static_cast<ptrdiff_t>(row.callee.size()));
      EXPECT_EQ(got, row.callee);
    }
  }
}

TEST(FusedCall, ACallCannotTakeWithoutEnd) {
  // 7,000 lists that are all the same 6,912 lists, which are all the same 6,912 bytes.
  Engine engine = engine_on(Tier::interp);
  auto component =
      sedge::Component::from_text(engine, twin::guest_text("(list (list (list u8)))", "u8"))
          .value();
  auto world = twin::World::make(engine, component, Encoding::utf8, Encoding::utf8).value();
  twin::Given given;
  given.cells = {0, 7000};
  given.cells.resize(kMaxFlatParams + 1);
  given.caller.resize(65536);
  for (size_t i = 5; i < given.caller.size(); i += 8) given.caller[i] = 0x1b;
  EXPECT_TRUE(world->run(given, true).error.contains("more than 1024 MiB for the values"))
      << world->run(given, true).error;

  // Values cost the host more than the guest.
  Store store(engine);
  const twin::Guest guest = twin::instantiate(store, component, Encoding::utf8).value();
  auto items = Crossing(*guest.inst, guest.options)
                   .load_items(PrimType::u16, 0, (512u << 20) / sizeof(ComponentVal) + 1);
  ASSERT_FALSE(items);
  EXPECT_TRUE(items.error().message().contains("more than 512 MiB for the values"));
}

/// A caller with pointers of 32 bits and a callee with those of 64. An element of the list is
/// 80,004 bytes here, 160,008 there, and writes one of them.
std::string widening_text(std::string_view callee_encoding) {
  std::string hundred, many;
  for (int i = 0; i < 100; ++i) hundred += " $part", many += " $some";
  const std::string types = fmt::format(
      "(type $part string) (type $some (tuple{})) (type $many (tuple{})) "
      "(type $list (list (option $many)))",
      hundred, many);
  return fmt::format(R"((component
  (component $callee
    {types}
    (core module $m
      (memory (export "m") i64 4100)
      (func (export "realloc") (param i64 i64 i64 i64) (result i64) (i64.const 65536))
      (func (export "f") (param i64 i64) (result i64) (local.get 1)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "l" $list) (result u64)
      (canon lift (core func $i "f") (memory (core memory $i "m"))
        (realloc (core func $i "realloc")) string-encoding={encoding})))
  (instance $callee (instantiate $callee))
  (alias export $callee "f" (func $f))
  (component $caller
    {types}
    (import "f" (func $f (param "l" $list) (result u64)))
    (core module $libc (memory (export "m") 2056))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory (core memory $libc "m"))))
    (core module $m (import "" "f" (func $f (param i32 i32) (result i64)))
      (func (export "run") (param i32) (result i64) (call $f (i32.const 65536) (local.get 0))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (param "n" u32) (result u64) (canon lift (core func $i "run"))))
  (instance $caller (instantiate $caller (with "f" (func $f))))
  (alias export $caller "run" (func $run))
  (export "run" (func $run))))",
                     fmt::arg("types", types), fmt::arg("encoding", callee_encoding));
}

// definitions.py limits lists where they are loaded (MAX_LIST_BYTE_LENGTH), not where they are
// stored.
TEST(FusedCall, AListMayBeLargerWhereItGoes) {
  Config config;
  config.features = Features::parse("all,+cm64").value();
  config.tier = tiers().back();
  Engine engine = Engine::create(config).value();
  // With the same encoding calls are fused; with another they go by way of values.
  for (std::string_view encoding : {"utf8", "utf16"}) {
    SCOPED_TRACE(std::string(encoding));
    auto component = sedge::Component::from_text(engine, widening_text(encoding));
    ASSERT_TRUE(component) << component.error().render();
    Store store(engine);
    auto instance = ComponentLinker().instantiate(store, *component);
    ASSERT_TRUE(instance) << instance.error().render();
    ComponentVal count;
    count.kind = ComponentVal::Kind::u32;
    // 134 MB there, 256 MiB and more here.
    count.bits = (kMaxBytes + 1) / 160'008 + 1;
    auto run = instance->get_func("run")->call(store, std::span(&count, 1));
    ASSERT_TRUE(run) << run.error().render();
    EXPECT_EQ((*run)[0].bits, count.bits);
    count.bits = kMaxBytes / 80'004 + 1;
    run = instance->get_func("run")->call(store, std::span(&count, 1));
    ASSERT_FALSE(run);
    EXPECT_TRUE(run.error().message().ends_with("list content out-of-bounds"))
        << run.error().message();
  }
}

/// A callee with functions of numbers, and a caller that hands them on.
constexpr std::string_view kNumbers = R"((component
  (import "host" (func $host (param "x" u32) (result u32)))
  (component $callee
    (import "host" (func $host (param "x" u32) (result u32)))
    (core func $host (canon lower (func $host)))
    (core func $get (canon context.get i32 0))
    (core func $set (canon context.set i32 0))
    (core module $m
      (import "" "host" (func $host (param i32) (result i32)))
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (global $cleaned (mut i32) (i32.const 0))
      (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
      (func (export "mix") (param i32 f32 i64 f64 i32) (result f64)
        (f64.add (f64.convert_i32_s (local.get 0))
          (f64.add (f64.promote_f32 (local.get 1))
            (f64.add (f64.convert_i64_u (local.get 2))
              (f64.add (local.get 3) (f64.convert_i32_u (local.get 4)))))))
      (func (export "trap") (param i32) (result i32) unreachable)
      (func (export "out") (param i32) (result i32) (call $host (local.get 0)))
      (func (export "count") (result i32)
        (call $set (i32.add (call $get) (i32.const 1))) (call $get))
      (func (export "byte") (param i32) (result i32) (local.get 0))
      (func (export "clean") (param i32) (global.set $cleaned (i32.add (local.get 0) (i32.const 1))))
      (func (export "cleaned") (result i32) (global.get $cleaned)))
    (core instance $i (instantiate $m (with "" (instance (export "host" (func $host))
      (export "get" (func $get)) (export "set" (func $set))))))
    (func (export "add") (param "a" u32) (param "b" u32) (result u32)
      (canon lift (core func $i "add")))
    (func (export "mix") (param "a" s8) (param "b" f32) (param "c" u64) (param "d" f64)
      (param "e" bool) (result f64) (canon lift (core func $i "mix")))
    (func (export "trap") (param "a" u32) (result u32) (canon lift (core func $i "trap")))
    (func (export "out") (param "a" u32) (result u32) (canon lift (core func $i "out")))
    (func (export "count") (result u32) (canon lift (core func $i "count")))
    (func (export "char") (param "a" u32) (result char) (canon lift (core func $i "byte")))
    (func (export "letter") (param "a" char) (result u32) (canon lift (core func $i "byte")))
    (func (export "byte") (param "a" u32) (result u8)
      (canon lift (core func $i "byte") (post-return (core func $i "clean"))))
    (func (export "cleaned") (result u32) (canon lift (core func $i "cleaned"))))
  (component $caller
    (import "add" (func $add (param "a" u32) (param "b" u32) (result u32)))
    (import "mix" (func $mix (param "a" s8) (param "b" f32) (param "c" u64) (param "d" f64)
      (param "e" bool) (result f64)))
    (import "trap" (func $trap (param "a" u32) (result u32)))
    (import "out" (func $out (param "a" u32) (result u32)))
    (import "count" (func $count (result u32)))
    (import "char" (func $char (param "a" u32) (result char)))
    (import "letter" (func $letter (param "a" char) (result u32)))
    (import "byte" (func $byte (param "a" u32) (result u8)))
    (core func $add (canon lower (func $add)))
    (core func $mix (canon lower (func $mix)))
    (core func $trap (canon lower (func $trap)))
    (core func $out (canon lower (func $out)))
    (core func $count (canon lower (func $count)))
    (core func $char (canon lower (func $char)))
    (core func $letter (canon lower (func $letter)))
    (core func $byte (canon lower (func $byte)))
    (core module $m
      (import "" "add" (func $add (param i32 i32) (result i32)))
      (import "" "mix" (func $mix (param i32 f32 i64 f64 i32) (result f64)))
      (import "" "trap" (func $trap (param i32) (result i32)))
      (import "" "out" (func $out (param i32) (result i32)))
      (import "" "count" (func $count (result i32)))
      (import "" "char" (func $char (param i32) (result i32)))
      (import "" "letter" (func $letter (param i32) (result i32)))
      (import "" "byte" (func $byte (param i32) (result i32)))
      (func (export "sum") (param $n i32) (result i32) (local $x i32)
        (loop $l
          (local.set $x (call $add (local.get $x) (local.get $n)))
          (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $x))
      (func (export "mix") (result f64)
        (call $mix (i32.const 0x1ff) (f32.const 0.5) (i64.const 100) (f64.const 0.25)
          (i32.const 0x700)))
      (func (export "trap") (result i32) (call $trap (i32.const 0)))
      (func (export "out") (param i32) (result i32) (call $out (local.get 0)))
      (func (export "count") (result i32) (drop (call $count)) (call $count))
      (func (export "char") (param i32) (result i32) (call $char (local.get 0)))
      (func (export "letter") (param i32) (result i32) (call $letter (local.get 0)))
      (func (export "byte") (param i32) (result i32) (call $byte (local.get 0)))
      (func (export "tail") (param i32) (result i32)
        (return_call $add (local.get 0) (i32.const 1))))
    (core instance $i (instantiate $m (with "" (instance (export "add" (func $add))
      (export "mix" (func $mix)) (export "trap" (func $trap)) (export "out" (func $out))
      (export "count" (func $count)) (export "char" (func $char)) (export "letter" (func $letter))
      (export "byte" (func $byte))))))
    (func (export "sum") (param "n" u32) (result u32) (canon lift (core func $i "sum")))
    (func (export "mix") (result f64) (canon lift (core func $i "mix")))
    (func (export "trap") (result u32) (canon lift (core func $i "trap")))
    (func (export "out") (param "a" u32) (result u32) (canon lift (core func $i "out")))
    (func (export "count") (result u32) (canon lift (core func $i "count")))
    (func (export "char") (param "a" u32) (result u32) (canon lift (core func $i "char")))
    (func (export "letter") (param "a" u32) (result u32) (canon lift (core func $i "letter")))
    (func (export "byte") (param "a" u32) (result u32) (canon lift (core func $i "byte")))
    (func (export "tail") (param "a" u32) (result u32) (canon lift (core func $i "tail"))))
  (instance $callee (instantiate $callee (with "host" (func $host))))
  (instance $caller (instantiate $caller
    (with "add" (func $callee "add")) (with "mix" (func $callee "mix"))
    (with "trap" (func $callee "trap")) (with "out" (func $callee "out"))
    (with "count" (func $callee "count")) (with "char" (func $callee "char"))
    (with "letter" (func $callee "letter")) (with "byte" (func $callee "byte"))))
  (export "sum" (func $caller "sum"))
  (export "mix" (func $caller "mix"))
  (export "trap" (func $caller "trap"))
  (export "out" (func $caller "out"))
  (export "count" (func $caller "count"))
  (export "char" (func $caller "char"))
  (export "letter" (func $caller "letter"))
  (export "byte" (func $caller "byte"))
  (export "tail" (func $caller "tail"))
  (export "cleaned" (func $callee "cleaned"))))";

struct Numbers {
  Engine engine;
  Store store{engine};
  ComponentInstance instance;
  std::function<Result<void>(Numbers&)> on_host;

  explicit Numbers(Tier tier) : engine(engine_on(tier)) {
    ComponentLinker linker;
    linker.func("host",
                [this](Store&, std::span<ComponentVal> args) -> Result<std::vector<ComponentVal>> {
                  if (on_host) SEDGE_TRY(on_host(*this));
                  ComponentVal out = args[0];
                  out.bits += 1000;
                  return std::vector{out};
                });
    auto component = sedge::Component::from_text(engine, kNumbers).value();
    instance = linker.instantiate(store, component).value();
  }

  /// The result as text, or how the call failed.
  std::string call(std::string_view name, std::vector<uint32_t> args = {}) {
    std::vector<ComponentVal> values;
    for (uint32_t arg : args) {
      values.emplace_back();
      values.back().kind = ComponentVal::Kind::u32;
      values.back().bits = arg;
    }
    auto done = instance.get_func(name)->call(store, values);
    if (!done) return done.error().message();
    return done->empty() ? "" : to_string((*done)[0]);
  }
};

TEST(FusedCall, NumbersCross) {
  for (Tier tier : tiers()) {
    SCOPED_TRACE(static_cast<int>(tier));
    Numbers guest(tier);
    for (int again = 0; again < 3; ++again) {
      EXPECT_EQ(guest.call("sum", {1000}), "500500");
      EXPECT_EQ(guest.call("mix"), "100.75");
      EXPECT_EQ(guest.call("out", {7}), "1007");
      EXPECT_EQ(guest.call("letter", {'x'}), "120");
      EXPECT_EQ(guest.call("char", {'x'}), "120");
      EXPECT_EQ(guest.call("tail", {41}), "42");
      EXPECT_EQ(guest.call("byte", {0x1ff}), "255");
      EXPECT_EQ(guest.call("cleaned"), "512");
      // Each call has context of its own.
      EXPECT_EQ(guest.call("count"), "1");
    }
  }
}

TEST(FusedCall, ATrapNamesBothSidesAndPoisonsThem) {
  for (Tier tier : tiers()) {
    SCOPED_TRACE(static_cast<int>(tier));
    Numbers guest(tier);
    EXPECT_EQ(guest.call("sum", {3}), "6");
    auto done = guest.instance.get_func("trap")->call(guest.store, {});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), ErrorCode::unreachable);
    ASSERT_EQ(done.error().backtrace().size(), 2u);
    EXPECT_EQ(guest.call("sum", {3}), "wasm trap: cannot enter component instance");
  }
}

TEST(FusedCall, WrongNumbersTrap) {
  for (Tier tier : tiers()) {
    SCOPED_TRACE(static_cast<int>(tier));
    for (const char* name : {"letter", "char"}) {
      Numbers guest(tier);
      EXPECT_EQ(guest.call(name, {'x'}), "120");
      EXPECT_EQ(guest.call(name, {0xd800}), "wasm trap: invalid `char` bit pattern");
    }
  }
}

TEST(FusedCall, AnInstanceThatIsEnteredCannotBeEnteredAgain) {
  for (Tier tier : tiers()) {
    SCOPED_TRACE(static_cast<int>(tier));
    Numbers guest(tier);
    std::string again;
    guest.on_host = [&again](Numbers& inner) {
      again = inner.call("sum", {3});
      return Result<void>();
    };
    EXPECT_EQ(guest.call("out", {7}), "1007");
    EXPECT_EQ(again, "wasm trap: cannot enter component instance");
  }
}

TEST(FusedCall, AnErrorOfTheHostComesThrough) {
  for (Tier tier : tiers()) {
    SCOPED_TRACE(static_cast<int>(tier));
    Numbers guest(tier);
    guest.on_host = [](Numbers&) -> Result<void> {
      return fail(ErrorCode::host_failure, ": no disk");
    };
    EXPECT_TRUE(guest.call("out", {7}).ends_with("no disk"));
  }
}

}  // namespace
}  // namespace sedge::component
