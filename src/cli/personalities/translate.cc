// One pass over a tool's arguments by its table: a verb, flags, positionals. Values are rewritten
// as the rows say; nothing is looked at but the words themselves.
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.h"
#include "cli/personalities/personality.h"
#include "engine/tier_names.h"

namespace sedge::cli {
namespace {

constexpr uint64_t kPageBytes = 65536;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    size_t end = text.find(separator);
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::optional<bool> yes_or_no(std::string_view text) {
  for (std::string_view yes : {"y", "yes", "true"})
    if (text == yes) return true;
  for (std::string_view no : {"n", "no", "false"})
    if (text == no) return false;
  return std::nullopt;
}

class Translator {
 public:
  Translator(const Personality& tool, std::span<const char* const> argv, const Build& build)
      : tool_(tool), argv_(argv), build_(build) {}

  Result<Translation> run() {
    SEDGE_TRY(find_verb());
    if (out_.help || out_.version) return std::move(out_);
    SEDGE_TRY(read_words());
    if (out_.help || out_.version) return std::move(out_);
    SEDGE_TRY(shape_positionals());
    add_fallback();
    if (!features_.empty())
      out_.options.push_back(
          {"--features", fmt::format("{}", fmt::join(features_, ",")), true, features_written_});
    return std::move(out_);
  }

 private:
  /// "wasmtime run"
  std::string line() const {
    std::string_view verb = out_.verb ? out_.verb->name : "";
    return verb.empty() ? std::string(tool_.name) : fmt::format("{} {}", tool_.name, verb);
  }
  Error bad(std::string suffix) const {
    return Error(ErrorCode::bad_argument, ": " + std::move(suffix))
        .with_remedy(fmt::format("`{} --help` shows what it takes", line()));
  }

  bool is_help(std::string_view word) const { return word == "--help" || word == "-h"; }
  /// "run --help" for "help run".
  bool asks_by_verb() {
    if (argv_.empty() || std::string_view(argv_[0]) != "help") return false;
    argv_ = argv_.subspan(1);
    return out_.help = true;
  }
  bool is_version(std::string_view word) const {
    return word == "--version" || word == "-V" || (word == "-v" && next_ == 0);
  }

  Result<void> find_verb() {
    auto named = [&](std::string_view name) -> const ToolVerb* {
      const auto found = std::ranges::find(tool_.verbs, name, &ToolVerb::name);
      return found == tool_.verbs.end() ? nullptr : &*found;
    };
    const bool help = asks_by_verb();
    std::string_view first = argv_.empty() ? "" : argv_[0];
    std::string_view second = argv_.size() < 2 ? "" : argv_[1];
    const ToolVerb* verb = first.empty() ? nullptr : named(fmt::format("{} {}", first, second));
    if (verb) {
      next_ = 2;
    } else if ((verb = first.empty() ? nullptr : named(first))) {
      next_ = 1;
    } else if (!help) {
      verb = named("");
    }
    if (!verb) {
      if (is_version(first)) return void(out_.version = true), Result<void>();
      if (first.empty() || is_help(first)) return void(out_.help = true), Result<void>();
      std::vector<std::string_view> names;
      for (const ToolVerb& known : tool_.verbs) names.push_back(known.name);
      std::string given(first);
      for (std::string_view name : names)  // half of a verb of two words
        if (name.starts_with(given + " ") && !second.empty()) {
          given += fmt::format(" {}", second);
          break;
        }
      return fail(Error(ErrorCode::unknown_verb,
                        fmt::format(" `{}` of {}{}", given, tool_.name, did_you_mean(given, names)))
                      .with_remedy(fmt::format("`{} --help` lists the commands", tool_.name)));
    }
    out_.verb = verb;
    if (help) return {};
    if (verb->to.empty())
      return fail(
          Error(ErrorCode::not_in_build,
                fmt::format(": `{} {}` has no counterpart in sedge", tool_.name, verb->name))
              .with_remedy(std::string(verb->why)));
    out_.command = split(verb->to, ' ');
    return {};
  }

