// `sedge completion SHELL`: scripts for bash, zsh and fish from the rows of the commands.
#include <algorithm>

#include <fmt/format.h>

#include "cli/console.h"
#include "cli/personalities/personality.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Positional kPositionals[] = {{"SHELL", "bash, zsh or fish"}};

bool takes_folder(const Option& option) { return option.value.view().starts_with("HOST"); }
bool takes_file(const Option& option) {
  return option.value.view().find("FILE") != std::string_view::npos || takes_folder(option);
}

std::string words(const Verb& verb) {
  std::string out = "--help";
  for (const Option& option : verb.options) out += fmt::format(" {}", option.name);
  return out;
}

/// Names of commands of one word, and of groups; or of the commands in `group`.
std::vector<std::string_view> names(std::string_view group) {
  std::vector<std::string_view> out;
  for (const Verb* verb : verbs()) {
    std::string_view own = group_of(*verb);
    if (verb->hidden || (!group.empty() && own != group)) continue;
    std::string_view name = verb->name;
    if (!group.empty())
      name.remove_prefix(group.size() + 1);
    else if (!own.empty())
      name = own;
    if (std::ranges::find(out, name) == out.end()) out.push_back(name);
  }
  return out;
}

std::vector<std::string_view> groups() {
  std::vector<std::string_view> out;
  for (const Verb* verb : verbs())
    if (std::string_view group = group_of(*verb);
        !group.empty() && std::ranges::find(out, group) == out.end())
      out.push_back(group);
  return out;
}

std::string tool_names() {
  std::string out;
  for (const Personality* tool : personalities())
    out += fmt::format("{}{}", out.empty() ? "" : " ", tool->name);
  return out;
}

/// Words that a positional can be, for commands whose positionals are no files.
std::string_view fixed_words(const Verb& verb) {
  return &verb == &kCompletionVerb ? "bash zsh fish" : "";
}

std::string bash() {
  std::string out = fmt::format(
      "# bash completion for sedge\n"
      "_sedge() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  if [[ $prev == --as ]]; then\n"
      "    COMPREPLY=($(compgen -W \"{}\" -- \"$cur\"))\n"
      "    return\n"
      "  fi\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    COMPREPLY=($(compgen -W \"{} --as --help --version\" -- \"$cur\") "
      "$(compgen -f -- \"$cur\"))\n"
      "    return\n"
      "  fi\n"
      "  local verb=${{COMP_WORDS[1]}}\n",
      tool_names(), fmt::join(names({}), " "));
  for (std::string_view group : groups())
    out += fmt::format(
        "  if [[ $verb == {} ]]; then\n"
        "    if [[ $COMP_CWORD -eq 2 ]]; then\n"
        "      COMPREPLY=($(compgen -W \"{}\" -- \"$cur\"))\n"
        "      return\n"
        "    fi\n"
        "    verb=\"{} ${{COMP_WORDS[2]}}\"\n"
        "  fi\n",
        group, fmt::join(names(group), " "), group);
  out += "  case $verb in\n";
  for (const Verb* verb : verbs()) {
    if (verb->hidden) continue;
    out += fmt::format("    \"{}\")\n      case $prev in\n", verb->name);
    for (const Option& option : verb->options) {
      if (option.value.empty()) continue;
      std::string names(option.name);
      if (option.letter) names += fmt::format("|-{}", option.letter);
      std::vector<std::string_view> values = choices(option);
      std::string reply =
          !values.empty() ? fmt::format("$(compgen -W \"{}\" -- \"$cur\")", fmt::join(values, " "))
          : takes_file(option) ? "$(compgen -f -- \"$cur\")"
                               : "";
      out += fmt::format("        {}) COMPREPLY=({}); return ;;\n", names, reply);
    }
    std::string_view fixed = fixed_words(*verb);
    std::string rest = fixed.empty() ? std::string("$(compgen -f -- \"$cur\")")
                                     : fmt::format("$(compgen -W \"{}\" -- \"$cur\")", fixed);
    out += fmt::format(
        "      esac\n"
        "      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"{}\" -- \"$cur\"))\n"
        "      else COMPREPLY=({}); fi ;;\n",
        words(*verb), rest);
  }
  out +=
      "    *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
      "  esac\n"
      "}\n"
      "complete -o filenames -F _sedge sedge\n";
  return out;
}

/// Text inside single quotes, with what zsh's _arguments gives a meaning to escaped.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == '[' || c == ']' || c == ':')
      (out += '\\') += c;
    else
      out += c;
  }
  return out;
}

