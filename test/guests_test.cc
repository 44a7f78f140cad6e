// Real programs print what they should: those of ../shared/bench and ../shared/guests with their
// expected output, and the reference document's. The long ones run on the tiers that are fast at
// them; on the interpreter, and through the optimising compiler, where SEDGE_LONG_GUESTS=1 is set
// (make test LONG=1).
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "program.h"
#include "tiers.h"

namespace sedge::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> programs() {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(shared_path("bench/programs"), error))
    out.push_back(entry.path().filename().string());
  std::ranges::sort(out);
  return out;
}

/// Whether the test at hand, which takes long on the interpreter, is to be skipped.
bool skip_long() { return std::getenv("SEDGE_LONG_GUESTS") == nullptr; }
constexpr const char* kWhyNotOptimised = "takes long to optimise; make test LONG=1 runs it";
constexpr const char* kWhySkipped = "takes long on the interpreter; make test LONG=1 runs it";

bool is_long(const std::string& name) {
  for (const char* each : {"shootout-ed25519", "shootout-seqhash", "shootout-base64",
                           "shootout-heapsort", "shootout-matrix", "shootout-minicsv"})
    if (name == each) return true;
  return false;
}

/// `sedge run` on a tier.
std::vector<std::string> run_on(const TierCase& tier, const std::vector<std::string>& rest) {
  std::string name = tier.tier == Tier::automatic ? "auto" : tier.name;
  std::vector<std::string> argv = {
      program_path(), "run", "--tier", name, "--tier-threshold", std::to_string(tier.threshold)};
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

class BenchProgram : public testing::TestWithParam<std::tuple<std::string, TierCase>> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BenchProgram);

