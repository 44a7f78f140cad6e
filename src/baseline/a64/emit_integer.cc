// Emitters of integer operators.
#include "baseline/a64/emit.h"

#if defined(__aarch64__)

namespace sedge::baseline::a64 {

namespace {

using Kind = Operand::Kind;
using Asm = MacroAssembler;

uint32_t ins_of(Alu op) {
  switch (op) {
    case Alu::add:
      return kAdd;
    case Alu::sub:
      return kSub;
    case Alu::and_:
      return kAnd;
    case Alu::or_:
      return kOrr;
    default:
      return kEor;
  }
}

/// Pushes `ins` of two operands.
void binary(Compiler& c, uint32_t ins, bool wide, const Operand& a, const Operand& b) {
  const Reg right = settle(c, b, Asm::kScratch);
  const Reg to = c.dest(Cls::i, a.is(Kind::reg) ? 0 : reg_bit(b), reg_or_none(a));
  const Reg left = settle(c, a, to);
  c.code().op(ins, wide, to, left, right);
  c.push(Cls::i, to);
}

}  // namespace

void alu(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const auto op = static_cast<Alu>(row.a);
  const bool wide = row.b != 0, commutative = row.c != 0;
  Operand b = c.take(), a = c.take();
  if (commutative && a.is(Kind::constant)) std::swap(a, b);
  if (op == Alu::and_ && a.is(Kind::reg) && c.result_is_tested(wide)) {
    // Bits are only looked at: no result is made.
    if (b.is(Kind::constant)) {
      m.alu_imm(op, wide, zr, a.reg, b.bits, true);
    } else {
      m.test(wide, a.reg, settle(c, b, Asm::kScratch));
    }
    return c.push_flags(Cond::ne);
  }
  if (b.is(Kind::constant)) {
    const Reg to = c.dest(Cls::i, 0, reg_or_none(a));
    m.alu_imm(op, wide, to, settle(c, a, to), b.bits);
    return c.push(Cls::i, to);
  }
  binary(c, ins_of(op), wide, a, b);
}

void multiply(Compiler& c, const Emitter& row) {
  const Operand b = c.take(), a = c.take();
  binary(c, kMul, row.a != 0, a, b);
}

void compare(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const bool wide = row.b != 0;
  auto cond = static_cast<Cond>(row.a);
  Operand b = c.take(), a = c.take();
  if (a.is(Kind::constant)) {
    std::swap(a, b);
    cond = static_cast<Cond>(row.c);
  }
  const Reg left = settle(c, a, Asm::kScratch);
  if (b.is(Kind::constant)) {
    m.alu_imm(Alu::cmp, wide, zr, left, b.bits);
  } else {
    m.op(kSubs, wide, zr, left, settle(c, b, Asm::kValue));
  }
  c.push_flags(cond);
}

void is_zero(Compiler& c, const Emitter& row) {
  if (row.a == 0 || c.top_is_flags()) return c.push_flags(negate(c.take_condition()));
  const Reg value = c.take_reg();
  c.code().test(true, value, value);
  c.push_flags(Cond::e);
}

void shift(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const auto op = static_cast<Shift>(row.a);
  const bool wide = row.b != 0;
  const Operand count = c.take(), value = c.take();
  if (count.is(Kind::constant)) {
    const unsigned by = static_cast<unsigned>(count.bits) & (wide ? 63 : 31);
    const Reg to = c.dest(Cls::i, 0, reg_or_none(value));
    m.shift_imm(op, wide, to, settle(c, value, to), by);
    return c.push(Cls::i, to);
  }
  Operand by = count;
  if (op == Shift::rol) {
    m.op(kSub, wide, Asm::kScratch, zr, settle(c, count, Asm::kScratch));
    by = {.kind = Kind::reg, .cls = Cls::i, .reg = Asm::kScratch};
  }
  const uint32_t ins = op == Shift::shl   ? kLslv
                       : op == Shift::shr ? kLsrv
                       : op == Shift::sar ? kAsrv
                                          : kRorv;
  binary(c, ins, wide, value, by);
}

void divide(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const bool wide = row.a != 0, is_signed = row.b != 0, remainder = row.c != 0;
  const Operand by = c.take(), value = c.take();
  Reg dividend = reg_or_none(value);
  if (dividend == kNoReg) {
    dividend = c.alloc(false);
    c.move_to_reg(value, dividend);
  }
  const Reg divisor = settle(c, by, Asm::kScratch);
  const bool known = by.is(Kind::constant);
  if (!known || by.bits == 0) {
    m.test(wide, divisor, divisor);
    c.trap_if(Cond::e, TrapCode::integer_divide_by_zero);
  }
  const bool minus_one = !known || by.bits == (wide ? UINT64_MAX : UINT32_MAX);
  if (is_signed && !remainder && minus_one) {
    // Only of the lowest number does the subtraction of 1 overflow.
    m.alu_imm(Alu::cmp, wide, zr, divisor, UINT64_MAX);
    const uint32_t usual = m.jump_if_near(Cond::ne);
    m.alu_imm(Alu::cmp, wide, zr, dividend, 1);
    c.trap_if(Cond::o, TrapCode::integer_overflow);
    c.bind_here(usual);
  }
  const uint32_t ins = is_signed ? kSdiv : kUdiv;
  const Reg to = c.dest(Cls::i, 0, dividend);
  if (remainder) {
    m.op(ins, wide, Asm::kPlace, dividend, divisor);
    m.rrrr(kMsub | (wide ? kWide : 0), to, Asm::kPlace, divisor, dividend);
  } else {
    m.op(ins, wide, to, dividend, divisor);
  }
  c.push(Cls::i, to);
}

void count_bits(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const bool wide = row.b != 0;
  const uint32_t width = wide ? kWide : 0;
  Reg value = c.take_reg();
  const Reg to = c.dest(Cls::i, 0, value);
  if (row.a == 2) {
    m.to_vec(true, Asm::kScratchVec, value);
    m.rr(0x0e20'5800, Asm::kScratchVec, Asm::kScratchVec);  // cnt .8b
    m.rr(0x0e31'b800, Asm::kScratchVec, Asm::kScratchVec);  // addv b, .8b
    m.from_vec(false, to, Asm::kScratchVec);
    return c.push(Cls::i, to);
  }
  if (row.a == 1) {
    m.rr(kRbit | width, to, value);
    value = to;
  }
  m.rr(kClz | width, to, value);
  c.push(Cls::i, to);
}

void extend(Compiler& c, const Emitter& row) {
  const Reg value = c.take_reg();
  const Reg to = c.dest(Cls::i, 0, value);
  c.code().extract(true, row.b != 0, to, value, 0, row.a);
  c.push(Cls::i, to);
}

void wrap(Compiler& c, const Emitter&) {
  const Operand value = c.take();
  if (value.is(Kind::constant)) {
    return c.push_constant(Cls::i, static_cast<uint32_t>(value.bits));
  }
  const Reg to = c.dest(Cls::i, 0, reg_or_none(value));
  if (value.is(Kind::cell)) {
    c.code().load32(to, Asm::cell(value.cell));
  } else {
    c.code().move32(to, value.reg);
  }
  c.push(Cls::i, to);
}

/// i64.extend_i32_u: an i32 is kept zero-extended.
void nothing(Compiler&, const Emitter&) {}

void add_wide(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Reg high_b = c.take_reg(), low_b = c.take_reg();
  const Reg high_a = c.take_reg(), low_a = c.take_reg();
  const Reg low = c.alloc(false), high = c.alloc(false);
  m.op(row.a, true, low, low_a, low_b);
  m.op(row.b, true, high, high_a, high_b);
  c.push(Cls::i, low);
  c.push(Cls::i, high);
}

void multiply_wide(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Reg b = c.take_reg(), a = c.take_reg();
  const Reg low = c.alloc(false), high = c.alloc(false);
  m.op(kMul, true, low, a, b);
  m.rrr(row.a, high, a, b);
  c.push(Cls::i, low);
  c.push(Cls::i, high);
}

}  // namespace sedge::baseline::a64

#endif
