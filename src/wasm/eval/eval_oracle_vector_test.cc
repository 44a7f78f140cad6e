// Oracles of vector operators, lane by lane: integer lanes as wide numbers that are wrapped or
// saturated, float lanes through the scalar float oracles.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "wasm/eval/eval_oracle.h"

namespace sedge::wasm::eval::oracle {
namespace {

using Inputs = std::span<const Bits>;

template <typename T>
T saturated(int64_t value) {
  return static_cast<T>(
      std::clamp<int64_t>(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

// result lane i = function(a[i], b[i]), converted to T (wrapping).
template <typename T, typename Function>
Oracle lanes2(Function function) {
  return [=](Inputs in, uint32_t) {
    const auto a = to_lanes<T>(in[0]), b = to_lanes<T>(in[1]);
    std::vector<T> result;
    for (size_t i = 0; i < a.size(); i++) result.push_back(static_cast<T>(function(a[i], b[i])));
    return exactly(from_lanes(result));
  };
}
template <typename T, typename Function>
Oracle lanes1(Function function) {
  return [=](Inputs in, uint32_t) {
    std::vector<T> result;
    for (const T a : to_lanes<T>(in[0])) result.push_back(static_cast<T>(function(a)));
    return exactly(from_lanes(result));
  };
}
// Comparison: all ones or zero in each lane of size T.
template <typename T, typename Function>
Oracle compare(Function function) {
  return [=](Inputs in, uint32_t) {
    using Mask = std::conditional_t<
        sizeof(T) == 1, uint8_t,
        std::conditional_t<sizeof(T) == 2, uint16_t,
                           std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;
    const auto a = to_lanes<T>(in[0]), b = to_lanes<T>(in[1]);
    std::vector<Mask> result;
    for (size_t i = 0; i < a.size(); i++) {
      result.push_back(function(a[i], b[i]) ? std::numeric_limits<Mask>::max() : Mask{0});
    }
    return exactly(from_lanes(result));
  };
}

template <typename S, typename U>
void add_shape(Oracles& oracles, const std::string& shape) {
  constexpr unsigned kBits = 8 * sizeof(S);
  const auto add = [&](const std::string& row, Oracle oracle) {
    oracles[shape + "_" + row] = std::move(oracle);
  };
  add("add", lanes2<U>([](Bits a, Bits b) { return a + b; }));
  add("sub", lanes2<U>([](Bits a, Bits b) { return a - b; }));
  if (kBits > 8) add("mul", lanes2<U>([](Bits a, Bits b) { return a * b; }));
  add("neg", lanes1<U>([](Bits a) { return -a; }));
  add("abs", lanes1<S>([](Wide a) { return a < 0 ? -a : a; }));
  add("eq", compare<U>([](U a, U b) { return a == b; }));
  add("ne", compare<U>([](U a, U b) { return a != b; }));
  add("lt_s", compare<S>([](S a, S b) { return a < b; }));
  add("gt_s", compare<S>([](S a, S b) { return a > b; }));
  add("le_s", compare<S>([](S a, S b) { return a <= b; }));
  add("ge_s", compare<S>([](S a, S b) { return a >= b; }));
  if (kBits < 64) {
    add("lt_u", compare<U>([](U a, U b) { return a < b; }));
    add("gt_u", compare<U>([](U a, U b) { return a > b; }));
    add("le_u", compare<U>([](U a, U b) { return a <= b; }));
    add("ge_u", compare<U>([](U a, U b) { return a >= b; }));
    add("min_s", lanes2<S>([](S a, S b) { return std::min(a, b); }));
    add("max_s", lanes2<S>([](S a, S b) { return std::max(a, b); }));
    add("min_u", lanes2<U>([](U a, U b) { return std::min(a, b); }));
    add("max_u", lanes2<U>([](U a, U b) { return std::max(a, b); }));
  }
  if (kBits < 32) {
    add("add_sat_s", lanes2<S>([](int64_t a, int64_t b) { return saturated<S>(a + b); }));
    add("add_sat_u", lanes2<U>([](int64_t a, int64_t b) { return saturated<U>(a + b); }));
    add("sub_sat_s", lanes2<S>([](int64_t a, int64_t b) { return saturated<S>(a - b); }));
    add("sub_sat_u", lanes2<U>([](int64_t a, int64_t b) { return saturated<U>(a - b); }));
    add("avgr_u", lanes2<U>([](int64_t a, int64_t b) { return (a + b + 1) / 2; }));
  }
  const auto shift = [&](const std::string& row, auto function) {
    add(row, [=](Inputs in, uint32_t) {
      const auto count = static_cast<unsigned>(in[1] % kBits);
      return lanes1<U>([=](U a) { return function(a, count); })(in, 0);
    });
  };
  shift("shl", [](U a, unsigned count) { return Bits{a} << count; });
  shift("shr_u", [](U a, unsigned count) { return Bits{a} / (Bits{1} << count); });
  shift("shr_s", [](U a, unsigned count) {
    Wide value = static_cast<S>(a);
    for (unsigned i = 0; i < count; i++) value = value < 0 ? (value - 1) / 2 : value / 2;
    return static_cast<Bits>(value);
  });
  add("all_true", [](Inputs in, uint32_t) {
    const auto a = to_lanes<U>(in[0]);
    return exactly(Bits{std::ranges::count(a, U{0}) == 0});
  });
  add("bitmask", [](Inputs in, uint32_t) {
    Bits mask = 0;
    const auto a = to_lanes<S>(in[0]);
    for (size_t i = 0; i < a.size(); i++) mask |= Bits{a[i] < 0} << i;
    return exactly(mask);
  });
  add("relaxed_laneselect",
      [](Inputs in, uint32_t) { return exactly((in[0] & in[2]) | (in[1] & ~in[2])); });
}

// Lane moves: the value in lane `lane` of width T, given or taken as Value.
template <typename T, typename Value>
void add_moves(Oracles& oracles, const std::string& shape) {
  oracles[shape + "_splat"] = [](Inputs in, uint32_t) {
    return exactly(from_lanes(std::vector<T>(16 / sizeof(T), static_cast<T>(in[0]))));
  };
  oracles[shape + "_replace_lane"] = [](Inputs in, uint32_t lane) {
    auto lanes = to_lanes<T>(in[0]);
    lanes[lane] = static_cast<T>(in[1]);
    return exactly(from_lanes(lanes));
  };
  const auto extract = [&](const std::string& suffix, auto convert) {
    oracles[shape + "_extract_lane" + suffix] = [=](Inputs in, uint32_t lane) {
      return exactly(to_bits(static_cast<Value>(convert(to_lanes<T>(in[0])[lane]))));
    };
  };
  if (sizeof(T) < sizeof(Value)) {
    extract("_u", [](T a) { return a; });
    extract("_s", [](T a) { return static_cast<std::make_signed_t<T>>(a); });
  } else {
    extract("", [](T a) { return a; });
  }
}

// W: result lanes; N: operand lanes of half the width.
template <typename W, typename N>
void add_widening(Oracles& oracles, const std::string& wide, const std::string& narrow) {
  constexpr size_t kLanes = 16 / sizeof(W);
  const std::string suffix = std::is_signed_v<N> ? "_s" : "_u";
  for (const bool high : {false, true}) {
    const size_t first = high ? kLanes : 0;
    const std::string row = (high ? "high_" : "low_") + narrow + suffix;
    oracles[wide + "_extend_" + row] = [=](Inputs in, uint32_t) {
      const auto a = to_lanes<N>(in[0]);
      return exactly(from_lanes(std::vector<W>(a.begin() + static_cast<long>(first),
                                               a.begin() + static_cast<long>(first + kLanes))));
    };
    oracles[wide + "_extmul_" + row] = [=](Inputs in, uint32_t) {
      const auto a = to_lanes<N>(in[0]), b = to_lanes<N>(in[1]);
      std::vector<W> result;
      for (size_t i = first; i < first + kLanes; i++) {
        result.push_back(static_cast<W>(Wide{a[i]} * Wide{b[i]}));
      }
      return exactly(from_lanes(result));
    };
  }
  if (sizeof(W) == 8) return;
  oracles[wide + "_extadd_pairwise_" + narrow + suffix] = [=](Inputs in, uint32_t) {
    const auto a = to_lanes<N>(in[0]);
    std::vector<W> result;
    for (size_t i = 0; i < kLanes; i++) {
      result.push_back(static_cast<W>(Wide{a[2 * i]} + Wide{a[2 * i + 1]}));
    }
    return exactly(from_lanes(result));
  };
}

// Out: saturated result lanes; In: signed operand lanes.
template <typename Out, typename In>
Oracle narrow() {
  return [](Inputs in, uint32_t) {
    std::vector<Out> result;
    for (const In a : to_lanes<In>(in[0])) result.push_back(saturated<Out>(a));
    for (const In a : to_lanes<In>(in[1])) result.push_back(saturated<Out>(a));
    return exactly(from_lanes(result));
  };
}

// Lanes of float results, some of which may be NaN.
template <typename F>
Expected float_lanes(const std::vector<FloatResult<F>>& results) {
  Expected expected{.nan_bytes = sizeof(F)};
  std::vector<F> numbers(16 / sizeof(F), F{0});
  for (size_t i = 0; i < results.size(); i++) {
    numbers[i] = results[i].number;
    if (results[i].nan) expected.nan_lanes |= 1u << i;
    if (results[i].canonical) expected.canonical_lanes |= 1u << i;
  }
  expected.results = {from_lanes(numbers)};
  return expected;
}

template <typename F>
void add_float_shape(Oracles& oracles, const std::string& shape) {
  const auto add = [&](const std::string& row, Oracle oracle) {
    oracles[shape + "_" + row] = std::move(oracle);
  };
  const auto binary = [&](const std::string& row, FloatBinary op) {
    add(row, [=](Inputs in, uint32_t) {
      const auto a = to_lanes<F>(in[0]), b = to_lanes<F>(in[1]);
      std::vector<FloatResult<F>> results;
      for (size_t i = 0; i < a.size(); i++) results.push_back(evaluate(op, a[i], b[i]));
      return float_lanes(results);
    });
  };
  binary("add", FloatBinary::add);
  binary("sub", FloatBinary::sub);
  binary("mul", FloatBinary::mul);
  binary("div", FloatBinary::div);
  for (const std::string relaxed : {"", "relaxed_"}) {
    binary(relaxed + "min", FloatBinary::min);
    binary(relaxed + "max", FloatBinary::max);
  }
  const auto unary = [&](const std::string& row, FloatUnary op) {
    add(row, [=](Inputs in, uint32_t) {
      std::vector<FloatResult<F>> results;
      for (const F a : to_lanes<F>(in[0])) results.push_back(evaluate(op, a));
      return float_lanes(results);
    });
  };
  unary("sqrt", FloatUnary::sqrt);
  unary("ceil", FloatUnary::ceil);
  unary("floor", FloatUnary::floor);
  unary("trunc", FloatUnary::trunc);
  unary("nearest", FloatUnary::nearest);
  for (const bool negated : {false, true}) {
    add(negated ? "relaxed_nmadd" : "relaxed_madd", [=](Inputs in, uint32_t) {
      const auto a = to_lanes<F>(in[0]), b = to_lanes<F>(in[1]), c = to_lanes<F>(in[2]);
      std::vector<FloatResult<F>> results;
      for (size_t i = 0; i < a.size(); i++) {
        const F left = negated ? -a[i] : a[i];
        const FloatResult<F> product = evaluate(FloatBinary::mul, left, b[i]);
        const F middle = product.nan ? std::numeric_limits<F>::quiet_NaN() : product.number;
        FloatResult<F> sum = evaluate(FloatBinary::add, middle, c[i]);
        sum.canonical = sum.canonical && (!product.nan || product.canonical);
        results.push_back(sum);
      }
      return float_lanes(results);
    });
  }
  using Word = std::conditional_t<sizeof(F) == 4, uint32_t, uint64_t>;
  constexpr Word kSign = Word{1} << (8 * sizeof(F) - 1);
  add("abs", lanes1<Word>([](Word a) { return a & ~kSign; }));
  add("neg", lanes1<Word>([](Word a) { return a ^ kSign; }));
  const auto pick = [&](const std::string& row, auto second) {
    add(row, lanes2<Word>(
                 [=](Word a, Word b) { return second(from_bits<F>(a), from_bits<F>(b)) ? b : a; }));
  };
  pick("pmin", [](F a, F b) { return b < a; });
  pick("pmax", [](F a, F b) { return a < b; });
  add("eq", compare<F>([](F a, F b) { return a == b; }));
  add("ne", compare<F>([](F a, F b) { return !(a == b); }));
  add("lt", compare<F>([](F a, F b) { return a < b; }));
  add("gt", compare<F>([](F a, F b) { return b < a; }));
  add("le", compare<F>([](F a, F b) { return a < b || a == b; }));
  add("ge", compare<F>([](F a, F b) { return b < a || a == b; }));
}

template <typename F>
Oracle truncate(bool is_signed) {
  return [=](Inputs in, uint32_t) {
    std::vector<uint32_t> result(4, 0);
    const auto a = to_lanes<F>(in[0]);
    for (size_t i = 0; i < a.size(); i++) {
      TrapCode trap;
      result[i] = static_cast<uint32_t>(truncate_saturating(a[i], 32, is_signed, &trap));
    }
    return exactly(from_lanes(result));
  };
}

// Integer lanes to float lanes through the scalar row's oracle.
template <typename F>
Oracle convert_lanes(const Oracle& scalar) {
  return [=](Inputs in, uint32_t) {
    const auto a = to_lanes<uint32_t>(in[0]);
    std::vector<F> result;
    for (size_t i = 0; i < 16 / sizeof(F); i++) {
      const Bits operand = a[i];
      result.push_back(from_bits<F>(scalar(Inputs(&operand, 1), 0).results[0]));
    }
    return exactly(from_lanes(result));
  };
}

// Sums of the products of neighbours.
std::vector<int64_t> products_i8(Inputs in) {
  const auto a = to_lanes<int8_t>(in[0]), b = to_lanes<int8_t>(in[1]);
  std::vector<int64_t> sums;
  for (size_t i = 0; i < 16; i += 2) {
    sums.push_back(saturated<int16_t>(int64_t{a[i]} * b[i] + int64_t{a[i + 1]} * b[i + 1]));
  }
  return sums;
}

void add_bitwise(Oracles& oracles) {
  const auto add = [&](const std::string& row, auto function) {
    oracles["v128_" + row] = [=](Inputs in, uint32_t) { return exactly(function(in)); };
  };
  add("not", [](Inputs in) { return ~in[0]; });
  add("and", [](Inputs in) { return in[0] & in[1]; });
  add("andnot", [](Inputs in) { return in[0] & ~in[1]; });
  add("or", [](Inputs in) { return in[0] | in[1]; });
  add("xor", [](Inputs in) { return in[0] ^ in[1]; });
  add("bitselect", [](Inputs in) { return (in[0] & in[2]) | (in[1] & ~in[2]); });
  add("any_true", [](Inputs in) { return Bits{in[0] != 0}; });
}

}  // namespace

void add_vector_oracles(Oracles& oracles) {
  add_shape<int8_t, uint8_t>(oracles, "i8x16");
  add_shape<int16_t, uint16_t>(oracles, "i16x8");
  add_shape<int32_t, uint32_t>(oracles, "i32x4");
  add_shape<int64_t, uint64_t>(oracles, "i64x2");
  add_float_shape<float>(oracles, "f32x4");
  add_float_shape<double>(oracles, "f64x2");
  add_moves<uint8_t, uint32_t>(oracles, "i8x16");
  add_moves<uint16_t, uint32_t>(oracles, "i16x8");
  add_moves<uint32_t, uint32_t>(oracles, "i32x4");
  add_moves<uint64_t, uint64_t>(oracles, "i64x2");
  add_moves<uint32_t, uint32_t>(oracles, "f32x4");
  add_moves<uint64_t, uint64_t>(oracles, "f64x2");
  add_widening<int16_t, int8_t>(oracles, "i16x8", "i8x16");
  add_widening<uint16_t, uint8_t>(oracles, "i16x8", "i8x16");
  add_widening<int32_t, int16_t>(oracles, "i32x4", "i16x8");
  add_widening<uint32_t, uint16_t>(oracles, "i32x4", "i16x8");
  add_widening<int64_t, int32_t>(oracles, "i64x2", "i32x4");
  add_widening<uint64_t, uint32_t>(oracles, "i64x2", "i32x4");
  add_bitwise(oracles);

  oracles["i8x16_popcnt"] = lanes1<uint8_t>([](uint8_t a) { return std::popcount(a); });
  oracles["i8x16_narrow_i16x8_s"] = narrow<int8_t, int16_t>();
  oracles["i8x16_narrow_i16x8_u"] = narrow<uint8_t, int16_t>();
  oracles["i16x8_narrow_i32x4_s"] = narrow<int16_t, int32_t>();
  oracles["i16x8_narrow_i32x4_u"] = narrow<uint16_t, int32_t>();
  for (const std::string row : {"i16x8_q15mulr_sat_s", "i16x8_relaxed_q15mulr_s"}) {
    oracles[row] = lanes2<int16_t>([](int64_t a, int64_t b) {
      return saturated<int16_t>(
          static_cast<int64_t>(std::floor(static_cast<double>(a * b + (1 << 14)) / (1 << 15))));
    });
  }
  oracles["i32x4_dot_i16x8_s"] = [](Inputs in, uint32_t) {
    const auto a = to_lanes<int16_t>(in[0]), b = to_lanes<int16_t>(in[1]);
    std::vector<uint32_t> result;
    for (size_t i = 0; i < 8; i += 2) {
      result.push_back(static_cast<uint32_t>(int64_t{a[i]} * b[i] + int64_t{a[i + 1]} * b[i + 1]));
    }
    return exactly(from_lanes(result));
  };
  oracles["i16x8_relaxed_dot_i8x16_i7x16_s"] = [](Inputs in, uint32_t) {
    std::vector<int16_t> result;
    for (const int64_t sum : products_i8(in)) result.push_back(static_cast<int16_t>(sum));
    return exactly(from_lanes(result));
  };
  oracles["i32x4_relaxed_dot_i8x16_i7x16_add_s"] = [](Inputs in, uint32_t) {
    const auto sums = products_i8(in);
    const auto c = to_lanes<int32_t>(in[2]);
    std::vector<uint32_t> result;
    for (size_t i = 0; i < 4; i++) {
      result.push_back(static_cast<uint32_t>(sums[2 * i] + sums[2 * i + 1] + c[i]));
    }
    return exactly(from_lanes(result));
  };
  for (const std::string row : {"i8x16_swizzle", "i8x16_relaxed_swizzle"}) {
    oracles[row] = [](Inputs in, uint32_t) {
      const auto a = to_lanes<uint8_t>(in[0]);
      return lanes1<uint8_t>([&](uint8_t index) { return index < 16 ? a[index] : 0; })(
          in.subspan(1), 0);
    };
  }
  // The third input holds the immediate's lane numbers.
  oracles["i8x16_shuffle"] = [](Inputs in, uint32_t) {
    const auto a = to_lanes<uint8_t>(in[0]), b = to_lanes<uint8_t>(in[1]);
    return lanes1<uint8_t>([&](uint8_t index) { return index < 16 ? a[index] : b[index - 16u]; })(
        in.subspan(2), 0);
  };

  for (const bool is_signed : {false, true}) {
    const std::string suffix = is_signed ? "_s" : "_u";
    for (const std::string kind : {"trunc_sat", "relaxed_trunc"}) {
      oracles["i32x4_" + kind + "_f32x4" + suffix] = truncate<float>(is_signed);
      oracles["i32x4_" + kind + "_f64x2" + suffix + "_zero"] = truncate<double>(is_signed);
    }
    oracles["f32x4_convert_i32x4" + suffix] =
        convert_lanes<float>(oracles.at("f32_convert_i32" + suffix));
    oracles["f64x2_convert_low_i32x4" + suffix] =
        convert_lanes<double>(oracles.at("f64_convert_i32" + suffix));
  }
  oracles["f32x4_demote_f64x2_zero"] = [](Inputs in, uint32_t) {
    std::vector<FloatResult<float>> results;
    for (const double a : to_lanes<double>(in[0])) results.push_back(convert<float>(a));
    return float_lanes(results);
  };
  oracles["f64x2_promote_low_f32x4"] = [](Inputs in, uint32_t) {
    const auto a = to_lanes<float>(in[0]);
    return float_lanes(std::vector{convert<double>(a[0]), convert<double>(a[1])});
  };
}

}  // namespace sedge::wasm::eval::oracle
