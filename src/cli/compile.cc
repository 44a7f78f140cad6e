// `sedge compile`: native code of a module, or of the modules in a component, inside a copy of it.
// The work is done by sedgec.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include <sedge/engine.h>

#include "base/file.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/tier_option.h"
#include "cli/verbs.h"
#include "component/decode.h"
#include "component/encode.h"
#include "engine/sedgec.h"
#include "vm/artifact.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--output", 'o', "FILE",
     "where the module with native code goes; - is standard output (default: FILE's name with "
     ".cwasm, in this folder)"},
    {"--target", 0, "x86-64-v2|x86-64-v3|aarch64-linux|riscv64-linux",
     "the machine that is to run the code; more than once: code for each (default: this machine)",
     true},
    {"--cpu", 0, "native|x86-64-v2|x86-64-v3|generic",
     "the processor: this machine's (default without --target), one of a level, or the least of "
     "the target's architecture"},
    {"--level", 'O', "1|2|3", "1: soon, 3: the fastest code (default)"},
    {"--exact", 0, "", "state after a trap is what the specification says; for embedding"},
    {"--checked", 0, "", "check every memory access in code: for machines without guard pages"},
    {"--fuel", 0, "", "count fuel, for `sedge run --fuel`"},
    {"--timeout", 0, "", "poll for deadlines, for `sedge run --timeout`"},
    {"--features", 'f', "LIST", "features that the module may use, as for `sedge validate`"},
    {"--verbose", 'v', "", "say which functions were left to the lower tiers"},
    kCacheDirOption,
    kNoCacheOption,
};
constexpr Positional kPositionals[] = {
    {"FILE", "a module or a component, binary or text; - is standard input"}};

/// Says on a terminal that something takes its time, from the second second on.
class Progress {
 public:
  explicit Progress(std::string what) {
    if (::isatty(STDERR_FILENO) == 0) return;
    thread_ = std::thread([this, text = std::move(what)] {
      std::unique_lock lock(mutex_);
      for (int seconds = 1;
           !ended_.wait_for(lock, std::chrono::seconds(1), [this] { return end_; }); seconds++) {
        const std::string line = fmt::format("\r{} ({} s)", text, seconds);
        if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
        shown_ = true;
      }
    });
  }
  ~Progress() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      end_ = true;
    }
    ended_.notify_all();
    thread_.join();
    constexpr std::string_view kClear = "\r\033[K";
    if (shown_ && ::write(STDERR_FILENO, kClear.data(), kClear.size()) < 0) return;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false, shown_ = false;
  std::thread thread_;
};

/// The processor that --cpu means on `target`'s architecture; nothing if it is of another.
std::optional<vm::ArtifactTarget> with_cpu(vm::ArtifactTarget target, std::string_view cpu) {
  vm::ArtifactTarget meant = vm::host_target();
  if (cpu == "generic") {
    meant = {target.arch, target.arch == vm::ArtifactArch::x86_64 ? uint8_t{2} : uint8_t{1}};
  } else if (auto named = vm::find_target(cpu)) {
    meant = *named;
  }
  if (meant.arch != target.arch) return {};
  return meant;
}

Result<std::vector<vm::ArtifactTarget>> targets_of(const Arguments& arguments) {
  // The parser of options has refused other names.
  std::vector<vm::ArtifactTarget> targets;
  for (std::string_view name : arguments.all("--target")) targets.push_back(*vm::find_target(name));
  const auto cpu = arguments.get("--cpu");
  if (targets.empty()) {
    const auto named = vm::find_target(cpu.value_or(""));
    targets.push_back(named ? *named : vm::host_target());
  }
  if (!cpu) return targets;
  std::vector<vm::ArtifactTarget> chosen;
  for (const vm::ArtifactTarget& target : targets) {
    const auto meant = with_cpu(target, *cpu);
    if (!meant) {
      return fail(Error(ErrorCode::bad_argument,
                        fmt::format(": `--cpu {}`: {} has no such processor", *cpu, target.name()))
                      .with_remedy("leave --cpu out for a target of another architecture"));
    }
    if (std::ranges::find(chosen, *meant) == chosen.end()) chosen.push_back(*meant);
  }
  return chosen;
}

/// Compiles core modules, one after the other, in one process.
class Compiler {
 public:
  Compiler(const Arguments& arguments, std::vector<vm::ArtifactTarget> targets)
      : targets_(std::move(targets)),
        level_(static_cast<unsigned>(arguments.get("--level").value_or("3")[0] - '0')),
        verbose_(arguments.has("--verbose")),
        cache_(cache_folder(arguments)) {
    mode_.exact = arguments.has("--exact");
    mode_.guarded = !arguments.has("--checked");
    mode_.fuel = arguments.has("--fuel");
    mode_.interruptible = arguments.has("--timeout");
  }

