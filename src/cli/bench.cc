// `sedge bench`: a module, or all of a folder, on sedge's tiers and on the runtimes that are
// installed; and the comparison table, measured.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/bench_engines.h"
#include "cli/bench_report.h"
#include "cli/bench_run.h"
#include "cli/child.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/scratch_folder.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "component/text/text.h"
#include "wasm/text/text.h"

namespace sedge::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kOptions[] = {
    {"--table", 0, "", "the comparison table: start, speed, size, memory, what each runtime runs"},
    {"--engine", 0, "NAME",
     "measure this runtime alone: sedge, wasmtime, wasmer, wasmedge, iwasm, "
     "wasm3, node",
     true},
    {"--runs", 0, "N", "rounds that count, from 1 to 10000 (default: 10)"},
    {"--warm-up", 0, "N", "rounds before, which do not (default: 1)"},
    {"--timeout", 0, "TIME", "a run that takes longer has failed (default: 60s)"},
    {"--input", 0, "FILE", "standard input of each run (default: empty)"},
    {"--dir", 0, "DIR", "a folder that the guest sees as `.`"},
    {"--container", 0, "IMAGE", "with --table: also a container of this image, by podman"},
    {"--json", 0, "", "print JSON"},
    {"--markdown", 0, "", "print Markdown"},
    {"--svg", 0, "FILE", "draw a chart, too"},
};
constexpr Positional kPositionals[] = {
    {"PATH", "a WASI command, or a folder of them", Positional::Count::optional}};

constexpr std::string_view kEmpty =
    R"((module (memory (export "memory") 1) (func (export "_start"))))";
constexpr std::string_view kHello = R"((module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\06\00\00\00")
  (data (i32.const 16) "hello\n")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))))";
// Xorshift numbers, each added to one of 1,024 cells of memory: arithmetic, loads and stores.
constexpr std::string_view kKernel = R"((module
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32) (local $x i32) (local $at i32)
    (local.set $n (i32.const 20000000))
    (local.set $x (i32.const 2463534242))
    (loop $again
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
      (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 5))))
      (local.set $at (i32.and (local.get $x) (i32.const 4092)))
      (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (local.get $x)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))))";
constexpr std::string_view kCommand2 = R"((component
  (core module $m (func (export "run") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $r (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $r))))";
constexpr std::string_view kCommand3 = R"((component
  (core module $m (func (export "run") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $run async (result (result)) (canon lift (core func $i "run")))
  (instance $r (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $r))))";

/// What a runtime is asked to run, to see whether it can.
struct Probe {
  std::string_view question;
  std::string_view guest;
};
constexpr Probe kProbes[] = {
    {"WASI 0.1", kHello},
    {"WASI 0.2", kCommand2},
    {"WASI 0.3", kCommand3},
};

class Bench {
 public:
  static Result<Bench> create(const Arguments& arguments) {
    SEDGE_TRY_ASSIGN(ScratchFolder folder, ScratchFolder::create());
    Bench bench(std::move(folder));
    SEDGE_TRY_ASSIGN(uint64_t runs, count(arguments, "--runs", 10, 1));
    SEDGE_TRY_ASSIGN(uint64_t warm_up, count(arguments, "--warm-up", 1, 0));
    bench.plan_.runs = static_cast<uint32_t>(runs);
    bench.plan_.warm_up = static_cast<uint32_t>(warm_up);
    if (auto time = arguments.get("--timeout")) {
      SEDGE_TRY_ASSIGN(auto timeout, parse_duration("--timeout", *time));
      bench.plan_.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
    }
    bench.input_ = arguments.get("--input").value_or("/dev/null");
    if (auto dir = arguments.get("--dir")) bench.dir_ = fs::absolute(*dir).string();
    SEDGE_TRY_ASSIGN(bench.engines_,
                     find_engines(arguments.all("--engine"), bench.folder_.file("version")));
    SEDGE_TRY_ASSIGN(bench.empty_, bench.guest("empty", kEmpty));
    return bench;
  }

  /// Everything of one file: the file and an empty module, in the same rounds.
  Result<FileResult> file(const std::string& path) {
    SEDGE_TRY_ASSIGN(FileContent content, read_file(path, wasm::kMaxModuleSize));
    FileResult out;
    out.path = path;
    out.bytes = content.bytes.size();
    out.compressed = compressed_sizes(content.bytes);
    out.engines = engines(fs::absolute(path).string());
    return out;
  }

