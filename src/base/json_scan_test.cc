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
  for (std::string_view bytes : {"",           " ",        "{",           "[",
                                 "}",          "]",        ",",           ":",
                                 "nul",        "tru",      "True",        "-",
                                 "-a",         ".5",       "1.",          "1e",
                                 "1e+",        "+1",       "\"",          "\"a",
                                 "\"\\",       "\"\\x\"",  "\"\\u12g4\"", "\"\\u12\"",
                                 "\"\n\"",     "\"\xff\"", "{\"a\"}",     "{\"a\":}",
                                 "{\"a\":1,}", "{,}",      "{1:2}",       "{\"a\":1 \"b\":2}",
                                 "[1,]",       "[,1]",     "[1 2]",       "[1}",
                                 "{\"a\":1]",  "[[]",      "{\"a\":[}",   "[1,",
                                 "{\"a\":1,",  "{\"a\"",   "{\"a\":",     "'a'",
                                 "hello"}) {
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

TEST(JsonScan, TakesObjectsApart) {
  auto members = json_members(" { \"a\" : [1, {\"b\":2}] , \"\\u0062\":\"}\",\"c\":-1.50}");
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 3U);
  EXPECT_EQ((*members)[0].name, "a");
  EXPECT_EQ((*members)[0].value, "[1, {\"b\":2}]");
  EXPECT_EQ((*members)[1].name, "b");
  EXPECT_EQ((*members)[1].value, "\"}\"");
  EXPECT_EQ((*members)[2].value, "-1.50");
  EXPECT_TRUE(json_members("{ }")->empty());
  EXPECT_FALSE(json_members("[1]"));
}

TEST(JsonScan, TakesArraysApart) {
  auto elements = json_elements("[ 1 ,\"]\", [2,3] ,{}]");
  ASSERT_TRUE(elements);
  EXPECT_EQ(*elements, (std::vector<std::string_view>{"1", "\"]\"", "[2,3]", "{}"}));
  EXPECT_TRUE(json_elements("[]")->empty());
  EXPECT_FALSE(json_elements("{}"));
}

TEST(JsonScan, DecodesStringsAndNumbers) {
  EXPECT_EQ(json_string(R"("a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")"),
            "a\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(json_string(R"("\ud83d\ud83d\udc00x\udc00")"),
            "\xef\xbf\xbd\xf0\x9f\x90\x80x\xef\xbf\xbd");
  EXPECT_EQ(json_string(R"("\u0000")"), std::string(1, '\0'));
  EXPECT_FALSE(json_string("1"));
  EXPECT_EQ(json_number(" -12.5e1"), -125.0);
  EXPECT_FALSE(json_number("\"1\""));
  EXPECT_FALSE(json_number("1e999"));
  EXPECT_FALSE(json_number("true"));
}

}  // namespace
}  // namespace sedge
