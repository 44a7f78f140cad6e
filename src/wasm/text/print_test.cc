// Modules as text: what it looks like, and that parsing gives the module back.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"
#include "wasm/text/text.h"

namespace sedge::wasm {
namespace {

Module decoded(const std::vector<uint8_t>& bytes) {
  Result<Module> module = decode(std::make_shared<const std::vector<uint8_t>>(bytes));
  if (!module) ADD_FAILURE() << module.error().render();
  return module ? *std::move(module) : Module();
}

Module from_text(std::string_view text) {
  Result<std::vector<uint8_t>> bytes = assemble(text);
  if (!bytes) ADD_FAILURE() << bytes.error().render() << "\n" << text;
  return bytes ? decoded(*bytes) : Module();
}

std::string printed(std::string_view text, const PrintOptions& options = {}) {
  return print_module(from_text(text), options);
}

/// Checks that the printed module encodes to the same bytes.
void expect_round_trip(const Module& module) {
  std::string text = print_module(module);
  Result<std::vector<uint8_t>> again = assemble(text);
  ASSERT_TRUE(again) << again.error().render() << "\n" << text;
  EXPECT_EQ(*again, encode(module)) << text;
}

TEST(Print, Readable) {
  EXPECT_EQ(printed("(module $m (import \"a\" \"b\" (func $log (param $x i32))) (memory 1 2)"
                    " (func $f (export \"f\") (param i32) (result i32) (local $y i64)"
                    "  (block $out (br_if $out (local.get 0)) (call $log (i32.const -1)))"
                    "  (if (result i32) (i32.load offset=8 (local.get 0)) (then (i32.const 1))"
                    "   (else (i32.const 2))))"
                    " (data (i32.const 0) \"hi\\00\"))"),
            R"((module $m
  (type (;0;) (func (param i32)))
  (type (;1;) (func (param i32) (result i32)))
  (import "a" "b" (func $log (;0;) (type 0) (param $x i32)))
  (memory (;0;) 1 2)
  (export "f" (func $f))
  (func $f (;1;) (type 1) (param i32) (result i32)
    (local $y i64)
    block $out
      local.get 0
      br_if $out
      i32.const -1
      call $log
    end
    local.get 0
    i32.load offset=8
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end)
  (data (;0;) (i32.const 0) "hi\00"))
)");
}

TEST(Print, Options) {
  const char* text = "(func $f (param $p i32) (drop (local.get $p)))";
  EXPECT_EQ(printed(text, {.names = false}),
            "(module\n  (type (;0;) (func (param i32)))\n"
            "  (func (;0;) (type 0) (param i32)\n    local.get 0\n    drop))\n");
  EXPECT_EQ(printed(text, {.offsets = true}),
            "(module\n  (type (;0;) (func (param i32)))\n"
            "  (func $f (;0;) (type 0) (param $p i32)\n    (;0x18;) local.get $p\n"
            "    (;0x1a;) drop))\n");
  EXPECT_EQ(printed(text, {.skeleton = true}),
            "(module\n  (type (;0;) (func (param i32)))\n"
            "  (func $f (;0;) (type 0) (param $p i32)))\n");
}

TEST(Print, NamesThatIdsCannotCarry) {
  Module module = from_text(
      "(func $f) (func $g (@name \"f\")) (func $\"f.1\") (func (@name \"\"))"
      " (func $\"a b\") (func $\"q\\\"\\n\")");
  EXPECT_EQ(print_module(module),
            "(module\n  (type (;0;) (func))\n"
            "  (func $f (;0;) (type 0))\n"
            "  (func $f.2 (@name \"f\") (;1;) (type 0))\n"
            "  (func $f.1 (;2;) (type 0))\n"
            "  (func (@name \"\") (;3;) (type 0))\n"
            "  (func $\"a b\" (;4;) (type 0))\n"
            "  (func $\"q\\\"\\0a\" (;5;) (type 0)))\n");
  expect_round_trip(module);
}

TEST(Print, LabelsMayHideOthers) {
  Module module = from_text("(func block $a block $a br $a br 1 end end)");
  EXPECT_EQ(print_module(module),
            "(module\n  (type (;0;) (func))\n  (func (;0;) (type 0)\n    block $a\n      block $a\n"
            "        br $a\n        br 1\n      end\n    end))\n");
  expect_round_trip(module);
}

TEST(Print, EveryKindOfFieldComesBack) {
  for (const char* text : {
           "(rec (type $s (sub (struct (field $x i8) (field (mut (ref null $s)))))))",
           "(rec) (rec (type (func))) (type (array (mut i64))) (type (sub final 1 (func)))",
           "(memory i64 1 2 shared) (memory 3 (pagesize 1)) (memory 0)",
           "(table i64 1 2 funcref) (table 1 (ref func) (ref.func 0)) (func)",
           "(table 2 funcref) (table 2 externref) (elem (i32.const 0) func 0) (func)"
           "(elem (table 0) (i32.const 0) func 0) (elem (i32.const 0) funcref (ref.func 0))"
           "(elem (table 1) (offset i32.const 0 i32.const 1 i32.add) externref (ref.null extern))"
           "(elem declare func 0) (elem func) (elem $e anyref (item i32.const 0 ref.i31))",
           "(memory 1) (memory 1) (data \"\") (data (memory 0) (i32.const 0) \"a\\ff\\\"\")"
           "(data (memory 1) (i32.const 1) \"x\") (data (i32.const 2))",
           "(global (mut i32) (i32.add (i32.const 1) (i32.const 2))) (export \"\" (global 0))",
           "(tag $t (param i32)) (func (block $l (result i32) (try_table (catch $t $l)"
           " (catch_all_ref 1) (nop)) (i32.const 0)) (drop))",
           "(tag $t) (func (try $a (do (try (do) (delegate $a))) (catch $t) (catch_all (rethrow "
           "0))))",
           "(func (drop (f64.const -0x1.8p-1074)) (drop (f32.const nan:0x123)) (drop (f32.const "
           "-inf))"
           " (drop (v128.const f64x2 1 nan)) (drop (i64.const -9223372036854775808)))",
           "(type $f (func)) (table 1 funcref) (table 1 funcref) (func (call_indirect (type 0)"
           " (i32.const 0)) (return_call_indirect 1 (type $f) (i32.const 0)))",
           "(type $s (struct (field $a i32))) (func (param anyref) (block (result anyref)"
           " (br_on_cast 0 anyref (ref $s) (local.get 0))) (ref.test (ref null $s)) (drop))",
           "(memory 1) (memory 1) (data $d \"\") (func (memory.init 1 $d (i32.const 0) (i32.const "
           "0)"
           " (i32.const 0)) (memory.copy 1 0 (i32.const 0) (i32.const 0) (i32.const 0))"
           " (drop (v128.load8_lane 1 offset=1 align=1 3 (i32.const 0) (v128.const i32x4 1 2 3 4)))"
           " (atomic.fence) (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31"
           " (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) (v128.const i64x2 0 -1))))",
           "(func $f (local i32) (@metadata.code.branch_hint \"\\01\") (if (i32.const 0) (then)))"
           "(@custom \"a\" (before code) \"x\")",
           "(func) (start 0) (@custom \"a\" (before first)) (@custom \"b\" (after start) \"\\00\")"
           "(@custom \"c\") (@custom \"d\" (after type) \"e\")",
           "(@data_count) (memory 1) (data (i32.const 0) \"x\")",
       }) {
    SCOPED_TRACE(text);
    expect_round_trip(from_text(text));
  }
}

TEST(Print, DataCountThatNothingNeedsIsMarked) {
  std::string text = printed("(@data_count) (data \"\")");
  EXPECT_NE(text.find("(@data_count)"), std::string::npos) << text;
  text = printed("(data \"\") (func (data.drop 0))");
  EXPECT_EQ(text.find("(@data_count)"), std::string::npos) << text;
}

void section(std::vector<uint8_t>& out, uint8_t id, const std::vector<uint8_t>& content) {
  out.push_back(id);
  out.push_back(static_cast<uint8_t>(content.size()));
  out.insert(out.end(), content.begin(), content.end());
}

std::vector<uint8_t> custom(std::string_view name, const std::vector<uint8_t>& content) {
  std::vector<uint8_t> out = {static_cast<uint8_t>(name.size())};
  out.insert(out.end(), name.begin(), name.end());
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

/// Header, one type and one function whose body is empty.
std::vector<uint8_t> one_function(const std::vector<uint8_t>& before_code) {
  std::vector<uint8_t> out = {0, 'a', 's', 'm', 1, 0, 0, 0};
  section(out, 1, {1, 0x60, 0, 0});
  section(out, 3, {1, 0});
  out.insert(out.end(), before_code.begin(), before_code.end());
  section(out, 10, {1, 2, 0, 0x0b});
  return out;
}

TEST(Print, PlaceOfTheNameSectionIsKept) {
  std::vector<uint8_t> bytes = one_function({});
  section(bytes, 0, custom("name", {1, 4, 1, 0, 1, 'f'}));
  std::vector<uint8_t> last = bytes;
  section(bytes, 0, custom("producers", {0}));
  Module module = decoded(bytes);
  EXPECT_EQ(encode(module), bytes);
  expect_round_trip(module);
  std::string text = print_module(module);
  EXPECT_NE(text.find("(func $f "), std::string::npos) << text;
  EXPECT_NE(text.find("(@custom \"name\" (after code))"), std::string::npos) << text;
  EXPECT_EQ(print_module(decoded(last)).find("@custom"), std::string::npos);
  expect_round_trip(decoded(last));
}

TEST(Print, NamesOfWhatIsNotThereStayBytes) {
  std::vector<uint8_t> bytes = one_function({});
  section(bytes, 0, custom("name", {1, 4, 1, 9, 1, 'f'}));  // function 9
  Module module = decoded(bytes);
  ASSERT_FALSE(module.names.funcs.empty());
  expect_round_trip(module);
  bytes = one_function({});
  section(bytes, 0, custom("name", {1, 9, 1}));  // malformed
  module = decoded(bytes);
  expect_round_trip(module);
  EXPECT_NE(print_module(module).find("\"\\01\\09\\01\""), std::string::npos);
}

TEST(Print, HintsAtOtherInstructionsStayBytes) {
  std::vector<uint8_t> hints;
  section(hints, 0, custom("metadata.code.branch_hint", {1, 0, 1, 1, 1, 0}));  // at `end`
  Module module = decoded(one_function(hints));
  ASSERT_FALSE(module.branch_hints.empty());
  std::string text = print_module(module);
  EXPECT_NE(text.find("(@custom \"metadata.code.branch_hint\" (after func)"), std::string::npos)
      << text;
  expect_round_trip(module);
}

TEST(Print, DeepNestingPrintsInLinearSpace) {
  std::string text = "(func ";
  for (int i = 0; i < 50000; ++i) text += "block ";
  for (int i = 0; i < 50000; ++i) text += "end ";
  Module module = from_text(text + ")");
  EXPECT_LT(print_module(module).size(), 10u << 20);
  expect_round_trip(module);
}

TEST(Print, NeighbouringRunsOfLocalsBecomeOne) {
  std::vector<uint8_t> bytes = {0, 'a', 's', 'm', 1, 0, 0, 0};
  section(bytes, 1, {1, 0x60, 0, 0});
  section(bytes, 3, {1, 0});
  section(bytes, 10, {1, 10, 4, 1, 0x7f, 1, 0x7f, 0, 0x7e, 2, 0x7f, 0x0b});
  EXPECT_EQ(
      print_module(decoded(bytes)),
      "(module\n  (type (;0;) (func))\n  (func (;0;) (type 0)\n    (local i32 i32 i32 i32)))\n");
}

}  // namespace
}  // namespace sedge::wasm
