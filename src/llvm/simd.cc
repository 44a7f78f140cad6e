// Vector operators; relaxed ones have the results of the deterministic profile, as in
// wasm/eval/relaxed.h. The shape comes from the mnemonic.
#include <array>
#include <cstring>
#include <numeric>

#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include "llvm/func_ir.h"

namespace sedge::llvmc {

using wasm::Op;
using Pred = llvm::CmpInst::Predicate;

// Cases of the rows that shapes have in common.
#define NARROW(name)     \
  case Op::i8x16_##name: \
  case Op::i16x8_##name
#define THREE(name) NARROW(name) : case Op::i32x4_##name
#define INTS(name) THREE(name) : case Op::i64x2_##name
#define FLOATS(name)     \
  case Op::f32x4_##name: \
  case Op::f64x2_##name

/// A v128 as a vector of `element`s.
FuncIr::V FuncIr::lanes(V value, llvm::Type* element) {
  return b_.CreateBitCast(
      value, llvm::FixedVectorType::get(element, 128 / element->getScalarSizeInBits()));
}
FuncIr::V FuncIr::v128_of(V value) { return b_.CreateBitCast(value, ir_.v128); }

/// Bytes of `a` picked by `indices`; from 16 on: 0.
FuncIr::V FuncIr::swizzle(V a, V indices) {
  V zero = llvm::Constant::getNullValue(indices->getType());
  if (options_.target.arch == vm::ArtifactArch::x86_64) {
    // pshufb gives 0 where bit 7 is set, else looks at the low four bits.
    V limit = b_.CreateVectorSplat(16, b_.getInt8(0x70));
    V control = b_.CreateBinaryIntrinsic(llvm::Intrinsic::uadd_sat, indices, limit);
    return b_.CreateIntrinsic(llvm::Intrinsic::x86_ssse3_pshuf_b_128, {}, {a, control});
  }
  V result = zero;
  for (uint64_t i = 0; i < 16; i++) {
    V index = b_.CreateExtractElement(indices, i);
    V picked = b_.CreateExtractElement(a, b_.CreateAnd(index, b_.getInt8(15)));
    V inside = b_.CreateICmpULT(index, b_.getInt8(16));
    result = b_.CreateInsertElement(result, b_.CreateSelect(inside, picked, b_.getInt8(0)), i);
  }
  return result;
}

/// The low or high half of the lanes of `narrow`, at twice the width.
FuncIr::V FuncIr::halves(V a, llvm::Type* narrow, bool high, bool is_signed) {
  const unsigned width = narrow->getIntegerBitWidth(), count = 64 / width;
  llvm::SmallVector<int, 16> picked(count);
  std::iota(picked.begin(), picked.end(), high ? static_cast<int>(count) : 0);
  V half = b_.CreateShuffleVector(lanes(a, narrow), picked);
  auto* wide = llvm::FixedVectorType::get(llvm::Type::getIntNTy(ir_.context, width * 2), count);
  return is_signed ? b_.CreateSExt(half, wide) : b_.CreateZExt(half, wide);
}

/// The even or odd lanes of `narrow`, at twice the width.
FuncIr::V FuncIr::pairwise(V a, llvm::Type* narrow, bool is_signed, bool odd) {
  const unsigned width = narrow->getIntegerBitWidth(), count = 64 / width;
  llvm::SmallVector<int, 16> picked;
  for (unsigned i = 0; i < count; i++) picked.push_back(static_cast<int>(2 * i + (odd ? 1 : 0)));
  V half = b_.CreateShuffleVector(lanes(a, narrow), picked);
  auto* wide = llvm::FixedVectorType::get(llvm::Type::getIntNTy(ir_.context, width * 2), count);
  return is_signed ? b_.CreateSExt(half, wide) : b_.CreateZExt(half, wide);
}

void FuncIr::simd_op(const wasm::OpInfo& info) {
  const std::string_view mnemonic = info.mnemonic;
  llvm::Type* element = mnemonic.starts_with("i8x16")   ? ir_.i8
                        : mnemonic.starts_with("i16x8") ? ir_.i16
                        : mnemonic.starts_with("i32x4") ? ir_.i32
                        : mnemonic.starts_with("f32x4") ? ir_.f32
                        : mnemonic.starts_with("f64x2") ? ir_.f64
                                                        : ir_.i64;
  const unsigned width = element->getScalarSizeInBits();
  llvm::Type* half = width == 8 ? nullptr : llvm::Type::getIntNTy(ir_.context, width / 2);
  const bool is_signed = mnemonic.ends_with("_s");
  auto result = [this](V value) { push(v128_of(value), Kind::v128); };
  auto one = [&](auto make) { result(make(lanes(pop(), element))); };
  auto two = [&](auto make) {
    V b = lanes(pop(), element), a = lanes(pop(), element);
    result(make(a, b));
  };
  auto compare = [&](Pred predicate) {
    two([&](V a, V b) {
      V match = b_.CreateCmp(predicate, a, b);
      return b_.CreateSExt(match,
                           a->getType()->getWithNewType(llvm::Type::getIntNTy(ir_.context, width)));
    });
  };
  auto both = [&](llvm::Intrinsic::ID id) {
    two([&](V a, V b) { return b_.CreateBinaryIntrinsic(id, a, b); });
  };
  auto each = [&](llvm::Intrinsic::ID id) {
    one([&](V a) { return b_.CreateUnaryIntrinsic(id, a); });
  };
  auto shift = [&](auto make) {
    V count = b_.CreateAnd(pop(), b_.getInt32(width - 1));
    V a = lanes(pop(), element);
    V splat = b_.CreateVectorSplat(128 / width, b_.CreateZExtOrTrunc(count, element));
    result(make(a, splat));
  };
  auto bits = [&](V flags) {  // <n x i1> as an i32
    const unsigned n = llvm::cast<llvm::FixedVectorType>(flags->getType())->getNumElements();
    V mask = b_.CreateBitCast(flags, llvm::Type::getIntNTy(ir_.context, n));
    push(b_.CreateZExt(mask, ir_.i32), Kind::i32);
  };
  auto saturated = [&](llvm::Type* to, unsigned count, bool as_signed) {
    V a = lanes(pop(),
                element == ir_.i32 && mnemonic.find("f64x2") != mnemonic.npos ? ir_.f64 : ir_.f32);
    const auto id = as_signed ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
    return b_.CreateIntrinsic(id, {llvm::FixedVectorType::get(to, count), a->getType()}, {a});
  };
  auto zero_high = [&](V low) {  // two lanes, then two of zero
    result(b_.CreateShuffleVector(low, llvm::Constant::getNullValue(low->getType()),
                                  llvm::ArrayRef<int>{0, 1, 2, 3}));
  };
  auto low_lanes = [&](V a) { return b_.CreateShuffleVector(a, llvm::ArrayRef<int>{0, 1}); };
  auto extmul = [&](bool high) {
    V b = pop(), a = pop();
    result(b_.CreateMul(halves(a, half, high, is_signed), halves(b, half, high, is_signed)));
  };
  auto arithmetic = [&](llvm::Instruction::BinaryOps op) {
    two([&](V a, V b) { return float_arithmetic(op, a, b); });
  };
  auto madd = [&](bool negate) {
    V c = lanes(pop(), element), b = lanes(pop(), element), a = lanes(pop(), element);
    if (negate) a = b_.CreateFNeg(a);
    result(float_arithmetic(llvm::Instruction::FAdd,
                            float_arithmetic(llvm::Instruction::FMul, a, b), c));
  };
  auto bitselect = [&] {
    V mask = pop(), b = pop(), a = pop();
    result(b_.CreateOr(b_.CreateAnd(a, mask), b_.CreateAnd(b, b_.CreateNot(mask))));
  };
  auto q15mulr = [&] {
    two([&](V a, V b) {
      auto* wide = llvm::FixedVectorType::get(ir_.i32, 8);
      V product = b_.CreateMul(b_.CreateSExt(a, wide), b_.CreateSExt(b, wide));
      V rounded = b_.CreateAShr(b_.CreateAdd(product, b_.CreateVectorSplat(8, b_.getInt32(0x4000))),
                                b_.CreateVectorSplat(8, b_.getInt32(15)));
      V limit = b_.CreateVectorSplat(8, b_.getInt32(0x7fff));
      V clamped = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, rounded, limit);
      return b_.CreateTrunc(clamped, a->getType());
    });
  };
  auto dot8 = [&](V a, V b) {  // products of i8, their pairwise sums saturated
    V even = b_.CreateMul(pairwise(a, ir_.i8, true, false), pairwise(b, ir_.i8, true, false));
    V odd = b_.CreateMul(pairwise(a, ir_.i8, true, true), pairwise(b, ir_.i8, true, true));
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::sadd_sat, even, odd);
  };
  auto narrow = [&](llvm::Type* from) {
    V b = lanes(pop(), from), a = lanes(pop(), from);
    const unsigned n = 128 / from->getIntegerBitWidth();
    llvm::SmallVector<int, 16> all(2 * n);
    std::iota(all.begin(), all.end(), 0);
    V wide = b_.CreateShuffleVector(a, b, all);
    const unsigned to = from->getIntegerBitWidth() / 2;
    const llvm::APInt lowest =
        is_signed ? llvm::APInt::getSignedMinValue(to).sext(2 * to) : llvm::APInt(2 * to, 0);
    const llvm::APInt highest = is_signed ? llvm::APInt::getSignedMaxValue(to).sext(2 * to)
                                          : llvm::APInt::getMaxValue(to).zext(2 * to);
    wide = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, wide,
                                    llvm::ConstantInt::get(wide->getType(), lowest));
    wide = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, wide,
                                    llvm::ConstantInt::get(wide->getType(), highest));
    result(b_.CreateTrunc(wide, llvm::FixedVectorType::get(element, 2 * n)));
  };
  auto extract = [&](Kind kind) {
    V lane = b_.CreateExtractElement(lanes(pop(), element), uint64_t{in_.lane});
    if (width < 32) {
      lane = is_signed ? b_.CreateSExt(lane, ir_.i32) : b_.CreateZExt(lane, ir_.i32);
    }
    push(lane, kind);
  };
  auto replace = [&] {
    V value = pop();
    if (width < 32) value = b_.CreateTrunc(value, element);
    result(b_.CreateInsertElement(lanes(pop(), element), value, uint64_t{in_.lane}));
  };
  auto splat = [&] {
    V value = pop();
    if (width < 32) value = b_.CreateTrunc(value, element);
    result(b_.CreateVectorSplat(128 / width, value));
  };

  switch (in_.op) {
    case Op::i8x16_shuffle: {
      V b = lanes(pop(), ir_.i8), a = lanes(pop(), ir_.i8);
      llvm::SmallVector<int, 16> picked(in_.v128.begin(), in_.v128.end());
      return result(b_.CreateShuffleVector(a, b, picked));
    }
    case Op::i8x16_swizzle:
    case Op::i8x16_relaxed_swizzle:
      return two([&](V a, V b) { return swizzle(a, b); });
      INTS(splat) : FLOATS(splat) : return splat();
    case Op::i8x16_extract_lane_s:
    case Op::i8x16_extract_lane_u:
    case Op::i16x8_extract_lane_s:
    case Op::i16x8_extract_lane_u:
    case Op::i32x4_extract_lane:
      return extract(Kind::i32);
    case Op::i64x2_extract_lane:
      return extract(Kind::i64);
    case Op::f32x4_extract_lane:
      return extract(Kind::f32);
    case Op::f64x2_extract_lane:
      return extract(Kind::f64);
      INTS(replace_lane) : FLOATS(replace_lane) : return replace();

      INTS(eq) : return compare(Pred::ICMP_EQ);
      INTS(ne) : return compare(Pred::ICMP_NE);
      INTS(lt_s) : return compare(Pred::ICMP_SLT);
      INTS(gt_s) : return compare(Pred::ICMP_SGT);
      INTS(le_s) : return compare(Pred::ICMP_SLE);
      INTS(ge_s) : return compare(Pred::ICMP_SGE);
      THREE(lt_u) : return compare(Pred::ICMP_ULT);
      THREE(gt_u) : return compare(Pred::ICMP_UGT);
      THREE(le_u) : return compare(Pred::ICMP_ULE);
      THREE(ge_u) : return compare(Pred::ICMP_UGE);
      FLOATS(eq) : return compare(Pred::FCMP_OEQ);
      FLOATS(ne) : return compare(Pred::FCMP_UNE);
      FLOATS(lt) : return compare(Pred::FCMP_OLT);
      FLOATS(gt) : return compare(Pred::FCMP_OGT);
      FLOATS(le) : return compare(Pred::FCMP_OLE);
      FLOATS(ge) : return compare(Pred::FCMP_OGE);

    case Op::v128_not:
      return one([&](V a) { return b_.CreateNot(a); });
    case Op::v128_and:
      return two([&](V a, V b) { return b_.CreateAnd(a, b); });
    case Op::v128_andnot:
      return two([&](V a, V b) { return b_.CreateAnd(a, b_.CreateNot(b)); });
    case Op::v128_or:
      return two([&](V a, V b) { return b_.CreateOr(a, b); });
    case Op::v128_xor:
      return two([&](V a, V b) { return b_.CreateXor(a, b); });
    case Op::v128_bitselect:
      INTS(relaxed_laneselect) : return bitselect();
    case Op::v128_any_true: {
      V any =
          b_.CreateICmpNE(b_.CreateBitCast(pop(), ir_.i128), llvm::ConstantInt::get(ir_.i128, 0));
      return push(b_.CreateZExt(any, ir_.i32), Kind::i32);
    }
      INTS(all_true) : {
        V zeros = b_.CreateIsNull(lanes(pop(), element));
        const unsigned n = 128 / width;
        V mask = b_.CreateBitCast(zeros, llvm::Type::getIntNTy(ir_.context, n));
        return push(b_.CreateZExt(b_.CreateIsNull(mask), ir_.i32), Kind::i32);
      }
      INTS(bitmask) : {
        V a = lanes(pop(), element);
        return bits(b_.CreateICmpSLT(a, llvm::Constant::getNullValue(a->getType())));
      }

      INTS(abs)
          : return one([&](V a) {
              return b_.CreateBinaryIntrinsic(llvm::Intrinsic::abs, a, b_.getFalse());
            });
      INTS(neg) : return one([&](V a) { return b_.CreateNeg(a); });
      INTS(add) : return two([&](V a, V b) { return b_.CreateAdd(a, b); });
      INTS(sub) : return two([&](V a, V b) { return b_.CreateSub(a, b); });
    case Op::i16x8_mul:
    case Op::i32x4_mul:
    case Op::i64x2_mul:
      return two([&](V a, V b) { return b_.CreateMul(a, b); });
      INTS(shl) : return shift([&](V a, V n) { return b_.CreateShl(a, n); });
      INTS(shr_s) : return shift([&](V a, V n) { return b_.CreateAShr(a, n); });
      INTS(shr_u) : return shift([&](V a, V n) { return b_.CreateLShr(a, n); });
      NARROW(add_sat_s) : return both(llvm::Intrinsic::sadd_sat);
      NARROW(add_sat_u) : return both(llvm::Intrinsic::uadd_sat);
      NARROW(sub_sat_s) : return both(llvm::Intrinsic::ssub_sat);
      NARROW(sub_sat_u) : return both(llvm::Intrinsic::usub_sat);
      THREE(min_s) : return both(llvm::Intrinsic::smin);
      THREE(min_u) : return both(llvm::Intrinsic::umin);
      THREE(max_s) : return both(llvm::Intrinsic::smax);
      THREE(max_u) : return both(llvm::Intrinsic::umax);
      NARROW(avgr_u)
          : return two([&](V a, V b) {
              auto* wide =
                  a->getType()->getWithNewType(llvm::Type::getIntNTy(ir_.context, width * 2));
              V sum = b_.CreateAdd(b_.CreateZExt(a, wide), b_.CreateZExt(b, wide));
              sum = b_.CreateAdd(sum, llvm::ConstantInt::get(wide, 1));
              return b_.CreateTrunc(b_.CreateLShr(sum, llvm::ConstantInt::get(wide, 1)),
                                    a->getType());
            });
    case Op::i8x16_popcnt:
      return each(llvm::Intrinsic::ctpop);
    case Op::i16x8_q15mulr_sat_s:
    case Op::i16x8_relaxed_q15mulr_s:
      return q15mulr();
    case Op::i8x16_narrow_i16x8_s:
    case Op::i8x16_narrow_i16x8_u:
      return narrow(ir_.i16);
    case Op::i16x8_narrow_i32x4_s:
    case Op::i16x8_narrow_i32x4_u:
      return narrow(ir_.i32);
    case Op::i16x8_extend_low_i8x16_s:
    case Op::i16x8_extend_low_i8x16_u:
    case Op::i32x4_extend_low_i16x8_s:
    case Op::i32x4_extend_low_i16x8_u:
    case Op::i64x2_extend_low_i32x4_s:
    case Op::i64x2_extend_low_i32x4_u:
      return result(halves(pop(), half, false, is_signed));
    case Op::i16x8_extend_high_i8x16_s:
    case Op::i16x8_extend_high_i8x16_u:
    case Op::i32x4_extend_high_i16x8_s:
    case Op::i32x4_extend_high_i16x8_u:
    case Op::i64x2_extend_high_i32x4_s:
    case Op::i64x2_extend_high_i32x4_u:
      return result(halves(pop(), half, true, is_signed));
    case Op::i16x8_extmul_low_i8x16_s:
    case Op::i16x8_extmul_low_i8x16_u:
    case Op::i32x4_extmul_low_i16x8_s:
    case Op::i32x4_extmul_low_i16x8_u:
    case Op::i64x2_extmul_low_i32x4_s:
    case Op::i64x2_extmul_low_i32x4_u:
      return extmul(false);
    case Op::i16x8_extmul_high_i8x16_s:
    case Op::i16x8_extmul_high_i8x16_u:
    case Op::i32x4_extmul_high_i16x8_s:
    case Op::i32x4_extmul_high_i16x8_u:
    case Op::i64x2_extmul_high_i32x4_s:
    case Op::i64x2_extmul_high_i32x4_u:
      return extmul(true);
    case Op::i16x8_extadd_pairwise_i8x16_s:
    case Op::i16x8_extadd_pairwise_i8x16_u:
    case Op::i32x4_extadd_pairwise_i16x8_s:
    case Op::i32x4_extadd_pairwise_i16x8_u: {
      V a = pop();
      return result(
          b_.CreateAdd(pairwise(a, half, is_signed, false), pairwise(a, half, is_signed, true)));
    }
    case Op::i32x4_dot_i16x8_s: {
      V b = pop(), a = pop();
      V even = b_.CreateMul(pairwise(a, ir_.i16, true, false), pairwise(b, ir_.i16, true, false));
      V odd = b_.CreateMul(pairwise(a, ir_.i16, true, true), pairwise(b, ir_.i16, true, true));
      return result(b_.CreateAdd(even, odd));
    }
    case Op::i16x8_relaxed_dot_i8x16_i7x16_s: {
      V b = pop(), a = pop();
      return result(dot8(a, b));
    }
    case Op::i32x4_relaxed_dot_i8x16_i7x16_add_s: {
      V c = lanes(pop(), ir_.i32), b = pop(), a = pop();
      V dot = v128_of(dot8(a, b));
      V sums =
          b_.CreateAdd(pairwise(dot, ir_.i16, true, false), pairwise(dot, ir_.i16, true, true));
      return result(b_.CreateAdd(sums, c));
    }

      FLOATS(abs) : return each(llvm::Intrinsic::fabs);
      FLOATS(neg) : return one([&](V a) { return b_.CreateFNeg(a); });
      FLOATS(sqrt) : return each(llvm::Intrinsic::sqrt);
      FLOATS(ceil) : return each(llvm::Intrinsic::ceil);
      FLOATS(floor) : return each(llvm::Intrinsic::floor);
      FLOATS(trunc) : return each(llvm::Intrinsic::trunc);
      FLOATS(nearest) : return each(llvm::Intrinsic::roundeven);
      FLOATS(add) : return arithmetic(llvm::Instruction::FAdd);
      FLOATS(sub) : return arithmetic(llvm::Instruction::FSub);
      FLOATS(mul) : return arithmetic(llvm::Instruction::FMul);
      FLOATS(div) : return arithmetic(llvm::Instruction::FDiv);
      FLOATS(min)
          : FLOATS(relaxed_min) : return two([&](V a, V b) { return float_min_max(a, b, false); });
      FLOATS(max)
          : FLOATS(relaxed_max) : return two([&](V a, V b) { return float_min_max(a, b, true); });
      FLOATS(pmin)
          : return two([&](V a, V b) { return b_.CreateSelect(b_.CreateFCmpOLT(b, a), b, a); });
      FLOATS(pmax)
          : return two([&](V a, V b) { return b_.CreateSelect(b_.CreateFCmpOLT(a, b), b, a); });
      FLOATS(relaxed_madd) : return madd(false);
      FLOATS(relaxed_nmadd) : return madd(true);
    case Op::i32x4_trunc_sat_f32x4_s:
    case Op::i32x4_relaxed_trunc_f32x4_s:
      return result(saturated(ir_.i32, 4, true));
    case Op::i32x4_trunc_sat_f32x4_u:
    case Op::i32x4_relaxed_trunc_f32x4_u:
      return result(saturated(ir_.i32, 4, false));
    case Op::i32x4_trunc_sat_f64x2_s_zero:
    case Op::i32x4_relaxed_trunc_f64x2_s_zero:
      return zero_high(saturated(ir_.i32, 2, true));
    case Op::i32x4_trunc_sat_f64x2_u_zero:
    case Op::i32x4_relaxed_trunc_f64x2_u_zero:
      return zero_high(saturated(ir_.i32, 2, false));
    case Op::f32x4_convert_i32x4_s:
      return result(b_.CreateSIToFP(lanes(pop(), ir_.i32), llvm::FixedVectorType::get(ir_.f32, 4)));
    case Op::f32x4_convert_i32x4_u:
      return result(b_.CreateUIToFP(lanes(pop(), ir_.i32), llvm::FixedVectorType::get(ir_.f32, 4)));
    case Op::f64x2_convert_low_i32x4_s:
      return result(b_.CreateSIToFP(low_lanes(lanes(pop(), ir_.i32)),
                                    llvm::FixedVectorType::get(ir_.f64, 2)));
    case Op::f64x2_convert_low_i32x4_u:
      return result(b_.CreateUIToFP(low_lanes(lanes(pop(), ir_.i32)),
                                    llvm::FixedVectorType::get(ir_.f64, 2)));
    case Op::f32x4_demote_f64x2_zero:
      return zero_high(
          b_.CreateFPTrunc(lanes(pop(), ir_.f64), llvm::FixedVectorType::get(ir_.f32, 2)));
    case Op::f64x2_promote_low_f32x4:
      return result(
          b_.CreateFPExt(low_lanes(lanes(pop(), ir_.f32)), llvm::FixedVectorType::get(ir_.f64, 2)));
    default:
      return;  // every operator has its case
  }
}

#undef NARROW
#undef THREE
#undef INTS
#undef FLOATS

}  // namespace sedge::llvmc
