// The configuration file of `sedge compose`, in the form that wasm-tools takes.
#ifndef SEDGE_CLI_COMPOSE_CONFIG_H_
#define SEDGE_CLI_COMPOSE_CONFIG_H_

#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "compose/connect.h"

namespace sedge::cli {

struct ComposeConfig {
  std::vector<std::string> search_paths;
  std::vector<compose::Part> dependencies;
  std::vector<compose::GivenArgument> root_arguments;
  bool closed = false;
};

#if SEDGE_HAVE_SERVER
/// Reads `path`; relative paths inside are relative to its folder. Errors: config_syntax with line
/// and column, those of reading components.
Result<ComposeConfig> read_compose_config(const std::string& path);
#endif

}  // namespace sedge::cli

#endif  // SEDGE_CLI_COMPOSE_CONFIG_H_
