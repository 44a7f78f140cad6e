// Any words as the command line of a tool that sedge answers for (a byte chooses the tool, words
// are separated by line breaks): they are translated, or refused with a message; and any text as
// criteria for `sedge select`.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/personalities/personality.h"
#include "cli/selection.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  using fuzz::require;
  if (size == 0) return 0;
  std::span<const cli::Personality* const> tools = cli::personalities();
  const cli::Personality& tool = *tools[data[0] % tools.size()];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  std::vector<std::string> words;
  std::string_view left = text;
  while (!left.empty()) {
    std::string_view word = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(word.size() + 1, left.size()));
    words.emplace_back(word.substr(0, word.find('\0')));
  }
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  cli::Build build{[](std::string_view tier) { return tier != "llvm"; }};
  auto translation = cli::translate(tool, argv, build);
  if (translation) {
    require(translation->help || translation->version || !translation->command.empty(),
            "a line is a command of sedge, or asks for help or the version");
    for (const cli::TranslatedOption& option : translation->options)
      require(option.name.starts_with('-'), "an option begins with a dash");
    for (const std::string& note : translation->notes)
      require(note.starts_with(tool.name), "a note names the tool");
  } else {
    require(!translation.error().message().empty(), "an error has a message");
  }
#if SEDGE_HAVE_SERVER
  if (auto scenarios = cli::parse_criteria(text, "s.yaml")) {
    for (const cli::Criteria& criteria : *scenarios)
      require(!cli::route_yaml(cli::recommend(criteria)).empty(), "every scenario has a route");
  } else {
    require(!scenarios.error().empty(), "a file that is refused has a mistake");
  }
#endif
  return 0;
}
