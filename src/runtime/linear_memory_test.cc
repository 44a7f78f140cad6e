#include "runtime/linear_memory.h"

#include <gtest/gtest.h>

#include <memory>

namespace sedge::runtime {
namespace {

MemoryType pages(uint64_t min, uint64_t max) {
  MemoryType type;
  type.limits.min = min;
  type.limits.max = max;
  return type;
}

uint8_t read(const LinearMemory& memory, uint64_t at) {
  return *const_cast<volatile uint8_t*>(memory.base + at);
}

TEST(LinearMemory, StyleIsThatOfThePool) {
  MemoryPool guarded(vm::MemoryStyle::guarded), checked(vm::MemoryStyle::checked);
  MemoryType type = pages(1, 2);
  EXPECT_EQ(guarded.style(type), vm::MemoryStyle::guarded);
  EXPECT_EQ(checked.style(type), vm::MemoryStyle::checked);
  type.page_size_log2 = 0;
  EXPECT_EQ(guarded.style(type), vm::MemoryStyle::checked);
  type = pages(1, 2);
  type.is64 = true;
  EXPECT_EQ(guarded.style(type), vm::MemoryStyle::checked);
}

// A range that is used again lets the next memory reach only what it has.
TEST(LinearMemory, GuardPagesFollowTheSize) {
  if (best_memory_style() != vm::MemoryStyle::guarded) GTEST_SKIP() << "no address space";
  auto pool = std::make_shared<MemoryPool>(vm::MemoryStyle::guarded);
  auto first = LinearMemory::create(pages(1, 100), pool);
  ASSERT_TRUE(first);
  const uint8_t* base = (*first)->base;
  EXPECT_TRUE((*first)->reserves(base + vm::kGuardedReserve - 1));
  EXPECT_FALSE((*first)->reserves(base - 1));
  EXPECT_EQ((*first)->grow(40), 1u);
  (*first)->base[40 << 16] = 1;
  EXPECT_EQ(read(**first, 40 << 16), 1);
  first->reset();
  auto second = LinearMemory::create(pages(2, 3), pool);
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)->base, base);
  EXPECT_EQ(read(**second, (2 << 16) - 1), 0);
  EXPECT_DEATH(read(**second, 2 << 16), "");
  EXPECT_DEATH(read(**second, 40 << 16), "");
  EXPECT_DEATH(read(**second, vm::kGuardedReserve - 1), "");
  EXPECT_EQ((*second)->grow(1), 2u);
  EXPECT_EQ(read(**second, (3 << 16) - 1), 0);
  EXPECT_EQ((*second)->grow(1), std::nullopt);
}

}  // namespace
}  // namespace sedge::runtime
