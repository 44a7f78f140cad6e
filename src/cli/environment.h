// `--env`: variables that a guest is given.
#ifndef SEDGE_CLI_ENVIRONMENT_H_
#define SEDGE_CLI_ENVIRONMENT_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/error.h>

namespace sedge::cli {

/// KEY=VALUE, or KEY for this process's own value (nothing if it has none). Error: bad_argument for
/// an empty key.
Result<std::vector<std::pair<std::string, std::string>>> parse_env(
    const std::vector<std::string_view>& items);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_ENVIRONMENT_H_
