// Types the reference document's commands with nothing but sedge on the path, under its own names
// and under others, and keeps docs/from-the-document.md what they print (BLESS=1 rewrites it).
// SEDGE_REFERENCE=1 shows a line per command.
#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sedge/engine.h>

#include "base/test_paths.h"
#include "net/test_client.h"
#include "program.h"
#include "reference_commands.h"

namespace sedge::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScenarios = R"(- scenario: Edge AI Inference
  cold_start_requirement_ms: 2
  module_size_limit_mb: 10
  target_architectures: [x86_64, aarch64]
  wasi_version: preview1
  needs_ai_inference: true
  team_rust_expertise: true
- scenario: Serverless Function Platform
  cold_start_requirement_ms: 5
  module_size_limit_mb: 20
  target_architectures: [x86_64]
  wasi_version: preview2
  needs_component_model: true
  needs_networking: true
  team_rust_expertise: true
- scenario: Multi-Language Plugin System
  cold_start_requirement_ms: 50
  module_size_limit_mb: 50
  target_architectures: [x86_64, aarch64, riscv64]
  wasi_version: preview1
  needs_component_model: true
  needs_networking: true
)";

// As the document has it, but for the folder of the modules.
constexpr std::string_view kConfigMap = R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: runtime-router-config
data:
  router.yaml: |
    routes:
      - path: /api/ai/*
        runtime: wasmedge
        module: wasm/ai-inference.wasm
        pool_size: 5
        memory_limit_mb: 128

      - path: /api/compose/*
        runtime: wasmtime
        module: wasm/composed.component.wasm
        wasi: preview2
        pool_size: 3

      - path: /api/process/*
        runtime: wasmer
        module: wasm/data-processor.wasm
        backend: cranelift
        pool_size: 10
        memory_limit_mb: 64

      - path: /api/static/*
        runtime: wasmedge
        module: wasm/cache-handler.wasm
        pool_size: 20
        memory_limit_mb: 32
)";

constexpr std::string_view kCalculatorWit = R"(package toolsku:calculator;

interface ops {
    add: func(a: f64, b: f64) -> f64;
    subtract: func(a: f64, b: f64) -> f64;
    multiply: func(a: f64, b: f64) -> f64;
    divide: func(a: f64, b: f64) -> result<f64, string>;
}

world calculator {
    export ops;
}
)";

void write(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

/// How files are called: as in the document, or otherwise.
using Naming = std::string (*)(const std::string&);
std::string as_printed(const std::string& text) { return text; }

/// Whether a command of the document, or the ConfigMap, names that file.
bool is_documents(const std::string& file) {
  auto names = [&](std::string_view text) { return text.find(file) != std::string_view::npos; };
  return names(kConfigMap) || std::ranges::any_of(reference_commands(), [&](const auto& command) {
           return names(command.typed) || names(command.instead);
         });
}

/// The files of the document get other stems; where they lie and what they are stays.
std::string renamed(const std::string& text) {
  static const std::regex kFile(R"(([\w-]+)((?:\.component)?\.(?:wasm|wat|so|json|yaml))\b)");
  std::string out;
  auto last = text.cbegin();
  for (std::sregex_iterator at(text.begin(), text.end(), kFile), end; at != end; ++at) {
    out.append(last, (*at)[0].first);
    last = (*at)[0].second;
    std::string file = (*at)[0];
    if (file != "router.yaml" && is_documents(file)) {  // that one is a key of the ConfigMap
      std::string stem = (*at)[1];
      std::ranges::reverse(stem);
      std::ranges::replace(stem, '-', '0');
      file = "z" + stem + (*at)[2].str();
    }
    out += file;
  }
  return out.append(last, text.cend());
}

bool has_guests() { return fs::exists(shared_path("guests/wasm/p5_edge_function.wasm")); }

class Desk {
 public:
  explicit Desk(Naming naming) : naming_(naming) {
    fs::path folder = folder_.path();
    for (const ReferenceFile& file : reference_files()) {
      fs::path to = folder / naming_(std::string(file.path));
      fs::create_directories(to.parent_path());
      fs::copy_file(shared_path("guests/wasm") / file.guest, to);
    }
    std::string module = read(shared_path("guests/wasm/p5_edge_function.wasm"));
    write_named("corrupted.wasm", std::string_view(module).substr(0, module.size() / 2));
    write_named("missing_import.wat",
                "(module (import \"wasi_snapshot_preview1\" \"fd_wrte\" (func (param i32)))\n"
                "  (func (export \"_start\")))\n");
    write_named("unknown_opcode.wasm",
                std::string_view(
                    "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\7\n\1\6_start\0\0\n\5\1\3\0\xff\x0b", 37));
    write_named("benchmark_input.json", R"({"action":"aggregate","payload":[1,2,3.5]})");
    write_named("scenarios.yaml", kScenarios);
    write_named("wit/calculator.wit", kCalculatorWit);
    write_named("runtime-router-config.yaml", naming_(std::string(kConfigMap)));
    fs::create_directories(folder / "bin");
    fs::create_symlink(program_path(), folder / "bin" / "sedge");
    run_program({program_path().string(), "links", (folder / "bin").string()});
  }

  struct Shown {
    int status = 0;
    std::string text;  ///< what was printed, figures that vary replaced
  };
  Shown type(const ReferenceCommand& command) {
    std::string line =
        naming_(std::string(command.instead.empty() ? command.typed : command.instead));
    if (!command.request.empty() && has(command.needs)) return ask(command, line);
    Outcome outcome = run_program({"sh", "-c", line}, {}, folder_.path(), environment());
    return {outcome.status, settled(outcome.out + outcome.err)};
  }

  /// Whether this build has a part.
  bool has(std::string_view part) {
    if (part.empty()) return true;
    if (part == "components") {
      Outcome version = run_program({program_path().string(), "version", "--json"});
      return version.out.find("\"components\": true") != std::string::npos;
    }
    return run_program({program_path().string(), "help", std::string(part)}).status == 0;
  }

 private:
  void write_named(const std::string& name, std::string_view content) {
    write(fs::path(folder_.path()) / naming_(name), content);
  }
  std::vector<std::string> environment() const {
    const char* path = std::getenv("PATH");
    return {"PATH=" + folder_.path() + "/bin:" + (path ? path : ""), "NO_COLOR=1",
            "SEDGE_WASM_OPT=none", "SEDGE_CACHE=" + folder_.path() + "/cache"};
  }

  /// Times, ports and the program's version.
  static std::string settled(std::string text) {
    text = std::regex_replace(text, std::regex(R"((_us":)\d+)"), "$1N");
    text = std::regex_replace(text, std::regex(R"((http://[0-9.]+:)\d+)"), "$1PORT");
    return std::regex_replace(text, std::regex(SEDGE_VERSION), "VERSION");
  }

  /// Starts a server, asks it and ends it.
  Shown ask(const ReferenceCommand& command, const std::string& line) {
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return {};
    std::string script =
        "exec 2>&1 >/dev/null </dev/null; exec env -u KUBERNETES_SERVICE_HOST -u PORT " +
        std::string(command.env) + " " + line;
    std::vector<std::string> variables = environment();
    pid_t child = ::fork();
    if (child == 0) {
      ::dup2(pipe_ends[1], STDOUT_FILENO);
      if (::chdir(folder_.path().c_str()) != 0) ::_exit(126);
      for (std::string& variable : variables) ::putenv(variable.data());
      ::execlp("sh", "sh", "-c", script.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(pipe_ends[1]);
    std::string text, reply = "no server";
    char buffer[4096];
    for (ssize_t got; (got = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<size_t>(got));
      std::smatch address;
      if (!std::regex_search(text, address, std::regex(R"(listening on http://[0-9.]+:(\d+)\n)")))
        continue;
      reply = request(command.request, address[1]);
      ::kill(child, SIGTERM);
      while ((got = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0) {
      }
      break;
    }
    ::close(pipe_ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            settled(text) + reply};
  }

  static std::string request(std::string_view what, const std::string& port) {
    size_t space = what.find(' ');
    std::string path(what.substr(0, space));
    std::string body(space == std::string_view::npos ? "" : what.substr(space + 1));
    auto address = net::Address::parse("127.0.0.1:" + port);
    if (!address) return "no address";
    net::TestClient client(*address);
    client.send(fmt::format("{} {} HTTP/1.1\r\nHost: edge\r\nContent-Length: {}\r\n\r\n{}",
                            body.empty() ? "GET" : "POST", path, body.size(), body));
    auto answer = client.read();
    return fmt::format("{} {}\n→ {} {}\n", body.empty() ? "GET" : "POST", what, answer.status,
                       answer.body);
  }

  Naming naming_;
  TempFolder folder_;
};

/// What a command must do in this build: work as the table says, or name the part that is missing.
std::string verdict(const ReferenceCommand& command, Desk& desk, const Desk::Shown& shown) {
  if (desk.has(command.needs)) {
    return shown.status == command.status
               ? ""
               : fmt::format("exit status {} instead of {}", shown.status, command.status);
  }
  bool names =
      command.needs == "components"
          ? shown.text.find("is a component") != std::string::npos
          : shown.text.find(fmt::format("needs `sedge {}", command.needs)) != std::string::npos;
  if (shown.status == 0 || !names) return "a part that is missing is not named";
  return "";
}

TEST(Reference, TheDocumentsCommandsRunLineByLine) {
  if (!has_guests()) GTEST_SKIP() << "no guests: " << shared_path("") << " is missing";
  if (!Engine::has(Tier::llvm)) GTEST_SKIP() << "the page is that of a build with sedgec";
  Desk desk(as_printed);
  bool lines = std::getenv("SEDGE_REFERENCE") != nullptr;
  std::string page =
      "# The document's commands on sedge\n\n"
      "What each command of the reference document prints today, in the document's order, with "
      "nothing but sedge\ninstalled (`sedge links` places the names). `make reference` types them; "
      "`BLESS=1 make reference` rewrites this page.\nInstalling tools and cargo are left out: the "
      "programs are built beforehand. Times are shown as N, ports as PORT.\n";
  std::string section;
  size_t works = 0, missing = 0;
  for (const ReferenceCommand& command : reference_commands()) {
    Desk::Shown shown = desk.type(command);
    std::string problem = verdict(command, desk, shown);
    EXPECT_EQ(problem, "") << command.typed << "\n" << shown.text;
    bool there = desk.has(command.needs);
    ++(there ? works : missing);
    if (lines)
      std::printf("%-8s %s\n",
                  !problem.empty() ? "FAILED"
                  : there          ? "ok"
                                   : "missing",
                  std::string(command.typed.substr(0, command.typed.find('\n'))).c_str());
    if (command.section != section) page += fmt::format("\n## {}\n", section = command.section);
    page += fmt::format("\n```sh\n{}\n```\n", command.typed);
    if (!command.remark.empty()) page += fmt::format("{}\n", command.remark);
    if (!command.instead.empty()) page += fmt::format("Typed as `{}`.\n", command.instead);
    page += fmt::format("Exit status {}{}.\n", shown.status,
                        there ? "" : fmt::format("; this build has no {}", command.needs));
    while (shown.text.ends_with('\n')) shown.text.pop_back();
    if (!shown.text.empty()) page += fmt::format("```text\n{}\n```\n", shown.text);
  }
  if (lines)
    std::printf("%zu commands work, %zu name a part that this build lacks\n", works, missing);
  fs::path golden = root_path("docs/from-the-document.md");
  if (std::getenv("BLESS")) {
    write(golden, page);
  } else {
    EXPECT_EQ(read(golden), page) << "BLESS=1 make reference rewrites docs/from-the-document.md";
  }
}

/// The Deployment between `kubectl apply -f - <<EOF` and `EOF`.
std::string documents_deployment() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(shared_path("reference"), error)) {
    std::string text = read(entry.path());
    constexpr std::string_view kBegin = "kubectl apply -f - <<EOF\n";
    size_t begin = text.find(kBegin), end = text.find("\nEOF\n", begin);
    if (begin == std::string::npos || end == std::string::npos) continue;
    return text.substr(begin + kBegin.size(), end + 1 - begin - kBegin.size());
  }
  return {};
}

// `make manifests` installs the checker and runs this.
TEST(Reference, ManifestsPassTheSchemas) {
  if (run_program({"kubernetes-validate", "--version"}).status != 0)
    GTEST_SKIP() << "kubernetes-validate (PyPI) is not installed";
  TempFolder folder;
  std::string deployment = documents_deployment();
  EXPECT_EQ(deployment.empty(), !fs::exists(shared_path("reference")));
  folder.write("m.wat", "(module (func (export \"_start\")))");
  folder.write("router.yaml",
               "routes:\n  - path: /*\n    module: m.wat\n    keyvalue: /var/lib/edge/v.db\n");
  auto sedge = [&](std::vector<std::string> line) {
    line.insert(line.begin(), program_path().string());
    Outcome outcome = run_program(line, {}, folder.path());
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  };
  const std::pair<const char*, std::string> kManifests[] = {
      {"deployment.yaml", deployment},
      {"config-map.yaml", std::string(kConfigMap)},
      {"module.yaml", sedge({"--as", "wasmer", "deploy", "--name", "one", "--module", "m.wat",
                             "--env", "MODE=a: \"b\"", "-o", "-"})},
      {"router-own.yaml", sedge({"deploy", "router.yaml", "-o", "-"})},
      {"router-claim.yaml", sedge({"deploy", "router.yaml", "--claim", "values", "--runtime-class",
                                   "sedge", "-o", "-"})},
  };
  for (const auto& [name, text] : kManifests) {
    if (text.empty()) continue;  // the document is not there
    folder.write(name, text);
    for (const char* version : {"1.31", "1.33"}) {
      Outcome valid =
          run_program({"kubernetes-validate", "--strict", "-k", version, name}, {}, folder.path());
      EXPECT_EQ(valid.status, 0) << name << ' ' << version << valid.out << valid.err;
    }
  }
}

TEST(Reference, NothingDependsOnTheNamesOfFiles) {
  if (!has_guests()) GTEST_SKIP() << "no guests: " << shared_path("") << " is missing";
  Desk printed(as_printed), other(renamed);
  for (const ReferenceCommand& command : reference_commands()) {
    Desk::Shown there = printed.type(command), here = other.type(command);
    EXPECT_EQ(here.status, there.status) << command.typed;
    // A backtrace shows the module's name, which without a name section is the file's.
    auto no_frames = [](const std::string& text) {
      return std::regex_replace(text, std::regex(R"(( +\d+: 0x[0-9a-f]+) [^!\n]*!)"), "$1 M!");
    };
    EXPECT_EQ(no_frames(here.text), renamed(no_frames(there.text))) << command.typed;
  }
}

}  // namespace
}  // namespace sedge::test
