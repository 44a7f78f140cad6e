// Messages of validation, features, and that the quick path and the full rules agree.
#include "wasm/validate/validate.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "wasm/decode/decode.h"
#include "wasm/text/text.h"
#include "wasm/validate/context.h"

namespace sedge::wasm {
namespace {

struct Outcome {
  std::string message = {};  ///< "" if valid
  Phase phase = Phase::invalid;
  std::string remedy = {};
};

Outcome outcome(const Error& error) { return {error.message(), error.phase(), error.remedy()}; }

Outcome check_bytes(std::vector<uint8_t> bytes, Features features) {
  auto module = decode(std::make_shared<const std::vector<uint8_t>>(std::move(bytes)));
  if (!module) return outcome(module.error());
  auto quick = validation::validate_module(*module, features, TypeRegistry::create(),
                                           validation::Walk::quick);
  auto slow = validation::validate_module(*module, features, TypeRegistry::create(),
                                          validation::Walk::full);
  EXPECT_EQ(quick.has_value(), slow.has_value());
  if (quick) return {};
  if (!slow) EXPECT_EQ(quick.error().render(), slow.error().render());
  return outcome(quick.error());
}

Outcome check(std::string_view text, Features features = Features::all()) {
  auto bytes = assemble(text);
  if (!bytes) return {"text: " + bytes.error().render()};
  return check_bytes(*std::move(bytes), features);
}

std::string message(std::string_view text) { return check(text).message; }
/// The message for a function body with a memory, a table and a global at hand.
std::string body(std::string_view code) {
  return message(
      "(module (memory 1) (table 4 funcref) (global i32 (i32.const 0)) (type $s (struct (field i32)"
      " (field (mut i8)))) (type $a (array (mut i32))) (type $c (array i8)) (elem declare func 0)"
      " (tag (param i64)) (func (param i32 i64) (local f32 (ref $s)) " +
      std::string(code) + "))");
}

// Enough code for several threads, where there are several cores: functions 0 to 4, each 1 MiB of
// `nop`; those of `bad` end with a `drop` of nothing.
std::vector<uint8_t> large_module(const std::vector<uint32_t>& bad) {
  constexpr uint32_t kFuncs = 5;
  constexpr size_t kBody = (1 << 20) + 3;  // no locals, code, one more instruction, `end`
  auto leb = [](std::vector<uint8_t>& out, size_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
    out.push_back(static_cast<uint8_t>(value));
  };
  std::vector<uint8_t> code{kFuncs};
  for (uint32_t i = 0; i < kFuncs; ++i) {
    leb(code, kBody);
    code.push_back(0);
    code.insert(code.end(), 1 << 20, 0x01);
    code.push_back(std::ranges::find(bad, i) == bad.end() ? 0x01 : 0x1a);
    code.push_back(0x0b);
  }
  std::vector<uint8_t> out{0,    'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1,
                           0x60, 0,   0,   3,   6, 5, 0, 0, 0, 0, 0};
  out.push_back(10);
  leb(out, code.size());
  out.insert(out.end(), code.begin(), code.end());
  return out;
}

TEST(Validate, ParallelBodiesGiveTheFirstError) {
  auto rendered = [](const std::vector<uint32_t>& bad) {
    auto module = decode(std::make_shared<const std::vector<uint8_t>>(large_module(bad)));
    EXPECT_TRUE(module);
    auto valid = validate(*module, Features::all(), TypeRegistry::create());
    return valid ? std::string() : valid.error().render();
  };
  EXPECT_EQ(rendered({}), "");
  for (uint32_t first = 0; first < 5; ++first) {
    std::string error = rendered({first, 4});
    EXPECT_NE(error.find(fmt::format("function {}", first)), std::string::npos) << error;
    EXPECT_NE(error.find("instruction requires [any] but stack has []"), std::string::npos)
        << error;
  }
}

TEST(Validate, OperandMismatches) {
  EXPECT_EQ(body("(i32.add (i32.const 1) (i64.const 2)) drop"),
            "type mismatch: instruction requires [i32 i32] but stack has [i32 i64]");
  EXPECT_EQ(body("i32.const 1 i32.add drop"),
            "type mismatch: instruction requires [i32 i32] but stack has [i32]");
  EXPECT_EQ(body("drop"), "type mismatch: instruction requires [any] but stack has []");
  EXPECT_EQ(body("i32.const 1"), "type mismatch: block requires [] but stack has [i32]");
  EXPECT_EQ(body("(block (result i32)) drop"),
            "type mismatch: instruction requires [i32] but stack has []");
  EXPECT_EQ(body("(block i64.const 1 i32.const 1)"),
            "type mismatch: block requires [] but stack has [i64 i32]");
  EXPECT_EQ(body("(local.set 0 (local.get 1))"),
            "type mismatch: instruction requires [i32] but stack has [i64]");
  EXPECT_EQ(body("(i32.store (i32.const 0) (f32.const 1))"),
            "type mismatch: instruction requires [i32 i32] but stack has [i32 f32]");
  EXPECT_EQ(body("(throw 0 (i32.const 1))"),
            "type mismatch: instruction requires [i64] but stack has [i32]");
  EXPECT_EQ(body("unreachable f32.const 0 i32.add drop"),
            "type mismatch: instruction requires [i32 i32] but stack has [... f32]");
  EXPECT_EQ(body("(ref.is_null (i32.const 0)) drop"),
            "type mismatch: instruction requires [(ref null any)] but stack has [i32]");
}

TEST(Validate, UnreachableCodeIsPolymorphic) {
  EXPECT_EQ(body("unreachable i32.add drop"), "");
  EXPECT_EQ(body("unreachable i64.const 1 select drop"),
            "type mismatch: instruction requires [i32] but stack has [i64]");
  EXPECT_EQ(body("unreachable select i64.eqz drop"), "");
  EXPECT_EQ(body("(block (result i64) (br 0 (i64.const 1)) i32.add drop) drop"), "");
  EXPECT_EQ(body("(block (result i64) (br 0 (i64.const 1)) i32.add) drop"),
            "type mismatch: instruction requires [i64] but stack has [i32]");
}

TEST(Validate, Indices) {
  EXPECT_EQ(body("(local.get 9) drop"), "unknown local 9");
  EXPECT_EQ(body("(global.get 3) drop"), "unknown global 3");
  EXPECT_EQ(body("(call 7)"), "unknown function 7");
  EXPECT_EQ(body("br 4"), "unknown label 4");
  EXPECT_EQ(body("(i32.load 2 (i32.const 0)) drop"), "unknown memory 2");
  EXPECT_EQ(body("(table.get 2 (i32.const 0)) drop"), "unknown table 2");
  EXPECT_EQ(body("throw 5"), "unknown tag 5");
  EXPECT_EQ(body("elem.drop 5"), "unknown elem segment 5");
  EXPECT_EQ(body("data.drop 5"), "unknown data segment 5");
  EXPECT_EQ(body("(struct.get $s 7 (unreachable)) drop"), "unknown field 7");
  EXPECT_EQ(body("(ref.null 40) drop"), "unknown type 40");
  EXPECT_EQ(message("(module (export \"a\" (func 1)))"), "unknown function 1");
  EXPECT_EQ(message("(module (start 1))"), "unknown function 1");
  EXPECT_EQ(message("(module (func (type 1)))"), "unknown type 1");
}

TEST(Validate, MemoryArguments) {
  EXPECT_EQ(body("(i32.load align=8 (i32.const 0)) drop"),
            "alignment must not be larger than natural");
  EXPECT_EQ(body("(i32.atomic.load align=2 (i32.const 0)) drop"),
            "atomic alignment must be natural");
  EXPECT_EQ(body("(i32.load offset=0x100000000 (i32.const 0)) drop"),
            "offset out of range: 4294967296 in a 32-bit memory");
  EXPECT_EQ(message("(module (memory i64 1) (func (drop (i32.load offset=0x100000000 "
                    "(i64.const 0)))))"),
            "");
  EXPECT_EQ(body("(i8x16.extract_lane_s 16 (v128.const i64x2 0 0)) drop"), "invalid lane index 16");
  EXPECT_EQ(body("(v128.load64_lane 2 (i32.const 0) (v128.const i64x2 0 0)) drop"),
            "invalid lane index 2");
}

TEST(Validate, LocalInitialisation) {
  EXPECT_EQ(body("(local.get 3) drop"), "uninitialized local 3");
  const std::string set = "(local.set 3 (struct.new $s (i32.const 1) (i32.const 2)))";
  EXPECT_EQ(body(set + "(drop (local.get 3))"), "");
  EXPECT_EQ(body("(block " + set + ") (drop (local.get 3))"), "uninitialized local 3");
  EXPECT_EQ(body("(if (local.get 0) (then " + set + ") (else (drop (local.get 3))))"),
            "uninitialized local 3");
  EXPECT_EQ(body(set + "(block (drop (local.get 3)))"), "");
  EXPECT_EQ(body("(loop " + set + "(drop (local.get 3)))"), "");
}

TEST(Validate, LocalsBeyondTheFlatOnes) {
  std::string locals;
  for (int i = 0; i < 300; ++i) locals += i % 2 ? " i64" : " i32";
  auto module = [&](std::string_view code) {
    return message("(module (type $s (struct)) (func (local" + locals + " (ref $s)) " +
                   std::string(code) + "))");
  };
  EXPECT_EQ(module("(local.set 299 (i64.const 1)) (drop (i64.eqz (local.get 299)))"), "");
  EXPECT_EQ(module("(local.set 298 (i64.const 1))"),
            "type mismatch: instruction requires [i32] but stack has [i64]");
  EXPECT_EQ(module("(drop (local.get 300))"), "uninitialized local 300");
  EXPECT_EQ(module("(local.set 300 (struct.new $s)) (drop (local.get 300))"), "");
  EXPECT_EQ(module("(drop (local.get 301))"), "unknown local 301");
}

TEST(Validate, GarbageCollection) {
  EXPECT_EQ(body("(struct.set $s 0 (ref.null $s) (i32.const 1))"), "immutable field 0");
  EXPECT_EQ(body("(struct.get $s 1 (ref.null $s)) drop"), "field is packed 1");
  EXPECT_EQ(body("(struct.get_s $s 0 (ref.null $s)) drop"), "field is unpacked 0");
  EXPECT_EQ(body("(array.set $c (ref.null $c) (i32.const 0) (i32.const 0))"), "immutable array 2");
  EXPECT_EQ(body("(array.get $c (ref.null $c) (i32.const 0)) drop"), "array is packed 2");
  EXPECT_EQ(body("(array.copy $a $c (ref.null $a) (i32.const 0) (ref.null $c) (i32.const 0) "
                 "(i32.const 0))"),
            "array types do not match");
  EXPECT_EQ(body("(drop (struct.new $a))"), "type mismatch: type 1 is not a struct type");
  EXPECT_EQ(message("(module (type $a (array (ref any))) (func (drop (array.new_default $a "
                    "(i32.const 1)))))"),
            "type is not defaultable: elements of type 0");
  EXPECT_EQ(body("unreachable (array.new_fixed $a 4000000000) drop"), "");
}

TEST(Validate, TypeSection) {
  EXPECT_EQ(message("(module (type (func (param (ref 1)))) (type (func)))"), "unknown type 1");
  EXPECT_EQ(message("(module (type (func)) (type (sub 0 (func))))"),
            "sub type 1: its supertype 0 is final");
  EXPECT_EQ(message("(module (type (sub (func))) (type (sub 0 (func (param i32)))))"),
            "sub type 1 does not match its supertype 0");
  EXPECT_EQ(message("(module (type (sub (struct (field (mut anyref))))) "
                    "(type (sub 0 (struct (field (mut eqref))))))"),
            "sub type 1 does not match its supertype 0");
  EXPECT_EQ(message("(module (type (sub (struct (field anyref)))) "
                    "(type (sub 0 (struct (field eqref) (field i32)))))"),
            "");
  std::string chain = "(module (type (sub (struct)))";
  for (int i = 0; i < 63; ++i) chain += "(type (sub " + std::to_string(i) + " (struct)))";
  EXPECT_EQ(message(chain + ")"), "");
  EXPECT_EQ(message(chain + "(type (sub 63 (struct))))"),
            "implementation limit exceeded: subtyping is deeper than 63");
}

TEST(Validate, Definitions) {
  EXPECT_EQ(message("(module (memory 65537))"), "memory size must be at most 65536 pages (4GiB)");
  EXPECT_EQ(message("(module (memory 2 1))"),
            "size minimum must not be greater than maximum: 2 > 1");
  EXPECT_EQ(message("(module (memory 1 shared))"), "shared memory must have maximum");
  EXPECT_EQ(message("(module (memory 1 (pagesize 2)))"), "invalid custom page size: 2^1 bytes");
  EXPECT_EQ(message("(module (memory i64 0x1000000000001))"),
            "memory size must be at most 2^48 pages");
  EXPECT_EQ(message("(module (table 1 (ref func)))"),
            "type mismatch: a table of (ref func) needs an initial value");
  EXPECT_EQ(message("(module (global i32 (i64.const 1)))"),
            "type mismatch: instruction requires [i32] but stack has [i64]");
  EXPECT_EQ(message("(module (global i32 (i32.ctz (i32.const 1))))"),
            "constant expression required: i32.ctz is not constant");
  EXPECT_EQ(message("(module (global (mut i32) (i32.const 1)) (global i32 (global.get 0)))"),
            "constant expression required: global 0 is mutable");
  EXPECT_EQ(message("(module (global i32 (global.get 0)))"), "unknown global 0");
  EXPECT_EQ(message("(module (tag (result i32)))"), "non-empty tag result type");
  EXPECT_EQ(message("(module (func) (export \"a\" (func 0)) (export \"a\" (func 0)))"),
            "duplicate export name \"a\"");
  EXPECT_EQ(message("(module (func (param i32)) (start 0))"),
            "start function must have type [] -> [], not [i32] -> []");
  EXPECT_EQ(message("(module (func (drop (ref.func 0))))"), "undeclared function reference 0");
  EXPECT_EQ(message("(module (func (drop (ref.func 0))) (global funcref (ref.func 0)))"), "");
}

TEST(Validate, LegacyExceptions) {
  EXPECT_EQ(body("(try (do (throw 0 (i64.const 1))) (catch 0 (drop)))"), "");
  EXPECT_EQ(body("(try (do) (catch 0))"), "type mismatch: block requires [] but stack has [i64]");
  EXPECT_EQ(body("(try (do) (catch_all (rethrow 0)))"), "");
  EXPECT_EQ(body("(block (rethrow 0))"), "invalid rethrow label 0");
  EXPECT_EQ(body("(try (do) (delegate 1))"), "unknown label 1");
  EXPECT_EQ(body("(try (do) (delegate 0))"), "");
}

struct FeatureCase {
  const char* feature;
  const char* text;
  const char* what;
};

TEST(Validate, EachFeatureIsNeeded) {
  const FeatureCase cases[] = {
      {"mutable-globals", "(global (export \"g\") (mut i32) (i32.const 0))",
       "export of a mutable global"},
      {"sign-extension", "(func (drop (i32.extend8_s (i32.const 0))))", "operator i32.extend8_s"},
      {"saturating-float-to-int", "(func (drop (i32.trunc_sat_f32_s (f32.const 0))))",
       "operator i32.trunc_sat_f32_s"},
      {"multi-value", "(func (result i32 i32) (i32.const 0) (i32.const 0))",
       "a function type with several results"},
      {"reference-types", "(func (param externref))", "type externref"},
      {"bulk-memory", "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
       "operator memory.fill"},
      {"simd", "(func (param v128))", "type v128"},
      {"relaxed-simd",
       "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
       "operator i8x16.relaxed_swizzle"},
      {"tail-call", "(func (return_call 0))", "operator return_call"},
      {"extended-const", "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
       "arithmetic in a constant expression"},
      {"memory64", "(memory i64 1)", "a memory with 64-bit addresses"},
      {"function-references", "(type $f (func)) (func (param (ref null $f)))", "type (ref null 0)"},
      {"gc", "(type (struct))", "a struct or array type"},
      {"exceptions", "(func (param exnref))", "type exnref"},
      {"legacy-exceptions", "(func (try (do)))", "operator try"},
      {"threads", "(memory 1 1 shared)", "a shared memory"},
      {"wide-arithmetic", "(func (result i64 i64) (i64.mul_wide_s (i64.const 0) (i64.const 0)))",
       "operator i64.mul_wide_s"},
      {"custom-page-sizes", "(memory 1 (pagesize 1))", "a memory with pages of another size"},
  };
  for (const FeatureCase& item : cases) {
    SCOPED_TRACE(item.feature);
    EXPECT_EQ(message(item.text), "");
    auto features = Features::parse(std::string("all,-") + item.feature);
    ASSERT_TRUE(features);
    Outcome got = check(item.text, *features);
    EXPECT_EQ(got.message,
              "feature not enabled: " + std::string(item.feature) + " (" + item.what + ")");
    EXPECT_EQ(got.phase, Phase::unsupported);
    EXPECT_EQ(got.remedy, std::string("--features +") + item.feature);
  }
  Features single = Features::all().set(Feature::multi_memory, false);
  EXPECT_EQ(check("(memory 1) (memory 1)", single).message, "multiple memories");
  single.set(Feature::reference_types, false);
  EXPECT_EQ(check("(table 1 funcref) (table 1 funcref)", single).message, "multiple tables");
}

/// A module with one function of type [] -> [] whose body, after the locals, is `code`.
std::vector<uint8_t> with_body(std::vector<uint8_t> code, bool another = false) {
  std::vector<uint8_t> bytes{0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0};
  auto add = [&](std::initializer_list<uint8_t> list) { bytes.insert(bytes.end(), list); };
  uint8_t count = another ? 2 : 1;
  add({3, static_cast<uint8_t>(1 + count), count, 0});
  if (another) add({0});
  auto size = static_cast<uint8_t>(code.size() + 1);
  add({10, static_cast<uint8_t>(2 + size + (another ? 3 : 0)), count, size, 0});
  bytes.insert(bytes.end(), code.begin(), code.end());
  if (another) add({2, 0, 0x0b});
  return bytes;
}

TEST(Validate, MalformedBodies) {
  auto got = [](std::vector<uint8_t> code, bool another = false) {
    Outcome result = check_bytes(with_body(std::move(code), another), Features::all());
    if (!result.message.empty()) EXPECT_EQ(result.phase, Phase::malformed);
    return result.message;
  };
  EXPECT_EQ(got({0x0b}), "");
  EXPECT_EQ(got({0x01}), "unexpected end of section or function: 1 block is not closed");
  EXPECT_EQ(got({0x02, 0x40}), "unexpected end of section or function: 2 blocks are not closed");
  EXPECT_EQ(got({0x01}, true), "END opcode expected: 1 block is not closed");
  EXPECT_EQ(got({0x0b, 0x01}), "section size mismatch: bytes follow the end of the function");
  EXPECT_EQ(got({0xff, 0x0b}), "illegal opcode ff");
  EXPECT_EQ(got({0xfc, 0x7f, 0x0b}), "illegal opcode fc 7f");
  EXPECT_EQ(got({0x41}), "unexpected end of section or function");
  EXPECT_EQ(got({0x41, 0xff, 0xff, 0xff, 0xff, 0x4f, 0x1a, 0x0b}), "integer too large");
  EXPECT_EQ(got({0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x1a, 0x0b}),
            "integer representation too long");
  EXPECT_EQ(got({0xfc, 0x09, 0x00, 0x0b}), "data count section required");
  EXPECT_EQ(got({0x05, 0x0b}), "unexpected token else: no `if` is open");
}

TEST(Validate, NamesThePlace) {
  auto bytes = assemble("(module (func $f (drop (i32.add (i32.const 1) (i64.const 1)))))");
  ASSERT_TRUE(bytes);
  auto module = decode(std::make_shared<const std::vector<uint8_t>>(*bytes));
  ASSERT_TRUE(module);
  auto result = validate(*module, Features::all(), TypeRegistry::create());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().render(),
            "function 0 ($f): type mismatch: instruction requires [i32 i32] but stack has [i32 i64]"
            " (at offset 0x1b)");
}

TEST(Validate, BranchHints) {
  auto hints = [](uint32_t offset) {
    auto bytes = assemble("(module (func (param i32) (block (br_if 0 (local.get 0)))))");
    auto module = decode(std::make_shared<const std::vector<uint8_t>>(*bytes));
    module->branch_hints[0][offset] = true;
    auto checked = validate_branch_hints(*module);
    return checked ? std::string() : checked.error().message();
  };
  EXPECT_EQ(hints(4), "");  // after block and local.get
  EXPECT_EQ(hints(2),
            "@metadata.code.branch_hint annotation: invalid target: function 0 has no "
            "br_if or if at its byte 2");
}

}  // namespace
}  // namespace sedge::wasm