  Result<void> read_words() {
    bool flags_over = false;
    while (next_ < argv_.size() && !out_.help) {
      std::string_view word = argv_[next_];
      if (!flags_over && is_help(word)) return void(out_.help = true), Result<void>();
      if (!flags_over && is_version(word) && !row(out_.verb->flags, word))
        return void(out_.version = true), Result<void>();
      ++next_;
      if (flags_over || word.size() < 2 || word[0] != '-') {
        out_.positionals.emplace_back(word);
        if (out_.verb->shape == Shape::run) {
          for (; next_ < argv_.size(); ++next_) out_.positionals.emplace_back(argv_[next_]);
        }
      } else if (word == "--") {
        flags_over = true;
      } else {
        SEDGE_TRY(read_flag(word));
      }
    }
    return {};
  }

  using Tables = std::array<std::span<const Flag>, 3>;

  static bool is_family(const Flag& flag, std::string_view name) {
    std::string_view family = flag.name;
    return family.ends_with('*') && name.starts_with(family.substr(0, family.size() - 1));
  }

  static bool is_group_help(std::string_view list) { return list == "help" || list == "help-long"; }

  static const Flag* row(const Tables& tables, std::string_view name) {
    for (std::span<const Flag> table : tables)
      for (const Flag& flag : table) {
        bool by_letter =
            flag.letter != 0 && name.size() == 2 && name[0] == '-' && name[1] == flag.letter;
        if (flag.name == name || by_letter || is_family(flag, name)) return &flag;
      }
    return nullptr;
  }

  /// All rows of that name, in order: which one holds depends on the value.
  static std::vector<const Flag*> rows(const Tables& tables, std::string_view name) {
    std::vector<const Flag*> out;
    const Flag* first = row(tables, name);
    if (!first) return out;
    for (std::span<const Flag> table : tables)
      for (const Flag& flag : table)
        if (flag.name == first->name) out.push_back(&flag);
    return out;
  }

  Error unknown_flag(std::string_view name, const Tables& tables, std::string_view group) const {
    std::vector<std::string_view> names;
    if (group.empty()) names.push_back("--help");
    for (std::span<const Flag> table : tables)
      for (const Flag& flag : table)
        if (!flag.name.view().ends_with('*')) names.push_back(flag.name);
    std::string of = group.empty() ? line() : fmt::format("{} {}", line(), group);
    bool behind_file = out_.verb->shape == Shape::run_mixed && !out_.positionals.empty();
    return Error(ErrorCode::unknown_option,
                 fmt::format(" `{}` of {}{}", name, of, did_you_mean(name, names)))
        .with_remedy(behind_file
                         ? fmt::format("if it is for the guest: -- {}; `{} --help` lists {}'s own",
                                       name, line(), tool_.name)
                         : fmt::format("`{} --help` lists them", line()));
  }

  Result<void> read_flag(std::string_view word) {
    std::string_view name = word;
    std::optional<std::string_view> value;
    std::vector<const Flag*> found = rows(out_.verb->flags, word);
    if (found.empty()) {
      if (size_t equals = word.find('='); word.starts_with("--") && equals != word.npos) {
        name = word.substr(0, equals);
        value = word.substr(equals + 1);
      } else if (!word.starts_with("--") && word.size() > 2) {  // -Wkey, -oFILE
        name = word.substr(0, 2);
        value = word.substr(2);
        if (value->starts_with('=')) value->remove_prefix(1);
      }
      found = rows(out_.verb->flags, name);
      if (value && !found.empty() && !word.starts_with("--") &&
          std::ranges::all_of(found, [](const Flag* f) { return f->takes == Takes::nothing; }))
        found.clear();
      if (found.empty())
        return fail(unknown_flag(word.starts_with("--") ? name : word, out_.verb->flags, ""));
    }
    std::string_view next = next_ < argv_.size() ? argv_[next_] : std::string_view();
    for (const Flag* flag : found) {
      if (!flag->only.empty()) {
        if (value ? *value != flag->only : next != flag->only) continue;
        if (!value) ++next_;
        return apply(*flag, fmt::format("{} {}", name, flag->only), flag->only);
      }
      if (flag->takes == Takes::nothing) {
        if (value) continue;
        return apply(*flag, std::string(name), std::nullopt);
      }
      if (!value && flag->takes == Takes::value) {
        if (next_ >= argv_.size())
          return fail(Error(ErrorCode::missing_argument, fmt::format(": `{}` needs a value", name))
                          .with_remedy(fmt::format("`{} --help` shows what it takes", line())));
        value = argv_[next_++];
      } else if (!value && flag->does == Does::group &&
                 (is_group_help(next) || row({flag->keys}, next.substr(0, next.find('='))))) {
        value = argv_[next_++];
      }
      return apply(*flag, value ? fmt::format("{} {}", name, *value) : std::string(name), value);
    }
    return fail(bad(fmt::format("`{}` takes no value", name)));
  }

