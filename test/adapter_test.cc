// Components that `sedge component new` makes of WASI 0.1 programs with the adapters of its own.
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "program.h"

namespace sedge::test {
namespace {

namespace fs = std::filesystem;

class Adapter : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(program_path())) GTEST_SKIP() << "no program at " << program_path();
    write("probe.wat",
          "(module (import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32)))"
          " (memory (export \"memory\") 1) (func (export \"_start\")))");
    Outcome probe = make("probe.wat");
    if (probe.err.find("has no adapter") != std::string::npos) GTEST_SKIP() << probe.err;
  }

  std::string write(std::string_view name, std::string_view text) const {
    return folder_.write(name, text);
  }
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  Outcome sedge(std::vector<std::string> words, std::string_view input = {}) const {
    words.insert(words.begin(), program_path());
    return run_program(words, input, folder_.path());
  }
  /// Makes out.wasm of a file.
  Outcome make(const std::string& file, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"component", "new", file, "-o", "out.wasm"};
    words.insert(words.end(), more.begin(), more.end());
    return sedge(words);
  }
  /// The WIT of out.wasm up to the end of its world.
  std::string world() const {
    Outcome wit = sedge({"component", "wit", "out.wasm"});
    EXPECT_EQ(wit.status, 0) << wit.err;
    return wit.out.substr(0, wit.out.find("}\n") + 2);
  }
  /// A module with `body` as its `_start`, which may end by $exit with a status.
  void write_program(std::string_view imports, std::string_view body) const {
    write("program.wat",
          "(module " + std::string(imports) +
              " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
              " (memory (export \"memory\") 1) (func (export \"_start\") " +
              std::string(body) + "))");
  }

  TempFolder folder_;
};

TEST_F(Adapter, ProgramsDoTheSame) {
  if (!fs::exists("/usr/include/wasm32-wasi/stdio.h")) GTEST_SKIP() << "no wasi-libc";
  std::string source = std::string(SEDGE_ROOT_DIR) + "/test/guests/wasi_everything.c";
  Outcome compiled = run_program({"clang-22", "--target=wasm32-wasi", "-Wno-deprecated", "-O1",
                                  source, "-o", path("core.wasm")});
  ASSERT_EQ(compiled.status, 0) << compiled.err;
  Outcome made = make("core.wasm");
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(sedge({"validate", "out.wasm"}).status, 0);
  std::vector<Outcome> outcomes;
  for (const char* file : {"core.wasm", "out.wasm"}) {
    fs::create_directory(path("files"));
    outcomes.push_back(sedge({"run", "--dir", "files::/d", "--env", "ONE=1", "--env",
                              "EMPTY=", file, "first", "second one"},
                             "a line\nand another"));
    fs::remove_all(path("files"));
  }
  EXPECT_EQ(outcomes[0].status, 7) << outcomes[0].err;
  EXPECT_EQ(outcomes[1].status, 7) << outcomes[1].err;
  EXPECT_EQ(outcomes[0].err, "to standard error\n");
  EXPECT_EQ(outcomes[1].err, outcomes[0].err);
  EXPECT_EQ(outcomes[1].out, outcomes[0].out);
  EXPECT_NE(outcomes[0].out.find("arg 2: second one\n"), std::string::npos) << outcomes[0].out;
  EXPECT_NE(outcomes[0].out.find("last of many: 103\n"), std::string::npos) << outcomes[0].out;
  EXPECT_NE(outcomes[0].out.find("in: and another"), std::string::npos) << outcomes[0].out;
}

TEST_F(Adapter, OnlyWhatIsUsedIsImported) {
  write_program(
      "(import \"wasi_snapshot_preview1\" \"random_get\" (func (param i32 i32) (result i32)))", "");
  Outcome made = make("program.wat");
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(world(),
            "package root:component;\n\nworld root {\n"
            "  import wasi:cli/exit@0.2.12;\n"
            "  import wasi:random/random@0.2.12;\n\n"
            "  export wasi:cli/run@0.2.12;\n}\n");
}

