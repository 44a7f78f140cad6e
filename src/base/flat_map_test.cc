#include "base/flat_map.h"

#include <string>

#include <gtest/gtest.h>

namespace sedge {
namespace {

TEST(FlatMap, KeepsKeysSortedAndUnique) {
  FlatMap<uint32_t, std::string> map;
  EXPECT_TRUE(map.empty());
  EXPECT_TRUE(map.emplace(5, "five").second);
  EXPECT_TRUE(map.emplace(1, "one").second);
  EXPECT_TRUE(map.emplace(9, "nine").second);
  EXPECT_FALSE(map.emplace(5, "again").second);
  map[7] = "seven";
  std::string all;
  for (const auto& [key, value] : map) all += std::to_string(key) + value + " ";
  EXPECT_EQ(all, "1one 5five 7seven 9nine ");
  EXPECT_EQ(map.rbegin()->first, 9u);
}

TEST(FlatMap, Finds) {
  FlatMap<uint32_t, int> map;
  map[2] = 20;
  map[4] = 40;
  const auto& constant = map;
  EXPECT_EQ(constant.find(4)->second, 40);
  EXPECT_EQ(constant.find(3), constant.end());
  EXPECT_EQ(map.find(5), map.end());
  EXPECT_TRUE(map.contains(2));
}

}  // namespace
}  // namespace sedge