  Result<void> read_group(const Flag& group, std::string_view written, std::string_view list) {
    std::string_view head = written.substr(0, written.find(' '));
    if (is_group_help(list)) return void(out_.help = true), Result<void>();
    for (const std::string& item : split(list, ',')) {
      size_t equals = item.find('=');
      std::string_view key = std::string_view(item).substr(0, equals);
      std::optional<std::string_view> value;
      if (equals != std::string::npos) value = std::string_view(item).substr(equals + 1);
      std::vector<const Flag*> found = rows({group.keys}, key);
      if (found.empty()) return fail(unknown_flag(key, {group.keys}, head));
      std::string shown = fmt::format("{} {}", head, item);
      const Flag* chosen = nullptr;
      for (const Flag* flag : found)
        if (!chosen && !(value && flag->takes == Takes::nothing)) chosen = flag;
      if (!chosen) return fail(bad(fmt::format("`{}` takes no value", key)));
      if (!value && chosen->takes == Takes::value)
        return fail(Error(ErrorCode::missing_argument, fmt::format(": `{}` needs a value", shown))
                        .with_remedy(fmt::format("write {} {}=VALUE", head, key)));
      SEDGE_TRY(apply(*chosen, shown, value));
    }
    return {};
  }

  void add(std::string name, const std::optional<std::string>& value, const std::string& written) {
    out_.options.push_back({std::move(name), value.value_or(""), value.has_value(), written});
  }
  void note(std::string_view written, std::string_view why) {
    out_.notes.push_back(fmt::format("{} {}: {}", line(), written, why));
  }

  Result<void> apply(const Flag& flag, const std::string& written,
                     std::optional<std::string_view> value) {
    switch (flag.does) {
      case Does::satisfied:
        return {};
      case Does::note:
        note(written, flag.to);
        return {};
      case Does::refuse:
        if (value && yes_or_no(*value) == false) return {};
        return fail(Error(ErrorCode::not_in_build, fmt::format(": `{} {}`", line(), written))
                        .with_remedy(std::string(flag.to)));
      case Does::group:
        return read_group(flag, written, value.value_or(""));
      case Does::base:
        features_.insert(features_.begin(), std::string(flag.to));
        features_written_ = written;
        return {};
      case Does::feature:
        return add_feature(flag, written, value);
      case Does::inherit_env:
        if (value && yes_or_no(*value) == false) return {};
        for (char** entry = environ; *entry; ++entry) {
          std::string_view pair = *entry;
          if (size_t equals = pair.find('='); equals != pair.npos && equals > 0)
            add("--env", std::string(pair.substr(0, equals)), written);
        }
        return {};
      case Does::reactor:
        reactor_ = true;
        return {};
      case Does::verb:
      case Does::words: {
        if (value && flag.only.empty() && yes_or_no(*value) == false) return {};
        std::vector<std::string> words = split(flag.to, ' ');
        auto word = words.begin();
        if (flag.does == Does::verb) out_.command = {*word++};
        add_words({word, words.end()}, written);
        return {};
      }
      case Does::grant: {
        std::string item(flag.name);
        if (value) item.append("=").append(*value);
        add_option(std::string(flag.to), item, written);
        return {};
      }
      case Does::option: {
        SEDGE_TRY_ASSIGN(std::string converted, convert(flag, written, value.value_or("")));
        add_option(std::string(flag.to), converted, written);
        return {};
      }
    }
    return {};
  }

  /// Words of a table: each `--option` with the value behind it, if any.
  void add_words(std::span<const std::string> words, const std::string& written) {
    for (size_t i = 0; i < words.size(); ++i) {
      const std::string& name = words[i];
      std::optional<std::string> value;
      if (i + 1 < words.size() && !words[i + 1].starts_with("--")) value = words[++i];
      add_option(name, value, written);
    }
  }

