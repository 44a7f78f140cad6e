// From argv to a command: `sedge VERB …`, or `sedge FILE …` as short for `sedge run FILE …`. Under
// another tool's name (a link, or `sedge --as NAME …`) its words are translated first.
#include "cli/verbs.h"

#include <algorithm>
#include <string>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.h"
#include "cli/console.h"
#include "cli/personalities/personality.h"
#include "engine/tier_names.h"

namespace sedge::cli {
namespace {

constexpr const Verb* kVerbs[] = {
    &kRunVerb,
#if SEDGE_HAVE_SERVER
    &kServeVerb,      &kSelectVerb,       &kDeployVerb,
#endif
    &kCompileVerb,    &kCacheListVerb,    &kCacheVerifyVerb,
    &kCacheClearVerb, &kValidateVerb,     &kInspectVerb,
    &kParseVerb,      &kPrintVerb,        &kSnapshotVerb,
    &kWastVerb,       &kComponentNewVerb, &kComponentEmbedVerb,
    &kBindgenVerb,    &kComponentWitVerb, &kComponentTargetsVerb,
    &kComposeVerb,    &kPlugVerb,         &kOptVerb,
    &kBenchVerb,      &kExplainVerb,      &kCompletionVerb,
    &kVersionVerb,    &kManVerb,          &kLinksVerb,
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

using Wording = std::function<std::string(std::string_view)>;

Result<int> run_verb(const Verb& verb, std::span<const char* const> argv, Wording wording = {}) {
  SEDGE_TRY_ASSIGN(Arguments arguments, parse_arguments(verb, argv));
  arguments.set_wording(std::move(wording));
  if (arguments.help()) {
    SEDGE_TRY(print(help_text(verb)));
    return 0;
  }
  return verb.run(arguments);
}

std::vector<const Verb*> members(std::string_view group) {
  std::vector<const Verb*> out;
  for (const Verb* verb : kVerbs)
    if (group_of(*verb) == group) out.push_back(verb);
  return out;
}

/// `sedge GROUP COMMAND …`.
Result<int> run_group(std::string_view group, std::span<const Verb* const> verbs,
                      std::span<const char* const> argv) {
  std::string_view word = argv.empty() ? "--help" : argv[0];
  if (word == "--help" || word == "-h") {
    SEDGE_TRY(print(overview(verbs)));
    return argv.empty() ? 2 : 0;
  }
  std::string name = fmt::format("{} {}", group, word);
  if (const Verb* verb = find_verb(name)) return run_verb(*verb, argv.subspan(1));
  return fail(unknown_verb(name));
}

// Options that the command of sedge does not have mean nothing for it.
void drop_unknown_options(Translation& translation, const Personality& tool, const Verb& verb) {
  std::erase_if(translation.options, [&](const TranslatedOption& option) {
    bool known = find_option(verb, option.name) != nullptr;
    if (!known)
      translation.notes.push_back(fmt::format("{} {}: it has no meaning for `sedge {}`", tool.name,
                                              option.written, verb.name));
    return !known;
  });
}

Result<int> answer_as(const Personality& tool, std::span<const char* const> argv,
                      const ToolVerb*& tool_verb) {
  Build build;
  build.has_tier = [](std::string_view name) {
    auto tier = tier_named(name);
    return tier && Engine::has(*tier);
  };
  SEDGE_TRY_ASSIGN(Translation translation, translate(tool, argv, build));
  tool_verb = translation.verb;
  if (translation.version) {
    SEDGE_TRY(print(fmt::format("sedge {} (as {})\n", SEDGE_VERSION, tool.name)));
    return 0;
  }
  if (translation.help) {
    SEDGE_TRY(print(tool_help(tool, translation.verb ? *translation.verb : ToolVerb{})));
    return 0;
  }
  // A command of sedge has one word, or two.
  size_t command_words = std::min<size_t>(translation.command.size(), 2);
  const Verb* verb = find_verb(
      fmt::format("{}", fmt::join(std::span(translation.command).first(command_words), " ")));
  if (!verb) {
    command_words = 1;
    verb = find_verb(translation.command.front());
  }
  if (!verb)
    return fail(Error(ErrorCode::not_in_build,
                      fmt::format(": {} needs `sedge {}`, which this build of sedge does not have",
                                  tool.name, fmt::join(translation.command, " ")))
                    .with_remedy("`sedge --help` lists what it has"));
  drop_unknown_options(translation, tool, *verb);
  for (const std::string& note : translation.notes) print_note(note);
  std::vector<std::string> words = translation.argv();
  std::vector<const char*> pointers;
  for (size_t i = command_words; i < words.size(); ++i) pointers.push_back(words[i].c_str());
  Wording wording = [&tool, tool_verb](std::string_view text) {
    return in_words_of(tool, *tool_verb, text);
  };
  return run_verb(*verb, pointers, wording);
}

// A failure has the exit status that the tool gives it.
int exit_code_as(const Personality& tool, const Error& error) {
  if (error.phase() == Phase::usage) return tool.exit.usage;
  bool ended = error.phase() == Phase::trap || error.phase() == Phase::exhaustion ||
               error.phase() == Phase::exception;
  return ended ? tool.exit.trap : tool.exit.failure;
}

int run_as(const Personality& tool, std::span<const char* const> argv) {
  const ToolVerb* verb = nullptr;
  Result<int> status = answer_as(tool, argv, verb);
  if (!status && status.error().code() == ErrorCode::guest_exit)
    status = status.error().exit_code();
  if (status && *status > tool.exit.most_of_guest) {
    print_note(
        fmt::format("the guest exited with {}, an invalid exit status of {} (0 to {}): {} instead",
                    *status, tool.name, tool.exit.most_of_guest, tool.exit.failure));
    return tool.exit.failure;
  }
  if (status) return *status;
  Error& error = status.error();
  if (std::string remedy = error.remedy(); verb && !remedy.empty())
    error.set_remedy(in_words_of(tool, *verb, remedy));
  print_error(error);
  return exit_code_as(tool, error);
}

Error unknown_tool(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Personality* tool : personalities()) names.push_back(tool->name);
  return Error(ErrorCode::bad_argument,
               fmt::format(": `--as {}`{}", name, did_you_mean(name, names)))
      .with_remedy(fmt::format("sedge answers as {}", fmt::join(names, ", ")));
}

Result<int> dispatch(std::span<const char* const> argv) {
  if (argv.empty()) {
    SEDGE_TRY(print(overview(kVerbs)));
    return 2;
  }
  std::string_view word = argv[0];
  if (word == "--help" || word == "-h" || word == "help") {
    if (word == "help" && argv.size() > 1) {
      std::string name = argv[1];
      if (argv.size() > 2) name += fmt::format(" {}", argv[2]);
      const Verb* verb = find_verb(name);
      if (!verb) return fail(unknown_verb(name));
      SEDGE_TRY(print(help_text(*verb)));
      return 0;
    }
    SEDGE_TRY(print(overview(kVerbs)));
    return 0;
  }
  if (word == "--version" || word == "-V") return run_verb(kVersionVerb, argv.subspan(1));
  if (const Verb* verb = find_verb(word)) return run_verb(*verb, argv.subspan(1));
  if (std::vector<const Verb*> group = members(word); !group.empty())
    return run_group(word, group, argv.subspan(1));
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

std::string_view group_of(const Verb& verb) {
  size_t space = verb.name.view().find(' ');
  return space == std::string_view::npos ? std::string_view() : verb.name.view().substr(0, space);
}

int main_program(std::string_view name, std::span<const char* const> argv) {
  if (const Personality* tool = find_personality(name)) return run_as(*tool, argv);
  if (!argv.empty() && std::string_view(argv[0]).starts_with("--as")) {
    std::string_view word = argv[0];
    bool joined = word.starts_with("--as=");
    if (joined || (word == "--as" && argv.size() > 1)) {
      std::string_view tool_name = joined ? word.substr(5) : argv[1];
      const Personality* tool = find_personality(tool_name);
      if (tool) return run_as(*tool, argv.subspan(joined ? 1 : 2));
      Error error = unknown_tool(tool_name);
      print_error(error);
      return error.exit_code();
    }
  }
  Result<int> status = dispatch(argv);
  if (status) return *status;
  if (status.error().code() != ErrorCode::guest_exit) print_error(status.error());
  return status.error().exit_code();
}

}  // namespace sedge::cli
