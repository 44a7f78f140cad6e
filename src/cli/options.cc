// Parsing of arguments by a command's rows: options before, between and after positionals, except
// that a `rest` positional takes everything behind it for the guest.
#include "cli/options.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/nearest.h"

namespace sedge::cli {

std::vector<std::string_view> choices(const Option& option) {
  std::vector<std::string_view> out;
  if (option.value.view().find('|') == std::string_view::npos) return out;
  std::string_view left = option.value;
  for (;;) {
    size_t bar = left.find('|');
    out.push_back(left.substr(0, bar));
    if (bar == std::string_view::npos) return out;
    left.remove_prefix(bar + 1);
  }
}

const Option* find_option(const Verb& verb, std::string_view name) {
  for (const Option& option : verb.options) {
    bool by_letter = option.letter != 0 && name.size() == 2 && name[1] == option.letter;
    if (option.name == name || by_letter) return &option;
  }
  return nullptr;
}

bool Arguments::has(std::string_view option) const {
  return std::ranges::any_of(options_, [&](const auto& given) { return given.first == option; });
}

std::optional<std::string_view> Arguments::get(std::string_view option) const {
  std::optional<std::string_view> value;
  for (const auto& [name, given] : options_)
    if (name == option) value = given;
  return value;
}

std::vector<std::string_view> Arguments::all(std::string_view option) const {
  std::vector<std::string_view> out;
  for (const auto& [name, given] : options_)
    if (name == option) out.push_back(given);
  return out;
}

/// One pass over argv.
struct ArgumentParser {
  const Verb& verb;
  std::span<const char* const> argv;
  Arguments out = {};
  size_t next = 0;

  Result<void> parse() {
    bool options_over = false;
    while (next < argv.size()) {
      std::string_view word = argv[next++];
      if (options_over || word.size() < 2 || word[0] != '-') {
        out.positionals_.push_back(word);
        if (takes_rest()) {
          for (; next < argv.size(); ++next) out.positionals_.emplace_back(argv[next]);
          break;
        }
      } else if (word == "--") {
        options_over = true;
      } else if (word == "--help" || word == "-h") {
        out.help_ = true;
        return {};
      } else {
        SEDGE_TRY(option(word));
      }
    }
    return check_positionals();
  }

 private:
  /// Whether what follows belongs to a `rest` positional now.
  bool takes_rest() const {
    size_t index = out.positionals_.size();
    return index < verb.positionals.size() &&
           verb.positionals[index].count == Positional::Count::rest;
  }

  std::string help_hint() const { return fmt::format("`sedge {} --help` lists them", verb.name); }

  Result<void> option(std::string_view word) {
    size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    std::string_view name = word.substr(0, equals);
    const Option* row = find_option(verb, name);
    // "-O3": a value right behind the letter.
    const Option* attached =
        !row && word.size() > 2 && word[1] != '-' ? find_option(verb, word.substr(0, 2)) : nullptr;
    if (attached && !attached->value.empty()) row = attached;
    if (!row) {
      std::vector<std::string_view> names = {"--help"};
      for (const Option& known : verb.options) names.push_back(known.name);
      return fail(
          Error(ErrorCode::unknown_option, fmt::format(" `{}`{}", name, did_you_mean(name, names)))
              .with_remedy(help_hint()));
    }
    if (row->value.empty()) {
      if (equals != std::string_view::npos)
        return fail(ErrorCode::bad_argument, fmt::format(": `{}` takes no value", row->name));
      out.options_.emplace_back(row->name, std::string_view());
      return {};
    }
    std::string_view value;
    if (row == attached) {
      value = word.substr(2);
    } else if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (next < argv.size()) {
      value = argv[next++];
    } else {
      return fail(ErrorCode::missing_argument,
                  fmt::format(": `{}` needs a value: {} {}", row->name, row->name, row->value));
    }
    std::vector<std::string_view> allowed = choices(*row);
    if (!allowed.empty() && std::ranges::find(allowed, value) == allowed.end())
      return fail(ErrorCode::bad_argument,
                  fmt::format(": `{} {}`{}: it is one of {}", row->name, value,
                              did_you_mean(value, allowed), fmt::join(allowed, ", ")));
    if (!row->repeats && out.has(row->name))
      return fail(ErrorCode::unexpected_argument, fmt::format(": `{}` was given twice", row->name));
    out.options_.emplace_back(row->name, value);
    return {};
  }

  Result<void> check_positionals() const {
    size_t given = out.positionals_.size();
    size_t least = 0, most = 0;
    for (const Positional& positional : verb.positionals) {
      using Count = Positional::Count;
      if (positional.count == Count::one || positional.count == Count::many) ++least;
      most = positional.count == Count::many || positional.count == Count::rest ? SIZE_MAX
             : most == SIZE_MAX                                                 ? most
                                                                                : most + 1;
    }
    if (given < least)
      return fail(
          Error(ErrorCode::missing_argument, fmt::format(": {} ({})", verb.positionals[given].name,
                                                         verb.positionals[given].help))
              .with_remedy(usage_line(verb)));
    if (given > most)
      return fail(
          Error(ErrorCode::unexpected_argument, fmt::format(" `{}`", out.positionals_[most]))
              .with_remedy(usage_line(verb)));
    return {};
  }
};

Result<Arguments> parse_arguments(const Verb& verb, std::span<const char* const> argv) {
  ArgumentParser parser{verb, argv};
  SEDGE_TRY(parser.parse());
  return std::move(parser.out);
}

}  // namespace sedge::cli
