// Runs the official WASI test suite by its JSON specifications: each program of wasm32-wasip1 once
// through the C++ API and once through `sedge run`, in a private copy of its root folder.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sedge/sedge.h>
#include <sedge/wasi.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "json_value.h"
#include "wasi/os/dir.h"

namespace sedge {
namespace {

namespace fs = std::filesystem;

fs::path shared_dir() {
  const char* env = ::getenv("SEDGE_SHARED");
  return env ? env : SEDGE_SHARED_DIR;
}
fs::path suite_dir() { return shared_dir() / "suites/wasi"; }
std::string sedge_binary() {
  const char* env = ::getenv("SEDGE_BIN");
  return env ? env : SEDGE_BIN_PATH;
}

/// One program and what is expected of it.
struct Case {
  fs::path wasm;
  std::string name;
  friend void PrintTo(const Case& program, std::ostream* out) { *out << program.name; }
};

std::vector<Case> find_cases(const std::string& target) {
  std::vector<Case> out;
  std::error_code error;
  for (const char* language : {"assemblyscript", "c", "rust"})
    for (const auto& entry : fs::directory_iterator(suite_dir() / language / target, error))
      if (entry.path().extension() == ".wasm") {
        std::string name = language + ("_" + entry.path().stem().string());
        std::ranges::replace_if(name, [](char c) { return !::isalnum(c); }, '_');
        out.push_back({entry.path(), name});
      }
  std::ranges::sort(out, {}, &Case::name);
  return out;
}

struct Expectation {
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string root;  // folder beside the program; empty: none
  int exit_code = 0;
  std::optional<std::string> out, err;
};

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The fields of a `run` operation, which the older form has at its top.
void read_run(const test::Json& json, Expectation& out) {
  if (auto* args = json.find("args"))
    for (const auto& arg : args->items) out.args.push_back(arg.text);
  if (auto* env = json.find("env"))
    for (size_t i = 0; i < env->keys.size(); ++i)
      out.env.push_back({env->keys[i], env->items[i].text});
  out.root = json.text_or("root", out.root);
}

Expectation expectation(const Case& program) {
  Expectation out;
  fs::path path = fs::path(program.wasm).replace_extension(".json");
  if (!fs::exists(path)) return out;
  auto json = test::JsonParser::parse(text_of(path));
  EXPECT_TRUE(json.has_value()) << path;
  if (!json) return out;
  auto read_exit = [&](const test::Json& at) {
    if (auto* code = at.find("exit_code")) out.exit_code = static_cast<int>(code->number);
  };
  auto* operations = json->find("operations");
  if (!operations) {
    read_run(*json, out);
    read_exit(*json);
    if (auto* text = json->find("stdout")) out.out = text->text;
    if (auto* text = json->find("stderr")) out.err = text->text;
    return out;
  }
  for (const test::Json& operation : operations->items) {
    std::string type = operation.text_or("type", "");
    if (type == "run")
      read_run(operation, out);
    else if (type == "wait")
      read_exit(operation);
    else if (type == "read")
      (operation.text_or("id", "stdout") == "stderr" ? out.err : out.out) =
          operation.text_or("payload", "");
    else
      ADD_FAILURE() << path << ": no WASI 0.1 program has the operation " << type;
  }
  return out;
}

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

/// A copy of the case's root folder that its program may change, removed at the end.
class Scratch {
 public:
  Scratch(const Case& test, const Expectation& expected) {
    char name[] = "/tmp/sedge-wasi-XXXXXX";
    path_ = ::mkdtemp(name);
    if (expected.root.empty()) return;
    root_ = path_ / "root";
    fs::copy(test.wasm.parent_path() / expected.root, root_, fs::copy_options::recursive);
    make_writable(root_);
    for (const auto& entry : fs::recursive_directory_iterator(root_)) make_writable(entry.path());
  }
  ~Scratch() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }
  const fs::path& root() const { return root_; }

