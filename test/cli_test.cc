// The program as users meet it: every command, whole messages, exit statuses. Modules are written
// as text here; what needs guests of the shared folder says so when that is missing.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "program.h"

namespace sedge::test {
namespace {

constexpr std::string_view kMath = R"((module $math
  (memory (export "memory") 1)
  (global (export "limit") i32 (i32.const 7))
  (func (export "add") (param $left i32) (param $right i32) (result i32)
    local.get 0 local.get 1 i32.add)
  (func (export "pair") (param i64 f64) (result f64 i64) local.get 1 local.get 0)
  (func $inner unreachable)
  (func (export "trap") call $inner)
  (func (export "divide") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "spin") (loop br 0))
  (func $deep (export "deep") call $deep)
  (func (export "hungry") (if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable)))
  (func (export "object") (param externref) (result externref) local.get 0)))";

/// A command that writes "hello\n" and exits with 7.
constexpr std::string_view kCommand = R"((module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (call $exit (i32.const 7)))))";

/// Answers {"n":LENGTH OF THE INPUT} with one digit, from fresh memory; counts calls of
/// _initialize.
constexpr std::string_view kPointer = R"((module
  (memory (export "memory") 1)
  (global $ready (mut i32) (i32.const 0))
  (data (i32.const 16) "{\"n\":0}")
  (func (export "_initialize") (global.set $ready (i32.const 1)))
  (func (export "handle_request") (param i32 i32) (result i32)
    (if (i32.eqz (global.get $ready)) (then unreachable))
    (i32.store8 (i32.const 21) (i32.add (i32.const 48) (local.get 1)))
    (i32.const 16))))";

