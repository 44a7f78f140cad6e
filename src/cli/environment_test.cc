#include "cli/environment.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace sedge::cli {
namespace {

TEST(Environment, IsGivenOrInherited) {
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
