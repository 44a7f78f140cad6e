// Directory mappings and environment variables of the command line.
#include "cli/dirs.h"

#include <cstdlib>

#include <fmt/format.h>

namespace sedge::cli {

Result<wasi::Preopen> parse_dir(std::string_view text) {
  auto made = [&](std::string_view host, std::string_view guest,
                  bool readonly) -> Result<wasi::Preopen> {
    if (host.empty() || guest.empty())
      return fail(
          Error(ErrorCode::bad_argument, fmt::format(": `--dir {}` has an empty side", text))
              .with_remedy("write HOST::GUEST, HOST::GUEST::ro or PATH"));
    return wasi::Preopen{std::string(host), std::string(guest), readonly, nullptr};
  };
  if (size_t colons = text.find("::"); colons != std::string_view::npos) {
    std::string_view host = text.substr(0, colons), guest = text.substr(colons + 2);
    bool readonly = guest.ends_with("::ro");
    if (readonly) guest.remove_suffix(4);
    if (guest.find("::") != std::string_view::npos)
      return fail(Error(ErrorCode::bad_argument, fmt::format(": `--dir {}`", text))
                      .with_remedy("write HOST::GUEST, HOST::GUEST::ro or PATH"));
    return made(host, guest, readonly);
  }
  size_t colon = text.find(':');
  if (colon == std::string_view::npos) return made(text, text, false);
  std::string_view left = text.substr(0, colon), right = text.substr(colon + 1);
  if (left == right) return made(left, right, false);
  return fail(Error(ErrorCode::ambiguous_dir,
                    fmt::format(" `{}`: the host's {} as the guest's {}, or the host's {} as the "
                                "guest's {}? Tools differ",
                                text, left, right, right, left))
                  .with_remedy(fmt::format("write HOST::GUEST: --dir {}::{} or --dir {}::{}", left,
                                           right, right, left)));
}

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
