// Text format → wasm::Module, and back. Spec: chapter "Text Format".
#ifndef SEDGE_WASM_TEXT_TEXT_H_
#define SEDGE_WASM_TEXT_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "wasm/module.h"

namespace sedge::wasm {

/// Where instructions of text modules came from.
struct SourceMap {
  struct Entry {
    uint32_t body_offset;  ///< of the instruction in its function's body
    uint32_t line, column;
  };
  std::vector<std::vector<Entry>> funcs;  ///< per defined function, ascending
};

struct ParsedModule {
  Module module;
  SourceMap source_map;
};

/// Parses one module: `(module …)` or the bare fields of one; not `binary` or `quote` forms. Names
/// become `module.names`; `@custom`, `@name`, `@metadata.code.branch_hint` annotations are
/// honoured, and so is `(@data_count)`, by which print_module marks a data count that no
/// instruction needs. Errors: phase malformed with line and column (in bytes); branch_hint_target;
/// limit_exceeded.
Result<ParsedModule> parse_module(std::string_view text);

/// Parses and encodes: text → binary.
Result<std::vector<uint8_t>> assemble(std::string_view text);

struct PrintOptions {
  bool names = true;      ///< use names from the name section as $ids
  bool offsets = false;   ///< byte offset of each instruction as a comment
  bool skeleton = false;  ///< no function bodies
};

/// Prints a decoded module. Parsing the result and encoding it gives the module back, names, custom
/// sections and branch hints included, in canonical form: what `encode` writes, with the shortest
/// LEB128 inside of bodies too and with neighbouring locals of one type in one run.
std::string print_module(const Module& module, const PrintOptions& options = {});

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_TEXT_H_
