// Scripts: commands, values, patterns; and every script of the specification's test suite.
#include "wasm/text/script.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/test_paths.h"
#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"

namespace sedge::wasm {
namespace {

std::vector<Command> script(std::string_view text) {
  Result<std::vector<Command>> commands = parse_script(text);
  if (!commands) ADD_FAILURE() << commands.error().render();
  return commands ? *std::move(commands) : std::vector<Command>();
}

std::string script_error(std::string_view text) {
  Result<std::vector<Command>> commands = parse_script(text);
  return commands ? "" : commands.error().render();
}

using Kind = Command::Kind;

TEST(Script, FormsOfModules) {
  auto commands = script(
      "(module $a (func)) (module definition $b (memory 1)) (module binary \"\\00\" \"a\")"
      "\n(module $c quote \"(func\" \")\") (module instance $i $b)");
  ASSERT_EQ(commands.size(), 5u);
  EXPECT_EQ(commands[0].module.id, "$a");
  EXPECT_EQ(commands[0].module.text, "(module $a (func))");
  EXPECT_TRUE(commands[1].module.definition);
  EXPECT_EQ(commands[1].module.text, "(module            $b (memory 1))");
  EXPECT_TRUE(parse_module(commands[1].module.text));
  EXPECT_EQ(commands[2].module.form, ScriptModule::Form::binary);
  EXPECT_EQ(commands[2].module.bytes, (std::vector<uint8_t>{0, 'a'}));
  EXPECT_EQ(commands[3].module.form, ScriptModule::Form::quote);
  EXPECT_EQ(commands[3].module.text, "(func)");
  EXPECT_EQ(commands[3].line, 2u);
  EXPECT_EQ(commands[4].kind, Kind::instance);
  EXPECT_EQ(commands[4].id, "$i");
  EXPECT_EQ(commands[4].id2, "$b");
}

TEST(Script, FieldsAloneAreOneModule) {
  auto commands = script(" (func) (memory 0)\n(func (export \"f\"))");
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].kind, Kind::module);
  EXPECT_EQ(commands[0].module.text, "(func) (memory 0)\n(func (export \"f\"))");
}

TEST(Script, ActionsAndAssertions) {
  auto commands = script(
      "(invoke $m \"f\" (i32.const -1) (f32.const nan:0x200000) (ref.null func) (ref.extern 3))"
      "(assert_return (get \"g\") (i64.const 7)) (assert_trap (invoke \"f\") \"unreachable\")"
      "(assert_trap (module (start 0)) \"t\") (assert_exception (invoke \"f\"))"
      "(assert_exhaustion (invoke \"f\") \"call stack exhausted\") (register \"x\" $m)"
      "(assert_invalid_custom (module) \"w\") (assert_malformed (module quote \"(\") \"u\")");
  ASSERT_EQ(commands.size(), 9u);
  const Action& action = commands[0].action;
  EXPECT_EQ(action.module, "$m");
  EXPECT_EQ(action.field, "f");
  ASSERT_EQ(action.args.size(), 4u);
  EXPECT_EQ(action.args[0].bits, 0xffffffffu);
  EXPECT_EQ(action.args[1].bits, 0x7fa00000u);
  EXPECT_EQ(action.args[2].heap, HeapType::func);
  EXPECT_EQ(action.args[3].bits, 3u);
  EXPECT_EQ(commands[1].action.kind, Action::Kind::get);
  EXPECT_EQ(commands[1].results.at(0).value.bits, 7u);
  EXPECT_EQ(commands[2].name, "unreachable");
  EXPECT_EQ(commands[3].kind, Kind::assert_trap_module);
  EXPECT_EQ(commands[6].id, "$m");
  EXPECT_EQ(commands[6].name, "x");
  EXPECT_EQ(commands[7].kind, Kind::assert_invalid_custom);
  EXPECT_EQ(commands[8].module.text, "(");
}

