// Vector operators on float lanes and conversions. Spec: "Numerics"; each lane behaves as the
// scalar operator of float.h and convert.h does, branches there being masks here.
#ifndef SEDGE_WASM_EVAL_SIMD_FLOAT_H_
#define SEDGE_WASM_EVAL_SIMD_FLOAT_H_

#include "wasm/eval/float.h"
#include "wasm/eval/simd_integer.h"

namespace sedge::wasm::eval {

namespace detail {

// Bits is the unsigned lane type of the float lane type F.
template <typename F, typename Bits>
struct FloatLanes {
  using Traits = FloatTraits<ElementOf<F>>;
  SEDGE_EVAL static Bits sign() { return static_cast<Bits>(Traits::kSign); }
  SEDGE_EVAL static F select(Bits mask, F yes, F no) {
    return as<F>((as<Bits>(yes) & mask) | (as<Bits>(no) & ~mask));
  }
  SEDGE_EVAL static F with_sign(F a, F sign_of) {
    return as<F>((as<Bits>(a) & ~sign()) | (as<Bits>(sign_of) & sign()));
  }
  SEDGE_EVAL static Bits nan(F a) {
    return as<Bits>(a != a);  // NOLINT(misc-redundant-expression)
  }
  SEDGE_EVAL static Bits unordered(F a, F b) { return nan(a) | nan(b); }

  // As the scalar minimum and maximum.
  SEDGE_EVAL static F minimum(F a, F b) {
    const F number = as<F>(as<Bits>(a < b ? a : b) | as<Bits>(b < a ? b : a));
    return select(unordered(a, b), a + b, number);
  }
  SEDGE_EVAL static F maximum(F a, F b) {
    const F number = as<F>(as<Bits>(a > b ? a : b) & as<Bits>(b > a ? b : a));
    return select(unordered(a, b), a + b, number);
  }

