// Reader: LEB128 at its limits, names, and what happens when bytes run out.
#include "base/reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace sedge {
namespace {

using Data = std::vector<uint8_t>;

ErrorCode u32_error(const Data& data) { return Reader(data).u32().error().code(); }
ErrorCode s32_error(const Data& data) { return Reader(data).s32().error().code(); }

TEST(ReaderTest, UnsignedLeb) {
  EXPECT_EQ(*Reader(Data{0x00}).u32(), 0u);
  EXPECT_EQ(*Reader(Data{0x7f}).u32(), 127u);
  EXPECT_EQ(*Reader(Data{0x80, 0x01}).u32(), 128u);
  EXPECT_EQ(*Reader(Data{0x80, 0x80, 0x80, 0x80, 0x00}).u32(), 0u);
  EXPECT_EQ(*Reader(Data{0xff, 0xff, 0xff, 0xff, 0x0f}).u32(), UINT32_MAX);
  EXPECT_EQ(*Reader(Data{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}).u64(),
            UINT64_MAX);
}

TEST(ReaderTest, UnsignedLebErrors) {
  EXPECT_EQ(u32_error({}), ErrorCode::unexpected_end);
  EXPECT_EQ(u32_error({0x80}), ErrorCode::unexpected_end);
  EXPECT_EQ(u32_error({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}),
            ErrorCode::integer_representation_too_long);
  EXPECT_EQ(u32_error({0xff, 0xff, 0xff, 0xff, 0x1f}), ErrorCode::integer_too_large);
  EXPECT_EQ(
      Reader(Data{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}).u64().error().code(),
      ErrorCode::integer_too_large);
}

TEST(ReaderTest, SignedLeb) {
  EXPECT_EQ(*Reader(Data{0x7f}).s32(), -1);
  EXPECT_EQ(*Reader(Data{0x40}).s32(), -64);
  EXPECT_EQ(*Reader(Data{0x3f}).s32(), 63);
  EXPECT_EQ(*Reader(Data{0x80, 0x80, 0x80, 0x80, 0x78}).s32(), INT32_MIN);
  EXPECT_EQ(*Reader(Data{0xff, 0xff, 0xff, 0xff, 0x07}).s32(), INT32_MAX);
  EXPECT_EQ(*Reader(Data{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}).s64(),
            INT64_MIN);
  EXPECT_EQ(*Reader(Data{0x80, 0x80, 0x80, 0x80, 0x70}).s33(), -(int64_t{1} << 32));
}

TEST(ReaderTest, SignedLebErrors) {
  EXPECT_EQ(s32_error({0xff, 0xff, 0xff, 0xff, 0x4f}), ErrorCode::integer_too_large);
  EXPECT_EQ(s32_error({0x80, 0x80, 0x80, 0x80, 0x08}), ErrorCode::integer_too_large);
  EXPECT_EQ(s32_error({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}),
            ErrorCode::integer_representation_too_long);
}

TEST(ReaderTest, NamesAreUtf8) {
  EXPECT_EQ(*Reader(Data{3, 0xe2, 0x82, 0xac}).name(), "€");
  EXPECT_EQ(Reader(Data{2, 0xc0, 0x80}).name().error().code(), ErrorCode::malformed_utf8);
  EXPECT_EQ(Reader(Data{3, 0xed, 0xa0, 0x80}).name().error().code(), ErrorCode::malformed_utf8);
  EXPECT_EQ(Reader(Data{4, 'a'}).name().error().code(), ErrorCode::length_out_of_bounds);
}

TEST(ReaderTest, OffsetsCountFromTheBase) {
  Data data{1, 2, 3};
  Reader reader(data, 100);
  ASSERT_TRUE(reader.u8());
  EXPECT_EQ(reader.offset(), 101u);
  EXPECT_EQ(reader.location().offset, 101u);
  EXPECT_EQ(reader.remaining(), 2u);
}

}  // namespace
}  // namespace sedge
