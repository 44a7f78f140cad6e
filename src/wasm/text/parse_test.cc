// Modules from text: abbreviations, index spaces, control structure, messages with their place.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"
#include "wasm/text/text.h"

namespace sedge::wasm {
namespace {

Module parse(std::string_view text) {
  Result<ParsedModule> parsed = parse_module(text);
  if (!parsed) {
    ADD_FAILURE() << parsed.error().render() << "\n" << text;
    return {};
  }
  return std::move(parsed->module);
}

std::string message(std::string_view text) {
  Result<ParsedModule> parsed = parse_module(text);
  return parsed ? "" : parsed.error().render();
}

std::vector<uint8_t> binary(std::string_view text) {
  Result<std::vector<uint8_t>> bytes = assemble(text);
  if (!bytes) ADD_FAILURE() << bytes.error().render() << "\n" << text;
  return bytes ? *bytes : std::vector<uint8_t>();
}

/// The body of the first function, final `end` included.
std::vector<uint8_t> body(std::string_view text) {
  Module module = parse(text);
  if (module.funcs.empty()) return {};
  Bytes bytes = module.funcs[0].body.bytes;
  return {bytes.begin(), bytes.end()};
}

using Code = std::vector<uint8_t>;

TEST(Parse, EmptyModules) {
  Code empty = {0, 'a', 's', 'm', 1, 0, 0, 0};
  EXPECT_EQ(binary(""), empty);
  EXPECT_EQ(binary("(module)"), empty);
  EXPECT_EQ(binary("((@a) module ;; x\n)"), empty);
  EXPECT_EQ(parse("(module $name)").names.module, "name");
  EXPECT_EQ(parse("(module $a (@name \"b\"))").names.module, "b");
  EXPECT_EQ(parse("(module (@name \"\"))").names.module, "");
}

TEST(Parse, FoldedAndFlatGiveTheSameCode) {
  Code folded = body(
      "(func (param i32) (drop (i32.add (local.get 0) (i32.mul (i32.const 2)"
      " (i32.const -1)))))");
  Code flat = body("(func (param i32) local.get 0 i32.const 2 i32.const -1 i32.mul i32.add drop)");
  EXPECT_EQ(folded, flat);
  EXPECT_EQ(flat, (Code{0x20, 0, 0x41, 2, 0x41, 0x7f, 0x6c, 0x6a, 0x1a, 0x0b}));
  EXPECT_EQ(body("(func (if (i32.const 1) (then (nop)) (else (unreachable))))"),
            body("(func i32.const 1 if nop else unreachable end)"));
  EXPECT_EQ(body("(func (block (result i32) (loop (result i32) (br 1 (i32.const 0)))) drop)"),
            body("(func block (result i32) loop (result i32) i32.const 0 br 1 end end drop)"));
  EXPECT_EQ(body("(func (try (do (nop)) (catch 0 (drop)) (catch_all (rethrow 0))))"),
            body("(func try nop catch 0 drop catch_all rethrow 0 end)"));
  EXPECT_EQ(body("(func (block $a (try $b (do (nop)) (delegate $a))))"),
            body("(func block $a try $b nop delegate $a end)"));
  EXPECT_EQ(body("(func (block $a (try_table (catch_all $a) (nop))))"),
            body("(func block $a try_table (catch_all 0) nop end end)"));
}

TEST(Parse, LabelsCountOutwards) {
  EXPECT_EQ(body("(func block $a block $b block $a br $a br $b br 2 end $a end $b end $a)"),
            (Code{0x02, 0x40, 0x02, 0x40, 0x02, 0x40, 0x0c, 0, 0x0c, 1, 0x0c, 2, 0x0b, 0x0b, 0x0b,
                  0x0b}));
  // The hidden label comes back when the inner one ends.
  EXPECT_EQ(body("(func block $a block $a end br $a end)"),
            (Code{0x02, 0x40, 0x02, 0x40, 0x0b, 0x0c, 0, 0x0b, 0x0b}));
  EXPECT_EQ(message("(func block $a end br $a)"), "unknown label $a (line 1, column 23)");
  // The label of `if` does not reach into its condition.
  EXPECT_EQ(message("(func (if $l (br $l) (then)))"), "unknown label $l (line 1, column 18)");
  EXPECT_EQ(message("(func block $a end $b)"), "mismatching label (line 1, column 20)");
  EXPECT_EQ(message("(func block end $b)"), "mismatching label (line 1, column 17)");
}

TEST(Parse, InlineTypesAreAddedBehindTheOthersInOrder) {
  Module module = parse(
      "(func (param i64)) (type $t (func (param f64))) (rec (type (func (param i64))) (type "
      "(func)))"
      " (func (type $t)) (func (param f64)) (func (block (result i32 i32) (unreachable)) drop drop)"
      " (func) (func (param i64))");
  ASSERT_EQ(module.types.size(), 6u);
  EXPECT_EQ(to_string(module.types[3].func), "[i64] -> []");  // not the one in the group
  EXPECT_EQ(to_string(module.types[4].func), "[] -> []");     // of the third function
  EXPECT_EQ(to_string(module.types[5].func), "[] -> [i32 i32]");
  std::vector<TypeIdx> used;
  for (const Func& func : module.funcs) used.push_back(func.type_index);
  EXPECT_EQ(used, (std::vector<TypeIdx>{3, 0, 0, 4, 4, 3}));
}

TEST(Parse, LocalsAreGatheredInRuns) {
  Module module = parse(
      "(func (param $p i32) (local i32 i32) (local $x i32) (local i64) (local)"
      " (local.set $x (local.get $p)))");
  const Func& func = module.funcs.at(0);
  ASSERT_EQ(func.locals.size(), 2u);
  EXPECT_EQ(func.locals[0].count, 3u);
  EXPECT_EQ(func.locals[1].count, 1u);
  EXPECT_EQ(module.names.locals[0].find(0)->second, "p");
  EXPECT_EQ(module.names.locals[0].find(3)->second, "x");
  EXPECT_EQ(message("(func (param $x i32) (local $x i32))"),
            "duplicate local $x (line 1, column 29)");
}

TEST(Parse, MemoriesAndTablesWithContent) {
  Module module = parse(
      "(memory i64 (data \"ab\" \"c\")) (memory (pagesize 1) (data \"xyz\"))"
      " (table funcref (elem $f 0)) (table (ref null $t) (elem (ref.null $t)))"
      " (type $t (func)) (func $f)");
  EXPECT_EQ(module.memories.at(0).type.limits, (Limits{1, 1}));
  EXPECT_TRUE(module.memories[0].type.is64);
  EXPECT_EQ(module.memories.at(1).type.limits, (Limits{3, 3}));
  EXPECT_EQ(module.memories[1].type.page_size_log2, 0);
  EXPECT_EQ(module.datas.at(0).init.size(), 3u);
  EXPECT_EQ(module.datas[0].offset_expr.bytes[0], 0x42);
  EXPECT_EQ(module.tables.at(0).type.limits, (Limits{2, 2}));
  EXPECT_EQ(module.elems.at(0).funcs, (std::vector<FuncIdx>{0, 0}));
  EXPECT_TRUE(module.elems.at(1).uses_exprs);
  EXPECT_EQ(module.elems[1].table, 1u);
}

TEST(Parse, SegmentsCountInTheirSpacesWhereverTheyStand) {
  // $e is the second element segment, $d the second data segment.
  EXPECT_EQ(body("(func (elem.drop $e) (data.drop $d)) (table funcref (elem)) (elem $e func)"
                 " (memory (data)) (data $d \"\")"),
            (Code{0xfc, 13, 1, 0xfc, 9, 1, 0x0b}));
  EXPECT_EQ(parse("(func data.drop 0) (data \"\") (data \"\")").data_count, 2u);
  EXPECT_FALSE(parse("(data \"\")").data_count);
}

TEST(Parse, ElementForms) {
  Module module = parse(
      "(table $t 1 funcref) (func $f)"
      "(elem (i32.const 0) $f $f) (elem (table $t) (offset i32.const 0) func 0)"
      "(elem declare func $f) (elem funcref (ref.null func) (item ref.func $f))"
      "(elem func) (elem (i32.const 0)) (elem $n (ref null func))");
  ASSERT_EQ(module.elems.size(), 7u);
  using Mode = ElemSegment::Mode;
  EXPECT_EQ(module.elems[0].size(), 2u);
  EXPECT_FALSE(module.elems[0].explicit_table);
  EXPECT_TRUE(module.elems[1].explicit_table);
  EXPECT_EQ(module.elems[2].mode, Mode::declarative);
  EXPECT_EQ(module.elems[3].mode, Mode::passive);
  EXPECT_EQ(module.elems[3].exprs.size(), 2u);
  EXPECT_EQ(module.elems[4].mode, Mode::passive);
  EXPECT_EQ(module.elems[5].mode, Mode::active);
  EXPECT_EQ(module.elems[6].type, ValType::funcref());
}

TEST(Parse, OptionalIndices) {
  EXPECT_EQ(
      body("(func memory.copy memory.copy 1 2 table.init 3 table.init 1 3 memory.init $d"
           " v128.load8_lane 5 v128.load8_lane 1 5 v128.load8_lane $m offset=2 5"
           " i32.load 1 offset=3 align=2) (data \"\") (data $d \"\") (memory 0) (memory $m 0)"),
      (Code{0xfc, 10, 0,    0,    0xfc, 10,   1,    2,    0xfc, 12,   3,    0,    0xfc, 12,
            3,    1,  0xfc, 8,    1,    0,    0xfd, 0x54, 0,    0,    5,    0xfd, 0x54, 0x40,
            1,    0,  5,    0xfd, 0x54, 0x40, 1,    2,    5,    0x28, 0x41, 1,    3,    0x0b}));
}

TEST(Parse, ReferenceOperators) {
  EXPECT_EQ(
      body("(type $s (struct (field $a i32) (field $b (mut i8)))) (func struct.get_s $s $b"
           " ref.test (ref null $s) ref.test (ref $s) ref.cast anyref ref.null $s"
           " br_on_cast 0 anyref (ref $s) select (result i32) select array.copy 0 0)"),
      (Code{0xfb, 3,    0, 1, 0xfb, 0x15, 0,    0xfb, 0x14, 0,    0xfb, 0x17, 0x6e, 0xd0, 0,
            0xfb, 0x18, 1, 0, 0x6e, 0,    0x1c, 1,    0x7f, 0x1b, 0xfb, 0x11, 0,    0,    0x0b}));
  EXPECT_EQ(message("(type $s (struct)) (func struct.get $s $x)"),
            "unknown field $x (line 1, column 40)");
}

TEST(Parse, TypesWithSubtypingAndGroups) {
  Module module = parse(
      "(type $a (sub (struct (field i32 i64) (field $m (mut (ref null $b))))))"
      "(rec (type $b (sub final $a (struct))) (type (array (mut i16))))");
  ASSERT_EQ(module.types.size(), 3u);
  EXPECT_FALSE(module.types[0].final_);
  EXPECT_EQ(module.types[0].fields.size(), 3u);
  EXPECT_EQ(module.types[0].fields[2].storage, ValType::reference(HeapType::index(1), true));
  EXPECT_EQ(module.types[1].super, 0u);
  EXPECT_TRUE(module.types[1].final_);
  EXPECT_EQ(module.types[2].kind, SubType::Kind::array);
  ASSERT_EQ(module.rec_groups.size(), 2u);
  EXPECT_FALSE(module.rec_groups[0].explicit_);
  EXPECT_TRUE(module.rec_groups[1].explicit_);
  EXPECT_EQ(module.rec_groups[1].count, 2u);
}

TEST(Parse, ImportsComeFirst) {
  EXPECT_EQ(message("(func) (import \"a\" \"b\" (func))"),
            "import after function (line 1, column 16)"
            "\nhelp: imports come before every definition");
  EXPECT_EQ(message("(table 0 funcref) (memory (import \"a\" \"b\") 0)"),
            "import after table (line 1, column 27)\nhelp: imports come before every definition");
  Module module = parse(
      "(func $a (export \"x\") (export \"y\") (import \"m\" \"n\") (param i32))"
      " (func $b (export \"z\"))");
  EXPECT_EQ(module.imports.size(), 1u);
  EXPECT_EQ(module.exports.size(), 3u);
  EXPECT_EQ(module.exports[2].index, 1u);
}

TEST(Parse, CompactImports) {
  Module module = parse(
      "(import \"m\" (item \"f\" (func $f (result i32))) (item \"x\" (global $x i32)))"
      "(import \"n\" (item \"a\") (item \"b\") (func (param i64)))"
      "(import \"o\" (item \"t\" (table $t 1 funcref)))"
      "(func $g (call $f) drop (call 2 (i64.const 1)) (table.get $t (global.get $x)) drop)");
  EXPECT_TRUE(module.compact_imports);
  ASSERT_EQ(module.imports.size(), 5U);
  EXPECT_EQ(module.imports[3].module, "n");
  EXPECT_EQ(module.imports[3].name, "b");
  EXPECT_EQ(module.imports[3].type_index, module.imports[2].type_index);
  EXPECT_EQ(message("(import \"m\" (item \"a\") (func $a))"),
            "unexpected token $a (line 1, column 30)");
  EXPECT_EQ(message("(import \"m\" (item \"a\") (item \"b\" (func)) (func))"),
            "unexpected token ( (line 1, column 34)");
  EXPECT_EQ(message("(import \"m\" (item \"a\"))"), "unexpected token ) (line 1, column 23)");
  EXPECT_EQ(message("(import \"m\" (item (func)))"), "unexpected token ( (line 1, column 19)");
}

TEST(Parse, Annotations) {
  Module module = parse(
      "(func $f (@name \"über f\") (local $l (@name \"\") i32)"
      " (if (@name \"cond\") (i32.const 0) (then)))"
      " (@custom \"c\" (before code) \"a\" \"b\") (@custom \"d\") (@data_count)");
  EXPECT_EQ(module.names.funcs.find(0)->second, "über f");
  EXPECT_EQ(module.names.locals[0].find(0)->second, "");
  EXPECT_EQ(module.names.labels[0].find(0)->second, "cond");
  ASSERT_EQ(module.customs.size(), 2u);
  EXPECT_EQ(module.customs[0].after, SectionId::data_count);
  EXPECT_EQ(module.customs[0].content.size(), 2u);
  EXPECT_EQ(module.customs[1].after, SectionId::data);
  EXPECT_EQ(module.data_count, 0u);
}

TEST(Parse, BranchHints) {
  Module module = parse(
      "(func (local i32) (@metadata.code.branch_hint \"\\01\") (br_if 0 (i32.const 0))"
      " i32.const 1 (@metadata.code.branch_hint \"\\00\") if end)");
  const auto& hints = module.branch_hints[0];
  ASSERT_EQ(hints.size(), 2u);
  EXPECT_TRUE(hints.at(2));
  EXPECT_FALSE(hints.at(6));
  EXPECT_EQ(message("(func (@metadata.code.branch_hint \"\\01\") nop)"),
            "@metadata.code.branch_hint annotation: invalid target (line 1, column 7)\n"
            "help: a hint stands before if or br_if");
  EXPECT_EQ(message("(func (@metadata.code.branch_hint \"\\02\") (if))"),
            "@metadata.code.branch_hint annotation: the value is \"\\00\" or \"\\01\""
            " (line 1, column 7)");
  EXPECT_EQ(message("(func (@metadata.code.branch_hint \"\\01\"))"),
            "@metadata.code.branch_hint annotation: no instruction follows (line 1, column 41)");
}

TEST(Parse, SourceMapNamesThePlaceOfInstructions) {
  Result<ParsedModule> parsed = parse_module("(module\n (func\n  (drop\n   (i32.const 7))\n nop))");
  ASSERT_TRUE(parsed);
  const auto& entries = parsed->source_map.funcs.at(0);
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].body_offset, 0u);
  EXPECT_EQ(entries[0].line, 4u);
  EXPECT_EQ(entries[0].column, 5u);
  EXPECT_EQ(entries[1].body_offset, 2u);
  EXPECT_EQ(entries[1].line, 3u);
  EXPECT_EQ(entries[2].line, 5u);
}

