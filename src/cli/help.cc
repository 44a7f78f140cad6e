// Help texts and man pages from the rows of the commands.
#include <algorithm>

#include <fmt/format.h>

#include "cli/options.h"
#include "cli/personalities/personality.h"

namespace sedge::cli {
namespace {

constexpr size_t kWidth = 96;

/// Appends `text` wrapped at kWidth; lines after the first are indented by `indent`.
void wrap(std::string& out, std::string_view text, size_t column, size_t indent) {
  while (!text.empty()) {
    size_t space = text.find(' ');
    std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
    if (column + word.size() > kWidth) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    }
    out += word;
    column += word.size();
    if (!text.empty()) {
      out += ' ';
      ++column;
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
}

std::string option_label(const Option& option) {
  std::string label = option.letter ? fmt::format("-{}, ", option.letter) : std::string();
  label += option.name;
  if (!option.value.empty()) label += fmt::format(" {}", option.value);
  return label;
}

std::string positional_label(const Positional& positional) {
  switch (positional.count) {
    case Positional::Count::one:
      return std::string(positional.name);
    case Positional::Count::optional:
      return fmt::format("[{}]", positional.name);
    case Positional::Count::many:
      return fmt::format("{}…", positional.name);
    case Positional::Count::rest:
      return fmt::format("[{}…]", positional.name);
  }
  return {};
}

constexpr Option kHelp = {"--help", 'h', "", "show this text"};

void rows(std::string& out, std::span<const std::pair<std::string, std::string_view>> entries) {
  constexpr size_t kColumn = 30;
  for (const auto& [label, help] : entries) {
    out += fmt::format("  {}", label);
    size_t column = 2 + label.size();
    if (column + 2 > kColumn) {
      out += '\n';
      column = 0;
    }
    out.append(kColumn - column, ' ');
    wrap(out, help, kColumn, kColumn);
  }
}

/// Text for roff: backslashes and leading dots and quotes are special, a hyphen is written \-.
std::string roff(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool line_start = i == 0 || text[i - 1] == '\n';
    if (line_start && (text[i] == '.' || text[i] == '\'')) out += "\\&";
    if (text[i] == '\\')
      out += "\\e";
    else if (text[i] == '-')
      out += "\\-";
    else
      out += text[i];
  }
  return out;
}

void man_options(std::string& out, std::span<const Option> options) {
  for (const Option& option : options)
    out += fmt::format(".TP\n.B {}\n{}.\n", roff(option_label(option)), roff(option.help));
  out += fmt::format(".TP\n.B {}\nshow a short help text.\n", roff(option_label(kHelp)));
}

constexpr std::string_view kExitStatus =
    ".SH EXIT STATUS\n"
    ".B run\nexits with the guest's own status. A trap or a limit that ended the guest gives 134. "
    "Otherwise 1 is a failure at run time, 2 wrong usage, 3 a file that is no valid module, and 4 "
    "imports that do not resolve.\n";

}  // namespace

std::string usage_line(const Verb& verb) {
  std::string out = fmt::format("sedge {}", verb.name);
  if (!verb.options.empty()) out += " [OPTIONS]";
  for (const Positional& positional : verb.positionals) out += " " + positional_label(positional);
  return out;
}

std::string help_text(const Verb& verb) {
  std::string out = fmt::format("{}\n\nUsage: {}\n", verb.summary, usage_line(verb));
  if (!verb.description.empty()) {
    out += '\n';
    std::string_view left = verb.description;
    while (!left.empty()) {
      size_t line = left.find('\n');
      wrap(out, left.substr(0, line), 0, 0);
      left = line == std::string_view::npos ? std::string_view() : left.substr(line + 1);
    }
  }
  std::vector<std::pair<std::string, std::string_view>> entries;
  if (!verb.positionals.empty()) {
    for (const Positional& positional : verb.positionals)
      entries.emplace_back(std::string(positional.name), positional.help);
    out += "\nArguments:\n";
    rows(out, entries);
    entries.clear();
  }
  for (const Option& option : verb.options) entries.emplace_back(option_label(option), option.help);
  entries.emplace_back(option_label(kHelp), kHelp.help);
  out += "\nOptions:\n";
  rows(out, entries);
  if (!verb.examples.empty()) {
    out += "\nExamples:\n";
    std::string_view left = verb.examples;
    while (!left.empty()) {
      size_t line = left.find('\n');
      out += fmt::format("  {}\n", left.substr(0, line));
      left = line == std::string_view::npos ? std::string_view() : left.substr(line + 1);
    }
  }
  return out;
}

std::string hyphenated(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, ' ', '-');
  return out;
}

