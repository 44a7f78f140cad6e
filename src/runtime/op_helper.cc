// Helpers of pure operators: operands are read from cells in stack order, results overwrite them.
#include "runtime/op_helper.h"

#include <array>
#include <cstring>
#include <tuple>
#include <utility>

#include "wasm/eval/eval.h"

namespace sedge::runtime {

namespace {

using vm::Cell;
using vm::Exit;
using wasm::Op;
using wasm::eval::EvalTraits;
using wasm::eval::V128;

template <typename T>
constexpr size_t kCells = sizeof(T) > sizeof(Cell) ? 2 : 1;

/// First cell of operand `n`.
template <typename Operands, size_t n>
constexpr size_t first_cell() {
  return []<size_t... i>(std::index_sequence<i...>) {
    return (size_t{0} + ... + kCells<std::tuple_element_t<i, Operands>>);
  }(std::make_index_sequence<n>());
}

template <typename T>
T read(const Cell* cell) {
  T value;
  std::memcpy(&value, cell, sizeof(T));
  return value;
}
template <typename T>
void write(Cell* cell, T value) {
  if constexpr (sizeof(T) < sizeof(Cell)) *cell = 0;  // i32 and f32 are zero-extended
  std::memcpy(cell, &value, sizeof(T));
}

template <Op op>
Exit help(vm::Context* context, Cell* cells, uint64_t immediate) {
  using Traits = EvalTraits<op>;
  using Operands = typename Traits::Operands;
  auto call = [cells, immediate]<size_t... i>(std::index_sequence<i...>) {
    if constexpr (Traits::kLane) {
      return Traits::call(
          read<std::tuple_element_t<i, Operands>>(cells + first_cell<Operands, i>())...,
          static_cast<uint32_t>(immediate));
    } else if constexpr (Traits::kShuffle) {
      V128 lanes;
      std::memcpy(&lanes, reinterpret_cast<const void*>(immediate), sizeof(lanes));
      return Traits::call(
          read<std::tuple_element_t<i, Operands>>(cells + first_cell<Operands, i>())..., lanes);
    } else {
      (void)immediate;
      return Traits::call(
          read<std::tuple_element_t<i, Operands>>(cells + first_cell<Operands, i>())...);
    }
  };
  const auto result = call(std::make_index_sequence<Traits::kOperandCount>());
  if constexpr (Traits::kTraps) {
    if (result.trap != wasm::TrapCode::none) {
      context->trap = result.trap;
      return Exit::trap;
    }
    write(cells, result.value);
  } else if constexpr (Traits::kResultCount == 2) {
    write(cells, result.lo);
    write(cells + 1, result.hi);
  } else {
    write(cells, result);
  }
  return Exit::returned;
}

template <Op op>
constexpr vm::OpHelper helper() noexcept {
  if constexpr (wasm::eval::op_row(op).pure() && op != Op::atomic_fence) {
    return &help<op>;
  } else {
    return nullptr;
  }
}

}  // namespace

constinit const vm::OpHelper kOpHelpers[wasm::kOpCount] = {
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) \
  helper<Op::name>(),
#include "wasm/op.def"
#undef SEDGE_OP
};

}  // namespace sedge::runtime