TEST_F(Adapter, ModulesWithoutStartAreNoCommands) {
  write("world.wit", "package a:b; world w { export f: func() -> u64; }");
  write("module.wat",
        "(module (import \"wasi_snapshot_preview1\" \"clock_time_get\" (func $get (param i32 i64 "
        "i32) "
        "(result i32))) (memory (export \"memory\") 1) (func (export \"f\") (result i64)"
        " (drop (call $get (i32.const 1) (i64.const 0) (i32.const 8))) (i64.load (i32.const 8))))");
  Outcome made = make("module.wat", {"--wit", "world.wit"});
  ASSERT_EQ(made.status, 0) << made.err;
  std::string text = world();
  EXPECT_NE(text.find("import wasi:clocks/monotonic-clock@0.2.12;"), std::string::npos) << text;
  EXPECT_EQ(text.find("wasi:cli/run"), std::string::npos) << text;
  Outcome called = sedge({"run", "--invoke", "f()", "out.wasm"});
  EXPECT_EQ(called.status, 0) << called.err;
  EXPECT_NE(called.out, "0\n");
}

TEST_F(Adapter, HandlersOfHttpAskForNoFiles) {
  write("world.wit", "package a:b; world w { export wasi:http/incoming-handler@0.2.12; }");
  write("module.wat",
        "(module (import \"wasi_snapshot_preview1\" \"fd_prestat_get\" (func $get (param i32 i32) "
        "(result i32))) (import \"wasi_snapshot_preview1\" \"path_open\" (func (param i32 i32 i32 "
        "i32 "
        "i32 i64 i64 i32 i32) (result i32))) (memory (export \"memory\") 1)"
        " (func (export \"wasi:http/incoming-handler@0.2.12#handle\") (param i32 i32)))");
  Outcome made = make(
      "module.wat", {"--wit", "world.wit", "--deps", std::string(SEDGE_ROOT_DIR) + "/wit/p2/deps"});
  ASSERT_EQ(made.status, 0) << made.err;
  std::string text = world();
  EXPECT_NE(text.find("export wasi:http/incoming-handler@0.2.12;"), std::string::npos) << text;
  EXPECT_EQ(text.find("wasi:filesystem"), std::string::npos) << text;
}

