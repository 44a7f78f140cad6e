// Runs the official WASI test suite by its JSON specifications, in a private copy of its root
// folder: each program of wasm32-wasip1 and wasm32-wasip3 once through the C++ API and once through
// `sedge run`; each of wasm32-wasip1 also as the component that `sedge component new` makes of it.
// Programs that use sockets get this machine's own network, and a peer of the test where the
// specification has one.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sedge/sedge.h>
#include <sedge/wasi.h>
#include <sedge/wasi_component.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "base/fd.h"
#include "base/test_paths.h"
#include "json_value.h"
#include "net/address.h"
#include "net/test_client.h"
#include "wasi/os/dir.h"

namespace sedge {
namespace {

namespace fs = std::filesystem;

fs::path suite_dir() { return test::shared_path("suites/wasi"); }

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
  std::string in;
  std::optional<std::string> out, err;
  bool network = false;  // it uses sockets
  // A peer that connects to the address on the first line of the output, sends and expects.
  bool peer = false;
  std::string sent, received;
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
  out.network = program.name.find("_sockets_") != std::string::npos;
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
    else if (type == "connect")
      out.peer = true;
    else if (type == "send")
      out.sent += operation.text_or("payload", "");
    else if (type == "recv")
      out.received += operation.text_or("payload", "");
    else if (type == "write")  // what it writes in answer to its input is all the same
      out.in += operation.text_or("payload", "");
    else
      ADD_FAILURE() << path << ": an operation that this does not know: " << type;
  }
  return out;
}

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

/// What the peer of a test does, on a thread of its own: `output` gives what the program has
/// printed so far. Returns what it received.
std::string be_peer(const Expectation& expected, const std::function<std::string()>& output) {
  constexpr int kTries = 12'000;  // for two minutes
  std::string line;
  for (int tries = 0; tries < kTries && line.find('\n') == std::string::npos; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    line = output();
  }
  auto address = net::Address::parse(line.substr(0, line.find('\n')));
  if (!address) return "no address: " + line;
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &net::kTestPatience,
               sizeof net::kTestPatience);
  // The program prints where it will listen.
  for (int tries = 0; ::connect(socket.get(), address->get(), address->size()) != 0; ++tries) {
    if (tries == kTries) return "no connection";
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (::send(socket.get(), expected.sent.data(), expected.sent.size(), MSG_NOSIGNAL) < 0)
    return "cannot send";
  std::string received;
  char bytes[256];
  while (received.size() < expected.received.size()) {
    ssize_t count = ::recv(socket.get(), bytes, sizeof bytes, 0);
    if (count <= 0) break;
    received.append(bytes, static_cast<size_t>(count));
  }
  return received;
}

/// Runs `body` beside the peer, if there is one.
template <typename Body>
auto with_peer(const Expectation& expected, const std::function<std::string()>& output,
               const Body& body) {
  std::string received = expected.received;
  std::thread peer;
  if (expected.peer) peer = std::thread([&] { received = be_peer(expected, output); });
  auto result = body();
  if (peer.joinable()) peer.join();
  EXPECT_EQ(received, expected.received);
  return result;
}

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

Result<int> run_module(const Engine& engine, const Case& test,
                       std::shared_ptr<wasi::Context> context) {
  SEDGE_TRY_ASSIGN(Module module, Module::from_file(engine, test.wasm.string()));
  Linker linker(engine);
  SEDGE_TRY(wasi::link(engine, linker, module));
  Store store(engine);
  SEDGE_TRY_ASSIGN(Instance instance,
                   wasi::instantiate(engine, store, linker, module, std::move(context)));
  return wasi::run(store, instance);
}

