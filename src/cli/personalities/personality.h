// Other tools' command lines as data: a table of verbs and flags for each tool, and one translator
// from a tool's words to those of sedge. What a table does not know is refused with the nearest
// flag; what has no meaning in sedge is accepted with a note that says why.
#ifndef SEDGE_CLI_PERSONALITIES_PERSONALITY_H_
#define SEDGE_CLI_PERSONALITIES_PERSONALITY_H_

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "base/text.h"

namespace sedge::cli {

/// What a flag of another tool means.
enum class Does : uint8_t {
  option,       ///< `to` is an option of sedge that takes the value
  words,        ///< `to` is words of sedge: "--network", "--tier llvm"
  satisfied,    ///< sedge does that anyway
  note,         ///< accepted; `to` says why it has no meaning here
  refuse,       ///< cannot be granted; `to` says why
  grant,        ///< a key of `--grant`, with its value
  feature,      ///< `to` names a feature that is switched on or off
  base,         ///< `to` is the set of features to begin from
  group,        ///< a list of keys with values, each a row of `keys`
  verb,         ///< `to` is the command of sedge to use instead, with its words
  reactor,      ///< the first argument behind the file is the function to call
  inherit_env,  ///< every variable of this process
};

/// What a flag takes.
enum class Takes : uint8_t { nothing, value, maybe };  // maybe: only behind `=`

/// How a tool's value is written for sedge.
enum class Convert : uint8_t {
  same,
  dir_guest_host,  ///< GUEST:HOST[:readonly] → HOST::GUEST[::ro]
  dir_host_guest,  ///< HOST:GUEST → HOST::GUEST
  pages,           ///< pages of 64 KiB → bytes
  milliseconds,    ///< N → Nms
  seconds,         ///< N → Ns; a value with a unit stays
  name_file,       ///< NAME:FILE → NAME=FILE
  tier,            ///< a compiler's name → a tier
  one_feature,     ///< a list of features: all of them are on unless taken away
  level,           ///< a level of optimisation, as each tool writes it → 1, 2 or 3
  target,          ///< a target triple → a target of `sedge compile`
};

struct Flag {
  /// "--dir"; in a group the key alone. One that ends in `*` stands for all that begin so.
  Text name;
  char letter = 0;  ///< 'd' for "-d", or 0
  Takes takes = Takes::nothing;
  Does does = Does::note;
  Text to;
  Convert convert = Convert::same;
  Text only = {};  ///< the row holds for this value alone
  std::span<const Flag> keys = {};
};

/// What stands on a tool's line without a dash.
enum class Shape : uint8_t {
  run,        ///< FILE, then everything for the guest
  run_mixed,  ///< FILE and flags in any order; what stands behind `--` is the guest's
  words,      ///< as they are, flags between them
  in_out,     ///< IN OUT: the second is the value of --output
  input,      ///< FILE; without one, standard input
  filter,     ///< the same, and without --output to standard output
  wit_input,  ///< WIT FILE: the first is the value of --wit
};

struct ToolVerb {
  Text name;  ///< empty: the tool without a verb
  Text to;    ///< words of sedge, such as "run" or "component new"; empty: see `why`
  Shape shape = Shape::words;
  std::array<std::span<const Flag>, 3> flags = {};
  Text why = {};       ///< what the user can do instead of a verb that has no counterpart
  Text fallback = {};  ///< "--listen=ADDRESS" or "--option", where the user gives none
};

/// A tool's exit statuses for failures that are not the guest's own.
struct ExitCodes {
  int trap, failure, usage;
  int most_of_guest = 255;  ///< a guest that exits with more has failed
};

struct Personality {
  std::string_view name;
  std::string_view summary;
  std::span<const ToolVerb> verbs;
  ExitCodes exit;
};

extern const Personality kWasmedge, kWasmedgec, kWasmtime, kWasmer, kWasmTools, kWasmOpt;

std::span<const Personality* const> personalities();
/// The tool called `name`, or null. A path is fine: its last part counts.
const Personality* find_personality(std::string_view name);

/// An option for sedge, with the user's spelling for messages.
struct TranslatedOption {
  std::string name;
  std::string value;
  bool has_value = false;
  std::string written;
};

struct Translation {
  const ToolVerb* verb = nullptr;
  std::vector<std::string> command;       ///< words of sedge: {"run"} or {"component", "new"}
  std::vector<TranslatedOption> options;  ///< in order
  std::vector<std::string> positionals;
  std::vector<std::string> notes;
  bool help = false, version = false;

  /// All of it as arguments of sedge.
  std::vector<std::string> argv() const;
};

/// What a build has, as far as translating needs to know.
struct Build {
  std::function<bool(std::string_view tier)> has_tier;
};

/// `argv` is what follows the tool's name. Errors: unknown_option and unknown_verb with the
/// nearest, missing_argument, bad_argument, not_in_build for verbs without a counterpart.
Result<Translation> translate(const Personality& tool, std::span<const char* const> argv,
                              const Build& build);

/// What `TOOL [VERB] --help` prints: every flag with what it means here.
std::string tool_help(const Personality& tool, const ToolVerb& verb);

/// The manual page of a tool's command line, in man(7) macros.
std::string tool_man_page(const Personality& tool);

/// `text` with sedge's options, and the command itself, as the tool's user knows them.
std::string in_words_of(const Personality& tool, const ToolVerb& verb, std::string_view text);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_PERSONALITIES_PERSONALITY_H_
