// Handlers of atomic accesses to any memory. Spec: threads. The alignment is looked at before the
// bounds.
#include "interp/handler.h"

namespace sedge::interp {

namespace {

using wasm::eval::MemKind;
using wasm::eval::MemTraits;

constexpr bool is_atomic_access(Op op) {
  return wasm::eval::detail::mem_kind(wasm::eval::op_row(op)) >= MemKind::atomic_load;
}

/// Computes the effective address of an atomic access; the trap that it deserves, or none.
[[gnu::always_inline]] inline TrapCode atomic_address(const Word* pc, const Cell* fp,
                                                      const Instance* inst, uint32_t bytes,
                                                      uint64_t& at) {
  const vm::Memory* memory = inst->memories[operand<uint32_t>(pc, 8)];
  uint64_t address =
      operand<uint8_t>(pc, 12) ? slot<uint64_t>(pc, fp, 2) : uint64_t{slot<uint32_t>(pc, fp, 2)};
  uint64_t size = memory->size.load(std::memory_order_relaxed);
  bool overflow = __builtin_add_overflow(address, operand<uint64_t>(pc, 16), &at);
  if ((at & (bytes - 1)) != 0) [[unlikely]]
    return TrapCode::unaligned_atomic;
  if (overflow || at > size || size - at < bytes) [[unlikely]] {
    return TrapCode::out_of_bounds_memory_access;
  }
  return TrapCode::none;
}

template <Op op>
SEDGE_HANDLER(atomic_access) {
  using Traits = MemTraits<op>;
  using Value = typename Traits::Value;
  uint64_t at;
  TrapCode code = atomic_address(pc, fp, inst, Traits::kBytes, at);
  if (code != TrapCode::none) [[unlikely]]
    SEDGE_TRAP(code);
  uint8_t* place = inst->memories[operand<uint32_t>(pc, 8)]->base + at;
  if constexpr (Traits::kKind == MemKind::atomic_load) {
    set_slot<Value>(pc, fp, 0, wasm::eval::atomic_load<op>(place));
  } else if constexpr (Traits::kKind == MemKind::atomic_store) {
    wasm::eval::atomic_store<op>(place, slot<Value>(pc, fp, 4));
  } else if constexpr (Traits::kKind == MemKind::atomic_rmw) {
    set_slot<Value>(pc, fp, 0, wasm::eval::atomic_rmw<op>(place, slot<Value>(pc, fp, 4)));
  } else {
    set_slot<Value>(
        pc, fp, 0,
        wasm::eval::atomic_cmpxchg<op>(place, slot<Value>(pc, fp, 4), slot<Value>(pc, fp, 6)));
  }
  SEDGE_NEXT(4);
}
template <Op op, size_t>
struct MakeAtomic {
  static constexpr Handler get() { return &atomic_access<op>; }
};
using AtomicTable = HandlerTable<OpSet<is_atomic_access>, 1, MakeAtomic>;

}  // namespace

Handler atomic_handler(Op op) { return AtomicTable::get(op, 0); }

namespace handler {

SEDGE_HANDLER(atomic_notify) {
  uint64_t at;
  TrapCode code = atomic_address(pc, fp, inst, 4, at);
  if (code != TrapCode::none) [[unlikely]]
    SEDGE_TRAP(code);
  uint32_t woken =
      ctx->builtins->atomic_notify(inst, operand<uint32_t>(pc, 8), at, slot<uint32_t>(pc, fp, 4));
  set_slot<uint32_t>(pc, fp, 0, woken);
  SEDGE_NEXT(4);
}

SEDGE_HANDLER(atomic_wait32) {
  uint64_t at;
  TrapCode code = atomic_address(pc, fp, inst, 4, at);
  if (code != TrapCode::none) [[unlikely]]
    SEDGE_TRAP(code);
  uint32_t result = 0;
  publish(ctx, fp, frame);
  Exit exit =
      ctx->builtins->atomic_wait32(inst, operand<uint32_t>(pc, 8), at, slot<uint32_t>(pc, fp, 4),
                                   slot<int64_t>(pc, fp, 6), &result);
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL handler::trapped(SEDGE_HANDLER_ARGS);
  set_slot<uint32_t>(pc, fp, 0, result);
  SEDGE_NEXT(4);
}

SEDGE_HANDLER(atomic_wait64) {
  uint64_t at;
  TrapCode code = atomic_address(pc, fp, inst, 8, at);
  if (code != TrapCode::none) [[unlikely]]
    SEDGE_TRAP(code);
  uint32_t result = 0;
  publish(ctx, fp, frame);
  Exit exit =
      ctx->builtins->atomic_wait64(inst, operand<uint32_t>(pc, 8), at, slot<uint64_t>(pc, fp, 4),
                                   slot<int64_t>(pc, fp, 6), &result);
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL handler::trapped(SEDGE_HANDLER_ARGS);
  set_slot<uint32_t>(pc, fp, 0, result);
  SEDGE_NEXT(4);
}

SEDGE_HANDLER(atomic_fence) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  SEDGE_NEXT(1);
}

}  // namespace handler

}  // namespace sedge::interp
