// Generic access to eval functions by row of op.def: `EvalTraits<Op::i32_add>::call(a, b)`. Operand
// and result types are parsed from the row's signature at compile time.
#ifndef SEDGE_WASM_EVAL_TRAITS_H_
#define SEDGE_WASM_EVAL_TRAITS_H_

#include <array>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "wasm/eval/convert.h"
#include "wasm/eval/float.h"
#include "wasm/eval/numeric.h"
#include "wasm/eval/relaxed.h"
#include "wasm/eval/simd_float.h"
#include "wasm/eval/simd_integer.h"
#include "wasm/eval/simd_lanes.h"
#include "wasm/eval/types.h"
#include "wasm/op.h"

namespace sedge::wasm::eval {

/// A row of op.def as constants.
struct OpRow {
  std::string_view mnemonic;
  std::string_view signature;
  Imm imm;
  uint8_t aux;
  uint8_t flags;

  constexpr bool typed() const { return signature != "*"; }
  constexpr std::string_view operands() const { return signature.substr(0, signature.find(':')); }
  constexpr std::string_view results() const { return signature.substr(signature.find(':') + 1); }
  /// Whether an eval function computes it: typed, no memory, no state, no constant immediate.
  constexpr bool pure() const {
    return typed() && (imm == Imm::none || imm == Imm::lane || imm == Imm::shuffle);
  }
};

inline constexpr std::array<OpRow, kOpCount> kOpRows = {{
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) \
  {mnemonic, signature, Imm::imm, aux, flags},
#include "wasm/op.def"
#undef SEDGE_OP
}};
constexpr const OpRow& op_row(Op op) { return kOpRows[static_cast<size_t>(op)]; }

namespace detail {
template <char letter>
struct LetterType;
template <>
struct LetterType<'i'> : std::type_identity<uint32_t> {};
template <>
struct LetterType<'I'> : std::type_identity<uint64_t> {};
template <>
struct LetterType<'a'> : std::type_identity<uint64_t> {};  // an address, zero-extended
template <>
struct LetterType<'f'> : std::type_identity<float> {};
template <>
struct LetterType<'F'> : std::type_identity<double> {};
template <>
struct LetterType<'v'> : std::type_identity<V128> {};

template <Op op, bool kOfResults>
struct LetterTuple {
  static constexpr std::string_view kLetters = !op_row(op).typed() ? ""
                                               : kOfResults        ? op_row(op).results()
                                                                   : op_row(op).operands();
  template <size_t... i>
  static std::tuple<typename LetterType<kLetters[i]>::type...> make(std::index_sequence<i...>);
  using type = decltype(make(std::make_index_sequence<kLetters.size()>()));
};
}  // namespace detail

/// C++ type of a value whose signature letter is `letter`.
template <char letter>
using ValueOf = typename detail::LetterType<letter>::type;

/// Row constants and types; EvalTraits<op> adds call().
template <Op op>
struct RowTraits {
  static constexpr OpRow kRow = op_row(op);
  static constexpr bool kPure = kRow.pure();
  /// call() returns Trapping<result>.
  static constexpr bool kTraps = kPure && (kRow.flags & wasm::kTraps) != 0;
  /// call() takes the lane (uint32_t, < aux) as last argument.
  static constexpr bool kLane = kRow.imm == Imm::lane;
  /// call() takes the 16 lane numbers (V128, each < 32) as last argument.
  static constexpr bool kShuffle = kRow.imm == Imm::shuffle;
  /// Types of operands and results as std::tuple, deepest first; empty for untyped rows.
  using Operands = typename detail::LetterTuple<op, false>::type;
  using Results = typename detail::LetterTuple<op, true>::type;
  static constexpr size_t kOperandCount = std::tuple_size_v<Operands>;
  static constexpr size_t kResultCount = std::tuple_size_v<Results>;
};

template <Op op>
struct EvalTraits;

/// call(operands..., [immediate]) is the eval function of the row's name: it returns the result,
/// Trapping of the result where kTraps, or Wide where there are two.
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) \
  template <>                                                                       \
  struct EvalTraits<Op::name> : RowTraits<Op::name> {                               \
    template <typename... Args>                                                     \
      requires(op_row(Op::name).pure())                                             \
    SEDGE_EVAL static auto call(Args... args) {                                     \
      return name(args...);                                                         \
    }                                                                               \
  };
#include "wasm/op.def"
#undef SEDGE_OP

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_TRAITS_H_
