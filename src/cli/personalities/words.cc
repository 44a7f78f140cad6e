// Texts of a personality: its help, and messages of sedge in the words of the tool's user.
#include <fmt/format.h>

#include "cli/personalities/personality.h"

namespace sedge::cli {
namespace {

std::string meaning(const Flag& flag) {
  switch (flag.does) {
    case Does::option:
    case Does::words:
      return fmt::format("sedge's `{}`", flag.to);
    case Does::grant:
      return fmt::format("sedge's `{} {}`", flag.to, flag.name);
    case Does::verb:
      return fmt::format("`sedge {}`", flag.to);
    case Does::satisfied:
      return "so it is anyway";
    case Does::note:
      return fmt::format("accepted: {}", flag.to);
    case Does::refuse:
      return fmt::format("refused: {}", flag.to);
    case Does::feature:
      return flag.to.empty() ? "features, with commas" : fmt::format("feature {}", flag.to);
    case Does::base:
      return fmt::format("the features of {}", flag.to);
    case Does::group:
      return "keys with commas, each KEY or KEY=VALUE:";
    case Does::reactor:
      return "the first argument behind the file is the function to call";
    case Does::inherit_env:
      return "the guest gets every variable of this process";
  }
  return {};
}

void append_flag(std::string& out, const Flag& flag, std::string_view indent) {
  std::string label = flag.letter ? fmt::format("-{}, ", flag.letter) : std::string();
  label += flag.name;
  if (!flag.only.empty())
    label += fmt::format(" {}", flag.only);
  else if (flag.takes == Takes::value)
    label += " VALUE";
  else if (flag.takes == Takes::maybe)
    label += "[=VALUE]";
  out += fmt::format("{}{:<34} {}\n", indent, label, meaning(flag));
  for (const Flag& key : flag.keys) append_flag(out, key, "      ");
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || c == '-'; }

void replace_option(std::string& text, std::string_view option, std::string_view with) {
  for (size_t at = 0; (at = text.find(option, at)) != std::string::npos;) {
    size_t end = at + option.size();
    bool whole = (at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]));
    if (whole) text.replace(at, option.size(), with);
    at += whole ? with.size() : option.size();
  }
}

/// "--dir HOST::GUEST" in a text → "--dir GUEST:HOST".
void swap_dirs(std::string& text, std::string_view flag) {
  std::string head = std::string(flag) + " ";
  for (size_t at = 0; (at = text.find(head, at)) != std::string::npos; at += head.size()) {
    size_t begin = at + head.size();
    size_t end = text.find_first_of(" ;,\n", begin);
    std::string word = text.substr(begin, end - begin);
    size_t colons = word.find("::");
    if (colons == std::string::npos) continue;
    std::string swapped = word.substr(colons + 2) + ":" + word.substr(0, colons);
    text.replace(begin, word.size(), swapped);
  }
}

/// "--features +simd" as the tool's flags say it.
void reword_feature(std::string& text, const ToolVerb& verb) {
  constexpr std::string_view kHead = "--features +";
  if (!text.starts_with(kHead)) return;
  std::string feature = text.substr(kHead.size());
  for (std::span<const Flag> table : verb.flags)
    for (const Flag& flag : table) {
      if (flag.does == Does::feature && flag.to.view() == "+" + feature)
        text = flag.name.view();
      else if (flag.does == Does::feature && flag.to.view() == "-" + feature)
        text = fmt::format("leave {} out", flag.name);
      for (const Flag& key : flag.keys)
        if (key.does == Does::feature && key.to.view() == feature)
          text = fmt::format("-{} {}", flag.letter, key.name);
    }
}

}  // namespace

std::string tool_help(const Personality& tool, const ToolVerb& verb) {
  std::string out = fmt::format("{}, answered by sedge\n\nUsage: {}", tool.summary, tool.name);
  if (!verb.name.empty()) out += fmt::format(" {}", verb.name);
  out += " [OPTIONS]";
  switch (verb.shape) {
    case Shape::run:
      out += " FILE [ARGS…]";
      break;
    case Shape::run_mixed:
      out += " FILE [ARGS…] [-- ARGS…]";
      break;
    case Shape::in_out:
      out += " IN.wasm OUT.wasm";
      break;
    case Shape::input:
    case Shape::filter:
      out += " [FILE]";
      break;
    case Shape::wit_input:
      out += " WIT [FILE]";
      break;
    case Shape::words:
      out += " …";
      break;
  }
  out += fmt::format("    the same as sedge {}\n", verb.to);
  if (verb.name.empty() || verb.to.empty()) {
    out += "\nCommands:\n";
    for (const ToolVerb& known : tool.verbs)
      if (!known.name.empty())
        out += fmt::format("  {:<20} {}\n", known.name,
                           known.to.empty() ? fmt::format("none here: {}", known.why)
                                            : fmt::format("sedge {}", known.to));
  }
  out += "\nOptions, and what each means:\n";
  for (std::span<const Flag> table : verb.flags)
    for (const Flag& flag : table) append_flag(out, flag, "  ");
  return out;
}

std::string in_words_of(const Personality& tool, const ToolVerb& verb, std::string_view text) {
  std::string out(text);
  std::string line(tool.name);
  if (!verb.name.empty()) line += fmt::format(" {}", verb.name);
  replace_option(out, fmt::format("sedge {}", verb.to), line);
  reword_feature(out, verb);
  for (std::span<const Flag> table : verb.flags)
    for (const Flag& flag : table) {
      if (flag.does != Does::option || out.find(flag.to) == std::string::npos) continue;
      if (flag.convert == Convert::dir_guest_host && flag.name == flag.to) {
        swap_dirs(out, flag.name);
        replace_option(out, "::ro", ":readonly");
      } else if (flag.name != flag.to && flag.convert != Convert::dir_guest_host)
        replace_option(out, flag.to, flag.name);
    }
  return out;
}

}  // namespace sedge::cli
