// Handlers of scalar operators as templates over the operator and the places of its operands.
#ifndef SEDGE_INTERP_SCALAR_H_
#define SEDGE_INTERP_SCALAR_H_

#include "interp/handler.h"

namespace sedge::interp {

/// Operators on i32, i64, f32, f64 with one result.
constexpr bool is_scalar(Op op) {
  const auto& row = wasm::eval::op_row(op);
  return row.pure() && row.imm == wasm::Imm::none && !row.signature.contains('v') &&
         row.results().size() == 1;
}
constexpr bool is_unary(Op op) {
  return is_scalar(op) && wasm::eval::op_row(op).operands().size() == 1;
}
constexpr bool is_binary(Op op) {
  return is_scalar(op) && wasm::eval::op_row(op).operands().size() == 2;
}
constexpr bool is_integer_binary(Op op) {
  return is_binary(op) && (wasm::eval::op_row(op).operands()[0] | 0x20) == 'i';
}
constexpr bool is_float_binary(Op op) { return is_binary(op) && !is_integer_binary(op); }
/// Binary operators that branches are fused with.
constexpr bool is_condition(Op op) {
  if (!is_binary(op)) return false;
  if (op == Op::i32_and) return true;
  auto name = wasm::eval::op_row(op).mnemonic;
  name = name.substr(name.find('.') + 1);
  for (auto prefix : {"eq", "ne", "lt", "gt", "le", "ge"}) {
    if (name.starts_with(prefix) && name != "neg") return true;
  }
  return false;
}

template <Op op, size_t n>
using OperandOf = std::tuple_element_t<n, typename wasm::eval::EvalTraits<op>::Operands>;
template <Op op>
using ResultOf = std::tuple_element_t<0, typename wasm::eval::EvalTraits<op>::Results>;

constexpr From first_of(Form form) {
  switch (form) {
    case Form::as:
    case Form::ak:
      return From::acc;
    case Form::sa:
    case Form::ss:
    case Form::sk:
      return From::slot;
    default:
      return From::constant;
  }
}
constexpr From second_of(Form form) {
  switch (form) {
    case Form::sa:
    case Form::ka:
      return From::acc;
    case Form::as:
    case Form::ss:
    case Form::ks:
      return From::slot;
    default:
      return From::constant;
  }
}

template <typename T, From from>
[[gnu::always_inline]] inline T fetch(const Word* pc, const Cell* fp, size_t slot_byte,
                                      size_t constant_byte, uint64_t ra, float rf, double rd) {
  if constexpr (from == From::acc) {
    return accumulator<T>(ra, rf, rd);
  } else if constexpr (from == From::slot) {
    return slot<T>(pc, fp, slot_byte);
  } else {
    return operand<T>(pc, constant_byte);
  }
}

/// Gives the result of a scalar operator its place and goes on.
template <typename T, bool kToSlot>
[[gnu::always_inline]] inline void finish(const Word* pc, Cell* fp, T value, uint64_t& ra,
                                          float& rf, double& rd) {
  accumulate(value, ra, rf, rd);
  if constexpr (kToSlot) set_slot<T>(pc, fp, 0, value);
}

template <Op op, Form form, bool kToSlot>
SEDGE_HANDLER(binary) {
  using A = OperandOf<op, 0>;
  using B = OperandOf<op, 1>;
  constexpr From kFirst = first_of(form), kSecond = second_of(form);
  constexpr bool kWide =
      (kFirst == From::constant && sizeof(A) == 8) || (kSecond == From::constant && sizeof(B) == 8);
  constexpr size_t kConstant = kWide ? 8 : 4;
  A a = fetch<A, kFirst>(pc, fp, 2, kConstant, ra, rf, rd);
  B b = fetch<B, kSecond>(pc, fp, kFirst == From::constant ? 2 : 4, kConstant, ra, rf, rd);
  auto result = wasm::eval::EvalTraits<op>::call(a, b);
  if constexpr (wasm::eval::EvalTraits<op>::kTraps) {
    if (result.trap != TrapCode::none) [[unlikely]]
      SEDGE_TRAP(result.trap);
    finish<ResultOf<op>, kToSlot>(pc, fp, result.value, ra, rf, rd);
  } else {
    finish<ResultOf<op>, kToSlot>(pc, fp, result, ra, rf, rd);
  }
  SEDGE_NEXT(kWide ? kScalarWideWords : kScalarWords);
}

template <Op op, bool kFromAcc, bool kToSlot>
SEDGE_HANDLER(unary) {
  using A = OperandOf<op, 0>;
  A a = fetch<A, kFromAcc ? From::acc : From::slot>(pc, fp, 2, 0, ra, rf, rd);
  auto result = wasm::eval::EvalTraits<op>::call(a);
  if constexpr (wasm::eval::EvalTraits<op>::kTraps) {
    if (result.trap != TrapCode::none) [[unlikely]]
      SEDGE_TRAP(result.trap);
    finish<ResultOf<op>, kToSlot>(pc, fp, result.value, ra, rf, rd);
  } else {
    finish<ResultOf<op>, kToSlot>(pc, fp, result, ra, rf, rd);
  }
  SEDGE_NEXT(kScalarWords);
}

/// Rows of the tables of binary operators: variant = form * 2 + to_slot.
template <Op op, size_t variant>
struct MakeBinary {
  static constexpr Handler get() {
    return &binary<op, static_cast<Form>(variant / 2), (variant & 1) != 0>;
  }
};
/// variant = from_acc * 2 + to_slot.
template <Op op, size_t variant>
struct MakeUnary {
  static constexpr Handler get() { return &unary<op, (variant & 2) != 0, (variant & 1) != 0>; }
};

}  // namespace sedge::interp

#endif  // SEDGE_INTERP_SCALAR_H_
