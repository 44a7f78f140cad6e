// The published scripts of the Component Model from ../shared (without it they do not run) and the
// project's own (test/component), each on every tier. component_waiting.txt lists every command
// that cannot pass yet, with its reason: a listed command that passes is an error, so that the list
// only shrinks.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "program.h"
#include "tiers.h"
#include "wast/script_runner.h"

namespace sedge::wast {
namespace {

namespace fs = std::filesystem;

std::string root() {
  const char* value = std::getenv("SEDGE_ROOT");
  return value ? value : SEDGE_ROOT_DIR;
}

std::string suites() {
  const char* value = std::getenv("SEDGE_SHARED");
  return std::string(value ? value : SEDGE_SHARED_DIR) + "/suites";
}

std::string own_scripts() { return root() + "/test/component"; }

/// "component-model/values/strings.wast" and so on.
std::vector<std::string> scripts() {
  std::vector<std::string> out;
  for (const char* suite : {"component-model", "component-model-more"}) {
    std::error_code error;
    for (fs::recursive_directory_iterator it(suites() + "/" + suite, error), end;
         !error && it != end; it.increment(error))
      if (it->path().extension() == ".wast")
        out.push_back(fs::relative(it->path(), suites()).string());
  }
  std::ranges::sort(out);
  return out;
}

/// Lines that wait, by script: `script:line | reason`.
std::map<std::string, std::set<uint32_t>> waiting() {
  std::map<std::string, std::set<uint32_t>> out;
  std::istringstream table(test::read(root() + "/test/component_waiting.txt"));
  for (std::string row; std::getline(table, row);) {
    if (row.empty() || row[0] == '#') continue;
    size_t bar = row.find(" | ");
    size_t colon = row.rfind(':', bar);
    bool complete = bar != std::string::npos && colon != std::string::npos && bar + 3 < row.size();
    EXPECT_TRUE(complete) << "a row is `script:line | reason`: " << row;
    if (complete)
      out[row.substr(0, colon)].insert(
          static_cast<uint32_t>(std::stoul(row.substr(colon + 1, bar - colon - 1))));
  }
  return out;
}

constexpr std::string_view kGated =
    "all,+cm-values,+cm-async-stackful,+cm-more-async-builtins,+cm-threading,"
    "+cm-fixed-length-lists,+cm-error-context,+cm64";

/// The peer's scripts say in their first lines which features they have on, beyond its defaults.
std::string features_of(const std::string& name, const std::string& text) {
  if (name.starts_with("component-model/")) return std::string(kGated);
  std::string out = "all";
  size_t run = text.find(";; RUN");
  if (run == std::string::npos) return out;
  std::istringstream line(text.substr(run, text.find('\n', run) - run));
  for (std::string word, previous; line >> word; previous = word) {
    bool negative = word.starts_with("--features=-");
    if (previous != "-f" && !negative) continue;
    if (negative) {
      out += "," + word.substr(std::string_view("--features=").size()) + ",-legacy-exceptions";
      continue;
    }
    std::istringstream list(word);
    for (std::string feature; std::getline(list, feature, ',');)
      if (feature != "shared-everything-threads") out += ",+" + feature;
  }
  return out;
}

using Param = std::tuple<std::string, test::TierCase>;

std::string test_name(const testing::TestParamInfo<Param>& info) {
  const auto& [script, tier] = info.param;
  std::string name = script.substr(0, script.rfind('.')) + "_" + tier.name;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

Options options_for(const test::TierCase& tier) {
  Options options;
  options.round_trip = tier.tier == Tier::interp;  // nothing runs in it
  options.tier = tier.tier;
  options.tier_threshold = tier.threshold;
  options.optimize = tier.optimize;
  options.optimize_threshold = tier.threshold;
  return options;
}

class ComponentScriptSuite : public testing::TestWithParam<Param> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ComponentScriptSuite);

TEST_P(ComponentScriptSuite, PassesButForWhatWaits) {
  const auto& [name, tier] = GetParam();
  std::string text = test::read(suites() + "/" + name);
  auto table = Deviations::parse(test::read(root() + "/test/component_deviations.txt"));
  ASSERT_TRUE(table) << table.error().render();
  Options options = options_for(tier);
  options.deviations = &*table;
  auto features = Features::parse(features_of(name, text));
  ASSERT_TRUE(features) << features.error().render();
  options.features = *features;
  auto report = run_script(text, name, options);
  ASSERT_TRUE(report) << report.error().render();
  std::set<uint32_t> expected = waiting()[name];
  std::vector<Failure> surprises;
  std::set<uint32_t> failed;
  for (const Failure& failure : report->failures) {
    failed.insert(failure.line);
    if (!expected.contains(failure.line)) surprises.push_back(failure);
  }
  for (uint32_t line : expected)
    EXPECT_TRUE(failed.contains(line))
        << name << ":" << line << " passes: take it off component_waiting.txt";
  report->failures = std::move(surprises);
  EXPECT_TRUE(report->ok()) << to_text({*report}, 30);
}
INSTANTIATE_TEST_SUITE_P(Published, ComponentScriptSuite,
                         testing::Combine(testing::ValuesIn(scripts()),
                                          testing::ValuesIn(test::engine_tiers())),
                         test_name);

class OwnComponentScript : public testing::TestWithParam<Param> {};

TEST_P(OwnComponentScript, Passes) {
  const auto& [name, tier] = GetParam();
  Options options = options_for(tier);
  auto features = Features::parse(kGated);
  ASSERT_TRUE(features) << features.error().render();
  options.features = *features;
  auto report = run_script_file(own_scripts() + "/" + name, name, options);
  ASSERT_TRUE(report) << report.error().render();
  EXPECT_TRUE(report->ok()) << to_text({*report});
  EXPECT_GT(report->passed, 0U) << "a script without a command";
}
INSTANTIATE_TEST_SUITE_P(Own, OwnComponentScript,
                         testing::Combine(testing::ValuesIn(find_scripts(own_scripts()).value()),
                                          testing::ValuesIn(test::engine_tiers())),
                         test_name);

TEST(ComponentSuite, IsThere) {
  if (!fs::exists(suites() + "/component-model"))
    GTEST_SKIP() << suites() << " is missing: its scripts do not run";
  EXPECT_GT(scripts().size(), 100u);
}

// Every row of the list names a script that runs.
TEST(ComponentSuite, WaitingNamesScripts) {
  if (!fs::exists(suites() + "/component-model"))
    GTEST_SKIP() << suites() << " is missing: its scripts do not run";
  std::vector<std::string> known = scripts();
  for (const auto& [file, lines] : waiting())
    EXPECT_TRUE(std::ranges::binary_search(known, file)) << file;
}

}  // namespace
}  // namespace sedge::wast
