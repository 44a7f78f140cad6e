// Scalar operators. What they compute is wasm/eval's; where LLVM would simplify an operation on a
// signalling NaN away (x * 1.0, x - 0.0), the operand is quieted explicitly.
#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>

#include "llvm/func_ir.h"

namespace sedge::llvmc {

using wasm::Op;
using Pred = llvm::CmpInst::Predicate;

// Cases of the i32 and the i64 row, or the f32 and the f64 row.
#define BOTH_INTS(name) \
  case Op::i32_##name:  \
  case Op::i64_##name
#define BOTH_FLOATS(name) \
  case Op::f32_##name:    \
  case Op::f64_##name

bool FuncIr::integer_op() {
  auto compare = [this](Pred predicate) {
    V b = pop(), a = pop();
    push(b_.CreateZExt(b_.CreateICmp(predicate, a, b), ir_.i32), Kind::i32);
    return true;
  };
  auto with_operands = [this](auto make) {
    Operand b = pop_operand(), a = pop_operand();
    push(make(a.value, b.value), a.kind);
    return true;
  };
  auto unary = [this](auto make) {
    Operand a = pop_operand();
    push(make(a.value), a.kind);
    return true;
  };
  auto intrinsic = [this](llvm::Intrinsic::ID id, V a) {
    if (id == llvm::Intrinsic::ctpop) return V{b_.CreateUnaryIntrinsic(id, a)};
    return V{b_.CreateBinaryIntrinsic(id, a, b_.getFalse())};
  };
  auto count = [this](V b) {
    return b_.CreateAnd(
        b, llvm::ConstantInt::get(b->getType(), b->getType()->getIntegerBitWidth() - 1));
  };
  auto divide = [&](auto make, bool is_signed, bool remainder) {
    return with_operands([&](V a, V b) {
      llvm::Type* type = a->getType();
      V zero = llvm::ConstantInt::get(type, 0);
      trap_if(b_.CreateICmpEQ(b, zero), TrapCode::integer_divide_by_zero);
      if (is_signed) {
        V minus_one = llvm::Constant::getAllOnesValue(type);
        V is_minus_one = b_.CreateICmpEQ(b, minus_one);
        if (remainder) {
          b = b_.CreateSelect(is_minus_one, llvm::ConstantInt::get(type, 1), b);
        } else {
          V lowest = llvm::ConstantInt::get(
              type, llvm::APInt::getSignedMinValue(type->getIntegerBitWidth()));
          trap_if(b_.CreateAnd(is_minus_one, b_.CreateICmpEQ(a, lowest)),
                  TrapCode::integer_overflow);
        }
      }
      return make(a, b);
    });
  };
  auto extend = [&](llvm::Type* from) {
    return unary([&](V a) { return b_.CreateSExt(b_.CreateTrunc(a, from), a->getType()); });
  };
  switch (in_.op) {
    BOTH_INTS(eqz) : {
      V a = pop();
      push(b_.CreateZExt(b_.CreateIsNull(a), ir_.i32), Kind::i32);
      return true;
    }
    BOTH_INTS(eq) : return compare(Pred::ICMP_EQ);
    BOTH_INTS(ne) : return compare(Pred::ICMP_NE);
    BOTH_INTS(lt_s) : return compare(Pred::ICMP_SLT);
    BOTH_INTS(lt_u) : return compare(Pred::ICMP_ULT);
    BOTH_INTS(gt_s) : return compare(Pred::ICMP_SGT);
    BOTH_INTS(gt_u) : return compare(Pred::ICMP_UGT);
    BOTH_INTS(le_s) : return compare(Pred::ICMP_SLE);
    BOTH_INTS(le_u) : return compare(Pred::ICMP_ULE);
    BOTH_INTS(ge_s) : return compare(Pred::ICMP_SGE);
    BOTH_INTS(ge_u) : return compare(Pred::ICMP_UGE);
    BOTH_INTS(clz) : return unary([&](V a) { return intrinsic(llvm::Intrinsic::ctlz, a); });
    BOTH_INTS(ctz) : return unary([&](V a) { return intrinsic(llvm::Intrinsic::cttz, a); });
    BOTH_INTS(popcnt) : return unary([&](V a) { return intrinsic(llvm::Intrinsic::ctpop, a); });
    BOTH_INTS(add) : return with_operands([&](V a, V b) { return b_.CreateAdd(a, b); });
    BOTH_INTS(sub) : return with_operands([&](V a, V b) { return b_.CreateSub(a, b); });
    BOTH_INTS(mul) : return with_operands([&](V a, V b) { return b_.CreateMul(a, b); });
    BOTH_INTS(div_s) : return divide([&](V a, V b) { return b_.CreateSDiv(a, b); }, true, false);
    BOTH_INTS(div_u) : return divide([&](V a, V b) { return b_.CreateUDiv(a, b); }, false, false);
    BOTH_INTS(rem_s) : return divide([&](V a, V b) { return b_.CreateSRem(a, b); }, true, true);
    BOTH_INTS(rem_u) : return divide([&](V a, V b) { return b_.CreateURem(a, b); }, false, true);
    BOTH_INTS(and) : return with_operands([&](V a, V b) { return b_.CreateAnd(a, b); });
    BOTH_INTS(or) : return with_operands([&](V a, V b) { return b_.CreateOr(a, b); });
    BOTH_INTS(xor) : return with_operands([&](V a, V b) { return b_.CreateXor(a, b); });
    BOTH_INTS(shl) : return with_operands([&](V a, V b) { return b_.CreateShl(a, count(b)); });
    BOTH_INTS(shr_s) : return with_operands([&](V a, V b) { return b_.CreateAShr(a, count(b)); });
    BOTH_INTS(shr_u) : return with_operands([&](V a, V b) { return b_.CreateLShr(a, count(b)); });
    BOTH_INTS(rotl)
        : return with_operands([&](V a, V b) {
            return b_.CreateIntrinsic(llvm::Intrinsic::fshl, {a->getType()}, {a, a, b});
          });
    BOTH_INTS(rotr)
        : return with_operands([&](V a, V b) {
            return b_.CreateIntrinsic(llvm::Intrinsic::fshr, {a->getType()}, {a, a, b});
          });
    BOTH_INTS(extend8_s) : return extend(ir_.i8);
    BOTH_INTS(extend16_s) : return extend(ir_.i16);
    case Op::i64_extend32_s:
      return extend(ir_.i32);
    case Op::i64_add128:
    case Op::i64_sub128: {
      V b_high = pop(), b_low = pop(), a_high = pop(), a_low = pop();
      auto wide = [&](V low, V high) {
        return b_.CreateOr(b_.CreateZExt(low, ir_.i128),
                           b_.CreateShl(b_.CreateZExt(high, ir_.i128), 64));
      };
      V a = wide(a_low, a_high), b = wide(b_low, b_high);
      V result = in_.op == Op::i64_add128 ? b_.CreateAdd(a, b) : b_.CreateSub(a, b);
      push(b_.CreateTrunc(result, ir_.i64), Kind::i64);
      push(b_.CreateTrunc(b_.CreateLShr(result, 64), ir_.i64), Kind::i64);
      return true;
    }
    case Op::i64_mul_wide_s:
    case Op::i64_mul_wide_u: {
      V b = pop(), a = pop();
      const bool is_signed = in_.op == Op::i64_mul_wide_s;
      auto wide = [&](V v) {
        return is_signed ? b_.CreateSExt(v, ir_.i128) : b_.CreateZExt(v, ir_.i128);
      };
      V result = b_.CreateMul(wide(a), wide(b));
      push(b_.CreateTrunc(result, ir_.i64), Kind::i64);
      push(b_.CreateTrunc(b_.CreateLShr(result, 64), ir_.i64), Kind::i64);
      return true;
    }
    default:
      return false;
  }
}

namespace {

/// Whether every lane of `value` is the constant `wanted`, sign included.
bool is_constant(const llvm::Value* value, double wanted) {
  const auto* constant = llvm::dyn_cast<llvm::Constant>(value);
  if (constant == nullptr) return false;
  if (value->getType()->isVectorTy()) constant = constant->getSplatValue();
  const auto* number = llvm::dyn_cast_or_null<llvm::ConstantFP>(constant);
  return number != nullptr && number->isExactlyValue(wanted);
}

}  // namespace

/// `a` with a signalling NaN made quiet.
FuncIr::V FuncIr::quieted(V a) { return b_.CreateUnaryIntrinsic(llvm::Intrinsic::canonicalize, a); }

/// Also of vectors.
FuncIr::V FuncIr::float_arithmetic(llvm::Instruction::BinaryOps op, V a, V b) {
  using I = llvm::Instruction;
  if (llvm::isa<llvm::Constant>(a) && !llvm::isa<llvm::Constant>(b)) {
    if (op == I::FSub && is_constant(a, -0.0)) return quieted(b_.CreateFNeg(b));
    if (op == I::FAdd || op == I::FMul) std::swap(a, b);
  }
  if (llvm::isa<llvm::Constant>(b) && !llvm::isa<llvm::Constant>(a)) {
    const bool scales = op == I::FMul || op == I::FDiv;
    if (scales && is_constant(b, 1.0)) return quieted(a);
    if (scales && is_constant(b, -1.0)) return quieted(b_.CreateFNeg(a));
    if (op == I::FAdd && is_constant(b, -0.0)) return quieted(a);
    if (op == I::FSub && is_constant(b, 0.0)) return quieted(a);
  }
  return b_.CreateBinOp(op, a, b);
}

/// min or max of scalars or vectors: a NaN gives a quiet NaN, -0 is below 0.
FuncIr::V FuncIr::float_min_max(V a, V b, bool max) {
  llvm::Type* type = a->getType();
  llvm::Type* bits =
      type->getWithNewType(llvm::Type::getIntNTy(ir_.context, type->getScalarSizeInBits()));
  const Pred predicate = max ? Pred::FCMP_OGT : Pred::FCMP_OLT;
  V x = b_.CreateBitCast(b_.CreateSelect(b_.CreateFCmp(predicate, a, b), a, b), bits);
  V y = b_.CreateBitCast(b_.CreateSelect(b_.CreateFCmp(predicate, b, a), b, a), bits);
  V number = b_.CreateBitCast(max ? b_.CreateAnd(x, y) : b_.CreateOr(x, y), type);
  return b_.CreateSelect(b_.CreateFCmpUNO(a, b), b_.CreateFAdd(a, b), number);
}

bool FuncIr::float_op() {
  auto compare = [this](Pred predicate) {
    V b = pop(), a = pop();
    push(b_.CreateZExt(b_.CreateFCmp(predicate, a, b), ir_.i32), Kind::i32);
    return true;
  };
  auto unary = [this](llvm::Intrinsic::ID id) {
    Operand a = pop_operand();
    push(b_.CreateUnaryIntrinsic(id, a.value), a.kind);
    return true;
  };
  auto arithmetic = [this](llvm::Instruction::BinaryOps op) {
    Operand b = pop_operand(), a = pop_operand();
    push(float_arithmetic(op, a.value, b.value), a.kind);
    return true;
  };
  switch (in_.op) {
    BOTH_FLOATS(eq) : return compare(Pred::FCMP_OEQ);
    BOTH_FLOATS(ne) : return compare(Pred::FCMP_UNE);
    BOTH_FLOATS(lt) : return compare(Pred::FCMP_OLT);
    BOTH_FLOATS(gt) : return compare(Pred::FCMP_OGT);
    BOTH_FLOATS(le) : return compare(Pred::FCMP_OLE);
    BOTH_FLOATS(ge) : return compare(Pred::FCMP_OGE);
    BOTH_FLOATS(abs) : return unary(llvm::Intrinsic::fabs);
    BOTH_FLOATS(neg) : {
      Operand a = pop_operand();
      push(b_.CreateFNeg(a.value), a.kind);
      return true;
    }
    BOTH_FLOATS(ceil) : return unary(llvm::Intrinsic::ceil);
    BOTH_FLOATS(floor) : return unary(llvm::Intrinsic::floor);
    BOTH_FLOATS(trunc) : return unary(llvm::Intrinsic::trunc);
    BOTH_FLOATS(nearest) : return unary(llvm::Intrinsic::roundeven);
    BOTH_FLOATS(sqrt) : return unary(llvm::Intrinsic::sqrt);
    BOTH_FLOATS(add) : return arithmetic(llvm::Instruction::FAdd);
    BOTH_FLOATS(sub) : return arithmetic(llvm::Instruction::FSub);
    BOTH_FLOATS(mul) : return arithmetic(llvm::Instruction::FMul);
    BOTH_FLOATS(div) : return arithmetic(llvm::Instruction::FDiv);
    BOTH_FLOATS(min) : BOTH_FLOATS(max) : {
      const bool max = in_.op == Op::f32_max || in_.op == Op::f64_max;
      Operand b = pop_operand(), a = pop_operand();
      push(float_min_max(a.value, b.value, max), a.kind);
      return true;
    }
    BOTH_FLOATS(copysign) : {
      Operand b = pop_operand(), a = pop_operand();
      push(b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, a.value, b.value), a.kind);
      return true;
    }
    default:
      return false;
  }
}

