// From argv to a command: `sedge VERB …`, or `sedge FILE …` as short for `sedge run FILE …`.
#include "cli/verbs.h"

#include <algorithm>
#include <string>

#include <unistd.h>

#include <fmt/format.h>

#include "base/nearest.h"
#include "cli/console.h"

namespace sedge::cli {
namespace {

constexpr const Verb* kVerbs[] = {
    &kRunVerb,
#if SEDGE_HAVE_SERVER
    &kServeVerb,
#endif
    &kValidateVerb, &kInspectVerb,    &kParseVerb,   &kPrintVerb, &kWastVerb,
    &kExplainVerb,  &kCompletionVerb, &kVersionVerb, &kManVerb,
};

/// Whether a first word that is no command means a file to run.
bool looks_like_file(std::string_view word) {
  return word.starts_with('-') || word.find_first_of("/.") != std::string_view::npos ||
         ::access(std::string(word).c_str(), F_OK) == 0;
}

Error unknown_verb(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Verb* verb : kVerbs)
    if (!verb->hidden) names.push_back(verb->name);
  return Error(ErrorCode::unknown_verb, fmt::format(" `{}`{}", word, did_you_mean(word, names)));
}

Result<int> run_verb(const Verb& verb, std::span<const char* const> argv) {
  SEDGE_TRY_ASSIGN(Arguments arguments, parse_arguments(verb, argv));
  if (arguments.help()) {
    SEDGE_TRY(print(help_text(verb)));
    return 0;
  }
  return verb.run(arguments);
}

Result<int> dispatch(std::span<const char* const> argv) {
  if (argv.empty()) {
    SEDGE_TRY(print(overview(kVerbs)));
    return 2;
  }
  std::string_view word = argv[0];
  if (word == "--help" || word == "-h" || word == "help") {
    if (word == "help" && argv.size() > 1) {
      const Verb* verb = find_verb(argv[1]);
      if (!verb) return fail(unknown_verb(argv[1]));
      SEDGE_TRY(print(help_text(*verb)));
      return 0;
    }
    SEDGE_TRY(print(overview(kVerbs)));
    return 0;
  }
  if (word == "--version" || word == "-V") return run_verb(kVersionVerb, argv.subspan(1));
  if (const Verb* verb = find_verb(word)) return run_verb(*verb, argv.subspan(1));
  if (looks_like_file(word)) return run_verb(kRunVerb, argv);
  return fail(unknown_verb(word));
}

}  // namespace

std::span<const Verb* const> verbs() { return kVerbs; }

const Verb* find_verb(std::string_view name) {
  const auto* found =
      std::ranges::find_if(kVerbs, [&](const Verb* verb) { return verb->name == name; });
  return found == std::end(kVerbs) ? nullptr : *found;
}

int main_program(std::span<const char* const> argv) {
  Result<int> status = dispatch(argv);
  if (status) return *status;
  if (status.error().code() != ErrorCode::guest_exit) print_error(status.error());
  return status.error().exit_code();
}

}  // namespace sedge::cli
