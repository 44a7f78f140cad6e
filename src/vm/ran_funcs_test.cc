#include "vm/ran_funcs.h"

#include <gtest/gtest.h>

namespace sedge::vm {
namespace {

TEST(RanFuncs, AreSeenThroughTheDescriptor) {
  RanFuncs ran = RanFuncs::create(5000);
  ASSERT_TRUE(ran);
  EXPECT_TRUE(RanFuncs::read(ran.fd(), 5000).empty());
  ran.mark(4999);
  ran.mark(0);
  ran.mark(0);
  EXPECT_EQ(RanFuncs::read(ran.fd(), 5000), (std::vector<uint32_t>{0, 4999}));
  // Who reads may believe in fewer functions, or in more.
  EXPECT_EQ(RanFuncs::read(ran.fd(), 100), std::vector<uint32_t>{0});
  EXPECT_EQ(RanFuncs::read(ran.fd(), 1 << 20), (std::vector<uint32_t>{0, 4999}));
}

TEST(RanFuncs, AreNoneWhereThereIsNothing) {
  RanFuncs none;
  none.mark(7);
  EXPECT_FALSE(none);
  EXPECT_EQ(none.fd(), -1);
  EXPECT_TRUE(RanFuncs::read(none.fd(), 10).empty());
}

}  // namespace
}  // namespace sedge::vm
