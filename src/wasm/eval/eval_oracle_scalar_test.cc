// Oracles of scalar operators: integers through 128-bit arithmetic and bit loops, floats through a
// type with more than twice the digits, whose single rounding to the result cannot differ.
#include <cfloat>
#include <cmath>
#include <limits>

#include "wasm/eval/eval_oracle.h"

namespace sedge::wasm::eval::oracle {
namespace {

// The value of the low `bits` bits, read as signed or unsigned.
Wide number(Bits raw, int bits, bool is_signed) {
  const Bits mask = (Bits{1} << bits) - 1;
  const Bits low = raw & mask;
  if (is_signed && (low >> (bits - 1)) != 0) return static_cast<Wide>(low) - (Wide{1} << bits);
  return static_cast<Wide>(low);
}
Bits wrapped(Wide value, int bits) { return static_cast<Bits>(value) & ((Bits{1} << bits) - 1); }

bool bit(Bits raw, int index) { return (raw >> index & 1) != 0; }

using BitFunction = std::function<bool(int index)>;
Bits build(int bits, const BitFunction& function) {
  Bits result = 0;
  for (int i = 0; i < bits; i++) result |= Bits{function(i)} << i;
  return result;
}

void add_width(Oracles& oracles, const std::string& type, int bits) {
  const auto both = [&, bits](const std::string& row, auto function) {
    oracles[type + "_" + row] = [=](std::span<const Bits> in, uint32_t) {
      return exactly(wrapped(function(number(in[0], bits, true), number(in[1], bits, true)), bits));
    };
  };
  both("add", [](Wide a, Wide b) { return a + b; });
  both("sub", [](Wide a, Wide b) { return a - b; });
  both("mul", [](Wide a, Wide b) { return a * b; });

  const auto compare = [&, bits](const std::string& row, auto function) {
    for (const bool is_signed : {false, true}) {
      const std::string suffix = row == "eq" || row == "ne" ? "" : is_signed ? "_s" : "_u";
      oracles[type + "_" + row + suffix] = [=](std::span<const Bits> in, uint32_t) {
        return exactly(
            Bits{function(number(in[0], bits, is_signed), number(in[1], bits, is_signed))});
      };
    }
  };
  compare("eq", [](Wide a, Wide b) { return a == b; });
  compare("ne", [](Wide a, Wide b) { return a != b; });
  compare("lt", [](Wide a, Wide b) { return a < b; });
  compare("gt", [](Wide a, Wide b) { return a > b; });
  compare("le", [](Wide a, Wide b) { return a <= b; });
  compare("ge", [](Wide a, Wide b) { return a >= b; });
  oracles[type + "_eqz"] = [](std::span<const Bits> in, uint32_t) {
    return exactly(Bits{in[0] == 0});
  };

  for (const bool is_signed : {false, true}) {
    const std::string suffix = is_signed ? "_s" : "_u";
    oracles[type + "_div" + suffix] = [=](std::span<const Bits> in, uint32_t) {
      const Wide a = number(in[0], bits, is_signed), b = number(in[1], bits, is_signed);
      if (b == 0) return traps(TrapCode::integer_divide_by_zero);
      if (is_signed && a / b == Wide{1} << (bits - 1)) return traps(TrapCode::integer_overflow);
      return exactly(wrapped(a / b, bits));
    };
    oracles[type + "_rem" + suffix] = [=](std::span<const Bits> in, uint32_t) {
      const Wide a = number(in[0], bits, is_signed), b = number(in[1], bits, is_signed);
      if (b == 0) return traps(TrapCode::integer_divide_by_zero);
      return exactly(wrapped(a - a / b * b, bits));
    };
    oracles[type + "_shr" + suffix] = [=](std::span<const Bits> in, uint32_t) {
      const int count = static_cast<int>(in[1] % static_cast<unsigned>(bits));
      return exactly(build(bits, [&](int i) {
        return i + count < bits ? bit(in[0], i + count) : is_signed && bit(in[0], bits - 1);
      }));
    };
  }
  oracles[type + "_shl"] = [=](std::span<const Bits> in, uint32_t) {
    const int count = static_cast<int>(in[1] % static_cast<unsigned>(bits));
    return exactly(build(bits, [&](int i) { return i >= count && bit(in[0], i - count); }));
  };
  oracles[type + "_rotl"] = [=](std::span<const Bits> in, uint32_t) {
    const int count = static_cast<int>(in[1] % static_cast<unsigned>(bits));
    return exactly(build(bits, [&](int i) { return bit(in[0], (i + bits - count) % bits); }));
  };
  oracles[type + "_rotr"] = [=](std::span<const Bits> in, uint32_t) {
    const int count = static_cast<int>(in[1] % static_cast<unsigned>(bits));
    return exactly(build(bits, [&](int i) { return bit(in[0], (i + count) % bits); }));
  };
  const auto bitwise = [&, bits](const std::string& row, auto function) {
    oracles[type + "_" + row] = [=](std::span<const Bits> in, uint32_t) {
      return exactly(build(bits, [&](int i) { return function(bit(in[0], i), bit(in[1], i)); }));
    };
  };
  bitwise("and", [](bool a, bool b) { return a && b; });
  bitwise("or", [](bool a, bool b) { return a || b; });
  bitwise("xor", [](bool a, bool b) { return a != b; });

  oracles[type + "_clz"] = [=](std::span<const Bits> in, uint32_t) {
    unsigned count = 0;
    for (int i = bits - 1; i >= 0 && !bit(in[0], i); i--) count++;
    return exactly(count);
  };
  oracles[type + "_ctz"] = [=](std::span<const Bits> in, uint32_t) {
    unsigned count = 0;
    for (int i = 0; i < bits && !bit(in[0], i); i++) count++;
    return exactly(count);
  };
  oracles[type + "_popcnt"] = [=](std::span<const Bits> in, uint32_t) {
    unsigned count = 0;
    for (int i = 0; i < bits; i++) count += bit(in[0], i);
    return exactly(count);
  };
  for (const int from : {8, 16, 32}) {
    oracles[type + "_extend" + std::to_string(from) + "_s"] = [=](std::span<const Bits> in,
                                                                  uint32_t) {
      return exactly(wrapped(number(in[0], from, true), bits));
    };
  }
}

Expected halves(Bits wide) { return {.results = {static_cast<uint64_t>(wide), wide >> 64}}; }

// A float type with at least twice the digits plus two.
template <typename F>
struct Wider;
template <>
struct Wider<float> {
  using type = double;
};
template <>
struct Wider<double> {
#if LDBL_MANT_DIG >= 113
  using type = long double;
#else
  __extension__ using type = __float128;
#endif
};
template <typename F>
using WiderOf = typename Wider<F>::type;

template <typename F>
bool is_canonical_nan(F a) {
  constexpr int kPayload = std::numeric_limits<F>::digits - 1;
  return std::isnan(a) && (to_bits(a) & ((Bits{1} << kPayload) - 1)) == Bits{1} << (kPayload - 1);
}
template <typename F>
bool is_negative(F a) {
  return (to_bits(a) >> (8 * sizeof(F) - 1)) != 0;
}
template <typename F>
F signed_zero(bool negative) {
  return from_bits<F>(Bits{negative} << (8 * sizeof(F) - 1));
}

// Square root by bisection over the non-negative floats, which are ordered as their bit patterns;
// the wider type holds squares of midpoints exactly.
template <typename F>
F square_root(F a) {
  using B = WiderOf<F>;
  using Word = std::conditional_t<sizeof(F) == 4, uint32_t, uint64_t>;
  Word low = 0, high = static_cast<Word>(to_bits(std::numeric_limits<F>::infinity()));
  while (high - low > 1) {  // low: square at most a
    const Word middle = low + (high - low) / 2;
    const B root = from_bits<F>(middle);
    (root * root <= static_cast<B>(a) ? low : high) = middle;
  }
  const B below = from_bits<F>(low), above = from_bits<F>(static_cast<Word>(low + 1));
  const B middle = (below + above) / 2;
  return from_bits<F>(middle * middle < static_cast<B>(a) ? static_cast<Word>(low + 1) : low);
}

}  // namespace

template <typename F>
FloatResult<F> evaluate(FloatBinary op, F a, F b) {
  using B = WiderOf<F>;
  if (std::isnan(a) || std::isnan(b)) {
    const bool canonical =
        (!std::isnan(a) || is_canonical_nan(a)) && (!std::isnan(b) || is_canonical_nan(b));
    return {.nan = true, .canonical = canonical};
  }
  if (op == FloatBinary::min || op == FloatBinary::max) {
    const bool take_negative = op == FloatBinary::min;
    if (a == b) return {.number = is_negative(a) == take_negative ? a : b};
    return {.number = (a < b) == take_negative ? a : b};
  }
  const B x = a, y = b;
  const B exact = op == FloatBinary::add   ? x + y
                  : op == FloatBinary::sub ? x - y
                  : op == FloatBinary::mul ? x * y
                                           : x / y;
  if (exact != exact) return {.nan = true, .canonical = true};
  return {.number = static_cast<F>(exact)};
}

template <typename F>
FloatResult<F> evaluate(FloatUnary op, F a) {
  if (std::isnan(a)) return {.nan = true, .canonical = is_canonical_nan(a)};
  if (op == FloatUnary::sqrt) {
    if (a == 0) return {.number = a};
    if (a < 0) return {.nan = true, .canonical = true};
    if (std::isinf(a)) return {.number = a};
    return {.number = square_root(a)};
  }
  if (std::fabs(a) >= static_cast<F>(1ull << (std::numeric_limits<F>::digits - 1))) {
    return {.number = a};
  }
  const auto whole = static_cast<int64_t>(a);  // towards zero
  const F rest = a - static_cast<F>(whole);    // exact
  int64_t rounded = whole;
  const int64_t away = a < 0 ? whole - 1 : whole + 1;
  if (op == FloatUnary::ceil && rest > 0) rounded = away;
  if (op == FloatUnary::floor && rest < 0) rounded = away;
  if (op == FloatUnary::nearest) {
    const F size = std::fabs(rest);
    if (size > F{0.5} || (size == F{0.5} && whole % 2 != 0)) rounded = away;
  }
  if (rounded == 0) return {.number = signed_zero<F>(is_negative(a))};
  return {.number = static_cast<F>(rounded)};
}

template <typename F>
Wide truncate_saturating(F a, int bits, bool is_signed, TrapCode* trap) {
  *trap = TrapCode::none;
  if (std::isnan(a)) {
    *trap = TrapCode::invalid_conversion_to_integer;
    return 0;
  }
  const Wide lowest = is_signed ? -(Wide{1} << (bits - 1)) : 0;
  const Wide highest = (Wide{1} << (is_signed ? bits - 1 : bits)) - 1;
  // 2^100 and beyond, infinities included, is out of every range; below that Wide is exact.
  const F limit = std::ldexp(F{1}, 100);
  const Wide whole = a >= limit ? highest + 1 : a <= -limit ? lowest - 1 : static_cast<Wide>(a);
  if (whole >= lowest && whole <= highest) return whole;
  *trap = TrapCode::integer_overflow;
  return whole < lowest ? lowest : highest;
}

template <typename To, typename From>
FloatResult<To> convert(From a) {
  if (std::isnan(a)) return {.nan = true, .canonical = is_canonical_nan(a)};
  return {.number = static_cast<To>(a)};
}

template FloatResult<float> evaluate(FloatBinary, float, float);
template FloatResult<double> evaluate(FloatBinary, double, double);
template FloatResult<float> evaluate(FloatUnary, float);
template FloatResult<double> evaluate(FloatUnary, double);
template Wide truncate_saturating(float, int, bool, TrapCode*);
template Wide truncate_saturating(double, int, bool, TrapCode*);
template FloatResult<float> convert(double);
template FloatResult<double> convert(float);

namespace {

template <typename F>
Expected scalar(FloatResult<F> result) {
  if (!result.nan) return exactly(to_bits(result.number));
  return {.results = {0},
          .nan_bytes = sizeof(F),
          .nan_lanes = 1,
          .canonical_lanes = result.canonical ? 1u : 0u};
}

// Nearest F to an integer, ties to even, by comparing the neighbours of a first guess.
template <typename F>
F nearest_float(Wide value) {
  const bool negative = value < 0;
  Bits size = static_cast<Bits>(negative ? -value : value);
  int shift = 0;
  while (size >> shift >> std::numeric_limits<F>::digits != 0) shift++;
  Bits kept = size >> shift;
  if (shift > 0) {
    const Bits rest = size & ((Bits{1} << shift) - 1), half = Bits{1} << (shift - 1);
    if (rest > half || (rest == half && (kept & 1) != 0)) kept++;
  }
  const F result = std::ldexp(static_cast<F>(static_cast<uint64_t>(kept)), shift);
  return negative ? -result : result;
}

template <typename F>
void add_float_width(Oracles& oracles, const std::string& type) {
  constexpr int kBits = 8 * sizeof(F);
  constexpr Bits kSign = Bits{1} << (kBits - 1);
  const auto binary = [&](const std::string& row, FloatBinary op) {
    oracles[type + "_" + row] = [=](std::span<const Bits> in, uint32_t) {
      return scalar(evaluate(op, from_bits<F>(in[0]), from_bits<F>(in[1])));
    };
  };
  binary("add", FloatBinary::add);
  binary("sub", FloatBinary::sub);
  binary("mul", FloatBinary::mul);
  binary("div", FloatBinary::div);
  binary("min", FloatBinary::min);
  binary("max", FloatBinary::max);
  const auto unary = [&](const std::string& row, FloatUnary op) {
    oracles[type + "_" + row] = [=](std::span<const Bits> in, uint32_t) {
      return scalar(evaluate(op, from_bits<F>(in[0])));
    };
  };
  unary("sqrt", FloatUnary::sqrt);
  unary("ceil", FloatUnary::ceil);
  unary("floor", FloatUnary::floor);
  unary("trunc", FloatUnary::trunc);
  unary("nearest", FloatUnary::nearest);
  oracles[type + "_abs"] = [=](std::span<const Bits> in, uint32_t) {
    return exactly(in[0] & (kSign - 1));
  };
  oracles[type + "_neg"] = [=](std::span<const Bits> in, uint32_t) {
    return exactly(in[0] ^ kSign);
  };
  oracles[type + "_copysign"] = [=](std::span<const Bits> in, uint32_t) {
    return exactly((in[0] & (kSign - 1)) | (in[1] & kSign));
  };
  // Order of the bit patterns: sign and magnitude.
  const auto compare = [&](const std::string& row, bool less, bool equal, bool greater,
                           bool unordered) {
    oracles[type + "_" + row] = [=](std::span<const Bits> in, uint32_t) {
      if (std::isnan(from_bits<F>(in[0])) || std::isnan(from_bits<F>(in[1]))) {
        return exactly(Bits{unordered});
      }
      const auto rank = [](Bits raw) {
        const auto size = static_cast<Wide>(raw & (kSign - 1));
        return (raw & kSign) != 0 ? -size : size;
      };
      const Wide a = rank(in[0]), b = rank(in[1]);
      return exactly(Bits{a < b ? less : a == b ? equal : greater});
    };
  };
  compare("eq", false, true, false, false);
  compare("ne", true, false, true, true);
  compare("lt", true, false, false, false);
  compare("gt", false, false, true, false);
  compare("le", true, true, false, false);
  compare("ge", false, true, true, false);

  for (const int bits : {32, 64}) {
    const std::string integer = "i" + std::to_string(bits);
    for (const bool is_signed : {false, true}) {
      const std::string suffix = is_signed ? "_s" : "_u";
      oracles[integer + "_trunc_" + type + suffix] = [=](std::span<const Bits> in, uint32_t) {
        TrapCode trap;
        const Wide whole = truncate_saturating(from_bits<F>(in[0]), bits, is_signed, &trap);
        return trap == TrapCode::none ? exactly(wrapped(whole, bits)) : traps(trap);
      };
      oracles[integer + "_trunc_sat_" + type + suffix] = [=](std::span<const Bits> in, uint32_t) {
        TrapCode trap;
        return exactly(
            wrapped(truncate_saturating(from_bits<F>(in[0]), bits, is_signed, &trap), bits));
      };
      oracles[type + "_convert_" + integer + suffix] = [=](std::span<const Bits> in, uint32_t) {
        return exactly(to_bits(nearest_float<F>(number(in[0], bits, is_signed))));
      };
    }
  }
  const std::string same = "i" + std::to_string(kBits);
  const Oracle identity = [](std::span<const Bits> in, uint32_t) { return exactly(in[0]); };
  oracles[same + "_reinterpret_" + type] = identity;
  oracles[type + "_reinterpret_" + same] = identity;
}

}  // namespace

void add_integer_oracles(Oracles& oracles) {
  add_width(oracles, "i32", 32);
  add_width(oracles, "i64", 64);
  oracles.erase("i32_extend32_s");
  oracles["i32_wrap_i64"] = [](std::span<const Bits> in, uint32_t) {
    return exactly(in[0] & 0xffff'ffff);
  };
  oracles["i64_extend_i32_u"] = [](std::span<const Bits> in, uint32_t) { return exactly(in[0]); };
  oracles["i64_extend_i32_s"] = [](std::span<const Bits> in, uint32_t) {
    return exactly(wrapped(number(in[0], 32, true), 64));
  };
  // Wide arithmetic digit by digit, in base 2^32.
  oracles["i64_add128"] = [](std::span<const Bits> in, uint32_t) {
    const Bits low = in[0] + in[2];
    return Expected{.results = {wrapped(static_cast<Wide>(low), 64),
                                wrapped(static_cast<Wide>(in[1] + in[3] + (low >> 64)), 64)}};
  };
  oracles["i64_sub128"] = [](std::span<const Bits> in, uint32_t) {
    const Wide low = static_cast<Wide>(in[0]) - static_cast<Wide>(in[2]);
    return Expected{
        .results = {
            wrapped(low, 64),
            wrapped(static_cast<Wide>(in[1]) - static_cast<Wide>(in[3]) - (low < 0 ? 1 : 0), 64)}};
  };
  const auto multiply = [](Bits a, Bits b) {
    Bits product = 0;
    for (int i = 0; i < 64; i++) product += bit(b, i) ? a << i : 0;
    return product;
  };
  oracles["i64_mul_wide_u"] = [=](std::span<const Bits> in, uint32_t) {
    return halves(multiply(in[0], in[1]));
  };
  oracles["i64_mul_wide_s"] = [=](std::span<const Bits> in, uint32_t) {
    Bits product = multiply(in[0], in[1]);
    if (bit(in[0], 63)) product -= in[1] << 64;
    if (bit(in[1], 63)) product -= in[0] << 64;
    return halves(product);
  };
}

void add_float_oracles(Oracles& oracles) {
  add_float_width<float>(oracles, "f32");
  add_float_width<double>(oracles, "f64");
  oracles["f32_demote_f64"] = [](std::span<const Bits> in, uint32_t) {
    return scalar(convert<float>(from_bits<double>(in[0])));
  };
  oracles["f64_promote_f32"] = [](std::span<const Bits> in, uint32_t) {
    return scalar(convert<double>(from_bits<float>(in[0])));
  };
}

}  // namespace sedge::wasm::eval::oracle
