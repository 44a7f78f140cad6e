// `sedge wast`: runs specification scripts.
#include <sedge/engine.h>

#include "cli/console.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "wast/script_runner.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--features", 'f', "LIST", "features that modules may use, as for `sedge validate`"},
    {"--tier", 0, "auto|interp|baseline|llvm", "what runs the code"},
    {"--round-trip", 0, "", "also demand that printing and parsing each module changes nothing"},
    {"--print", 0, "", "show what scripts print"},
    {"--max-failures", 0, "N", "failures shown of each script (default: 10)"},
    {"--json", 0, "", "print one JSON object"},
};
constexpr Positional kPositionals[] = {{"FILE", "scripts (.wast)", Positional::Count::many}};

Tier tier_of(std::string_view name) {
  if (name == "interp") return Tier::interp;
  if (name == "baseline") return Tier::baseline;
  if (name == "llvm") return Tier::llvm;
  return Tier::automatic;
}

Result<int> run(const Arguments& arguments) {
  wast::Options options;
  if (auto list = arguments.get("--features")) {
    SEDGE_TRY_ASSIGN(options.features, Features::parse(*list));
  }
  options.tier = tier_of(arguments.get("--tier").value_or("auto"));
  options.round_trip = arguments.has("--round-trip");
  options.print = arguments.has("--print");
  uint64_t max_failures = 10;
  if (auto most = arguments.get("--max-failures")) {
    SEDGE_TRY_ASSIGN(max_failures, parse_count("--max-failures", *most));
  }
  std::vector<wast::ScriptReport> reports;
  bool ok = true;
  for (std::string_view path : arguments.positionals()) {
    Result<wast::ScriptReport> report =
        wast::run_script_file(std::string(path), std::string(path), options);
    if (!report) {
      report.error().add_context(std::string(path));
      return fail(std::move(report).error());
    }
    ok = ok && report->ok();
    reports.push_back(*std::move(report));
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
    "sedge wast --round-trip --json i32.wast",
    run};

}  // namespace sedge::cli
