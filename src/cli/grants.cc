// See grants.h.
#include "cli/grants.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/nearest.h"

namespace sedge::cli {
namespace {

constexpr std::string_view kKeys[] = {
    "http", "inherit-network", "tcp", "udp", "config", "allow-ip-name-lookup", "config-var",
    "keyvalue", "keyvalue-in-memory-data",
    // What sedge does anyway.
    "cli", "common", "preview2", "p2", "p3", "inherit-stdin", "inherit-stdout", "inherit-stderr",
    "cli-exit-with-code", "network-error-code"};

}  // namespace

Result<bool> Grant::is_on() const {
  if (!value || *value == "y" || *value == "yes" || *value == "true") return true;
  if (*value == "n" || *value == "no" || *value == "false") return false;
  return fail(ErrorCode::bad_argument, fmt::format(": `-S {}`: the value is y or n", text));
}

Result<std::vector<Grant>> grants(const Arguments& arguments) {
  std::vector<Grant> out;
  for (std::string_view list : arguments.all("--grant"))
    while (!list.empty()) {
      Grant grant;
      grant.text = list.substr(0, list.find(','));
      list.remove_prefix(std::min(grant.text.size() + 1, list.size()));
      size_t equals = grant.text.find('=');
      grant.key = grant.text.substr(0, equals);
      if (equals != std::string_view::npos) grant.value = grant.text.substr(equals + 1);
      if (std::ranges::find(kKeys, grant.key) == std::end(kKeys)) {
        Error error(ErrorCode::bad_argument, fmt::format(": `-S {}` is not known", grant.key));
        if (std::string_view meant = nearest(grant.key, kKeys); !meant.empty())
          error.set_remedy(fmt::format("did you mean `{}`?", meant));
        return fail(std::move(error));
      }
      out.push_back(grant);
    }
  return out;
}

}  // namespace sedge::cli
