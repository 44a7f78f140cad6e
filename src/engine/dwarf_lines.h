// Source lines of code offsets, from a module's .debug_line section. DWARF 2 to 5; standard: "Line
// Number Information", section 6.2. Addresses count from the code section's content.
#ifndef SEDGE_ENGINE_DWARF_LINES_H_
#define SEDGE_ENGINE_DWARF_LINES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wasm/module.h"

namespace sedge {

/// "file:line" for each binary offset in `offsets`, or empty where the module says nothing of it.
/// Debug information is the guest's and may be damaged: what cannot be read is skipped.
std::vector<std::string> find_source_lines(const wasm::Module& module,
                                           std::span<const uint64_t> offsets);

}  // namespace sedge

#endif  // SEDGE_ENGINE_DWARF_LINES_H_
