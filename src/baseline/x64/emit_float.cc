// Emitters of scalar float operators. A register with an f32 has zeros in bits 32 to 63, as its
// cell has: instructions that keep upper bits of their destination get a cleared one.
#include "baseline/x64/emit.h"

#if defined(__x86_64__)

namespace sedge::baseline::x64 {

namespace {

using Kind = Operand::Kind;
constexpr Reg kScratch = MacroAssembler::kScratch, kScratchVec = MacroAssembler::kScratchVec;
constexpr Ins kAnd{0, 1, 0x54}, kAndNot{0, 1, 0x55}, kOr{0, 1, 0x56}, kXor{0, 1, 0x57};

constexpr Ins scalar(uint32_t code, bool is_double) {
  return {is_double ? kF2 : kF3, 1, static_cast<uint8_t>(code)};
}
constexpr Ins compare_ins(bool is_double) { return {is_double ? k66 : kNoPrefix, 1, 0x2e}; }
constexpr Cls float_class(bool is_double) { return is_double ? Cls::d : Cls::f; }

void scratch_bits(MacroAssembler& m, uint64_t bits) {
  m.imm(kScratch, bits);
  m.to_vec(true, kScratchVec, kScratch);
}
void clear(MacroAssembler& m, Reg reg) { m.vec(kXor, reg, reg); }

constexpr uint64_t sign_bit(bool is_double) { return uint64_t{1} << (is_double ? 63 : 31); }
/// 2^63 as a float, without the sign.
constexpr uint64_t two_to_63(bool is_double) {
  return is_double ? uint64_t{0x43e0'0000'0000'0000} : uint64_t{0x5f00'0000};
}

}  // namespace

void float_binary(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool is_double = row.b != 0;
  const Ins ins = scalar(row.a, is_double);
  Operand b = c.take(), a = c.take();
  if (row.c != 0 && b.is(Kind::reg) &&
      (!a.is(Kind::reg) || b.reg == c.target() || (!c.owned(a.reg) && c.owned(b.reg)))) {
    std::swap(a, b);
  }
  if (b.is(Kind::constant)) {
    c.move_to_reg(b, kScratchVec);
    b.kind = Kind::reg;
    b.reg = kScratchVec;
  }
  const Reg to = c.dest(float_class(is_double), reg_bit(b), reg_or_none(a));
  c.move_to_reg(a, to);
  b.is(Kind::reg) ? m.vec(ins, to, b.reg) : m.vec(ins, to, MacroAssembler::cell(b.cell));
  c.push(float_class(is_double), to);
}

void float_extreme(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool is_double = row.b != 0, is_min = row.a == 0x5d;
  const Reg b = c.take_reg();
  const Operand a = c.take();
  const Reg to = c.dest(float_class(is_double), reg_bit(b), reg_or_none(a));
  c.move_to_reg(a, to);
  m.vec(compare_ins(is_double), to, b);
  const uint32_t nan = m.jump_if_near(Cond::p);
  const uint32_t differ = m.jump_if_near(Cond::ne);
  m.vec(is_min ? kOr : kAnd, to, b);  // equal: only zeros differ in bits
  const uint32_t done = m.jump_near();
  c.bind_here(nan);
  m.vec(scalar(0x58, is_double), to, b);  // the sum is a quiet NaN
  const uint32_t done_too = m.jump_near();
  c.bind_here(differ);
  m.vec(scalar(row.a, is_double), to, b);
  c.bind_here(done);
  c.bind_here(done_too);
  c.push(float_class(is_double), to);
}

void float_unary(Compiler& c, const Emitter& row) {
  const bool is_double = row.b != 0;
  const Reg a = c.take_reg();
  const Reg to = c.dest(float_class(is_double), 0, a);
  if (to != a) clear(c.code(), to);
  c.code().vec(scalar(row.a, is_double), to, a);
  c.push(float_class(is_double), to);
}

void float_round(Compiler& c, const Emitter& row) {
  const bool is_double = row.b != 0;
  const Reg a = c.take_reg();
  const Reg to = c.dest(float_class(is_double), 0, a);
  if (to != a) clear(c.code(), to);
  const Ins ins{k66, 3, is_double ? uint8_t{0x0b} : uint8_t{0x0a}};
  c.code().vec_imm(ins, to, a, row.a | 8);
  c.push(float_class(is_double), to);
}

void float_sign(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool is_double = row.b != 0;
  const Cls cls = float_class(is_double);
  const uint64_t sign = sign_bit(is_double);
  const uint64_t others = is_double ? ~sign : sign - 1;
  if (row.a != 2) {
    const Operand a = c.take();
    const Reg to = c.dest(cls, 0, reg_or_none(a));
    c.move_to_reg(a, to);
    scratch_bits(m, row.a == 0 ? others : sign);
    m.vec(row.a == 0 ? kAnd : kXor, to, kScratchVec);
    return c.push(cls, to);
  }
  const Reg b = c.take_reg();
  const Operand a = c.take();
  const Reg to = c.dest(cls, reg_bit(b), reg_or_none(a));
  c.move_to_reg(a, to);
  scratch_bits(m, others);
  m.vec(kAnd, to, kScratchVec);
  m.vec(kAndNot, kScratchVec, b);
  m.vec(kOr, to, kScratchVec);
  c.push(cls, to);
}

void float_compare(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool is_double = row.b != 0;
  Operand b = c.take(), a = c.take();
  if (row.c != 0) std::swap(a, b);
  if (!a.is(Kind::reg)) {
    const Reg reg = c.alloc(true);
    c.move_to_reg(a, reg);
    a.reg = reg;
  }
  if (b.is(Kind::constant)) {
    c.move_to_reg(b, kScratchVec);
    b.kind = Kind::reg;
    b.reg = kScratchVec;
  }
  const Ins ins = compare_ins(is_double);
  b.is(Kind::reg) ? m.vec(ins, a.reg, b.reg) : m.vec(ins, a.reg, MacroAssembler::cell(b.cell));
  c.push_flags(static_cast<Cond>(row.a));
}

void to_float(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool is_double = row.a != 0, from64 = row.b != 0, is_signed = row.c != 0;
  const Ins convert = scalar(0x2a, is_double);
  const Reg from = c.take_reg();
  const Reg to = c.dest(float_class(is_double));
  clear(m, to);
  if (is_signed || !from64) {
    // An unsigned i32 is a positive i64.
    m.rr(convert, to, from, from64 || !is_signed);
    return c.push(float_class(is_double), to);
  }
  const Reg half = c.alloc(false);
  m.test(true, from, from);
  const uint32_t big = m.jump_if_near(Cond::s);
  m.rr(convert, to, from, true);
  const uint32_t done = m.jump_near();
  c.bind_here(big);
  // Half of it, the last bit kept for rounding, twice.
  m.move64(kScratch, from);
  m.move64(half, from);
  m.shift(Shift::shr, true, kScratch, 1);
  m.alu(Alu::and_, false, half, 1);
  m.alu(Alu::or_, true, kScratch, half);
  m.rr(convert, to, kScratch, true);
  m.vec(scalar(0x58, is_double), to, to);
  c.bind_here(done);
  c.push(float_class(is_double), to);
}

void demote(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  const Reg a = c.take_reg();
  const Reg to = c.dest(Cls::f);
  clear(m, kScratchVec);
  m.vec({kF2, 1, 0x5a}, kScratchVec, a);
  m.move(Cls::f, to, kScratchVec);
  c.push(Cls::f, to);
}

void promote(Compiler& c, const Emitter&) {
  const Reg a = c.take_reg();
  const Reg to = c.dest(Cls::d, 0, a);
  if (to != a) clear(c.code(), to);
  c.code().vec({kF3, 1, 0x5a}, to, a);
  c.push(Cls::d, to);
}

void reinterpret(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const auto cls = static_cast<Cls>(row.a);
  const bool wide = row.b != 0;
  Operand a = c.take();
  if (a.is(Kind::constant)) return c.push_constant(cls, a.bits);
  const Reg to = c.dest(cls);
  if (a.is(Kind::cell)) {
    a.cls = cls;
    c.move_to_reg(a, to);
  } else if (cls == Cls::i) {
    m.from_vec(wide, to, a.reg);
  } else {
    m.to_vec(wide, to, a.reg);
  }
  c.push(cls, to);
}

void truncate(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool is_double = row.a != 0, to64 = row.b != 0;
  const bool is_signed = (row.c & 1) != 0, saturating = (row.c & 2) != 0;
  const Ins convert = scalar(0x2c, is_double), unordered = compare_ins(is_double);
  const Reg from = c.take_reg();
  const Reg to = c.dest(Cls::i);
  auto trap = [&] {
    m.vec(unordered, from, from);
    c.trap_if(Cond::p, TrapCode::invalid_conversion_to_integer);
    c.trap_always(TrapCode::integer_overflow);
  };
  // `to` = 0 for NaN, the upper bound above 0, else the lower one.
  auto saturate = [&](uint64_t low, uint64_t high) {
    clear(m, kScratchVec);
    m.vec(unordered, from, kScratchVec);
    m.imm(to, 0);
    const uint32_t nan = m.jump_if_near(Cond::p);
    m.imm(to, high);
    const uint32_t above = m.jump_if_near(Cond::a);
    m.imm(to, low);
    c.bind_here(nan);
    c.bind_here(above);
  };
  if (!to64) {
    // By way of i64: whatever does not come back from 32 bits was out of range.
    m.rr(convert, to, from, true);
    is_signed ? m.rr({0, 0, 0x63}, kScratch, to, true) : m.move32(kScratch, to);
    m.alu(Alu::cmp, true, kScratch, to);
    const uint32_t fits = m.jump_if_near(Cond::e);
    if (!saturating) {
      trap();
    } else if (is_signed) {
      saturate(0x8000'0000, 0x7fff'ffff);
    } else {
      saturate(0, 0xffff'ffff);
    }
    c.bind_here(fits);
    m.move32(to, to);
    return c.push(Cls::i, to);
  }
  if (is_signed) {
    // The conversion gives the lowest number for everything out of range.
    m.rr(convert, to, from, true);
    m.imm(kScratch, uint64_t{1} << 63);
    m.alu(Alu::cmp, true, to, kScratch);
    const uint32_t fits = m.jump_if_near(Cond::ne);
    if (saturating) {
      saturate(uint64_t{1} << 63, (uint64_t{1} << 63) - 1);
    } else {
      scratch_bits(m, two_to_63(is_double) | sign_bit(is_double));
      m.vec(unordered, from, kScratchVec);
      c.trap_if(Cond::p, TrapCode::invalid_conversion_to_integer);
      c.trap_if(Cond::ne, TrapCode::integer_overflow);
    }
    c.bind_here(fits);
    return c.push(Cls::i, to);
  }
  // From 2^63 on: less 2^63, with bit 63 set afterwards.
  const Reg less = c.alloc(true);
  scratch_bits(m, two_to_63(is_double));
  m.vec(unordered, from, kScratchVec);
  const uint32_t big = m.jump_if_near(Cond::ae);
  m.rr(convert, to, from, true);
  m.test(true, to, to);
  const uint32_t fits = m.jump_if_near(Cond::ns);
  if (saturating) {
    m.imm(to, 0);
  } else {
    // What truncates to 0 from below has no sign; everything negative is out of range.
    trap();
  }
  const uint32_t done = m.jump_near();
  c.bind_here(big);
  m.move(Cls::d, less, from);
  m.vec(scalar(0x5c, is_double), less, kScratchVec);
  m.rr(convert, to, less, true);
  m.test(true, to, to);
  if (saturating) {
    const uint32_t inside = m.jump_if_near(Cond::ns);
    m.imm(to, UINT64_MAX);
    const uint32_t out = m.jump_near();
    c.bind_here(inside);
    m.imm(kScratch, uint64_t{1} << 63);
    m.alu(Alu::xor_, true, to, kScratch);
    c.bind_here(out);
  } else {
    c.trap_if(Cond::s, TrapCode::integer_overflow);
    m.imm(kScratch, uint64_t{1} << 63);
    m.alu(Alu::xor_, true, to, kScratch);
  }
  c.bind_here(fits);
  c.bind_here(done);
  c.push(Cls::i, to);
}

}  // namespace sedge::baseline::x64

#endif