  void add_option(const std::string& name, const std::optional<std::string>& value,
                  const std::string& written) {
    if (name == "--tier") {
      if (out_.command.front() == "compile") {
        if (value != "auto" && value != "llvm")
          note(written, "what is compiled ahead of time is always optimised");
        return;
      }
      if (!build_.has_tier(value.value_or(""))) {
        note(written, fmt::format("there is no {} compiler here; `sedge version --json` shows "
                                  "what runs the code instead",
                                  value.value_or("")));
        return;
      }
    }
    // A later flag of the tool wins, as it does there; what repeats is a list.
    if (name != "--env" && name != "--dir" && name != "--preload" && name != "--dependency" &&
        name != "--definitions" && name != "--search-path" && name != "--adapt" &&
        name != "--grant")
      std::erase_if(out_.options, [&](const auto& option) { return option.name == name; });
    add(name, value, written);
  }

  Result<void> add_feature(const Flag& flag, const std::string& written,
                           std::optional<std::string_view> value) {
    features_written_ = written;
    if (flag.convert == Convert::one_feature) {
      for (std::string& item : split(value.value_or(""), ',')) features_.push_back(std::move(item));
      return {};
    }
    std::string_view edit = flag.to;
    if (edit.starts_with('+') || edit.starts_with('-')) {
      features_.emplace_back(edit);
      return {};
    }
    std::optional<bool> on = value ? yes_or_no(*value) : true;
    if (!on) return fail(bad(fmt::format("`{}`: y or n", written)));
    features_.push_back(fmt::format("{}{}", *on ? '+' : '-', edit));
    return {};
  }

  Result<std::string> convert(const Flag& flag, const std::string& written,
                              std::string_view value) const {
    switch (flag.convert) {
      case Convert::same:
      case Convert::one_feature:
        return std::string(value);
      case Convert::dir_guest_host:
      case Convert::dir_host_guest:
        return convert_dir(flag.convert == Convert::dir_guest_host, written, value);
      case Convert::pages: {
        uint64_t pages = 0;
        auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), pages);
        if (failure != std::errc() || end != value.data() + value.size() || pages > 65536)
          return fail(
              bad(fmt::format("`{}`: a number of pages of 64 KiB, from 0 to 65536", written)));
        return fmt::format("{}", pages * kPageBytes);
      }
      case Convert::milliseconds:
        return fmt::format("{}ms", value);
      case Convert::seconds: {
        bool digits = !value.empty() && value.find_first_not_of("0123456789.") == value.npos;
        return fmt::format("{}{}", value, digits ? "s" : "");
      }
      case Convert::name_file: {
        std::string out(value);
        if (size_t at = out.find_first_of(":="); at != std::string::npos) out[at] = '=';
        return out;
      }
      case Convert::level:
        return convert_level(written, value);
      case Convert::target:
        return convert_target(written, value);
      case Convert::tier: {
        std::optional<Tier> tier = tier_named(value);
        if (tier) return std::string(to_string(*tier));
        std::vector<std::string_view> names;
        for (const TierName& known : tier_names()) names.push_back(known.name);
        return fail(Error(ErrorCode::backend_not_available,
                          fmt::format(": `{}`{}", written, did_you_mean(value, names)))
                        .with_remedy(fmt::format("the backends are {}", fmt::join(names, ", "))));
      }
    }
    return std::string(value);
  }

  Result<std::string> convert_level(const std::string& written, std::string_view value) const {
    constexpr std::pair<std::string_view, std::string_view> kLevels[] = {
        {"0", "1"}, {"none", "1"}, {"1", "1"},
        {"2", "3"}, {"3", "3"},    {"speed", "3"},
        {"s", "2"}, {"z", "2"},    {"speed_and_size", "2"}};
    for (const auto& [level, ours] : kLevels)
      if (value == level) return std::string(ours);
    return fail(
        bad(fmt::format("`{}`: a level is 0, 1, 2, 3, s, z, none, speed or "
                        "speed_and_size",
                        written)));
  }