/// Truncation that traps: the bounds are those of eval::detail::truncates_to.
FuncIr::V FuncIr::checked_trunc(V a, llvm::Type* to, bool is_signed) {
  const unsigned width = to->getIntegerBitWidth();
  llvm::Type* type = a->getType();
  const unsigned digits = type->isFloatTy() ? 24 : 53;
  auto number = [&](double value) { return llvm::ConstantFP::get(type, value); };
  const double upper =
      is_signed ? (width == 32 ? 0x1p31 : 0x1p63) : (width == 32 ? 0x1p32 : 0x1p64);
  V below;
  if (!is_signed) {
    below = b_.CreateFCmpOGT(a, number(-1.0));
  } else if (digits > width - 1) {
    below = b_.CreateFCmpOGT(a, number(-upper - 1.0));
  } else {
    below = b_.CreateFCmpOGE(a, number(-upper));
  }
  V good = b_.CreateAnd(below, b_.CreateFCmpOLT(a, number(upper)));
  llvm::BasicBlock *bad = new_block("range"), *next = new_block("");
  b_.CreateCondBr(good, next, bad, ir_.likely_branch());
  b_.SetInsertPoint(bad);
  V code =
      b_.CreateSelect(b_.CreateFCmpUNO(a, a),
                      b_.getInt32(static_cast<uint32_t>(TrapCode::invalid_conversion_to_integer)),
                      b_.getInt32(static_cast<uint32_t>(TrapCode::integer_overflow)));
  trap_with(code);
  b_.SetInsertPoint(next);
  return is_signed ? b_.CreateFPToSI(a, to) : b_.CreateFPToUI(a, to);
}

