// wasi:config, wasi:keyvalue and wasi:logging through `sedge run` and `sedge serve`: what is given,
// what stays, what is refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "base/test_paths.h"
#include "program.h"

namespace sedge {
namespace {

constexpr const char* kWorld = R"(package test:guest;
world guest {
  import wasi:config/store@0.2.0-rc.1;
  import wasi:keyvalue/store@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  import wasi:logging/logging@0.1.0-draft;
  export count: func(key: string) -> result<s64, string>;
  export keep: func(bucket: string, key: string, size: u32) -> result<s64, string>;
  export race: func() -> result<s64, string>;
  export setting: func(name: string) -> option<string>;
  export say: func(context: string, message: string);
}
)";

/// What `refused` answers is at 304: 1, and at 312 the text of a store's error. `keep` sets a value
/// of zeroes; `race` swaps with two handles of one key, the second of which must come too late.
constexpr const char* kGuest = R"((module
  (import "wasi:config/store@0.2.0-rc.1" "get" (func $config (param i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "open" (func $open (param i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.set"
    (func $set (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:keyvalue/atomics@0.2.0-draft2" "increment"
    (func $increment (param i32 i32 i32 i64 i32)))
  (import "wasi:keyvalue/atomics@0.2.0-draft2" "[static]cas.new"
    (func $cas (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/atomics@0.2.0-draft2" "swap" (func $swap (param i32 i32 i32 i32)))
  (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 100)
  (data (i32.const 16) "counts")
  (data (i32.const 24) "denied")
  (global $top (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $refused (param $error i32) (result i32)
    (i32.store8 (i32.const 304) (i32.const 1))
    (if (i32.eq (i32.load8_u (local.get $error)) (i32.const 2))
      (then (i64.store (i32.const 312) (i64.load offset=4 (local.get $error))))
      (else
        (i32.store (i32.const 312) (i32.const 24))
        (i32.store (i32.const 316) (i32.const 6))))
    (i32.const 304))
  (func $good (param $value i64) (result i32)
    (i32.store8 (i32.const 304) (i32.const 0))
    (i64.store (i32.const 312) (local.get $value))
    (i32.const 304))
  (func (export "count") (param $key i32) (param $len i32) (result i32)
    (call $open (i32.const 16) (i32.const 6) (i32.const 100))
    (if (i32.load8_u (i32.const 100)) (then (return (call $refused (i32.const 104)))))
    (call $increment (i32.load (i32.const 104)) (local.get $key) (local.get $len) (i64.const 1)
      (i32.const 200))
    (if (i32.load8_u (i32.const 200)) (then (return (call $refused (i32.const 208)))))
    (call $good (i64.load (i32.const 208))))
  (func (export "keep") (param $bucket i32) (param $name i32) (param $key i32) (param $len i32)
      (param $size i32) (result i32)
    (call $open (local.get $bucket) (local.get $name) (i32.const 100))
    (if (i32.load8_u (i32.const 100)) (then (return (call $refused (i32.const 104)))))
    (call $set (i32.load (i32.const 104)) (local.get $key) (local.get $len) (i32.const 1024)
      (local.get $size) (i32.const 200))
    (if (i32.load8_u (i32.const 200)) (then (return (call $refused (i32.const 204)))))
    (call $good (i64.extend_i32_u (local.get $size))))
  (func (export "race") (result i32)
    (local $first i32) (local $second i32)
    (call $open (i32.const 16) (i32.const 6) (i32.const 100))
    (if (i32.load8_u (i32.const 100)) (then (return (call $refused (i32.const 104)))))
    (call $cas (i32.load (i32.const 104)) (i32.const 24) (i32.const 6) (i32.const 200))
    (local.set $first (i32.load (i32.const 204)))
    (call $cas (i32.load (i32.const 104)) (i32.const 24) (i32.const 6) (i32.const 200))
    (local.set $second (i32.load (i32.const 204)))
    (call $swap (local.get $first) (i32.const 16) (i32.const 1) (i32.const 220))
    (if (i32.load8_u (i32.const 220)) (then unreachable))
    ;; Too late: it gives a handle that knows the new value.
    (call $swap (local.get $second) (i32.const 16) (i32.const 2) (i32.const 220))
    (if (i32.eqz (i32.load8_u (i32.const 220))) (then unreachable))
    (if (i32.ne (i32.load8_u (i32.const 224)) (i32.const 1)) (then unreachable))
    (call $swap (i32.load (i32.const 228)) (i32.const 16) (i32.const 3) (i32.const 220))
    (if (i32.load8_u (i32.const 220)) (then unreachable))
    (call $good (i64.const 7)))
  (func (export "setting") (param i32 i32) (result i32)
    (call $config (local.get 0) (local.get 1) (i32.const 400))
    (if (i32.load8_u (i32.const 400)) (then unreachable))
    (i32.const 404))
  (func (export "say") (param i32 i32 i32 i32)
    (call $log (i32.const 2) (local.get 0) (local.get 1) (local.get 2) (local.get 3))))
)";

class EdgeComponentTest : public testing::Test {
 protected:
  EdgeComponentTest() {
    namespace fs = std::filesystem;
    fs::create_directories(folder_.path() + "/wit");
    fs::copy(test::root_path("wit/edge/deps"), folder_.path() + "/wit/deps");
    folder_.write("wit/world.wit", kWorld);
    std::string core = folder_.write("core.wat", kGuest);
    component_ = folder_.path() + "/guest.wasm";
    sedge({"component", "embed", "--wit", folder_.path() + "/wit", "--world", "guest", core, "-o",
           folder_.path() + "/core.wasm"});
    test::Outcome made =
        sedge({"component", "new", folder_.path() + "/core.wasm", "-o", component_});
    EXPECT_EQ(made.status, 0) << made.err;
  }
  test::Outcome sedge(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), test::program_path().string());
    return test::run_program(arguments);
  }
  test::Outcome run(std::vector<std::string> options, const std::string& call) {
    options.insert(options.begin(), "run");
    options.insert(options.end(), {"--invoke", call, component_});
    return sedge(std::move(options));
  }
  /// What a call prints; its error if it fails.
  std::string result(std::vector<std::string> options, const std::string& call) {
    test::Outcome outcome = run(std::move(options), call);
    return outcome.status == 0 ? outcome.out : outcome.err;
  }
  /// A file for kept values; empty where this build has none.
  std::string file() {
    std::string path = folder_.path() + "/kept.db";
    test::Outcome outcome = run({"--keyvalue", path}, "count(\"probe\")");
    return outcome.err.find("SQLite") != std::string::npos ? std::string() : path;
  }

  test::TempFolder folder_;
  std::string component_;
};

TEST_F(EdgeComponentTest, IsToldWhichOptionGivesAStore) {
  test::Outcome outcome = run({}, "count(\"n\")");
  EXPECT_NE(outcome.status, 0);
  EXPECT_NE(outcome.err.find("`wasi:keyvalue/"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("the component was given no key-value store"), std::string::npos);
  EXPECT_NE(outcome.err.find("--keyvalue FILE gives it one"), std::string::npos);
  outcome = sedge({"inspect", component_});
  EXPECT_NE(outcome.out.find("--keyvalue FILE"), std::string::npos) << outcome.out << outcome.err;
  outcome = sedge({"serve", "--strict", "--listen", "127.0.0.1:0", component_});
  EXPECT_NE(outcome.status, 0);
  EXPECT_NE(outcome.err.find("--keyvalue FILE"), std::string::npos) << outcome.err;
}

TEST_F(EdgeComponentTest, KeepsValuesInMemoryForOneRun) {
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(result({"--keyvalue", "memory"}, "count(\"n\")"), "ok(1)\n");
  EXPECT_EQ(result({"-S", "keyvalue"}, "count(\"n\")"), "ok(1)\n");
  EXPECT_EQ(result({"--keyvalue", "memory"}, "race()"), "ok(7)\n");
}

TEST_F(EdgeComponentTest, KeepsValuesInAFileForTheNextRun) {
  std::string kept = file();
  if (kept.empty()) GTEST_SKIP() << "this build keeps no values in files";
  EXPECT_EQ(result({"--keyvalue", kept}, "count(\"n\")"), "ok(1)\n");
  EXPECT_EQ(result({"--keyvalue", kept}, "count(\"n\")"), "ok(2)\n");
  EXPECT_EQ(result({"--keyvalue", kept}, "count(\"m\")"), "ok(1)\n");
  EXPECT_EQ(result({"--keyvalue", kept}, "race()"), "ok(7)\n");
}

TEST_F(EdgeComponentTest, TwoProcessesUseOneFile) {
  std::string kept = file();
  if (kept.empty()) GTEST_SKIP() << "this build keeps no values in files";
  auto count = [&] {
    for (int i = 0; i < 8; ++i) {
      test::Outcome outcome = run({"--keyvalue", kept}, "count(\"n\")");
      EXPECT_TRUE(outcome.out.starts_with("ok(")) << outcome.out << outcome.err;
    }
  };
  std::thread other(count);
  count();
  other.join();
  EXPECT_EQ(result({"--keyvalue", kept}, "count(\"n\")"), "ok(17)\n");
}

TEST_F(EdgeComponentTest, RefusesWhatIsTooLong) {
  const std::vector<std::string> memory = {"--keyvalue", "memory"};
  const std::string key(1025, 'k'), bucket(257, 'b');
  EXPECT_EQ(result(memory, fmt::format("count(\"{}\")", key)),
            "err(\"the key has 1025 bytes, at most 1024 are kept\")\n");
  EXPECT_EQ(result(memory, fmt::format("keep(\"{}\", \"k\", 1)", bucket)),
            "err(\"the bucket's name has 257 bytes, at most 256 are kept\")\n");
  EXPECT_EQ(result(memory, "keep(\"b\", \"k\", 4194304)"), "ok(4194304)\n");
  EXPECT_EQ(result(memory, "keep(\"b\", \"k\", 4194305)"),
            "err(\"the value has 4194305 bytes, at most 4194304 are kept\")\n");
  // A length that leads out of the guest's memory is a trap, not the host's business.
  EXPECT_NE(run(memory, "keep(\"b\", \"k\", 4294967295)").status, 0);
}

TEST_F(EdgeComponentTest, CountsOnlyNumbers) {
  EXPECT_EQ(result({"--keyvalue", "memory", "-S", "keyvalue-in-memory-data=n=x"}, "race()"),
            "ok(7)\n");
  std::string kept = file();
  if (kept.empty()) GTEST_SKIP() << "this build keeps no values in files";
  EXPECT_EQ(result({"--keyvalue", kept}, "keep(\"counts\", \"n\", 3)"), "ok(3)\n");
  EXPECT_EQ(result({"--keyvalue", kept}, "count(\"n\")"),
            "err(\"the value is no number in decimal digits\")\n");
  EXPECT_EQ(run({"--keyvalue", kept, "-S", "keyvalue-in-memory-data=a=b"}, "race()").status, 2);
}

TEST_F(EdgeComponentTest, ReadsItsConfiguration) {
  std::string values = folder_.write("values", "# comment\n\n  from = file\nboth=file\r\n");
  std::vector<std::string> options = {"-S",
                                      "keyvalue,config-var=theirs=a=b",
                                      "--config",
                                      "ours=1",
                                      "--config",
                                      "both=option",
                                      "--config-file",
                                      values};
  EXPECT_EQ(result(options, "setting(\"ours\")"), "some(\"1\")\n");
  EXPECT_EQ(result(options, "setting(\"theirs\")"), "some(\"a=b\")\n");
  EXPECT_EQ(result(options, "setting(\"both\")"), "some(\"option\")\n");
  EXPECT_EQ(result(options, "setting(\"from \")"), "some(\" file\")\n");
  EXPECT_EQ(result(options, "setting(\"HOME\")"), "none\n");
  EXPECT_EQ(run({"--config", "nothing"}, "race()").status, 2);
  std::string bad = folder_.write("bad", "a=b\nnothing\n");
  test::Outcome outcome = run({"--config-file", bad}, "race()");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.err.find(bad + ":2: it is not NAME=VALUE"), std::string::npos) << outcome.err;
}

TEST_F(EdgeComponentTest, LogsOnStandardError) {
  test::Outcome outcome =
      run({"-S", "keyvalue"}, R"(say("shop", "\u{1b}[31mred\nINFO: not this line"))");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "INFO shop: \\x1b[31mred\\nINFO: not this line\n");
}

TEST_F(EdgeComponentTest, UnderstandsWasmtime) {
  auto wasmtime = [&](const std::string& list, const std::string& call) {
    return sedge({"--as", "wasmtime", "run", "-S", list, "--invoke", call, component_}).out;
  };
  EXPECT_EQ(wasmtime("config,config-var=a=b,keyvalue", "setting(\"a\")"), "some(\"b\")\n");
  EXPECT_EQ(wasmtime("keyvalue,keyvalue-in-memory-data=k=v", "race()"), "ok(7)\n");
}

}  // namespace
}  // namespace sedge
