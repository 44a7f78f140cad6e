// Commands and their options as data. Parsing, help, shell completion and man pages all derive from
// the same rows, so that none of them can disagree with another.
#ifndef SEDGE_CLI_OPTIONS_H_
#define SEDGE_CLI_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/error.h>

#include "base/text.h"

namespace sedge::cli {

/// One option of a command.
struct Option {
  Text name;        ///< "--output"
  char letter = 0;  ///< 'o' for "-o", or 0
  Text value;       ///< placeholder; empty: a flag; "a|b|c": one of these
  Text help;        ///< one sentence without a full stop
  bool repeats = false;
};

/// What stands on the command line without a dash.
struct Positional {
  enum class Count : uint8_t {
    one,
    optional,
    many,  ///< one or more
    rest,  ///< everything that follows, dashes included: for the guest
  };
  Text name;
  Text help;
  Count count = Count::one;
};

/// What the user wrote, checked against a command's rows. Views borrow argv.
class Arguments {
 public:
  bool has(std::string_view option) const;
  /// The last value given, if any.
  std::optional<std::string_view> get(std::string_view option) const;
  std::vector<std::string_view> all(std::string_view option) const;
  const std::vector<std::string_view>& positionals() const { return positionals_; }
  /// The positional at `index`, or empty.
  std::string_view positional(size_t index) const {
    return index < positionals_.size() ? positionals_[index] : std::string_view();
  }
  /// `--help` was among them; nothing else was checked then.
  bool help() const { return help_; }
  /// `text` with options as the user knows them: under another tool's name they have other names.
  std::string worded(std::string_view text) const {
    return wording_ ? wording_(text) : std::string(text);
  }
  void set_wording(std::function<std::string(std::string_view)> wording) {
    wording_ = std::move(wording);
  }

 private:
  friend struct ArgumentParser;
  std::vector<std::pair<std::string_view, std::string_view>> options_;
  std::vector<std::string_view> positionals_;
  bool help_ = false;
  std::function<std::string(std::string_view)> wording_;
};

/// One command: `sedge NAME …`.
struct Verb {
  Text name;
  Text summary;      ///< one line
  Text description;  ///< paragraphs, or empty
  std::span<const Option> options;
  std::span<const Positional> positionals;
  Text examples;  ///< lines "command  # what it does"
  /// The exit status. Errors are printed by the caller.
  Result<int> (*run)(const Arguments& arguments);
  bool hidden = false;
};

/// Checks `argv` (what follows the command's name) against `verb`. Errors: unknown_option (with the
/// nearest), missing_argument, unexpected_argument, bad_argument.
Result<Arguments> parse_arguments(const Verb& verb, std::span<const char* const> argv);

/// "sedge run [OPTIONS] FILE [FUNC] [ARGS…]".
std::string usage_line(const Verb& verb);
/// What `sedge VERB --help` prints.
std::string help_text(const Verb& verb);
/// What `sedge --help` prints.
std::string overview(std::span<const Verb* const> verbs);
/// The page VERB of section 1, in man(7) macros; of all commands together for null.
std::string man_page(const Verb* verb, std::span<const Verb* const> verbs);
/// "component-wit": a command's name as one word, for manual pages.
std::string hyphenated(std::string_view name);
/// The option of `verb` called `name` ("--output" or "-o"), or null.
const Option* find_option(const Verb& verb, std::string_view name);
/// The alternatives of an option's "a|b|c" placeholder; empty for other placeholders.
std::vector<std::string_view> choices(const Option& option);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_OPTIONS_H_
