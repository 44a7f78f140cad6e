// Which instance comes next, and what is counted.
#include "serve/prepared_pool.h"

#include <gtest/gtest.h>

#include <sedge/engine.h>

namespace sedge::serve {
namespace {

struct Numbered {
  Store store;
  int number;
};

TEST(PreparedPool, WhatHasServedGoesBeforeWhatWasMadeMeanwhile) {
  Engine engine = Engine::create().value();
  PreparedPool<Numbered> pool(2);
  int made = 0;
  auto make = [&]() -> PreparedPool<Numbered>::Made {
    return std::make_unique<Numbered>(Store(engine), ++made);
  };
  pool.add_first(make().value());
  auto first = pool.use(pool.take_ready(), make);
  ASSERT_TRUE(first);
  ASSERT_TRUE(pool.prepare([&] {
    first->end(true);
    return make();
  }));
  EXPECT_EQ(pool.figures().idle, 2U);
  EXPECT_FALSE(pool.prepare(make));  // none is missing
  for (int number : {1, 2}) {
    auto next = pool.use(pool.take_ready(), make);
    ASSERT_TRUE(next);
    EXPECT_EQ((*next)->number, number);
  }
  EXPECT_EQ(pool.figures().idle, 0U);
}

}  // namespace
}  // namespace sedge::serve
