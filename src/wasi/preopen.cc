// Directory mappings as users write them, on the command line and in router files.
#include <fmt/format.h>
#include <sedge/wasi.h>

namespace sedge::wasi {
namespace {

constexpr std::string_view kReadOnly = "::ro";

std::unexpected<Error> ambiguous(std::string_view text, std::string_view readings,
                                 std::string remedy) {
  return fail(Error(ErrorCode::ambiguous_dir, fmt::format(" `{}`: {}", text, readings))
                  .with_remedy(std::move(remedy)));
}

}  // namespace

Result<Preopen> parse_preopen(std::string_view text) {
  std::string_view host = text, guest = text;
  bool readonly = false;
  if (size_t colons = text.find("::"); colons != std::string_view::npos) {
    host = text.substr(0, colons);
    guest = text.substr(colons + 2);
    readonly = guest.ends_with(kReadOnly);
    if (readonly) guest.remove_suffix(kReadOnly.size());
    if (guest == "ro" && !readonly)
      return ambiguous(
          text, fmt::format("{} read-only, or as the guest's directory ro?", host),
          fmt::format("write {0}::{0}::ro for the first, {0}::./ro for the second", host));
  } else if (size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    guest = text.substr(colon + 1);
    if (host != guest)
      return ambiguous(text,
                       fmt::format("the host's {0} as the guest's {1}, or the host's {1} as the "
                                   "guest's {0}? Tools differ",
                                   host, guest),
                       fmt::format("write HOST::GUEST: {0}::{1} or {1}::{0}", host, guest));
  }
  if (host.empty() || guest.empty() || guest.find("::") != std::string_view::npos)
    return fail(Error(ErrorCode::bad_argument, fmt::format(": `{}` is no directory mapping", text))
                    .with_remedy("write HOST::GUEST, HOST::GUEST::ro or PATH"));
  return Preopen{std::string(host), std::string(guest), readonly, nullptr};
}

}  // namespace sedge::wasi
