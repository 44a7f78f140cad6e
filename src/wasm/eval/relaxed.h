// Relaxed vector operators. Each has the result of the specification's deterministic profile (the
// first alternative), the same on every architecture and in every tier.
#ifndef SEDGE_WASM_EVAL_RELAXED_H_
#define SEDGE_WASM_EVAL_RELAXED_H_

#include "wasm/eval/simd_float.h"
#include "wasm/eval/simd_integer.h"
#include "wasm/eval/simd_lanes.h"

namespace sedge::wasm::eval {

/// An index of 16 or more gives 0.
[[gnu::always_inline]] inline V128 i8x16_relaxed_swizzle(V128 a, V128 indices) {
  return i8x16_swizzle(a, indices);
}

// NaN gives 0, values out of range the nearest bound.
SEDGE_EVAL V128 i32x4_relaxed_trunc_f32x4_s(V128 a) { return i32x4_trunc_sat_f32x4_s(a); }
SEDGE_EVAL V128 i32x4_relaxed_trunc_f32x4_u(V128 a) { return i32x4_trunc_sat_f32x4_u(a); }
SEDGE_EVAL V128 i32x4_relaxed_trunc_f64x2_s_zero(V128 a) { return i32x4_trunc_sat_f64x2_s_zero(a); }
SEDGE_EVAL V128 i32x4_relaxed_trunc_f64x2_u_zero(V128 a) { return i32x4_trunc_sat_f64x2_u_zero(a); }

// The product is rounded before the addition (not fused).
SEDGE_EVAL V128 f32x4_relaxed_madd(V128 a, V128 b, V128 c) { return f32x4_add(f32x4_mul(a, b), c); }
SEDGE_EVAL V128 f32x4_relaxed_nmadd(V128 a, V128 b, V128 c) {
  return f32x4_relaxed_madd(f32x4_neg(a), b, c);
}
SEDGE_EVAL V128 f64x2_relaxed_madd(V128 a, V128 b, V128 c) { return f64x2_add(f64x2_mul(a, b), c); }
SEDGE_EVAL V128 f64x2_relaxed_nmadd(V128 a, V128 b, V128 c) {
  return f64x2_relaxed_madd(f64x2_neg(a), b, c);
}

// Every bit of the mask selects.
SEDGE_EVAL V128 i8x16_relaxed_laneselect(V128 a, V128 b, V128 m) { return v128_bitselect(a, b, m); }
SEDGE_EVAL V128 i16x8_relaxed_laneselect(V128 a, V128 b, V128 m) { return v128_bitselect(a, b, m); }
SEDGE_EVAL V128 i32x4_relaxed_laneselect(V128 a, V128 b, V128 m) { return v128_bitselect(a, b, m); }
SEDGE_EVAL V128 i64x2_relaxed_laneselect(V128 a, V128 b, V128 m) { return v128_bitselect(a, b, m); }

SEDGE_EVAL V128 f32x4_relaxed_min(V128 a, V128 b) { return f32x4_min(a, b); }
SEDGE_EVAL V128 f32x4_relaxed_max(V128 a, V128 b) { return f32x4_max(a, b); }
SEDGE_EVAL V128 f64x2_relaxed_min(V128 a, V128 b) { return f64x2_min(a, b); }
SEDGE_EVAL V128 f64x2_relaxed_max(V128 a, V128 b) { return f64x2_max(a, b); }

SEDGE_EVAL V128 i16x8_relaxed_q15mulr_s(V128 a, V128 b) { return i16x8_q15mulr_sat_s(a, b); }

// Both operands are signed; the sum of two products saturates (only -128 * -128 twice does).
SEDGE_EVAL V128 i16x8_relaxed_dot_i8x16_i7x16_s(V128 a, V128 b) {
  const I16x8 even = detail::even_lanes<I16x8>(a) * detail::even_lanes<I16x8>(b);
  const I16x8 odd = detail::odd_lanes<I16x8>(a) * detail::odd_lanes<I16x8>(b);
  return as<V128>(__builtin_elementwise_add_sat(even, odd));
}
SEDGE_EVAL V128 i32x4_relaxed_dot_i8x16_i7x16_add_s(V128 a, V128 b, V128 c) {
  return i32x4_add(i32x4_extadd_pairwise_i16x8_s(i16x8_relaxed_dot_i8x16_i7x16_s(a, b)), c);
}

#undef SEDGE_EVAL_BINARY
#undef SEDGE_EVAL_UNARY
#undef SEDGE_EVAL_SHIFT

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_RELAXED_H_
