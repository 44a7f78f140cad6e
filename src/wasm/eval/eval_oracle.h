// Test support: an independent statement of what each pure operator computes, on bit patterns, by
// the plainest means (bit loops, 128-bit integers, wider floats). eval_test.cc compares the two.
#ifndef SEDGE_WASM_EVAL_EVAL_ORACLE_H_
#define SEDGE_WASM_EVAL_EVAL_ORACLE_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "wasm/trap_code.h"

namespace sedge::wasm::eval::oracle {

__extension__ using Bits = unsigned __int128;  // any value, in its low bits
__extension__ using Wide = __int128;

/// What a result may be. A lane with a bit in `nan_lanes` (lanes of `nan_bytes` bytes) may be any
/// NaN that is arithmetic, and must be canonical if it has a bit in `canonical_lanes`.
struct Expected {
  std::vector<Bits> results;
  TrapCode trap = TrapCode::none;
  unsigned nan_bytes = 0;
  uint32_t nan_lanes = 0;
  uint32_t canonical_lanes = 0;
};

/// `lane` is the immediate of lane operators.
using Oracle = std::function<Expected(std::span<const Bits> operands, uint32_t lane)>;
/// By the operator's name in op.def.
using Oracles = std::map<std::string, Oracle>;

void add_integer_oracles(Oracles& oracles);
void add_float_oracles(Oracles& oracles);
void add_vector_oracles(Oracles& oracles);

template <typename T>
T from_bits(Bits bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
template <typename T>
Bits to_bits(T value) {
  Bits bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <typename T>
std::vector<T> to_lanes(Bits bits) {
  std::vector<T> lanes(16 / sizeof(T));
  std::memcpy(lanes.data(), &bits, 16);
  return lanes;
}
template <typename T>
Bits from_lanes(const std::vector<T>& lanes) {
  Bits bits = 0;
  std::memcpy(&bits, lanes.data(), lanes.size() * sizeof(T));
  return bits;
}

inline Expected exactly(Bits bits) { return {.results = {bits}}; }
inline Expected traps(TrapCode trap) { return {.results = {}, .trap = trap}; }

/// A float result: a number or sign of zero exactly, or some NaN.
template <typename F>
struct FloatResult {
  F number = 0;
  bool nan = false;
  bool canonical = false;
};

// Scalar float semantics, shared by scalar and lane oracles; defined for float and double.
enum class FloatBinary { add, sub, mul, div, min, max };
enum class FloatUnary { sqrt, ceil, floor, trunc, nearest };
template <typename F>
FloatResult<F> evaluate(FloatBinary op, F a, F b);
template <typename F>
FloatResult<F> evaluate(FloatUnary op, F a);
/// trunc(a) to an integer of `bits` bits: exact in range, else NaN 0 and the nearest bound.
template <typename F>
Wide truncate_saturating(F a, int bits, bool is_signed, TrapCode* trap);
/// Demotion or promotion.
template <typename To, typename From>
FloatResult<To> convert(From a);

}  // namespace sedge::wasm::eval::oracle

#endif  // SEDGE_WASM_EVAL_EVAL_ORACLE_H_
