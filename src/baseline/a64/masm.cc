// Macro-assembler: places, constants, integer operations.
#include "baseline/common/target.h"

#if defined(__aarch64__)

#include <bit>

namespace sedge::baseline {

std::optional<uint32_t> logical_immediate(uint64_t value, bool wide) {
  if (!wide) value = (value & UINT32_MAX) | value << 32;
  if (value == 0 || value == UINT64_MAX) return {};
  // The smallest element that repeats, then how far its run of ones is rotated.
  unsigned size = 64;
  while (size > 2) {
    const unsigned half = size / 2;
    const uint64_t mask = (uint64_t{1} << half) - 1;
    if ((value & mask) != (value >> half & mask)) break;
    size = half;
  }
  const uint64_t mask = size == 64 ? UINT64_MAX : (uint64_t{1} << size) - 1;
  uint64_t element = value & mask;
  for (unsigned rotation = 0; rotation < size; rotation++) {
    if ((element & (element + 1)) == 0) {
      const auto ones = static_cast<unsigned>(std::popcount(element));
      const unsigned length = (~(2 * size - 1) & 0x3fu) | (ones - 1);
      return (size == 64 ? 1u << 22 : 0u) | rotation << 16 | length << 10;
    }
    element = (element << 1 | element >> (size - 1)) & mask;
  }
  return {};
}

void Assembler::imm(Reg to, uint64_t value) {
  // From zeros or from ones, whichever is nearer.
  unsigned zeros = 0, ones = 0;
  for (unsigned i = 0; i < 4; i++) {
    const uint64_t part = value >> (16 * i) & 0xffff;
    zeros += part == 0 ? 1 : 0;
    ones += part == 0xffff ? 1 : 0;
  }
  if (zeros < 3 && ones < 3) {
    if (auto bits = logical_immediate(value, true)) {
      return rr(kWide | kOrrImm | *bits, to, zr);
    }
  }
  const bool inverted = ones > zeros;
  const uint64_t empty = inverted ? 0xffff : 0;
  bool first = true;
  for (unsigned i = 0; i < 4; i++) {
    const uint64_t part = value >> (16 * i) & 0xffff;
    if (part == empty) continue;
    const uint32_t ins = !first ? kMovk : inverted ? kMovn : kMovz;
    const uint64_t bits = first && inverted ? part ^ 0xffff : part;
    emit(kWide | ins | i << 21 | static_cast<uint32_t>(bits) << 5 | field(to));
    first = false;
  }
  if (first) emit(kWide | (inverted ? kMovn : kMovz) | field(to));
}

void Assembler::access(Access kind, Reg reg, const Mem& place) {
  constexpr uint32_t kScaled = 0x3900'0000, kUnscaled = 0x3800'0000, kIndexed = 0x3820'6800,
                     kShifted = 0x1000;
  const int64_t disp = place.disp, unit = int64_t{1} << kind.log2;
  const bool scaled = disp >= 0 && disp % unit == 0 && disp / unit < 4096;
  const bool held = scaled || (disp >= -256 && disp < 256);
  auto at = [&](Reg base) {
    if (scaled) {
      return rr(kScaled | kind.bits | static_cast<uint32_t>(disp / unit) << 10, reg, base);
    }
    rr(kUnscaled | kind.bits | (static_cast<uint32_t>(disp) & 0x1ff) << 12, reg, base);
  };
  const uint32_t shifted = kWide | kAdd | uint32_t{place.scale} << 10;
  if (place.index == kNoReg) {
    if (held) return at(place.base);
    imm(x17, static_cast<uint64_t>(disp));
  } else if (disp == 0 && (place.scale == 0 || place.scale == kind.log2)) {
    return rrr(kIndexed | kind.bits | (place.scale != 0 ? kShifted : 0), reg, place.base,
               place.index);
  } else if (held) {
    rrr(shifted, x17, place.base, place.index);
    return at(x17);
  } else {
    imm(x17, static_cast<uint64_t>(disp));
    rrr(shifted, x17, x17, place.index);
  }
  rrr(kIndexed | kind.bits, reg, place.base, x17);
}

void MacroAssembler::load(Cls cls, Reg to, const Mem& from) {
  switch (cls) {
    case Cls::i:
      return access(kLoad64, to, from);
    case Cls::f:
      return access(kLoadF, to, from);
    case Cls::d:
      return access(kLoadD, to, from);
    case Cls::v:
      return access(kLoadV, to, from);
  }
}

void MacroAssembler::store(Cls cls, const Mem& to, Reg from) {
  switch (cls) {
    case Cls::i:
      return access(kStore64, from, to);
    case Cls::f:  // with the zeros above
    case Cls::d:
      return access(kStoreD, from, to);
    case Cls::v:
      return access(kStoreV, from, to);
  }
}

void MacroAssembler::move(Cls cls, Reg to, Reg from) {
  if (to == from) return;
  if (cls == Cls::i) return move64(to, from);
  rrr(0x4ea0'1c00, to, from, from);  // mov .16b
}

void MacroAssembler::constant(Cls cls, Reg to, uint64_t bits) {
  if (cls == Cls::i) return imm(to, bits);
  if (bits == 0) return emit(0x6f00'e400 | field(to));  // movi .2d, #0
  imm(kValue, bits);
  to_vec(true, to, kValue);
}

void MacroAssembler::store_constant(const Mem& to, uint64_t bits) {
  if (bits == 0) return access(kStore64, zr, to);
  imm(kValue, bits);
  access(kStore64, kValue, to);
}

void MacroAssembler::copy(Cls cls, const Mem& to, const Mem& from) {
  const Reg by = cls == Cls::v ? kScratchVec : kValue;
  load(cls == Cls::v ? Cls::v : Cls::i, by, from);
  store(cls == Cls::v ? Cls::v : Cls::i, to, by);
}

void MacroAssembler::clear_cells(uint32_t first, uint32_t count) {
  address(kScratch, cell(first));
  imm(kPlace, count);
  const uint32_t again = pos();
  emit(0xf800'841f | field(kScratch) << 5);  // str xzr, [x16], #8
  alu_imm(Alu::sub, true, kPlace, kPlace, 1);
  patch_distance(jump_if_not_zero(true, kPlace), again);
}

void MacroAssembler::load_sized(Cls cls, Reg to, const Mem& from, uint32_t size, bool is_signed) {
  if (cls != Cls::i) return load(cls, to, from);
  switch (size) {
    case 1:
      return access(is_signed ? kLoadS8 : kLoad8, to, from);
    case 2:
      return access(is_signed ? kLoadS16 : kLoad16, to, from);
    case 4:
      return access(kLoad32, to, from);
    default:
      return access(kLoad64, to, from);
  }
}

void MacroAssembler::store_sized(Cls cls, const Mem& to, Reg from, uint32_t size) {
  switch (cls) {
    case Cls::f:
      return access(kStoreF, from, to);
    case Cls::d:
      return access(kStoreD, from, to);
    case Cls::v:
      return access(kStoreV, from, to);
    case Cls::i:
      break;
  }
  constexpr Access kStores[] = {kStore8, kStore16, kStore32, kStore64};
  access(kStores[std::countr_zero(size)], from, to);
}

void MacroAssembler::address(Reg to, const Mem& of, bool wide) {
  Reg base = of.base;
  if (of.index != kNoReg) {
    const Reg sum = of.disp == 0 ? to : kPlace;
    op(kAdd | uint32_t{of.scale} << 10, wide, sum, of.base, of.index);
    base = sum;
    if (of.disp == 0) return;
  }
  if (of.disp == 0) return wide ? move64(to, base) : move32(to, base);
  const auto disp = static_cast<int64_t>(of.disp);
  const uint64_t distance = static_cast<uint64_t>(disp < 0 ? -disp : disp);
  const uint32_t ins = (wide ? kWide : 0) | (disp < 0 ? kSubImm : kAddImm);
  if (distance < 4096) return rr(ins | static_cast<uint32_t>(distance) << 10, to, base);
  if (distance < uint64_t{1} << 24) {
    rr(ins | 1u << 22 | static_cast<uint32_t>(distance >> 12) << 10, to, base);
    if ((distance & 0xfff) != 0) rr(ins | static_cast<uint32_t>(distance & 0xfff) << 10, to, to);
    return;
  }
  imm(kValue, static_cast<uint64_t>(disp));
  op(kAdd, wide, to, base, kValue);
}

namespace {

/// The instruction with two registers; `flags`: with comparisons' side effect.
uint32_t alu_ins(Alu op, bool flags) {
  switch (op) {
    case Alu::add:
      return flags ? kAdds : kAdd;
    case Alu::sub:
      return flags ? kSubs : kSub;
    case Alu::cmp:
      return kSubs;
    case Alu::and_:
      return flags ? kAnds : kAnd;
    case Alu::or_:
      return kOrr;
    case Alu::xor_:
      return kEor;
  }
  return kOrr;
}

}  // namespace

void MacroAssembler::alu(Alu op, bool wide, Reg to, Reg from) {
  this->op(alu_ins(op, true), wide, op == Alu::cmp ? zr : to, to, from);
}
void MacroAssembler::alu(Alu op, bool wide, Reg to, const Mem& from) {
  access(wide ? kLoad64 : kLoad32, kValue, from);
  alu(op, wide, to, kValue);
}
void MacroAssembler::alu(Alu op, bool wide, Reg to, int32_t value) {
  alu_imm(op, wide, op == Alu::cmp ? zr : to, to, static_cast<uint64_t>(int64_t{value}), true);
}

void MacroAssembler::alu_imm(Alu op, bool wide, Reg to, Reg a, uint64_t value, bool flags) {
  const uint32_t width = wide ? kWide : 0;
  if (!wide) value &= UINT32_MAX;
  if (op == Alu::add || op == Alu::sub || op == Alu::cmp) {
    const bool sets = flags || op == Alu::cmp;
    bool subtract = op != Alu::add;
    uint64_t amount = value;
    // Of a flag-setting one the carry would differ for 0 and the lowest number only.
    const uint64_t negative = (wide ? uint64_t{0} : uint64_t{1} << 32) - value;
    if (amount >> 24 != 0 && negative != 0 && negative >> 24 == 0) {
      amount = negative;
      subtract = !subtract;
    }
    const uint32_t ins =
        width | (subtract ? (sets ? kSubsImm : kSubImm) : (sets ? kAddsImm : kAddImm));
    if (amount < 4096) return rr(ins | static_cast<uint32_t>(amount) << 10, to, a);
    if ((amount & 0xfff) == 0 && amount >> 24 == 0) {
      return rr(ins | 1u << 22 | static_cast<uint32_t>(amount >> 12) << 10, to, a);
    }
  } else if (auto bits = logical_immediate(value, wide)) {
    const uint32_t ins = op == Alu::and_  ? (flags ? kAndsImm : kAndImm)
                         : op == Alu::or_ ? kOrrImm
                                          : kEorImm;
    return rr(width | ins | (wide ? *bits : *bits & ~(1u << 22)), to, a);
  }
  imm(kPlace, value);
  this->op(alu_ins(op, flags), wide, to, a, kPlace);
}

void MacroAssembler::alu_memory(Alu op, bool wide, const Mem& to, int32_t value) {
  access(wide ? kLoad64 : kLoad32, kValue, to);
  alu(op, wide, kValue, value);
  if (op != Alu::cmp) access(wide ? kStore64 : kStore32, kValue, to);
}

void MacroAssembler::compare8(const Mem& place, uint8_t value) {
  access(kLoad8, kValue, place);
  alu_imm(Alu::cmp, false, zr, kValue, value);
}

void MacroAssembler::count_down(const Mem& counter, Reg step) {
  access(kLoad32, kValue, counter);
  op(kSubs, false, kValue, kValue, step);
  access(kStore32, kValue, counter);
}

uint32_t MacroAssembler::charge(const Mem& counter) {
  access(kLoad64, kValue, counter);
  const uint32_t at = here(kWide | kMovz | field(kPlace));
  emit(kWide | kMovk | 1u << 21 | field(kPlace));
  this->op(kSubs, true, kValue, kValue, kPlace);
  access(kStore64, kValue, counter);
  return at;
}

void MacroAssembler::shift_imm(Shift op, bool wide, Reg to, Reg from, unsigned count) {
  const unsigned bits = wide ? 64 : 32;
  if (count == 0) return wide ? move64(to, from) : move32(to, from);
  switch (op) {
    case Shift::shl: {
      const uint32_t rotation = bits - count;
      return rr((wide ? 0xd340'0000 : 0x5300'0000) | rotation << 16 | (rotation - 1) << 10, to,
                from);
    }
    case Shift::shr:
      return extract(false, wide, to, from, count, bits - count);
    case Shift::sar:
      return extract(true, wide, to, from, count, bits - count);
    case Shift::rol:
      count = bits - count;
      [[fallthrough]];
    case Shift::ror:
      return rrr((wide ? 0x93c0'0000 : 0x1380'0000) | count << 10, to, from, from);
  }
}

void MacroAssembler::patch_distance(uint32_t at, uint32_t to) {
  const uint32_t word = read32(at);
  const int64_t distance = int64_t{to} - at, words = distance / 4;
  if ((word & 0x7c00'0000) == kB) {
    return patch32(at, kB | (static_cast<uint32_t>(words) & 0x03ff'ffff));
  }
  constexpr int64_t kReach = 1 << 20;
  if (distance < -kReach || distance >= kReach) return give_up();
  if ((word & 0x9f00'0000) == kAdr) {
    const auto bits = static_cast<uint32_t>(distance);
    return patch32(at, (word & 0x9f00'001f) | (bits & 3) << 29 | (bits >> 2 & 0x7'ffff) << 5);
  }
  // Conditional jumps and literals: 19 bits of words.
  patch32(at, (word & 0xff00'001f) | (static_cast<uint32_t>(words) & 0x7'ffff) << 5);
}

}  // namespace sedge::baseline

#endif
