// `sedge run` and `sedge compile` of components made with other tool chains, and of small ones.
#include <fstream>

#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "program.h"

namespace sedge::test {
namespace {

bool contains(std::string_view text, std::string_view part) { return text.contains(part); }

/// Adds, greets and divides; `loop` never ends.
constexpr std::string_view kTools = R"((component
  (core module $m
    (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1)))
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1))
      (i32.const 16))
    (func (export "crash") unreachable)
    (func (export "loop") (loop (br 0))))
  (core instance $i (instantiate $m))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (func $echo (param "text" string) (result string)
    (canon lift (core func $i "echo") (memory (core memory $i "mem"))
      (realloc (core func $i "realloc"))))
  (func (export "crash") (canon lift (core func $i "crash")))
  (func (export "loop") (canon lift (core func $i "loop")))
  (instance $tools (export "add" (func $add)) (export "echo" (func $echo)))
  (export "my:pkg/tools@1.0.0" (instance $tools))))";

class ComponentRun : public testing::Test {
 protected:
  ComponentRun() : path_(folder_.write("tools.wat", kTools)) {}
  Outcome sedge(std::vector<std::string> words, std::string_view input = {}) {
    words.insert(words.begin(), program_path());
    return run_program(words, input, folder_.path());
  }
  TempFolder folder_;
  std::string path_;
};

TEST_F(ComponentRun, InvokesInWaveNotation) {
  EXPECT_EQ(sedge({"run", "--invoke", "my:pkg/tools@1.0.0#add(2, 3)", path_}).out, "5\n");
  EXPECT_EQ(sedge({"run", "--invoke", "add(4294967295, 1)", path_}).out, "0\n");
  EXPECT_EQ(sedge({"run", "--invoke", R"(echo("a\"b"))", path_}).out, "\"a\\\"b\"\n");
  EXPECT_EQ(sedge({"run", path_, "add", "2", "3"}).out, "5\n");
  EXPECT_EQ(sedge({"run", path_, "echo", "plain words"}).out, "\"plain words\"\n");
}

TEST_F(ComponentRun, RefusalsNameTheFunctions) {
  Outcome none = sedge({"run", path_});
  EXPECT_NE(none.status, 0);
  EXPECT_TRUE(contains(none.err, "my:pkg/tools@1.0.0#add: func(a: u32, b: u32) -> u32"))
      << none.err;
  Outcome typo = sedge({"run", "--invoke", "ad(1)", path_});
  EXPECT_TRUE(contains(typo.err, "unknown export `ad`")) << typo.err;
  EXPECT_TRUE(contains(typo.err, "crash: func()")) << typo.err;
  Outcome few = sedge({"run", "--invoke", "add(1)", path_});
  EXPECT_TRUE(contains(few.err,
                       "1 argument of 2 given; the function is func(a: u32, b: u32) -> "
                       "u32"))
      << few.err;
  Outcome wrong = sedge({"run", "--invoke", "add(1, x)", path_});
  EXPECT_TRUE(contains(wrong.err, "column 5: expected a number of u32, found `x)`")) << wrong.err;
}

TEST_F(ComponentRun, LimitsAndTrapsEndIt) {
  Outcome crash = sedge({"run", "--invoke", "crash()", path_});
  EXPECT_EQ(crash.status, 134);
  EXPECT_TRUE(contains(crash.err, "unreachable")) << crash.err;
  Outcome fuel = sedge({"run", "--fuel", "100000", "--invoke", "loop()", path_});
  EXPECT_EQ(fuel.status, 134);
  EXPECT_TRUE(contains(fuel.err, "all fuel consumed")) << fuel.err;
  Outcome late = sedge({"run", "--timeout", "100ms", "--invoke", "loop()", path_});
  EXPECT_TRUE(contains(late.err, "wall-clock deadline exceeded")) << late.err;
}

TEST_F(ComponentRun, ATrapAfterTheResultIsReported) {
  constexpr std::string_view kLate = R"((component
    (core func $return (canon task.return (result (result))))
    (core module $m
      (import "" "return" (func $return (param i32)))
      (func (export "run") (result i32) (call $return (i32.const 0)) (i32.const 1))
      (func (export "cb") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
    (func $run async (result (result))
      (canon lift (core func $i "run") async (callback (core func $i "cb"))))
    (instance $cli (export "run" (func $run)))
    (export "wasi:cli/run@0.3.0" (instance $cli))))";
  std::string path = folder_.write("late.wat", kLate);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", path}, {"run", "--invoke", "run()", path}}) {
    Outcome late = sedge(words);
    EXPECT_EQ(late.status, 134) << late.err;
    EXPECT_TRUE(contains(late.err, "unreachable")) << late.err;
  }
}

TEST_F(ComponentRun, MissingImportsAreNamed) {
  std::string path = folder_.write(
      "needs.wat", R"((component (import "my:pkg/other@1.0.0" (instance (export "f" (func))))))");
  Outcome outcome = sedge({"run", path});
  EXPECT_EQ(outcome.status, 4);
  EXPECT_TRUE(contains(outcome.err, "unknown import \"my:pkg/other@1.0.0\"")) << outcome.err;
  EXPECT_TRUE(contains(sedge({"inspect", path}).out,
                       "problem: it needs my:pkg/other@1.0.0, which `sedge run` does not give it"));
}

