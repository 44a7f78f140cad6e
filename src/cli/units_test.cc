#include "cli/units.h"

#include <gtest/gtest.h>

namespace sedge::cli {
namespace {

using std::chrono::nanoseconds;

TEST(Units, Sizes) {
  EXPECT_EQ(parse_size("--x", "4096").value(), 4096u);
  EXPECT_EQ(parse_size("--x", "64MiB").value(), 64u << 20);
  EXPECT_EQ(parse_size("--x", "64M").value(), 64u << 20);
  EXPECT_EQ(parse_size("--x", "1.5K").value(), 1536u);
  EXPECT_EQ(parse_size("--x", "2GB").value(), 2'000'000'000u);
  for (const char* bad :
       {"", "MiB", "-1", "64mb", "1e3", "99999999999GiB", "nan", "inf", "1 MiB"}) {
    auto size = parse_size("--max-memory", bad);
    ASSERT_FALSE(size) << bad;
    EXPECT_EQ(size.error().message(), "bad argument: `--max-memory " + std::string(bad) +
                                          "`: write a size such as 64MiB or 1GiB");
  }
}

TEST(Units, Durations) {
  EXPECT_EQ(parse_duration("--x", "500ms").value(), nanoseconds(500'000'000));
  EXPECT_EQ(parse_duration("--x", "5s").value(), std::chrono::seconds(5));
  EXPECT_EQ(parse_duration("--x", "0.5h").value(), std::chrono::minutes(30));
  for (const char* bad : {"5", "s", "-1s", "5 s", "5sec"}) {
    auto time = parse_duration("--timeout", bad);
    ASSERT_FALSE(time) << bad;
    EXPECT_EQ(time.error().message(), "bad argument: `--timeout " + std::string(bad) +
                                          "`: write a time such as 500ms or 5s");
  }
}

TEST(Units, Counts) {
  EXPECT_EQ(parse_count("--fuel", "18446744073709551615").value(), UINT64_MAX);
  EXPECT_FALSE(parse_count("--fuel", "18446744073709551616"));
  EXPECT_FALSE(parse_count("--fuel", "-1"));
  EXPECT_FALSE(parse_count("--fuel", "1k"));
}

TEST(Units, SizesForPeople) {
  EXPECT_EQ(format_size(1), "1 byte");
  EXPECT_EQ(format_size(1023), "1023 bytes");
  EXPECT_EQ(format_size(64 << 20), "64 MiB");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size(uint64_t{3} << 30), "3 GiB");
}

}  // namespace
}  // namespace sedge::cli
