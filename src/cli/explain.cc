// `sedge explain`: errors by number or name.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/json.h"
#include "base/nearest.h"
#include "cli/console.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {{"--json", 0, "", "print one JSON object"}};
constexpr Positional kPositionals[] = {
    {"CODE", "E501, 501 or out_of_bounds_memory_access; without it: all of them",
     Positional::Count::optional}};

std::string_view long_text(ErrorCode code) {
  switch (code) {
#define SEDGE_EXPLAIN(name, text) \
  case ErrorCode::name:           \
    return text;
#include "cli/explain_text.def"
#undef SEDGE_EXPLAIN
    default:
      return "";
  }
}

std::string_view phase_text(Phase phase) {
  switch (phase) {
    case Phase::usage:
      return "a mistake on the command line or in a configuration file";
    case Phase::malformed:
      return "the file's encoding or syntax is wrong (malformed)";
    case Phase::invalid:
      return "the module can be read but breaks a rule of typing (invalid)";
    case Phase::unsupported:
      return "valid, but this build or configuration does not run it";
    case Phase::link:
      return "imports and definitions do not fit together";
    case Phase::trap:
      return "execution trapped";
    case Phase::exhaustion:
      return "a limit ended execution";
    case Phase::exception:
      return "an exception left the guest";
    case Phase::io:
      return "the operating system refused something";
    case Phase::host:
      return "a host function or the embedding failed";
  }
  return {};
}

std::string_view phase_name(Phase phase) {
  constexpr std::string_view kNames[] = {"usage", "malformed",  "invalid",   "unsupported", "link",
                                         "trap",  "exhaustion", "exception", "io",          "host"};
  return kNames[static_cast<size_t>(phase)];
}

void describe(Json& json, const ErrorInfo& info) {
  json.begin_object().field("code", static_cast<int>(info.code)).field("name", info.name);
  json.field("phase", phase_name(info.phase)).field("message", info.wording);
  json.field("exit_code", info.exit_code).field("http_status", info.http_status);
  if (*info.remedy) json.field("help", info.remedy);
  if (auto text = long_text(info.code); !text.empty()) json.field("explanation", text);
  json.end();
}

std::string describe(const ErrorInfo& info) {
  std::string out =
      fmt::format("E{} {}: {}\n\n", static_cast<int>(info.code), info.name, info.wording);
  out += fmt::format("When: {}.\n", phase_text(info.phase));
  if (auto text = long_text(info.code); !text.empty()) out += fmt::format("\n{}\n", text);
  if (*info.remedy) out += fmt::format("\nWhat to do: {}.\n", info.remedy);
  out += fmt::format("\nExit status {}; `sedge serve` answers {}.\n", info.exit_code,
                     info.http_status);
  return out;
}

const ErrorInfo* find(std::string_view word) {
  std::string_view digits = word;
  if (digits.starts_with('E') || digits.starts_with('e')) digits.remove_prefix(1);
  int number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  bool is_number = error == std::errc() && end == digits.data() + digits.size();
  for (const ErrorInfo* info : all_errors())
    if (is_number ? static_cast<int>(info->code) == number : info->name == word) return info;
  return nullptr;
}

Result<int> list(bool as_json) {
  if (as_json) {
    Json json;
    json.begin_array();
    for (const ErrorInfo* info : all_errors()) describe(json, *info);
    SEDGE_TRY(print(json.end().take()));
    return 0;
  }
  std::string out;
  for (const ErrorInfo* info : all_errors())
    out += fmt::format("E{}  {:<32} {}\n", static_cast<int>(info->code), info->name, info->wording);
  SEDGE_TRY(print(out));
  return 0;
}

Result<int> run(const Arguments& arguments) {
  bool as_json = arguments.has("--json");
  if (arguments.positionals().empty()) return list(as_json);
  std::string_view word = arguments.positional(0);
  const ErrorInfo* info = find(word);
  if (!info) {
    std::vector<std::string_view> names;
    for (const ErrorInfo* row : all_errors()) names.emplace_back(row->name);
    return fail(ErrorCode::unknown_error_code,
                fmt::format(" `{}`{}", word, did_you_mean(word, names)));
  }
  if (as_json) {
    Json json;
    describe(json, *info);
    SEDGE_TRY(print(json.take()));
  } else {
    SEDGE_TRY(print(describe(*info)));
  }
  return 0;
}

}  // namespace

const Verb kExplainVerb = {"explain",
                           "say more about an error",
                           "",
                           kOptions,
                           kPositionals,
                           "sedge explain E501\n"
                           "sedge explain unknown_import\n"
                           "sedge explain            # lists every error",
                           run};

}  // namespace sedge::cli
