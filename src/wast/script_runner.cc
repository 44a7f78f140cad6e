// From a script's text to its report, and reports as text and JSON.
#include "wast/script_runner.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>

#include <fmt/format.h>

#include "wasm/text/script.h"
#include "wast/script_context.h"

namespace sedge::wast {
namespace {

Result<std::string> read_text(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file)
    return fail(errno == ENOENT ? ErrorCode::file_not_found : ErrorCode::io,
                fmt::format(": {} ({})", path, std::strerror(errno)));
  std::string text;
  char chunk[1 << 16];
  size_t got = 0;
  while ((got = std::fread(chunk, 1, sizeof chunk, file.get())) > 0) text.append(chunk, got);
  if (std::ferror(file.get())) return fail(ErrorCode::io, ": " + path);
  return text;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

}  // namespace

Result<ScriptReport> run_script(std::string_view text, std::string name, const Options& options) {
  SEDGE_TRY_ASSIGN(std::vector<wasm::Command> commands, wasm::parse_script(text));
  Config config;
  config.features = options.features;
  config.tier = options.tier;
  SEDGE_TRY_ASSIGN(Engine engine, Engine::create(config));
  ScriptReport report;
  report.name = std::move(name);
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
  SEDGE_TRY_ASSIGN(std::string text, read_text(path));
  return run_script(text, std::move(name), options);
}

std::string to_text(const std::vector<ScriptReport>& reports, size_t max_failures) {
  std::string out;
  for (const ScriptReport& report : reports) {
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
    scripts += fmt::format(
        "{}{{\"name\": {}, \"passed\": {}, \"deviated\": {}, \"failed\": {}, \"failures\": [{}]}}",
        scripts.empty() ? "" : ", ", json_string(report.name), report.passed, report.deviated,
        report.failures.size(), failures);
  }
  return fmt::format("{{\"passed\": {}, \"failed\": {}, \"scripts\": [{}]}}\n", passed, failed,
                     scripts);
}

}  // namespace sedge::wast
