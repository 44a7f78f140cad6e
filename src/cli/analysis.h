// What a file is and what it needs: kind, target, WASI version, features, and what will stop it
// from running. Read from the abstract syntax, so it also works where validation fails.
#ifndef SEDGE_CLI_ANALYSIS_H_
#define SEDGE_CLI_ANALYSIS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/feature.h>

#include "wasm/module.h"

namespace sedge::cli {

enum class FileKind : uint8_t { core_module, component, text, not_wasm };
std::string_view to_string(FileKind kind);
/// By the first bytes.
FileKind file_kind(Bytes bytes);

/// What a core module was built for, as far as its imports and exports tell.
enum class Target : uint8_t {
  wasip1_command,   ///< WASI 0.1, `_start`
  wasip1_reactor,   ///< WASI 0.1, other exports
  wasip1_threads,   ///< WASI 0.1 with wasi-threads
  component_core,   ///< the core of a component, not yet wrapped
  emscripten,       ///< imports `env` functions of Emscripten's JavaScript
  javascript,       ///< wasm-bindgen or Go's JavaScript glue
  unknown_unknown,  ///< Rust's wasm32-unknown-unknown
  command,          ///< `_start` without WASI
  library,          ///< exports, no WASI
};
/// "wasm32-wasip1", "wasm32-unknown-unknown"…
std::string_view to_string(Target target);
/// One sentence about it.
std::string_view describe(Target target);
Target target_of(const wasm::Module& module);
/// "0.1 (wasi_snapshot_preview1)", "0.1 (wasi_unstable)" or "none".
std::string_view wasi_version(const wasm::Module& module);

/// The function type at a type index; null if there is none.
const FuncType* func_type_at(const wasm::Module& module, wasm::TypeIdx index);
/// The type of function `index`; null for wrong indices.
const FuncType* func_type_of(const wasm::Module& module, uint32_t index);
/// The exported function called `name`, or null.
const wasm::Export* find_func_export(const wasm::Module& module, std::string_view name);
/// "func(i32, i32) -> i32".
std::string signature(const FuncType& type);
/// The type of an import or export, for a person.
std::string describe_import(const wasm::Module& module, const wasm::Import& import);
std::string describe_export(const wasm::Module& module, const wasm::Export& item);
/// One "name: func(…) -> …" per exported function that a user may call.
std::vector<std::string> callable_functions(const wasm::Module& module);

/// Features that the module's types, imports and instructions use, whatever is switched on. Bodies
/// that are malformed end the search in them.
Features features_used(const wasm::Module& module);

/// Something that will stop the module from running, and the cure.
struct Obstacle {
  std::string problem;
  std::string remedy;
};
std::vector<Obstacle> obstacles(const wasm::Module& module);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_ANALYSIS_H_