class Cli : public testing::Test {
 protected:
  Outcome run(std::vector<std::string> args, std::string_view input = {}) {
    args.insert(args.begin(), program_path());
    return run_program(args, input, folder_.path(), {"NO_COLOR=1"});
  }
  void write(std::string_view name, std::string_view content) { folder_.write(name, content); }
  void expect(std::vector<std::string> args, int status, std::string_view out, std::string_view err,
              std::string_view input = {}) {
    std::string line;
    for (const std::string& arg : args) line += " " + arg;
    Outcome outcome = run(std::move(args), input);
    EXPECT_EQ(outcome.status, status) << line;
    EXPECT_EQ(outcome.out, out) << line;
    EXPECT_EQ(outcome.err, err) << line;
  }
  TempFolder folder_;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The program itself.

TEST_F(Cli, WithoutArgumentsItShowsItsCommands) {
  Outcome outcome = run({});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(outcome.out.starts_with("sedge: one WebAssembly runtime for the edge\n\nUsage: "));
  for (const char* verb : {"run", "validate", "inspect", "parse", "print", "snapshot", "wast",
                           "explain", "completion", "version"})
    EXPECT_TRUE(contains(outcome.out, std::string("\n  ") + verb + " ")) << verb;
  EXPECT_FALSE(contains(outcome.out, "\n  man "));
  EXPECT_EQ(run({"--help"}).status, 0);
}

TEST_F(Cli, EveryCommandHasHelpWithAnExample) {
  for (const char* verb : {"run", "validate", "inspect", "parse", "print", "snapshot", "wast",
                           "explain", "completion", "version"}) {
    Outcome outcome = run({verb, "--help"});
    EXPECT_EQ(outcome.status, 0) << verb;
    EXPECT_TRUE(contains(outcome.out, std::string("\nUsage: sedge ") + verb)) << verb;
    EXPECT_TRUE(contains(outcome.out, "\nExamples:\n  ")) << verb;
    EXPECT_EQ(run({"help", verb}).out, outcome.out) << verb;
  }
}

TEST_F(Cli, UnknownCommandsAndOptionsNameTheNearest) {
  expect({"valdate", "x.wasm"}, 2, "",
         "error: unknown command `valdate`; did you mean `validate`?\n"
         "help: `sedge --help` lists the commands\n");
  expect({"run", "--fule", "3", "x.wasm"}, 2, "",
         "error: unknown option `--fule`; did you mean `--fuel`?\n"
         "help: `sedge run --help` lists them\n");
  expect({"run"}, 2, "",
         "error: missing argument: FILE (a module or a component, binary or text; - is standard "
         "input)\n"
         "help: sedge run [OPTIONS] FILE [ARGS…]\n");
}

TEST_F(Cli, Version) {
  expect({"version"}, 0, "sedge " SEDGE_VERSION "\n", "");
  expect({"--version"}, 0, "sedge " SEDGE_VERSION "\n", "");
  Outcome json = run({"version", "--json"});
  EXPECT_TRUE(contains(json.out, "\"version\": \"" SEDGE_VERSION "\""));
  EXPECT_TRUE(contains(json.out, "\"multi-memory\""));
}

// run

TEST_F(Cli, RunCallsFunctionsWithTypedArguments) {
  write("math.wat", kMath);
  expect({"run", "math.wat", "add", "1", "-3"}, 0, "-2\n", "");
  expect({"math.wat", "add", "0x10", "1"}, 0, "17\n", "");
  expect({"run", "--invoke", "pair", "math.wat", "5", "nan:0x123"}, 0, "nan:0x123\n5\n", "");
  expect({"run", "math.wat", "object", "null"}, 0, "null\n", "");
  expect({"run", "math.wat", "object", "42"}, 0, "extern:42\n", "");
}

TEST_F(Cli, RunRefusesWrongArguments) {
  write("math.wat", kMath);
  expect({"run", "math.wat", "add", "1", "x"}, 2, "",
         "error: bad argument `x` for parameter 2 `right` of `add` (i32): a whole number from "
         "-2147483648 to 4294967295\n");
  expect({"run", "math.wat", "add", "1"}, 2, "",
         "error: bad argument: `add` takes 2 arguments, 1 given; it is func(i32, i32) -> i32\n");
  expect({"run", "math.wat", "limit"}, 2, "",
         "error: unknown export `limit`: it is a global, not a function; exported functions are:\n"
         "  add: func(i32, i32) -> i32\n"
         "  pair: func(i64, f64) -> (f64, i64)\n"
         "  trap: func()\n"
         "  divide: func(i32, i32) -> i32\n"
         "  spin: func()\n"
         "  deep: func()\n"
         "  hungry: func()\n"
         "  object: func(externref) -> externref\n");
  Outcome unknown = run({"run", "math.wat", "divid", "1", "2"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_TRUE(unknown.err.starts_with(
      "error: unknown export `divid`; did you mean `divide`?; exported functions are:\n"))
      << unknown.err;
}

TEST_F(Cli, RunWithoutAFunctionListsThem) {
  write("two.wat", R"((module (func (export "one")) (func (export "two") (param i64))))");
  expect({"run", "two.wat"}, 2, "",
         "error: nothing to run: two.wat is no command (it exports no `_start`); its functions "
         "are:\n"
         "  one: func()\n"
         "  two: func(i64)\n"
         "help: name one: sedge run two.wat FUNC ARGS\n");
  write("none.wat", "(module)");
  expect({"run", "none.wat"}, 2, "",
         "error: nothing to run: none.wat exports no `_start` and no other function\n");
}

TEST_F(Cli, RunMakesAnInstanceWhereThatIsAll) {
  write("start.wat", "(module (func $f unreachable) (start $f))");
  Outcome outcome = run({"run", "start.wat"});
  EXPECT_EQ(outcome.status, 134);
  EXPECT_TRUE(outcome.err.starts_with("error: unreachable\n")) << outcome.err;
  write("none.wat", "(module)");
  expect({"run", "--instantiate", "none.wat"}, 0, "",
         "note: nothing to run: none.wat exports no `_start` and no other function\n");
  write("math.wat", kMath);
  expect({"run", "--instantiate", "math.wat", "add", "1", "2"}, 0, "3\n", "");
}

// The guest's own name is not where it lies on the host, unless it is given one.
TEST_F(Cli, RunNamesTheGuest) {
  write("name.wat", R"((module
    (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start") (local $end i32)
      (drop (call $get (i32.const 0) (i32.const 64)))
      (local.set $end (i32.const 64))
      (loop $more
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br_if $more (i32.load8_u (local.get $end))))
      (i32.store (i32.const 16) (i32.const 64))
      (i32.store (i32.const 20) (i32.sub (local.get $end) (i32.const 64)))
      (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))))");
  expect({"run", "./name.wat"}, 0, "name.wat", "");
  expect({"run", "--argv0", "/bin/tool", "./name.wat"}, 0, "/bin/tool", "");
}

TEST_F(Cli, RunGivesTheGuestsExitStatus) {
  write("hello.wat", kCommand);
  expect({"run", "hello.wat", "--any", "argument"}, 7, "hello\n", "");
  expect({"./hello.wat"}, 7, "hello\n", "");
}

TEST_F(Cli, RunCallsPointerFunctionsWithStandardInput) {
  write("service.wat", kPointer);
  expect({"run", "service.wat", "handle_request"}, 0, "{\"n\":3}\n", "", "abc");
  expect({"run", "service.wat"}, 0, "{\"n\":2}\n", "", "{}");
}

TEST_F(Cli, RunReportsTrapsWithABacktrace) {
  write("math.wat", kMath);
  Outcome trap = run({"run", "math.wat", "trap"});
  EXPECT_EQ(trap.status, 134);
  EXPECT_TRUE(trap.err.starts_with("error: unreachable")) << trap.err;
  EXPECT_TRUE(contains(trap.err, "\n    0: ")) << trap.err;
  EXPECT_TRUE(contains(trap.err, " math!inner\n")) << trap.err;
  EXPECT_TRUE(contains(trap.err, "\n    1: ")) << trap.err;
  Outcome divide = run({"run", "math.wat", "divide", "1", "0"});
  EXPECT_EQ(divide.status, 134);
  EXPECT_TRUE(divide.err.starts_with("error: integer divide by zero")) << divide.err;
}

TEST_F(Cli, RunEndsRunawayGuests) {
  write("math.wat", kMath);
  Outcome fuel = run({"run", "--fuel", "10000", "math.wat", "spin"});
  EXPECT_EQ(fuel.status, 134);
  EXPECT_TRUE(fuel.err.starts_with("error: all fuel consumed")) << fuel.err;
  EXPECT_TRUE(fuel.err.ends_with("help: raise --fuel\n")) << fuel.err;
  Outcome timeout = run({"run", "--timeout", "50ms", "math.wat", "spin"});
  EXPECT_EQ(timeout.status, 134);
  EXPECT_TRUE(timeout.err.starts_with("error: wall-clock deadline exceeded")) << timeout.err;
  Outcome stack = run({"run", "--max-stack", "64KiB", "math.wat", "deep"});
  EXPECT_EQ(stack.status, 134);
  EXPECT_TRUE(stack.err.starts_with("error: call stack exhausted")) << stack.err;
}

TEST_F(Cli, RunExplainsAnAbortAfterARefusedGrowth) {
  write("math.wat", kMath);
  Outcome outcome = run({"run", "--max-memory", "1MiB", "math.wat", "hungry"});
  EXPECT_EQ(outcome.status, 134);
  EXPECT_TRUE(
      outcome.err.ends_with("help: the guest asked for 62.6 MiB of memory and was refused: "
                            "the limit is 1 MiB; raise --max-memory\n"))
      << outcome.err;
}

TEST_F(Cli, RunChecksItsOptions) {
  write("math.wat", kMath);
  expect({"run", "--timeout", "5", "math.wat", "spin"}, 2, "",
         "error: bad argument: `--timeout 5`: write a time such as 500ms or 5s\n");
  expect({"run", "--max-memory", "lots", "math.wat", "spin"}, 2, "",
         "error: bad argument: `--max-memory lots`: write a size such as 64MiB or 1GiB\n");
  expect({"run", "--features", "all,-smid", "math.wat", "spin"}, 2, "",
         "error: unknown feature `smid`; did you mean `simd`?\n"
         "help: `sedge run --help` lists the features\n");
  expect({"run", "--dir", "/host:/guest", "math.wat"}, 2, "",
         "error: ambiguous directory mapping `/host:/guest`: the host's /host as the guest's "
         "/guest, or the host's /guest as the guest's /host? Tools differ\n"
         "help: write HOST::GUEST: /host::/guest or /guest::/host\n");
}

TEST_F(Cli, RunWithoutAFunctionCallsTheOneCandidateOrListsThem) {
  write("one.wat", R"((module (memory (export "memory") 1) (data (i32.const 8) "{\"n\":1}")
  (func (export "process") (param i32 i32) (result i32) (i32.const 8))))");
  expect({"run", "one.wat"}, 0, "{\"n\":1}\n", "", "{}");
  // Nothing is on standard input: what there is to call is listed.
  Outcome outcome = run_program(
      {"/bin/sh", "-c", program_path().string() + " run one.wat </dev/null"}, {}, folder_.path());
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(
      outcome.err,
      "error: nothing to run: one.wat is no command (it exports no `_start`); its functions "
      "are:\n  process: func(i32, i32) -> i32\n"
      "help: `process` answers what it gets on standard input: echo '{…}' | sedge run one.wat "
      "process\n");
}

