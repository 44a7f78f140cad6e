// Options that give components configuration and kept values.
#ifndef SEDGE_CLI_SERVICE_OPTIONS_H_
#define SEDGE_CLI_SERVICE_OPTIONS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sedge/error.h>
#include <sedge/wasi.h>

#include "cli/options.h"

namespace sedge::cli {

inline constexpr Option kConfigOption = {
    "--config", 0, "NAME=VALUE", "let a component read this value through wasi:config", true};
inline constexpr Option kConfigFileOption = {
    "--config-file", 0, "FILE", "the same for each line NAME=VALUE of a file; # begins a comment",
    true};
inline constexpr Option kKeyValueOption = {
    "--keyvalue", 0, "FILE",
    "let a component keep values (wasi:keyvalue) in this file; `memory`: as long as it runs"};

/// What the options say.
struct Services {
  std::vector<std::pair<std::string, std::string>> variables;
  std::optional<std::string> keyvalue;  ///< a file; empty: memory
  std::vector<std::pair<std::string, std::string>> keyvalue_data;

  /// Opens the store, if there is one, and fills it. Errors: those of wasi::open_keyvalue.
  Result<void> give_to(wasi::Config& config) const;
};
/// Errors: bad_argument; file_not_found and io for a file.
Result<Services> services(const Arguments& arguments);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_SERVICE_OPTIONS_H_
