// Emitters of vector operators. What takes more than a few instructions is left to helpers.
#include <cstring>

#include "baseline/x64/emit.h"

#if defined(__x86_64__)

namespace sedge::baseline::x64 {

namespace {

using Kind = Operand::Kind;
constexpr Reg kScratch = MacroAssembler::kScratch, kScratchVec = MacroAssembler::kScratchVec;

// Instructions used in sequences.
constexpr Ins kAnd{k66, 1, 0xdb}, kAndNot{k66, 1, 0xdf}, kOr{k66, 1, 0xeb}, kXor{k66, 1, 0xef};
constexpr Ins kEqual8{k66, 1, 0x74}, kEqual16{k66, 1, 0x75};
constexpr Ins kTest{k66, 2, 0x17}, kShuffle8{k66, 2, 0x00}, kShuffle32{k66, 1, 0x70};
constexpr Ins kShuffleLow16{kF2, 1, 0x70};
constexpr Ins packed(uint32_t code, bool is_double) {
  return {is_double ? k66 : kNoPrefix, 1, static_cast<uint8_t>(code)};
}

void clear(MacroAssembler& m, Reg reg) { m.vec(kXor, reg, reg); }
void ones(MacroAssembler& m, Reg reg) { m.vec(kEqual8, reg, reg); }
void invert(MacroAssembler& m, Reg reg) {
  ones(m, kScratchVec);
  m.vec(kXor, reg, kScratchVec);
}
/// psrl, psll, psra by a constant: opcode 71, 72, 73 for lanes of 16, 32, 64; extension 2, 6, 4.
void shift_lanes(MacroAssembler& m, Reg reg, uint8_t opcode, uint8_t extension, unsigned count) {
  m.rr({k66, 1, opcode}, extension, reg);
  m.byte(count);
}

/// Operands a and b of a binary operator: b in a register, a in the result's.
struct Pair {
  Reg to, b;
};
Pair take_pair(Compiler& c, bool exchanged, bool commutative) {
  Operand b = c.take(), a = c.take();
  if (exchanged) std::swap(a, b);
  if (commutative && b.is(Kind::reg) &&
      (!a.is(Kind::reg) || b.reg == c.target() || (!c.owned(a.reg) && c.owned(b.reg)))) {
    std::swap(a, b);
  }
  Reg right = b.reg;
  if (!b.is(Kind::reg)) {
    right = c.alloc(true);
    c.move_to_reg(b, right);
  }
  const Reg to = c.dest(Cls::v, reg_bit(right), reg_or_none(a));
  c.move_to_reg(a, to);
  return {to, right};
}

}  // namespace

void vec_binary(Compiler& c, const Emitter& row) {
  const Pair pair = take_pair(c, row.c != 0, row.b != 0);
  c.code().vec(unpack(row.a), pair.to, pair.b);
  c.push(Cls::v, pair.to);
}

void vec_compare(Compiler& c, const Emitter& row) {
  const Pair pair = take_pair(c, row.b != 0, false);
  c.code().vec(unpack(row.a), pair.to, pair.b);
  if (row.c != 0) invert(c.code(), pair.to);
  c.push(Cls::v, pair.to);
}

void vec_compare_unsigned(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  // a >= b exactly if max(a, b) == a; min for <=.
  const Pair pair = take_pair(c, false, false);
  m.move(Cls::v, kScratchVec, pair.to);
  m.vec(unpack(row.a), kScratchVec, pair.b);
  m.vec(unpack(row.b), pair.to, kScratchVec);
  if (row.c != 0) invert(m, pair.to);
  c.push(Cls::v, pair.to);
}

void vec_float_compare(Compiler& c, const Emitter& row) {
  const Pair pair = take_pair(c, row.c != 0, false);
  c.code().vec_imm(packed(0xc2, row.a != 0), pair.to, pair.b, row.b);
  c.push(Cls::v, pair.to);
}

void vec_unary(Compiler& c, const Emitter& row) {
  const Reg a = c.take_reg();
  const Reg to = c.dest(Cls::v, 0, a);
  c.code().vec(unpack(row.a), to, a);
  c.push(Cls::v, to);
}

void vec_round(Compiler& c, const Emitter& row) {
  const Reg a = c.take_reg();
  const Reg to = c.dest(Cls::v, 0, a);
  c.code().vec_imm(unpack(row.a), to, a, row.b | 8);
  c.push(Cls::v, to);
}

void vec_float_sign(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Operand a = c.take();
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  c.move_to_reg(a, to);
  const uint8_t opcode = row.b != 0 ? 0x73 : 0x72;
  const unsigned bits = row.b != 0 ? 63 : 31;
  ones(m, kScratchVec);
  if (row.a == 0) {
    shift_lanes(m, kScratchVec, opcode, 2, 1);
    m.vec(kAnd, to, kScratchVec);
  } else {
    shift_lanes(m, kScratchVec, opcode, 6, bits);
    m.vec(kXor, to, kScratchVec);
  }
  c.push(Cls::v, to);
}

void vec_float_extreme(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool is_double = row.b != 0;
  const Ins extreme = packed(row.a, is_double), combine = row.a == 0x5d ? kOr : kAnd;
  const Pair pair = take_pair(c, false, false);
  const Reg number = c.alloc(true);
  // Both ways round: the combination is right for zeros of different sign.
  m.move(Cls::v, number, pair.to);
  m.vec(extreme, number, pair.b);
  m.move(Cls::v, kScratchVec, pair.b);
  m.vec(extreme, kScratchVec, pair.to);
  m.vec(combine, number, kScratchVec);
  // Unordered lanes: the sum, a quiet NaN.
  m.move(Cls::v, kScratchVec, pair.to);
  m.vec_imm(packed(0xc2, is_double), kScratchVec, pair.b, 3);
  m.vec(packed(0x58, is_double), pair.to, pair.b);
  m.vec(kAnd, pair.to, kScratchVec);
  m.vec(kAndNot, kScratchVec, number);
  m.vec(kOr, pair.to, kScratchVec);
  c.push(Cls::v, pair.to);
}

void vec_not(Compiler& c, const Emitter&) {
  const Operand a = c.take();
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  c.move_to_reg(a, to);
  invert(c.code(), to);
  c.push(Cls::v, to);
}

void vec_select(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  const Reg mask = c.take_reg(), b = c.take_reg();
  const Operand a = c.take();
  const Reg to = c.dest(Cls::v, reg_bit(mask) | reg_bit(b), reg_or_none(a));
  c.move_to_reg(a, to);
  m.vec(kXor, to, b);
  m.vec(kAnd, to, mask);
  m.vec(kXor, to, b);
  c.push(Cls::v, to);
}

void vec_any_true(Compiler& c, const Emitter&) {
  const Reg a = c.take_reg();
  c.code().vec(kTest, a, a);
  c.push_flags(Cond::ne);
}

void vec_all_true(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Reg a = c.take_reg();
  clear(m, kScratchVec);
  m.vec(unpack(row.a), kScratchVec, a);
  m.vec(kTest, kScratchVec, kScratchVec);
  c.push_flags(Cond::e);
}

void vec_bitmask(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  Reg a = c.take_reg();
  const Reg to = c.dest(Cls::i);
  if (row.b != 0) {
    m.move(Cls::v, kScratchVec, a);
    m.vec({k66, 1, 0x63}, kScratchVec, kScratchVec);  // packsswb
    a = kScratchVec;
  }
  m.rr(unpack(row.a), to, a);
  if (row.b != 0) m.load8_register(to, to);
  c.push(Cls::i, to);
}

void vec_negate(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Reg a = c.take_reg();
  clear(m, kScratchVec);
  m.vec(unpack(row.a), kScratchVec, a);
  const Reg to = c.dest(Cls::v, 0, a);
  m.move(Cls::v, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_shift(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Operand count = c.take();
  if (count.is(Kind::constant)) {
    m.imm(kScratch, count.bits & (row.b - 1));
  } else {
    c.move_to_reg(count, kScratch);
    m.alu(Alu::and_, false, kScratch, static_cast<int32_t>(row.b - 1));
  }
  const Operand a = c.take();
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  m.to_vec(false, kScratchVec, kScratch);
  c.move_to_reg(a, to);
  m.vec(unpack(row.a), to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_shift8(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  constexpr Ins kLow{k66, 1, 0x60}, kHigh{k66, 1, 0x68}, kPackSigned{k66, 1, 0x63},
      kPackUnsigned{k66, 1, 0x67};
  // Each byte twice makes a word, which is shifted by 8 more.
  const Operand count = c.take();
  const Operand a = c.take();
  const Reg high = c.alloc(true);
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  c.move_to_reg(count, kScratch);
  m.alu(Alu::and_, false, kScratch, 7);
  m.alu(Alu::add, false, kScratch, 8);
  m.to_vec(false, kScratchVec, kScratch);
  c.move_to_reg(a, to);
  m.move(Cls::v, high, to);
  m.vec(kLow, to, to);
  m.vec(kHigh, high, high);
  for (Reg half : {to, high}) {
    m.vec(unpack(row.a), half, kScratchVec);
    if (row.b == 1) shift_lanes(m, half, 0x71, 2, 8);  // to the left: down from the upper byte
  }
  m.vec(row.b == 2 ? kPackSigned : kPackUnsigned, to, high);
  c.push(Cls::v, to);
}

void vec_shift64_signed(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  constexpr Ins kShift{k66, 1, 0xd3}, kSubtract{k66, 1, 0xfb};
  constexpr uint64_t kSign = uint64_t{1} << 63;
  const Operand count = c.take();
  const Operand a = c.take();
  const Reg sign = c.alloc(true);
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  c.move_to_reg(count, kScratch);
  m.alu(Alu::and_, false, kScratch, 63);
  m.to_vec(false, kScratchVec, kScratch);
  c.move_to_reg(a, to);
  // Where the sign went, it is spread upwards by a subtraction.
  c.vector_constant(sign, kSign, kSign);
  m.vec(kShift, sign, kScratchVec);
  m.vec(kShift, to, kScratchVec);
  m.vec(kXor, to, sign);
  m.vec(kSubtract, to, sign);
  c.push(Cls::v, to);
}

void vec_convert_unsigned(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  constexpr Ins kConvert{0, 1, 0x5b};
  constexpr uint64_t kTwo16 = 0x4780'0000'4780'0000;
  // Halves of 16 bits are exact, so that only the sum rounds.
  const Operand a = c.take();
  const Reg upper = c.alloc(true);
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  c.move_to_reg(a, to);
  m.move(Cls::v, upper, to);
  shift_lanes(m, upper, 0x72, 2, 16);
  m.vec(kConvert, upper, upper);
  c.vector_constant(kScratchVec, kTwo16, kTwo16);
  m.vec(packed(0x59, false), upper, kScratchVec);
  shift_lanes(m, to, 0x72, 6, 16);
  shift_lanes(m, to, 0x72, 2, 16);
  m.vec(kConvert, to, to);
  m.vec(packed(0x58, false), to, upper);
  c.push(Cls::v, to);
}

void vec_extend(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  Reg a = c.take_reg();
  const Reg to = c.dest(Cls::v, 0, a);
  if (row.b != 0) {
    m.vec_imm(kShuffle32, to, a, 0xee);
    a = to;
  }
  m.vec(unpack(row.a), to, a);
  c.push(Cls::v, to);
}

void vec_multiply_extended(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Ins extend = unpack(row.a), multiply = unpack(row.b);
  Reg b = c.take_reg(), a = c.take_reg();
  const Reg to = c.dest(Cls::v, a == b ? 0 : reg_bit(b), a);
  if (row.c != 0) {
    m.vec_imm(kShuffle32, kScratchVec, b, 0xee);
    b = kScratchVec;
  }
  m.vec(extend, kScratchVec, b);
  if (row.c != 0) {
    m.vec_imm(kShuffle32, to, a, 0xee);
    a = to;
  }
  m.vec(extend, to, a);
  m.vec(multiply, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_multiply_extended64(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  // The multiplication takes lanes 0 and 2.
  const unsigned lanes = row.b != 0 ? 0xfa : 0x50;
  const Reg b = c.take_reg(), a = c.take_reg();
  m.vec_imm(kShuffle32, kScratchVec, b, lanes);
  const Reg to = c.dest(Cls::v, 0, a);
  m.vec_imm(kShuffle32, to, a, lanes);
  m.vec(unpack(row.a), to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_add_pairs(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  constexpr Ins kMultiplyAdd8{k66, 2, 0x04}, kMultiplyAdd16{k66, 1, 0xf5};
  constexpr uint64_t kOnes8 = 0x0101'0101'0101'0101, kOnes16 = 0x0001'0001'0001'0001;
  const Reg a = c.take_reg();
  if (row.a == 0) {  // unsigned ones times signed lanes
    c.vector_constant(kScratchVec, kOnes8, kOnes8);
    m.vec(kMultiplyAdd8, kScratchVec, a);
    const Reg to = c.dest(Cls::v, 0, a);
    m.move(Cls::v, to, kScratchVec);
    return c.push(Cls::v, to);
  }
  const Reg to = c.dest(Cls::v, 0, a);
  m.move(Cls::v, to, a);
  const uint64_t factor = row.a == 1 ? kOnes8 : kOnes16;
  c.vector_constant(kScratchVec, factor, factor);
  m.vec(row.a == 1 ? kMultiplyAdd8 : kMultiplyAdd16, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_multiply64(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  constexpr Ins kMultiply{k66, 1, 0xf4}, kAdd{k66, 1, 0xd4};
  const Pair pair = take_pair(c, false, false);
  const Reg cross = c.alloc(true);
  m.move(Cls::v, cross, pair.to);
  shift_lanes(m, cross, 0x73, 2, 32);
  m.vec(kMultiply, cross, pair.b);
  m.move(Cls::v, kScratchVec, pair.b);
  shift_lanes(m, kScratchVec, 0x73, 2, 32);
  m.vec(kMultiply, kScratchVec, pair.to);
  m.vec(kAdd, cross, kScratchVec);
  shift_lanes(m, cross, 0x73, 6, 32);
  m.vec(kMultiply, pair.to, pair.b);
  m.vec(kAdd, pair.to, cross);
  c.push(Cls::v, pair.to);
}

void vec_q15(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  constexpr uint64_t kLowest = 0x8000'8000'8000'8000;
  const Pair pair = take_pair(c, false, true);
  m.vec({k66, 2, 0x0b}, pair.to, pair.b);  // pmulhrsw, which does not saturate -1 * -1
  c.vector_constant(kScratchVec, kLowest, kLowest);
  m.vec(kEqual16, kScratchVec, pair.to);
  m.vec(kXor, pair.to, kScratchVec);
  c.push(Cls::v, pair.to);
}

void vec_multiply_add(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool is_double = row.a != 0;
  const Reg addend = c.take_reg(), b = c.take_reg();
  const Operand a = c.take();
  const Reg to = c.dest(Cls::v, reg_bit(addend) | reg_bit(b), reg_or_none(a));
  c.move_to_reg(a, to);
  if (row.b != 0) {
    ones(m, kScratchVec);
    shift_lanes(m, kScratchVec, is_double ? 0x73 : 0x72, 6, is_double ? 63 : 31);
    m.vec(kXor, to, kScratchVec);
  }
  m.vec(packed(0x59, is_double), to, b);
  m.vec(packed(0x58, is_double), to, addend);
  c.push(Cls::v, to);
}

void vec_truncate(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  const Operand a = c.take();
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  c.move_to_reg(a, to);
  // NaN becomes 0; what is too large comes out as the lowest number, whose bits are then inverted.
  m.move(Cls::v, kScratchVec, to);
  m.vec_imm(packed(0xc2, false), kScratchVec, kScratchVec, 0);
  m.vec(kAnd, to, kScratchVec);
  m.vec(kXor, kScratchVec, to);
  m.vec({kF3, 1, 0x5b}, to, to);  // cvttps2dq
  m.vec(kAnd, kScratchVec, to);
  shift_lanes(m, kScratchVec, 0x72, 4, 31);
  m.vec(kXor, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_convert_low_unsigned(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  // Bits of 2^52 above each lane, less 2^52.
  constexpr uint64_t kExponents = 0x4330'0000'4330'0000, kTwo52 = 0x4330'0000'0000'0000;
  const Operand a = c.take();
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  c.move_to_reg(a, to);
  c.vector_constant(kScratchVec, kExponents, kExponents);
  m.vec({0, 1, 0x14}, to, kScratchVec);  // unpcklps
  c.vector_constant(kScratchVec, kTwo52, kTwo52);
  m.vec({k66, 1, 0x5c}, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_splat(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Reg a = c.take_reg();
  const Reg to = c.dest(Cls::v, 0, a);
  if (static_cast<Cls>(row.b) == Cls::i) {
    m.to_vec(row.a == 8, to, a);
  } else {
    m.move(Cls::v, to, a);
  }
  switch (row.a) {
    case 1:
      clear(m, kScratchVec);
      m.vec(kShuffle8, to, kScratchVec);
      break;
    case 2:
      m.vec_imm(kShuffleLow16, to, to, 0);
      m.vec_imm(kShuffle32, to, to, 0);
      break;
    case 4:
      m.vec_imm(kShuffle32, to, to, 0);
      break;
    default:
      m.vec_imm(kShuffle32, to, to, 0x44);
      break;
  }
  c.push(Cls::v, to);
}

void vec_extract(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const auto cls = static_cast<Cls>(row.b);
  const unsigned lane = c.in().lane;
  const Reg a = c.take_reg();
  const Reg to = c.dest(cls, 0, a);
  switch (cls) {
    case Cls::f:                                          // zeros above
      m.vec_imm({k66, 3, 0x21}, to, a, lane << 6 | 0xe);  // insertps
      break;
    case Cls::d:
      m.vec_imm(kShuffle32, to, a, lane == 0 ? 0x44 : 0xee);
      break;
    default:
      if (row.a == 2) {
        m.vec_imm({k66, 1, 0xc5}, to, a, lane);  // pextrw
      } else {
        const Ins ins{k66, 3, row.a == 1 ? uint8_t{0x14} : uint8_t{0x16}};
        m.rr(ins, a, to, row.a == 8);
        m.byte(lane);
      }
      if (row.c != 0) m.rr({0, 1, row.a == 1 ? uint8_t{0xbe} : uint8_t{0xbf}}, to, to, false, true);
      break;
  }
  c.push(cls, to);
}

void vec_replace(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const auto cls = static_cast<Cls>(row.b);
  const unsigned lane = c.in().lane;
  const Reg value = c.take_reg();
  const Operand a = c.take();
  const Reg to = c.dest(Cls::v, reg_bit(value), reg_or_none(a));
  c.move_to_reg(a, to);
  switch (cls) {
    case Cls::f:
      m.vec_imm({k66, 3, 0x21}, to, value, lane << 4);
      break;
    case Cls::d:
      if (lane == 0) {
        m.vec({kF2, 1, 0x10}, to, value);  // movsd
      } else {
        m.vec({k66, 1, 0x14}, to, value);  // unpcklpd
      }
      break;
    default: {
      if (row.a == 2) {
        m.vec_imm({k66, 1, 0xc4}, to, value, lane);
      } else {
        m.rr({k66, 3, row.a == 1 ? uint8_t{0x20} : uint8_t{0x22}}, to, value, row.a == 8);
        m.byte(lane);
      }
      break;
    }
  }
  c.push(Cls::v, to);
}

void vec_swizzle(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  constexpr uint64_t kBias = 0x7070'7070'7070'7070;
  // Indices from 16 on get bit 7, for which pshufb gives 0.
  const Reg indices = c.take_reg();
  const Operand a = c.take();
  c.vector_constant(kScratchVec, kBias, kBias);
  m.vec({k66, 1, 0xdc}, kScratchVec, indices);  // paddusb
  const Reg to = c.dest(Cls::v, 0, reg_or_none(a));
  c.move_to_reg(a, to);
  m.vec(kShuffle8, to, kScratchVec);
  c.push(Cls::v, to);
}

void vec_shuffle(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  uint8_t first[16], second[16];
  bool uses_first = false, uses_second = false;
  for (size_t i = 0; i < 16; i++) {
    const uint8_t lane = c.in().v128[i];
    first[i] = lane < 16 ? lane : 0x80;
    second[i] = lane < 16 ? 0x80 : lane - 16;
    (lane < 16 ? uses_first : uses_second) = true;
  }
  auto shuffle = [&](Reg reg, const uint8_t (&control)[16]) {
    uint64_t halves[2];
    std::memcpy(halves, control, sizeof(halves));
    c.vector_constant(kScratchVec, halves[0], halves[1]);
    m.vec(kShuffle8, reg, kScratchVec);
  };
  const Operand b = c.take(), a = c.take();
  if (!uses_first || !uses_second) {
    const Operand& from = uses_first ? a : b;
    const Reg to = c.dest(Cls::v, 0, reg_or_none(from));
    c.move_to_reg(from, to);
    shuffle(to, uses_first ? first : second);
    return c.push(Cls::v, to);
  }
  Reg other = reg_or_none(b);
  if (other == kNoReg || !c.owned(other)) {
    other = c.alloc(true);
    c.move_to_reg(b, other);
  }
  shuffle(other, second);
  const Reg to = c.dest(Cls::v, reg_bit(other), reg_or_none(a));
  c.move_to_reg(a, to);
  shuffle(to, first);
  m.vec(kOr, to, other);
  c.push(Cls::v, to);
}

}  // namespace sedge::baseline::x64

#endif