TEST_F(Cli, RunSaysWhichFileIsWrongAndWhere) {
  expect({"run", "absent.wasm"}, 1, "", "error: file not found: absent.wasm\n");
  write("page.wasm", "<!DOCTYPE html>");
  expect({"run", "page.wasm"}, 3, "",
         "error: page.wasm: magic header not detected (at offset 0x0)\n"
         "help: this is no WebAssembly file: a module begins with the bytes 00 61 73 6d\n");
  write("cut.wasm", std::string_view("\0asm\1\0\0\0\1\x10\2\x60", 12));
  expect(
      {"run", "cut.wasm"}, 3, "",
      "error: cut.wasm: length out of bounds: the type section declares 16 bytes, 2 are left (at "
      "offset 0xa)\n"
      "help: the file is cut short or damaged: build or copy it again\n");
  write("component.wasm", std::string_view("\0asm\x0d\0\1\0", 8));
  expect({"snapshot", "component.wasm", "-o", "out.wasm"}, 3, "",
         "error: component.wasm: not supported: this is a component, not a core module (at offset "
         "0x4)\n"
         "help: a core module is needed here: build for wasm32-wasip1\n");
  write("typo.wat", "(module\n  (func i32.ad))");
  Outcome typo = run({"run", "typo.wat"});
  EXPECT_EQ(typo.status, 3);
  EXPECT_TRUE(typo.err.starts_with("error: typo.wat: unknown operator")) << typo.err;
  EXPECT_TRUE(contains(typo.err, "(line 2, column 9)")) << typo.err;
}

