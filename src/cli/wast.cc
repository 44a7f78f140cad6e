// `sedge wast`: runs specification scripts.
#include <filesystem>

#include <sedge/engine.h>

#include "base/file.h"
#include "cli/console.h"
#include "cli/tier_option.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "wast/deviations.h"
#include "wast/script_runner.h"

namespace sedge::cli {
namespace {

constexpr uint64_t kMaxTable = 16 << 20;
constexpr Option kOptions[] = {
    {"--features", 'f', "LIST", "features that modules may use, as for `sedge validate`"},
    kTierOption,
    kTierThresholdOption,
    {"--deviations", 0, "FILE",
     "a table of assertions that hold with other words, such as test/wast_deviations.txt"},
    {"--round-trip", 0, "", "also demand that printing and parsing each module changes nothing"},
    {"--print", 0, "", "show what scripts print"},
    {"--max-failures", 0, "N", "failures shown of each script (default: 10)"},
    {"--json", 0, "", "print one JSON object"},
};
constexpr Positional kPositionals[] = {
    {"FILE", "scripts (.wast), or folders: every script below", Positional::Count::many}};

Result<wast::Deviations> read_deviations(const std::string& path) {
  SEDGE_TRY_ASSIGN(FileContent table, read_file(path, kMaxTable));
  return wast::Deviations::parse(table.text());
}

Result<int> run(const Arguments& arguments) {
  wast::Options options;
  if (auto list = arguments.get("--features")) {
    SEDGE_TRY_ASSIGN(options.features, Features::parse(*list));
  }
  Config tiers;
  SEDGE_TRY(parse_tier(arguments, tiers));
  options.tier = tiers.tier;
  options.tier_threshold = tiers.tier_threshold;
  options.round_trip = arguments.has("--round-trip");
  options.print = arguments.has("--print");
  uint64_t max_failures = 10;
  if (auto most = arguments.get("--max-failures")) {
    SEDGE_TRY_ASSIGN(max_failures, parse_count("--max-failures", *most));
  }
  wast::Deviations deviations;
  if (auto table = arguments.get("--deviations")) {
    auto read = read_deviations(std::string(*table));
    if (!read) return fail(std::move(read).error().with_context(std::string(*table)));
    deviations = *std::move(read);
    options.deviations = &deviations;
  }
  std::vector<wast::ScriptReport> reports;
  bool ok = true;
  for (std::string_view argument : arguments.positionals()) {
    std::string path(argument);
    // Scripts of a folder are called as they are from within it, as in the table.
    std::vector<std::string> names{path};
    std::string folder;
    if (std::filesystem::is_directory(path)) {
      folder = path + "/";
      SEDGE_TRY_ASSIGN(names, wast::find_scripts(path));
    }
    for (const std::string& name : names) {
      auto report = wast::run_script_file(folder + name, name, options);
      if (!report) return fail(std::move(report).error().with_context(folder + name));
      ok = ok && report->ok();
      reports.push_back(*std::move(report));
    }
  }
  SEDGE_TRY(print(arguments.has("--json") ? wast::to_json(reports)
                                          : wast::to_text(reports, max_failures)));
  return ok ? 0 : 1;
}

}  // namespace

const Verb kWastVerb = {
    "wast",
    "run specification scripts",
    "Runs the assertions of each script and says which did not hold. Exits with 1 if any did not.",
    kOptions,
    kPositionals,
    "sedge wast test/core/*.wast\n"
    "sedge wast --deviations test/wast_deviations.txt ../shared/suites/spec\n"
    "sedge wast --round-trip --json i32.wast",
    run};

}  // namespace sedge::cli
