// Encodings of x86-64 instructions into a growing buffer. One function encodes every instruction of
// the form [prefix] [REX] [0f [38|3a]] opcode ModRM; instructions are constants.
#ifndef SEDGE_BASELINE_X64_ASSEMBLER_H_
#define SEDGE_BASELINE_X64_ASSEMBLER_H_

#include <cstdint>

#include "baseline/common/code_buffer.h"

namespace sedge::baseline {

/// A register: 0..15 general ones, 16..31 vector ones.
using Reg = uint8_t;
inline constexpr Reg kNoReg = 0xff;
constexpr bool is_vec(Reg reg) { return reg >= 16; }
/// A set of registers: bit n for register n.
using RegSet = uint32_t;
constexpr RegSet reg_bit(Reg reg) { return RegSet{1} << reg; }
inline constexpr RegSet kGeneralRegs = 0x0000ffff, kVectorRegs = 0xffff0000;
inline constexpr size_t kRegCount = 32;

inline constexpr Reg rax = 0, rcx = 1, rdx = 2, rbx = 3, rsp = 4, rbp = 5, rsi = 6, rdi = 7, r8 = 8,
                     r9 = 9, r10 = 10, r11 = 11, r12 = 12, r13 = 13, r14 = 14, r15 = 15;
inline constexpr Reg xmm0 = 16, xmm1 = 17, xmm2 = 18, xmm15 = 31;

/// Condition codes as in the opcodes of jcc, setcc, cmovcc; and two that take a pair of them.
enum class Cond : uint8_t {
  o = 0,
  no = 1,
  b = 2,
  ae = 3,
  e = 4,
  ne = 5,
  be = 6,
  a = 7,
  s = 8,
  ns = 9,
  p = 10,
  np = 11,
  l = 12,
  ge = 13,
  le = 14,
  g = 15,
  equal_ordered = 16,       ///< e and np: floats are equal
  not_equal_unordered = 17  ///< ne or p
};
constexpr Cond negate(Cond cond) { return static_cast<Cond>(static_cast<uint8_t>(cond) ^ 1); }

/// A memory operand: [base + index << scale + disp], or a place in the code (rip-relative).
struct Mem {
  Reg base = kNoReg;
  Reg index = kNoReg;
  uint8_t scale = 0;
  int32_t disp = 0;
};
constexpr Mem mem(Reg base, int64_t disp = 0) {
  return {base, kNoReg, 0, static_cast<int32_t>(disp)};
}

/// An instruction: mandatory prefix, opcode map, opcode.
struct Ins {
  uint8_t prefix;
  uint8_t map;  ///< 0: none, 1: 0f, 2: 0f 38, 3: 0f 3a
  uint8_t code;
};
inline constexpr uint8_t kNoPrefix = 0, k66 = 0x66, kF2 = 0xf2, kF3 = 0xf3;

class Assembler : public CodeBuffer {
 public:
  /// `ins` with a register operand; `wide`: 64 bits; `bytes`: 8-bit registers are named.
  void rr(Ins ins, Reg reg, Reg rm, bool wide = false, bool bytes = false) {
    reserve();
    head(ins, reg & 15, 0, rm & 15, wide, bytes && (reg >= 4 || rm >= 4));
    byte(0xc0u | (reg & 7u) << 3 | (rm & 7u));
  }
  /// The same with a memory operand.
  void rm(Ins ins, Reg reg, const Mem& place, bool wide = false, bool bytes = false) {
    reserve();
    const unsigned index = place.index == kNoReg ? 0 : place.index;
    head(ins, reg & 15, index, place.base, wide, bytes && reg >= 4);
    const unsigned middle = (reg & 7u) << 3;
    const unsigned base = place.base & 7u;
    const bool needs_sib = place.index != kNoReg || base == 4;
    const bool small = place.disp >= -128 && place.disp <= 127;
    const unsigned mode = place.disp == 0 && base != 5 ? 0 : small ? 0x40 : 0x80;
    if (needs_sib) {
      byte(mode | middle | 4);
      byte(static_cast<unsigned>(place.scale) << 6 |
           (place.index == kNoReg ? 4u : place.index & 7u) << 3 | base);
    } else {
      byte(mode | middle | base);
    }
    if (mode == 0x40) byte(static_cast<uint8_t>(place.disp));
    if (mode == 0x80) put(static_cast<uint32_t>(place.disp));
  }
  /// The same with a rip-relative operand; gives the position of its distance, to be patched.
  uint32_t rip(Ins ins, Reg reg, bool wide = false) {
    reserve();
    head(ins, reg & 15, 0, 0, wide, false);
    byte(5u | (reg & 7u) << 3);
    put(uint32_t{0});
    return pos() - 4;
  }
  /// A jump or call with a 32-bit distance; gives its position.
  uint32_t distance(Ins ins) {
    reserve();
    if (ins.map == 1) byte(0x0f);
    byte(ins.code);
    put(uint32_t{0});
    return pos() - 4;
  }

 private:
  void head(Ins ins, unsigned reg, unsigned index, unsigned base, bool wide, bool force) {
    if (ins.prefix != kNoPrefix) byte(ins.prefix);
    const unsigned rex = (wide ? 8u : 0u) | (reg & 8) >> 1 | (index & 8) >> 2 | (base & 8) >> 3;
    if (rex != 0 || force) byte(0x40 | rex);
    if (ins.map >= 1) byte(0x0f);
    if (ins.map == 2) byte(0x38);
    if (ins.map == 3) byte(0x3a);
    byte(ins.code);
  }
};

}  // namespace sedge::baseline

#endif  // SEDGE_BASELINE_X64_ASSEMBLER_H_
