// Small core modules that break the circle between a module and its imports: functions that lead
// through a table, the module that fills the table, and one that calls an initialiser.
#ifndef SEDGE_COMPONENTIZE_TRAMPOLINE_H_
#define SEDGE_COMPONENTIZE_TRAMPOLINE_H_

#include <optional>
#include <vector>

#include <sedge/error.h>
#include <sedge/types.h>

namespace sedge::componentize {

/// Exports "0", "1", …, each of which calls the function at its index of table "$imports"; and
/// "$memory" if a memory is given; and "$get-tls-base", "$set-tls-base" for a type that is given.
Result<std::vector<uint8_t>> shim_module(const std::vector<FuncType>& functions,
                                         const std::optional<MemoryType>& memory,
                                         const std::optional<ValType>& tls_base);
/// Imports "env" "memory", and exports "realloc", which takes whole pages from the system and never
/// gives them back: for modules that bring no allocator.
Result<std::vector<uint8_t>> realloc_module();
/// Imports "actual" "0", … and "shim" "$imports", and writes the ones into the other.
Result<std::vector<uint8_t>> fixup_module(const std::vector<FuncType>& functions);
/// Imports "" "", and calls it at its start.
Result<std::vector<uint8_t>> start_module();
/// Exports "0", …, each of which traps: what nothing calls.
Result<std::vector<uint8_t>> trap_module(const std::vector<FuncType>& functions);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_TRAMPOLINE_H_
