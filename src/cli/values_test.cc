#include "cli/values.h"

#include <cmath>

#include <gtest/gtest.h>

#include <sedge/engine.h>
#include <sedge/store.h>

namespace sedge::cli {
namespace {

class Values : public testing::Test {
 protected:
  std::string back(ValType type, std::string_view text) {
    auto value = parse_value(store_, type, text, "parameter 1");
    return value ? format_value(store_, *value) : value.error().message();
  }
  Engine engine_ = Engine::create().value();
  Store store_{engine_};
};

TEST_F(Values, Integers) {
  EXPECT_EQ(back(ValType::i32, "42"), "42");
  EXPECT_EQ(back(ValType::i32, "-2147483648"), "-2147483648");
  EXPECT_EQ(back(ValType::i32, "4294967295"), "-1");
  EXPECT_EQ(back(ValType::i32, "0x10"), "16");
  EXPECT_EQ(back(ValType::i64, "-1"), "-1");
  EXPECT_EQ(back(ValType::i64, "18446744073709551615"), "-1");
  EXPECT_EQ(back(ValType::i32, "4294967296"),
            "bad argument `4294967296` for parameter 1 (i32): a whole number from -2147483648 to "
            "4294967295");
  EXPECT_EQ(back(ValType::i32, "1.5"),
            "bad argument `1.5` for parameter 1 (i32): a whole number from -2147483648 to "
            "4294967295");
  EXPECT_EQ(back(ValType::i64, ""),
            "bad argument `` for parameter 1 (i64): a whole number of at most 64 bits");
  EXPECT_EQ(back(ValType::i32, "--1"),
            "bad argument `--1` for parameter 1 (i32): a whole number from -2147483648 to "
            "4294967295");
}

TEST_F(Values, Floats) {
  EXPECT_EQ(back(ValType::f64, "1.5"), "1.5");
  EXPECT_EQ(back(ValType::f64, "-0"), "-0");
  EXPECT_EQ(back(ValType::f32, "0x1p3"), "8");
  EXPECT_EQ(back(ValType::f64, "-inf"), "-inf");
  EXPECT_EQ(back(ValType::f32, "nan"), "nan");
  EXPECT_EQ(back(ValType::f32, "-nan:0x123"), "-nan:0x123");
  EXPECT_EQ(back(ValType::f64, "1e400"),
            "bad argument `1e400` for parameter 1 (f64): a number such as 1.5, 0x1p3, inf or nan");
  EXPECT_EQ(back(ValType::f32, "1,5"),
            "bad argument `1,5` for parameter 1 (f32): a number such as 1.5, 0x1p3, inf or nan");
}

TEST_F(Values, Vectors) {
  EXPECT_EQ(back(ValType::v128, "i32x4:1,-2,3,4"), "i32x4:1,-2,3,4");
  EXPECT_EQ(back(ValType::v128, "i64x2:1,-1"), "i32x4:1,0,-1,-1");
  EXPECT_EQ(back(ValType::v128, "f32x4:1,0,0,0"), "i32x4:1065353216,0,0,0");
  EXPECT_EQ(back(ValType::v128, "i32x4:1,2,3"),
            "bad argument `i32x4:1,2,3` for parameter 1 (v128): lanes such as i32x4:1,2,3,4");
}

TEST_F(Values, References) {
  EXPECT_EQ(back(ValType::externref(), "null"), "null");
  EXPECT_EQ(back(ValType::externref(), "7"), "extern:7");
  EXPECT_EQ(back(ValType::funcref(), "null"), "null");
  EXPECT_EQ(back(ValType::funcref(), "7"),
            "bad argument `7` for parameter 1 (funcref): null is the only reference that can be "
            "written here");
}

}  // namespace
}  // namespace sedge::cli
