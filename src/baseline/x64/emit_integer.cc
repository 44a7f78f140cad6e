// Emitters of integer operators.
#include "baseline/x64/emit.h"

#if defined(__x86_64__)

namespace sedge::baseline::x64 {

namespace {

using Kind = Operand::Kind;
constexpr Reg kScratch = MacroAssembler::kScratch;

/// Exchanges operands where that saves a move: constants and cells go right, the local that the
/// result goes to goes left.
void order(Compiler& c, Operand& a, Operand& b) {
  if (!a.is(Kind::reg) && b.is(Kind::reg)) {
    std::swap(a, b);
  } else if (b.is(Kind::reg) && a.is(Kind::reg) && (b.reg == c.target() || !c.owned(a.reg)) &&
             a.reg != c.target() && (b.reg == c.target() || c.owned(b.reg))) {
    std::swap(a, b);
  }
}

/// A 64-bit constant that no instruction holds goes to the scratch register.
void settle_constant(MacroAssembler& m, Operand& operand) {
  if (!operand.is(Kind::constant)) return;
  m.imm(kScratch, operand.bits);
  operand.kind = Kind::reg;
  operand.reg = kScratch;
}

bool fits(uint64_t bits, bool wide) {
  return !wide || static_cast<int64_t>(bits) == static_cast<int32_t>(bits);
}

}  // namespace

void alu(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const auto op = static_cast<Alu>(row.a);
  const bool wide = row.b != 0, commutative = row.c != 0;
  Operand b = c.take(), a = c.take();
  if (commutative) order(c, a, b);
  if (op == Alu::and_ && a.is(Kind::reg) && c.result_is_tested(wide)) {
    // Bits are only looked at: no result is made.
    if (b.is(Kind::constant) && b.bits <= INT32_MAX) {
      m.test_imm(a.reg, static_cast<uint32_t>(b.bits));
    } else {
      if (!b.is(Kind::reg)) c.move_to_reg(b, kScratch);
      m.test(wide, a.reg, b.is(Kind::reg) ? b.reg : kScratch);
    }
    return c.push_flags(Cond::ne);
  }
  if (b.is(Kind::constant) && wide && op == Alu::and_ && b.bits == UINT32_MAX) {
    const Reg to = c.dest(Cls::i, 0, reg_or_none(a));
    if (a.is(Kind::cell)) {
      m.load32(to, MacroAssembler::cell(a.cell));
    } else {
      settle_constant(m, a);
      m.move32(to, a.reg);
    }
    return c.push(Cls::i, to);
  }
  if (b.is(Kind::constant) && fits(b.bits, wide)) {
    auto value = static_cast<int32_t>(b.bits);
    const Reg to = c.dest(Cls::i, 0, reg_or_none(a));
    const bool sum = op == Alu::add || (op == Alu::sub && value != INT32_MIN);
    if (sum && a.is(Kind::reg) && to != a.reg) {
      m.address(to, mem(a.reg, op == Alu::add ? value : -value), wide);
    } else {
      c.move_to_reg(a, to);
      m.alu(op, wide, to, value);
    }
    return c.push(Cls::i, to);
  }
  settle_constant(m, b);
  const Reg to = c.dest(Cls::i, reg_bit(b), reg_or_none(a));
  if (op == Alu::add && a.is(Kind::reg) && b.is(Kind::reg) && to != a.reg) {
    m.address(to, {a.reg, b.reg, 0, 0}, wide);
    return c.push(Cls::i, to);
  }
  c.move_to_reg(a, to);
  b.is(Kind::reg) ? m.alu(op, wide, to, b.reg) : m.alu(op, wide, to, MacroAssembler::cell(b.cell));
  c.push(Cls::i, to);
}

void multiply(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool wide = row.a != 0;
  Operand b = c.take(), a = c.take();
  order(c, a, b);
  if (b.is(Kind::constant) && fits(b.bits, wide) && a.is(Kind::reg)) {
    const Reg to = c.dest(Cls::i, 0, a.reg);
    m.rr({0, 0, 0x69}, to, a.reg, wide);
    m.word32(static_cast<uint32_t>(b.bits));
    return c.push(Cls::i, to);
  }
  settle_constant(m, b);
  const Reg to = c.dest(Cls::i, reg_bit(b), reg_or_none(a));
  c.move_to_reg(a, to);
  constexpr Ins kMultiply{0, 1, 0xaf};
  b.is(Kind::reg) ? m.rr(kMultiply, to, b.reg, wide)
                  : m.rm(kMultiply, to, MacroAssembler::cell(b.cell), wide);
  c.push(Cls::i, to);
}

void compare(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool wide = row.b != 0;
  auto cond = static_cast<Cond>(row.a);
  Operand b = c.take(), a = c.take();
  if (!a.is(Kind::reg) && (b.is(Kind::reg) || a.is(Kind::constant))) {
    std::swap(a, b);
    cond = static_cast<Cond>(row.c);
  }
  if (b.is(Kind::constant) && fits(b.bits, wide)) {
    const auto value = static_cast<int32_t>(b.bits);
    if (a.is(Kind::cell)) {
      m.alu_memory(Alu::cmp, wide, MacroAssembler::cell(a.cell), value);
    } else {
      settle_constant(m, a);
      if (value == 0) {
        m.test(wide, a.reg, a.reg);
      } else {
        m.alu(Alu::cmp, wide, a.reg, value);
      }
    }
    return c.push_flags(cond);
  }
  Reg left = a.reg;
  if (!a.is(Kind::reg)) {
    left = c.alloc(false);
    c.move_to_reg(a, left);
  }
  settle_constant(m, b);
  b.is(Kind::reg) ? m.alu(Alu::cmp, wide, left, b.reg)
                  : m.alu(Alu::cmp, wide, left, MacroAssembler::cell(b.cell));
  c.push_flags(cond);
}

void is_zero(Compiler& c, const Emitter& row) {
  if (row.a == 0 || c.top_is_flags()) return c.push_flags(negate(c.take_condition()));
  const Reg value = c.take_reg();
  c.code().test(true, value, value);
  c.push_flags(Cond::e);
}

void shift(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const auto op = static_cast<Shift>(row.a);
  const bool wide = row.b != 0;
  Operand count = c.take(), value = c.take();
  if (count.is(Kind::constant)) {
    const unsigned by = static_cast<unsigned>(count.bits) & (wide ? 63 : 31);
    const Reg to = c.dest(Cls::i, 0, reg_or_none(value));
    c.move_to_reg(value, to);
    if (by != 0) m.shift(op, wide, to, by);
    return c.push(Cls::i, to);
  }
  if (cpu_features().bmi2 && op >= Shift::shl) {
    auto in_reg = [&](const Operand& operand) {
      if (operand.is(Kind::reg)) return operand.reg;
      const Reg reg = c.alloc(false);
      c.move_to_reg(operand, reg);
      return reg;
    };
    const Reg by = in_reg(count), from = in_reg(value);
    const Reg to = c.dest(Cls::i, 0, from);
    m.shift_by(op, wide, to, from, by);
    return c.push(Cls::i, to);
  }
  // The count goes to rcx, out of which the value moves.
  if (value.is(Kind::reg) && value.reg == rcx && !(count.is(Kind::reg) && count.reg == rcx)) {
    const Reg other = c.alloc(false);
    m.move64(other, rcx);
    value.reg = other;
  }
  if (!count.is(Kind::reg) || count.reg != rcx) {
    c.claim(rcx);
    c.move_to_reg(count, rcx);
  }
  const Reg to = c.dest(Cls::i, reg_bit(rcx), reg_or_none(value));
  c.move_to_reg(value, to);
  m.shift_cl(op, wide, to);
  c.push(Cls::i, to);
}

void divide(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool wide = row.a != 0, is_signed = row.b != 0, remainder = row.c != 0;
  const Operand by = c.take(), value = c.take();
  Reg divisor = by.reg;
  if (!by.is(Kind::reg) || by.reg == rax || by.reg == rdx) {
    c.move_to_reg(by, kScratch);
    divisor = kScratch;
  }
  c.claim(rax);
  c.claim(rdx);
  c.move_to_reg(value, rax);
  const bool known = by.is(Kind::constant);
  const bool minus_one = !known || (wide ? by.bits == UINT64_MAX : by.bits == UINT32_MAX);
  if (!known || by.bits == 0) {
    m.test(wide, divisor, divisor);
    c.trap_if(Cond::e, TrapCode::integer_divide_by_zero);
  }
  uint32_t done = kNone;
  if (!is_signed) {
    m.imm(rdx, 0);
  } else {
    if (minus_one) {
      m.alu(Alu::cmp, wide, divisor, -1);
      const uint32_t usual = m.jump_if_near(Cond::ne);
      if (remainder) {
        m.imm(rdx, 0);
        done = m.jump_near();
      } else {
        m.imm(rdx, wide ? uint64_t{1} << 63 : uint64_t{1} << 31);
        m.alu(Alu::cmp, wide, rax, rdx);
        c.trap_if(Cond::e, TrapCode::integer_overflow);
      }
      c.bind_here(usual);
    }
    m.reserve();
    if (wide) m.byte(0x48);
    m.byte(0x99);  // cdq, cqo
  }
  m.rr({0, 0, 0xf7}, is_signed ? 7 : 6, divisor, wide);
  if (done != kNone) c.bind_here(done);
  c.push(Cls::i, remainder ? rdx : rax);
}

void count_bits(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const bool wide = row.b != 0;
  const bool leading = row.a == 0xbd, trailing = row.a == 0xbc;
  const Reg value = c.take_reg();
  const Reg to = c.dest(Cls::i, 0, value);
  const bool direct = leading ? cpu_features().lzcnt : trailing ? cpu_features().bmi1 : true;
  if (direct) {
    m.rr({kF3, 1, static_cast<uint8_t>(row.a)}, to, value, wide);
    return c.push(Cls::i, to);
  }
  // bsr and bsf give positions, and nothing for 0.
  m.rr({0, 1, static_cast<uint8_t>(row.a)}, to, value, wide);
  m.imm(kScratch, leading ? (wide ? 127 : 63) : (wide ? 64 : 32));
  m.move_if(Cond::e, wide, to, kScratch);
  if (leading) m.alu(Alu::xor_, wide, to, wide ? 63 : 31);
  c.push(Cls::i, to);
}

void extend(Compiler& c, const Emitter& row) {
  const Reg value = c.take_reg();
  const Reg to = c.dest(Cls::i, 0, value);
  c.code().rr(unpack(row.a), to, value, row.b != 0, row.c != 0);
  c.push(Cls::i, to);
}

void wrap(Compiler& c, const Emitter&) {
  const Operand value = c.take();
  if (value.is(Kind::constant)) {
    return c.push_constant(Cls::i, static_cast<uint32_t>(value.bits));
  }
  const Reg to = c.dest(Cls::i, 0, reg_or_none(value));
  if (value.is(Kind::cell)) {
    c.code().load32(to, MacroAssembler::cell(value.cell));
  } else {
    c.code().move32(to, value.reg);
  }
  c.push(Cls::i, to);
}

/// i64.extend_i32_u: an i32 is kept zero-extended.
void nothing(Compiler&, const Emitter&) {}

void add_wide(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  c.store_top(2);
  const Operand high_b = c.take(), low_b = c.take();
  const Reg high = c.take_owned(), low = c.take_owned();
  m.rm({0, 0, static_cast<uint8_t>(row.a)}, low, MacroAssembler::cell(low_b.cell), true);
  m.rm({0, 0, static_cast<uint8_t>(row.b)}, high, MacroAssembler::cell(high_b.cell), true);
  c.push(Cls::i, low);
  c.push(Cls::i, high);
}

void multiply_wide(Compiler& c, const Emitter& row) {
  const Operand b = c.take(), a = c.take();
  Reg by = b.reg;
  if (!b.is(Kind::reg) || b.reg == rax || b.reg == rdx) {
    c.move_to_reg(b, kScratch);
    by = kScratch;
  }
  c.claim(rax);
  c.claim(rdx);
  c.move_to_reg(a, rax);
  c.code().rr({0, 0, 0xf7}, static_cast<Reg>(row.a), by, true);
  c.push(Cls::i, rax);
  c.push(Cls::i, rdx);
}

}  // namespace sedge::baseline::x64

#endif
