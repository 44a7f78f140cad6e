// `-S LIST`: what a guest is given, in wasmtime's words.
#ifndef SEDGE_CLI_GRANTS_H_
#define SEDGE_CLI_GRANTS_H_

#include <optional>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "cli/options.h"

namespace sedge::cli {

inline constexpr Option kGrantOption = {
    "--grant", 'S', "LIST",
    "as wasmtime says it: http, inherit-network, tcp, udp, allow-ip-name-lookup, config, "
    "config-var=K=V, keyvalue, keyvalue-in-memory-data=K=V; KEY=n takes away",
    true};

/// One item: KEY or KEY=VALUE.
struct Grant {
  std::string_view key;
  std::optional<std::string_view> value;

  /// The item as it was written.
  std::string_view text;
  /// Whether it gives: KEY alone, or y. Error: bad_argument.
  Result<bool> is_on() const;
};

/// The items of all lists, in order; keys that only say what sedge does anyway are among them.
/// Errors: bad_argument for a key that nobody knows, with the nearest.
Result<std::vector<Grant>> grants(const Arguments& arguments);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_GRANTS_H_