  Result<Comparison> comparison(std::optional<std::string_view> image) {
    SEDGE_TRY_ASSIGN(std::string hello, guest("hello", kHello));
    SEDGE_TRY_ASSIGN(std::string kernel, guest("kernel", kKernel));
    Comparison out;
    out.hello_bytes = fs::file_size(hello);
    std::vector<EngineResult> starts = engines(hello);
    for (EngineResult& engine : starts)
      out.hello.push_back(engine.cached ? engine.cached : engine.cold);
    out.engines = engines(kernel);
    for (const Probe& probe : kProbes) {
      SEDGE_TRY_ASSIGN(std::string path, guest("probe", probe.guest));
      out.probes.push_back({std::string(probe.question), answers(path)});
    }
    if (image) container(*image, out);
    return out;
  }

 private:
  explicit Bench(ScratchFolder folder) : folder_(std::move(folder)) {}

  static Result<uint64_t> count(const Arguments& arguments, std::string_view option,
                                uint64_t otherwise, uint64_t least) {
    auto text = arguments.get(option);
    if (!text) return otherwise;
    SEDGE_TRY_ASSIGN(uint64_t number, parse_count(option, *text));
    if (number < least || number > kMostRounds)
      return fail(ErrorCode::bad_argument,
                  fmt::format(": `{} {}`: from {} to {}", option, *text, least, kMostRounds));
    return number;
  }

  /// A module or component of our own, as a file.
  Result<std::string> guest(std::string_view name, std::string_view text) const {
    SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, component::is_component_text(text)
                                                      ? component::assemble(text)
                                                      : wasm::assemble(text));
    std::string path = folder_.file(fmt::format("{}.wasm", name));
    SEDGE_TRY(write_file(path, {reinterpret_cast<const char*>(binary.data()), binary.size()}));
    return path;
  }

  /// Compiles ahead of time; nothing where that does not work.
  std::optional<std::string> compiled(const BenchEngine& engine, const std::string& file,
                                      std::string_view name, EngineResult* result) const {
    if (engine.row->compile.empty()) return std::nullopt;
    std::string out =
        folder_.file(fmt::format("{}-{}{}", engine.row->name, name, engine.row->compiled_as));
    ChildOptions options;
    options.timeout = plan_.timeout;
    auto outcome = run_child(engine.compile(file, out), options);
    std::error_code error;
    if (!outcome || outcome->status != 0 || !fs::exists(out, error)) return std::nullopt;
    if (result) {
      result->compile_ns = outcome->wall_ns;
      result->compiled_bytes = fs::file_size(out, error);
    }
    return out;
  }

  std::vector<EngineResult> engines(const std::string& file) {
    std::vector<EngineResult> out(engines_.size());
    std::vector<BenchCase> cases;
    std::vector<std::optional<Measured>*> places;
    auto add = [&](std::vector<std::string> argv, bool real, std::optional<Measured>& place) {
      cases.push_back({std::move(argv), real ? input_ : "/dev/null"});
      places.push_back(&place);
    };
    for (size_t i = 0; i < engines_.size(); ++i) {
      const BenchEngine& engine = engines_[i];
      EngineResult& result = out[i];
      result.name = engine.row->name;
      result.version = engine.version;
      add(engine.run(file, dir_), true, result.cold);
      add(engine.run(empty_, {}), false, result.cold_empty);
      auto artifact = compiled(engine, file, "file", &result);
      auto artifact_empty = compiled(engine, empty_, "empty", nullptr);
      if (artifact) add(engine.run_compiled(*artifact, dir_), true, result.cached);
      if (artifact_empty) add(engine.run_compiled(*artifact_empty, {}), false, result.cached_empty);
    }
    std::vector<std::optional<Measured>> measured = measure(cases, plan_);
    for (size_t i = 0; i < measured.size(); ++i) *places[i] = measured[i];
    return out;
  }

  /// Whether each runtime runs a file.
  std::vector<std::string> answers(const std::string& path) const {
    std::vector<std::string> out;
    for (const BenchEngine& engine : engines_) {
      ChildOptions options;
      options.timeout = plan_.timeout;
      auto outcome = run_child(engine.run(path, {}), options);
      out.emplace_back(outcome && outcome->status == 0 ? "yes" : "no");
    }
    return out;
  }

  /// A container that ends at once, where podman is there and has the image.
  void container(std::string_view image, Comparison& out) const {
    EngineResult result;
    result.name = "container";
    std::optional<Measured> start;
    if (auto podman = find_program("podman")) {
      result.version = image;
      start = measure({{{*podman, "run", "--rm", "--pull=never", std::string(image), "true"}}},
                      plan_)[0];
      ChildOptions options;
      options.output = folder_.file("size");
      auto outcome = run_child(
          {*podman, "image", "inspect", "--format", "{{.Size}}", std::string(image)}, options);
      if (auto said = read_file(options.output, 64); said && outcome && outcome->status == 0)
        if (auto bytes = parse_count("image", said->text().substr(0, said->text().find('\n'))))
          result.compiled_bytes = *bytes;
      if (!start) print_note(fmt::format("podman does not run {}: `podman pull {}`", image, image));
    } else {
      print_note("podman is not installed: no container is measured");
    }
    out.engines.push_back(std::move(result));
    out.hello.push_back(start);
    for (Comparison::Answer& probe : out.probes) probe.answers.emplace_back("-");
  }

  static constexpr uint64_t kMostRounds = 10'000;
  ScratchFolder folder_;
  BenchPlan plan_;
  std::string input_, dir_, empty_;
  std::vector<BenchEngine> engines_;
};

