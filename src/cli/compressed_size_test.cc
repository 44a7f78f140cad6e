#include "cli/compressed_size.h"

#include <vector>

#include <gtest/gtest.h>

namespace sedge::cli {
namespace {

// Small inputs grow, and at some size what is coded is as long as what is not.
TEST(CompressedSize, EveryCodingHasASizeForEveryInput) {
  std::vector<uint8_t> bytes;
  const size_t codings = compressed_sizes(std::vector<uint8_t>(1)).size();
  for (uint32_t i = 1; i < 300; ++i) {
    bytes.push_back(static_cast<uint8_t>(i % 3 == 0 ? 0 : i * i));
    EXPECT_EQ(compressed_sizes(bytes).size(), codings) << i;
  }
}

}  // namespace
}  // namespace sedge::cli