TEST_F(Cli, RunNamesMissingImports) {
  write(
      "import.wat",
      R"((module (import "wasi_snapshot_preview1" "fd_wirte" (func (param i32 i32 i32 i32) (result i32)))
             (memory (export "memory") 1) (func (export "_start"))))");
  Outcome outcome = run({"run", "import.wat"});
  EXPECT_EQ(outcome.status, 4);
  EXPECT_TRUE(outcome.err.starts_with("error: import.wat: unknown import")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "fd_wirte")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "`fd_write`")) << outcome.err;
}

TEST_F(Cli, RunNamesTheWrongTarget) {
  // What rustc exports for wasm32-unknown-unknown.
  write("wrong.wat", R"((module (memory (export "memory") 1)
    (func (export "main") (param i32 i32) (result i32) i32.const 0)
    (global (export "__data_end") i32 (i32.const 0)) (global (export "__heap_base") i32 (i32.const 0))))");
  expect({"run", "wrong.wat"}, 4, "",
         "error: wrong target: wrong.wat was built for wasm32-unknown-unknown: it exports no "
         "`_start` and imports no WASI, so it has no input and no output\n"
         "help: build it for WASI: cargo build --target wasm32-wasip1 --release\n");
}

// validate, inspect

TEST_F(Cli, ValidateReportsEachFile) {
  write("good.wat", "(module)");
  write("bad.wat", "(module\n  (func (result i32)))");
  Outcome outcome = run({"validate", "good.wat", "bad.wat"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(outcome.out, "good.wat: valid\n");
  EXPECT_TRUE(outcome.err.starts_with("error: bad.wat: ")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "type mismatch")) << outcome.err;
  expect({"validate", "--quiet", "good.wat"}, 0, "", "");
  Outcome json = run({"validate", "--json", "good.wat", "bad.wat"});
  EXPECT_EQ(json.status, 3);
  EXPECT_TRUE(contains(json.out, "\"file\": \"good.wat\",\n      \"valid\": true")) << json.out;
  EXPECT_TRUE(contains(json.out, "\"name\": \"type_mismatch\"")) << json.out;
  EXPECT_TRUE(contains(json.out, "\"line\": 2")) << json.out;
}

TEST_F(Cli, ValidateHonoursFeatures) {
  write("simd.wat", "(module (func (param v128)))");
  EXPECT_EQ(run({"validate", "simd.wat"}).status, 0);
  Outcome outcome = run({"validate", "--features", "wasm1", "simd.wat"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_TRUE(contains(outcome.err, "feature not enabled")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "simd")) << outcome.err;
}

TEST_F(Cli, InspectDescribesAModule) {
  write("hello.wat", kCommand);
  Outcome outcome = run({"inspect", "hello.wat"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.out.starts_with("hello.wat: text module, ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out,
                       "\ntarget:   wasm32-wasip1 (a WASI 0.1 command: `_start` runs it)\n"
                       "WASI:     0.1 (wasi_snapshot_preview1)\n"
                       "valid:    yes\n"
                       "features: mvp\n"
                       "imports (2):\n"
                       "  wasi_snapshot_preview1 fd_write: func(i32, i32, i32, i32) -> i32\n"
                       "  wasi_snapshot_preview1 proc_exit: func(i32)\n"
                       "exports (2):\n"
                       "  memory: memory 1.. pages\n"
                       "  _start: func()\n"
                       "sections ("))
      << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "problem:")) << outcome.out;
}

TEST_F(Cli, InspectSaysWhatWillStopAFile) {
  write("js.wat", R"((module (import "wbg" "alert" (func)) (import "own" "x" (global i32))))");
  Outcome outcome = run({"inspect", "js.wat"});
  EXPECT_TRUE(contains(outcome.out,
                       "\nproblem: imports functions of a JavaScript host\n"
                       "   help: build it for WASI: --target wasm32-wasip1, or GOOS=wasip1\n"))
      << outcome.out;
  write("own.wat", R"((module (import "own" "x" (global i32))))");
  Outcome json = run({"inspect", "--json", "own.wat"});
  EXPECT_TRUE(contains(json.out,
                       "\"problem\": \"imports `x` from `own`, which nothing in sedge "
                       "provides\""))
      << json.out;
}

// parse, print

TEST_F(Cli, ParseAndPrintAreInverse) {
  write("math.wat", kMath);
  expect({"parse", "math.wat"}, 0, "", "");
  expect({"run", "math.wasm", "add", "2", "3"}, 0, "5\n", "");
  Outcome text = run({"print", "math.wasm"});
  EXPECT_EQ(text.status, 0);
  EXPECT_TRUE(contains(text.out, "$math")) << text.out;
  EXPECT_TRUE(contains(text.out, "$left")) << text.out;
  write("again.wat", text.out);
  expect({"parse", "again.wat", "-o", "again.wasm"}, 0, "", "");
  Outcome first = run({"parse", "-o", "-", "math.wasm"}),
          second = run({"parse", "-o", "-", "again.wasm"});
  EXPECT_EQ(first.out, second.out);
  EXPECT_FALSE(contains(run({"print", "--names", "off", "math.wasm"}).out, "$left"));
  EXPECT_FALSE(contains(run({"print", "--skeleton", "math.wasm"}).out, "i32.div_s"));
}

TEST_F(Cli, ParseRefusesWhatDoesNotValidate) {
  write("bad.wat", "(module (func (result i32)))");
  Outcome outcome = run({"parse", "bad.wat"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/bad.wasm"));
  EXPECT_EQ(run({"parse", "--no-validate", "bad.wat"}).status, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/bad.wasm"));
}

// snapshot

constexpr std::string_view kReactor = R"((module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock (param i32 i64 i32) (result i32)))
  (import "env" "missing" (func $missing))
  (memory (export "memory") 1)
  (global $n (mut i32) (i32.const 1))
  (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 40))))
  (func (export "wizer.initialize") (global.set $n (i32.mul (global.get $n) (i32.const 2))))
  (func (export "time") (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 16))))
  (func (export "host") (call $missing))
  (func (export "typed") (param i32))
  (func (export "get") (result i32) global.get $n)))";

