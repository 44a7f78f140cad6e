// Handlers of moves, constants, jumps, select, globals, fuel and polls.
#include "interp/handler.h"

namespace sedge::interp {

namespace {

template <bool kFromAcc, bool kConstantA, bool kConstantB>
SEDGE_HANDLER(select) {
  const Cell a = kConstantA ? operand<Cell>(pc, 8) : slot<Cell>(pc, fp, 2);
  const Cell b = kConstantB ? operand<Cell>(pc, kConstantA ? 16 : 8) : slot<Cell>(pc, fp, 4);
  const auto condition = kFromAcc ? static_cast<uint32_t>(ra) : slot<uint32_t>(pc, fp, 6);
  ra = condition != 0 ? a : b;
  set_slot<Cell>(pc, fp, 0, ra);
  SEDGE_NEXT(2 + (kConstantA ? 1 : 0) + (kConstantB ? 1 : 0));
}

template <bool kFromAcc>
constexpr Handler kSelects[4] = {&select<kFromAcc, false, false>, &select<kFromAcc, false, true>,
                                 &select<kFromAcc, true, false>, &select<kFromAcc, true, true>};

}  // namespace

Handler select_handler(bool from_acc, bool constant_a, bool constant_b) {
  const size_t variant = (constant_a ? 2u : 0u) + (constant_b ? 1u : 0u);
  return from_acc ? kSelects<true>[variant] : kSelects<false>[variant];
}

namespace handler {

SEDGE_HANDLER(move) {
  fp[cell_at(pc, 0)] = fp[cell_at(pc, 2)];
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(move2) {
  Cell* dst = fp + cell_at(pc, 0);
  Cell a = fp[cell_at(pc, 2)], b = fp[cell_at(pc, 4)];
  dst[0] = a;
  dst[1] = b;
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(move3) {
  Cell* dst = fp + cell_at(pc, 0);
  Cell a = fp[cell_at(pc, 2)], b = fp[cell_at(pc, 4)], c = fp[cell_at(pc, 6)];
  dst[0] = a;
  dst[1] = b;
  dst[2] = c;
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(move4) {
  Cell* dst = fp + cell_at(pc, 0);
  Cell a = fp[cell_at(pc, 2)], b = fp[cell_at(pc, 4)];
  Cell c = fp[cell_at(pc, 6)], d = fp[cell_at(pc, 8)];
  dst[0] = a;
  dst[1] = b;
  dst[2] = c;
  dst[3] = d;
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(move_v128) {
  set_slot<V128>(pc, fp, 0, slot<V128>(pc, fp, 2));
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(move_cells) {
  Cell* dst = fp + cell_at(pc, 0);
  const Cell* from = fp + cell_at(pc, 2);
  for (uint32_t i = 0, n = operand<uint32_t>(pc, 4); i < n; i++) dst[i] = from[i];
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(store_acc_i) {
  set_slot<uint64_t>(pc, fp, 0, ra);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(store_acc_f) {
  set_slot<float>(pc, fp, 0, rf);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(store_acc_d) {
  set_slot<double>(pc, fp, 0, rd);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(const32) {
  set_slot<uint64_t>(pc, fp, 0, operand<uint32_t>(pc, 4));
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(const64) {
  set_slot<uint64_t>(pc, fp, 0, operand<uint64_t>(pc, 8));
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(const128) {
  set_slot<V128>(pc, fp, 0, operand<V128>(pc, 8));
  SEDGE_NEXT(4);
}

SEDGE_HANDLER(jump) { SEDGE_JUMP(operand<int32_t>(pc, 4)); }

SEDGE_HANDLER(br_table) {
  uint32_t index = slot<uint32_t>(pc, fp, 0), count = operand<uint32_t>(pc, 4);
  if (index > count) index = count;
  SEDGE_JUMP(operand<int32_t>(pc, 8 + 4 * size_t{index}));
}
SEDGE_HANDLER(br_table_acc) {
  uint32_t index = static_cast<uint32_t>(ra), count = operand<uint32_t>(pc, 4);
  if (index > count) index = count;
  SEDGE_JUMP(operand<int32_t>(pc, 8 + 4 * size_t{index}));
}
SEDGE_HANDLER(br_null) {
  if (slot<uint64_t>(pc, fp, 0) == 0) SEDGE_JUMP(operand<int32_t>(pc, 4));
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(br_non_null) {
  if (slot<uint64_t>(pc, fp, 0) != 0) SEDGE_JUMP(operand<int32_t>(pc, 4));
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(unreachable) { SEDGE_TRAP_NAMED(unreachable); }

SEDGE_HANDLER(fuel) {
  ctx->fuel -= operand<uint32_t>(pc, 0);
  if (ctx->fuel < 0) [[unlikely]]
    SEDGE_TRAP_NAMED(out_of_fuel);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(poll) {
  if (ctx->interrupt.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    publish(ctx, fp, frame);
    if (ctx->builtins->interrupted(ctx) != Exit::returned) SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  }
  SEDGE_NEXT(1);
}

SEDGE_HANDLER(select_v128) {
  bool first = slot<uint32_t>(pc, fp, 6) != 0;
  set_slot<V128>(pc, fp, 0, load_cell<V128>(fp + cell_at(pc, first ? 2 : 4)));
  SEDGE_NEXT(2);
}

SEDGE_HANDLER(global_get) {
  set_slot<uint64_t>(pc, fp, 0, inst->globals[operand<uint32_t>(pc, 4)]->value[0]);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(global_get_i) {
  ra = inst->globals[operand<uint32_t>(pc, 4)]->value[0];
  set_slot<uint64_t>(pc, fp, 0, ra);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(global_get_acc_i) {
  ra = inst->globals[operand<uint32_t>(pc, 4)]->value[0];
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(global_get_v128) {
  set_slot<V128>(pc, fp, 0, load_cell<V128>(inst->globals[operand<uint32_t>(pc, 4)]->value));
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(global_set) {
  inst->globals[operand<uint32_t>(pc, 4)]->value[0] = slot<uint64_t>(pc, fp, 0);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(global_set_acc_i) {
  inst->globals[operand<uint32_t>(pc, 4)]->value[0] = ra;
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(global_set_v128) {
  store_cell<V128>(inst->globals[operand<uint32_t>(pc, 4)]->value, slot<V128>(pc, fp, 0));
  SEDGE_NEXT(2);
}

}  // namespace handler

}  // namespace sedge::interp
