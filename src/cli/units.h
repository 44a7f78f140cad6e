// Sizes and durations as users write them.
#ifndef SEDGE_CLI_UNITS_H_
#define SEDGE_CLI_UNITS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <sedge/error.h>

namespace sedge::cli {

/// "64MiB", "1G", "4096": KiB, MiB, GiB (also K, M, G) are powers of 1024; KB, MB, GB of 1000.
/// Error: bad_argument naming `option`.
Result<uint64_t> parse_size(std::string_view option, std::string_view text);
/// "500ms", "5s", "2m", "1h"; a fraction is allowed. Error: bad_argument naming `option`.
Result<std::chrono::nanoseconds> parse_duration(std::string_view option, std::string_view text);
/// A decimal count. Error: bad_argument naming `option`.
Result<uint64_t> parse_count(std::string_view option, std::string_view text);
/// "64 MiB", "1.5 GiB", "12 bytes".
std::string format_size(uint64_t bytes);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_UNITS_H_
