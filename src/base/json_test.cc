#include "base/json.h"

#include <gtest/gtest.h>

namespace sedge {
namespace {

TEST(Json, ObjectsAndArrays) {
  Json json;
  json.begin_object().field("a", 1).key("b").begin_array().value("x").value(true).null().end();
  json.key("c").begin_object().end().end();
  EXPECT_EQ(json.take(),
            "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    true,\n    null\n  ],\n  \"c\": {}\n}\n");
}

TEST(Json, StringsAreEscaped) {
  Json json;
  json.value("\"\\\n\x01 é \xff");
  EXPECT_EQ(json.take(), "\"\\\"\\\\\\n\\u0001 é \xef\xbf\xbd\"\n");
}

}  // namespace
}  // namespace sedge
