// Handlers of pure operators with vectors, lanes or two results. Operands and results in cells.
#include "interp/scalar.h"

namespace sedge::interp {

namespace {

constexpr bool is_general(Op op) {
  return wasm::eval::op_row(op).pure() && op != Op::atomic_fence && !is_scalar(op);
}

/// Bytes of the operands' fields behind the handler; the fourth is behind `dst a b c`.
constexpr size_t kFields[] = {2, 4, 6, 8};

template <Op op>
SEDGE_HANDLER(general) {
  using Traits = wasm::eval::EvalTraits<op>;
  auto call = [pc, fp]<size_t... i>(std::index_sequence<i...>) __attribute__((always_inline)) {
    if constexpr (Traits::kLane) {
      return Traits::call(slot<OperandOf<op, i>>(pc, fp, kFields[i])...,
                          uint32_t{operand<uint8_t>(pc, 8)});
    } else if constexpr (Traits::kShuffle) {
      return Traits::call(slot<OperandOf<op, i>>(pc, fp, kFields[i])..., operand<V128>(pc, 8));
    } else {
      return Traits::call(slot<OperandOf<op, i>>(pc, fp, kFields[i])...);
    }
  };
  auto result = call(std::make_index_sequence<Traits::kOperandCount>{});
  static_assert(!Traits::kTraps);
  if constexpr (Traits::kResultCount == 2) {
    Cell* dst = fp + cell_at(pc, 0);
    dst[0] = result.lo;
    dst[1] = result.hi;
  } else {
    set_slot<ResultOf<op>>(pc, fp, 0, result);
  }
  SEDGE_NEXT(Traits::kShuffle ? 4 : 3);
}
template <Op op, size_t>
struct MakeGeneral {
  static constexpr Handler get() { return &general<op>; }
};
using GeneralTable = HandlerTable<OpSet<is_general>, 1, MakeGeneral>;

}  // namespace

Handler general_handler(Op op) { return GeneralTable::get(op, 0); }

}  // namespace sedge::interp
