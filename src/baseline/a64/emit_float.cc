// Emitters of scalar float operators. Instructions on 32 bits clear what is above, as cells of f32
// have it.
#include <cstring>

#include "baseline/a64/emit.h"

#if defined(__aarch64__)

namespace sedge::baseline::a64 {

namespace {

using Kind = Operand::Kind;
using Asm = MacroAssembler;

void float_constant(Asm& m, Reg to, bool is_double, double value) {
  uint64_t bits = 0;
  if (is_double) {
    std::memcpy(&bits, &value, sizeof(value));
  } else {
    const auto narrow = static_cast<float>(value);
    std::memcpy(&bits, &narrow, sizeof(narrow));
  }
  m.constant(Cls::d, to, bits);
}

constexpr uint32_t kCompare = 0x1e20'2000, kDouble = 0x0040'0000;

}  // namespace

void float_binary(Compiler& c, const Emitter& row) {
  const auto cls = static_cast<Cls>(row.b);
  const Operand b = c.take(), a = c.take();
  const Reg right = settle(c, b, Asm::kScratchVec);
  const Reg to = c.dest(cls, a.is(Kind::reg) ? 0 : reg_bit(b), reg_or_none(a));
  c.code().rrr(row.a, to, settle(c, a, to), right);
  c.push(cls, to);
}

void float_unary(Compiler& c, const Emitter& row) {
  const auto cls = static_cast<Cls>(row.b);
  const Reg a = c.take_reg();
  const Reg to = c.dest(cls, 0, a);
  c.code().rr(row.a, to, a);
  c.push(cls, to);
}

void float_copysign(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const auto cls = static_cast<Cls>(row.a);
  const Reg b = c.take_reg();
  const Operand a = c.take();
  const Reg to = c.dest(cls, reg_bit(b), reg_or_none(a));
  c.move_to_reg(a, to);
  m.constant(Cls::d, Asm::kScratchVec, uint64_t{1} << (cls == Cls::d ? 63 : 31));
  m.rrr(0x2ea0'1c00, to, b, Asm::kScratchVec);  // bit .8b
  c.push(cls, to);
}

void float_compare(Compiler& c, const Emitter& row) {
  const Operand b = c.take(), a = c.take();
  const Reg right = settle(c, b, Asm::kScratchVec), left = settle(c, a, Asm::kValueVec);
  c.code().rrr(row.b, 0, left, right);
  c.push_flags(static_cast<Cond>(row.a));
}

void to_float(Compiler& c, const Emitter& row) {
  const auto cls = static_cast<Cls>(row.b);
  const Reg from = c.take_reg();
  const Reg to = c.dest(cls);
  c.code().rr(row.a, to, from);
  c.push(cls, to);
}

void reinterpret(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
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
  Asm& m = c.code();
  const bool is_double = row.a != 0, to64 = row.b != 0, is_signed = row.c != 0;
  const uint32_t kind = is_double ? kDouble : 0;
  const Reg from = c.take_reg();
  const Reg to = c.dest(Cls::i);
  m.rrr(kCompare | kind, 0, from, from);
  c.trap_if(Cond::o, TrapCode::invalid_conversion_to_integer);
  // Both bounds are numbers of the type; the lower one is itself in range where the number below
  // cannot be told from it.
  const unsigned bits = to64 ? 64 : 32, digits = is_double ? 53 : 24;
  const double upper = is_signed ? (to64 ? 0x1p63 : 0x1p31) : (to64 ? 0x1p64 : 0x1p32);
  const bool exact = !is_signed || digits > bits - 1;
  float_constant(m, Asm::kScratchVec, is_double, !is_signed ? -1.0 : exact ? -upper - 1 : -upper);
  m.rrr(kCompare | kind, 0, from, Asm::kScratchVec);
  c.trap_if(exact ? Cond::be : Cond::s, TrapCode::integer_overflow);
  float_constant(m, Asm::kScratchVec, is_double, upper);
  m.rrr(kCompare | kind, 0, from, Asm::kScratchVec);
  c.trap_if(Cond::ge, TrapCode::integer_overflow);
  m.rr((is_signed ? 0x1e38'0000 : 0x1e39'0000) | kind | (to64 ? kWide : 0), to, from);
  c.push(Cls::i, to);
}

void saturate(Compiler& c, const Emitter& row) {
  const Reg from = c.take_reg();
  const Reg to = c.dest(Cls::i);
  c.code().rr(row.a, to, from);
  c.push(Cls::i, to);
}

}  // namespace sedge::baseline::a64

#endif
