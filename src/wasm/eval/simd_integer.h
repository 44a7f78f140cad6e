// Vector operators on integer lanes. Spec: "Numerics", section "Vector Operations". Arithmetic is
// done on unsigned lanes, where overflow wraps.
#ifndef SEDGE_WASM_EVAL_SIMD_INTEGER_H_
#define SEDGE_WASM_EVAL_SIMD_INTEGER_H_

#include "wasm/eval/simd_lanes.h"

namespace sedge::wasm::eval {

namespace detail {

/// One bit per lane: whether it is negative; bit 0 is lane 0.
template <typename I>
SEDGE_EVAL uint32_t sign_mask(I a) {
  constexpr int n = kLanes<I>;
  const Vec<bool, n> mask = __builtin_convertvector(a < I{}, Vec<bool, n>);
  if constexpr (n == 16) {
    return as<uint16_t>(mask);
  } else {
    return as<uint8_t>(mask) & ((1u << n) - 1);
  }
}

/// The signed lanes of both vectors, clamped to the range of To's lanes.
template <typename To, typename From>
SEDGE_EVAL V128 narrow(From a, From b) {
  using Out = ElementOf<To>;
  using In = ElementOf<From>;
  const From lowest = static_cast<From>(In{std::numeric_limits<Out>::min()});
  const From highest = static_cast<From>(In{std::numeric_limits<Out>::max()});
  a = __builtin_elementwise_min(__builtin_elementwise_max(a, lowest), highest);
  b = __builtin_elementwise_min(__builtin_elementwise_max(b, lowest), highest);
  return as<V128>(__builtin_convertvector(concat(a, b), To));
}

/// Products of the half lanes of a and b at twice the width.
template <typename To, bool kHigh, typename From>
SEDGE_EVAL V128 extended_product(V128 a, V128 b) {
  return as<V128>(widen<To, kHigh>(as<From>(a)) * widen<To, kHigh>(as<From>(b)));
}

/// Even and odd lanes at twice the width: To is the wide type, signed or unsigned.
template <typename To>
SEDGE_EVAL To even_lanes(V128 a) {
  constexpr auto kHalf = static_cast<ElementOf<To>>(sizeof(ElementOf<To>) * 4);
  return as<To>(a) << static_cast<To>(kHalf) >> static_cast<To>(kHalf);
}
template <typename To>
SEDGE_EVAL To odd_lanes(V128 a) {
  constexpr auto kHalf = static_cast<ElementOf<To>>(sizeof(ElementOf<To>) * 4);
  return as<To>(a) >> static_cast<To>(kHalf);
}

}  // namespace detail

#define SEDGE_EVAL_BINARY(name, T, expression)  \
  SEDGE_EVAL V128 name(V128 left, V128 right) { \
    const T a = as<T>(left), b = as<T>(right);  \
    return as<V128>(expression);                \
  }
#define SEDGE_EVAL_UNARY(name, T, expression) \
  SEDGE_EVAL V128 name(V128 operand) {        \
    const T a = as<T>(operand);               \
    return as<V128>(expression);              \
  }
#define SEDGE_EVAL_SHIFT(name, T, op)                              \
  SEDGE_EVAL V128 name(V128 operand, uint32_t count) {             \
    using Element = detail::ElementOf<T>;                          \
    return as<V128>(as<T>(operand) op static_cast<T>(              \
        static_cast<Element>(count & (sizeof(Element) * 8 - 1)))); \
  }

// Rows of all integer shapes; I and U are the shape's signed and unsigned lanes.
#define SEDGE_EVAL_SHAPE(shape, I, U)                            \
  SEDGE_EVAL_BINARY(shape##_eq, U, a == b)                       \
  SEDGE_EVAL_BINARY(shape##_ne, U, a != b)                       \
  SEDGE_EVAL_BINARY(shape##_lt_s, I, a < b)                      \
  SEDGE_EVAL_BINARY(shape##_gt_s, I, a > b)                      \
  SEDGE_EVAL_BINARY(shape##_le_s, I, a <= b)                     \
  SEDGE_EVAL_BINARY(shape##_ge_s, I, a >= b)                     \
  SEDGE_EVAL_BINARY(shape##_add, U, a + b)                       \
  SEDGE_EVAL_BINARY(shape##_sub, U, a - b)                       \
  SEDGE_EVAL_UNARY(shape##_neg, U, U{} - a)                      \
  SEDGE_EVAL_UNARY(shape##_abs, I, __builtin_elementwise_abs(a)) \
  SEDGE_EVAL_SHIFT(shape##_shl, U, <<)                           \
  SEDGE_EVAL_SHIFT(shape##_shr_s, I, >>)                         \
  SEDGE_EVAL_SHIFT(shape##_shr_u, U, >>)                         \
  SEDGE_EVAL uint32_t shape##_all_true(V128 a) {                 \
    return detail::sign_mask(as<I>(as<U>(a) == U{})) == 0;       \
  }                                                              \
  SEDGE_EVAL uint32_t shape##_bitmask(V128 a) { return detail::sign_mask(as<I>(a)); }

SEDGE_EVAL_SHAPE(i8x16, I8x16, U8x16)
SEDGE_EVAL_SHAPE(i16x8, I16x8, U16x8)
SEDGE_EVAL_SHAPE(i32x4, I32x4, U32x4)
SEDGE_EVAL_SHAPE(i64x2, I64x2, U64x2)
#undef SEDGE_EVAL_SHAPE

// Rows that i64x2 lacks.
#define SEDGE_EVAL_SHAPE(shape, I, U)                                  \
  SEDGE_EVAL_BINARY(shape##_lt_u, U, a < b)                            \
  SEDGE_EVAL_BINARY(shape##_gt_u, U, a > b)                            \
  SEDGE_EVAL_BINARY(shape##_le_u, U, a <= b)                           \
  SEDGE_EVAL_BINARY(shape##_ge_u, U, a >= b)                           \
  SEDGE_EVAL_BINARY(shape##_min_s, I, __builtin_elementwise_min(a, b)) \
  SEDGE_EVAL_BINARY(shape##_min_u, U, __builtin_elementwise_min(a, b)) \
  SEDGE_EVAL_BINARY(shape##_max_s, I, __builtin_elementwise_max(a, b)) \
  SEDGE_EVAL_BINARY(shape##_max_u, U, __builtin_elementwise_max(a, b))

SEDGE_EVAL_SHAPE(i8x16, I8x16, U8x16)
SEDGE_EVAL_SHAPE(i16x8, I16x8, U16x8)
SEDGE_EVAL_SHAPE(i32x4, I32x4, U32x4)
#undef SEDGE_EVAL_SHAPE

// Rows of the two narrow shapes. avgr is (a + b + 1) / 2 without a wider intermediate.
#define SEDGE_EVAL_SHAPE(shape, I, U)                                          \
  SEDGE_EVAL_BINARY(shape##_add_sat_s, I, __builtin_elementwise_add_sat(a, b)) \
  SEDGE_EVAL_BINARY(shape##_add_sat_u, U, __builtin_elementwise_add_sat(a, b)) \
  SEDGE_EVAL_BINARY(shape##_sub_sat_s, I, __builtin_elementwise_sub_sat(a, b)) \
  SEDGE_EVAL_BINARY(shape##_sub_sat_u, U, __builtin_elementwise_sub_sat(a, b)) \
  SEDGE_EVAL_BINARY(shape##_avgr_u, U,                                         \
                    (a | b) - ((a ^ b) >> static_cast<U>(detail::ElementOf<U>{1})))

SEDGE_EVAL_SHAPE(i8x16, I8x16, U8x16)
SEDGE_EVAL_SHAPE(i16x8, I16x8, U16x8)
#undef SEDGE_EVAL_SHAPE

SEDGE_EVAL_BINARY(i16x8_mul, U16x8, a* b)
SEDGE_EVAL_BINARY(i32x4_mul, U32x4, a* b)
SEDGE_EVAL_BINARY(i64x2_mul, U64x2, a* b)
SEDGE_EVAL_UNARY(i8x16_popcnt, U8x16, __builtin_elementwise_popcount(a))

// Rows that read lanes of half the width. wide and W, UW: the result's shape and lane types.
#define SEDGE_EVAL_WIDENING(wide, narrow, W, UW, N, UN)             \
  SEDGE_EVAL V128 wide##_extend_low_##narrow##_s(V128 a) {          \
    return as<V128>(detail::widen<W, false>(as<N>(a)));             \
  }                                                                 \
  SEDGE_EVAL V128 wide##_extend_high_##narrow##_s(V128 a) {         \
    return as<V128>(detail::widen<W, true>(as<N>(a)));              \
  }                                                                 \
  SEDGE_EVAL V128 wide##_extend_low_##narrow##_u(V128 a) {          \
    return as<V128>(detail::widen<UW, false>(as<UN>(a)));           \
  }                                                                 \
  SEDGE_EVAL V128 wide##_extend_high_##narrow##_u(V128 a) {         \
    return as<V128>(detail::widen<UW, true>(as<UN>(a)));            \
  }                                                                 \
  SEDGE_EVAL V128 wide##_extmul_low_##narrow##_s(V128 a, V128 b) {  \
    return detail::extended_product<W, false, N>(a, b);             \
  }                                                                 \
  SEDGE_EVAL V128 wide##_extmul_high_##narrow##_s(V128 a, V128 b) { \
    return detail::extended_product<W, true, N>(a, b);              \
  }                                                                 \
  SEDGE_EVAL V128 wide##_extmul_low_##narrow##_u(V128 a, V128 b) {  \
    return detail::extended_product<UW, false, UN>(a, b);           \
  }                                                                 \
  SEDGE_EVAL V128 wide##_extmul_high_##narrow##_u(V128 a, V128 b) { \
    return detail::extended_product<UW, true, UN>(a, b);            \
  }

SEDGE_EVAL_WIDENING(i16x8, i8x16, I16x8, U16x8, I8x16, U8x16)
SEDGE_EVAL_WIDENING(i32x4, i16x8, I32x4, U32x4, I16x8, U16x8)
SEDGE_EVAL_WIDENING(i64x2, i32x4, I64x2, U64x2, I32x4, U32x4)
#undef SEDGE_EVAL_WIDENING

#define SEDGE_EVAL_PAIRWISE(name, T)                                     \
  SEDGE_EVAL V128 name(V128 a) {                                         \
    return as<V128>(detail::even_lanes<T>(a) + detail::odd_lanes<T>(a)); \
  }
SEDGE_EVAL_PAIRWISE(i16x8_extadd_pairwise_i8x16_s, I16x8)
SEDGE_EVAL_PAIRWISE(i16x8_extadd_pairwise_i8x16_u, U16x8)
SEDGE_EVAL_PAIRWISE(i32x4_extadd_pairwise_i16x8_s, I32x4)
SEDGE_EVAL_PAIRWISE(i32x4_extadd_pairwise_i16x8_u, U32x4)
#undef SEDGE_EVAL_PAIRWISE

SEDGE_EVAL V128 i8x16_narrow_i16x8_s(V128 a, V128 b) {
  return detail::narrow<I8x16>(as<I16x8>(a), as<I16x8>(b));
}
SEDGE_EVAL V128 i8x16_narrow_i16x8_u(V128 a, V128 b) {
  return detail::narrow<U8x16>(as<I16x8>(a), as<I16x8>(b));
}
SEDGE_EVAL V128 i16x8_narrow_i32x4_s(V128 a, V128 b) {
  return detail::narrow<I16x8>(as<I32x4>(a), as<I32x4>(b));
}
SEDGE_EVAL V128 i16x8_narrow_i32x4_u(V128 a, V128 b) {
  return detail::narrow<U16x8>(as<I32x4>(a), as<I32x4>(b));
}

// Sum of two products of i16: at most 2^31, which wraps; each product fits.
SEDGE_EVAL V128 i32x4_dot_i16x8_s(V128 a, V128 b) {
#if defined(__SSE2__)
  // The compiler does not recognise the instruction in the general form below.
  using Operand = __attribute__((vector_size(16))) short;
  return as<V128>(__builtin_ia32_pmaddwd128(as<Operand>(a), as<Operand>(b)));
#else
  const auto even = detail::even_lanes<I32x4>(a) * detail::even_lanes<I32x4>(b);
  const auto odd = detail::odd_lanes<I32x4>(a) * detail::odd_lanes<I32x4>(b);
  return as<V128>(as<U32x4>(even) + as<U32x4>(odd));
#endif
}

// (a * b + 2^14) >> 15, saturated: only -1 * -1 leaves the range.
SEDGE_EVAL V128 i16x8_q15mulr_sat_s(V128 a, V128 b) {
  using I32x8 = detail::Vec<int32_t, 8>;
  const I32x8 product =
      __builtin_convertvector(as<I16x8>(a), I32x8) * __builtin_convertvector(as<I16x8>(b), I32x8);
  const I32x8 rounded = (product + static_cast<I32x8>(0x4000)) >> static_cast<I32x8>(15);
  const I32x8 clamped = __builtin_elementwise_min(rounded, static_cast<I32x8>(0x7fff));
  return as<V128>(__builtin_convertvector(clamped, I16x8));
}

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_SIMD_INTEGER_H_
