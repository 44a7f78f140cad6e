// Handlers of loads and stores. Accesses to memory 0 with 32-bit addresses check against the size
// in a register; when that fails the memory may have grown meanwhile (out_of_bounds looks).
#include "interp/scalar.h"

namespace sedge::interp {

namespace {

using wasm::eval::MemKind;
using wasm::eval::MemTraits;

template <Op op>
using MemValue = typename MemTraits<op>::Value;

constexpr MemKind kind_of(Op op) { return wasm::eval::detail::mem_kind(wasm::eval::op_row(op)); }
constexpr bool is_load(Op op) {
  return kind_of(op) >= MemKind::load && kind_of(op) <= MemKind::load_zero;
}
constexpr bool is_store(Op op) { return kind_of(op) == MemKind::store; }
template <Op op>
constexpr bool kIsVector = std::is_same_v<MemValue<op>, V128>;
constexpr bool is_plain_access(Op op) {
  return kind_of(op) >= MemKind::load && kind_of(op) <= MemKind::store_lane;
}

/// The address operand, without the constant offset.
template <Addr address>
[[gnu::always_inline]] inline uint32_t base_address(const Word* pc, const Cell* fp, uint64_t ra) {
  switch (address) {
    case Addr::acc:
      return static_cast<uint32_t>(ra);
    case Addr::slot:
      return slot<uint32_t>(pc, fp, 2);
    case Addr::none:
      return 0;
    case Addr::sum_ss:
      return slot<uint32_t>(pc, fp, 2) + slot<uint32_t>(pc, fp, 8);
    case Addr::sum_sk:
      return slot<uint32_t>(pc, fp, 2) + operand<uint32_t>(pc, 8);
    case Addr::sum_as:
      return static_cast<uint32_t>(ra) + slot<uint32_t>(pc, fp, 8);
    case Addr::sum_ak:
      return static_cast<uint32_t>(ra) + operand<uint32_t>(pc, 8);
  }
}
constexpr uint32_t address_words(Addr address) { return address >= Addr::sum_ss ? 3 : 2; }

template <Op op, Addr address, bool kToSlot>
SEDGE_HANDLER(load) {
  uint64_t at = uint64_t{base_address<address>(pc, fp, ra)} + operand<uint32_t>(pc, 4);
  if (at + MemTraits<op>::kBytes > mem_size) [[unlikely]] {
    SEDGE_TAIL handler::out_of_bounds(SEDGE_HANDLER_ARGS);
  }
  if constexpr (kIsVector<op>) {
    set_slot<V128>(pc, fp, 0, wasm::eval::load<op>(mem + at));
  } else {
    finish<MemValue<op>, kToSlot>(pc, fp, wasm::eval::load<op>(mem + at), ra, rf, rd);
  }
  SEDGE_NEXT(address_words(address));
}

template <Op op, Addr address, Stored stored>
SEDGE_HANDLER(store) {
  using Value = MemValue<op>;
  uint64_t at = uint64_t{base_address<address>(pc, fp, ra)} + operand<uint32_t>(pc, 4);
  if (at + MemTraits<op>::kBytes > mem_size) [[unlikely]] {
    SEDGE_TAIL handler::out_of_bounds(SEDGE_HANDLER_ARGS);
  }
  constexpr uint32_t kWords = address_words(address);
  constexpr From kFrom = stored == Stored::acc    ? From::acc
                         : stored == Stored::slot ? From::slot
                                                  : From::constant;
  wasm::eval::store<op>(mem + at, fetch<Value, kFrom>(pc, fp, 0, (kWords - 1) * 8, ra, rf, rd));
  SEDGE_NEXT(kWords + (stored == Stored::constant ? 1 : 0));
}

template <Op op, size_t variant>
struct MakeLoad {
  static constexpr Handler get() {
    return &load < op, static_cast<Addr>(variant / 2), kIsVector<op> || (variant & 1) != 0 > ;
  }
};
template <Op op, size_t variant>
struct MakeStore {
  static constexpr Handler get() {
    return &store < op, static_cast<Addr>(variant / 3),
           kIsVector<op> ? Stored::slot : static_cast<Stored>(variant % 3) > ;
  }
};
using LoadTable = HandlerTable<OpSet<is_load>, kAddrCount * 2, MakeLoad>;
using StoreTable = HandlerTable<OpSet<is_store>, kAddrCount * 3, MakeStore>;

/// Place of an access of `bytes` bytes in any memory, or null if it is out of bounds.
[[gnu::always_inline]] inline uint8_t* any_place(const Word* pc, const Cell* fp,
                                                 const Instance* inst, uint32_t bytes) {
  const vm::Memory* memory = inst->memories[operand<uint32_t>(pc, 8)];
  uint64_t address =
      operand<uint8_t>(pc, 12) ? slot<uint64_t>(pc, fp, 2) : uint64_t{slot<uint32_t>(pc, fp, 2)};
  uint64_t at;
  uint64_t size = memory->size.load(std::memory_order_relaxed);
  if (__builtin_add_overflow(address, operand<uint64_t>(pc, 16), &at) || at > size ||
      size - at < bytes) [[unlikely]] {
    return nullptr;
  }
  return memory->base + at;
}

template <Op op>
SEDGE_HANDLER(any_access) {
  using Traits = MemTraits<op>;
  uint8_t* place = any_place(pc, fp, inst, Traits::kBytes);
  if (place == nullptr) [[unlikely]]
    SEDGE_TRAP_NAMED(out_of_bounds_memory_access);
  if constexpr (Traits::kKind == MemKind::store) {
    wasm::eval::store<op>(place, slot<MemValue<op>>(pc, fp, 4));
  } else if constexpr (Traits::kKind == MemKind::store_lane) {
    wasm::eval::store_lane<op>(place, slot<V128>(pc, fp, 4), operand<uint8_t>(pc, 6));
  } else if constexpr (Traits::kKind == MemKind::load_lane) {
    set_slot<V128>(
        pc, fp, 0,
        wasm::eval::load_lane<op>(place, slot<V128>(pc, fp, 4), operand<uint8_t>(pc, 6)));
  } else {
    set_slot<MemValue<op>>(pc, fp, 0, wasm::eval::load<op>(place));
  }
  SEDGE_NEXT(4);
}
template <Op op, size_t>
struct MakeAny {
  static constexpr Handler get() { return &any_access<op>; }
};
using AnyTable = HandlerTable<OpSet<is_plain_access>, 1, MakeAny>;

}  // namespace

Handler load_handler(Op op, Addr address, bool to_slot) {
  return LoadTable::get(op, static_cast<size_t>(address) * 2 + (to_slot ? 1 : 0));
}
Handler store_handler(Op op, Addr address, Stored value) {
  return StoreTable::get(op, static_cast<size_t>(address) * 3 + static_cast<size_t>(value));
}
Handler any_access_handler(Op op) { return AnyTable::get(op, 0); }

}  // namespace sedge::interp
