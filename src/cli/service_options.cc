// See service_options.h.
#include "cli/service_options.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"
#include "cli/grants.h"

namespace sedge::cli {
namespace {

constexpr size_t kMaxConfigFile = 1 << 20;  // bytes

/// "NAME=VALUE"; `where` says what holds it, for the message.
Result<std::pair<std::string, std::string>> parse_pair(std::string_view where,
                                                       std::string_view text) {
  size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos)
    return fail(Error(ErrorCode::bad_argument, fmt::format(": {}: it is not NAME=VALUE", where))
                    .with_remedy("write for example greeting=hello"));
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  size_t first = line.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlank) - first + 1);
}

Result<void> read_config_file(std::string_view path, Services& out) {
  SEDGE_TRY_ASSIGN(FileContent content, read_file(std::string(path), kMaxConfigFile));
  std::string_view rest = content.text();
  for (size_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    line = trimmed(line);
    if (line.empty() || line.starts_with('#')) continue;
    SEDGE_TRY_ASSIGN(auto pair, parse_pair(fmt::format("{}:{}", path, number), line));
    out.variables.push_back(std::move(pair));
  }
  return {};
}

}  // namespace

Result<Services> services(const Arguments& arguments) {
  Services out;
  for (std::string_view file : arguments.all("--config-file"))
    SEDGE_TRY(read_config_file(file, out));
  for (std::string_view item : arguments.all("--config")) {
    SEDGE_TRY_ASSIGN(auto pair, parse_pair(fmt::format("`--config {}`", item), item));
    out.variables.push_back(std::move(pair));
  }
  if (auto store = arguments.get("--keyvalue"))
    out.keyvalue = *store == "memory" ? std::string() : std::string(*store);
  SEDGE_TRY_ASSIGN(auto given, grants(arguments));
  for (const Grant& grant : given) {
    if (grant.key == "config") {
      SEDGE_TRY_ASSIGN(bool on, grant.is_on());
      if (!on) out.variables.clear();
    } else if (grant.key == "keyvalue") {
      SEDGE_TRY_ASSIGN(bool on, grant.is_on());
      if (!on) out.keyvalue.reset();
      if (on && !out.keyvalue) out.keyvalue = "";
    } else if (grant.key == "config-var" || grant.key == "keyvalue-in-memory-data") {
      SEDGE_TRY_ASSIGN(auto pair,
                       parse_pair(fmt::format("`-S {}`", grant.text), grant.value.value_or("")));
      (grant.key == "config-var" ? out.variables : out.keyvalue_data).push_back(std::move(pair));
    }
  }
  if (!out.keyvalue_data.empty() && !out.keyvalue) out.keyvalue = "";
  if (!out.keyvalue_data.empty() && !out.keyvalue->empty())
    return fail(Error(ErrorCode::bad_argument,
                      fmt::format(": `-S keyvalue-in-memory-data` and `--keyvalue {}`: the data "
                                  "has no place in a file",
                                  *out.keyvalue))
                    .with_remedy("leave one of them out"));
  return out;
}

Result<void> Services::give_to(wasi::Config& config) const {
  config.variables = variables;
  if (!keyvalue) return {};
  SEDGE_TRY_ASSIGN(config.keyvalue, wasi::open_keyvalue(*keyvalue));
  if (!keyvalue_data.empty()) SEDGE_TRY(wasi::fill_keyvalue(*config.keyvalue, keyvalue_data));
  return {};
}

}  // namespace sedge::cli
