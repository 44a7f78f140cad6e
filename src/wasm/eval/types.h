// Types of eval functions: C++ types of wasm values, results that may be traps, 128-bit results.
// A value of type i32 is uint32_t, i64 uint64_t, f32 float, f64 double, v128 V128.
#ifndef SEDGE_WASM_EVAL_TYPES_H_
#define SEDGE_WASM_EVAL_TYPES_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "wasm/trap_code.h"

// Eval functions are the bodies of interpreter handlers: a call would cost more than they do.
#define SEDGE_EVAL [[gnu::always_inline]] inline constexpr

namespace sedge::wasm::eval {

static_assert(std::endian::native == std::endian::little, "lanes and memory are little-endian");

/// v128 as its 16 bytes in memory order.
using V128 = uint8_t __attribute__((ext_vector_type(16)));

// Views of a v128 by lane type. Comparisons of any of them yield the signed one of the same shape.
using I8x16 = int8_t __attribute__((ext_vector_type(16)));
using U8x16 = V128;
using I16x8 = int16_t __attribute__((ext_vector_type(8)));
using U16x8 = uint16_t __attribute__((ext_vector_type(8)));
using I32x4 = int32_t __attribute__((ext_vector_type(4)));
using U32x4 = uint32_t __attribute__((ext_vector_type(4)));
using I64x2 = int64_t __attribute__((ext_vector_type(2)));
using U64x2 = uint64_t __attribute__((ext_vector_type(2)));
using F32x4 = float __attribute__((ext_vector_type(4)));
using F64x2 = double __attribute__((ext_vector_type(2)));

/// The same bits as another type.
template <typename To, typename From>
SEDGE_EVAL To as(From from) {
  return __builtin_bit_cast(To, from);
}

/// Value of an operator that can trap; `value` is meaningless unless trap is none. Small enough
/// that after inlining only the branch on the trap condition is left.
template <typename T>
struct Trapping {
  T value;
  TrapCode trap;
};

template <typename T>
SEDGE_EVAL Trapping<T> value(T result) {
  return {result, TrapCode::none};
}
template <typename T>
SEDGE_EVAL Trapping<T> trap(TrapCode code) {
  return {T{}, code};
}

/// Two i64 results: `lo` is the deeper one on the stack.
struct Wide {
  uint64_t lo;
  uint64_t hi;
};

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_TYPES_H_
