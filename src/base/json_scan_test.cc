// Where a JSON value ends.
#include "base/json_scan.h"

#include <gtest/gtest.h>

#include <string>

namespace sedge {
namespace {

TEST(JsonScan, FindsTheEndOfAValue) {
  for (std::string_view value :
       {"{}", "[]", "null", "true", "false", "0", "-0.5e+10", "12", "\"\"", "\"a\\u00e9\\n\\\"\"",
        "{\"a\":1}", "[1,2,[3,{\"b\":[]}]]", "{\"a\":{},\"b\":[]}", "[ 1 , 2 ]",
        "{ \"a\" : null , \"b\" : \"}\" }", "\"\xc3\xa9\"", "[[],[]]", "[{},{}]"}) {
    for (std::string_view rest : {"", " ", "\n", "\0garbage", "}", "]", ",", "\xff"}) {
      std::string bytes = std::string(value) + std::string(rest);
      EXPECT_EQ(json_value_size(bytes), value.size()) << bytes;
    }
    EXPECT_EQ(json_value_size(" \t" + std::string(value)), value.size() + 2) << value;
    EXPECT_TRUE(is_json(" " + std::string(value) + "\r\n")) << value;
    EXPECT_FALSE(is_json(std::string(value) + " x")) << value;
  }
}

TEST(JsonScan, FindsNoValue) {
  for (std::string_view bytes :
       {"", " ", "{", "[", "}", "]", ",", ":", "nul", "tru", "True", "-", "-a", ".5", "1.", "1e",
        "1e+", "+1", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12g4\"", "\"\\u12\"", "\"\n\"",
        "\"\xff\"", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{1:2}", "{\"a\":1 \"b\":2}",
        "[1,]", "[,1]", "[1 2]", "[1}", "{\"a\":1]", "[[]", "{\"a\":[}", "[1,", "{\"a\":1,",
        "{\"a\"", "{\"a\":", "'a'", "hello"}) {
    EXPECT_EQ(json_value_size(bytes), 0U) << bytes;
    EXPECT_FALSE(is_json(bytes)) << bytes;
  }
}

TEST(JsonScan, TakesDeepNesting) {
  std::string deep(1'000'000, '[');
  EXPECT_EQ(json_value_size(deep), 0U);
  std::string closed = deep + std::string(deep.size(), ']');
  EXPECT_EQ(json_value_size(closed), closed.size());
}

}  // namespace
}  // namespace sedge
