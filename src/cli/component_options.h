// What the commands of `sedge component` have in common.
#ifndef SEDGE_CLI_COMPONENT_OPTIONS_H_
#define SEDGE_CLI_COMPONENT_OPTIONS_H_

#include <optional>
#include <vector>

#include "base/file.h"
#include "base/reader.h"
#include "cli/options.h"
#include "wit/load.h"

namespace sedge::cli {

/// The names of `--features LIST`, as gates of WIT.
wit::Gates read_gates(const Arguments& arguments);
/// `--features` and `--deps`.
wit::LoadOptions wit_options(const Arguments& arguments);
/// The module with the world that `--wit`, `--world` and `--encoding` name; without a module, one
/// that does nothing yet.
Result<std::vector<uint8_t>> embed_world(const Arguments& arguments, std::optional<Bytes> module);
/// A core module, binary or text.
Result<FileContent> load_core(std::string_view path);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_COMPONENT_OPTIONS_H_
