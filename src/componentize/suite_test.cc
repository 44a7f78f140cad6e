// The published suite of the tool chain: WIT to a component and back, modules to components. Its
// files are in ../shared; without them nothing of this runs.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <unistd.h>

#include "component/decode.h"
#include "component/text/text.h"
#include "component/validate.h"
#include "componentize/component_new.h"
#include "componentize/embed.h"
#include "componentize/load_wit.h"
#include "componentize/wit_decode.h"
#include "componentize/wit_encode.h"
#include "wasm/text/text.h"
#include "wit/json.h"
#include "wit/load.h"
#include "wit/print.h"

namespace sedge::componentize {
namespace {

namespace fs = std::filesystem;

std::string suite() {
  const char* value = std::getenv("SEDGE_SHARED");
  return std::string(value ? value : SEDGE_SHARED_DIR) + "/suites/wit-component";
}

std::vector<std::string> entries(const std::string& folder, bool wit_files) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->is_directory() || (wit_files && it->path().extension() == ".wit"))
      out.push_back(it->path().filename().string());
  std::ranges::sort(out);
  return out;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class WitBinary : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WitBinary);

TEST_P(WitBinary, GoesThereAndBack) {
  fs::path path = suite() + "/interfaces/" + GetParam();
  auto loaded = wit::load(path.string(), {});
  ASSERT_TRUE(loaded) << loaded.error().render();
  std::vector<uint8_t> binary = encode_package(loaded->resolve, loaded->root);
  auto decoded = decode_wit(Bytes(binary));
  ASSERT_TRUE(decoded) << decoded.error().render();
  EXPECT_TRUE(decoded->is_package);
  fs::path expected = path.string() + ".print";
  if (fs::is_directory(path))
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.path().extension() == ".print") expected = entry.path();
  EXPECT_EQ(wit::print_package(decoded->resolve, decoded->root), read(expected));
  // Encoded again, it is the same.
  EXPECT_EQ(encode_package(decoded->resolve, decoded->root), binary);
}
INSTANTIATE_TEST_SUITE_P(Suite, WitBinary,
                         testing::ValuesIn(entries(suite() + "/interfaces", true)), test_name);

/// A name for a file of this test alone.
std::string test_file() {
  std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  std::ranges::replace(name, '/', '-');
  return "sedge-" + std::to_string(::getpid()) + "-" + name;
}

/// A module of the suite with its world, which the WIT beside it has. Of `multi-package`, modules
/// are in folders that are called like their packages.
Result<std::vector<uint8_t>> module_with_world(const fs::path& folder, const std::string& stem) {
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> module, wasm::assemble(read(folder / (stem + ".wat"))));
  fs::path wit = folder / (stem + ".wit");
  std::string world = stem;
  if (!fs::exists(wit)) {
    wit = folder.parent_path().parent_path() / (stem + ".wit");
    world =
        folder.parent_path().filename().string() + ":" + folder.filename().string() + "/" + stem;
  }
  std::string text = read(wit);
  if (text.find("package ") == std::string::npos) {
    std::string package = read(folder / "module.wit");
    package = package.substr(package.find("package "));
    text = package.substr(0, package.find(';') + 1) + "\n" + text;
  }
  fs::path copy = testing::TempDir() + test_file() + ".wit";
  std::ofstream(copy) << text;
  wit::LoadOptions options;
  if (fs::exists(folder / "deps")) options.deps.push_back((folder / "deps").string());
  auto loaded = wit::load(copy.string(), options);
  fs::remove(copy);
  if (!loaded) return fail(std::move(loaded).error());
  SEDGE_TRY_ASSIGN(wit::WorldId id, select_world(loaded->resolve, loaded->root, world));
  return embed(loaded->resolve, id, Bytes(module), StringEncoding::utf8);
}

