#include "cli/dirs.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace sedge::cli {
namespace {

void expect_dir(std::string_view text, std::string_view host, std::string_view guest,
                bool readonly) {
  auto dir = parse_dir(text);
  ASSERT_TRUE(dir) << text;
  EXPECT_EQ(dir->host, host);
  EXPECT_EQ(dir->guest, guest);
  EXPECT_EQ(dir->readonly, readonly);
}

TEST(Dirs, Mappings) {
  expect_dir("/a::/b", "/a", "/b", false);
  expect_dir("/a::/b::ro", "/a", "/b", true);
  expect_dir(".", ".", ".", false);
  expect_dir(".:.", ".", ".", false);
  expect_dir("/app:/app", "/app", "/app", false);
}

TEST(Dirs, ASingleColonWithTwoReadingsIsRefused) {
  auto dir = parse_dir("/host:/guest");
  ASSERT_FALSE(dir);
  EXPECT_EQ(
      dir.error().render(),
      "ambiguous directory mapping `/host:/guest`: the host's /host as the guest's /guest, or "
      "the host's /guest as the guest's /host? Tools differ\n"
      "help: write HOST::GUEST: --dir /host::/guest or --dir /guest::/host");
  EXPECT_EQ(dir.error().exit_code(), 2);
}

TEST(Dirs, EmptySides) {
  for (const char* text : {"", "::/a", "/a::", "/a::/b::rw", ":"}) {
    auto dir = parse_dir(text);
    ASSERT_FALSE(dir) << text;
    EXPECT_EQ(dir.error().code(), ErrorCode::bad_argument);
  }
}

TEST(Dirs, Environment) {
  ::setenv("SEDGE_TEST_INHERITED", "yes=1", 1);
  ::unsetenv("SEDGE_TEST_ABSENT");
  auto env = parse_env({"A=1", "B=", "C=x=y", "SEDGE_TEST_INHERITED", "SEDGE_TEST_ABSENT"});
  ASSERT_TRUE(env);
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(*env, (std::vector<Pair>{
                      {"A", "1"}, {"B", ""}, {"C", "x=y"}, {"SEDGE_TEST_INHERITED", "yes=1"}}));
  EXPECT_EQ(parse_env({"=x"}).error().message(), "bad argument: `--env =x` has no name");
}

}  // namespace
}  // namespace sedge::cli