std::string overview(std::span<const Verb* const> verbs) {
  std::string out =
      "sedge: one WebAssembly runtime for the edge\n\n"
      "Usage: sedge COMMAND [OPTIONS] …\n"
      "       sedge FILE …                 the same as sedge run FILE …\n"
      "       sedge --as TOOL …            the command line of another tool\n\n"
      "Commands:\n";
  std::vector<std::pair<std::string, std::string_view>> entries;
  for (const Verb* verb : verbs)
    if (!verb->hidden) entries.emplace_back(std::string(verb->name), verb->summary);
  rows(out, entries);
  out +=
      "\n`sedge COMMAND --help` shows a command's options and examples.\n\n"
      "Exit status: the guest's own for run; 134 for a trap or a limit; otherwise 1 a failure at\n"
      "run time, 2 wrong usage, 3 a file that is no valid module, 4 imports that do not resolve.\n";
  return out;
}

std::string man_page(const Verb* verb, std::span<const Verb* const> verbs) {
  std::string out;
  if (!verb) {
    out =
        ".TH SEDGE 1\n.SH NAME\nsedge \\- one WebAssembly runtime for the edge\n.SH SYNOPSIS\n"
        ".B sedge\nCOMMAND [OPTIONS] ...\n.br\n.B sedge\nFILE ...\n.SH COMMANDS\n";
    for (const Verb* row : verbs)
      if (!row->hidden)
        out += fmt::format(".TP\n.BR sedge\\-{} (1)\n{}.\n", roff(hyphenated(row->name)),
                           roff(row->summary));
    out +=
        ".SH OTHER TOOLS\nCalled by another tool's name (a link, see\n.BR sedge\\-links (1),\nor\n"
        ".B sedge \\-\\-as\nTOOL), sedge takes that tool's command line:\n";
    for (const Personality* tool : personalities())
      out +=
          fmt::format(".TP\n.BR sedge\\-as\\-{} (1)\n{}.\n", roff(tool->name), roff(tool->summary));
    out += kExitStatus;
    return out;
  }
  std::string upper = hyphenated(verb->name);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  out = fmt::format(".TH SEDGE\\-{} 1\n.SH NAME\nsedge\\-{} \\- {}\n.SH SYNOPSIS\n.B {}\n",
                    roff(upper), roff(hyphenated(verb->name)), roff(verb->summary),
                    roff(usage_line(*verb)));
  if (!verb->description.empty())
    out += fmt::format(".SH DESCRIPTION\n{}\n", roff(verb->description));
  out += ".SH OPTIONS\n";
  for (const Positional& positional : verb->positionals)
    out += fmt::format(".TP\n.I {}\n{}.\n", roff(positional.name), roff(positional.help));
  man_options(out, verb->options);
  if (!verb->examples.empty())
    out += fmt::format(".SH EXAMPLES\n.nf\n{}\n.fi\n", roff(verb->examples));
  out += kExitStatus;
  out += ".SH SEE ALSO\n.BR sedge (1)\n";
  return out;
}

std::string tool_man_page(const Personality& tool) {
  std::string out = fmt::format(
      ".TH SEDGE\\-AS\\-{0} 1\n.SH NAME\nsedge\\-as\\-{0} \\- {1}, answered by sedge\n.SH "
      "SYNOPSIS\n"
      ".B sedge \\-\\-as {0}\n...\n",
      roff(tool.name), roff(tool.summary));
  for (const ToolVerb& verb : tool.verbs)
    if (!verb.to.empty())
      out += fmt::format(".SH {}\n.nf\n{}.fi\n",
                         roff(verb.name.empty() ? "without a command" : verb.name),
                         roff(tool_help(tool, verb)));
  out += fmt::format(
      ".SH EXIT STATUS\nThe guest's own; {} for a trap or a limit, {} for another failure, {} for "
      "wrong usage.\n.SH SEE ALSO\n.BR sedge (1)\n",
      tool.exit.trap, tool.exit.failure, tool.exit.usage);
  return out;
}

}  // namespace sedge::cli
