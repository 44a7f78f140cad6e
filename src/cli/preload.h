// What comes with the file that is run: the WASI version that was asked for, and modules that are
// instantiated under a name before it, for it to import from.
#ifndef SEDGE_CLI_PRELOAD_H_
#define SEDGE_CLI_PRELOAD_H_

#include <string>
#include <string_view>
#include <vector>

#include <sedge/sedge.h>

#include "cli/load.h"

namespace sedge::cli {

/// Whether the file is of the WASI version that was asked for ("auto", "preview1", "preview2",
/// "preview3"). Error: incompatible_wasi, saying what the file is and how to run or build it.
Result<void> check_wasi_version(std::string_view wanted, const LoadedFile& file);

struct Preload {
  std::string name;
  Module module;
};
/// Loads what `--preload NAME=FILE` names, in order. Errors: bad_argument for other forms and names
/// that are given twice; those of loading.
Result<std::vector<Preload>> load_preloads(const Engine& engine,
                                           const std::vector<std::string_view>& items);
/// Instantiates each, runs its `_initialize`, and defines its exports under its name: a later one
/// can import from an earlier one. Errors: those of instantiating, with the name.
Result<void> link_preloads(Store& store, Linker& linker, const std::vector<Preload>& preloads);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_PRELOAD_H_