Result<std::vector<uint8_t>> make_component(const fs::path& folder) {
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> module, module_with_world(folder, "module"));
  std::vector<std::string> stems;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string stem = entry.path().stem().string();
    if (stem.starts_with("adapt-") && entry.path().extension() == ".wat") stems.push_back(stem);
  }
  std::ranges::sort(stems);
  std::vector<std::vector<uint8_t>> binaries;
  for (const std::string& stem : stems) {
    SEDGE_TRY_ASSIGN(std::vector<uint8_t> adapter, module_with_world(folder, stem));
    binaries.push_back(std::move(adapter));
  }
  std::vector<Adapter> adapters;
  constexpr std::string_view kNamed = ";; module name: ";
  for (size_t i = 0; i < stems.size(); ++i) {
    std::string name = stems[i].substr(6);
    std::string text = read(folder / (stems[i] + ".wat"));
    if (text.starts_with(kNamed))
      name = text.substr(kNamed.size(), text.find('\n') - kNamed.size());
    adapters.push_back({name, Bytes(binaries[i])});
  }
  return component_new(Bytes(module), adapters);
}

/// Folders of components/ with a module. Those with lib-*.wat are dynamic libraries to be linked,
/// which is not `component new`.
std::vector<std::string> components() {
  std::vector<std::string> out;
  std::string root = suite() + "/components";
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error))
    if (it->path().filename() == "module.wat")
      out.push_back(fs::relative(it->path().parent_path(), root).string());
  std::ranges::sort(out);
  return out;
}

/// Inputs that do not give what the suite has, and why.
constexpr std::pair<std::string_view, std::string_view> kDeviations[] = {
    {"adapt-export-reallocs", "the adapter grows a memory that it does not have: it is not valid"},
    {"realloc-task-hook-adapter",
     "the adapter grows a memory that it does not have: it is not valid"},
};

class ComponentNew : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ComponentNew);

TEST_P(ComponentNew, GivesTheSameWorld) {
  fs::path folder = suite() + "/components/" + GetParam();
  auto made = make_component(folder);
  if (fs::exists(folder / "error.txt")) {
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ErrorCode::no_component) << made.error().render();
    return;
  }
  for (const auto& [name, reason] : kDeviations) {
    if (name != GetParam()) continue;
    Result<component::Component> component = fail(ErrorCode::no_component);
    if (made) component = component::decode(Bytes(*made), nullptr);
    EXPECT_FALSE(component && component::validate(*component, component::every_feature(),
                                                  wasm::TypeRegistry::create()))
        << "no longer true: " << reason;
    return;
  }
  ASSERT_TRUE(made) << made.error().render();
  auto component = component::decode(Bytes(*made), nullptr);
  ASSERT_TRUE(component) << component.error().render();
  auto valid =
      component::validate(*component, component::every_feature(), wasm::TypeRegistry::create());
  EXPECT_TRUE(valid) << valid.error().render() << "\n" << component::print_component(*component);
  auto decoded = decode_wit(*component);
  ASSERT_TRUE(decoded) << decoded.error().render();
  EXPECT_EQ(wit::print_package(decoded->resolve, decoded->root),
            read(folder / "component.wit.print"));
}
INSTANTIATE_TEST_SUITE_P(Suite, ComponentNew, testing::ValuesIn(components()), test_name);

TEST(ComponentizeSuite, DependenciesInBinaryForm) {
  std::string input = suite() + "/../wit/ui/kinds-of-deps";
  if (!fs::exists(input)) GTEST_SKIP() << input << " is missing: it is not read";
  auto loaded = load_wit(input, {});
  ASSERT_TRUE(loaded) << loaded.error().render();
  EXPECT_EQ(wit::to_json(loaded->resolve), read(input + ".wit.json") + "\n");
  auto text = load_wit(suite() + "/../wit/ui/simple-wasm-text.wat", {});
  ASSERT_TRUE(text) << text.error().render();
  EXPECT_EQ(wit::to_json(text->resolve),
            read(suite() + "/../wit/ui/simple-wasm-text.wit.json") + "\n");
}

TEST(ComponentizeSuite, IsThere) {
  if (!fs::exists(suite())) GTEST_SKIP() << suite() << " is missing: its inputs are not read";
  EXPECT_GT(entries(suite() + "/interfaces", true).size(), 40u);
  EXPECT_GT(components().size(), 70u);
}

}  // namespace
}  // namespace sedge::componentize
