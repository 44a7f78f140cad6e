// Conversions between integers and floats. Spec: "Numerics", section "Conversions". Ranges are
// checked before the C++ conversion, which is undefined outside of them.
#ifndef SEDGE_WASM_EVAL_CONVERT_H_
#define SEDGE_WASM_EVAL_CONVERT_H_

#include "wasm/eval/float.h"

namespace sedge::wasm::eval {

namespace detail {

// Whether trunc(a) is representable in the integer type I; false for NaN. The upper bound 2^N is a
// value of every float type. The lower one, min(I) - 1, is only where F has more digits than I;
// otherwise F has no value between it and min(I), which is then the inclusive bound.
template <typename I, typename F>
SEDGE_EVAL bool truncates_to(F a) {
  constexpr F kUpper = static_cast<F>(I{1} << (std::numeric_limits<I>::digits - 1)) * F{2};
  constexpr F kMin = static_cast<F>(std::numeric_limits<I>::min());
  if constexpr (std::numeric_limits<F>::digits > std::numeric_limits<I>::digits ||
                std::numeric_limits<I>::min() == 0) {
    return a > kMin - F{1} && a < kUpper;
  } else {
    return a >= kMin && a < kUpper;
  }
}

template <typename U, typename I, typename F>
SEDGE_EVAL Trapping<U> truncate(F a) {
  if (truncates_to<I>(a)) [[likely]]
    return value(static_cast<U>(static_cast<I>(a)));
  return trap<U>(__builtin_isnan(a) ? TrapCode::invalid_conversion_to_integer
                                    : TrapCode::integer_overflow);
}

template <typename U, typename I, typename F>
SEDGE_EVAL U truncate_saturating(F a) {
  if (truncates_to<I>(a)) [[likely]]
    return static_cast<U>(static_cast<I>(a));
  if (__builtin_isnan(a)) return 0;
  return static_cast<U>(a < 0 ? std::numeric_limits<I>::min() : std::numeric_limits<I>::max());
}

}  // namespace detail

#define SEDGE_EVAL_TRUNC(int_type, U, S, float_type, F)           \
  SEDGE_EVAL Trapping<U> int_type##_trunc_##float_type##_s(F a) { \
    return detail::truncate<U, S>(a);                             \
  }                                                               \
  SEDGE_EVAL Trapping<U> int_type##_trunc_##float_type##_u(F a) { \
    return detail::truncate<U, U>(a);                             \
  }                                                               \
  SEDGE_EVAL U int_type##_trunc_sat_##float_type##_s(F a) {       \
    return detail::truncate_saturating<U, S>(a);                  \
  }                                                               \
  SEDGE_EVAL U int_type##_trunc_sat_##float_type##_u(F a) {       \
    return detail::truncate_saturating<U, U>(a);                  \
  }                                                               \
  SEDGE_EVAL F float_type##_convert_##int_type##_s(U a) {         \
    return static_cast<F>(static_cast<S>(a));                     \
  }                                                               \
  SEDGE_EVAL F float_type##_convert_##int_type##_u(U a) { return static_cast<F>(a); }

SEDGE_EVAL_TRUNC(i32, uint32_t, int32_t, f32, float)
SEDGE_EVAL_TRUNC(i32, uint32_t, int32_t, f64, double)
SEDGE_EVAL_TRUNC(i64, uint64_t, int64_t, f32, float)
SEDGE_EVAL_TRUNC(i64, uint64_t, int64_t, f64, double)
#undef SEDGE_EVAL_TRUNC

SEDGE_EVAL float f32_demote_f64(double a) { return static_cast<float>(a); }
SEDGE_EVAL double f64_promote_f32(float a) { return static_cast<double>(a); }

SEDGE_EVAL uint32_t i32_reinterpret_f32(float a) { return as<uint32_t>(a); }
SEDGE_EVAL uint64_t i64_reinterpret_f64(double a) { return as<uint64_t>(a); }
SEDGE_EVAL float f32_reinterpret_i32(uint32_t a) { return as<float>(a); }
SEDGE_EVAL double f64_reinterpret_i64(uint64_t a) { return as<double>(a); }

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_CONVERT_H_
