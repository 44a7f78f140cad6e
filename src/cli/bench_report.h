// What `sedge bench` found, as text, Markdown, JSON and charts.
#ifndef SEDGE_CLI_BENCH_REPORT_H_
#define SEDGE_CLI_BENCH_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/bench_run.h"
#include "cli/chart.h"
#include "cli/compressed_size.h"

namespace sedge::cli {

/// One runtime over one file. Absent: it does not run it, or has no such way.
struct EngineResult {
  std::string name;
  std::string version;
  std::optional<Measured> cold;                      ///< a process without any cache
  std::optional<Measured> cached;                    ///< with what was compiled before
  std::optional<Measured> cold_empty, cached_empty;  ///< the same over a module that does nothing
  std::optional<uint64_t> compile_ns;
  std::optional<uint64_t> compiled_bytes;

  /// The part of a run that is not the start: what the same start of an empty module takes is off.
  std::optional<uint64_t> run_ns() const;
  const std::optional<Measured>& best_start() const {
    return cached_empty ? cached_empty : cold_empty;
  }
};

struct FileResult {
  std::string path;
  uint64_t bytes = 0;
  std::vector<CompressedSize> compressed;
  std::vector<EngineResult> engines;
};

/// "12.3 ms", at three digits.
std::string milliseconds(uint64_t ns);
std::string file_report(const FileResult& result, bool markdown);
void write_json(Json& json, const FileResult& result);
Chart file_chart(const FileResult& result);

/// The comparison table: a column per runtime, a row per question.
struct Comparison {
  std::vector<EngineResult> engines;           ///< over the kernel
  std::vector<std::optional<Measured>> hello;  ///< per engine, the fastest start
  struct Answer {
    std::string question;
    std::vector<std::string> answers;  ///< per engine
  };
  std::vector<Answer> probes;
  uint64_t hello_bytes = 0;
};

std::string comparison_table(const Comparison& comparison, bool markdown);
void write_json(Json& json, const Comparison& comparison);
std::vector<Chart> comparison_charts(const Comparison& comparison);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_BENCH_REPORT_H_
