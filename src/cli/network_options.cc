// See network_options.h.
#include "cli/network_options.h"

#include "cli/grants.h"

namespace sedge::cli {

Result<wasi::NetworkRules> network_rules(const Arguments& arguments) {
  wasi::NetworkRules rules;
  for (std::string_view rule : arguments.all("--net")) rules.net.emplace_back(rule);
  for (std::string_view host : arguments.all("--http-allow")) rules.http.emplace_back(host);
  rules.all_tcp = rules.all_udp = rules.all_names = arguments.has("--network");
  SEDGE_TRY_ASSIGN(auto given, grants(arguments));
  for (const Grant& grant : given) {
    const std::string_view key = grant.key;
    // Values of other keys are no business of the network.
    if (key.starts_with("config") || key.starts_with("keyvalue")) continue;
    SEDGE_TRY_ASSIGN(bool on, grant.is_on());
    if (key == "http") rules.all_http = on;
    if (key == "inherit-network" || key == "tcp") rules.all_tcp = on;
    if (key == "inherit-network" || key == "udp") rules.all_udp = on;
    if (key == "allow-ip-name-lookup") rules.all_names = on;
  }
  SEDGE_TRY(wasi::make_network(rules));
  return rules;
}

}  // namespace sedge::cli
