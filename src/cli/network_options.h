// Options that give guests the network: rules, and wasmtime's way to say it (grants.h).
#ifndef SEDGE_CLI_NETWORK_OPTIONS_H_
#define SEDGE_CLI_NETWORK_OPTIONS_H_

#include <sedge/error.h>
#include <sedge/wasi.h>

#include "cli/options.h"

namespace sedge::cli {

inline constexpr Option kNetOption = {
    "--net", 0, "RULE",
    "let a component reach [deny:]tcp:HOST:PORT, tcp-listen:HOST:PORT, udp:HOST:PORT or dns:NAME",
    true};
inline constexpr Option kHttpAllowOption = {
    "--http-allow", 0, "HOST", "let a component send requests of HTTP to [deny:]HOST[:PORT]", true};
/// What they say, with `--network` and `-S`; rules are parsed by wasi::make_network. Errors:
/// bad_argument.
Result<wasi::NetworkRules> network_rules(const Arguments& arguments);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_NETWORK_OPTIONS_H_