TEST(Script, Patterns) {
  auto commands = script(
      "(assert_return (invoke \"f\") (f32.const nan:canonical) (f64.const 1)"
      " (v128.const f32x4 1 nan:arithmetic nan:canonical -0) (v128.const i16x8 1 2 3 4 5 6 7 8)"
      " (ref.null) (ref.null any) (ref.extern) (ref.extern 5) (ref.func) (ref.i31)"
      " (either (i32.const 1) (i32.const 2)))");
  const auto& results = commands.at(0).results;
  using P = ScriptPattern::Kind;
  using Nan = ScriptPattern::Nan;
  ASSERT_EQ(results.size(), 11u);
  EXPECT_EQ(results[0].kind, P::f32);
  EXPECT_EQ(results[0].lanes.at(0).nan, Nan::canonical);
  EXPECT_EQ(results[1].kind, P::value);
  EXPECT_EQ(results[1].value.bits, 0x3ff0000000000000u);
  EXPECT_EQ(results[2].kind, P::v128);
  EXPECT_EQ(results[2].lane_bits, 32);
  EXPECT_EQ(results[2].lanes.at(1).nan, Nan::arithmetic);
  EXPECT_EQ(results[2].lanes.at(3).bits, 0x80000000u);
  EXPECT_EQ(results[3].kind, P::value);
  EXPECT_EQ(results[3].value.v128[14], 8);
  EXPECT_EQ(results[4].kind, P::ref_null_any);
  EXPECT_EQ(results[5].kind, P::ref_null);
  EXPECT_EQ(results[6].kind, P::ref_extern_any);
  EXPECT_EQ(results[7].value.bits, 5u);
  EXPECT_EQ(results[8].kind, P::ref_func);
  EXPECT_EQ(results[9].kind, P::ref_i31);
  EXPECT_EQ(results[10].either.size(), 2u);
}

TEST(Script, Threads) {
  auto commands = script(
      "(module $Mem (memory 1 1 shared)) (thread $T1 (shared (module $Mem)) (register \"mem\" $Mem)"
      " (module (func)) (assert_return (invoke \"run\"))) (wait $T1)");
  ASSERT_EQ(commands.size(), 3u);
  EXPECT_EQ(commands[1].id, "$T1");
  EXPECT_EQ(commands[1].shared, (std::vector<std::string>{"$Mem"}));
  EXPECT_EQ(commands[1].commands.size(), 3u);
  EXPECT_EQ(commands[2].kind, Kind::wait);
}

TEST(Script, Errors) {
  EXPECT_EQ(script_error("(module)\n(assert_foo)"),
            "unknown operator assert_foo (line 2, column 2)");
  EXPECT_EQ(script_error("(module) nop"), "unexpected token nop (line 1, column 10)");
  EXPECT_EQ(script_error("(module"), "unexpected token at the end (line 1, column 8)");
  EXPECT_EQ(script_error("(invoke \"f\" (i32.const 1.5))"),
            "unexpected token 1.5 (line 1, column 24)");
  EXPECT_EQ(script_error("(thread $a (thread $b))"), "unexpected token thread (line 1, column 13)");
}

// The suite

std::filesystem::path suite() { return test::shared_path("suites/spec"); }

/// What a module of the suite does not do that its script says, or "".
std::string check_text_module(const Command& command) {
  bool malformed =
      command.kind == Kind::assert_malformed || command.kind == Kind::assert_malformed_custom;
  Result<ParsedModule> parsed = parse_module(command.module.text);
  if (!parsed) {
    std::string message = parsed.error().message();
    if (!malformed && command.kind != Kind::assert_invalid_custom) return message;
    return message.starts_with(command.name) ? "" : message + ", not " + command.name;
  }
  if (malformed) return "accepted, not refused with " + command.name;
  std::vector<uint8_t> bytes = encode(parsed->module);
  auto module = decode(std::make_shared<const std::vector<uint8_t>>(bytes));
  if (!module) return "encoded: " + module.error().render();
  Result<std::vector<uint8_t>> again = assemble(print_module(*module));
  if (!again) return "printed: " + again.error().render();
  return *again == bytes ? "" : "printed: other bytes";
}

TEST(Suite, EveryTextModuleParsesPrintsAndEncodes) {
  if (!std::filesystem::exists(suite())) GTEST_SKIP() << "no test suite at " << suite();
  size_t modules = 0;
  size_t refused = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(suite())) {
    if (entry.path().extension() != ".wast") continue;
    std::string name = std::filesystem::relative(entry.path(), suite()).string();
    auto content = read_file(entry.path().string(), 64 << 20);
    ASSERT_TRUE(content) << name;
    auto commands = parse_script(content->text());
    ASSERT_TRUE(commands) << name << ": " << commands.error().render();
    // Syntax of a proposal that is none of sedge's features.
    if (name.starts_with("proposals/custom-descriptors/")) continue;
    for (const Command& command : *commands) {
      if (command.module.form == ScriptModule::Form::binary) continue;
      if (command.module.text.empty() && command.module.form == ScriptModule::Form::text) continue;
      // This script predates 64-bit sizes in the text format; by now they are invalid, not
      // malformed.
      if (name == "proposals/threads/memory.wast" && command.name == "i32 constant out of range")
        continue;
      ++modules;
      refused += command.kind == Kind::assert_malformed;
      EXPECT_EQ(check_text_module(command), "") << name << ":" << command.line;
    }
  }
  EXPECT_GT(modules, 5000u);
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace sedge::wasm
