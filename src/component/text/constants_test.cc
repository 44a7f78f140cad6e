// Constants from text to bytes and back. test/component/constants.wast has what they are at run
// time, and the messages about those of wrong types.
#include "component/text/constants.h"

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "component/decode.h"
#include "component/encode.h"
#include "component/text/text.h"

namespace sedge::component {
namespace {

/// The only constant of a component, or of the component inside.
const Value& only_constant(const Component& component) {
  for (const Definition& item : component.definitions) {
    if (const auto* value = std::get_if<Value>(&item.node)) return *value;
    if (const auto* nested = std::get_if<std::unique_ptr<Component>>(&item.node))
      return only_constant(**nested);
  }
  static const Value none;
  ADD_FAILURE() << "there is no constant";
  return none;
}

/// In hexadecimal: the encoding of the constant in `(value TYPE CONSTANT)`.
std::string encoding(std::string_view value) {
  auto parsed = parse_component(fmt::format("(component (value {}))", value));
  if (!parsed) return parsed.error().render();
  std::string out;
  for (uint8_t byte : only_constant(*parsed).encoding) out += fmt::format("{:02x}", byte);
  return out;
}

/// How the printer writes `(value TYPE (binary BYTES))`, up to the type.
std::string printed(std::string_view type, std::string_view bytes) {
  auto binary = assemble(fmt::format("(component (value {} (binary \"{}\")))", type, bytes));
  if (!binary) return binary.error().render();
  std::string text = print_component(decode(*binary, nullptr).value());
  EXPECT_EQ(assemble(text).value(), *binary) << text;
  constexpr std::string_view kWithIndex = "(value (;0;) (type 0) ";
  const size_t at = text.rfind(kWithIndex);
  const size_t begin = at == std::string::npos ? text.rfind("(value (;0;) ") +
                                                     fmt::format("(value (;0;) {} ", type).size()
                                               : at + kWithIndex.size();
  return text.substr(begin, text.rfind("))") - begin);
}

TEST(ComponentConstants, HaveTheirShortestEncoding) {
  struct Row {
    std::string_view value, encoding;
  };
  const Row rows[] = {
      {"bool true", "01"},
      {"u8 0xff", "ff"},
      {"u8 -0", "00"},
      {"s8 -1", "ff"},
      {"s16 -1", "7f"},
      {"s16 -32768", "80807e"},
      {"u16 32768", "808002"},
      {"s32 64", "c000"},
      {"u64 18446744073709551615", "ffffffffffffffffff01"},
      {"f32 1.5", "0000c03f"},
      {"f32 -nan", "0000c07f"},
      {"f64 nan", "000000000000f87f"},
      {"f64 1_0", "0000000000002440"},
      {"char '\\u{20ac}'", "e282ac"},
      {"char '\"'", "unclosed string (line 1, column 25)"},
      {"char '('", "28"},
      {"string \"\"", "00"},
      {"string \"\\u{20ac}\"", "03e282ac"},
      {"(list u8) (list 1 2 3)", "03010203"},
      {"(list u8 3) (list 1 2 3)", "010203"},
      {"(list u8) (list (binary \"\\ff\") 2)", "02ff02"},
      {"(map u8 bool) (list (tuple 1 true))", "010101"},
      {"(record (field \"a\" u8) (field \"b\" (tuple u8))) (record 1 (tuple 2))", "0102"},
      {"(variant (case \"a\") (case \"b\" u8)) (variant \"b\" 7)", "0107"},
      {"(variant (case \"a\") (case \"b\" u8)) (variant \"a\")", "00"},
      {"(enum \"a\" \"b\") (enum \"b\")", "01"},
      {"(flags \"a\" \"b\" \"c\") (flags \"c\" \"a\" \"c\")", "05"},
      {"(flags \"a\" \"b\" \"c\") (flags)", "00"},
      {"(option (option u8)) (some none)", "0100"},
      {"(result (error u8)) ok", "00"},
      {"(result (error u8)) (error 2)", "0102"},
      // Where bytes stand for a part they become shortest, too; alone they stay what they are.
      {"(tuple u16) (tuple (binary \"\\81\\00\"))", "01"},
      {"u16 (binary \"\\81\\00\")", "8100"},
  };
  for (const Row& row : rows) EXPECT_EQ(encoding(row.value), row.encoding) << row.value;
}

TEST(ComponentConstants, ArePrintedAsTheyAreRead) {
  struct Row {
    std::string_view type, bytes, text;
  };
  const Row rows[] = {
      {"bool", "\\00", "false"},
      {"s8", "\\80", "-128"},
      {"s64", "\\7e", "-2"},
      {"u64", "\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\01", "18446744073709551615"},
      {"f32", "\\cd\\cc\\cc\\3d", "0.1"},
      {"f32", "\\00\\00\\c0\\7f", "nan"},
      {"f64", "\\00\\00\\00\\00\\00\\00\\f0\\ff", "-inf"},
      {"f64", "\\00\\00\\00\\00\\00\\00\\00\\80", "-0"},
      {"char", "a", "'a'"},
      {"char", "'", "'\\''"},
      {"char", "\\22", "'\\\"'"},
      {"char", "\\00", "'\\u{0}'"},
      {"char", "\\f0\\9f\\98\\80", "'😀'"},
      {"string", "\\04a\\22\\00)", "\"a\\\"\\00)\""},
      {"(list u8)", "\\02\\01\\ff", "(list 1 255)"},
      {"(list u16 2)", "\\01\\ff\\01", "(list 1 255)"},
      {"(list string)", "\\00", "(list)"},
      {"(map u8 bool)", "\\01\\01\\01", "(list (tuple 1 true))"},
      {"(record (field \"a\" u8))", "\\01", "(record 1)"},
      {"(tuple u8 bool)", "\\01\\01", "(tuple 1 true)"},
      {"(variant (case \"a\") (case \"b\" u8))", "\\01\\01", "(variant \"b\" 1)"},
      {"(variant (case \"a\") (case \"b\" u8))", "\\00", "(variant \"a\")"},
      {"(enum \"a\" \"b\")", "\\01", "(enum \"b\")"},
      {"(flags \"a\" \"b\" \"c\")", "\\05", "(flags \"a\" \"c\")"},
      {"(flags \"a\")", "\\00", "(flags)"},
      {"(option u8)", "\\00", "none"},
      {"(option u8)", "\\01\\07", "(some 7)"},
      {"(result u8)", "\\00\\07", "(ok 7)"},
      {"(result u8)", "\\01", "error"},
      // Longer than they need be, or no values of their types.
      {"u16", "\\81\\00", "(binary \"\\81\\00\")"},
      {"(flags \"a\")", "\\03", "(binary \"\\03\")"},
      {"(list u8)", "\\81\\00\\07", "(binary \"\\81\\00\\07\")"},
      {"(enum \"a\")", "\\80\\00", "(binary \"\\80\\00\")"},
      {"u8", "\\01\\02", "(binary \"\\01\\02\")"},
      {"bool", "\\02", "(binary \"\\02\")"},
      {"char", "\\ff", "(binary \"\\ff\")"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(printed(row.type, row.bytes), row.text) << row.type << " " << row.bytes;
}

TEST(ComponentConstants, OfTypesByNameMayBeStrings) {
  // In other places a string behind an index is the name of an export. The id of a type is not
  // taken for that of the value, not even where the value has none.
  for (const char* text : {"(component (type $t string) (value $v $t \"hi\"))",
                           "(component (type $t string) (value 0 \"hi\"))",
                           "(component (type $t string) (value (type $t) \"hi\"))"}) {
    auto parsed = parse_component(text);
    ASSERT_TRUE(parsed) << parsed.error().render();
    EXPECT_EQ(only_constant(*parsed).encoding.size(), 3u);
    EXPECT_EQ(assemble(print_component(*parsed)).value(), encode(*parsed)) << text;
  }
}

TEST(ComponentConstants, OfTypesThatOnlyValidationKnows) {
  // The type of the constant is an export of a component that is an import's type.
  auto parsed = parse_component(R"((component
    (import "c" (component $c
      (export "i" (instance (type $t (enum "x" "y")) (export "t" (type (eq $t)))))))
    (instance $made (instantiate $c))
    (alias export $made "i" (instance $i))
    (alias export $i "t" (type $t))
    (component
      (component (value (type $t) (enum "y"))))))");
  ASSERT_TRUE(parsed) << parsed.error().render();
  ASSERT_EQ(only_constant(*parsed).encoding.size(), 1u);
  EXPECT_EQ(only_constant(*parsed).encoding[0], 1);
  const std::string text = print_component(*parsed);
  EXPECT_TRUE(text.contains("(enum \"y\")")) << text;
}

TEST(ComponentConstants, OfWrongTypesAreRefusedWithTheirPlace) {
  EXPECT_EQ(encoding("(tuple u8 u8)\n  (tuple 1 256)"),
            "invalid component: a constant of type u8: expected a number from 0 to 255, found 256 "
            "(line 2, column 12)");
  EXPECT_EQ(encoding("(tuple bool)\n  (tuple (binary \"\\02\"))"),
            "invalid component: a bool is 0 or 1 (line 2, column 10)");
  EXPECT_EQ(
      encoding("(list char) (list 'a' \"b\")"),
      "invalid component: a constant of type char: expected one character in '…', found \"b\" "
      "(line 1, column 41)");
  // What stands before them is wrong, so that there is no type.
  EXPECT_EQ(encoding("7 1"),
            "up to the constant, whose type is asked for: unknown type 7: type index out of bounds "
            "(line 1, column 21)");
  // The type in a message is cut, the token as well.
  const std::string label(300, 'a');
  EXPECT_EQ(encoding(fmt::format("(enum \"{}\") (enum \"{}b\")", label, label)),
            fmt::format("invalid component: a constant of type enum{{{}}}: expected the label of a "
                        "case, found \"{}… (line 1, column 335)",
                        label, label.substr(0, 59)));
}

TEST(ComponentConstants, AreNestedNoDeeperThanTypes) {
  auto nested = [](size_t depth) {
    std::string types, text;
    for (size_t i = 0; i < depth; ++i) {
      types +=
          fmt::format("(type $t{} (option {}))", i, i == 0 ? "u8" : fmt::format("$t{}", i - 1));
      text += "(some ";
    }
    return fmt::format("(component {} (value (type $t{}) {}1{}))", types, depth - 1, text,
                       std::string(depth, ')'));
  };
  auto deepest = parse_component(nested(kMaxTypeDepth - 1));
  EXPECT_TRUE(deepest) << deepest.error().render();
  auto deeper = parse_component(nested(100'000));
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().message(), "nesting too deep: more than 100 values inside each other");
}

TEST(ComponentConstants, AreReadAgainstManyLabelsQuickly) {
  // As many values as cases: looking for each among all of them would take minutes.
  constexpr uint32_t kCount = 100'000;
  std::string labels, items;
  for (uint32_t i = 0; i < kCount; ++i) {
    labels += fmt::format("\"a{}\" ", i);
    items += fmt::format("(enum \"a{}\")", kCount - 1 - i);
  }
  const std::string value = fmt::format("(list (enum {})) (list {})", labels, items);
  auto parsed = parse_component(fmt::format("(component (value {}))", value));
  ASSERT_TRUE(parsed) << parsed.error().render();
  EXPECT_GT(only_constant(*parsed).encoding.size(), kCount);
}

TEST(ComponentConstants, ArePrintedAsBytesWhereTheirTextWouldBeVast) {
  // 40,000 values of one byte with a label of 4 KB: 160 MB.
  const std::string label(4000, 'a');
  std::string bytes;
  for (uint32_t i = 0; i < 40'000; ++i) bytes += "\\00";
  auto binary = assemble(fmt::format(
      "(component (value (list (enum \"{}\")) (binary \"\\c0\\b8\\02{}\")))", label, bytes));
  ASSERT_TRUE(binary) << binary.error().render();
  const std::string text = print_component(decode(*binary, nullptr).value());
  EXPECT_LT(text.size(), 200'000u);
  EXPECT_TRUE(text.contains("(binary \"\\c0\\b8\\02\\00"));
  EXPECT_EQ(assemble(text).value(), *binary);
}

}  // namespace
}  // namespace sedge::component