Result<int> run_component(const Engine& engine, const Case& test,
                          std::shared_ptr<wasi::Context> context) {
  std::string bytes = text_of(test.wasm);
  SEDGE_TRY_ASSIGN(Component component,
                   Component::from_binary(
                       engine, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
  ComponentLinker linker;
  wasi::link(linker);
  Store store(engine);
  store.set_data(std::move(context));
  SEDGE_TRY_ASSIGN(ComponentInstance instance, linker.instantiate(store, component));
  return wasi::run(store, instance);
}

Result<Outcome> run_in_process(const Case& test, const Expectation& expected,
                               const Scratch& scratch, bool walk) {
  SEDGE_TRY_ASSIGN(Engine engine, Engine::create());
  wasi::Config config;
  config.input = expected.in;
  config.args = {test.wasm.filename().string()};
  config.args.insert(config.args.end(), expected.args.begin(), expected.args.end());
  config.env = expected.env;
  std::mutex mutex;
  std::string out;
  config.output = wasi::OutputCallback([&](std::string_view bytes) {
    std::lock_guard lock(mutex);
    out += bytes;
    return true;
  });
  auto err = std::make_shared<wasi::Capture>();
  config.error = err;
  if (expected.network) {
    SEDGE_TRY_ASSIGN(config.reach, wasi::make_network({.all_tcp = true, .all_udp = true}));
  }
  if (!expected.root.empty()) {
    config.preopens.push_back({scratch.root().string(), "/"});
    if (walk) config.preopens.back().dir = walked(scratch.root());
  }
  SEDGE_TRY_ASSIGN(auto context, wasi::Context::create(std::move(config)));
  bool component = test.wasm.parent_path().filename() == "wasm32-wasip3";
  auto output = [&] {
    std::lock_guard lock(mutex);
    return out;
  };
  Result<int> status = with_peer(expected, output, [&] {
    return component ? run_component(engine, test, std::move(context))
                     : run_module(engine, test, std::move(context));
  });
  if (!status) return fail(std::move(status).error().with_context(err->data));
  return Outcome{*status, out, err->data};
}

/// Runs `words`, the program itself first, on `input`; its output goes to files of `scratch`.
Outcome run_words(std::vector<std::string> words, const Scratch& scratch,
                  std::string_view input = {}) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string out = (scratch.path() / "stdout").string(),
              err = (scratch.path() / "stderr").string();
  std::string in = (scratch.path() / "stdin").string();
  std::ofstream(in, std::ios::binary) << input;
  pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open(in.c_str(), O_RDONLY), 0);
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

Outcome run_program(const fs::path& wasm, const Expectation& expected, const Scratch& scratch) {
  std::vector<std::string> words = {test::program_path(), "run"};
  if (!expected.root.empty()) {
    words.push_back("--dir");
    words.push_back(scratch.root().string() + "::/");
  }
  for (const auto& [name, value] : expected.env) {
    words.push_back("--env");
    words.push_back(name + "=" + value);
  }
  if (expected.network) words.push_back("--network");
  words.push_back(wasm.string());
  words.insert(words.end(), expected.args.begin(), expected.args.end());
  auto output = [&] { return text_of(scratch.path() / "stdout"); };
  return with_peer(expected, output,
                   [&] { return run_words(std::move(words), scratch, expected.in); });
}

void check(const Expectation& expected, const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, expected.exit_code) << "stdout:\n"
                                                   << outcome.out << "stderr:\n"
                                                   << outcome.err;
  if (expected.out) EXPECT_EQ(outcome.out, *expected.out);
  if (expected.err) EXPECT_EQ(outcome.err, *expected.err);
}

/// Whether this machine has [::1], as a container need not.
bool has_ipv6() {
  const net::Address any = *net::Address::parse("[::1]:0");
  Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::bind(socket.get(), any.get(), any.size()) == 0;
}

class WasiSuite : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const std::string& name = GetParam().name;
    const bool both_versions = name.find("_sockets_") != std::string::npos &&
                               !name.ends_with("_echo") && !name.ends_with("_properties");
    if (both_versions && !has_ipv6()) GTEST_SKIP() << "the program uses [::1] too";
  }
};

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
  if (!fs::exists(test::program_path())) GTEST_SKIP() << "no program at " << test::program_path();
  Expectation expected = expectation(GetParam());
  Scratch scratch(GetParam(), expected);
  check(expected, run_program(GetParam().wasm, expected, scratch));
}

class WasiSuiteAsComponents : public WasiSuite {};

TEST_P(WasiSuiteAsComponents, CommandLine) {
  if (!fs::exists(test::program_path())) GTEST_SKIP() << "no program at " << test::program_path();
  Expectation expected = expectation(GetParam());
  Scratch scratch(GetParam(), expected);
  fs::path component = scratch.path() / GetParam().wasm.filename();
  Outcome made = run_words({test::program_path(), "component", "new", GetParam().wasm.string(),
                            "-o", component.string()},
                           scratch);
  if (made.err.find("has no adapter") != std::string::npos) GTEST_SKIP() << made.err;
  ASSERT_EQ(made.exit_code, 0) << made.err;
  check(expected, run_program(component, expected, scratch));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WasiSuite);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WasiSuiteAsComponents);
INSTANTIATE_TEST_SUITE_P(Preview1, WasiSuite, testing::ValuesIn(find_cases("wasm32-wasip1")),
                         [](const auto& param) { return param.param.name; });
INSTANTIATE_TEST_SUITE_P(Preview1, WasiSuiteAsComponents,
                         testing::ValuesIn(find_cases("wasm32-wasip1")),
                         [](const auto& param) { return param.param.name; });

/// Those of WASI 0.3; others serve or send HTTP (wasi_http_suite_test.cc).
std::vector<Case> preview3_cases() {
  std::vector<Case> out = find_cases("wasm32-wasip3");
  std::erase_if(out, [](const Case& program) {
    return program.name.starts_with("rust_http_client") ||
           program.name.starts_with("rust_http_service");
  });
  return out;
}
INSTANTIATE_TEST_SUITE_P(Preview3, WasiSuite, testing::ValuesIn(preview3_cases()),
                         [](const auto& param) { return param.param.name; });

TEST(WasiSuiteFolder, IsThere) {
  if (!fs::exists(suite_dir())) GTEST_SKIP() << "missing: " << suite_dir();
  EXPECT_EQ(find_cases("wasm32-wasip1").size(), 72u);
  EXPECT_GE(preview3_cases().size(), 30U);
}

}  // namespace
}  // namespace sedge