  // As the scalar round_to_integer.
  template <Rounding mode>
  SEDGE_EVAL static F round_to_integer(F a) {
    if constexpr (kHardwareRounding) {
      switch (mode) {
        case Rounding::ceil:
          return __builtin_elementwise_ceil(a);
        case Rounding::floor:
          return __builtin_elementwise_floor(a);
        case Rounding::trunc:
          return __builtin_elementwise_trunc(a);
        case Rounding::nearest:
          return __builtin_elementwise_roundeven(a);
      }
    }
    const F integer = static_cast<F>(Traits::kInteger);
    const Bits one = as<Bits>(static_cast<F>(ElementOf<F>{1}));
    const F size = as<F>(as<Bits>(a) & ~sign());
    F rounded = (size + integer) - integer;
    if constexpr (mode == Rounding::trunc) {
      rounded -= as<F>(as<Bits>(rounded > size) & one);
    } else if constexpr (mode == Rounding::floor) {
      rounded = with_sign(rounded, a);
      rounded -= as<F>(as<Bits>(rounded > a) & one);
    } else if constexpr (mode == Rounding::ceil) {
      rounded = with_sign(rounded, a);
      rounded += as<F>(as<Bits>(rounded < a) & one);
    }
    const F quieted = as<F>(as<Bits>(a) | (nan(a) & static_cast<Bits>(Traits::kQuiet)));
    return select(as<Bits>(size < integer), with_sign(rounded, a), quieted);
  }
};

using F32Lanes = FloatLanes<F32x4, U32x4>;
using F64Lanes = FloatLanes<F64x2, U64x2>;

/// The two lanes of `low`, then zeros.
template <typename Half>
SEDGE_EVAL V128 with_zero_high(Half low) {
  return as<V128>(concat(low, Half{}));
}

}  // namespace detail

// pmin and pmax return one operand's bits as they are.
#define SEDGE_EVAL_SHAPE(shape, F, Bits, Lanes)                                                   \
  SEDGE_EVAL_BINARY(shape##_eq, F, a == b)                                                        \
  SEDGE_EVAL_BINARY(shape##_ne, F, a != b)                                                        \
  SEDGE_EVAL_BINARY(shape##_lt, F, a < b)                                                         \
  SEDGE_EVAL_BINARY(shape##_gt, F, a > b)                                                         \
  SEDGE_EVAL_BINARY(shape##_le, F, a <= b)                                                        \
  SEDGE_EVAL_BINARY(shape##_ge, F, a >= b)                                                        \
  SEDGE_EVAL_BINARY(shape##_add, F, a + b)                                                        \
  SEDGE_EVAL_BINARY(shape##_sub, F, a - b)                                                        \
  SEDGE_EVAL_BINARY(shape##_mul, F, a* b)                                                         \
  SEDGE_EVAL_BINARY(shape##_div, F, a / b)                                                        \
  SEDGE_EVAL_BINARY(shape##_min, F, detail::Lanes::minimum(a, b))                                 \
  SEDGE_EVAL_BINARY(shape##_max, F, detail::Lanes::maximum(a, b))                                 \
  SEDGE_EVAL_BINARY(shape##_pmin, F, b < a ? b : a)                                               \
  SEDGE_EVAL_BINARY(shape##_pmax, F, a < b ? b : a)                                               \
  SEDGE_EVAL_UNARY(shape##_abs, Bits, a & ~detail::Lanes::sign())                                 \
  SEDGE_EVAL_UNARY(shape##_neg, Bits, a ^ detail::Lanes::sign())                                  \
  SEDGE_EVAL_UNARY(shape##_sqrt, F, __builtin_elementwise_sqrt(a))                                \
  SEDGE_EVAL_UNARY(shape##_ceil, F, detail::Lanes::round_to_integer<detail::Rounding::ceil>(a))   \
  SEDGE_EVAL_UNARY(shape##_floor, F, detail::Lanes::round_to_integer<detail::Rounding::floor>(a)) \
  SEDGE_EVAL_UNARY(shape##_trunc, F, detail::Lanes::round_to_integer<detail::Rounding::trunc>(a)) \
  SEDGE_EVAL_UNARY(shape##_nearest, F,                                                            \
                   detail::Lanes::round_to_integer<detail::Rounding::nearest>(a))

SEDGE_EVAL_SHAPE(f32x4, F32x4, U32x4, F32Lanes)
SEDGE_EVAL_SHAPE(f64x2, F64x2, U64x2, F64Lanes)
#undef SEDGE_EVAL_SHAPE

SEDGE_EVAL_UNARY(f32x4_convert_i32x4_s, I32x4, __builtin_convertvector(a, F32x4))
SEDGE_EVAL_UNARY(f32x4_convert_i32x4_u, U32x4, __builtin_convertvector(a, F32x4))

SEDGE_EVAL V128 f64x2_convert_low_i32x4_s(V128 a) {
  return as<V128>(detail::widen<F64x2, false>(as<I32x4>(a)));
}
SEDGE_EVAL V128 f64x2_convert_low_i32x4_u(V128 a) {
  return as<V128>(detail::widen<F64x2, false>(as<U32x4>(a)));
}
SEDGE_EVAL V128 f64x2_promote_low_f32x4(V128 a) {
  return as<V128>(detail::widen<F64x2, false>(as<F32x4>(a)));
}
SEDGE_EVAL V128 f32x4_demote_f64x2_zero(V128 a) {
  using Half = detail::Vec<float, 2>;
  return detail::with_zero_high(__builtin_convertvector(as<F64x2>(a), Half));
}

// Lanes outside of the target's range are replaced before the conversion, which is undefined for
// them, and their results after it. NaNs go before anything is compared with a constant: clang
// makes such a choice Arm's fmaxnm, which gives a signalling NaN back as a quiet one.
SEDGE_EVAL V128 i32x4_trunc_sat_f32x4_s(V128 operand) {
  const F32x4 a = as<F32x4>(operand);
  const U32x4 above = as<U32x4>(a >= static_cast<F32x4>(0x1p31F));
  const U32x4 below = as<U32x4>(a < static_cast<F32x4>(-0x1p31F));
  const U32x4 outside = above | below | detail::F32Lanes::nan(a);
  const F32x4 inside = as<F32x4>(as<U32x4>(a) & ~outside);
  const U32x4 truncated = as<U32x4>(__builtin_convertvector(inside, I32x4));
  return as<V128>(truncated | (above & static_cast<U32x4>(0x7fff'ffffU)) |
                  (below & static_cast<U32x4>(0x8000'0000U)));
}
// The signed conversion reaches to 2^31: lanes from there on are converted less 2^31.
SEDGE_EVAL V128 i32x4_trunc_sat_f32x4_u(V128 operand) {
  F32x4 a = as<F32x4>(operand);
  a = as<F32x4>(as<U32x4>(a) & ~detail::F32Lanes::nan(a));
  a = a > F32x4{} ? a : F32x4{};
  const U32x4 above = as<U32x4>(a >= static_cast<F32x4>(0x1p32F));
  const U32x4 big = as<U32x4>(a >= static_cast<F32x4>(0x1p31F));
  const F32x4 low = a - as<F32x4>(big & as<U32x4>(static_cast<F32x4>(0x1p31F)));
  const F32x4 inside = as<F32x4>(as<U32x4>(low) & ~above);
  const U32x4 truncated = as<U32x4>(__builtin_convertvector(inside, I32x4));
  return as<V128>((truncated + (big & static_cast<U32x4>(0x8000'0000U))) | above);
}
// Every i32 and u32 is an f64: clamping first is exact.
SEDGE_EVAL V128 i32x4_trunc_sat_f64x2_s_zero(V128 operand) {
  F64x2 a = as<F64x2>(operand);
  a = as<F64x2>(as<U64x2>(a) & ~detail::F64Lanes::nan(a));
  const F64x2 lowest = static_cast<F64x2>(-0x1p31);
  const F64x2 highest = static_cast<F64x2>(0x1p31 - 1);
  a = a < lowest ? lowest : a;
  a = a > highest ? highest : a;
  return detail::with_zero_high(__builtin_convertvector(a, detail::Vec<int32_t, 2>));
}
// 2^52 plus a number below 2^32 has that number, truncated here beforehand, in its low bits.
SEDGE_EVAL V128 i32x4_trunc_sat_f64x2_u_zero(V128 operand) {
  F64x2 a = as<F64x2>(operand);
  a = as<F64x2>(as<U64x2>(a) & ~detail::F64Lanes::nan(a));
  a = a > F64x2{} ? a : F64x2{};
  const F64x2 highest = static_cast<F64x2>(0x1p32 - 1);
  a = a > highest ? highest : a;
  a = detail::F64Lanes::round_to_integer<detail::Rounding::trunc>(a);
  const U32x4 words = as<U32x4>(a + static_cast<F64x2>(0x1p52));
  return as<V128>(__builtin_shufflevector(words, U32x4{}, 0, 2, 4, 5));
}

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_SIMD_FLOAT_H_