TEST_F(Adapter, GivenAdaptersComeFirst) {
  write_program(
      "(import \"wasi_snapshot_preview1\" \"random_get\" (func (param i32 i32) (result i32)))", "");
  write("other.wat",
        "(module (func (export \"random_get\") (param i32 i32) (result i32) (i32.const 0))"
        " (func (export \"proc_exit\") (param i32)))");
  Outcome made = make("program.wat", {"--adapt", "wasi_snapshot_preview1=other.wat"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(world(), "package root:component;\n\nworld root {\n}\n");
}

TEST_F(Adapter, UnknownFunctionsAreNamed) {
  write_program("(import \"wasi_snapshot_preview1\" \"no_such\" (func))", "");
  EXPECT_EQ(make("program.wat").err,
            "error: program.wat: cannot make a component: the module imports `no_such` of "
            "`wasi_snapshot_preview1`, which the adapter does not have\n");
}

TEST_F(Adapter, ItsStateOverwrittenIsATrap) {
  write_program(
      "(import \"wasi_snapshot_preview1\" \"args_sizes_get\" (func $f (param i32 i32) (result "
      "i32)))",
      "(drop (call $f (i32.const 0) (i32.const 4)))"
      "(memory.fill (i32.const 65536) (i32.const 0)"
      " (i32.mul (i32.sub (memory.size) (i32.const 1)) (i32.const 65536)))"
      "(call $exit (call $f (i32.const 0) (i32.const 4)))");
  ASSERT_EQ(make("program.wat").status, 0);
  Outcome ran = sedge({"run", "out.wasm"});
  EXPECT_EQ(ran.status, 134);
  EXPECT_TRUE(ran.err.starts_with("error: unreachable\n")) << ran.err;
}

TEST_F(Adapter, TheDocumentsComponentsComposeAndRun) {
  fs::path guests = shared_path("guests/wasm");
  if (!fs::exists(guests / "p4_formatter.core.wasm")) GTEST_SKIP() << "no guests: " << guests;
  for (const char* name : {"formatter", "calculator"}) {
    Outcome made = sedge({"component", "new", guests / fmt::format("p4_{}.core.wasm", name), "-o",
                          fmt::format("{}.wasm", name)});
    ASSERT_EQ(made.status, 0) << made.err;
  }
  Outcome composed = sedge({"compose", "formatter.wasm", "--dependency",
                            "toolsku:calculator:calculator.wasm", "-o", "out.wasm"});
  ASSERT_EQ(composed.status, 0) << composed.err;
  Outcome ran = sedge({"run", "out.wasm"}, R"({"format_type":"csv-to-json","input":"id\n7"})");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "[\n  {\n    \"id\": 7.0\n  }\n]\n");
}

/// The status of `body` as a core module and as a component.
struct Call {
  const char* name;
  const char* imports;
  const char* body;
  int status;
  friend void PrintTo(const Call& call, std::ostream* out) { *out << call.name; }
};
class AdapterCalls : public Adapter, public testing::WithParamInterface<Call> {};

TEST_P(AdapterCalls, AnswerAsTheModuleIsAnswered) {
  const Call& call = GetParam();
  write_program(std::string("(import \"wasi_snapshot_preview1\" ") + call.imports + ")",
                std::string("(call $exit ") + call.body + ")");
  Outcome made = make("program.wat");
  ASSERT_EQ(made.status, 0) << made.err;
  Outcome core = sedge({"run", "program.wat"}), component = sedge({"run", "out.wasm"});
  EXPECT_EQ(core.status, call.status) << core.err;
  EXPECT_EQ(component.status, call.status) << component.err;
}

constexpr const char* kWrite = R"("fd_write" (func $f (param i32 i32 i32 i32) (result i32)))";
constexpr const char* kPoll = R"("poll_oneoff" (func $f (param i32 i32 i32 i32) (result i32)))";
constexpr const char* kRandom = R"("random_get" (func $f (param i32 i32) (result i32)))";
constexpr const char* kClock = R"("clock_time_get" (func $f (param i32 i64 i32) (result i32)))";
constexpr const char* kClose = R"("fd_close" (func $f (param i32) (result i32)))";
constexpr const char* kRenumber = R"("fd_renumber" (func $f (param i32 i32) (result i32)))";
constexpr const char* kRaise = R"("proc_raise" (func $f (param i32) (result i32)))";
constexpr int kBadf = 8, kFault = 21, kInval = 28;

const Call kCalls[] = {
    {"iovecs_outside", kWrite, "(call $f (i32.const 1) (i32.const -8) (i32.const 2) (i32.const 0))",
     kFault},
    {"iovecs_of_a_large_count", kWrite,
     "(call $f (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 0))", 0},
    {"write_to_input", kWrite, "(call $f (i32.const 99) (i32.const 0) (i32.const 1) (i32.const 0))",
     kBadf},
    {"poll_of_none", kPoll, "(call $f (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
     kInval},
    {"poll_of_too_many", kPoll,
     "(call $f (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0))", kInval},
    {"poll_outside", kPoll, "(call $f (i32.const -64) (i32.const 0) (i32.const 1) (i32.const 0))",
     kFault},
    {"random_outside", kRandom, "(call $f (i32.const 65535) (i32.const 1000000))", kFault},
    {"random_of_none", kRandom, "(call $f (i32.const 65536) (i32.const 0))", 0},
    {"no_such_clock", kClock, "(call $f (i32.const 4) (i64.const 0) (i32.const 0))", kInval},
    {"closed_twice", kClose,
     "(i32.or (call $f (i32.const 1)) (i32.shl (call $f (i32.const 1)) (i32.const 1)))", 2 * kBadf},
    {"renumber_closed", kRenumber, "(call $f (i32.const 1) (i32.const 50))", kBadf},
    {"renumber", kRenumber, "(call $f (i32.const 1) (i32.const 2))", 0},
    {"raise_unknown", kRaise, "(call $f (i32.const 31))", kInval},
};
INSTANTIATE_TEST_SUITE_P(Calls, AdapterCalls, testing::ValuesIn(kCalls),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sedge::test
