// What `bindgen` writes: names, types, signatures, refusals. The build compiles all of WASI with
// it.
#include "wit/bindgen.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "wit/load.h"

namespace sedge::wit {
namespace {

Result<std::vector<GeneratedFile>> generate(const char* text, BindgenOptions options = {}) {
  auto loaded = load_text("test.wit", text, {});
  if (!loaded) return fail(std::move(loaded).error());
  return generate_bindings(loaded->resolve, loaded->root, options);
}

std::string file(const std::vector<GeneratedFile>& files, std::string_view path) {
  auto found = std::ranges::find(files, path, &GeneratedFile::path);
  return found == files.end() ? "" : found->text;
}

constexpr const char* kShop = R"(package my:shop@1.2.0;
interface goods {
  enum color { red, dark-blue }
  flags marks { new, sold-out }
  record item { name: string, color: color, data: list<u8>, size: tuple<u8, f32> }
  variant problem { item(item), gone }
  resource shelf {
    constructor(size: u32);
    take: func(at: u64) -> result<item, problem>;
    merge: static func(a: shelf, b: borrow<shelf>) -> shelf;
  }
  /// How many there are.
  count: func(of: option<color>, marks: marks) -> u64;
}
world host { import goods; import now: func() -> u64; }
)";

TEST(Bindgen, ClassesAndTypes) {
  auto files = generate(kShop);
  ASSERT_TRUE(files) << files.error().render();
  std::string header = file(*files, "my/shop/goods.h");
  for (const char* part :
       {"namespace bindings::my::shop::goods {",
        "inline constexpr ::std::string_view kInterface = \"my:shop/goods@1.2.0\";",
        "enum class Color : uint8_t {\n  red,\n  dark_blue,\n};",
        "  static constexpr uint64_t kSoldOut = uint64_t{1} << 1;",
        "  ::sedge::host::Bytes data{};", "  ::std::tuple<uint8_t, float> size{};",
        "  struct Item {\n    ::bindings", "  struct Gone {};",
        "class Shelf : public ::sedge::host::Resource {",
        "  virtual ::sedge::Result<::sedge::host::Outcome<Item, Problem>> take(::sedge::Store&, "
        "uint64_t at) = 0;",
        "  virtual ::sedge::Result<::std::unique_ptr<Shelf>> make_shelf(::sedge::Store&, uint32_t "
        "size) = 0;",
        "  virtual ::sedge::Result<::std::unique_ptr<Shelf>> shelf_merge(::sedge::Store&, "
        "::std::unique_ptr<Shelf> a, Shelf& b) = 0;",
        "  /// How many there are.\n  virtual ::sedge::Result<uint64_t> count(::sedge::Store&, "
        "::std::optional<Color> of, Marks marks) = 0;"})
    EXPECT_TRUE(header.contains(part)) << part << "\nin\n" << header;
  EXPECT_TRUE(file(*files, "my/shop/host.h").contains("now(::sedge::Store&) = 0;"));
}

TEST(Bindgen, SignaturesSpellTypesOut) {
  auto files = generate(kShop);
  ASSERT_TRUE(files) << files.error().render();
  std::string glue = file(*files, "my/shop.cc");
  for (const char* part :
       {"\"func(self: borrow, at: u64) -> result<record{name: string, color: enum{red, "
        "dark-blue}, data: list<u8>, size: tuple<u8, f32>}, variant{item(record{",
        "\"func(of: option<enum{red, dark-blue}>, marks: flags{new, sold-out}) -> u64\"",
        "{\"[constructor]shelf\",", "\"func(a: own, b: borrow) -> own\""})
    EXPECT_TRUE(glue.contains(part)) << part << "\nin\n" << glue;
}

TEST(Bindgen, NamesOfCppGetAnUnderscore) {
  auto files = generate(R"(package my:words;
interface class { record new { default: u8 } delete: func(this: new) -> s8; variant v { v(u8) } }
)");
  ASSERT_TRUE(files) << files.error().render();
  std::string header = file(*files, "my/words/class.h");
  for (const char* part :
       {"namespace bindings::my::words::class_ {",
        "struct New {\n  uint8_t "
        "default_{};",
        "delete_(::sedge::Store&, New this_) = 0;", "  struct V_ {\n    uint8_t value;"})
    EXPECT_TRUE(header.contains(part)) << part << "\nin\n" << header;
}

TEST(Bindgen, RefusesWhatHasNoForm) {
  auto unknown = generate(kShop, {.name_space = "b", .world = "hots"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message(),
            "bad argument: my:shop@1.2.0 has no world `hots`; it has: host");
  auto twice = generate(R"(package my:twice;
interface i { resource a { b: static func(); } a-b: func(); }
)");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message(),
            "invalid WIT: two functions of my:twice/i are called `a_b` in C++");
}

}  // namespace
}  // namespace sedge::wit
