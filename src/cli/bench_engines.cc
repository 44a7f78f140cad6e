// Peers' words are those of their current versions; what does not start counts as not there.
#include "cli/bench_engines.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/companion.h"
#include "base/file.h"
#include "base/nearest.h"
#include "cli/child.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

// Node.js has WASI in a module; the rest of its command line is this program.
constexpr std::string_view kNodeScript =
    "const{WASI}=require('node:wasi'),fs=require('node:fs');"
    "const w=new WASI({version:'preview1',args:[process.argv[1]],"
    "preopens:process.argv[2]?{'.':process.argv[2]}:{},returnOnExit:true});"
    "WebAssembly.instantiate(fs.readFileSync(process.argv[1]),w.getImportObject())"
    ".then(r=>{process.exitCode=w.start(r.instance)})"
    ".catch(()=>{process.exitCode=70})";

constexpr EngineRow kRows[] = {
    {"sedge interp", "", "run --no-cache --tier interp {dir} {in}", "", "", "--dir {dir}::.", ""},
    {"sedge baseline", "", "run --no-cache --tier baseline {dir} {in}", "", "", "--dir {dir}::.",
     ""},
    {"sedge auto", "", "run --no-cache --tier auto {dir} {in}", "", "", "--dir {dir}::.", ""},
    {"sedge llvm", "", "run --no-cache --tier llvm {dir} {in}", "compile --no-cache -o {out} {in}",
     "run --no-cache --tier llvm --allow-precompiled {dir} {in}", "--dir {dir}::.", ".cwasm"},
    {"wasmtime", "wasmtime", "run -C cache=n {dir} {in}", "compile -o {out} {in}",
     "run --allow-precompiled {dir} {in}", "--dir {dir}::.", ".cwasm"},
    {"wasmer", "wasmer", "run --disable-cache {dir} {in}", "compile -o {out} {in}",
     "run {dir} {in}", "--volume {dir}:.", ".wasmu"},
    {"wasmedge", "wasmedge", "{dir} {in}", "compile {in} {out}", "{dir} {in}", "--dir .:{dir}",
     ".so"},
    {"iwasm", "iwasm", "{dir} {in}", "", "", "--dir={dir}", ""},
    {"wasm3", "wasm3", "{in}", "", "", "", ""},
    {"node", "node", "--no-warnings -e {script} {in} {dir}", "", "", "{dir}", ""},
};

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    size_t space = text.find(' ');
    if (std::string_view word = text.substr(0, space); !word.empty()) out.emplace_back(word);
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  }
  return out;
}

void replace(std::string& word, std::string_view mark, std::string_view by) {
  if (size_t at = word.find(mark); at != std::string::npos) word.replace(at, mark.size(), by);
}

std::vector<std::string> filled(const BenchEngine& engine, std::string_view line,
                                std::string_view in, std::string_view out,
                                std::string_view folder) {
  std::vector<std::string> argv{engine.path};
  for (std::string& word : words(line)) {
    if (word == "{dir}") {
      if (folder.empty()) continue;
      for (std::string& part : words(engine.row->dir)) {
        replace(part, "{dir}", folder);
        argv.push_back(std::move(part));
      }
      continue;
    }
    replace(word, "{in}", in);
    replace(word, "{out}", out);
    replace(word, "{script}", kNodeScript);
    argv.push_back(std::move(word));
  }
  return argv;
}

bool wanted(const EngineRow& row, const std::vector<std::string_view>& only) {
  return only.empty() || std::ranges::any_of(only, [&](std::string_view name) {
           return row.name == name || row.name.starts_with(fmt::format("{} ", name));
         });
}

/// The first line of `PROGRAM --version`.
std::string version_of(const std::string& path, std::string_view scratch_file) {
  ChildOptions options;
  options.output = scratch_file;
  options.timeout = std::chrono::seconds(10);
  auto outcome = run_child({path, "--version"}, options);
  if (!outcome || outcome->status != 0) return {};
  auto said = read_file(options.output, 1 << 16);
  if (!said) return {};
  std::string_view text = said->text();
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

std::vector<std::string> BenchEngine::run(std::string_view file, std::string_view folder) const {
  return filled(*this, row->run, file, {}, folder);
}

std::vector<std::string> BenchEngine::run_compiled(std::string_view file,
                                                   std::string_view folder) const {
  return filled(*this, row->run_compiled, file, {}, folder);
}

std::vector<std::string> BenchEngine::compile(std::string_view file, std::string_view out) const {
  return filled(*this, row->compile, file, out, {});
}

std::span<const EngineRow> engine_rows() { return kRows; }

Result<std::vector<BenchEngine>> find_engines(const std::vector<std::string_view>& only,
                                              std::string_view scratch_file) {
  for (std::string_view name : only) {
    std::vector<std::string_view> names;
    bool known = false;
    for (const EngineRow& row : kRows) {
      names.push_back(row.name);
      known |= wanted(row, {name});
    }
    if (!known)
      return fail(ErrorCode::bad_argument,
                  fmt::format(": `--engine {}`{}", name, did_you_mean(name, names)));
  }
  const std::string self = own_path();
  std::error_code error;
  std::vector<BenchEngine> out;
  for (const EngineRow& row : kRows) {
    if (!wanted(row, only)) continue;
    if (row.program.empty()) {
      out.push_back({&row, self, fmt::format("sedge {}", SEDGE_VERSION)});
      continue;
    }
    auto path = find_program(row.program);
    // Under another tool's name sedge would measure itself.
    if (!path || std::filesystem::canonical(*path, error).string() == self) continue;
    out.push_back({&row, *path, version_of(*path, scratch_file)});
  }
  return out;
}

}  // namespace sedge::cli
