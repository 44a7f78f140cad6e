// Macro-assembler: moves of cells, integer operations, constants.
#include "baseline/common/target.h"

#if defined(__x86_64__)

namespace sedge::baseline {

X86Features& cpu_features() {
  static X86Features features = x86_features();
  return features;
}

void MacroAssembler::load(Cls cls, Reg to, const Mem& from) {
  switch (cls) {
    case Cls::i:
      return load64(to, from);
    case Cls::f:
      return rm({kF3, 1, 0x10}, to, from);
    case Cls::d:
      return rm({kF2, 1, 0x10}, to, from);
    case Cls::v:
      return rm({0, 1, 0x10}, to, from);
  }
}

void MacroAssembler::store(Cls cls, const Mem& to, Reg from) {
  switch (cls) {
    case Cls::i:
      return store64(to, from);
    case Cls::f:  // with the zeros above
    case Cls::d:
      return rm({k66, 1, 0xd6}, from, to);
    case Cls::v:
      return rm({0, 1, 0x11}, from, to);
  }
}

void MacroAssembler::move(Cls cls, Reg to, Reg from) {
  if (to == from) return;
  if (cls == Cls::i) return move64(to, from);
  rr({0, 1, 0x28}, to, from);
}

void MacroAssembler::imm(Reg to, uint64_t value) {
  reserve();
  const auto low = static_cast<uint32_t>(value);
  if (value == low) {
    if (to >= 8) byte(0x41);
    byte(0xb8u | (to & 7u));
    word32(low);
  } else if (static_cast<int64_t>(value) == static_cast<int32_t>(low)) {
    rr({0, 0, 0xc7}, 0, to, true);
    word32(low);
  } else {
    byte(0x48u | (to >= 8 ? 1u : 0u));
    byte(0xb8u | (to & 7u));
    word64(value);
  }
}

void MacroAssembler::constant(Cls cls, Reg to, uint64_t bits) {
  if (cls == Cls::i) return imm(to, bits);
  if (bits == 0) return rr({0, 1, 0x57}, to, to);
  imm(kScratch, bits);
  to_vec(true, to, kScratch);
}

void MacroAssembler::store_constant(const Mem& to, uint64_t bits) {
  if (static_cast<int64_t>(bits) == static_cast<int32_t>(bits)) {
    rm({0, 0, 0xc7}, 0, to, true);
    word32(static_cast<uint32_t>(bits));
  } else {
    imm(kScratch, bits);
    store64(to, kScratch);
  }
}

void MacroAssembler::copy(Cls cls, const Mem& to, const Mem& from) {
  if (cls == Cls::v) {
    load(cls, kScratchVec, from);
    store(cls, to, kScratchVec);
  } else {
    load64(kScratch, from);
    store64(to, kScratch);
  }
}

void MacroAssembler::clear_cells(uint32_t first, uint32_t count) {
  // At a function's start rdi may be that of a local which is 0 already: it is kept.
  imm(rax, 0);
  imm(rcx, count);
  move64(kScratch, rdi);
  address(rdi, cell(first));
  reserve();
  for (unsigned code : {0xf3u, 0x48u, 0xabu}) byte(code);  // rep stosq
  move64(rdi, kScratch);
}

void MacroAssembler::jump_over_if(Cond cond, uint32_t (&fixups)[2]) {
  if (cond == Cond::not_equal_unordered) {
    fixups[0] = jump_if_near(Cond::p);
    fixups[1] = jump_if_near(Cond::ne);
  } else if (cond == Cond::equal_ordered) {
    // Over the jump that is meant when the operands are unordered.
    const uint32_t unordered = jump_if_near(Cond::p);
    fixups[0] = jump_if_near(Cond::e);
    patch_distance(unordered, pos());
  } else {
    fixups[0] = jump_if_near(cond);
  }
}

void MacroAssembler::load_sized(Cls cls, Reg to, const Mem& from, uint32_t size, bool is_signed) {
  if (cls != Cls::i) return load(cls, to, from);
  switch (size) {
    case 1:
      return rm({0, 1, is_signed ? uint8_t{0xbe} : uint8_t{0xb6}}, to, from);
    case 2:
      return rm({0, 1, is_signed ? uint8_t{0xbf} : uint8_t{0xb7}}, to, from);
    case 4:
      return load32(to, from);
    default:
      return load64(to, from);
  }
}

void MacroAssembler::store_sized(Cls cls, const Mem& to, Reg from, uint32_t size) {
  switch (cls) {
    case Cls::f:
      return rm({kF3, 1, 0x11}, from, to);
    case Cls::d:
      return rm({kF2, 1, 0x11}, from, to);
    case Cls::v:
      return rm({0, 1, 0x11}, from, to);
    case Cls::i:
      break;
  }
  switch (size) {
    case 1:
      return rm({0, 0, 0x88}, from, to, false, true);
    case 2:
      return rm({k66, 0, 0x89}, from, to);
    case 4:
      return store32(to, from);
    default:
      return store64(to, from);
  }
}

void MacroAssembler::alu(Alu op, bool wide, Reg to, Reg from) {
  rr({0, 0, static_cast<uint8_t>(static_cast<uint8_t>(op) * 8 + 3)}, to, from, wide);
}
void MacroAssembler::alu(Alu op, bool wide, Reg to, const Mem& from) {
  rm({0, 0, static_cast<uint8_t>(static_cast<uint8_t>(op) * 8 + 3)}, to, from, wide);
}
void MacroAssembler::alu(Alu op, bool wide, Reg to, int32_t value) {
  const bool small = value >= -128 && value <= 127;
  rr({0, 0, small ? uint8_t{0x83} : uint8_t{0x81}}, static_cast<Reg>(op), to, wide);
  small ? byte(static_cast<uint8_t>(value)) : word32(static_cast<uint32_t>(value));
}
void MacroAssembler::alu_memory(Alu op, bool wide, const Mem& to, int32_t value) {
  const bool small = value >= -128 && value <= 127;
  rm({0, 0, small ? uint8_t{0x83} : uint8_t{0x81}}, static_cast<Reg>(op), to, wide);
  small ? byte(static_cast<uint8_t>(value)) : word32(static_cast<uint32_t>(value));
}
void MacroAssembler::compare8(const Mem& place, uint8_t value) {
  rm({0, 0, 0x80}, 7, place);
  byte(value);
}
void MacroAssembler::test_imm(Reg a, uint32_t value) {
  rr({0, 0, 0xf7}, 0, a);
  word32(value);
}
void MacroAssembler::shift(Shift op, bool wide, Reg to, unsigned count) {
  rr({0, 0, 0xc1}, static_cast<Reg>(op), to, wide);
  byte(count);
}

void MacroAssembler::shift_by(Shift op, bool wide, Reg to, Reg from, Reg count) {
  reserve();
  const unsigned prefix = op == Shift::shl ? 1 : op == Shift::sar ? 2 : 3;  // 66, f3, f2
  byte(0xc4);
  byte((to >= 8 ? 0u : 0x80u) | 0x40u | (from >= 8 ? 0u : 0x20u) | 2u);
  byte((wide ? 0x80u : 0u) | (~unsigned{count} & 15u) << 3 | prefix);
  byte(0xf7);
  byte(0xc0u | (to & 7u) << 3 | (from & 7u));
}

void MacroAssembler::store_immediate(const Mem& to, uint32_t value, uint32_t size) {
  switch (size) {
    case 1:
      rm({0, 0, 0xc6}, 0, to);
      return byte(value);
    case 2:
      rm({k66, 0, 0xc7}, 0, to);
      byte(value);
      return byte(value >> 8);
    default:
      rm({0, 0, 0xc7}, 0, to, size == 8);
      return word32(value);
  }
}

void MacroAssembler::set(Cond cond, Reg to) {
  auto one = [this](Cond code, Reg reg) {
    rr({0, 1, static_cast<uint8_t>(0x90 + static_cast<uint8_t>(code))}, 0, reg, false, true);
    rr({0, 1, 0xb6}, reg, reg, false, true);  // movzx
  };
  if (cond < Cond::equal_ordered) return one(cond, to);
  const bool equal = cond == Cond::equal_ordered;
  one(equal ? Cond::np : Cond::p, kScratch);
  one(equal ? Cond::e : Cond::ne, to);
  alu(equal ? Alu::and_ : Alu::or_, false, to, kScratch);
}

void MacroAssembler::push(Reg reg) {
  reserve();
  if (reg >= 8) byte(0x41);
  byte(0x50u | (reg & 7u));
}
void MacroAssembler::pop(Reg reg) {
  reserve();
  if (reg >= 8) byte(0x41);
  byte(0x58u | (reg & 7u));
}

}  // namespace sedge::baseline

#endif
