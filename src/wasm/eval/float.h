// Floating-point operators. Spec: "Numerics", section "Floating-Point Operations". Arithmetic
// leaves NaN propagation to the hardware, which quiets and keeps a payload; sign operators work on
// bits.
#ifndef SEDGE_WASM_EVAL_FLOAT_H_
#define SEDGE_WASM_EVAL_FLOAT_H_

#include "wasm/eval/types.h"

namespace sedge::wasm::eval {

namespace detail {

// `kInteger`: from this magnitude on every value is an integer.
template <typename F>
struct FloatTraits;
template <>
struct FloatTraits<float> {
  using Bits = uint32_t;
  static constexpr uint32_t kSign = 0x8000'0000;
  static constexpr uint32_t kQuiet = 0x0040'0000;
  static constexpr float kInteger = 0x1p23F;
};
template <>
struct FloatTraits<double> {
  using Bits = uint64_t;
  static constexpr uint64_t kSign = 0x8000'0000'0000'0000;
  static constexpr uint64_t kQuiet = 0x0008'0000'0000'0000;
  static constexpr double kInteger = 0x1p52;
};

template <typename F>
using BitsOf = typename FloatTraits<F>::Bits;

template <typename F>
SEDGE_EVAL F magnitude(F a) {
  return as<F>(as<BitsOf<F>>(a) & ~FloatTraits<F>::kSign);
}
template <typename F>
SEDGE_EVAL F with_sign(F a, F sign) {
  constexpr auto kSign = FloatTraits<F>::kSign;
  return as<F>((as<BitsOf<F>>(a) & ~kSign) | (as<BitsOf<F>>(sign) & kSign));
}
template <typename F>
SEDGE_EVAL F quiet(F a) {
  return as<F>(as<BitsOf<F>>(a) | FloatTraits<F>::kQuiet);
}

// min: of two zeros the negative one (or), max: the positive one (and); equal numbers have equal
// bits otherwise, so both combine to themselves. The sum of operands with a NaN is a quiet NaN.
template <typename F>
SEDGE_EVAL F minimum(F a, F b) {
  if (__builtin_isunordered(a, b)) [[unlikely]]
    return a + b;
  return as<F>(as<BitsOf<F>>(a < b ? a : b) | as<BitsOf<F>>(b < a ? b : a));
}
template <typename F>
SEDGE_EVAL F maximum(F a, F b) {
  if (__builtin_isunordered(a, b)) [[unlikely]]
    return a + b;
  return as<F>(as<BitsOf<F>>(a > b ? a : b) & as<BitsOf<F>>(b > a ? b : a));
}

enum class Rounding : uint8_t { ceil, floor, trunc, nearest };

#if defined(__SSE4_1__) || defined(__aarch64__)
inline constexpr bool kHardwareRounding = true;
#else
inline constexpr bool kHardwareRounding = false;
#endif

// Without a rounding instruction: adding and subtracting 2^52 (2^23 for f32) rounds a smaller
// magnitude to an integer, ties to even; a step of 1 corrects that to the wanted direction. The
// sign is restored last, which also keeps -0.
template <Rounding mode, typename F>
SEDGE_EVAL F round_to_integer(F a) {
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
  constexpr F kInteger = FloatTraits<F>::kInteger;
  const F size = magnitude(a);
  if (!(size < kInteger)) [[unlikely]]
    return __builtin_isnan(a) ? quiet(a) : a;
  F rounded = (size + kInteger) - kInteger;
  if constexpr (mode == Rounding::trunc) {
    rounded -= rounded > size ? F{1} : F{0};
  } else if constexpr (mode == Rounding::floor) {
    rounded = with_sign(rounded, a);
    rounded -= rounded > a ? F{1} : F{0};
  } else if constexpr (mode == Rounding::ceil) {
    rounded = with_sign(rounded, a);
    rounded += rounded < a ? F{1} : F{0};
  }
  return with_sign(rounded, a);
}

}  // namespace detail

#define SEDGE_EVAL_FLOAT(type, F)                                                                 \
  SEDGE_EVAL uint32_t type##_eq(F a, F b) { return a == b; }                                      \
  SEDGE_EVAL uint32_t type##_ne(F a, F b) { return a != b; }                                      \
  SEDGE_EVAL uint32_t type##_lt(F a, F b) { return a < b; }                                       \
  SEDGE_EVAL uint32_t type##_gt(F a, F b) { return a > b; }                                       \
  SEDGE_EVAL uint32_t type##_le(F a, F b) { return a <= b; }                                      \
  SEDGE_EVAL uint32_t type##_ge(F a, F b) { return a >= b; }                                      \
  SEDGE_EVAL F type##_abs(F a) { return detail::magnitude(a); }                                   \
  SEDGE_EVAL F type##_neg(F a) {                                                                  \
    return as<F>(as<detail::BitsOf<F>>(a) ^ detail::FloatTraits<F>::kSign);                       \
  }                                                                                               \
  SEDGE_EVAL F type##_copysign(F a, F b) { return detail::with_sign(a, b); }                      \
  SEDGE_EVAL F type##_ceil(F a) { return detail::round_to_integer<detail::Rounding::ceil>(a); }   \
  SEDGE_EVAL F type##_floor(F a) { return detail::round_to_integer<detail::Rounding::floor>(a); } \
  SEDGE_EVAL F type##_trunc(F a) { return detail::round_to_integer<detail::Rounding::trunc>(a); } \
  SEDGE_EVAL F type##_nearest(F a) {                                                              \
    return detail::round_to_integer<detail::Rounding::nearest>(a);                                \
  }                                                                                               \
  SEDGE_EVAL F type##_sqrt(F a) { return __builtin_elementwise_sqrt(a); }                         \
  SEDGE_EVAL F type##_add(F a, F b) { return a + b; }                                             \
  SEDGE_EVAL F type##_sub(F a, F b) { return a - b; }                                             \
  SEDGE_EVAL F type##_mul(F a, F b) { return a * b; }                                             \
  SEDGE_EVAL F type##_div(F a, F b) { return a / b; }                                             \
  SEDGE_EVAL F type##_min(F a, F b) { return detail::minimum(a, b); }                             \
  SEDGE_EVAL F type##_max(F a, F b) { return detail::maximum(a, b); }

SEDGE_EVAL_FLOAT(f32, float)
SEDGE_EVAL_FLOAT(f64, double)
#undef SEDGE_EVAL_FLOAT

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_FLOAT_H_