/// Imports values, and exports one of them, a constant and what its start function makes.
constexpr std::string_view kValues = R"((component
  (import "n" (value $n u32))
  (import "name" (value $name string))
  (import "my:pkg/given@1.0.0" (instance $given (export "list" (value (list u8)))))
  (alias export $given "list" (value $list))
  (core module $m (func (export "f") (param i32) (result i32)
    (i32.mul (local.get 0) (i32.const 2))))
  (core instance $i (instantiate $m))
  (func $f (param "n" u32) (result u32) (canon lift (core func $i "f")))
  (value $url string (binary "\13https://example.com"))
  (start $f (value $n) (result (value $twice)))
  (instance $out (export "twice" (value $twice)) (export "list" (value $list)))
  (export "name-again" (value $name))
  (export "url" (value $url))
  (export "out" (instance $out))))";

TEST_F(ComponentRun, ValuesAreGivenAndShown) {
  std::string path = folder_.write("values.wat", kValues);
  auto shown = [&](const std::string& name) {
    return sedge({"run", "--features", "+cm-values", "--value", "n=21", "--value",
                  "name=plain text", "--value", "my:pkg/given@1.0.0#list=[1, 2]", "--invoke", name,
                  path});
  };
  EXPECT_EQ(shown("out#twice").out, "42\n") << shown("out#twice").err;
  EXPECT_EQ(shown("out#list").out, "[1, 2]\n");
  EXPECT_EQ(shown("url").out, "\"https://example.com\"\n");
  EXPECT_EQ(shown("name-again").out, "\"plain text\"\n");
  Outcome none = shown("nothing");
  EXPECT_EQ(none.status, 2);
  EXPECT_TRUE(contains(none.err, "out#twice: value u32")) << none.err;
  Outcome about = sedge({"inspect", path});
  EXPECT_TRUE(contains(about.out, "n: value u32\n")) << about.out;
  EXPECT_TRUE(contains(about.out, "url: value string = \"https://example.com\"\n")) << about.out;
  EXPECT_TRUE(contains(about.out, "sedge run --value n=VALUE gives it one")) << about.out;
}

/// What is off by default is said, and shown all the same.
TEST_F(ComponentRun, InspectShowsWhatTakesMoreFeatures) {
  std::string path = folder_.write("four.wat", R"((component (import "four" (value $v (list u8 4)))
        (export "again" (value $v))))");
  Outcome about = sedge({"inspect", path});
  EXPECT_TRUE(contains(about.out, "valid:    no: ")) << about.out;
  EXPECT_TRUE(contains(about.out, "  four: value list<u8, 4>\n")) << about.out;
  EXPECT_TRUE(contains(about.out, "  again: value list<u8, 4>\n")) << about.out;
}

TEST_F(ComponentRun, ValuesThatAreMissingOrWrongAreNamed) {
  std::string path = folder_.write("values.wat", kValues);
  auto refused = [&](std::vector<std::string> values) {
    std::vector<std::string> words = {"run", "--features", "+cm-values", "--invoke", "url"};
    for (const std::string& value : values) words.insert(words.end(), {"--value", value});
    words.push_back(path);
    return sedge(words);
  };
  Outcome missing = refused({"n=1"});
  EXPECT_EQ(missing.status, 4) << missing.err;
  EXPECT_TRUE(contains(missing.err, "unknown import \"name\": a value of type string"))
      << missing.err;
  EXPECT_TRUE(contains(missing.err, "sedge run --value name=VALUE")) << missing.err;
  Outcome wrong = refused({"n=many"});
  EXPECT_EQ(wrong.status, 2) << wrong.err;
  EXPECT_TRUE(contains(wrong.err, "--value n=many")) << wrong.err;
  EXPECT_TRUE(contains(refused({"m=1"}).err, "the component imports no such value"));
  EXPECT_TRUE(contains(refused({"n"}).err, "`--value n` has no value"));
}

/// Components of /shared; each runs where it is there.
class ComponentGuests : public ComponentRun {
 protected:
  void SetUp() override {
    guests_ = shared_path("guests");
    if (!std::ifstream(guests_ + "/wasm/p2_serverless.component.wasm"))
      GTEST_SKIP() << "no guests at " << guests_;
  }
  std::string guests_;
};

TEST_F(ComponentGuests, CommandsRun) {
  Outcome edge = sedge({"run", guests_ + "/wasm/p5_edge_function.component.wasm"},
                       R"({"path":"/","method":"GET","headers":{},"body":null})");
  EXPECT_EQ(edge.status, 0) << edge.err;
  EXPECT_TRUE(contains(edge.out, "\"status_code\":")) << edge.out;
  Outcome go = sedge({"run", guests_ + "/components/go-hello-p2.wasm", "a", "b"});
  EXPECT_EQ(go.status, 0) << go.err;
  EXPECT_EQ(go.out, "hello from go [a b]\n");
  Outcome sum =
      sedge({"run", "--invoke", "divide(1, 0)", guests_ + "/wasm/p4_calculator.component.wasm"});
  EXPECT_EQ(sum.status, 0) << sum.err;
  EXPECT_TRUE(sum.out.starts_with("err(\"")) << sum.out;
}

TEST_F(ComponentGuests, FilesAreReachedOnlyWhereGiven) {
  std::string rust = guests_ + "/wasm/rust_bench.component.wasm";
  Outcome without = sedge({"run", rust});
  Outcome with = sedge({"run", "--dir", folder_.path() + "::/tmp", rust});
  EXPECT_EQ(with.status, 0) << with.err;
  EXPECT_TRUE(contains(with.out, "rust-bench checksum ")) << with.out;
  EXPECT_TRUE(without.status == 0 || contains(without.err, "--dir")) << without.err;
}

}  // namespace
}  // namespace sedge::test
