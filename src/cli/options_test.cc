#include "cli/options.h"

#include <vector>

#include <gtest/gtest.h>

#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--output", 'o', "FILE", "where it goes"},
    {"--env", 0, "K=V", "a variable", true},
    {"--tier", 0, "interp|llvm", "what runs"},
    {"--json", 0, "", "as JSON"},
};
constexpr Positional kFileAndRest[] = {{"FILE", "a file"},
                                       {"ARGS", "for the guest", Positional::Count::rest}};
constexpr Positional kMany[] = {{"FILE", "files", Positional::Count::many}};
constexpr Positional kOptional[] = {{"CODE", "a code", Positional::Count::optional}};

constexpr Verb verb(std::span<const Positional> positionals) {
  return {"test", "a test", "", kOptions, positionals, "sedge test x", nullptr};
}

Result<Arguments> parse(std::span<const Positional> positionals, std::vector<const char*> argv) {
  return parse_arguments(verb(positionals), argv);
}

std::string error_of(std::span<const Positional> positionals, std::vector<const char*> argv) {
  auto arguments = parse(positionals, std::move(argv));
  return arguments ? "no error" : arguments.error().message();
}

TEST(Options, ValuesInAllSpellings) {
  auto arguments = parse(kMany, {"a", "-o", "x", "--env", "A=1", "--env=B=2", "--json", "b"});
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->get("--output"), "x");
  EXPECT_EQ(arguments->all("--env"), (std::vector<std::string_view>{"A=1", "B=2"}));
  EXPECT_TRUE(arguments->has("--json"));
  EXPECT_FALSE(arguments->has("--tier"));
  EXPECT_EQ(arguments->positionals(), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(parse(kMany, {"a", "-ox"})->get("--output"), "x");
}

TEST(Options, TheRestBelongsToTheGuest) {
  auto arguments = parse(kFileAndRest, {"--json", "app", "--output", "-x", "--help", "--"});
  ASSERT_TRUE(arguments);
  EXPECT_FALSE(arguments->has("--output"));
  EXPECT_FALSE(arguments->help());
  EXPECT_EQ(arguments->positionals(),
            (std::vector<std::string_view>{"app", "--output", "-x", "--help", "--"}));
}

TEST(Options, TwoDashesEndOptions) {
  auto arguments = parse(kMany, {"--", "--json", "-"});
  ASSERT_TRUE(arguments);
  EXPECT_FALSE(arguments->has("--json"));
  EXPECT_EQ(arguments->positionals(), (std::vector<std::string_view>{"--json", "-"}));
}

TEST(Options, Mistakes) {
  EXPECT_EQ(error_of(kMany, {"--ouput", "x"}),
            "unknown option `--ouput`; did you mean `--output`?");
  EXPECT_EQ(error_of(kMany, {"-z"}), "unknown option `-z`");
  EXPECT_EQ(error_of(kMany, {"a", "--output"}),
            "missing argument: `--output` needs a value: --output FILE");
  EXPECT_EQ(error_of(kMany, {"--json=1", "a"}), "bad argument: `--json` takes no value");
  EXPECT_EQ(error_of(kMany, {"--tier", "intrp", "a"}),
            "bad argument: `--tier intrp`; did you mean `interp`?: it is one of interp, llvm");
  EXPECT_EQ(error_of(kMany, {"-o", "a", "-o", "b", "c"}),
            "unexpected argument: `--output` was given twice");
  EXPECT_EQ(error_of(kMany, {}), "missing argument: FILE (files)");
  EXPECT_EQ(error_of(kOptional, {"a", "b"}), "unexpected argument `b`");
  EXPECT_EQ(error_of(kOptional, {}), "no error");
}

TEST(Options, UsageAndHelpComeFromTheRows) {
  EXPECT_EQ(usage_line(verb(kFileAndRest)), "sedge test [OPTIONS] FILE [ARGS…]");
  EXPECT_EQ(usage_line(verb(kMany)), "sedge test [OPTIONS] FILE…");
  EXPECT_EQ(help_text(verb(kOptional)),
            "a test\n"
            "\n"
            "Usage: sedge test [OPTIONS] [CODE]\n"
            "\n"
            "Arguments:\n"
            "  CODE                        a code\n"
            "\n"
            "Options:\n"
            "  -o, --output FILE           where it goes\n"
            "  --env K=V                   a variable\n"
            "  --tier interp|llvm          what runs\n"
            "  --json                      as JSON\n"
            "  -h, --help                  show this text\n"
            "\n"
            "Examples:\n"
            "  sedge test x\n");
}

TEST(Options, EveryVerbHasAnExampleAndUniqueOptions) {
  for (const Verb* row : verbs()) {
    EXPECT_NE(row->run, nullptr) << row->name.view();
    EXPECT_FALSE(row->summary.empty()) << row->name.view();
    EXPECT_TRUE(row->examples.view().starts_with("sedge ") ||
                row->examples.view().starts_with("source "))
        << row->name.view();
    for (const Option& option : row->options) {
      EXPECT_TRUE(option.name.view().starts_with("--")) << option.name.view();
      EXPECT_FALSE(option.help.view().ends_with('.')) << option.name.view();
      size_t count = 0;
      for (const Option& other : row->options)
        count += other.name == option.name || (option.letter && other.letter == option.letter);
      EXPECT_EQ(count, 1u) << row->name.view() << " " << option.name.view();
    }
    std::string page = man_page(row, verbs());
    EXPECT_TRUE(page.starts_with(".TH SEDGE\\-")) << row->name.view();
  }
}

}  // namespace
}  // namespace sedge::cli