bool FuncIr::conversion() {
  auto result = [this](V value, Kind kind) {
    push(value, kind);
    return true;
  };
  auto trunc = [&](Kind kind, bool is_signed) {
    return result(checked_trunc(pop(), ir_.type_of(kind), is_signed), kind);
  };
  auto saturate = [&](Kind kind, bool is_signed) {
    V a = pop();
    const auto id = is_signed ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
    return result(b_.CreateIntrinsic(id, {ir_.type_of(kind), a->getType()}, {a}), kind);
  };
  auto from_signed = [&](Kind kind) {
    return result(b_.CreateSIToFP(pop(), ir_.type_of(kind)), kind);
  };
  auto from_unsigned = [&](Kind kind) {
    return result(b_.CreateUIToFP(pop(), ir_.type_of(kind)), kind);
  };
  switch (in_.op) {
    case Op::i32_wrap_i64:
      return result(b_.CreateTrunc(pop(), ir_.i32), Kind::i32);
    case Op::i64_extend_i32_s:
      return result(b_.CreateSExt(pop(), ir_.i64), Kind::i64);
    case Op::i64_extend_i32_u:
      return result(b_.CreateZExt(pop(), ir_.i64), Kind::i64);
    case Op::i32_trunc_f32_s:
    case Op::i32_trunc_f64_s:
      return trunc(Kind::i32, true);
    case Op::i32_trunc_f32_u:
    case Op::i32_trunc_f64_u:
      return trunc(Kind::i32, false);
    case Op::i64_trunc_f32_s:
    case Op::i64_trunc_f64_s:
      return trunc(Kind::i64, true);
    case Op::i64_trunc_f32_u:
    case Op::i64_trunc_f64_u:
      return trunc(Kind::i64, false);
    case Op::i32_trunc_sat_f32_s:
    case Op::i32_trunc_sat_f64_s:
      return saturate(Kind::i32, true);
    case Op::i32_trunc_sat_f32_u:
    case Op::i32_trunc_sat_f64_u:
      return saturate(Kind::i32, false);
    case Op::i64_trunc_sat_f32_s:
    case Op::i64_trunc_sat_f64_s:
      return saturate(Kind::i64, true);
    case Op::i64_trunc_sat_f32_u:
    case Op::i64_trunc_sat_f64_u:
      return saturate(Kind::i64, false);
    case Op::f32_convert_i32_s:
    case Op::f32_convert_i64_s:
      return from_signed(Kind::f32);
    case Op::f32_convert_i32_u:
    case Op::f32_convert_i64_u:
      return from_unsigned(Kind::f32);
    case Op::f64_convert_i32_s:
    case Op::f64_convert_i64_s:
      return from_signed(Kind::f64);
    case Op::f64_convert_i32_u:
    case Op::f64_convert_i64_u:
      return from_unsigned(Kind::f64);
    case Op::f32_demote_f64: {
      V a = pop();
      // Of a promotion LLVM would leave nothing.
      if (auto* promoted = llvm::dyn_cast<llvm::FPExtInst>(a)) {
        return result(quieted(promoted->getOperand(0)), Kind::f32);
      }
      return result(b_.CreateFPTrunc(a, ir_.f32), Kind::f32);
    }
    case Op::f64_promote_f32:
      return result(b_.CreateFPExt(pop(), ir_.f64), Kind::f64);
    case Op::i32_reinterpret_f32:
      return result(b_.CreateBitCast(pop(), ir_.i32), Kind::i32);
    case Op::i64_reinterpret_f64:
      return result(b_.CreateBitCast(pop(), ir_.i64), Kind::i64);
    case Op::f32_reinterpret_i32:
      return result(b_.CreateBitCast(pop(), ir_.f32), Kind::f32);
    case Op::f64_reinterpret_i64:
      return result(b_.CreateBitCast(pop(), ir_.f64), Kind::f64);
    default:
      return false;
  }
}

#undef BOTH_INTS
#undef BOTH_FLOATS

}  // namespace sedge::llvmc
