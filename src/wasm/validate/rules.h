// Typing rules as tables, made from the signature column of op.def at compile time: for every
// operator its operand and result types, and for one-byte opcodes the shape by which the
// validator's quick path recognises them.
#ifndef SEDGE_WASM_VALIDATE_RULES_H_
#define SEDGE_WASM_VALIDATE_RULES_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "wasm/op.h"

namespace sedge::wasm::validation {

/// Stands for the address type of the memory in the immediate.
inline constexpr uint8_t kAddress = 1;

/// Operand and result types of an operator as ValType kinds; `by_hand` for "*" rows.
struct Signature {
  bool by_hand = true;
  uint8_t params = 0, results = 0;
  std::array<uint8_t, 6> types{};  ///< operands, then results

  constexpr uint8_t result(size_t i) const { return types[params + i]; }
};

consteval uint8_t kind_of(char letter) {
  switch (letter) {
    case 'i':
      return ValType::i32;
    case 'I':
      return ValType::i64;
    case 'f':
      return ValType::f32;
    case 'F':
      return ValType::f64;
    case 'v':
      return ValType::v128;
    case 'a':
      return kAddress;
    default:
      throw "op.def: unknown letter in a signature";
  }
}

consteval Signature parse_signature(std::string_view text) {
  Signature out;
  if (text == "*") return out;
  out.by_hand = false;
  size_t colon = text.find(':');
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++i)
    if (i != colon) out.types[count++] = kind_of(text[i]);
  out.params = static_cast<uint8_t>(colon);
  out.results = static_cast<uint8_t>(count - colon);
  return out;
}

/// The static columns of op.def that validation needs for every operator.
struct OpRule {
  Signature signature;
  Imm imm;
  Feature feature;
  uint8_t aux;
  uint8_t flags;
};

inline constexpr std::array<OpRule, kOpCount> kOpRules = {{
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) \
  {parse_signature(signature), Imm::imm, Feature::feature, aux, flags},
#include "wasm/op.def"
#undef SEDGE_OP
}};

/// What the quick path does with an opcode; `slow` leaves it to InstrReader and the full rules.
enum class Shape : uint8_t {
  slow,
  unary,      ///< no immediate, one operand, one result
  binary,     ///< no immediate, two operands of one type, one result
  const_leb,  ///< signed LEB128 immediate of up to `aux` bytes
  const_raw,  ///< immediate of `aux` bytes
  load,       ///< memory argument, address → result
  store,      ///< memory argument, address and operand
  local_get,
  local_set,
  local_tee,
  global_get,
  global_set,
  drop,
  nop,
  unreachable,
  br,
  br_if,
  block,
  loop,
  if_,
  end,
  call,
};

struct Quick {
  Shape shape = Shape::slow;
  uint8_t operand = 0;
  uint8_t result = 0;
  uint8_t aux = 0;  ///< const_*: bytes; load, store: log2 of the natural alignment
};

consteval Quick quick_rule(Op op, const OpRule& rule) {
  const Signature& sig = rule.signature;
  auto shape = [&](Shape s, uint8_t operand, uint8_t result, uint8_t aux = 0) {
    return Quick{s, operand, result, aux};
  };
  switch (op) {
    case Op::local_get:
      return shape(Shape::local_get, 0, 0);
    case Op::local_set:
      return shape(Shape::local_set, 0, 0);
    case Op::local_tee:
      return shape(Shape::local_tee, 0, 0);
    case Op::global_get:
      return shape(Shape::global_get, 0, 0);
    case Op::global_set:
      return shape(Shape::global_set, 0, 0);
    case Op::drop:
      return shape(Shape::drop, 0, 0);
    case Op::unreachable:
      return shape(Shape::unreachable, 0, 0);
    case Op::nop:
      return shape(Shape::nop, 0, 0);
    case Op::br:
      return shape(Shape::br, 0, 0);
    case Op::br_if:
      return shape(Shape::br_if, 0, 0);
    case Op::block:
      return shape(Shape::block, 0, 0);
    case Op::loop:
      return shape(Shape::loop, 0, 0);
    case Op::if_:
      return shape(Shape::if_, 0, 0);
    case Op::call:
      return shape(Shape::call, 0, 0);
    case Op::end:
      return shape(Shape::end, 0, 0);
    default:
      break;
  }
  if (sig.by_hand) return {};
  if (sig.params == 1 && sig.results == 1) {
    if (rule.imm == Imm::none) return shape(Shape::unary, sig.types[0], sig.result(0));
    if (rule.imm == Imm::mem_arg) return shape(Shape::load, 0, sig.result(0), rule.aux);
  }
  if (sig.params == 2 && sig.results == 1 && rule.imm == Imm::none && sig.types[0] == sig.types[1])
    return shape(Shape::binary, sig.types[0], sig.result(0));
  if (sig.params == 2 && sig.results == 0 && rule.imm == Imm::mem_arg)
    return shape(Shape::store, sig.types[1], 0, rule.aux);
  if (sig.params == 0 && sig.results == 1) {
    if (rule.imm == Imm::i32) return shape(Shape::const_leb, 0, sig.result(0), 5);
    if (rule.imm == Imm::i64) return shape(Shape::const_leb, 0, sig.result(0), 10);
    if (rule.imm == Imm::f32) return shape(Shape::const_raw, 0, sig.result(0), 4);
    if (rule.imm == Imm::f64) return shape(Shape::const_raw, 0, sig.result(0), 8);
  }
  return {};
}

/// By one-byte opcode, every feature on.
inline constexpr std::array<Quick, 256> kQuick = [] {
  std::array<Quick, 256> table{};
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) \
  if constexpr (prefix == 0)                                                        \
    table[code] = quick_rule(                                                       \
        Op::name, OpRule{parse_signature(signature), Imm::imm, Feature::feature, aux, flags});
#include "wasm/op.def"
#undef SEDGE_OP
  return table;
}();

}  // namespace sedge::wasm::validation

#endif  // SEDGE_WASM_VALIDATE_RULES_H_
