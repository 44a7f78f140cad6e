// `sedge completion SHELL`: scripts for bash, zsh and fish from the rows of the commands.
#include <fmt/format.h>

#include "cli/console.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Positional kPositionals[] = {{"SHELL", "bash, zsh or fish"}};

bool takes_folder(const Option& option) { return option.value.starts_with("HOST"); }
bool takes_file(const Option& option) {
  return option.value.find("FILE") != std::string_view::npos || takes_folder(option);
}

std::string words(const Verb& verb) {
  std::string out = "--help";
  for (const Option& option : verb.options) out += fmt::format(" {}", option.name);
  return out;
}

std::string verb_names() {
  std::string out;
  for (const Verb* verb : verbs())
    if (!verb->hidden) out += fmt::format("{}{}", out.empty() ? "" : " ", verb->name);
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
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    COMPREPLY=($(compgen -W \"{} --help --version\" -- \"$cur\") "
      "$(compgen -f -- \"$cur\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n",
      verb_names());
  for (const Verb* verb : verbs()) {
    if (verb->hidden) continue;
    out += fmt::format("    {})\n      case $prev in\n", verb->name);
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
    if (!verb->hidden) out += fmt::format("    '{}:{}'\n", verb->name, zsh_text(verb->summary));
  out +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    _files\n"
      "    return\n"
      "  fi\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $words[1] in\n";
  for (const Verb* verb : verbs()) {
    if (verb->hidden) continue;
    out += fmt::format("    {})\n      _arguments", verb->name);
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

std::string fish() {
  std::string out = "# fish completion for sedge\n";
  for (const Verb* verb : verbs())
    if (!verb->hidden)
      out += fmt::format("complete -c sedge -n __fish_use_subcommand -a {} -d '{}'\n", verb->name,
                         fish_text(verb->summary));
  for (const Verb* verb : verbs()) {
    if (verb->hidden) continue;
    for (const Option& option : verb->options) {
      std::string line = fmt::format("complete -c sedge -n '__fish_seen_subcommand_from {}' -l {}",
                                     verb->name, option.name.substr(2));
      if (option.letter) line += fmt::format(" -s {}", option.letter);
      std::vector<std::string_view> values = choices(option);
      if (!values.empty())
        line += fmt::format(" -x -a '{}'", fmt::join(values, " "));
      else if (!option.value.empty())
        line += takes_file(option) ? " -r" : " -x";
      out += fmt::format("{} -d '{}'\n", line, fish_text(option.help));
    }
    if (std::string_view fixed = fixed_words(*verb); !fixed.empty())
      out += fmt::format("complete -c sedge -n '__fish_seen_subcommand_from {}' -f -a '{}'\n",
                         verb->name, fixed);
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