TEST_F(Cli, SnapshotWritesAnInitialisedModule) {
  write("m.wat", R"((module (global $n (mut i32) (i32.const 1)) (memory 1)
    (func (export "_initialize") (global.set $n (i32.const 40)) (i32.store8 (i32.const 7) (i32.const 2)))
    (func (export "wizer.initialize") (global.set $n (i32.add (global.get $n) (i32.const 1))))
    (func (export "get") (result i32) (i32.add (global.get $n) (i32.load8_u (i32.const 7))))))");
  expect({"snapshot", "m.wat", "-o", "m.wasm"}, 0, "", "");
  expect({"run", "m.wasm", "get"}, 0, "43\n", "");
  EXPECT_FALSE(contains(run({"print", "m.wasm"}).out, "nitialize\""));
  // Of a snapshot a snapshot can be taken.
  expect({"snapshot", "m.wasm", "-o", "again.wasm", "--init", "get"}, 0, "", "");
  EXPECT_FALSE(contains(run({"print", "again.wasm"}).out, "export \"get\""));
}

TEST_F(Cli, SnapshotSaysWhatStandsInTheWay) {
  write("m.wat", kReactor);
  expect({"snapshot", "m.wat"}, 2, "", "error: missing argument: -o FILE\n");
  expect({"snapshot", "m.wat", "-o", "x.wasm", "--init", "none"}, 2, "",
         "error: unknown export `none`\nhelp: `sedge inspect` lists what the module exports\n");
  expect({"snapshot", "m.wat", "-o", "x.wasm", "--init", "typed"}, 1, "",
         "error: wrong arguments: the initialiser `typed` takes arguments: [i32] -> []\n");
  expect({"snapshot", "m.wat", "-o", "x.wasm", "--init", "time"}, 0, "",
         "note: the initialiser called clock_time_get: what it was given is part of the snapshot, "
         "the same in every instance\n");
  std::filesystem::remove(folder_.path() + "/x.wasm");
  Outcome host = run({"snapshot", "m.wat", "-o", "x.wasm", "--init", "host"});
  EXPECT_EQ(host.status, 1);
  EXPECT_TRUE(host.err.starts_with(
      "error: in host: the instance's state cannot become a module: the initialiser called `env` "
      "`missing`, which is the host's and not there while a snapshot is made\n"))
      << host.err;
  write("none.wat", "(module)");
  expect({"snapshot", "none.wat", "-o", "x.wasm"}, 2, "",
         "error: unknown export: the module has no initialiser\n"
         "help: name one with --init FUNC, or export `_initialize` or `wizer-initialize`\n");
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/x.wasm"));
}

