// Real programs print what they should: those of ../shared/bench with their expected output, and
// the reference document's. The long ones take minutes on the interpreter; SEDGE_LONG_GUESTS=1 runs
// them.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "program.h"

namespace sedge::test {
namespace {

namespace fs = std::filesystem;

std::string shared() {
  const char* value = std::getenv("SEDGE_SHARED");
  return value ? value : SEDGE_SHARED_DIR;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> programs() {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(shared() + "/bench/programs", error))
    out.push_back(entry.path().filename().string());
  std::ranges::sort(out);
  return out;
}

bool is_long(const std::string& name) {
  for (const char* each : {"shootout-ed25519", "shootout-seqhash", "shootout-keccak",
                           "shootout-base64", "shootout-gimli", "shootout-heapsort",
                           "shootout-matrix", "shootout-minicsv", "shootout-nestedloop"})
    if (name == each) return true;
  return false;
}

class BenchProgram : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BenchProgram);

TEST_P(BenchProgram, PrintsWhatItShould) {
  if (is_long(GetParam()) && std::getenv("SEDGE_LONG_GUESTS") == nullptr)
    GTEST_SKIP() << "takes long on the interpreter; SEDGE_LONG_GUESTS=1 runs it";
  fs::path folder = fs::path(shared()) / "bench" / "programs" / GetParam();
  Outcome outcome = run_program(
      {sedge_program(), "run", "--dir", ".", "--max-memory", "1GiB", GetParam() + ".wasm"}, {},
      folder.string());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const char* name : {"stdout.expected", ".stdout.expected"}) {
    fs::path expected = folder / (name[0] == '.' ? GetParam() + name : std::string(name));
    if (fs::exists(expected)) EXPECT_EQ(outcome.out, read(expected));
  }
}
INSTANTIATE_TEST_SUITE_P(Shared, BenchProgram, testing::ValuesIn(programs()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

std::string guest(const std::string& name) { return shared() + "/guests/wasm/" + name; }

TEST(ReferenceGuests, AnswerAsTheDocumentSays) {
  if (!fs::exists(guest("p5_edge_function.wasm")))
    GTEST_SKIP() << "no guests: " << shared() << " is missing";
  Outcome edge = run_program(
      {sedge_program(), "run", guest("p5_edge_function.wasm")},
      R"({"request_id":"req-001","source_ip":"10.0.0.1","path":"/api/geo","method":"GET",)"
      R"("headers":{"x-edge-region":"cn-north"},"body":null,"query_params":{}})"
      "\n");
  EXPECT_EQ(edge.status, 0) << edge.err;
  EXPECT_EQ(edge.out, R"({"status_code":302,"headers":{"Location":"https://cn-north.example.com"},)"
                      R"("body":{"redirect":"https://cn-north.example.com","region":"cn-north"},)"
                      R"("cache_control":"no-cache","edge_cache_ttl":0})"
                      "\n");
  Outcome container =
      run_program({sedge_program(), "run", guest("p3_container_service.wasm"), "process"},
                  R"({"service":"json-transform","operation":"x",)"
                  R"("params":{"op":"keys","input":{"a":1,"b":2}}})"
                  "\n");
  EXPECT_EQ(container.status, 0) << container.err;
  EXPECT_EQ(container.out,
            R"({"success":true,"result":["a","b"],"runtime":"wasmer-4.3","memory_peak_mb":12.5})"
            "\n");
}

TEST(ReferenceGuests, MisbehaviourIsEndedByName) {
  std::string guest_path = guest("misbehave.wasm");
  if (!fs::exists(guest_path)) GTEST_SKIP() << "no guests: " << shared() << " is missing";
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
    Outcome outcome = run_program(
        {sedge_program(), "run", "--timeout", "3s", "--max-memory", "16MiB", guest_path, c.mode});
    EXPECT_EQ(outcome.status, c.status) << c.mode << ": " << outcome.err;
    EXPECT_NE(outcome.err.find(c.words), std::string::npos) << c.mode << ": " << outcome.err;
  }
}

}  // namespace
}  // namespace sedge::test