/// The file, or the modules of a folder by name.
Result<std::vector<std::string>> files_of(std::string_view path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<std::string>{std::string(path)};
  std::vector<std::string> out;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".wasm") out.push_back(it->path().string());
  if (error) return fail(ErrorCode::io, fmt::format(": {}: {}", path, error.message()));
  if (out.empty())
    return fail(ErrorCode::file_not_found, fmt::format(": {} has no .wasm file", path));
  std::ranges::sort(out);
  return out;
}

Result<void> write_charts(const Arguments& arguments, const std::vector<Chart>& charts) {
  auto path = arguments.get("--svg");
  if (!path) return {};
  return write_file(std::string(*path), svg(charts));
}

Result<int> run_table(const Arguments& arguments, Bench& bench) {
  SEDGE_TRY_ASSIGN(Comparison comparison, bench.comparison(arguments.get("--container")));
  SEDGE_TRY(write_charts(arguments, comparison_charts(comparison)));
  if (arguments.has("--json")) {
    Json json;
    write_json(json, comparison);
    SEDGE_TRY(print(json.take()));
  } else {
    SEDGE_TRY(print(comparison_table(comparison, arguments.has("--markdown"))));
  }
  return 0;
}

Result<int> run(const Arguments& arguments) {
  std::string_view path = arguments.positional(0);
  if (path.empty() != arguments.has("--table"))
    return fail(Error(path.empty() ? ErrorCode::missing_argument : ErrorCode::unexpected_argument,
                      path.empty() ? ": PATH (a WASI command, or a folder of them)"
                                   : fmt::format(" `{}`: --table has modules of its own", path))
                    .with_remedy("sedge bench PATH, or sedge bench --table"));
  SEDGE_TRY_ASSIGN(Bench bench, Bench::create(arguments));
  if (arguments.has("--table")) return run_table(arguments, bench);
  SEDGE_TRY_ASSIGN(std::vector<std::string> files, files_of(path));
  std::vector<Chart> charts;
  Json json;
  json.begin_array();
  for (const std::string& file : files) {
    SEDGE_TRY_ASSIGN(FileResult result, bench.file(file));
    charts.push_back(file_chart(result));
    if (arguments.has("--json"))
      write_json(json, result);
    else
      SEDGE_TRY(print(file_report(result, arguments.has("--markdown")) + "\n"));
  }
  json.end();
  if (arguments.has("--json")) SEDGE_TRY(print(json.take()));
  SEDGE_TRY(write_charts(arguments, charts));
  return 0;
}

}  // namespace

const Verb kBenchVerb = {
    "bench",
    "measure modules on sedge and on other runtimes",
    "Whole processes in turns, so that a drifting machine hurts all alike: without a cache (cold) "
    "and with code compiled before. `run` is what remains when the same start of an empty module "
    "is "
    "taken off. A runtime that fails, or that is not installed, has no figures.",
    kOptions,
    kPositionals,
    "sedge bench app.wasm\n"
    "sedge bench guests/ --runs 30 --json\n"
    "sedge bench app.wasm --engine sedge --engine wasmtime --svg app.svg\n"
    "sedge bench --table --markdown",
    run};

}  // namespace sedge::cli
