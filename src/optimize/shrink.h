// A module made smaller without changing what it does: padding, debug information, functions that
// nothing reaches, and functions that are the same.
#ifndef SEDGE_OPTIMIZE_SHRINK_H_
#define SEDGE_OPTIMIZE_SHRINK_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "wasm/module.h"

namespace sedge::optimize {

struct ShrinkOptions {
  bool keep_names = false;      ///< the name section
  bool keep_producers = false;  ///< which tools made it
  bool code = true;             ///< functions too, not only custom sections
};

/// Whether a custom section is for people and debuggers only: names, DWARF, source maps, producers,
/// what a linker left.
bool is_debug_section(std::string_view name);

/// The same module, smaller, of one that is valid. Imports, exports, memories, tables, globals and
/// data stay what they are; backtraces lose names. Errors: those of reading instructions.
Result<std::vector<uint8_t>> shrink(const wasm::Module& module, const ShrinkOptions& options);

}  // namespace sedge::optimize

#endif  // SEDGE_OPTIMIZE_SHRINK_H_
