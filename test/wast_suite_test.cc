// The specification's scripts and our own, one test each. Scripts of the specification come from
// ../shared; without it only those in test/wast run.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wast/script_runner.h"

namespace sedge::wast {
namespace {

namespace fs = std::filesystem;

std::string root() {
  const char* value = std::getenv("SEDGE_ROOT");
  return value ? value : SEDGE_ROOT_DIR;
}

std::string suite() {
  const char* value = std::getenv("SEDGE_SHARED");
  return std::string(value ? value : SEDGE_SHARED_DIR) + "/suites/spec";
}

std::vector<std::string> scripts(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    if (it->path().extension() == ".wast") out.push_back(fs::relative(it->path(), folder).string());
  std::ranges::sort(out);
  return out;
}

bool unsupported(const std::string& name) {
  return name.starts_with("proposals/custom-descriptors/");
}

/// Scripts of the specification that run; the unsupported proposal has its own test.
std::vector<std::string> spec_scripts() {
  std::vector<std::string> out = scripts(suite());
  std::erase_if(out, unsupported);
  return out;
}

Deviations read_deviations() {
  std::ifstream file(root() + "/test/wast_deviations.txt");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto table = Deviations::parse(text);
  if (table) return *std::move(table);
  ADD_FAILURE() << "wast_deviations.txt: " << table.error().render();
  return {};
}

Options options_for(const std::string& name) {
  Options options;
  options.round_trip = true;
  // The scripts of this proposal assert that 1.0 has one memory and one table.
  if (name.starts_with("proposals/threads/"))
    options.features.set(Feature::multi_memory, false).set(Feature::reference_types, false);
  return options;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(0, info.param.rfind('.'));
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

void expect_pass(const std::string& folder, const std::string& name, Deviations* deviations) {
  Options options = options_for(name);
  options.deviations = deviations;
  auto report = run_script_file(folder + "/" + name, name, options);
  ASSERT_TRUE(report) << report.error().render();
  EXPECT_TRUE(report->ok()) << to_text({*report});
  EXPECT_GT(report->passed, 0u) << "a script without a command";
}

class SpecScript : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SpecScript);

TEST_P(SpecScript, Passes) {
  Deviations deviations = read_deviations();
  expect_pass(suite(), GetParam(), &deviations);
}
INSTANTIATE_TEST_SUITE_P(Spec, SpecScript, testing::ValuesIn(spec_scripts()), test_name);

class OwnScript : public testing::TestWithParam<std::string> {};

TEST_P(OwnScript, Passes) { expect_pass(root() + "/test/wast", GetParam(), nullptr); }
INSTANTIATE_TEST_SUITE_P(Own, OwnScript, testing::ValuesIn(scripts(root() + "/test/wast")),
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
TEST(SpecSuite, CustomDescriptorsAreRefused) {
  if (!fs::exists(suite())) GTEST_SKIP() << suite() << " is missing: its scripts do not run";
  std::vector<std::string> refused = scripts(suite());
  std::erase_if(refused, [](const std::string& name) { return !unsupported(name); });
  EXPECT_FALSE(refused.empty());
  for (const std::string& name : refused) {
    auto report = run_script_file(suite() + "/" + name, name, {});
    EXPECT_FALSE(report && report->ok()) << name;
  }
}

}  // namespace
}  // namespace sedge::wast
