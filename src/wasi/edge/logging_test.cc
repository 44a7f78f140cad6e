// Lines of wasi:logging hold nothing that a terminal acts on, and have an end.
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "wasi/edge/edge.h"

namespace sedge::wasi::edge {
namespace {

TEST(LogLine, NamesLevelAndContext) {
  EXPECT_EQ(log_line("INFO", "db", "connected"), "INFO db: connected\n");
  EXPECT_EQ(log_line("WARN", "", "größer"), "WARN: größer\n");
  EXPECT_EQ(log_line("ERROR", "", ""), "ERROR: \n");
}

TEST(LogLine, EscapesControls) {
  EXPECT_EQ(log_line("INFO", "a\nb", "\x1b[2Jgone\r\n\x7f\t"),
            "INFO a\\nb: \\x1b[2Jgone\\x0d\\n\\x7f\\t\n");
  // C1: U+009B begins a sequence as ESC [ does; U+00A0 is a space.
  EXPECT_EQ(log_line("INFO", "",
                     "\xc2\x9b"
                     "2J\xc2\xa0"),
            "INFO: \\u009b2J\xc2\xa0\n");
  EXPECT_EQ(log_line("INFO", "", std::string_view("a\0b", 3)), "INFO: a\\x00b\n");
}

TEST(LogLine, IsCutBetweenCharacters) {
  std::string line = log_line("INFO", std::string(1000, 'c'), std::string(10'000, 'm'));
  EXPECT_LT(line.size(), 9000u);
  EXPECT_NE(line.find("c… (744 bytes more): m"), std::string::npos);
  EXPECT_TRUE(line.ends_with("m… (1808 bytes more)\n"));
  for (size_t before = 0; before < 4; ++before) {
    std::string text(before, 'x');
    while (text.size() < 20'000) text += "\xf0\x9f\x8c\x8d";  // four bytes
    EXPECT_TRUE(is_utf8(log_line("INFO", "", text))) << before;
  }
}

}  // namespace
}  // namespace sedge::wasi::edge
