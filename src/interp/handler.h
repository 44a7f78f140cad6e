// What handlers are written with: operand access, dispatch, traps.
//
// Word 0 of an instruction is its handler; operand<T>(pc, n) reads at byte n of the words behind
// it.
#ifndef SEDGE_INTERP_HANDLER_H_
#define SEDGE_INTERP_HANDLER_H_

#include <array>
#include <cstring>
#include <type_traits>

#include "interp/code.h"
#include "interp/handlers.h"
#include "vm/builtin.h"
#include "wasm/eval/eval.h"

#define SEDGE_TAIL [[clang::musttail]] return
#define SEDGE_HANDLER(name) Exit SEDGE_HANDLER_CONVENTION name(SEDGE_HANDLER_PARAMS)

/// Runs the instruction at `pc`.
#define SEDGE_DISPATCH() SEDGE_TAIL reinterpret_cast<Handler>(*pc)(SEDGE_HANDLER_ARGS)
/// Runs the instruction `words` words further on.
#define SEDGE_NEXT(words) \
  do {                    \
    pc += (words);        \
    SEDGE_DISPATCH();     \
  } while (false)
/// Runs the instruction `bytes` (signed) from this one.
#define SEDGE_JUMP(bytes)                                                            \
  do {                                                                               \
    pc = reinterpret_cast<const Word*>(reinterpret_cast<const char*>(pc) + (bytes)); \
    SEDGE_DISPATCH();                                                                \
  } while (false)
#define SEDGE_TRAP(code)                             \
  do {                                               \
    ctx->trap = (code);                              \
    SEDGE_TAIL handler::trapped(SEDGE_HANDLER_ARGS); \
  } while (false)
#define SEDGE_TRAP_NAMED(name) SEDGE_TRAP(TrapCode::name)

namespace sedge::interp {

using wasm::Op;
using wasm::eval::V128;

template <typename T>
[[gnu::always_inline]] inline T operand(const Word* pc, size_t byte) {
  T value;
  __builtin_memcpy(&value, reinterpret_cast<const char*>(pc + 1) + byte, sizeof(T));
  return value;
}
[[gnu::always_inline]] inline uint16_t cell_at(const Word* pc, size_t byte) {
  return operand<uint16_t>(pc, byte);
}

/// Value of type T in the cells at `cell`.
template <typename T>
[[gnu::always_inline]] inline T load_cell(const Cell* cell) {
  T value;
  __builtin_memcpy(&value, cell, sizeof(T));
  return value;
}
template <typename T>
[[gnu::always_inline]] inline void store_cell(Cell* cell, T value) {
  if constexpr (std::is_same_v<T, V128>) {
    __builtin_memcpy(cell, &value, sizeof(T));
  } else if constexpr (std::is_same_v<T, float>) {
    *cell = __builtin_bit_cast(uint32_t, value);
  } else if constexpr (std::is_same_v<T, double>) {
    *cell = __builtin_bit_cast(uint64_t, value);
  } else {
    *cell = value;
  }
}
/// Value of type T in the cell that the 16 bits at `byte` name.
template <typename T>
[[gnu::always_inline]] inline T slot(const Word* pc, const Cell* fp, size_t byte) {
  return load_cell<T>(fp + cell_at(pc, byte));
}
template <typename T>
[[gnu::always_inline]] inline void set_slot(const Word* pc, Cell* fp, size_t byte, T value) {
  store_cell<T>(fp + cell_at(pc, byte), value);
}

/// The accumulator for values of type T.
template <typename T>
[[gnu::always_inline]] inline T accumulator(uint64_t ra, float rf, double rd) {
  if constexpr (std::is_same_v<T, float>) {
    return rf;
  } else if constexpr (std::is_same_v<T, double>) {
    return rd;
  } else {
    return static_cast<T>(ra);
  }
}
template <typename T>
[[gnu::always_inline]] inline void accumulate(T value, uint64_t& ra, float& rf, double& rd) {
  if constexpr (std::is_same_v<T, float>) {
    rf = value;
  } else if constexpr (std::is_same_v<T, double>) {
    rd = value;
  } else {
    ra = value;
  }
}

/// Where an operand comes from: its accumulator, a cell, the code.
enum class From : uint8_t { acc, slot, constant };

/// Operators of op.def that satisfy a predicate, with dense numbers for tables of handlers.
template <auto kPredicate>
struct OpSet {
  static constexpr size_t kCount = [] {
    size_t count = 0;
    for (size_t i = 0; i < wasm::kOpCount; i++) count += kPredicate(static_cast<Op>(i)) ? 1 : 0;
    return count;
  }();
  static constexpr std::array<Op, kCount> kOps = [] {
    std::array<Op, kCount> ops{};
    size_t n = 0;
    for (size_t i = 0; i < wasm::kOpCount; i++) {
      if (kPredicate(static_cast<Op>(i))) ops[n++] = static_cast<Op>(i);
    }
    return ops;
  }();
  static constexpr uint16_t kNone = UINT16_MAX;
  static constexpr std::array<uint16_t, wasm::kOpCount> kIndex = [] {
    std::array<uint16_t, wasm::kOpCount> index{};
    for (auto& entry : index) entry = kNone;
    for (size_t n = 0; n < kCount; n++)
      index[static_cast<size_t>(kOps[n])] = static_cast<uint16_t>(n);
    return index;
  }();
};

/// Table of Make<op, variant>() for every operator of a set and every variant below kVariants.
template <typename Set, size_t kVariants, template <Op, size_t> typename Make>
struct HandlerTable {
  using Row = std::array<Handler, kVariants>;
  template <Op op, size_t... v>
  static constexpr Row row(std::index_sequence<v...>) {
    return {Make<op, v>::get()...};
  }
  template <size_t... n>
  static constexpr std::array<Row, Set::kCount> rows(std::index_sequence<n...>) {
    return {row<Set::kOps[n]>(std::make_index_sequence<kVariants>{})...};
  }
  static constexpr std::array<Row, Set::kCount> kRows =
      rows(std::make_index_sequence<Set::kCount>{});
  static Handler get(Op op, size_t variant) {
    uint16_t index = Set::kIndex[static_cast<size_t>(op)];
    return index == Set::kNone ? nullptr : kRows[index][variant];
  }
};

/// The function that runs in the frame whose record is below `frame`.
[[gnu::always_inline]] inline const FuncCode* running(const FrameRecord* frame) {
  return static_cast<const FuncCode*>(frame[-1].code);
}
/// Before anything that may enter wasm again, collect garbage or look at the stack.
[[gnu::always_inline]] inline void publish(Context* ctx, Cell* fp, FrameRecord* frame) {
  ctx->sp = fp + running(frame)->frame_cells;
  ctx->frame = frame;
}
/// Base and size of memory 0 of `inst` as code with a memory sees them.
[[gnu::always_inline]] inline void load_memory(const Instance* inst, bool has_memory, uint8_t*& mem,
                                               uint64_t& mem_size) {
  if (has_memory) {
    mem = inst->memories[0]->base;
    mem_size = inst->memories[0]->size.load(std::memory_order_relaxed);
  } else {
    mem = nullptr;
    mem_size = 0;
  }
}

}  // namespace sedge::interp

#endif  // SEDGE_INTERP_HANDLER_H_