 private:
  static void make_writable(const fs::path& path) {
    fs::permissions(path, fs::perms::owner_all, fs::perm_options::add);
  }
  fs::path path_, root_;
};

/// The root as a directory that is resolved without openat2.
std::shared_ptr<const wasi::os::Dir> walked(const fs::path& root) {
  Fd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return std::make_shared<const wasi::os::Dir>(std::move(fd), false, wasi::os::Resolver::walk);
}

Result<Outcome> run_in_process(const Case& test, const Expectation& expected,
                               const Scratch& scratch, bool walk) {
  SEDGE_TRY_ASSIGN(Engine engine, Engine::create());
  SEDGE_TRY_ASSIGN(Module module, Module::from_file(engine, test.wasm.string()));
  wasi::Config config;
  config.args = {test.wasm.filename().string()};
  config.args.insert(config.args.end(), expected.args.begin(), expected.args.end());
  config.env = expected.env;
  auto out = std::make_shared<wasi::Capture>();
  auto err = std::make_shared<wasi::Capture>();
  config.output = out;
  config.error = err;
  if (!expected.root.empty()) {
    config.preopens.push_back({scratch.root().string(), "/"});
    if (walk) config.preopens.back().dir = walked(scratch.root());
  }
  SEDGE_TRY_ASSIGN(auto context, wasi::Context::create(std::move(config)));
  Linker linker(engine);
  SEDGE_TRY(wasi::link(engine, linker, module));
  Store store(engine);
  SEDGE_TRY_ASSIGN(Instance instance,
                   wasi::instantiate(engine, store, linker, module, std::move(context)));
  SEDGE_TRY_ASSIGN(int status, wasi::run(store, instance));
  return Outcome{status, out->data, err->data};
}

Outcome run_program(const Case& test, const Expectation& expected, const Scratch& scratch) {
  std::vector<std::string> words = {sedge_binary(), "run"};
  if (!expected.root.empty()) {
    words.push_back("--dir");
    words.push_back(scratch.root().string() + "::/");
  }
  for (const auto& [name, value] : expected.env) {
    words.push_back("--env");
    words.push_back(name + "=" + value);
  }
  words.push_back(test.wasm.string());
  words.insert(words.end(), expected.args.begin(), expected.args.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string out = (scratch.path() / "stdout").string(),
              err = (scratch.path() / "stderr").string();
  pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open("/dev/null", O_RDONLY), 0);
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Outcome outcome;
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = text_of(out);
  outcome.err = text_of(err);
  return outcome;
}

void check(const Expectation& expected, const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, expected.exit_code) << "stdout:\n"
                                                   << outcome.out << "stderr:\n"
                                                   << outcome.err;
  if (expected.out) EXPECT_EQ(outcome.out, *expected.out);
  if (expected.err) EXPECT_EQ(outcome.err, *expected.err);
}

class WasiSuite : public testing::TestWithParam<Case> {};

void run_and_check(const Case& test, bool walk) {
  Expectation expected = expectation(test);
  Scratch scratch(test, expected);
  auto outcome = run_in_process(test, expected, scratch, walk);
  ASSERT_TRUE(outcome.has_value()) << outcome.error().render();
  check(expected, *outcome);
}

TEST_P(WasiSuite, Api) { run_and_check(GetParam(), false); }

TEST_P(WasiSuite, ApiWithoutOpenat2) { run_and_check(GetParam(), true); }

TEST_P(WasiSuite, CommandLine) {
  if (!fs::exists(sedge_binary())) GTEST_SKIP() << "no program at " << sedge_binary();
  Expectation expected = expectation(GetParam());
  Scratch scratch(GetParam(), expected);
  check(expected, run_program(GetParam(), expected, scratch));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WasiSuite);
INSTANTIATE_TEST_SUITE_P(Preview1, WasiSuite, testing::ValuesIn(find_cases("wasm32-wasip1")),
                         [](const auto& param) { return param.param.name; });

TEST(WasiSuiteFolder, IsThere) {
  if (!fs::exists(suite_dir())) GTEST_SKIP() << "missing: " << suite_dir();
  EXPECT_EQ(find_cases("wasm32-wasip1").size(), 72u);
}

TEST(WasiSuiteFolder, Preview3) {
  GTEST_SKIP() << find_cases("wasm32-wasip3").size()
               << " programs for WASI 0.3 are components, which this version does not run";
}

}  // namespace
}  // namespace sedge
