// Every pure row of op.def against its oracle, on edge values and on random ones.
#include "wasm/eval/eval.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "wasm/eval/eval_oracle.h"

namespace sedge::wasm::eval {
namespace {

using oracle::Bits;
using oracle::Expected;

struct Actual {
  Bits results[2] = {0, 0};
  TrapCode trap = TrapCode::none;
};

template <typename T>
struct IsTrapping : std::false_type {};
template <typename T>
struct IsTrapping<Trapping<T>> : std::true_type {};

// Calls the row's eval function on bit patterns. `in` has the operands, then for shuffles the lane
// numbers.
template <Op op>
Actual run(const Bits* in, uint32_t lane) {
  using Traits = EvalTraits<op>;
  const auto call = [&]<size_t... i>(std::index_sequence<i...>) {
    using Operands = typename Traits::Operands;
    if constexpr (Traits::kLane) {
      return Traits::call(oracle::from_bits<std::tuple_element_t<i, Operands>>(in[i])..., lane);
    } else if constexpr (Traits::kShuffle) {
      return Traits::call(oracle::from_bits<std::tuple_element_t<i, Operands>>(in[i])...,
                          oracle::from_bits<V128>(in[sizeof...(i)]));
    } else {
      return Traits::call(oracle::from_bits<std::tuple_element_t<i, Operands>>(in[i])...);
    }
  };
  const auto result = call(std::make_index_sequence<Traits::kOperandCount>{});
  using Result = std::remove_const_t<decltype(result)>;
  using First = std::tuple_element_t<0, typename Traits::Results>;
  static_assert(IsTrapping<Result>::value == Traits::kTraps);
  if constexpr (Traits::kResultCount == 2) {
    static_assert(std::is_same_v<Result, Wide>);
    return {.results = {result.lo, result.hi}};
  } else if constexpr (Traits::kTraps) {
    static_assert(std::is_same_v<Result, Trapping<First>>);
    return {.results = {oracle::to_bits(result.value)}, .trap = result.trap};
  } else {
    static_assert(std::is_same_v<Result, First>);
    return {.results = {oracle::to_bits(result)}};
  }
}

struct Row {
  const char* name;
  OpRow row;
  Actual (*run)(const Bits*, uint32_t);
};

template <Op op>
constexpr auto runner() {
  if constexpr (EvalTraits<op>::kPure) {
    return &run<op>;
  } else {
    return static_cast<Actual (*)(const Bits*, uint32_t)>(nullptr);
  }
}

const std::vector<Row>& pure_rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all = {
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) \
  {#name, op_row(Op::name), runner<Op::name>()},
#include "wasm/op.def"
#undef SEDGE_OP
    };
    std::erase_if(all, [](const Row& row) { return row.run == nullptr; });
    return all;
  }();
  return rows;
}

const oracle::Oracles& oracles() {
  static const oracle::Oracles all = [] {
    oracle::Oracles oracles;
    oracle::add_integer_oracles(oracles);
    oracle::add_float_oracles(oracles);
    oracle::add_vector_oracles(oracles);
    return oracles;
  }();
  return all;
}

