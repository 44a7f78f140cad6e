// `sedge opt`: size and speed of a module or a component, by Binaryen's wasm-opt where it is
// installed and by passes of our own.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/companion.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/analysis.h"
#include "cli/child.h"
#include "cli/compressed_size.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/scratch_folder.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "optimize/optimize.h"
#include "wasm/decode/decode.h"

namespace sedge::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kOptions[] = {
    {"--level", 'O', "0|1|2|3|4|s|z",
     "s: small (default), z: as small as it gets; 1 to 4: fast, with ever more passes; 0: "
     "functions "
     "stay"},
    {"--output", 'o', "FILE", "where the result goes; without it only sizes are shown"},
    {"--debuginfo", 'g', "", "keep names of functions"},
    {"--strip-debug", 0, "", "take debug information away (it goes anyway, without -g)"},
    {"--strip-producers", 0, "", "say no more which tools made the module"},
    {"--converge", 0, "", "repeat until nothing gets smaller (only wasm-opt does)"},
    {kTextOption.name, 'S', "", kTextOption.help},
    {"--tool", 0, "wasm-opt|none", "none: passes of sedge only"},
    {"--json", 0, "", "print sizes as JSON"},
};
constexpr Positional kPositionals[] = {{"FILE", "a module or a component, binary or text"}};

std::string_view level_of(const Arguments& arguments) {
  bool only_strips = arguments.has("--strip-debug") || arguments.has("--strip-producers");
  return arguments.get("--level").value_or(only_strips ? "0" : "s");
}

/// Binaryen's program: SEDGE_WASM_OPT, else the first wasm-opt of PATH that is not sedge by that
/// name.
std::optional<std::string> find_wasm_opt() {
  std::error_code error;
  fs::path self = own_path();
  auto is_other = [&](const std::string& path) {
    fs::path real = fs::canonical(path, error);
    return !error && real != self && real.filename() != "sedge";
  };
  const char* given = std::getenv("SEDGE_WASM_OPT");  // NOLINT(concurrency-mt-unsafe)
  if (given) {
    auto found = find_program(given);
    return found && is_other(*found) ? found : std::nullopt;
  }
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  std::string_view folders = path ? path : "";
  while (!folders.empty()) {
    size_t colon = folders.find(':');
    auto found = find_program(fmt::format("{}/wasm-opt", folders.substr(0, colon)));
    if (found && is_other(*found)) return found;
    folders = colon == std::string_view::npos ? std::string_view() : folders.substr(colon + 1);
  }
  return std::nullopt;
}

struct ToolFeature {
  Feature feature;
  std::string_view flag;
};
/// What version 108 of Binaryen, Debian 12's, reads as the standard has it.
constexpr ToolFeature kToolFeatures[] = {
    {Feature::mvp, "--enable-mutable-globals"},
    {Feature::mutable_globals, "--enable-mutable-globals"},
    {Feature::sign_extension, "--enable-sign-ext"},
    {Feature::saturating_float_to_int, "--enable-nontrapping-float-to-int"},
    {Feature::multi_value, "--enable-multivalue"},
    {Feature::reference_types, "--enable-reference-types"},
    {Feature::bulk_memory, "--enable-bulk-memory"},
    {Feature::simd, "--enable-simd"},
    {Feature::tail_call, "--enable-tail-call"},
    {Feature::threads, "--enable-threads"},
};

/// The flags that let Binaryen read the module. Error: a feature that it is not given.
Result<std::vector<std::string>> feature_flags(Bytes binary) {
  SEDGE_TRY_ASSIGN(wasm::Module module, wasm::decode(binary, nullptr));
  Features used = features_used(module);
  std::vector<std::string> flags;
  for (const ToolFeature& row : kToolFeatures) {
    if (!used.has(row.feature)) continue;
    used.set(row.feature, false);
    flags.emplace_back(row.flag);
  }
  for (uint8_t i = 0; used.bits() >> i != 0; ++i)
    if (used.has(static_cast<Feature>(i)))
      return fail(ErrorCode::unsupported_file,
                  fmt::format(": wasm-opt is not used for a module with {}: its older versions "
                              "have other encodings of it, or none",
                              feature_name(static_cast<Feature>(i))));
  return flags;
}

class WasmOpt {
 public:
  WasmOpt(std::string program, ScratchFolder folder, const Arguments& arguments)
      : program_(std::move(program)), folder_(std::move(folder)) {
    words_.push_back(fmt::format("-O{}", level_of(arguments)));
    for (std::string_view flag : {"--debuginfo", "--strip-producers", "--converge"})
      if (arguments.has(flag)) words_.emplace_back(flag);
    if (!arguments.has("--debuginfo")) words_.emplace_back("--strip-debug");
  }

