// From a script's text to its report, and reports as text and JSON.
#include "wast/script_runner.h"

#include <algorithm>
#include <filesystem>
#include <mutex>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_text.h"
#include "wasm/text/script.h"
#include "wast/script_context.h"

namespace sedge::wast {
namespace {

constexpr uint64_t kMaxScript = 64 << 20;

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

Result<ScriptReport> run_script(std::string_view text, std::string name, const Options& options) {
  ScriptReport report;
  report.name = std::move(name);
  Config config;
  config.features = options.features;
  if (options.deviations) {
    if (auto reason = options.deviations->unsupported(report.name)) {
      report.unsupported = *std::move(reason);
      return report;
    }
    config.features = options.deviations->features(report.name).value_or(options.features);
  }
  SEDGE_TRY_ASSIGN(std::vector<wasm::Command> commands, wasm::parse_script(text));
  config.tier = options.tier;
  config.tier_threshold = options.tier_threshold;
  config.optimize = options.optimize;
  config.optimize_threshold = options.optimize_threshold;
  SEDGE_TRY_ASSIGN(Engine engine, Engine::create(config));
  std::mutex lock;
  {
    ScriptContext context(engine, options, lock, report);
    SEDGE_TRY(context.prepare());
    context.run(commands);
  }
  if (options.deviations) {
    for (std::string& row : options.deviations->unused(report.name))
      report.failures.push_back({0, "deviations", "every row to be needed", std::move(row)});
  }
  return report;
}

Result<ScriptReport> run_script_file(const std::string& path, std::string name,
                                     const Options& options) {
  SEDGE_TRY_ASSIGN(FileContent script, read_file(path, kMaxScript));
  return run_script(script.text(), std::move(name), options);
}

Result<std::vector<std::string>> find_scripts(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    if (it->path().extension() == ".wast") out.push_back(fs::relative(it->path(), folder).string());
  if (error)
    return fail(
        error == std::errc::no_such_file_or_directory ? ErrorCode::file_not_found : ErrorCode::io,
        fmt::format(": {}: {}", folder, error.message()));
  std::ranges::sort(out);
  return out;
}

std::string to_text(const std::vector<ScriptReport>& reports, size_t max_failures) {
  std::string out;
  for (const ScriptReport& report : reports) {
    if (!report.unsupported.empty()) {
      out += fmt::format("skip {}: {}\n", report.name, report.unsupported);
      continue;
    }
    out +=
        fmt::format("{} {}: {} passed", report.ok() ? "ok  " : "FAIL", report.name, report.passed);
    if (report.deviated) out += fmt::format(" ({} with other words)", report.deviated);
    if (!report.ok()) out += fmt::format(", {} failed", report.failures.size());
    out += '\n';
    size_t shown = 0;
    for (const Failure& failure : report.failures) {
      if (shown++ == max_failures) {
        out += fmt::format("  and {} more\n", report.failures.size() - max_failures);
        break;
      }
      out += fmt::format("  {}:{}: {}\n", report.name, failure.line, failure.command);
      if (!failure.expected.empty()) out += fmt::format("    expected {}\n", failure.expected);
      out += fmt::format("    got      {}\n", failure.actual);
    }
  }
  return out;
}

std::string to_json(const std::vector<ScriptReport>& reports) {
  size_t passed = 0, failed = 0;
  std::string scripts;
  for (const ScriptReport& report : reports) {
    passed += report.passed;
    failed += report.failures.size();
    std::string failures;
    for (const Failure& failure : report.failures) {
      failures +=
          fmt::format("{}{{\"line\": {}, \"command\": {}, \"expected\": {}, \"actual\": {}}}",
                      failures.empty() ? "" : ", ", failure.line, json_string(failure.command),
                      json_string(failure.expected), json_string(failure.actual));
    }
    if (!report.unsupported.empty()) {
      scripts += fmt::format("{}{{\"name\": {}, \"unsupported\": {}}}", scripts.empty() ? "" : ", ",
                             json_string(report.name), json_string(report.unsupported));
      continue;
    }
    scripts += fmt::format(
        "{}{{\"name\": {}, \"passed\": {}, \"deviated\": {}, \"failed\": {}, \"failures\": [{}]}}",
        scripts.empty() ? "" : ", ", json_string(report.name), report.passed, report.deviated,
        report.failures.size(), failures);
  }
  return fmt::format("{{\"passed\": {}, \"failed\": {}, \"scripts\": [{}]}}\n", passed, failed,
                     scripts);
}

}  // namespace sedge::wast
