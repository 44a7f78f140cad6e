// The published WIT suite: each input resolves to the JSON that is given, or is refused. Its files
// are in ../shared; without them nothing of this runs.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "wit/json.h"
#include "wit/load.h"
#include "wit/print.h"

namespace sedge::wit {
namespace {

namespace fs = std::filesystem;

std::string shared() {
  const char* value = std::getenv("SEDGE_SHARED");
  return value ? value : SEDGE_SHARED_DIR;
}
std::string suite() { return shared() + "/suites/wit/ui"; }

/// Files and folders with WIT in `folder`; folders without a file of their own are no inputs.
std::vector<std::string> inputs(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    // One has dependencies in binary form: componentize/suite_test.cc reads it.
    if (name == "kinds-of-deps") continue;
    if (it->is_directory() ? name != "parse-fail" : it->path().extension() == ".wit")
      out.push_back(name);
  }
  std::ranges::sort(out);
  return out;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

LoadOptions options() {
  LoadOptions out;
  out.gates.features.insert("active");
  return out;
}

class WitAccepted : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WitAccepted);

TEST_P(WitAccepted, GivesTheJson) {
  std::string path = suite() + "/" + GetParam();
  bool folder = fs::is_directory(path);
  auto loaded = load(path, options());
  ASSERT_TRUE(loaded) << loaded.error().render();
  std::string expected = read(path + (folder ? ".wit.json" : ".json")) + "\n";
  EXPECT_EQ(to_json(loaded->resolve), expected);

  // What is printed means the same: printed again, it is the same text.
  std::string text = print_all(loaded->resolve, loaded->root);
  auto again = load_text("printed.wit", text, options().gates);
  ASSERT_TRUE(again) << again.error().render() << "\n" << text;
  EXPECT_EQ(print_all(again->resolve, again->root), text);
}
INSTANTIATE_TEST_SUITE_P(Suite, WitAccepted, testing::ValuesIn(inputs(suite())), test_name);

class WitRefused : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WitRefused);

TEST_P(WitRefused, IsRefused) {
  auto loaded = load(suite() + "/parse-fail/" + GetParam(), options());
  ASSERT_FALSE(loaded);
  EXPECT_TRUE(loaded.error().code() == ErrorCode::wit_syntax ||
              loaded.error().code() == ErrorCode::wit_invalid)
      << loaded.error().render();
}
INSTANTIATE_TEST_SUITE_P(Suite, WitRefused, testing::ValuesIn(inputs(suite() + "/parse-fail")),
                         test_name);

/// The packages of ../shared/wit: folders, or files beside each other.
std::vector<std::string> packages() {
  std::vector<std::string> out;
  std::error_code error;
  std::string root = shared() + "/wit";
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".wit") continue;
    fs::path path = fs::relative(it->path(), root);
    if (path.string().find("deps") != std::string::npos) continue;
    bool alone = path.begin()->string().starts_with("p");
    std::string name = alone ? path.string() : path.parent_path().string();
    if (std::ranges::find(out, name) == out.end()) out.push_back(name);
  }
  std::ranges::sort(out);
  return out;
}

class WitPackages : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WitPackages);

// Functions stand behind types in printed text: from there on, the order stays.
TEST_P(WitPackages, PrintToTheSame) {
  LoadOptions all;
  all.gates.all = true;
  fs::path path = shared() + "/wit/" + GetParam();
  if (path.extension() == ".wit") all.deps.push_back(path.parent_path().string());
  auto loaded = load(path.string(), all);
  ASSERT_TRUE(loaded) << loaded.error().render();
  std::string text = print_all(loaded->resolve, loaded->root);
  auto again = load_text("printed.wit", text, all.gates);
  ASSERT_TRUE(again) << again.error().render() << "\n" << text;
  EXPECT_EQ(print_all(again->resolve, again->root), text);
  auto third = load_text("printed.wit", print_all(again->resolve, again->root), all.gates);
  ASSERT_TRUE(third) << third.error().render();
  EXPECT_EQ(to_json(third->resolve), to_json(again->resolve));
  EXPECT_EQ(loaded->resolve.types.size(), again->resolve.types.size());
}
INSTANTIATE_TEST_SUITE_P(Shared, WitPackages, testing::ValuesIn(packages()), test_name);

TEST(WitSuite, IsThere) {
  if (!fs::exists(suite())) GTEST_SKIP() << suite() << " is missing: its inputs are not read";
  EXPECT_GT(inputs(suite()).size(), 60u);
  EXPECT_GT(inputs(suite() + "/parse-fail").size(), 140u);
}

}  // namespace
}  // namespace sedge::wit
