// Runs spec test scripts (.wast) on the public API: modules, actions, assertions, registrations,
// threads. An assertion about a message holds when the message BEGINS with the script's words.
// Format: interpreter/README.md of the specification repository, section "Scripts".
#ifndef SEDGE_WAST_SCRIPT_RUNNER_H_
#define SEDGE_WAST_SCRIPT_RUNNER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/engine.h>
#include <sedge/error.h>
#include <sedge/feature.h>

#include "wast/deviations.h"

namespace sedge::wast {

struct Options {
  Features features = Features::all();
  Tier tier = Tier::automatic;
  uint32_t tier_threshold = Config{}.tier_threshold;
  Optimize optimize = Optimize::off;
  uint32_t optimize_threshold = Config{}.optimize_threshold;
  /// Also demands of every text module that printing and parsing it again gives the same binary.
  bool round_trip = false;
  /// Called with each line that a script prints through the spectest module; may be empty.
  bool print = false;
  /// Expected deviations; may be null. Rows that apply are marked as used; a row about a script's
  /// folder replaces `features`, or keeps the script from being run.
  Deviations* deviations = nullptr;
};

/// A command that did not do what the script says.
struct Failure {
  uint32_t line = 0;     ///< of the command
  std::string command;   ///< "assert_invalid", "module"…
  std::string expected;  ///< the script's words or values; may be empty
  std::string actual;    ///< what happened instead
};

struct ScriptReport {
  std::string name;
  uint32_t passed = 0;
  uint32_t deviated = 0;    ///< of `passed`: as a row of the table of deviations says
  std::string unsupported;  ///< not run, and why; else empty
  std::vector<Failure> failures;
  bool ok() const { return failures.empty(); }
};

/// Runs a script; `name` is how failures and the table of deviations call it. Errors: a script that
/// does not parse (malformed, with line), or an engine that cannot be made.
Result<ScriptReport> run_script(std::string_view text, std::string name, const Options& options);
/// The same from a file. Errors also: file_not_found, io.
Result<ScriptReport> run_script_file(const std::string& path, std::string name,
                                     const Options& options);

/// The scripts (*.wast) below `folder`, sorted, relative to it. Errors: file_not_found, io.
Result<std::vector<std::string>> find_scripts(const std::string& folder);

/// One line per script and failure for a person; at most `max_failures` of each script.
std::string to_text(const std::vector<ScriptReport>& reports, size_t max_failures = 10);
/// The reports as one JSON object: {"passed": n, "failed": n, "scripts": [...]}.
std::string to_json(const std::vector<ScriptReport>& reports);

}  // namespace sedge::wast

#endif  // SEDGE_WAST_SCRIPT_RUNNER_H_