std::string zsh() {
  std::string out =
      "#compdef sedge\n"
      "_sedge() {\n"
      "  local -a commands\n"
      "  commands=(\n";
  for (const Verb* verb : verbs())
    if (!verb->hidden && group_of(*verb).empty())
      out += fmt::format("    '{}:{}'\n", verb->name, zsh_text(verb->summary));
  for (std::string_view group : groups()) out += fmt::format("    '{}'\n", group);
  out +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    _files\n"
      "    return\n"
      "  fi\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  local verb=$words[1]\n";
  for (std::string_view group : groups())
    out += fmt::format(
        "  if [[ $verb == {} ]]; then\n"
        "    if (( CURRENT == 2 )); then\n"
        "      _values command {}\n"
        "      return\n"
        "    fi\n"
        "    shift words\n"
        "    (( CURRENT-- ))\n"
        "    verb=\"{} $words[1]\"\n"
        "  fi\n",
        group, fmt::join(names(group), " "), group);
  out += "  case $verb in\n";
  for (const Verb* verb : verbs()) {
    if (verb->hidden) continue;
    out += fmt::format("    \"{}\")\n      _arguments", verb->name);
    for (const Option& option : verb->options) {
      std::string action;
      if (!option.value.empty()) {
        std::vector<std::string_view> values = choices(option);
        action = !values.empty()      ? fmt::format(":value:({})", fmt::join(values, " "))
                 : takes_file(option) ? ":file:_files"
                                      : fmt::format(":{}:", zsh_text(option.value));
      }
      out += fmt::format(" \\\n        '{}{}[{}]{}'", option.repeats ? "*" : "", option.name,
                         zsh_text(option.help), action);
    }
    std::string_view fixed = fixed_words(*verb);
    out += fixed.empty() ? std::string(" \\\n        '*:file:_files'")
                         : fmt::format(" \\\n        '*:word:({})'", fixed);
    out += " ;;\n";
  }
  out += "  esac\n}\n_sedge \"$@\"\n";
  return out;
}

std::string fish_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// The condition under which a command's options are offered.
std::string fish_seen(const Verb& verb) {
  std::string_view group = group_of(verb);
  if (group.empty()) return fmt::format("__fish_seen_subcommand_from {}", verb.name);
  return fmt::format("__fish_seen_subcommand_from {}; and __fish_seen_subcommand_from {}", group,
                     verb.name.view().substr(group.size() + 1));
}

std::string fish() {
  std::string out = "# fish completion for sedge\n";
  for (const Verb* verb : verbs())
    if (!verb->hidden && group_of(*verb).empty())
      out += fmt::format("complete -c sedge -n __fish_use_subcommand -a {} -d '{}'\n", verb->name,
                         fish_text(verb->summary));
  for (std::string_view group : groups())
    out += fmt::format(
        "complete -c sedge -n __fish_use_subcommand -a {}\n"
        "complete -c sedge -n '__fish_seen_subcommand_from {}' -a '{}'\n",
        group, group, fmt::join(names(group), " "));
  for (const Verb* verb : verbs()) {
    if (verb->hidden) continue;
    for (const Option& option : verb->options) {
      std::string line = fmt::format("complete -c sedge -n '{}' -l {}", fish_seen(*verb),
                                     option.name.view().substr(2));
      if (option.letter) line += fmt::format(" -s {}", option.letter);
      std::vector<std::string_view> values = choices(option);
      if (!values.empty())
        line += fmt::format(" -x -a '{}'", fmt::join(values, " "));
      else if (!option.value.empty())
        line += takes_file(option) ? " -r" : " -x";
      out += fmt::format("{} -d '{}'\n", line, fish_text(option.help));
    }
    if (std::string_view fixed = fixed_words(*verb); !fixed.empty())
      out += fmt::format("complete -c sedge -n '{}' -f -a '{}'\n", fish_seen(*verb), fixed);
  }
  return out;
}

Result<int> run(const Arguments& arguments) {
  std::string_view shell = arguments.positional(0);
  if (shell != "bash" && shell != "zsh" && shell != "fish")
    return fail(ErrorCode::bad_argument,
                fmt::format(": `{}` is no shell that is known: bash, zsh or fish", shell));
  SEDGE_TRY(print(shell == "bash" ? bash() : shell == "zsh" ? zsh() : fish()));
  return 0;
}

}  // namespace

const Verb kCompletionVerb = {"completion",
                              "print a completion script for a shell",
                              "",
                              {},
                              kPositionals,
                              "source <(sedge completion bash)\n"
                              "sedge completion zsh > ~/.zfunc/_sedge\n"
                              "sedge completion fish > ~/.config/fish/completions/sedge.fish",
                              run};

}  // namespace sedge::cli