  Result<std::vector<uint8_t>> operator()(Bytes module) const {
    SEDGE_TRY_ASSIGN(std::vector<std::string> flags, feature_flags(module));
    std::string in = folder_.file("in.wasm"), out = folder_.file("out.wasm");
    SEDGE_TRY(write_file(in, {reinterpret_cast<const char*>(module.data()), module.size()}));
    std::vector<std::string> argv{program_};
    argv.insert(argv.end(), words_.begin(), words_.end());
    argv.insert(argv.end(), flags.begin(), flags.end());
    argv.insert(argv.end(), {in, "-o", out});
    ChildOptions options;
    options.error = folder_.file("error");
    options.timeout = kTimeout;
    SEDGE_TRY_ASSIGN(ChildOutcome outcome, run_child(argv, options));
    if (outcome.status != 0) {
      auto said = read_file(options.error, kMaxMessage);
      std::string_view text = said ? said->text() : std::string_view();
      return fail(ErrorCode::unsupported_file,
                  fmt::format(": {} ended with status {}: {}", program_, outcome.status,
                              text.substr(0, text.find('\n'))));
    }
    SEDGE_TRY_ASSIGN(FileContent made, read_file(out, wasm::kMaxModuleSize));
    return std::vector<uint8_t>(made.bytes.begin(), made.bytes.end());
  }

 private:
  static constexpr std::chrono::minutes kTimeout{10};
  static constexpr uint64_t kMaxMessage = 1 << 20;
  std::string program_;
  ScratchFolder folder_;
  std::vector<std::string> words_;
};

struct Sizes {
  size_t plain = 0;
  std::vector<CompressedSize> compressed;
};

Sizes sizes_of(Bytes bytes) { return {bytes.size(), compressed_sizes(bytes)}; }

std::string change(size_t before, size_t after) {
  double percent = before == 0 ? 0 : 100.0 * (static_cast<double>(after) / before - 1);
  return fmt::format("{:+.1f} %", percent);
}

std::string as_table(const Sizes& before, const Sizes& after) {
  Table table({"", "before", "after", "change"});
  auto row = [&](std::string_view name, size_t a, size_t b) {
    table.add({std::string(name), grouped(a), grouped(b), change(a, b)});
  };
  row("bytes", before.plain, after.plain);
  for (size_t i = 0; i < before.compressed.size(); ++i)
    row(before.compressed[i].coding, before.compressed[i].size, after.compressed[i].size);
  return table.text();
}

std::string as_json(const Sizes& before, const Sizes& after, std::string_view tool) {
  Json json;
  json.begin_object();
  auto one = [&](std::string_view key, const Sizes& sizes) {
    json.key(key).begin_object().field("bytes", sizes.plain);
    for (const CompressedSize& item : sizes.compressed) json.field(item.coding, item.size);
    json.end();
  };
  one("before", before);
  one("after", after);
  json.field("tool", tool).end();
  return json.take();
}

std::string tool_line(const optimize::Optimized& made, const std::optional<std::string>& program) {
  if (made.by_tool == made.modules && made.by_tool != 0) return *program;
  if (made.by_tool == 0) return "sedge";
  return fmt::format("{} for {} of {} modules, sedge for the rest", *program, made.by_tool,
                     made.modules);
}

Result<int> run(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(LoadedFile file, load_file(arguments.positional(0)));
  SEDGE_TRY_ASSIGN(FileContent binary, to_binary(file));
  optimize::Options options;
  options.shrink.keep_names = arguments.has("--debuginfo") && !arguments.has("--strip-debug");
  options.shrink.keep_producers = !arguments.has("--strip-producers");
  options.shrink.code = level_of(arguments) != "0";
  std::optional<std::string> program;
  std::optional<WasmOpt> wasm_opt;
  if (arguments.get("--tool") != "none") program = find_wasm_opt();
  if (program && options.shrink.code) {
    SEDGE_TRY_ASSIGN(ScratchFolder folder, ScratchFolder::create());
    wasm_opt.emplace(*program, std::move(folder), arguments);
    options.tool = [&](Bytes module) { return (*wasm_opt)(module); };
  }
  auto made = optimize::optimize(binary.bytes, options);
  if (!made) return fail(std::move(made).error().with_context(file.path));
  for (const std::string& note : made->notes) print_note(note);
  std::string output(arguments.get("--output").value_or(""));
  if (!output.empty() || arguments.has("--text"))
    SEDGE_TRY(write_wasm(arguments, output.empty() ? "-" : output, made->binary));
  Sizes before = sizes_of(binary.bytes), after = sizes_of(made->binary);
  std::string tool = tool_line(*made, program);
  std::string text = arguments.has("--json")
                         ? as_json(before, after, tool)
                         : fmt::format("{}optimised by {}\n", as_table(before, after), tool);
  // Standard output may be where the module goes.
  if (output == "-" || (output.empty() && arguments.has("--text")))
    print_note(text);
  else
    SEDGE_TRY(print(text));
  return 0;
}

}  // namespace

const Verb kOptVerb = {
    "opt",
    "make a module or a component smaller or faster",
    "Binaryen's wasm-opt does it where it is installed (SEDGE_WASM_OPT, or PATH); what it writes "
    "is "
    "validated. For a module that it may not be able to read, and without it, sedge takes away "
    "debug information, functions that nothing reaches, copies of functions and padding. In a "
    "component, each core module is optimised.",
    kOptions,
    kPositionals,
    "sedge opt -Oz -o small.wasm app.wasm\n"
    "sedge opt -O3 app.wasm -o fast.wasm --json\n"
    "sedge opt --strip-debug app.component.wasm -o stripped.wasm",
    run};

}  // namespace sedge::cli
