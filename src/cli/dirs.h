// `--dir`, `--env`: what a guest is given.
#ifndef SEDGE_CLI_DIRS_H_
#define SEDGE_CLI_DIRS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/error.h>
#include <sedge/wasi.h>

namespace sedge::cli {

/// HOST::GUEST, HOST::GUEST::ro, PATH, or A:A. Errors: ambiguous_dir for A:B, showing both
/// readings; bad_argument for an empty side.
Result<wasi::Preopen> parse_dir(std::string_view text);
/// KEY=VALUE, or KEY for this process's own value (nothing if it has none). Error: bad_argument for
/// an empty key.
Result<std::vector<std::pair<std::string, std::string>>> parse_env(
    const std::vector<std::string_view>& items);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_DIRS_H_