TEST_P(BenchProgram, PrintsWhatItShould) {
  const auto& [name, tier] = GetParam();
  if (tier.tier == Tier::interp && is_long(name) && skip_long()) GTEST_SKIP() << kWhySkipped;
  if (tier.tier == Tier::llvm && name == "tinygo-json" && skip_long())
    GTEST_SKIP() << kWhyNotOptimised;
  fs::path folder = shared_path("bench/programs") / name;
  Outcome outcome = run_program(
      run_on(tier, {"--dir", ".", "--max-memory", "1GiB", name + ".wasm"}), {}, folder.string());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const char* file : {"stdout.expected", ".stdout.expected"}) {
    fs::path expected = folder / (file[0] == '.' ? name + file : std::string(file));
    if (fs::exists(expected)) EXPECT_EQ(outcome.out, read(expected));
  }
}
std::string program_test_name(
    const testing::TestParamInfo<std::tuple<std::string, TierCase>>& info) {
  std::string name = std::get<0>(info.param) + "_" + std::get<1>(info.param).name;
  std::ranges::replace(name, '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Shared, BenchProgram,
                         testing::Combine(testing::ValuesIn(programs()),
                                          testing::ValuesIn(all_tiers())),
                         program_test_name);

class ReferenceGuests : public testing::TestWithParam<TierCase> {};
INSTANTIATE_TEST_SUITE_P(Tiers, ReferenceGuests, testing::ValuesIn(all_tiers()),
                         [](const auto& info) { return info.param.name; });

std::string guest(const std::string& name) { return shared_path("guests/wasm") / name; }

/// A program of ../shared/guests that checks itself: what its output ends with.
struct LongGuest {
  const char* name;
  const char* module;
  std::vector<std::string> args;
  const char* folder;    ///< of the shared ones, given as /w; "": an empty one; null: none
  const char* last;      ///< the last line, or
  const char* expected;  ///< the file that has it, and
  int line;              ///< where
};

// ctest shows the parameter; the object's bytes would differ from run to run.
void PrintTo(const LongGuest& guest, std::ostream* out) { *out << guest.name; }

class LongGuests : public testing::TestWithParam<std::tuple<LongGuest, TierCase>> {};

TEST_P(LongGuests, PrintWhatTheyShould) {
  const auto& [guest, tier] = GetParam();
  fs::path module = shared_path("guests") / guest.module;
  if (!fs::exists(module)) GTEST_SKIP() << "no guests: " << module << " is missing";
  if (tier.tier == Tier::interp && skip_long()) GTEST_SKIP() << kWhySkipped;
  if (tier.tier == Tier::llvm && skip_long()) GTEST_SKIP() << kWhyNotOptimised;
  TempFolder empty;
  std::vector<std::string> words = run_on(tier, {});
  if (guest.folder) {
    words.emplace_back("--dir");
    words.push_back(
        (*guest.folder ? shared_path("guests") / guest.folder : fs::path(empty.path())).string() +
        "::/w");
  }
  words.push_back(module);
  words.insert(words.end(), guest.args.begin(), guest.args.end());
  Outcome outcome = run_program(words);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::string want = guest.last ? guest.last : "";
  if (!guest.last) {
    std::ifstream file(shared_path("guests/expected") / guest.expected);
    for (int i = 0; i < guest.line; ++i) std::getline(file, want);
  }
  while (outcome.out.ends_with('\n')) outcome.out.pop_back();
  EXPECT_EQ(outcome.out.substr(outcome.out.rfind('\n') + 1), want);
}

const LongGuest kLongGuests[] = {
    {"kernels", "wasm/c_kernels.wasm", {"all", "1"}, nullptr, "i64      fffffffcc76468a1", "", 0},
    {"kernels_clang22",
     "wasm/c_kernels_clang22.wasm",
     {"all", "1"},
     nullptr,
     "i64      fffffffcc76468a1",
     "",
     0},
    {"kernels_simd",
     "wasm/c_kernels_simd.wasm",
     {"all", "1"},
     nullptr,
     "i64      fffffffcc76468a1",
     "",
     0},
    {"kernels_x4", "wasm/c_kernels.wasm", {"all", "4"}, nullptr, nullptr, "kernels_x4.txt", 1},
    {"sqlite", "wasm/sqlite_cli.wasm", {"/w"}, "", "checksum e60be88562a53993", "", 0},
    {"lua", "wasm/lua_cli.wasm", {"/w/bench.lua"}, "src/lua", nullptr, "lua.txt", 1},
    {"lua_eh", "wasm/lua_cli_eh.wasm", {"/w/bench.lua", "eh"}, "src/lua", nullptr, "lua.txt", 2},
    {"zstd", "wasm/zstd_bench.wasm", {"/w"}, "", nullptr, "zstd.txt", 1},
    {"quickjs", "wasm/qjs.wasm", {"/w/bench.js"}, "src/quickjs", nullptr, "qjs.txt", 1},
    {"cpp", "wasm/cpp_bench.wasm", {"12"}, nullptr, nullptr, "cpp12.txt", 1},
    {"gojson", "wasm/gojson.wasm", {"-gen", "30000"}, nullptr, "checksum 3f05d24eb4396422", "", 0},
    {"rust", "wasm/rust_bench.wasm", {}, nullptr, nullptr, "rb.txt", 1},
    {"rust_files", "wasm/rust_bench.wasm", {"/w"}, "", "fs sum 737512", "", 0},
    {"php",
     "big/php-cgi-8.2.0.wasm",
     {"-q", "/w/bench.php"},
     "big",
     "php 8.2.0 checksum dea1a8",
     "",
     0},
};
INSTANTIATE_TEST_SUITE_P(Shared, LongGuests,
                         testing::Combine(testing::ValuesIn(kLongGuests),
                                          testing::ValuesIn(all_tiers())),
                         [](const auto& info) {
                           return std::get<0>(info.param).name +
                                  ("_" + std::get<1>(info.param).name);
                         });

// Components of other tool chains: Go, QuickJS, Python, of WASI 0.2 and 0.3. That of QuickJS for
// 0.3 writes after its `run` has returned.
TEST_P(ReferenceGuests, LargeComponentsRun) {
  if (GetParam().tier == Tier::llvm && skip_long()) GTEST_SKIP() << kWhyNotOptimised;
  constexpr std::pair<const char*, const char*> kComponents[] = {
      {"go-hello-p2", "hello from go [a b]\n"},
      {"qjs-cli-p2", "hello from qjs [\"qjs-cli-p2.wasm\",\"a\",\"b\"]\n"},
      {"qjs-cli-p3", "hello from qjs p3 [\"qjs-cli-p3.wasm\",\"a\",\"b\"]\n"},
      {"py-cli-p3", "hello p3 ['py-cli-p3.wasm', 'a', 'b']\n"},
  };
  for (const auto& [name, printed] : kComponents) {
    fs::path component = shared_path("guests/components") / (std::string(name) + ".wasm");
    if (!fs::exists(component)) GTEST_SKIP() << "no guests: " << component << " is missing";
    Outcome outcome = run_program(run_on(GetParam(), {component, "a", "b"}));
    EXPECT_EQ(outcome.status, 0) << name << outcome.err;
    EXPECT_EQ(outcome.out, printed) << name;
  }
}

TEST_P(ReferenceGuests, AnswerAsTheDocumentSays) {
  if (!fs::exists(guest("p5_edge_function.wasm")))
    GTEST_SKIP() << "no guests: " << shared_path("") << " is missing";
  Outcome edge = run_program(
      run_on(GetParam(), {guest("p5_edge_function.wasm")}),
      R"({"request_id":"req-001","source_ip":"10.0.0.1","path":"/api/geo","method":"GET",)"
      R"("headers":{"x-edge-region":"cn-north"},"body":null,"query_params":{}})"
      "\n");
  EXPECT_EQ(edge.status, 0) << edge.err;
  EXPECT_EQ(edge.out, R"({"status_code":302,"headers":{"Location":"https://cn-north.example.com"},)"
                      R"("body":{"redirect":"https://cn-north.example.com","region":"cn-north"},)"
                      R"("cache_control":"no-cache","edge_cache_ttl":0})"
                      "\n");
  Outcome container =
      run_program(run_on(GetParam(), {guest("p3_container_service.wasm"), "process"}),
                  R"({"service":"json-transform","operation":"x",)"
                  R"("params":{"op":"keys","input":{"a":1,"b":2}}})"
                  "\n");
  EXPECT_EQ(container.status, 0) << container.err;
  EXPECT_EQ(container.out,
            R"({"success":true,"result":["a","b"],"runtime":"wasmer-4.3","memory_peak_mb":12.5})"
            "\n");
}

TEST_P(ReferenceGuests, MisbehaviourIsEndedByName) {
  std::string guest_path = guest("misbehave.wasm");
  if (!fs::exists(guest_path)) GTEST_SKIP() << "no guests: " << shared_path("") << " is missing";
  struct Case {
    const char* mode;
    int status;
    const char* words;
  };
  for (const Case& c : {
           Case{"loop", 134, "error: wall-clock deadline exceeded"},
           Case{"wstack", 134, "error: call stack exhausted"},
           Case{"unreachable", 134, "error: unreachable"},
           Case{"div0", 134, "error: integer divide by zero"},
           Case{"oob", 134, "error: out of bounds memory access"},
           Case{"badcall", 134, "error: indirect call type mismatch"},
           Case{"grow", 3, "the limit is 16 MiB; raise --max-memory"},
           Case{"exit", 42, ""},
       }) {
    const char* timeout = c.mode == std::string_view("loop") ? "3s" : "10m";
    Outcome outcome = run_program(
        run_on(GetParam(), {"--timeout", timeout, "--max-memory", "16MiB", guest_path, c.mode}));
    EXPECT_EQ(outcome.status, c.status) << c.mode << ": " << outcome.err;
    EXPECT_NE(outcome.err.find(c.words), std::string::npos) << c.mode << ": " << outcome.err;
  }
}

}  // namespace
}  // namespace sedge::test
