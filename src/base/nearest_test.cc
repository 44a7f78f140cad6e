#include "base/nearest.h"

#include <gtest/gtest.h>

namespace sedge {
namespace {

TEST(Nearest, CountsEdits) {
  EXPECT_EQ(edit_distance("kitten", "sitting", 5), 3u);
  EXPECT_EQ(edit_distance("", "abc", 5), 3u);
  EXPECT_EQ(edit_distance("fule", "fuel", 5), 1u);  // neighbours swapped
  EXPECT_EQ(edit_distance("same", "same", 0), 0u);
}

TEST(Nearest, StopsAtTheLimit) {
  EXPECT_EQ(edit_distance("abcdef", "uvwxyz", 2), 3u);
  EXPECT_EQ(edit_distance(std::string(1000, 'a'), std::string(1000, 'b'), 4), 5u);
}

TEST(Nearest, FindsOnlyWhatIsNear) {
  constexpr std::string_view kWords[] = {"--fuel", "--timeout", "--max-memory"};
  EXPECT_EQ(nearest("--fule", kWords), "--fuel");
  EXPECT_EQ(nearest("--max-memroy", kWords), "--max-memory");
  EXPECT_EQ(nearest("completely-different", kWords), "");
  EXPECT_EQ(nearest("x", std::span<const std::string_view>()), "");
}

TEST(Nearest, MakesASuggestion) {
  constexpr std::string_view kWords[] = {"simd", "threads"};
  EXPECT_EQ(did_you_mean("thread", kWords), "; did you mean `threads`?");
  EXPECT_EQ(did_you_mean("gc", kWords), "");
}

}  // namespace
}  // namespace sedge
