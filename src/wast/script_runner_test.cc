// The runner must fail what is wrong: each kind of command with an expectation that does not hold.
#include "wast/script_runner.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sedge::wast {
namespace {

ScriptReport run(std::string_view text, Deviations* deviations = nullptr) {
  Options options;
  options.round_trip = true;
  options.deviations = deviations;
  auto report = run_script(text, "test.wast", options);
  if (report) return *std::move(report);
  ADD_FAILURE() << report.error().render();
  return {};
}

/// "LINE COMMAND: EXPECTED / ACTUAL" of each failure.
std::vector<std::string> failures(std::string_view text) {
  std::vector<std::string> out;
  for (const Failure& failure : run(text).failures)
    out.push_back(std::to_string(failure.line) + " " + failure.command + ": " + failure.expected +
                  " / " + failure.actual.substr(0, failure.actual.find('\n')));
  return out;
}
using Lines = std::vector<std::string>;

constexpr const char* kModule =
    "(module (func (export \"two\") (result i32) (i32.const 2))"
    "(func (export \"nan\") (result f32) (f32.const nan:0x1))"
    "(func (export \"trap\") unreachable)"
    "(func (export \"pair\") (result i32 i64) (i32.const 1) (i64.const 2))"
    "(global (export \"g\") f64 (f64.const 1.5)))\n";

TEST(ScriptRunner, CountsWhatPasses) {
  ScriptReport report = run(std::string(kModule) +
                            "(assert_return (invoke \"two\") (i32.const 2))\n"
                            "(assert_return (invoke \"pair\") (i32.const 1) (i64.const 2))\n"
                            "(assert_return (get \"g\") (f64.const 1.5))\n"
                            "(assert_trap (invoke \"trap\") \"unreach\")\n"
                            "(invoke \"two\")\n");
  EXPECT_TRUE(report.ok()) << to_text({report});
  EXPECT_EQ(report.passed, 6u);
  EXPECT_EQ(to_text({report}), "ok   test.wast: 6 passed\n");
}

TEST(ScriptRunner, WrongResults) {
  EXPECT_EQ(failures(std::string(kModule) +
                     "(assert_return (invoke \"two\") (i32.const 3))\n"
                     "(assert_return (invoke \"two\") (i64.const 2))\n"
                     "(assert_return (invoke \"two\"))\n"
                     "(assert_return (invoke \"nan\") (f32.const nan:canonical))\n"
                     "(assert_return (invoke \"nan\") (f32.const nan:arithmetic))\n"
                     "(assert_return (get \"g\") (f64.const 1.25))\n"),
            (Lines{"2 assert_return: (i32.const 3) / (i32.const 2)",
                   "3 assert_return: (i64.const 2) / (i32.const 2)",
                   "4 assert_return: no results / (i32.const 2)",
                   "5 assert_return: (f32.const nan:canonical) / (f32.const nan:0x1)",
                   "6 assert_return: (f32.const nan:arithmetic) / (f32.const nan:0x1)",
                   "7 assert_return: (f64.const 1.25) / (f64.const 1.5)"}));
}

TEST(ScriptRunner, WrongErrors) {
  EXPECT_EQ(
      failures(std::string(kModule) + "(assert_trap (invoke \"two\") \"unreachable\")\n"
                                      "(assert_trap (invoke \"trap\") \"integer overflow\")\n"
                                      "(assert_exhaustion (invoke \"trap\") \"unreachable\")\n"
                                      "(assert_exception (invoke \"trap\"))\n"
                                      "(assert_return (invoke \"none\"))\n"
                                      "(invoke \"trap\")\n"),
      (Lines{"2 assert_trap: unreachable / (i32.const 2)",
             "3 assert_trap: integer overflow / trap: unreachable",
             "4 assert_exhaustion: unreachable / trap: unreachable",
             "5 assert_exception:  / trap: unreachable",
             "6 assert_return: no results / error: unknown export \"none\"",
             "7 action:  / trap: unreachable"}));
}

TEST(ScriptRunner, WrongModules) {
  EXPECT_EQ(
      failures("(assert_invalid (module) \"type mismatch\")\n"
               "(assert_invalid (module (func (i32.const 0))) \"unknown local\")\n"
               "(assert_malformed (module quote \"(func (i32.const 0))\") \"unexpected token\")\n"
               "(assert_unlinkable (module) \"unknown import\")\n"
               "(assert_trap (module) \"unreachable\")\n"
               "(module (func (i32.const 0)))\n"
               "(module (import \"no\" \"where\" (func)))\n"
               "(invoke \"f\")\n"
               "(register \"r\" $none)\n"),
      (Lines{"1 assert_invalid: type mismatch / a valid module",
             "2 assert_invalid: unknown local / invalid: function 0: type mismatch: block requires "
             "[] but stack has [i32] (line 2, column 44)",
             "3 assert_malformed: unexpected token / invalid: function 0: type mismatch: block "
             "requires [] but stack has [i32] (line 3, column 20)",
             "4 assert_unlinkable: unknown import / an instance",
             "5 assert_trap: unreachable / an instance",
             "6 module: a valid module / invalid: function 0: type mismatch: block requires [] but "
             "stack has [i32] (line 6, column 28)",
             "7 module: an instance / unlinkable: unknown import `no` `where` (func [] -> [])",
             "8 action:  / error: host function failed: there is no instance",
             "9 register:  / error: host function failed: no instance $none"}));
}

TEST(ScriptRunner, ThreadsReportWhatFails) {
  EXPECT_EQ(failures("(thread $t (module (func (export \"f\") (result i32) (i32.const 1)))\n"
                     "  (assert_return (invoke \"f\") (i32.const 2)))\n"
                     "(wait $t)\n"
                     "(wait $t)\n"),
            (Lines{"2 assert_return: (i32.const 2) / (i32.const 1)", "4 wait:  / no thread $t"}));
}

TEST(ScriptRunner, ScriptThatDoesNotParse) {
  auto report = run_script("(module\n(assert_", "x", {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().phase(), Phase::malformed);
  auto missing = run_script_file("/nonexistent/x.wast", "x", {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::file_not_found);
}

TEST(ScriptRunner, Json) {
  ScriptReport report;
  report.name = "a\"b";
  report.passed = 3;
  report.failures.push_back({7, "action", "x\ny", "z"});
  EXPECT_EQ(to_json({report}),
            "{\"passed\": 3, \"failed\": 1, \"scripts\": [{\"name\": \"a\\\"b\", \"passed\": 3, "
            "\"deviated\": 0, \"failed\": 1, \"failures\": [{\"line\": 7, \"command\": \"action\", "
            "\"expected\": \"x\\ny\", \"actual\": \"z\"}]}]}\n");
}

TEST(Deviations, ApplyToTheirAssertionOnly) {
  const char* script =
      "(assert_invalid (module (func (i32.const 0))) \"other words\")\n"
      "(assert_invalid (module (func (i32.const 0))) \"other words\")\n";
  auto table =
      Deviations::parse("# comment\n\ntest.wast:1 | other words | type mismatch | because\n");
  ASSERT_TRUE(table);
  ScriptReport report = run(script, &*table);
  EXPECT_EQ(report.passed, 1u);
  EXPECT_EQ(report.deviated, 1u);
  ASSERT_EQ(report.failures.size(), 1u);
  EXPECT_EQ(report.failures[0].line, 2u);
}

TEST(Deviations, FoldersHaveFeaturesOrAreNotRun) {
  auto table = Deviations::parse(
      "old/ | features | wasm1 | because\n"
      "new/ | unsupported | - | nobody has it yet\n");
  ASSERT_TRUE(table);
  Options options;
  options.deviations = &*table;
  constexpr std::string_view kTwoMemories =
      "(assert_invalid (module (memory 1) (memory 1)) \"multiple memories\")";
  EXPECT_TRUE(run_script(kTwoMemories, "old/a.wast", options)->ok());
  EXPECT_FALSE(run_script(kTwoMemories, "older/a.wast", options)->ok());
  auto skipped = run_script("no script at all", "new/a.wast", options);
  ASSERT_TRUE(skipped);
  EXPECT_EQ(to_text({*skipped}), "skip new/a.wast: nobody has it yet\n");
  EXPECT_EQ(to_json({*skipped}),
            "{\"passed\": 0, \"failed\": 0, \"scripts\": [{\"name\": \"new/a.wast\", "
            "\"unsupported\": \"nobody has it yet\"}]}\n");
  EXPECT_EQ(Deviations::parse("a/ | feature | wasm1 | because\n").error().render(),
            "configuration: a folder's row says `features` or `unsupported` (line 1, column 1)");
}

TEST(Deviations, UnneededRowsFail) {
  auto table = Deviations::parse(
      "test.wast | words | type mismatch | because\nelse.wast:4 | a | b | c | d\n");
  ASSERT_TRUE(table);
  ScriptReport report = run("(module)", &*table);
  ASSERT_EQ(report.failures.size(), 1u);
  EXPECT_EQ(report.failures[0].actual,
            "deviation row 1 (test.wast | words | type mismatch) is not needed");
  EXPECT_EQ(table->files(), (Lines{"test.wast", "else.wast"}));
}

TEST(Deviations, RowsNeedFourColumns) {
  for (const char* row : {"a | b | c", "a | b | | d", "a:x | b | c | d", "a:0 | b | c | d"}) {
    auto table = Deviations::parse(row);
    ASSERT_FALSE(table) << row;
    EXPECT_EQ(table.error().code(), ErrorCode::config_syntax);
  }
}

}  // namespace
}  // namespace sedge::wast
