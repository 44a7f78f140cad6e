// Error: how a failure reads, and that every row of error.def is usable.
#include <gtest/gtest.h>
#include <sedge/error.h>

#include <set>
#include <string>

namespace sedge {
namespace {

TEST(ErrorTest, RendersContextPlaceAndRemedy) {
  Error error(ErrorCode::unknown_memory, " 3: the module has 1", Location::at(0x2a));
  error.add_context("function 7");
  error.add_context("app.wasm");
  error.set_remedy("declare it");
  EXPECT_EQ(error.message(), "unknown memory 3: the module has 1");
  EXPECT_EQ(error.render(),
            "app.wasm: function 7: unknown memory 3: the module has 1 (at offset 0x2a)\n"
            "help: declare it");
}

TEST(ErrorTest, RendersLines) {
  Error error(ErrorCode::unexpected_token, " `)`", Location::at(3, 14));
  EXPECT_EQ(error.render(), "unexpected token `)` (line 3, column 14)");
}

TEST(ErrorTest, TheFirstLocationStays) {
  Error error = Error(ErrorCode::illegal_opcode).at(Location::at(5)).at(Location::at(9));
  EXPECT_EQ(error.location().offset, 5u);
}

TEST(ErrorTest, CollapsesRepeatedFrames) {
  Error error(ErrorCode::unreachable);
  std::vector<Frame> frames{{"m", 1, "leaf", 0x10, ""}};
  for (int i = 0; i < 60; ++i) frames.push_back({"m", 2, "deep", 0x20, "deep.c:7"});
  frames.push_back({"m", 3, "", 0x30, ""});
  error.set_backtrace(frames);
  EXPECT_EQ(error.render(),
            "unreachable\n"
            "    0: 0x000010 m!leaf\n"
            "    1: 0x000020 m!deep\n"
            "         at deep.c:7\n"
            "       … the same 59 times more\n"
            "   61: 0x000030 m!func[3]");
}

TEST(ErrorTest, EveryRowHasAnAscendingNumberAndWording) {
  std::set<std::string> names;
  ErrorCode last{};
  for (const ErrorInfo* info : all_errors()) {
    EXPECT_GT(info->code, last) << info->name;
    last = info->code;
    EXPECT_TRUE(names.insert(info->name).second) << info->name;
    EXPECT_STRNE(info->wording, "") << info->name;
    EXPECT_EQ(&error_info(info->code), info);
    bool known_exit = info->exit_code == 1 || info->exit_code == 2 || info->exit_code == 3 ||
                      info->exit_code == 4 || info->exit_code == 134;
    EXPECT_TRUE(known_exit) << info->name;
  }
}

TEST(ErrorTest, CopiesAreIndependent) {
  Error first(ErrorCode::io, ": a");
  Error second = first;
  second.add_context("second");
  EXPECT_EQ(first.render(), "input/output error: a");
  EXPECT_EQ(second.render(), "second: input/output error: a");
}

}  // namespace
}  // namespace sedge
