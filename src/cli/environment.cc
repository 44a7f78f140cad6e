// Environment variables of the command line.
#include "cli/environment.h"

#include <cstdlib>

#include <fmt/format.h>

namespace sedge::cli {

Result<std::vector<std::pair<std::string, std::string>>> parse_env(
    const std::vector<std::string_view>& items) {
  std::vector<std::pair<std::string, std::string>> out;
  for (std::string_view item : items) {
    size_t equals = item.find('=');
    std::string key(item.substr(0, equals));
    if (key.empty())
      return fail(Error(ErrorCode::bad_argument, fmt::format(": `--env {}` has no name", item))
                      .with_remedy("write --env NAME=VALUE, or --env NAME to inherit it"));
    if (equals != std::string_view::npos)
      out.emplace_back(std::move(key), item.substr(equals + 1));
    else if (const char* value = std::getenv(key.c_str()))
      out.emplace_back(std::move(key), value);
  }
  return out;
}

}  // namespace sedge::cli
