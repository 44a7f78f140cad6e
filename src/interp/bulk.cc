// Handlers of memory and table instructions other than loads and stores.
#include "interp/handler.h"

namespace sedge::interp {

namespace {

/// An operand of bulk instructions: i64 where `flag` is set, else i32.
[[gnu::always_inline]] inline uint64_t wide(const Word* pc, const Cell* fp, size_t byte,
                                            Wide64 flag) {
  return operand<uint8_t>(pc, 6) & flag ? slot<uint64_t>(pc, fp, byte)
                                        : uint64_t{slot<uint32_t>(pc, fp, byte)};
}
/// Result of size and grow, -1 in the width of the address type.
[[gnu::always_inline]] inline uint64_t address_result(const Word* pc, uint64_t value) {
  return operand<uint8_t>(pc, 6) & kTo64 ? value : uint64_t{static_cast<uint32_t>(value)};
}
[[gnu::always_inline]] inline vm::Table* table_of(const Word* pc, const Instance* inst) {
  return inst->tables[operand<uint32_t>(pc, 8)];
}

}  // namespace

namespace handler {

SEDGE_HANDLER(memory_size) {
  const vm::Memory* memory = inst->memories[operand<uint32_t>(pc, 8)];
  uint64_t pages = memory->size.load(std::memory_order_acquire) >> memory->page_size_log2;
  set_slot<uint64_t>(pc, fp, 0, pages);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(memory_grow) {
  uint64_t before =
      ctx->builtins->memory_grow(inst, operand<uint32_t>(pc, 8), wide(pc, fp, 2, kTo64));
  set_slot<uint64_t>(pc, fp, 0, address_result(pc, before));
  load_memory(inst, true, mem, mem_size);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(memory_init) {
  Exit exit = ctx->builtins->memory_init(inst, operand<uint32_t>(pc, 8), operand<uint32_t>(pc, 12),
                                         wide(pc, fp, 0, kTo64), slot<uint32_t>(pc, fp, 2),
                                         slot<uint32_t>(pc, fp, 4));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(memory_copy) {
  Exit exit = ctx->builtins->memory_copy(inst, operand<uint32_t>(pc, 8), operand<uint32_t>(pc, 12),
                                         wide(pc, fp, 0, kTo64), wide(pc, fp, 2, kFrom64),
                                         wide(pc, fp, 4, kSize64));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(memory_fill) {
  Exit exit = ctx->builtins->memory_fill(inst, operand<uint32_t>(pc, 8), wide(pc, fp, 0, kTo64),
                                         slot<uint32_t>(pc, fp, 2), wide(pc, fp, 4, kSize64));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(data_drop) {
  ctx->builtins->data_drop(inst, operand<uint32_t>(pc, 0));
  SEDGE_NEXT(2);
}

SEDGE_HANDLER(table_get) {
  const vm::Table* table = table_of(pc, inst);
  uint64_t index = wide(pc, fp, 2, kTo64);
  if (index >= table->size) [[unlikely]]
    SEDGE_TRAP_NAMED(out_of_bounds_table_access);
  set_slot<uint64_t>(pc, fp, 0, table->elements[index]);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(table_set) {
  const vm::Table* table = table_of(pc, inst);
  uint64_t index = wide(pc, fp, 0, kTo64);
  if (index >= table->size) [[unlikely]]
    SEDGE_TRAP_NAMED(out_of_bounds_table_access);
  table->elements[index] = slot<uint64_t>(pc, fp, 2);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(table_size) {
  set_slot<uint64_t>(pc, fp, 0, table_of(pc, inst)->size);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(table_grow) {
  uint64_t before = ctx->builtins->table_grow(inst, operand<uint32_t>(pc, 8),
                                              slot<uint64_t>(pc, fp, 2), wide(pc, fp, 4, kTo64));
  set_slot<uint64_t>(pc, fp, 0, address_result(pc, before));
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(table_fill) {
  Exit exit = ctx->builtins->table_fill(inst, operand<uint32_t>(pc, 8), wide(pc, fp, 0, kTo64),
                                        slot<uint64_t>(pc, fp, 2), wide(pc, fp, 4, kTo64));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(table_init) {
  Exit exit = ctx->builtins->table_init(inst, operand<uint32_t>(pc, 8), operand<uint32_t>(pc, 12),
                                        wide(pc, fp, 0, kTo64), slot<uint32_t>(pc, fp, 2),
                                        slot<uint32_t>(pc, fp, 4));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(table_copy) {
  Exit exit = ctx->builtins->table_copy(inst, operand<uint32_t>(pc, 8), operand<uint32_t>(pc, 12),
                                        wide(pc, fp, 0, kTo64), wide(pc, fp, 2, kFrom64),
                                        wide(pc, fp, 4, kSize64));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(elem_drop) {
  ctx->builtins->elem_drop(inst, operand<uint32_t>(pc, 0));
  SEDGE_NEXT(2);
}

}  // namespace handler

}  // namespace sedge::interp