constexpr uint64_t kEdges32[] = {
    0,           1,           2,           3,           7,           8,           15,
    16,          31,          32,          33,          63,          64,          0x7f,
    0x80,        0xff,        0x100,       0x7fff,      0x8000,      0xffff,      0x1'0000,
    0x7fff'fffe, 0x7fff'ffff, 0x8000'0000, 0x8000'0001, 0xffff'fffe, 0xffff'ffff, 0x1234'5678,
    0x0100'0001, 0x0180'0001, 0xdead'beef};
// As f32: zero, subnormals, small fractions, halves, integers about 2^23, 2^24, 2^31, 2^32, 2^63,
// 2^64, the largest, infinity, and NaNs quiet, signalling, canonical and not; also negative.
constexpr uint64_t kFloat32[] = {
    0x0000'0000, 0x0000'0001, 0x007f'ffff, 0x0080'0000, 0x3e80'0000, 0x3eff'ffff, 0x3f00'0000,
    0x3f00'0001, 0x3f7f'ffff, 0x3f80'0000, 0x3f80'0001, 0x3fbf'ffff, 0x3fc0'0000, 0x4020'0000,
    0x4060'0000, 0x4049'0fdb, 0x4aff'ffff, 0x4b00'0000, 0x4b00'0001, 0x4b7f'ffff, 0x4b80'0000,
    0x4eff'ffff, 0x4f00'0000, 0x4f00'0001, 0x4f7f'ffff, 0x4f80'0000, 0x5eff'ffff, 0x5f00'0000,
    0x5f7f'ffff, 0x5f80'0000, 0x7f7f'ffff, 0x7f80'0000, 0x7f80'0001, 0x7fa0'0000, 0x7fbf'ffff,
    0x7fc0'0000, 0x7fc0'0001, 0x7fff'ffff};
constexpr uint64_t kFloat64[] = {
    0x0000'0000'0000'0000, 0x0000'0000'0000'0001, 0x000f'ffff'ffff'ffff, 0x0010'0000'0000'0000,
    0x3690'0000'0000'0000, 0x36a0'0000'0000'0000, 0x3810'0000'0000'0000, 0x3fd0'0000'0000'0000,
    0x3fdf'ffff'ffff'ffff, 0x3fe0'0000'0000'0000, 0x3fe0'0000'0000'0001, 0x3fef'ffff'ffff'ffff,
    0x3ff0'0000'0000'0000, 0x3ff0'0000'0000'0001, 0x3ff8'0000'0000'0000, 0x4004'0000'0000'0000,
    0x400c'0000'0000'0000, 0x4009'21fb'5444'2d18, 0x41df'ffff'ffbf'ffff, 0x41df'ffff'ffc0'0000,
    0x41df'ffff'ffff'ffff, 0x41e0'0000'0000'0000, 0x41e0'0000'001f'ffff, 0x41e0'0000'0020'0000,
    0x41ef'ffff'ffe0'0000, 0x41ef'ffff'ffff'ffff, 0x41f0'0000'0000'0000, 0x432f'ffff'ffff'ffff,
    0x4330'0000'0000'0000, 0x433f'ffff'ffff'ffff, 0x4340'0000'0000'0000, 0x43df'ffff'ffff'ffff,
    0x43e0'0000'0000'0000, 0x43ef'ffff'ffff'ffff, 0x43f0'0000'0000'0000, 0x47ef'ffff'e000'0000,
    0x47ef'ffff'f000'0000, 0x7fef'ffff'ffff'ffff, 0x7ff0'0000'0000'0000, 0x7ff0'0000'0000'0001,
    0x7ff4'0000'0000'0000, 0x7ff7'ffff'ffff'ffff, 0x7ff8'0000'0000'0000, 0x7ff8'0000'0000'0001,
    0x7fff'ffff'ffff'ffff};

class Values {
 public:
  explicit Values(uint64_t seed) : random_(seed) {
    for (const uint64_t bits : kFloat32) {
      float32_.push_back(bits);
      float32_.push_back(bits | 0x8000'0000);
    }
    for (const uint64_t bits : kFloat64) {
      float64_.push_back(bits);
      float64_.push_back(bits | 1ull << 63);
    }
    edges32_.assign(std::begin(kEdges32), std::end(kEdges32));
    for (const uint64_t bits : kEdges32) {
      edges64_.push_back(bits);
      edges64_.push_back(bits << 32);
      edges64_.push_back(static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(bits))));
      edges64_.push_back(bits << 32 | 0xffff'ffff);
    }
    edges64_.push_back(0x7fff'ffff'ffff'fdff);  // halfway cases of conversion to floats
    edges64_.push_back(0x7fff'ff40'0000'0001);
    edges64_.push_back(0xffff'ff7f'ffff'ffff);
    edges64_.push_back(0xffff'ffff'ffff'fbff);
    edges64_.push_back(0x0020'0000'0000'0001);
    edges64_.push_back(0x0020'0000'0000'0003);
  }

  /// Edge values of a scalar type.
  const std::vector<uint64_t>& edges(char letter) const {
    switch (letter) {
      case 'i':
        return edges32_;
      case 'I':
        return edges64_;
      case 'f':
        return float32_;
      default:
        return float64_;
    }
  }
  Bits edge(char letter) {
    if (letter != 'v') return pick(edges(letter));
    switch (random_() % 6) {
      case 0:
        return lanes(edges32_, 8);
      case 1:
        return lanes(edges32_, 16);
      case 2:
        return lanes(edges32_, 32);
      case 3:
        return lanes(edges64_, 64);
      case 4:
        return lanes(float32_, 32);
      default:
        return lanes(float64_, 64);
    }
  }
  Bits any(char letter) {
    const uint64_t word = random_() >> random_() % 64;
    switch (letter) {
      case 'i':
        return static_cast<uint32_t>(word);
      case 'f':
        return static_cast<uint32_t>(random_());
      case 'F':
        return random_();
      case 'v':
        return Bits{random_()} << 64 | random_();
      default:
        return word;
    }
  }
  Bits lane_numbers() {
    Bits bits = 0;
    for (int i = 0; i < 16; i++) bits = bits << 8 | random_() % 32;
    return bits;
  }
  uint64_t number() { return random_(); }

 private:
  uint64_t pick(const std::vector<uint64_t>& from) { return from[random_() % from.size()]; }
  Bits lanes(const std::vector<uint64_t>& from, int bits) {
    Bits result = 0;
    for (int i = 0; i < 128 / bits; i++) {
      result = result << (bits - 1) << 1 | (pick(from) & (~0ull >> (64 - bits)));
    }
    return result;
  }
  std::mt19937_64 random_;
  std::vector<uint64_t> edges32_, edges64_, float32_, float64_;
};

std::string hex(Bits bits) {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx_%016llx", static_cast<unsigned long long>(bits >> 64),
                static_cast<unsigned long long>(bits));
  return text;
}

// Empty if `actual` is as expected, else what differs.
std::string difference(const Expected& expected, const Actual& actual) {
  if (actual.trap != expected.trap) {
    return "trap " + std::to_string(static_cast<int>(actual.trap)) + ", expected " +
           std::to_string(static_cast<int>(expected.trap));
  }
  for (size_t i = 0; i < expected.results.size(); i++) {
    Bits compared = ~Bits{0};
    for (unsigned lane = 0; expected.nan_lanes >> lane != 0; lane++) {
      if ((expected.nan_lanes >> lane & 1) == 0) continue;
      const unsigned width = 8 * expected.nan_bytes;
      const Bits mask = (Bits{1} << width) - 1;
      compared &= ~(mask << lane * width);
      const Bits value = actual.results[i] >> lane * width & mask;
      const Bits canonical = width == 32 ? 0x7fc0'0000 : 0x7ff8'0000'0000'0000;
      const bool is_canonical = (value & mask >> 1) == canonical;
      const bool is_arithmetic = (value & canonical) == canonical;
      if ((expected.canonical_lanes >> lane & 1) != 0 ? !is_canonical : !is_arithmetic) {
        return "lane " + std::to_string(lane) + " is no such NaN: " + hex(actual.results[i]);
      }
    }
    if (((actual.results[i] ^ expected.results[i]) & compared) != 0) {
      return hex(actual.results[i]) + ", expected " + hex(expected.results[i]);
    }
  }
  return {};
}

class RowTest : public ::testing::TestWithParam<Row> {
 protected:
  // Returns false after a failure: one report for each row is enough.
  bool check(const std::vector<Bits>& in, uint32_t lane) {
    const auto found = oracles().find(GetParam().name);
    if (found == oracles().end()) {
      ADD_FAILURE() << "no oracle for " << GetParam().name;
      return false;
    }
    const std::string wrong = difference(found->second(in, lane), GetParam().run(in.data(), lane));
    if (wrong.empty()) return true;
    std::string operands;
    for (const Bits bits : in) operands += " " + hex(bits);
    ADD_FAILURE() << GetParam().row.mnemonic << operands << " lane " << lane << ": " << wrong;
    return false;
  }
};

TEST_P(RowTest, AgreesWithItsOracle) {
  const OpRow& row = GetParam().row;
  const std::string_view letters = row.operands();
  Values values(20);
  const uint32_t lanes = row.imm == Imm::lane ? row.aux : 1;

  // All edges, or all pairs of them.
  if (letters.find('v') == std::string_view::npos && letters.size() <= 2) {
    for (const uint64_t a : values.edges(letters[0])) {
      if (letters.size() == 1) {
        if (!check({a}, 0)) return;
        continue;
      }
      for (const uint64_t b : values.edges(letters[1])) {
        if (!check({a, b}, 0)) return;
      }
    }
  }
  for (int i = 0; i < 3000; i++) {
    std::vector<Bits> in;
    for (const char letter : letters) {
      in.push_back(values.number() % 2 == 0 ? values.edge(letter) : values.any(letter));
    }
    if (row.imm == Imm::shuffle) in.push_back(values.lane_numbers());
    if (!check(in, static_cast<uint32_t>(i) % lanes)) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Eval, RowTest, ::testing::ValuesIn(pure_rows()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Eval, OraclesNameRowsOnly) {
  std::vector<std::string> names;
  for (const Row& row : pure_rows()) names.emplace_back(row.name);
  for (const auto& [name, oracle] : oracles()) {
    EXPECT_TRUE(std::ranges::find(names, name) != names.end()) << name;
  }
}

TEST(Eval, RoundsSignedZeroAndHalvesAsTheSpecSays) {
  EXPECT_EQ(as<uint64_t>(f64_ceil(-0.5)), 1ull << 63);
  EXPECT_EQ(as<uint64_t>(f64_nearest(-0.5)), 1ull << 63);
  EXPECT_EQ(f64_nearest(2.5), 2.0);
  EXPECT_EQ(f64_nearest(3.5), 4.0);
  EXPECT_EQ(as<uint32_t>(f32_trunc(-0.9F)), 0x8000'0000u);
  EXPECT_EQ(as<uint32_t>(f32_min(0.0F, -0.0F)), 0x8000'0000u);
  EXPECT_EQ(as<uint32_t>(f32_max(-0.0F, 0.0F)), 0u);
}

TEST(Eval, PicksBytesAsTheirDefinitionSays) {
  Values values(7);
  for (int i = 0; i < 1000; i++) {
    const auto from = oracle::from_bits<V128>(values.any('v'));
    const auto indices = oracle::from_bits<V128>(i % 2 ? values.any('v') : values.lane_numbers());
    V128 picked{};
    for (int lane = 0; lane < 16; lane++)
      picked[lane] = indices[lane] < 16 ? from[indices[lane]] : uint8_t{0};
    ASSERT_EQ(oracle::to_bits(detail::pick_bytes(from, indices)), oracle::to_bits(picked));
  }
}

TEST(TrapCodeTest, MapsToErrors) {
  EXPECT_EQ(to_error_code(TrapCode::unreachable), ErrorCode::unreachable);
  EXPECT_EQ(to_error_code(TrapCode::integer_overflow), ErrorCode::integer_overflow);
  EXPECT_EQ(to_error_code(TrapCode::out_of_fuel), ErrorCode::out_of_fuel);
  for (size_t i = 1; i < kTrapCodeCount; i++) {
    const Phase phase = error_info(to_error_code(static_cast<TrapCode>(i))).phase;
    EXPECT_TRUE(phase == Phase::trap || phase == Phase::exhaustion);
  }
}

}  // namespace
}  // namespace sedge::wasm::eval
