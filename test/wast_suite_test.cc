// The specification's scripts and our own, one test each. Scripts of the specification come from
// ../shared; without it only those in test/wast run.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "tiers.h"
#include "wast/script_runner.h"

namespace sedge::wast {
namespace {

namespace fs = std::filesystem;

std::string suite() { return test::shared_path("suites/spec"); }
std::string own_scripts() { return test::root_path("test/wast"); }

std::vector<std::string> scripts(const std::string& folder) {
  return find_scripts(folder).value_or(std::vector<std::string>());
}

Deviations read_deviations() {
  std::ifstream file(test::root_path("test/wast_deviations.txt"));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto table = Deviations::parse(text);
  if (table) return *std::move(table);
  ADD_FAILURE() << "wast_deviations.txt: " << table.error().render();
  return {};
}

/// Scripts of the specification that run; those that are not supported have their own test.
std::vector<std::string> spec_scripts() {
  std::vector<std::string> out = scripts(suite());
  Deviations deviations = read_deviations();
  std::erase_if(out, [&](const std::string& name) { return deviations.unsupported(name); });
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

void expect_pass(const std::string& folder, const Param& param, Deviations* deviations) {
  const auto& [name, tier] = param;
  Options options;
  options.round_trip = true;
  options.tier = tier.tier;
  options.tier_threshold = tier.threshold;
  options.optimize = tier.optimize;
  options.optimize_threshold = tier.threshold;
  options.deviations = deviations;
  auto report = run_script_file(folder + "/" + name, name, options);
  ASSERT_TRUE(report) << report.error().render();
  EXPECT_TRUE(report->ok()) << to_text({*report});
  EXPECT_GT(report->passed, 0u) << "a script without a command";
}

class SpecScript : public testing::TestWithParam<Param> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SpecScript);

TEST_P(SpecScript, Passes) {
  Deviations deviations = read_deviations();
  expect_pass(suite(), GetParam(), &deviations);
}
INSTANTIATE_TEST_SUITE_P(Spec, SpecScript,
                         testing::Combine(testing::ValuesIn(spec_scripts()),
                                          testing::ValuesIn(test::engine_tiers())),
                         test_name);

class OwnScript : public testing::TestWithParam<Param> {};

TEST_P(OwnScript, Passes) { expect_pass(own_scripts(), GetParam(), nullptr); }
INSTANTIATE_TEST_SUITE_P(Own, OwnScript,
                         testing::Combine(testing::ValuesIn(scripts(own_scripts())),
                                          testing::ValuesIn(test::engine_tiers())),
                         test_name);

TEST(SpecSuite, IsThere) {
  if (!fs::exists(suite())) GTEST_SKIP() << suite() << " is missing: its scripts do not run";
  EXPECT_GT(spec_scripts().size(), 200u);
}

// Every row of the table names a script that runs.
TEST(SpecSuite, DeviationsNameScripts) {
  if (!fs::exists(suite())) GTEST_SKIP() << suite() << " is missing: its scripts do not run";
  std::vector<std::string> known = spec_scripts();
  for (const std::string& file : read_deviations().files())
    EXPECT_TRUE(std::ranges::binary_search(known, file)) << file;
}

// Each script of an unsupported proposal uses something that is refused, not taken for something
// else.
TEST(SpecSuite, WhatIsUnsupportedIsRefused) {
  if (!fs::exists(suite())) GTEST_SKIP() << suite() << " is missing: its scripts do not run";
  std::vector<std::string> refused = scripts(suite());
  Deviations deviations = read_deviations();
  std::erase_if(refused, [&](const std::string& name) { return !deviations.unsupported(name); });
  EXPECT_FALSE(refused.empty());
  for (const std::string& name : refused) {
    auto report = run_script_file(suite() + "/" + name, name, {});
    EXPECT_FALSE(report && report->ok()) << name;
  }
}

}  // namespace
}  // namespace sedge::wast
