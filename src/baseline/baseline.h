// The baseline compiler: one pass over a validated body, operands kept in registers as long as they
// fit, everything in its frame cell at labels and calls. Code follows vm/native.h.
#ifndef SEDGE_BASELINE_BASELINE_H_
#define SEDGE_BASELINE_BASELINE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include <sedge/error.h>

#include "vm/native.h"
#include "wasm/module.h"
#include "wasm/type_registry.h"

namespace sedge::baseline {

/// Modes that are compiled into code; fuel and polls as interp::CodeOptions says, with the same
/// counts at the same places.
struct Options {
  bool fuel = false;
  bool interruptible = false;
  bool count_heat = false;                ///< NativeSlot::heat at entries and loop headers
  std::vector<vm::MemoryStyle> memories;  ///< by memory index
};

/// Code of one function: position-independent, without relocations.
struct FunctionCode {
  std::vector<uint8_t> bytes;  ///< starts with the function's entry
  /// Entries at loop headers: ordinal of the `loop` operator in the body, offset in bytes.
  std::vector<std::pair<uint32_t, uint32_t>> loops;
  /// Offset in bytes of code and module offset of the instruction that it belongs to, ascending.
  std::vector<std::pair<uint32_t, uint64_t>> places;
  uint32_t frame_cells = 0;
};

/// Whether this processor architecture has a baseline compiler.
bool available();

/// Compiles defined function `func_index` (function index space) of a validated module.
/// Thread-safe. Fails only with limit_exceeded (frames beyond 65,535 cells, as the interpreter;
/// code beyond 1 GiB, or beyond 1 MiB and 256 times the body).
Result<FunctionCode> compile(const wasm::Module& module, const wasm::TypeSet& types,
                             uint32_t func_index, const Options& options);

}  // namespace sedge::baseline

#endif  // SEDGE_BASELINE_BASELINE_H_
