// Branches fused with comparisons and tests.
#include "interp/scalar.h"

namespace sedge::interp {

namespace {

template <Op op, Form form, bool kSense>
SEDGE_HANDLER(compare_branch) {
  using A = OperandOf<op, 0>;
  using B = OperandOf<op, 1>;
  constexpr From kFirst = first_of(form), kSecond = second_of(form);
  constexpr bool kConstant = kFirst == From::constant || kSecond == From::constant;
  A a = fetch<A, kFirst>(pc, fp, 0, 8, ra, rf, rd);
  B b = fetch<B, kSecond>(pc, fp, kFirst == From::constant ? 0 : 2, 8, ra, rf, rd);
  const bool taken = (wasm::eval::EvalTraits<op>::call(a, b) != 0) == kSense;
  if (taken) SEDGE_JUMP(operand<int32_t>(pc, 4));
  SEDGE_NEXT(kConstant ? 3 : 2);
}

template <Op op, bool kFromAcc, bool kSense>
SEDGE_HANDLER(test_branch) {
  using A = OperandOf<op, 0>;
  A a = fetch<A, kFromAcc ? From::acc : From::slot>(pc, fp, 0, 0, ra, rf, rd);
  const bool taken = (a == 0) == kSense;
  if (taken) SEDGE_JUMP(operand<int32_t>(pc, 4));
  SEDGE_NEXT(2);
}

template <Op op, size_t variant>
struct MakeCompareBranch {
  static constexpr Handler get() {
    return &compare_branch<op, static_cast<Form>(variant / 2), (variant & 1) != 0>;
  }
};
using CompareTable = HandlerTable<OpSet<is_condition>, kFormCount * 2, MakeCompareBranch>;

template <Op op>
constexpr Handler kTestBranches[4] = {&test_branch<op, false, false>, &test_branch<op, false, true>,
                                      &test_branch<op, true, false>, &test_branch<op, true, true>};

}  // namespace

Handler compare_branch_handler(Op op, Form form, bool sense) {
  return CompareTable::get(op, static_cast<size_t>(form) * 2 + (sense ? 1 : 0));
}

Handler test_branch_handler(Op eqz, bool from_acc, bool sense) {
  size_t variant = (from_acc ? 2u : 0u) + (sense ? 1u : 0u);
  return eqz == Op::i64_eqz ? kTestBranches<Op::i64_eqz>[variant]
                            : kTestBranches<Op::i32_eqz>[variant];
}

}  // namespace sedge::interp
