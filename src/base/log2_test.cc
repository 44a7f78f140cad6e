#include "base/log2.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace sedge {
namespace {

TEST(Log2, IsExactForPowersOfTwo) {
  for (int exponent = -1074; exponent <= 1023; ++exponent)
    EXPECT_EQ(log2(std::ldexp(1.0, exponent)), exponent);
}

TEST(Log2, IsCloseToThatOfLongDoubles) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> exponents(-1000, 1000);
  for (int i = 0; i < 100'000; ++i) {
    const double x = std::exp2(exponents(random));
    const auto want = static_cast<double>(std::log2(static_cast<long double>(x)));
    EXPECT_NEAR(log2(x), want, 4 * std::numeric_limits<double>::epsilon() * std::fabs(want)) << x;
  }
}

TEST(Log2, HasTheLimitsOfTheStandard) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(log2(0), -infinity);
  EXPECT_EQ(log2(-0.0), -infinity);
  EXPECT_EQ(log2(infinity), infinity);
  EXPECT_TRUE(std::isnan(log2(-1)));
  EXPECT_TRUE(std::isnan(log2(std::nan(""))));
}

}  // namespace
}  // namespace sedge
