// What is known about a module and its functions before code is made: which functions keep to the
// convention of cells, which locals each block assigns.
#ifndef SEDGE_LLVM_ANALYSIS_H_
#define SEDGE_LLVM_ANALYSIS_H_

#include <cstdint>
#include <vector>

#include <sedge/error.h>

#include "wasm/module.h"
#include "wasm/op.h"

namespace sedge::llvmc {

/// How a value is represented: in SSA and in cells.
enum class Kind : uint8_t { i32, i64, f32, f64, v128, gc_ref, func_ref };

/// Kind of a value of `type`, whose heap type is abstract or a type index of `module`.
Kind kind_of(const wasm::Module& module, ValType type);
/// Cells of values of these types.
uint32_t cells_of(const std::vector<ValType>& types);

struct FuncAnalysis {
  /// Ends in tail calls that need the convention of cells, so that it has no prototype of its own.
  bool cells_convention = false;
  /// Something of its frame lies in cells: arguments of calls by slots, live references.
  bool uses_cells = false;
  bool has_calls = false;
  uint32_t loop_count = 0;
  size_t body_size = 0;
  /// Defined functions that it tail-calls.
  std::vector<uint32_t> tail_calls;
  /// Defined functions that it calls otherwise.
  std::vector<uint32_t> calls;
};

/// By defined function (without imports). The module must be valid.
struct ModuleAnalysis {
  std::vector<FuncAnalysis> funcs;
};
/// `natural_tails`: a tail call between functions of one prototype needs no cells on this target.
/// `wanted`, by defined function: what is compiled; the others are called by their slots, in cells.
Result<ModuleAnalysis> analyze(const wasm::Module& module, bool natural_tails,
                               const std::vector<bool>& wanted);

/// For each block, loop, if and try of a body in their order: the locals that are assigned inside,
/// ascending.
Result<std::vector<std::vector<uint32_t>>> assigned_locals(const wasm::Func& func);

}  // namespace sedge::llvmc

#endif  // SEDGE_LLVM_ANALYSIS_H_