// wast

TEST_F(Cli, WastCountsAssertions) {
  write("good.wast", R"((module (func (export "f") (result i32) i32.const 1))
(assert_return (invoke "f") (i32.const 1)))");
  EXPECT_EQ(run({"wast", "good.wast"}).status, 0);
  write("bad.wast", R"((module (func (export "f") (result i32) i32.const 1))
(assert_return (invoke "f") (i32.const 2)))");
  Outcome outcome = run({"wast", "good.wast", "bad.wast"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.out, "bad.wast")) << outcome.out;
}

TEST_F(Cli, WastTakesFoldersAndATableOfDeviations) {
  std::filesystem::create_directories(folder_.path() + "/suite/sub");
  write("suite/b.wast", "(assert_invalid (module (func i32.const 1)) \"stack not empty\")");
  write("suite/sub/a.wast", "(module)");
  expect({"wast", "suite"}, 1,
         "FAIL b.wast: 0 passed, 1 failed\n  b.wast:1: assert_invalid\n"
         "    expected stack not empty\n"
         "    got      invalid: function 0: type mismatch: block requires [] but stack has [i32] "
         "(line 1, column 42)\n"
         "ok   sub/a.wast: 1 passed\n",
         "");
  write("table.txt", "b.wast | stack not empty | type mismatch | the same in other words\n");
  expect({"wast", "--deviations", "table.txt", "suite"}, 0,
         "ok   b.wast: 1 passed (1 with other words)\nok   sub/a.wast: 1 passed\n", "");
  write("table.txt", "b.wast | stack not empty\n");
  expect({"wast", "--deviations", "table.txt", "suite"}, 2, "",
         "error: table.txt: configuration: a row is `file[:line] | the script's words | our words "
         "| reason` (line 1, column 1)\n");
}

// explain, completion, man

TEST_F(Cli, ExplainTakesNumbersAndNames) {
  constexpr std::string_view kText =
      "E501 out_of_bounds_memory_access: out of bounds memory access\n\n"
      "When: execution trapped.\n\n"
      "The guest read or wrote behind the end of its memory, as a native program would end with a "
      "segmentation fault. In C and C++ this is a wild pointer or a buffer overrun; in safe Rust a "
      "stack overflow of the guest's own stack can look like it.\n\n"
      "Exit status 134; `sedge serve` answers 500.\n";
  expect({"explain", "E501"}, 0, kText, "");
  expect({"explain", "501"}, 0, kText, "");
  expect({"explain", "out_of_bounds_memory_access"}, 0, kText, "");
  expect({"explain", "unreachabel"}, 2, "",
         "error: unknown error code `unreachabel`; did you mean `unreachable`?\n"
         "help: `sedge explain` lists all of them\n");
  Outcome list = run({"explain"});
  EXPECT_TRUE(contains(list.out, "E430  unknown_import"));
  EXPECT_TRUE(contains(run({"explain", "--json", "551"}).out, "\"http_status\": 503"));
}

