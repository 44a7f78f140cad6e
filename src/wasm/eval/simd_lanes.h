// Vector operators that move lanes: splat, extract, replace, shuffle, swizzle; and the helpers on
// lanes that other vector operators use. Spec: "Vector Instructions".
#ifndef SEDGE_WASM_EVAL_SIMD_LANES_H_
#define SEDGE_WASM_EVAL_SIMD_LANES_H_

#include <utility>

#include "wasm/eval/types.h"

namespace sedge::wasm::eval {

namespace detail {

template <typename Element, int lanes>
using Vec = Element __attribute__((ext_vector_type(lanes)));

template <typename V>
struct VecTraits;
template <typename E, int n>
struct VecTraits<Vec<E, n>> {
  using Element = E;
  static constexpr int kLanes = n;
};
template <typename V>
using ElementOf = typename VecTraits<V>::Element;
template <typename V>
inline constexpr int kLanes = VecTraits<V>::kLanes;

/// Lanes [0, n) or, if kHigh, [n, 2n) of `from`, converted to the n lanes of To.
template <typename To, bool kHigh, typename From>
SEDGE_EVAL To widen(From from) {
  constexpr int n = kLanes<To>;
  return [from]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    return __builtin_convertvector(__builtin_shufflevector(from, from, (i + (kHigh ? n : 0))...),
                                   To);
  }(std::make_integer_sequence<int, n>{});
}

/// The lanes of `low`, then those of `high`.
template <typename Half>
SEDGE_EVAL auto concat(Half low, Half high) {
  return [low, high]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    return __builtin_shufflevector(low, high, i...);
  }(std::make_integer_sequence<int, 2 * kLanes<Half>>{});
}

/// 128 / (8 * sizeof(Raw)) lanes; Raw is an unsigned integer.
template <typename Raw>
using LanesOf = Vec<Raw, 16 / sizeof(Raw)>;

template <typename Raw>
SEDGE_EVAL V128 splat_raw(Raw raw) {
  return as<V128>(static_cast<LanesOf<Raw>>(raw));
}
template <typename Raw>
SEDGE_EVAL V128 zero_extended(Raw raw) {
  LanesOf<Raw> lanes{};
  lanes[0] = raw;
  return as<V128>(lanes);
}
template <typename Raw>
SEDGE_EVAL V128 with_lane(V128 vector, Raw raw, uint32_t lane) {
  auto lanes = as<LanesOf<Raw>>(vector);
  lanes[lane] = raw;
  return as<V128>(lanes);
}
template <typename Raw>
SEDGE_EVAL Raw lane_of(V128 vector, uint32_t lane) {
  return as<LanesOf<Raw>>(vector)[lane];
}

// Lanes of `from` picked by `indices`; an index of 16 or more gives 0. One instruction where the
// build may assume it; a test at run time would cost every start of the program a look at the
// processor, which is slow in virtual machines.
[[gnu::always_inline]] inline V128 pick_bytes(V128 from, V128 indices) {
#if defined(__SSSE3__)
  // pshufb gives 0 where bit 7 is set, else looks at the low four bits.
  const V128 control = __builtin_elementwise_add_sat(indices, static_cast<V128>(uint8_t{0x70}));
  __asm__("pshufb %1, %0" : "+x"(from) : "x"(control));
  return from;
#elif defined(__aarch64__)
  __asm__("tbl %0.16b, {%1.16b}, %2.16b" : "=w"(from) : "w"(from), "w"(indices));
  return from;
#else
  V128 result{};
  for (int i = 0; i < 16; i++) result[i] = indices[i] < 16 ? from[indices[i] & 15] : uint8_t{0};
  return result;
#endif
}

}  // namespace detail

#define SEDGE_EVAL_LANES(shape, Value, Raw)                                        \
  SEDGE_EVAL V128 shape##_splat(Value a) { return detail::splat_raw(as<Raw>(a)); } \
  SEDGE_EVAL Value shape##_extract_lane(V128 a, uint32_t lane) {                   \
    return as<Value>(detail::lane_of<Raw>(a, lane));                               \
  }                                                                                \
  SEDGE_EVAL V128 shape##_replace_lane(V128 a, Value b, uint32_t lane) {           \
    return detail::with_lane(a, as<Raw>(b), lane);                                 \
  }

SEDGE_EVAL_LANES(i32x4, uint32_t, uint32_t)
SEDGE_EVAL_LANES(i64x2, uint64_t, uint64_t)
SEDGE_EVAL_LANES(f32x4, float, uint32_t)
SEDGE_EVAL_LANES(f64x2, double, uint64_t)
#undef SEDGE_EVAL_LANES

#define SEDGE_EVAL_PACKED_LANES(shape, Raw, Signed)                                            \
  SEDGE_EVAL V128 shape##_splat(uint32_t a) { return detail::splat_raw(static_cast<Raw>(a)); } \
  SEDGE_EVAL uint32_t shape##_extract_lane_s(V128 a, uint32_t lane) {                          \
    return static_cast<uint32_t>(static_cast<Signed>(detail::lane_of<Raw>(a, lane)));          \
  }                                                                                            \
  SEDGE_EVAL uint32_t shape##_extract_lane_u(V128 a, uint32_t lane) {                          \
    return detail::lane_of<Raw>(a, lane);                                                      \
  }                                                                                            \
  SEDGE_EVAL V128 shape##_replace_lane(V128 a, uint32_t b, uint32_t lane) {                    \
    return detail::with_lane(a, static_cast<Raw>(b), lane);                                    \
  }

SEDGE_EVAL_PACKED_LANES(i8x16, uint8_t, int8_t)
SEDGE_EVAL_PACKED_LANES(i16x8, uint16_t, int16_t)
#undef SEDGE_EVAL_PACKED_LANES

[[gnu::always_inline]] inline V128 i8x16_swizzle(V128 a, V128 indices) {
  return detail::pick_bytes(a, indices);
}
/// `lanes`: numbers below 32; 16 and above pick from `b`.
[[gnu::always_inline]] inline V128 i8x16_shuffle(V128 a, V128 b, V128 lanes) {
  return detail::pick_bytes(a, lanes) |
         detail::pick_bytes(b, lanes - static_cast<V128>(uint8_t{16}));
}

SEDGE_EVAL V128 v128_not(V128 a) { return ~a; }
SEDGE_EVAL V128 v128_and(V128 a, V128 b) { return a & b; }
SEDGE_EVAL V128 v128_andnot(V128 a, V128 b) { return a & ~b; }
SEDGE_EVAL V128 v128_or(V128 a, V128 b) { return a | b; }
SEDGE_EVAL V128 v128_xor(V128 a, V128 b) { return a ^ b; }
SEDGE_EVAL V128 v128_bitselect(V128 a, V128 b, V128 mask) { return (a & mask) | (b & ~mask); }
SEDGE_EVAL uint32_t v128_any_true(V128 a) {
  const U64x2 halves = as<U64x2>(a);
  return (halves[0] | halves[1]) != 0;
}

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_SIMD_LANES_H_
