// Emitters of vector operators.
#include <algorithm>
#include <cstring>

#include "baseline/a64/emit.h"

#if defined(__aarch64__)

namespace sedge::baseline::a64 {

namespace {

using Kind = Operand::Kind;
using Asm = MacroAssembler;
constexpr Reg kScratchVec = Asm::kScratchVec, kValueVec = Asm::kValueVec;

// Unless said otherwise on 16 bytes.
constexpr uint32_t kNot = 0x6e20'5800, kAndV = 0x4e20'1c00, kSelect = 0x6e60'1c00,
                   kZip1Bytes = 0x4e00'3800, kExt = 0x6e00'0000, kTable1 = 0x4e00'0000,
                   kTable2 = 0x4e00'2000, kBelowZero = 0x4e20'a800, kIsZero64 = 0x4ee0'9800,
                   kMax32Across = 0x6eb0'a800, kAddPairs32 = 0x4ea0'bc00,
                   kMultiplyLow16 = 0x0e60'c000, kMultiplyHigh16 = 0x4e60'c000;
// Lanes and general registers; a lane is named by bits from 16 on.
constexpr uint32_t kDup = 0x4e00'0c00, kDupLane = 0x4e00'0400, kDupScalar = 0x5e00'0400,
                   kInsert = 0x4e00'1c00, kInsertLane = 0x6e00'0400, kUmov = 0x0e00'3c00,
                   kUmovWide = 0x4e00'3c00, kSmov = 0x0e00'2c00;

uint32_t lane_bits(uint32_t log2, unsigned lane) { return (lane << (log2 + 1) | 1u << log2) << 16; }

/// A shift by an immediate of 0 to lane bits - 1, not 0 to the right.
uint32_t shift_ins(bool right, bool is_signed, unsigned bits, unsigned count) {
  const unsigned field = right ? 2 * bits - count : bits + count;
  const uint32_t ins = !right ? 0x4f00'5400 : is_signed ? 0x4f00'0400 : 0x6f00'0400;
  return ins | field << 16;
}

}  // namespace

void vec_binary(Compiler& c, const Emitter& row) {
  Operand b = c.take(), a = c.take();
  if (row.b != 0) std::swap(a, b);
  const Reg right = settle(c, b, kScratchVec), left = settle(c, a, kValueVec);
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  c.code().rrr(row.a, to, left, right);
  if (row.c != 0) c.code().rr(kNot, to, to);
  c.push(Cls::v, to);
}

void vec_unary(Compiler& c, const Emitter& row) {
  const Reg a = c.take_reg();
  const Reg to = c.dest(Cls::v, 0, a);
  c.code().rr(row.a, to, a);
  if (row.b != 0) c.code().rr(row.b, to, to);
  c.push(Cls::v, to);
}

void vec_fold(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Reg a = c.take_reg();
  m.rr(row.a, kScratchVec, a);
  m.from_vec(false, Asm::kScratch, kScratchVec);
  m.test(false, Asm::kScratch, Asm::kScratch);
  c.push_flags(static_cast<Cond>(row.b));
}

void vec_all_true64(Compiler& c, const Emitter&) {
  Asm& m = c.code();
  const Reg a = c.take_reg();
  m.rr(kIsZero64, kScratchVec, a);
  m.rr(kMax32Across, kScratchVec, kScratchVec);
  m.from_vec(false, Asm::kScratch, kScratchVec);
  m.test(false, Asm::kScratch, Asm::kScratch);
  c.push_flags(Cond::e);
}

void vec_bitmask(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const unsigned log2 = row.a, bits = 8u << log2;
  const Reg a = c.take_reg();
  const Reg to = c.dest(Cls::i);
  // Each lane its bit, then their sum: bytes as pairs of both halves.
  uint64_t halves[2] = {0, 0};
  for (unsigned i = 0; i < 128 / bits; i++) {
    halves[i * bits / 64] |= uint64_t{1} << (log2 == 0 ? i % 8 : i) << i * bits % 64;
  }
  m.rr(kBelowZero | log2 << 22, kScratchVec, a);
  c.vector_constant(kValueVec, halves[0], halves[1]);
  m.rrr(kAndV, kScratchVec, kScratchVec, kValueVec);
  if (log2 == 0) {
    m.rrr(kExt | 8u << 11, kValueVec, kScratchVec, kScratchVec);
    m.rrr(kZip1Bytes, kScratchVec, kScratchVec, kValueVec);
  }
  m.rr(0x4e31'b800 | std::max(log2, 1u) << 22, kScratchVec, kScratchVec);  // addv
  m.from_vec(false, to, kScratchVec);
  c.push(Cls::i, to);
}

void vec_bitmask64(Compiler& c, const Emitter&) {
  Asm& m = c.code();
  const Reg a = c.take_reg();
  const Reg to = c.dest(Cls::i);
  m.rr(kUmovWide | lane_bits(3, 0), Asm::kScratch, a);
  m.rr(kUmovWide | lane_bits(3, 1), Asm::kPlace, a);
  m.shift_imm(Shift::shr, true, Asm::kScratch, Asm::kScratch, 63);
  m.shift_imm(Shift::shr, true, Asm::kPlace, Asm::kPlace, 63);
  m.op(kOrr | 1u << 10, true, to, Asm::kScratch, Asm::kPlace);
  c.push(Cls::i, to);
}

void vec_shift(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const unsigned log2 = row.b, bits = 8u << log2;
  const bool right = row.c != 0;
  const Operand count = c.take();
  const Operand a = c.take();
  const Reg from = settle(c, a, kValueVec);
  if (count.is(Kind::constant)) {
    const unsigned by = static_cast<unsigned>(count.bits) & (bits - 1);
    const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
    if (by == 0) {
      m.move(Cls::v, to, from);
    } else {
      m.rr(shift_ins(right, (row.a & 0x2000'0000) == 0, bits, by), to, from);
    }
    return c.push(Cls::v, to);
  }
  // Counts are the lowest byte of each lane, negative to the right.
  m.alu_imm(Alu::and_, false, Asm::kScratch, settle(c, count, Asm::kScratch), bits - 1);
  if (right) m.op(kSub, false, Asm::kScratch, zr, Asm::kScratch);
  m.rr(kDup | lane_bits(log2, 0), kScratchVec, Asm::kScratch);
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  m.rrr(row.a, to, from, kScratchVec);
  c.push(Cls::v, to);
}

void vec_select(Compiler& c, const Emitter&) {
  Asm& m = c.code();
  const Operand mask = c.take();
  const Reg b = c.take_reg(), a = c.take_reg();
  c.move_to_reg(mask, kScratchVec);
  m.rrr(kSelect, kScratchVec, a, b);
  const Reg to = c.dest(Cls::v, 0, a);
  m.move(Cls::v, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_pseudo_extreme(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Reg b = c.take_reg(), a = c.take_reg();
  // Where a is the greater (or smaller) one b, else a: also of NaNs.
  m.rrr(row.a, kScratchVec, row.b != 0 ? b : a, row.b != 0 ? a : b);
  m.rrr(kSelect, kScratchVec, b, a);
  const Reg to = c.dest(Cls::v, 0, a);
  m.move(Cls::v, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_narrow(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Reg b = c.take_reg(), a = c.take_reg();
  m.rr(row.a, kScratchVec, a);
  m.rr(row.b, kScratchVec, b);
  const Reg to = c.dest(Cls::v, 0, a);
  m.move(Cls::v, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_dot(Compiler& c, const Emitter&) {
  Asm& m = c.code();
  const Reg b = c.take_reg(), a = c.take_reg();
  m.rrr(kMultiplyLow16, kScratchVec, a, b);
  m.rrr(kMultiplyHigh16, kValueVec, a, b);
  const Reg to = c.dest(Cls::v, 0, a);
  m.rrr(kAddPairs32, to, kScratchVec, kValueVec);
  c.push(Cls::v, to);
}

void vec_multiply64(Compiler& c, const Emitter&) {
  Asm& m = c.code();
  const Reg b = c.take_reg(), a = c.take_reg();
  for (unsigned lane : {0u, 1u}) {
    m.rr(kUmovWide | lane_bits(3, lane), Asm::kScratch, a);
    m.rr(kUmovWide | lane_bits(3, lane), Asm::kPlace, b);
    m.op(kMul, true, Asm::kScratch, Asm::kScratch, Asm::kPlace);
    m.rr(kInsert | lane_bits(3, lane), kScratchVec, Asm::kScratch);
  }
  const Reg to = c.dest(Cls::v, 0, a);
  m.move(Cls::v, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_multiply_add(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Reg addend = c.take_reg(), b = c.take_reg();
  Reg a = c.take_reg();
  if (row.c != 0) {
    m.rr(row.c, kScratchVec, a);
    a = kScratchVec;
  }
  m.rrr(row.a, kScratchVec, a, b);
  const Reg to = c.dest(Cls::v, 0, addend);
  m.rrr(row.b, to, kScratchVec, addend);
  c.push(Cls::v, to);
}

void vec_splat(Compiler& c, const Emitter& row) {
  const Reg a = c.take_reg();
  const Reg to = c.dest(Cls::v, 0, a);
  const bool general = static_cast<Cls>(row.b) == Cls::i;
  c.code().rr((general ? kDup : kDupLane) | lane_bits(row.a, 0), to, a);
  c.push(Cls::v, to);
}

void vec_extract(Compiler& c, const Emitter& row) {
  const auto cls = static_cast<Cls>(row.b);
  const Reg a = c.take_reg();
  const Reg to = c.dest(cls, 0, a);
  const uint32_t ins = cls != Cls::i ? kDupScalar
                       : row.c != 0  ? kSmov
                       : row.a == 3  ? kUmovWide
                                     : kUmov;
  c.code().rr(ins | lane_bits(row.a, c.in().lane), to, a);
  c.push(cls, to);
}

void vec_replace(Compiler& c, const Emitter& row) {
  const Reg value = c.take_reg();
  const Operand a = c.take();
  const Reg to = c.dest(Cls::v, reg_bit(value), reg_or_none(a));
  c.move_to_reg(a, to);
  const bool general = static_cast<Cls>(row.b) == Cls::i;
  c.code().rr((general ? kInsert : kInsertLane) | lane_bits(row.a, c.in().lane), to, value);
  c.push(Cls::v, to);
}

void vec_swizzle(Compiler& c, const Emitter&) {
  const Reg indices = c.take_reg(), a = c.take_reg();
  const Reg to = c.dest(Cls::v, 0, a);
  c.code().rrr(kTable1, to, a, indices);  // gives 0 from 16 on
  c.push(Cls::v, to);
}

void vec_shuffle(Compiler& c, const Emitter&) {
  Asm& m = c.code();
  // The two tables are registers side by side.
  static_assert(kValueVec + 1 == kScratchVec);
  uint64_t halves[2];
  std::memcpy(halves, c.in().v128.data(), sizeof(halves));
  const Operand b = c.take(), a = c.take();
  c.move_to_reg(a, kValueVec);
  c.move_to_reg(b, kScratchVec);
  const Reg to = c.dest(Cls::v);
  c.vector_constant(to, halves[0], halves[1]);
  m.rrr(kTable2, to, kValueVec, to);
  c.push(Cls::v, to);
}

}  // namespace sedge::baseline::a64

#endif