  /// "aarch64-unknown-linux-gnu" → "aarch64-linux"; a target of sedge stays.
  Result<std::string> convert_target(const std::string& written, std::string_view value) const {
    for (std::string_view own : {"x86-64-v2", "x86-64-v3", "aarch64-linux", "riscv64-linux"})
      if (value == own) return std::string(value);
    constexpr std::pair<std::string_view, std::string_view> kArchitectures[] = {
        {"x86_64", "x86-64-v2"},
        {"aarch64", "aarch64-linux"},
        {"riscv64gc", "riscv64-linux"},
        {"riscv64", "riscv64-linux"}};
    for (const auto& [architecture, target] : kArchitectures) {
      std::string_view rest = value;
      if (!rest.starts_with(architecture)) continue;
      rest.remove_prefix(architecture.size());
      if (rest.empty() || (rest.starts_with('-') && rest.find("linux") != rest.npos))
        return std::string(target);
    }
    return fail(
        bad(fmt::format("`{}`: code is made for x86_64, aarch64 and riscv64, on Linux", written)));
  }

  Result<std::string> convert_dir(bool guest_first, const std::string& written,
                                  std::string_view value) const {
    bool readonly = false;
    for (std::string_view suffix : {":readonly", "::ro", ":ro"})
      if (!readonly && value.ends_with(suffix)) {
        value.remove_suffix(suffix.size());
        readonly = true;
      }
    std::string_view separator = value.find("::") != value.npos ? "::" : ":";
    size_t at = value.find(separator);
    std::string_view left = value.substr(0, at);
    std::string_view right = at == value.npos ? left : value.substr(at + separator.size());
    if (left.empty() || right.empty())
      return fail(bad(fmt::format("`{}` has an empty side", written)));
    return fmt::format("{}::{}{}", guest_first ? right : left, guest_first ? left : right,
                       readonly ? "::ro" : "");
  }

  Result<void> shape_positionals() {
    std::vector<std::string>& given = out_.positionals;
    if (out_.verb->shape == Shape::in_out && given.size() == 2) {
      add("--output", given[1], given[1]);
      given.pop_back();
    } else if (out_.verb->shape == Shape::in_out) {
      return fail(
          Error(given.size() < 2 ? ErrorCode::missing_argument : ErrorCode::unexpected_argument,
                given.size() < 2 ? std::string(": a module and the file to write")
                                 : fmt::format(" `{}`", given[2]))
              .with_remedy(fmt::format("{} [OPTIONS] IN.wasm OUT.wasm", line())));
    }
    Shape shape = out_.verb->shape;
    if (shape == Shape::wit_input && !given.empty()) {
      add("--wit", given[0], given[0]);
      given.erase(given.begin());
    }
    bool reads = shape == Shape::input || shape == Shape::filter || shape == Shape::wit_input;
    if (reads && given.empty()) given.emplace_back("-");
    if (shape == Shape::filter &&
        std::ranges::find(out_.options, "--output", &TranslatedOption::name) == out_.options.end())
      add("--output", "-", "--output -");
    if (reactor_) {
      if (given.size() < 2)
        return fail(Error(ErrorCode::missing_argument, ": the function to call")
                        .with_remedy(fmt::format("{} --reactor FILE FUNC ARGS", line())));
      add("--invoke", given[1], "--reactor");
      given.erase(given.begin() + 1);
    }
    return {};
  }

  void add_fallback() {
    std::string_view option = out_.verb->fallback;
    if (option.empty()) return;
    std::string name(option.substr(0, option.find('=')));
    bool given =
        std::ranges::find(out_.options, name, &TranslatedOption::name) != out_.options.end();
    std::optional<std::string> value;
    if (name.size() < option.size()) value = option.substr(name.size() + 1);
    if (!given) add(name, value, std::string(option));
  }

  const Personality& tool_;
  std::span<const char* const> argv_;
  const Build& build_;
  size_t next_ = 0;
  Translation out_;
  std::vector<std::string> features_;
  std::string features_written_;
  bool reactor_ = false;
};

}  // namespace

std::vector<std::string> Translation::argv() const {
  std::vector<std::string> out = command;
  for (const TranslatedOption& option : options) {
    if (!option.has_value || !option.name.starts_with("--")) {
      out.push_back(option.name);
      if (option.has_value) out.push_back(option.value);
    } else {
      out.push_back(option.name + "=" + option.value);
    }
  }
  out.insert(out.end(), positionals.begin(), positionals.end());
  return out;
}

Result<Translation> translate(const Personality& tool, std::span<const char* const> argv,
                              const Build& build) {
  return Translator(tool, argv, build).run();
}

}  // namespace sedge::cli
