// Tokens, positions and lexical errors; literals.
#include "wasm/text/lexer.h"

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wasm/text/keyword.h"
#include "wasm/text/number.h"

namespace sedge::wasm {
namespace {

using Kind = Token::Kind;

std::vector<Kind> kinds(std::string_view text) {
  Tokens tokens(text);
  std::vector<Kind> out;
  for (size_t i = 0; i < tokens.size(); ++i) out.push_back(tokens[i].kind);
  return out;
}

/// The message of the lexical error in `text`, with its place; "" if there is none.
std::string lex_error(std::string_view text) {
  Tokens tokens(text);
  if (tokens[tokens.size()].kind != Kind::error) return "";
  return tokens.error().render();
}

TEST(Lexer, ClassifiesTokens) {
  EXPECT_EQ(
      kinds("(module $a 1 -1 +0x1f 1.5 inf -nan nan:0x7 \"s\" $\"q r\" 0x i32.add)"),
      (std::vector<Kind>{Kind::lparen, Kind::keyword, Kind::id, Kind::nat, Kind::int_, Kind::int_,
                         Kind::float_, Kind::float_, Kind::float_, Kind::float_, Kind::string,
                         Kind::id, Kind::reserved, Kind::keyword, Kind::rparen, Kind::eof}));
  EXPECT_EQ(kinds("a\"b\" \"a\"\"b\" $x\"y\" , ;x [ }"),
            (std::vector<Kind>{Kind::reserved, Kind::reserved, Kind::reserved, Kind::reserved,
                               Kind::reserved, Kind::keyword, Kind::reserved, Kind::reserved,
                               Kind::eof}));
}

TEST(Lexer, CharactersInQuotesAreTokensOfTheirOwn) {
  for (const char* text :
       {"'a'", "'''", "' '", "'('", "';'", "'€'", "'\\\\'", "'\\\"'", "'\\n'", "'\\u{1_F600}'"}) {
    EXPECT_EQ(kinds(text), (std::vector<Kind>{Kind::char_, Kind::eof})) << text;
    EXPECT_EQ(kinds(std::string("(") + text + ")")[1], Kind::char_) << text;
  }
  EXPECT_EQ(decode_string("'\\u{20ac}'"), "€");
  // Anything else stays what it is in modules.
  for (const char* text :
       {"'", "''", "'ab'", "'a'b", "'a''b'", "'\\e2'", "'\\x'", "$a'", "'a'\"b\"", "'\"'",
        "'\\u{d800}'", "'\\u{}'", "'\\u{20ac'", "'\n'", "'\x7f'", "'\\"})
    EXPECT_NE(kinds(text)[0], Kind::char_) << text;
}

TEST(Lexer, ClassifiesNumbers) {
  for (const char* text : {"0", "0_1", "0xA_b", "123"})
    EXPECT_EQ(kinds(text)[0], Kind::nat) << text;
  for (const char* text :
       {"0.", "1.e5", "1E-5", "0x1.8p+3", "0x1p3", "+inf", "-nan:0xf_f", "1e1_0"})
    EXPECT_EQ(kinds(text)[0], Kind::float_) << text;
  for (const char* text : {"_1", "1__0", "1_", "0x_1", "0x1_", ".5", "1e", "1e+", "0x1p", "1_.0",
                           "1._0", "1.0_", "1e_1", "+", "++1", "1a", "0xg", "nan:0x", "+nan:1"})
    EXPECT_NE(kinds(text)[0], Kind::float_) << text;
  EXPECT_EQ(kinds("nan:1")[0], Kind::keyword);
}

TEST(Lexer, SkipsCommentsAndUnknownAnnotations) {
  EXPECT_EQ(kinds(";; a\n(; b (; c ;) ;) x (@a (@b) \")\" , ( ) ;; )\n) y ;;"),
            (std::vector<Kind>{Kind::keyword, Kind::keyword, Kind::eof}));
  EXPECT_EQ(
      kinds("(@custom \"a\")(@name \"b\")(@metadata.code.branch_hint \"\\00\")(@\"name\" \"\")"),
      (std::vector<Kind>{Kind::custom, Kind::name, Kind::branch_hint, Kind::name, Kind::eof}));
  EXPECT_EQ(kinds(";; to the end\rx"), (std::vector<Kind>{Kind::keyword, Kind::eof}));
}

TEST(Lexer, ReportsErrorsWithTheirPlace) {
  EXPECT_EQ(lex_error("a\n  \x01"), "illegal character (line 2, column 3)");
  EXPECT_EQ(lex_error("a ß"), "illegal character (line 1, column 3)");
  EXPECT_EQ(lex_error("a \"b"), "unclosed string (line 1, column 3)");
  EXPECT_EQ(lex_error("\"b\nc\""), "unclosed string (line 1, column 1)");
  EXPECT_EQ(lex_error("\"\t\""), "illegal character in a string (line 1, column 2)");
  EXPECT_EQ(lex_error("\"\\q\""),
            "illegal character: unknown escape in a string (line 1, column 2)");
  EXPECT_EQ(lex_error("\"\\u{d800}\""),
            "malformed UTF-8 encoding: no such character (line 1, column 2)");
  EXPECT_EQ(lex_error("\"\\u{110000}\""),
            "malformed UTF-8 encoding: no such character (line 1, column 2)");
  EXPECT_EQ(lex_error("x\r\n(; (; ;)"), "unclosed comment (line 2, column 1)");
  EXPECT_EQ(lex_error("(@a (b)"), "unclosed annotation (line 1, column 1)");
  EXPECT_EQ(lex_error("x (@ a)"), "empty annotation id (line 1, column 5)");
  EXPECT_EQ(lex_error("$"), "empty identifier (line 1, column 1)");
  EXPECT_EQ(lex_error("$\"\""), "empty identifier (line 1, column 1)");
  EXPECT_EQ(lex_error("$\"\\ff\""), "malformed UTF-8 encoding (line 1, column 1)");
  EXPECT_EQ(lex_error("a (; \xff"), "malformed UTF-8 encoding (line 1, column 6)");
  EXPECT_EQ(lex_error("\"\xc3"), "malformed UTF-8 encoding (line 1, column 2)");
}

TEST(Lexer, CountsLinesOfAllNewlines) {
  std::string_view text = "a\nb\rc\r\nd";
  Tokens tokens(text);
  ASSERT_EQ(tokens.size(), 5u);
  for (uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(tokens.location(tokens[i].begin).line, i + 1);
    EXPECT_EQ(tokens.location(tokens[i].begin).column, 1u);
  }
}

TEST(Lexer, DecodesStrings) {
  EXPECT_EQ(decode_string(R"("a\t\n\r\"\'\\\41\u{e9}\u{1F_600}z")"),
            "a\t\n\r\"'\\A\xc3\xa9\xf0\x9f\x98\x80z");
  EXPECT_EQ(decode_string("\"\""), "");
  EXPECT_EQ(decode_string("\"\\00\\ff\""), std::string("\0\xff", 2));
}

TEST(Keywords, FindMnemonicsOfAllOperators) {
  for (size_t i = 0; i < kOpCount; ++i) {
    auto op = static_cast<Op>(i);
    std::optional<Op> found = find_mnemonic(op_info(op).mnemonic);
    ASSERT_TRUE(found) << op_info(op).mnemonic;
    EXPECT_EQ(op_info(*found).mnemonic, op_info(op).mnemonic);
    EXPECT_LE(*found, op);
  }
  EXPECT_FALSE(find_mnemonic("i32.foo"));
  EXPECT_TRUE(is_known_keyword("assert_return"));
  EXPECT_TRUE(is_known_keyword("offset=4"));
  EXPECT_FALSE(is_known_keyword("offset="));
  EXPECT_FALSE(is_known_keyword("anyfunc"));
}

TEST(Numbers, ExceedNoLimit) {
  EXPECT_EQ(parse_nat("255", 255), 255u);
  EXPECT_EQ(parse_nat("256", 255), std::nullopt);
  EXPECT_EQ(parse_nat("0", 0), 0u);
  EXPECT_EQ(parse_nat("1", 0), std::nullopt);
  EXPECT_EQ(parse_nat("0xf", 9), std::nullopt);
  EXPECT_EQ(parse_nat("18446744073709551616"), std::nullopt);
}

TEST(Numbers, IntegersInRange) {
  EXPECT_EQ(parse_int("4294967295", 32), 0xffffffffu);
  EXPECT_EQ(parse_int("-2147483648", 32), 0x80000000u);
  EXPECT_EQ(parse_int("+0x7f", 8), 0x7fu);
  EXPECT_EQ(parse_int("-1", 64), UINT64_MAX);
  EXPECT_EQ(parse_int("18446744073709551615", 64), UINT64_MAX);
  EXPECT_EQ(parse_int("-9223372036854775808", 64), uint64_t{1} << 63);
  EXPECT_FALSE(parse_int("4294967296", 32));
  EXPECT_FALSE(parse_int("-2147483649", 32));
  EXPECT_FALSE(parse_int("256", 8));
  EXPECT_FALSE(parse_int("-129", 8));
  EXPECT_FALSE(parse_int("18446744073709551616", 64));
  EXPECT_FALSE(parse_int("0x1_0000_0000_0000_0000", 64));
}

uint32_t f32(std::string_view text) {
  std::optional<uint64_t> bits = parse_float(text, 32);
  return bits ? static_cast<uint32_t>(*bits) : 0xdeadbeef;
}
uint64_t f64(std::string_view text) { return parse_float(text, 64).value_or(0xdeadbeef); }

TEST(Numbers, FloatsAreCorrectlyRounded) {
  EXPECT_EQ(f32("1"), 0x3f800000u);
  EXPECT_EQ(f32("-0"), 0x80000000u);
  EXPECT_EQ(f32("-0x0p9"), 0x80000000u);
  EXPECT_EQ(f32("0x1.fffffep127"), 0x7f7fffffu);
  // Ties go to even, and the least bit beyond a tie goes up.
  EXPECT_EQ(f32("0x1.000001p0"), 0x3f800000u);
  EXPECT_EQ(f32("0x1.000003p0"), 0x3f800002u);
  EXPECT_EQ(f32("0x1.00000100000000000000000001p0"), 0x3f800001u);
  EXPECT_EQ(f32("0x100000100000000000000000001p-104"), 0x3f800001u);
  EXPECT_EQ(f32("16777217"), 0x4b800000u);
  EXPECT_EQ(f32("16777217.0000000000000000000000000000000000000000001"), 0x4b800001u);
  // Subnormal numbers and underflow.
  EXPECT_EQ(f32("0x1p-149"), 1u);
  EXPECT_EQ(f32("0x1p-150"), 0u);
  EXPECT_EQ(f32("0x1.8p-150"), 1u);
  EXPECT_EQ(f32("0x1.fffffcp-127"), 0x007fffffu);
  EXPECT_EQ(f32("0x1.ffffffp-127"), 0x00800000u);
  EXPECT_EQ(f32("1e-400"), 0u);
  EXPECT_EQ(f32("-0.000000000000000000000000000000000000000000000000000000000001"), 0x80000000u);
  EXPECT_EQ(f64("0x1p-1074"), 1u);
  EXPECT_EQ(f64("0x0.8p-1074"), 0u);
  EXPECT_EQ(f64("0x1p-99999999999999999999"), 0u);
  EXPECT_EQ(f64("0x1.fffffffffffff7p1023"), 0x7fefffffffffffffu);
  EXPECT_EQ(f64("4.9406564584124654e-324"), 1u);
  EXPECT_EQ(f64("1_0.2_5e1_0"), std::bit_cast<uint64_t>(10.25e10));
  EXPECT_EQ(f64("1."), std::bit_cast<uint64_t>(1.0));
  EXPECT_EQ(f64("0x1.8p1"), std::bit_cast<uint64_t>(3.0));
}

TEST(Numbers, FloatsOutOfRange) {
  for (const char* text : {"0x1p128", "1e39", "-0x1.ffffffp127", "nan:0x0", "nan:0x80_0000",
                           "340282356779733661637539395458142568448", "0x1p99999999999999999999"})
    EXPECT_FALSE(parse_float(text, 32)) << text;
  for (const char* text :
       {"0x1p1024", "1e309", "0x1.fffffffffffff8p1023", "nan:0x10_0000_0000_0000"})
    EXPECT_FALSE(parse_float(text, 64)) << text;
}

TEST(Numbers, NansAndInfinities) {
  EXPECT_EQ(f32("nan"), 0x7fc00000u);
  EXPECT_EQ(f32("-nan:0x1"), 0xff800001u);
  EXPECT_EQ(f32("+inf"), 0x7f800000u);
  EXPECT_EQ(f64("-inf"), 0xfff0000000000000u);
  EXPECT_EQ(f64("nan:0xf_ffff_ffff_ffff"), 0x7fffffffffffffffu);
}

TEST(Numbers, TextOfFloatsGivesThemBack) {
  EXPECT_EQ(float_text(0x3fc00000, 32), "1.5");
  EXPECT_EQ(float_text(0x80000000, 32), "-0");
  EXPECT_EQ(float_text(0x7fc00000, 32), "nan");
  EXPECT_EQ(float_text(0xff800001, 32), "-nan:0x1");
  EXPECT_EQ(float_text(0xfff0000000000000, 64), "-inf");
  uint64_t state = 1;
  for (int i = 0; i < 200000; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    uint64_t bits = state ^ state >> 29;
    ASSERT_EQ(parse_float(float_text(bits, 64), 64), bits);
    ASSERT_EQ(parse_float(float_text(bits >> 32, 32), 32), bits >> 32);
  }
}

/// Hexadecimal literals against the exact arithmetic of ldexp.
TEST(Numbers, HexFloatsAgreeWithLdexp) {
  uint64_t state = 7;
  for (int i = 0; i < 100000; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    auto mantissa = static_cast<uint32_t>(state >> 32);
    int exponent = static_cast<int>(state % 400) - 200;
    char text[64];
    std::snprintf(text, sizeof text, "0x%xp%d", mantissa, exponent);
    auto expected = static_cast<float>(std::ldexp(static_cast<double>(mantissa), exponent));
    std::optional<uint64_t> bits = parse_float(text, 32);
    if (std::isinf(expected))
      ASSERT_FALSE(bits) << text;
    else
      ASSERT_EQ(bits, std::bit_cast<uint32_t>(expected)) << text;
  }
}

}  // namespace
}  // namespace sedge::wasm