TEST_F(Cli, CompletionScriptsParse) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    Outcome script = run({"completion", shell});
    EXPECT_EQ(script.status, 0);
    EXPECT_TRUE(contains(script.out, "max-memory")) << shell;
    if (run_program({"sh", "-c", std::string("command -v ") + shell}).status != 0) continue;
    EXPECT_EQ(run_program({shell, "-n"}, script.out).status, 0) << shell;
  }
  expect({"completion", "tcsh"}, 2, "",
         "error: bad argument: `tcsh` is no shell that is known: bash, zsh or fish\n");
}

TEST_F(Cli, ManualPagesAreWritten) {
  expect({"man", "."}, 0, "", "");
  std::ifstream page(folder_.path() + "/sedge-run.1");
  std::string text((std::istreambuf_iterator<char>(page)), std::istreambuf_iterator<char>());
  EXPECT_TRUE(text.starts_with(
      ".TH SEDGE\\-RUN 1\n.SH NAME\nsedge\\-run \\- run a module or a component\n"));
  EXPECT_TRUE(contains(text, ".B \\-\\-timeout TIME\n"));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/sedge.1"));
}

// The reference document's programs.

class CliGuests : public Cli {
 protected:
  void SetUp() override {
    guests_ = shared_path("guests/wasm/");
    if (!std::filesystem::exists(guests_))
      GTEST_SKIP() << "no guests: " << guests_ << " is missing";
  }
  std::string guests_;
};

TEST_F(CliGuests, WrongTargetsAreNamed) {
  std::string edge = guests_ + "p5_edge_function_wrong_target.wasm";
  expect(
      {"run", edge}, 4, "",
      "error: wrong target: " + edge +
          " was built for wasm32-unknown-unknown: it exports no `_start` and imports no WASI, so "
          "it has no input and no output\n"
          "help: build it for WASI: cargo build --target wasm32-wasip1 --release\n");
  Outcome inspect = run({"inspect", edge});
  EXPECT_TRUE(
      contains(inspect.out,
               "problem: built for wasm32-unknown-unknown: no `_start` and no WASI imports, "
               "so it can neither read input nor print, and clocks and files fail inside "
               "it\n   help: cargo build --target wasm32-wasip1 --release\n"))
      << inspect.out;
  Outcome service = run({"run", guests_ + "p1_edge_service_wrong_target.wasm", "handle_request"},
                        R"({"path":"/","method":"GET","headers":{},"body":null})");
  if (service.status == 134)
    EXPECT_TRUE(service.err.ends_with(
        "help: the module was built for wasm32-unknown-unknown, where clocks, files and random "
        "numbers trap; build it for WASI: cargo build --target wasm32-wasip1 --release\n"))
        << service.err;
}

TEST_F(CliGuests, ComponentsAreNamed) {
  std::string path = guests_ + "p2_serverless.component.wasm";
  expect({"run", "--wasi", "preview1", path}, 4, "",
         "error: incompatible WASI version: " + path +
             " is a component (WASI preview2 or later), not a module of WASI preview1\n"
             "help: run it with --wasi preview2, or build it for preview1: cargo build --target "
             "wasm32-wasip1\n");
  EXPECT_EQ(run({"run", "--wasi", "preview2", path}).status, 0);
  EXPECT_TRUE(contains(run({"inspect", path}).out, ": component, "));
}

TEST_F(CliGuests, CorruptedFilesSayWhere) {
  std::ifstream file(guests_ + "p5_edge_function.wasm", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  write("half.wasm", std::string_view(bytes).substr(0, bytes.size() / 2));
  Outcome half = run({"run", "half.wasm"});
  EXPECT_EQ(half.status, 3);
  EXPECT_TRUE(
      half.err.starts_with("error: half.wasm: length out of bounds: the code section "
                           "declares "))
      << half.err;
  EXPECT_TRUE(
      half.err.ends_with("help: the file is cut short or damaged: build or copy it "
                         "again\n"))
      << half.err;
}

}  // namespace
}  // namespace sedge::test