  /// The module with native code for each target; `what` is being compiled, for a person.
  Result<std::vector<uint8_t>> module(Bytes binary, std::string_view what) {
    const Bytes original = vm::without_artifact(binary);
    vm::Artifact artifact;
    for (const vm::ArtifactTarget& target : targets_) {
      Progress progress(fmt::format("compiling {}for {}", what, target.name()));
      std::vector<std::string> words = sedgec_arguments(target, mode_, level_);
      // This user's later runs take it from the cache, which they may trust as they may not a file.
      if (level_ == 3 && !cache_.empty() && target == vm::host_target())
        words.insert(words.end(),
                     {"--cache", cache_, "--cache-size", std::to_string(Config().cache_bytes)});
      SEDGE_TRY_ASSIGN(const Sedgec::Answer answer, sedgec_.compile(words, original));
      SEDGE_TRY_ASSIGN(vm::Artifact one, vm::read_artifact(answer.artifact));
      artifact.layout = one.layout;
      for (vm::ArtifactImage& image : one.images) {
        const auto code = Bytes(answer.artifact).subspan(image.code_offset, image.code_size);
        image.code.assign(code.begin(), code.end());
        artifact.images.push_back(std::move(image));
      }
      if (verbose_ && !answer.report.empty()) print_note(answer.report);
    }
    return vm::write_artifact(original, artifact);
  }

  /// Gives native code to each core module in the component and in those inside it.
  Result<void> modules_of(component::Component& component) {
    for (component::Definition& item : component.definitions) {
      if (auto* inner = std::get_if<std::unique_ptr<component::Component>>(&item.node)) {
        SEDGE_TRY(modules_of(**inner));
      } else if (auto* core = std::get_if<component::CoreModule>(&item.node)) {
        auto compiled = module(core->binary, fmt::format("core module {} ", count_));
        if (!compiled)
          return fail(
              std::move(compiled).error().with_context(fmt::format("core module {}", count_)));
        auto owner = std::make_shared<const std::vector<uint8_t>>(*std::move(compiled));
        core->binary = *owner;
        component.storage.push_back(std::move(owner));
        ++count_;
      }
    }
    return {};
  }

 private:
  std::vector<vm::ArtifactTarget> targets_;
  vm::ArtifactMode mode_;
  unsigned level_;
  bool verbose_;
  std::string cache_;  ///< folder; empty: none
  uint32_t count_ = 0;
  Sedgec sedgec_;
};

Result<std::vector<uint8_t>> compile_file(const Engine& engine, const LoadedFile& file,
                                          Compiler& compiler) {
  SEDGE_TRY_ASSIGN(const auto binary, to_binary(file));
  if (!is_component(file)) {
    SEDGE_TRY(load_module(engine, file));
    return compiler.module(binary.bytes, "");
  }
  SEDGE_TRY(load_component(engine, file));
  SEDGE_TRY_ASSIGN(component::Component syntax, component::decode(binary.bytes, binary.owner));
  SEDGE_TRY(compiler.modules_of(syntax));
  return component::encode(syntax);
}

Result<int> run(const Arguments& arguments) {
  const std::string_view path = arguments.positional(0);
  SEDGE_TRY_ASSIGN(auto targets, targets_of(arguments));
  Compiler compiler(arguments, std::move(targets));
  SEDGE_TRY_ASSIGN(const LoadedFile file, load_file(path));
  Config config;
  config.tier = Tier::interp;
  if (auto list = arguments.get("--features")) {
    SEDGE_TRY_ASSIGN(config.features, Features::parse(*list));
  }
  SEDGE_TRY_ASSIGN(const Engine engine, Engine::create(config));
  SEDGE_TRY_ASSIGN(const std::vector<uint8_t> out, compile_file(engine, file, compiler));
  std::string output = path == "-" ? "-" : stem(path) + ".cwasm";
  if (auto given = arguments.get("--output")) output = std::string(*given);
  SEDGE_TRY(write_file(output, {reinterpret_cast<const char*>(out.data()), out.size()}));
  return 0;
}

}  // namespace

const Verb kCompileVerb = {
    "compile",
    "compile a module or a component to native code",
    "Writes a copy of the module with native code in a custom section. It stays a module that any "
    "runtime runs; `sedge run --allow-precompiled` maps the code and starts at once. Code for this "
    "machine goes into the cache as well, from where it starts at once without that option. In a "
    "component each core module gets its own.",
    kOptions,
    kPositionals,
    "sedge compile app.wasm -o app.native.wasm\n"
    "sedge compile --target x86-64-v3 --target aarch64-linux -o both.wasm app.wasm\n"
    "sedge run --allow-precompiled app.native.wasm",
    run};

}  // namespace sedge::cli
