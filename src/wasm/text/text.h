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
/// become `module.names`; `@custom`, `@name`, `@metadata.code.branch_hint` annotations are honoured.
/// Errors: phase malformed with line and column.
Result<ParsedModule> parse_module(std::string_view text);

/// Parses and encodes: text → binary. `source_map`, if given, maps the binary's offsets.
Result<std::vector<uint8_t>> assemble(std::string_view text);

struct PrintOptions {
  bool names = true;      ///< use names from the name section as $ids
  bool offsets = false;   ///< byte offset of each instruction as a comment
  bool skeleton = false;  ///< no function bodies
};

/// Prints a decoded module; parsing the result and encoding it gives the canonical encoding of the
/// module, names and custom sections included.
std::string print_module(const Module& module, const PrintOptions& options = {});

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_TEXT_H_
