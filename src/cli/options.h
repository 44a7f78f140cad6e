// Commands and their options as data. Parsing, help, shell completion and man pages all derive from
// the same rows, so that none of them can disagree with another.
#ifndef SEDGE_CLI_OPTIONS_H_
#define SEDGE_CLI_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/error.h>

namespace sedge::cli {

/// One option of a command.
struct Option {
  std::string_view name;   ///< "--output"
  char letter = 0;         ///< 'o' for "-o", or 0
  std::string_view value;  ///< placeholder; empty: a flag; "a|b|c": one of these
  std::string_view help;   ///< one sentence without a full stop
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
  std::string_view name;
  std::string_view help;
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

 private:
  friend struct ArgumentParser;
  std::vector<std::pair<std::string_view, std::string_view>> options_;
  std::vector<std::string_view> positionals_;
  bool help_ = false;
};

/// One command: `sedge NAME …`.
struct Verb {
  std::string_view name;
  std::string_view summary;      ///< one line
  std::string_view description;  ///< paragraphs, or empty
  std::span<const Option> options;
  std::span<const Positional> positionals;
  std::string_view examples;  ///< lines "command  # what it does"
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
/// The alternatives of an option's "a|b|c" placeholder; empty for other placeholders.
std::vector<std::string_view> choices(const Option& option);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_OPTIONS_H_