TEST(Parse, MessagesNameTokenAndPlace) {
  EXPECT_EQ(message("(module\n  (func (i32.foo)))"),
            "unknown operator i32.foo (line 2, column 10)");
  EXPECT_EQ(message("(func (call $g))"), "unknown function $g (line 1, column 13)");
  EXPECT_EQ(message("(func local.get $x)"), "unknown local $x (line 1, column 17)");
  EXPECT_EQ(message("(func $f) (func $f)"), "duplicate func $f (line 1, column 17)");
  EXPECT_EQ(message("(func"), "unexpected token at the end (line 1, column 6)");
  EXPECT_EQ(message("(func) )"), "unexpected token ) (line 1, column 8)");
  EXPECT_EQ(message("(func (block)"), "unexpected token at the end (line 1, column 14)");
  EXPECT_EQ(message("(func (i32.add nop))"), "unexpected token nop (line 1, column 16)");
  EXPECT_EQ(message("(func i32.const 4294967296)"),
            "constant out of range 4294967296 (line 1, column 17)");
  EXPECT_EQ(message("(func br 4294967296)"), "i32 constant out of range (line 1, column 10)");
  EXPECT_EQ(message("(func i32.load offset=0x)"), "unknown operator offset=0x (line 1, column 16)");
  EXPECT_EQ(message("(func i32.load align=3)"),
            "alignment must be a power of two (line 1, column 16)");
  EXPECT_EQ(message("(type (func)) (func (type 0) (param i32))"),
            "inline function type [i32] -> [] is not the one of type 0 (line 1, column 21)");
  EXPECT_EQ(message("(start 0) (start 0)"), "multiple start sections (line 1, column 18)");
  EXPECT_EQ(message("(func else)"), "unexpected token else (line 1, column 7)");
  EXPECT_EQ(message("(func (if (then) (then)))"), "unexpected token then (line 1, column 19)");
}

TEST(Parse, DeepNestingNeedsNoStack) {
  constexpr size_t kDepth = 50000;
  auto repeat = [](std::string_view text) {
    std::string out;
    for (size_t i = 0; i < kDepth; ++i) out += text;
    return out;
  };
  EXPECT_EQ(body("(func " + repeat("(block ") + repeat(")") + ")").size(), 3 * kDepth + 1);
  EXPECT_EQ(body("(func " + repeat("block $l ") + "br $l " + repeat("end ") + ")").size(),
            3 * kDepth + 3);
  EXPECT_EQ(body("(func " + repeat("(drop ") + repeat(")") + ")").size(), kDepth + 1);
  EXPECT_EQ(body("(func " + repeat("(if (then ") + repeat("))") + ")").size(), 3 * kDepth + 1);
  EXPECT_EQ(message("(func " + repeat("(block ") + ")"),
            "unexpected token at the end (line 1, column 350008)");
  EXPECT_EQ(message(repeat("(@a ")), "unclosed annotation (line 1, column 1)");
  EXPECT_EQ(message(repeat("(; ")), "unclosed comment (line 1, column 1)");
}

}  // namespace
}  // namespace sedge::wasm
