// Runtimes that `sedge bench` measures: how each runs a module, and how it compiles one ahead.
#ifndef SEDGE_CLI_BENCH_ENGINES_H_
#define SEDGE_CLI_BENCH_ENGINES_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

namespace sedge::cli {

/// A runtime as data. In words, `{in}` stands for the file and `{out}` for what is compiled.
struct EngineRow {
  std::string_view name;     ///< "sedge interp", "wasmtime"
  std::string_view program;  ///< looked up in PATH; empty: this program
  std::string_view run;      ///< without any cache
  std::string_view compile;  ///< empty: it has no compiler ahead of time
  std::string_view run_compiled;
  std::string_view dir;  ///< how it is given a folder: `{dir}` stands for it; empty: not at all
  std::string_view compiled_as;  ///< ending of the compiled file
};

struct BenchEngine {
  const EngineRow* row = nullptr;
  std::string path;     ///< of the program
  std::string version;  ///< first line of what it says, or empty

  /// The command line for a file; `folder` is what the guest may see as `.`, or empty.
  std::vector<std::string> run(std::string_view file, std::string_view folder) const;
  std::vector<std::string> run_compiled(std::string_view file, std::string_view folder) const;
  std::vector<std::string> compile(std::string_view file, std::string_view out) const;
};

std::span<const EngineRow> engine_rows();
/// Those that are installed, in the table's order; with `only`, those of these names (a prefix up
/// to a space counts, so that `sedge` is all tiers). Error: bad_argument for an unknown name.
Result<std::vector<BenchEngine>> find_engines(const std::vector<std::string_view>& only,
                                              std::string_view scratch_file);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_BENCH_ENGINES_H_
