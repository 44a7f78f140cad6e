#include <sedge/feature.h>

#include <gtest/gtest.h>

namespace sedge {
namespace {

TEST(Features, PresetsGrow) {
  EXPECT_FALSE(Features::wasm1().has(Feature::simd));
  EXPECT_TRUE(Features::wasm2().has(Feature::simd));
  EXPECT_FALSE(Features::wasm2().has(Feature::gc));
  EXPECT_TRUE(Features::wasm3().has(Feature::gc));
  EXPECT_FALSE(Features::wasm3().has(Feature::threads));
  EXPECT_TRUE(Features::all().has(Feature::threads));
  EXPECT_EQ(Features::wasm1().bits() & ~Features::wasm2().bits(), 0u);
  EXPECT_EQ(Features::wasm3().bits() & ~Features::all().bits(), 0u);
}

TEST(Features, ListsAreReadFromLeftToRight) {
  auto features = Features::parse("wasm2,+threads,-simd");
  ASSERT_TRUE(features);
  Features expected = Features::wasm2();
  expected.set(Feature::threads).set(Feature::simd, false);
  EXPECT_EQ(*features, expected);
  EXPECT_EQ(Features::parse("").value(), Features::all());
  EXPECT_EQ(Features::parse("-gc,all").value(), Features::all());
  EXPECT_FALSE(Features::parse("all,-gc").value().has(Feature::gc));
}

TEST(Features, UnknownNamesAreRefusedWithTheNearest) {
  auto typo = Features::parse("wasm2,multi-memori");
  ASSERT_FALSE(typo);
  EXPECT_EQ(typo.error().message(), "unknown feature `multi-memori`; did you mean `multi-memory`?");
  auto signed_preset = Features::parse("-wasm2");
  ASSERT_FALSE(signed_preset);
  EXPECT_EQ(signed_preset.error().code(), ErrorCode::unknown_feature);
}

TEST(Features, NamesAreThoseThatUsersWrite) {
  EXPECT_EQ(feature_name(Feature::multi_memory), "multi-memory");
  EXPECT_EQ(feature_name(Feature::compact_imports), "compact-imports");
}

}  // namespace
}  // namespace sedge
