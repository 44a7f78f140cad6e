// One pass over each body for the calls it makes, one for the locals that blocks assign. Which
// functions keep to cells is a fixed point over tail calls.
#include "llvm/analysis.h"

#include <algorithm>

namespace sedge::llvmc {

using wasm::Op;

Kind kind_of(const wasm::Module& module, ValType type) {
  switch (type.kind()) {
    case ValType::i64:
      return Kind::i64;
    case ValType::f32:
      return Kind::f32;
    case ValType::f64:
      return Kind::f64;
    case ValType::v128:
      return Kind::v128;
    case ValType::ref:
    case ValType::ref_null:
      break;
    default:
      return Kind::i32;
  }
  const HeapType heap = type.heap();
  const bool func = heap.is_index() ? module.types[heap.index()].kind == wasm::SubType::Kind::func
                                    : heap == HeapType::func || heap == HeapType::nofunc;
  return func ? Kind::func_ref : Kind::gc_ref;
}

uint32_t cells_of(const std::vector<ValType>& types) {
  uint32_t cells = 0;
  for (ValType type : types) cells += type.cells();
  return cells;
}

namespace {

bool opens_block(Op op) {
  return op == Op::block || op == Op::loop || op == Op::if_ || op == Op::try_ ||
         op == Op::try_table;
}

/// Whether the instruction needs cells of its function's frame.
bool needs_cells(const wasm::Module& module, const wasm::Instr& instr, uint32_t imported) {
  switch (instr.op) {
    case Op::call:
      return instr.index < imported || module.func_type(instr.index).results.size() > 1;
    case Op::call_indirect:
    case Op::call_ref:
    case Op::throw_:
    case Op::throw_ref:
    case Op::rethrow:
    case Op::try_:
    case Op::try_table:
    case Op::memory_atomic_wait32:
    case Op::memory_atomic_wait64:
      return true;
    case Op::table_get:
      return kind_of(module, module.table_type(instr.index).element) == Kind::gc_ref;
    case Op::global_get:
      return kind_of(module, module.global_type(instr.index).value) == Kind::gc_ref;
    default:
      return wasm::op_info(instr.op).prefix == 0xfb;
  }
}

bool has_gc_ref(const wasm::Module& module, const std::vector<ValType>& types) {
  return std::ranges::any_of(types,
                             [&](ValType type) { return kind_of(module, type) == Kind::gc_ref; });
}

Result<FuncAnalysis> analyze_func(const wasm::Module& module, uint32_t index) {
  const auto imported = static_cast<uint32_t>(module.imported_funcs.size());
  const wasm::Func& func = module.funcs[index - imported];
  const FuncType& type = module.func_type(index);
  FuncAnalysis found;
  found.body_size = func.body.bytes.size();
  found.uses_cells = type.results.size() > 1 || has_gc_ref(module, type.params);
  for (const wasm::LocalRun& run : func.locals) {
    if (run.count > 0 && kind_of(module, run.type) == Kind::gc_ref) found.uses_cells = true;
  }
  wasm::InstrReader reader(func.body.bytes, func.body.offset);
  wasm::Instr instr;
  while (!reader.at_end()) {
    SEDGE_TRY(reader.next(instr));
    if (needs_cells(module, instr, imported)) found.uses_cells = true;
    switch (instr.op) {
      case Op::loop:
        found.loop_count++;
        break;
      case Op::call:
        found.has_calls = true;
        if (instr.index >= imported) {
          found.calls.push_back(instr.index);
          if (has_gc_ref(module, module.func_type(instr.index).results)) found.uses_cells = true;
        }
        break;
      case Op::call_indirect:
      case Op::call_ref:
        found.has_calls = true;
        break;
      case Op::return_call:
        found.has_calls = true;
        if (instr.index >= imported) {
          found.tail_calls.push_back(instr.index);
        } else {
          found.cells_convention = true;
        }
        break;
      case Op::return_call_indirect:
      case Op::return_call_ref:
        found.has_calls = found.cells_convention = true;
        break;
      default:
        break;
    }
  }
  return found;
}

/// Whether the prototypes of two functions are the same.
bool same_prototype(const wasm::Module& module, uint32_t a, uint32_t b) {
  const FuncType &left = module.func_type(a), &right = module.func_type(b);
  auto same = [&](const std::vector<ValType>& x, const std::vector<ValType>& y) {
    return std::ranges::equal(
        x, y, [&](ValType s, ValType t) { return kind_of(module, s) == kind_of(module, t); });
  };
  return same(left.params, right.params) && same(left.results, right.results);
}

/// Beyond this many parameters a tail call could need more stack than its caller has: cells.
constexpr size_t kMaxTailParams = 6;

}  // namespace

Result<ModuleAnalysis> analyze(const wasm::Module& module, bool natural_tails,
                               const std::vector<bool>& wanted) {
  ModuleAnalysis result;
  const auto imported = static_cast<uint32_t>(module.imported_funcs.size());
  for (uint32_t i = 0; i < module.funcs.size(); i++) {
    SEDGE_TRY_ASSIGN(FuncAnalysis func, analyze_func(module, imported + i));
    for (uint32_t callee : func.tail_calls) {
      if (!natural_tails || !wanted[callee - imported] ||
          !same_prototype(module, imported + i, callee) ||
          module.func_type(callee).params.size() > kMaxTailParams) {
        func.cells_convention = true;
      }
    }
    result.funcs.push_back(std::move(func));
  }
  // A tail call goes between functions of one convention: who tail-calls, or is tail-called by, a
  // function of cells keeps to cells.
  for (bool changed = true; changed;) {
    changed = false;
    for (FuncAnalysis& func : result.funcs) {
      for (uint32_t callee : func.tail_calls) {
        FuncAnalysis& other = result.funcs[callee - imported];
        if (func.cells_convention == other.cells_convention) continue;
        // The entry of a natural callee keeps to cells anyway.
        if (func.cells_convention) continue;
        func.cells_convention = true;
        changed = true;
      }
    }
  }
  for (FuncAnalysis& func : result.funcs) {
    for (uint32_t callee : func.calls) {
      const uint32_t number = callee - imported;
      if (result.funcs[number].cells_convention || !wanted[number]) func.uses_cells = true;
    }
    if (func.cells_convention) func.uses_cells = true;
  }
  return result;
}

Result<std::vector<std::vector<uint32_t>>> assigned_locals(const wasm::Func& func) {
  std::vector<std::vector<uint32_t>> blocks;
  std::vector<size_t> open;
  auto close = [&] {
    std::vector<uint32_t>& locals = blocks[open.back()];
    std::ranges::sort(locals);
    locals.erase(std::ranges::unique(locals).begin(), locals.end());
    open.pop_back();
    if (!open.empty()) {
      std::vector<uint32_t>& outer = blocks[open.back()];
      outer.insert(outer.end(), locals.begin(), locals.end());
    }
  };
  wasm::InstrReader reader(func.body.bytes, func.body.offset);
  wasm::Instr instr;
  while (!reader.at_end()) {
    SEDGE_TRY(reader.next(instr));
    if (opens_block(instr.op)) {
      open.push_back(blocks.size());
      blocks.emplace_back();
    } else if (instr.op == Op::end || instr.op == Op::delegate) {
      if (!open.empty()) close();
    } else if (instr.op == Op::local_set || instr.op == Op::local_tee) {
      if (!open.empty()) blocks[open.back()].push_back(instr.index);
    }
  }
  return blocks;
}

}  // namespace sedge::llvmc
