// Integer operators. Spec: "Numerics", section "Integer Operations"; wide arithmetic proposal.
#ifndef SEDGE_WASM_EVAL_NUMERIC_H_
#define SEDGE_WASM_EVAL_NUMERIC_H_

#include "wasm/eval/types.h"

namespace sedge::wasm::eval {

// Rows that i32 and i64 share; `bits` is the width, U and S its unsigned and signed type.
#define SEDGE_EVAL_INTEGER(type, bits, U, S)                                                    \
  SEDGE_EVAL uint32_t type##_eqz(U a) { return a == 0; }                                        \
  SEDGE_EVAL uint32_t type##_eq(U a, U b) { return a == b; }                                    \
  SEDGE_EVAL uint32_t type##_ne(U a, U b) { return a != b; }                                    \
  SEDGE_EVAL uint32_t type##_lt_s(U a, U b) { return static_cast<S>(a) < static_cast<S>(b); }   \
  SEDGE_EVAL uint32_t type##_lt_u(U a, U b) { return a < b; }                                   \
  SEDGE_EVAL uint32_t type##_gt_s(U a, U b) { return static_cast<S>(a) > static_cast<S>(b); }   \
  SEDGE_EVAL uint32_t type##_gt_u(U a, U b) { return a > b; }                                   \
  SEDGE_EVAL uint32_t type##_le_s(U a, U b) { return static_cast<S>(a) <= static_cast<S>(b); }  \
  SEDGE_EVAL uint32_t type##_le_u(U a, U b) { return a <= b; }                                  \
  SEDGE_EVAL uint32_t type##_ge_s(U a, U b) { return static_cast<S>(a) >= static_cast<S>(b); }  \
  SEDGE_EVAL uint32_t type##_ge_u(U a, U b) { return a >= b; }                                  \
  SEDGE_EVAL U type##_clz(U a) { return static_cast<U>(std::countl_zero(a)); }                  \
  SEDGE_EVAL U type##_ctz(U a) { return static_cast<U>(std::countr_zero(a)); }                  \
  SEDGE_EVAL U type##_popcnt(U a) { return static_cast<U>(std::popcount(a)); }                  \
  SEDGE_EVAL U type##_add(U a, U b) { return a + b; }                                           \
  SEDGE_EVAL U type##_sub(U a, U b) { return a - b; }                                           \
  SEDGE_EVAL U type##_mul(U a, U b) { return a * b; }                                           \
  SEDGE_EVAL Trapping<U> type##_div_s(U a, U b) {                                               \
    if (static_cast<U>(b + 1) <= 1) [[unlikely]] { /* 0 or -1 */                                \
      if (b == 0) return trap<U>(TrapCode::integer_divide_by_zero);                             \
      if (a == U{1} << (bits - 1)) return trap<U>(TrapCode::integer_overflow);                  \
      return value<U>(U{0} - a);                                                                \
    }                                                                                           \
    return value(static_cast<U>(static_cast<S>(a) / static_cast<S>(b)));                        \
  }                                                                                             \
  SEDGE_EVAL Trapping<U> type##_div_u(U a, U b) {                                               \
    if (b == 0) [[unlikely]]                                                                    \
      return trap<U>(TrapCode::integer_divide_by_zero);                                         \
    return value<U>(a / b);                                                                     \
  }                                                                                             \
  SEDGE_EVAL Trapping<U> type##_rem_s(U a, U b) {                                               \
    if (static_cast<U>(b + 1) <= 1) [[unlikely]] { /* 0 or -1 */                                \
      if (b == 0) return trap<U>(TrapCode::integer_divide_by_zero);                             \
      return value(U{0});                                                                       \
    }                                                                                           \
    return value(static_cast<U>(static_cast<S>(a) % static_cast<S>(b)));                        \
  }                                                                                             \
  SEDGE_EVAL Trapping<U> type##_rem_u(U a, U b) {                                               \
    if (b == 0) [[unlikely]]                                                                    \
      return trap<U>(TrapCode::integer_divide_by_zero);                                         \
    return value<U>(a % b);                                                                     \
  }                                                                                             \
  SEDGE_EVAL U type##_and(U a, U b) { return a & b; }                                           \
  SEDGE_EVAL U type##_or(U a, U b) { return a | b; }                                            \
  SEDGE_EVAL U type##_xor(U a, U b) { return a ^ b; }                                           \
  SEDGE_EVAL U type##_shl(U a, U b) { return a << (b & (bits - 1)); }                           \
  SEDGE_EVAL U type##_shr_s(U a, U b) {                                                         \
    return static_cast<U>(static_cast<S>(a) >> (b & (bits - 1)));                               \
  }                                                                                             \
  SEDGE_EVAL U type##_shr_u(U a, U b) { return a >> (b & (bits - 1)); }                         \
  SEDGE_EVAL U type##_rotl(U a, U b) { return std::rotl(a, static_cast<int>(b & (bits - 1))); } \
  SEDGE_EVAL U type##_rotr(U a, U b) { return std::rotr(a, static_cast<int>(b & (bits - 1))); } \
  SEDGE_EVAL U type##_extend8_s(U a) { return static_cast<U>(static_cast<int8_t>(a)); }         \
  SEDGE_EVAL U type##_extend16_s(U a) { return static_cast<U>(static_cast<int16_t>(a)); }

SEDGE_EVAL_INTEGER(i32, 32, uint32_t, int32_t)
SEDGE_EVAL_INTEGER(i64, 64, uint64_t, int64_t)
#undef SEDGE_EVAL_INTEGER

SEDGE_EVAL uint32_t i32_wrap_i64(uint64_t a) { return static_cast<uint32_t>(a); }
SEDGE_EVAL uint64_t i64_extend_i32_u(uint32_t a) { return a; }
SEDGE_EVAL uint64_t i64_extend_i32_s(uint32_t a) {
  return static_cast<uint64_t>(static_cast<int32_t>(a));
}
SEDGE_EVAL uint64_t i64_extend32_s(uint64_t a) {
  return static_cast<uint64_t>(static_cast<int32_t>(a));
}

namespace detail {
__extension__ using U128 = unsigned __int128;
__extension__ using I128 = __int128;
SEDGE_EVAL U128 join(uint64_t lo, uint64_t hi) { return static_cast<U128>(hi) << 64 | lo; }
SEDGE_EVAL Wide split(U128 wide) {
  return {static_cast<uint64_t>(wide), static_cast<uint64_t>(wide >> 64)};
}
}  // namespace detail

SEDGE_EVAL Wide i64_add128(uint64_t a_lo, uint64_t a_hi, uint64_t b_lo, uint64_t b_hi) {
  return detail::split(detail::join(a_lo, a_hi) + detail::join(b_lo, b_hi));
}
SEDGE_EVAL Wide i64_sub128(uint64_t a_lo, uint64_t a_hi, uint64_t b_lo, uint64_t b_hi) {
  return detail::split(detail::join(a_lo, a_hi) - detail::join(b_lo, b_hi));
}
SEDGE_EVAL Wide i64_mul_wide_s(uint64_t a, uint64_t b) {
  return detail::split(static_cast<detail::U128>(
      static_cast<detail::I128>(static_cast<int64_t>(a)) * static_cast<int64_t>(b)));
}
SEDGE_EVAL Wide i64_mul_wide_u(uint64_t a, uint64_t b) {
  return detail::split(static_cast<detail::U128>(a) * b);
}

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_NUMERIC_H_
