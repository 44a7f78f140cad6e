// Files that commands take: binary or text modules, told apart by their content.
#ifndef SEDGE_CLI_LOAD_H_
#define SEDGE_CLI_LOAD_H_

#include <string>
#include <string_view>

#include <sedge/component.h>
#include <sedge/error.h>
#include <sedge/module.h>

#include "base/file.h"
#include "cli/analysis.h"
#include "cli/options.h"
#include "wasm/module.h"

namespace sedge::cli {

struct LoadedFile {
  std::string path;
  FileContent content;
  FileKind kind = FileKind::not_wasm;
};

/// Reads a file ("-": standard input). Errors: those of read_file.
Result<LoadedFile> load_file(std::string_view path);
/// The binary form: the bytes themselves, or text assembled. Errors carry the path.
Result<FileContent> to_binary(const LoadedFile& file);
/// Decoded, not validated. Errors carry the path.
Result<wasm::Module> decode_file(const LoadedFile& file);
/// Whether the file is a component, binary or text.
bool is_component(const LoadedFile& file);
/// Decoded or parsed, and validated. Errors carry the path.
Result<Component> load_component(const Engine& engine, const LoadedFile& file);
/// Decoded or parsed, and validated, named after its file. Errors carry the path.
Result<Module> load_module(const Engine& engine, const LoadedFile& file);
inline constexpr Option kTextOption = {"--text", 0, "", "write the text format"};
/// Writes a valid module or component to `output` ("-": standard output), with --text in the text
/// format. Errors: io.
Result<void> write_wasm(const Arguments& arguments, const std::string& output, Bytes binary);
/// "dir/app.wasm" → "app".
std::string stem(std::string_view path);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_LOAD_H_
