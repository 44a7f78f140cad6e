// Encodings of A64 instructions into a growing buffer. Instructions are constants with the fields
// of their registers zero; one function for each form fills these in.
#ifndef SEDGE_BASELINE_A64_ASSEMBLER_H_
#define SEDGE_BASELINE_A64_ASSEMBLER_H_

#include <cstdint>
#include <optional>

#include "baseline/common/code_buffer.h"

namespace sedge::baseline {

/// A register: 0..30 general ones, 31 sp or zero as the instruction has it, 32..63 vector ones.
using Reg = uint8_t;
inline constexpr Reg kNoReg = 0xff;
constexpr bool is_vec(Reg reg) { return reg >= 32; }
/// A set of registers: bit n for register n.
using RegSet = uint64_t;
constexpr RegSet reg_bit(Reg reg) { return RegSet{1} << reg; }
inline constexpr RegSet kGeneralRegs = 0x0000'0000'ffff'ffff, kVectorRegs = 0xffff'ffff'0000'0000;
inline constexpr size_t kRegCount = 64;

inline constexpr Reg x16 = 16, x17 = 17, x19 = 19, x29 = 29, x30 = 30, sp = 31, zr = 31;
inline constexpr Reg v0 = 32, v30 = 62, v31 = 63;

/// Condition codes as instructions have them, under the names that the common part uses. After a
/// comparison of floats: e, ne, s (less), be (less or equal), g, ge; o: unordered.
enum class Cond : uint8_t {
  e = 0,
  ne = 1,
  ae = 2,
  b = 3,
  s = 4,
  ns = 5,
  o = 6,
  no = 7,
  a = 8,
  be = 9,
  ge = 10,
  l = 11,
  g = 12,
  le = 13
};
constexpr Cond negate(Cond cond) { return static_cast<Cond>(static_cast<uint8_t>(cond) ^ 1); }

/// A memory operand: [base + index << scale + disp].
struct Mem {
  Reg base = kNoReg;
  Reg index = kNoReg;
  uint8_t scale = 0;
  int32_t disp = 0;
};
constexpr Mem mem(Reg base, int64_t disp = 0) {
  return {base, kNoReg, 0, static_cast<int32_t>(disp)};
}

/// A load or store: size, bank and kind as in the opcode; log2 of its bytes.
struct Access {
  uint32_t bits;
  uint8_t log2;
};
inline constexpr Access kLoad8{0x0040'0000, 0}, kLoad16{0x4040'0000, 1}, kLoad32{0x8040'0000, 2},
    kLoad64{0xc040'0000, 3}, kStore8{0, 0}, kStore16{0x4000'0000, 1}, kStore32{0x8000'0000, 2},
    kStore64{0xc000'0000, 3};
/// Sign-extended to 32 bits, to 64 bits.
inline constexpr Access kLoadS8{0x00c0'0000, 0}, kLoadS16{0x40c0'0000, 1},
    kLoadS8Wide{0x0080'0000, 0}, kLoadS16Wide{0x4080'0000, 1}, kLoadS32Wide{0x8080'0000, 2};
/// Vector registers; loads clear what is above.
inline constexpr Access kLoadF{0x8440'0000, 2}, kLoadD{0xc440'0000, 3}, kLoadV{0x04c0'0000, 4},
    kStoreF{0x8400'0000, 2}, kStoreD{0xc400'0000, 3}, kStoreV{0x0480'0000, 4};

// Two and three registers of 32 bits; kWide makes them 64.
inline constexpr uint32_t kWide = 0x8000'0000;
inline constexpr uint32_t kAdd = 0x0b00'0000, kAdds = 0x2b00'0000, kSub = 0x4b00'0000,
                          kSubs = 0x6b00'0000, kAnd = 0x0a00'0000, kOrr = 0x2a00'0000,
                          kEor = 0x4a00'0000, kAnds = 0x6a00'0000, kAdc = 0x1a00'0000,
                          kSbc = 0x5a00'0000, kMul = 0x1b00'7c00, kUdiv = 0x1ac0'0800,
                          kSdiv = 0x1ac0'0c00, kLslv = 0x1ac0'2000, kLsrv = 0x1ac0'2400,
                          kAsrv = 0x1ac0'2800, kRorv = 0x1ac0'2c00, kClz = 0x5ac0'1000,
                          kRbit = 0x5ac0'0000, kMsub = 0x1b00'8000;
inline constexpr uint32_t kSmulh = 0x9b40'7c00, kUmulh = 0x9bc0'7c00;
inline constexpr uint32_t kCsel = 0x1a80'0000, kCsinc = 0x1a80'0400;
// With an immediate.
inline constexpr uint32_t kAddImm = 0x1100'0000, kAddsImm = 0x3100'0000, kSubImm = 0x5100'0000,
                          kSubsImm = 0x7100'0000, kAndImm = 0x1200'0000, kOrrImm = 0x3200'0000,
                          kEorImm = 0x5200'0000, kAndsImm = 0x7200'0000;
inline constexpr uint32_t kMovn = 0x1280'0000, kMovz = 0x5280'0000, kMovk = 0x7280'0000;
// Jumps and addresses.
inline constexpr uint32_t kB = 0x1400'0000, kBCond = 0x5400'0000, kCbnz = 0x3500'0000,
                          kAdr = 0x1000'0000, kLdrLiteral = 0x9c00'0000, kBr = 0xd61f'0000,
                          kBlr = 0xd63f'0000, kRet = 0xd65f'03c0, kDmbIsh = 0xd503'3bbf;
// Moves between the banks.
inline constexpr uint32_t kToVec = 0x1e27'0000, kToVecWide = 0x9e67'0000, kFromVec = 0x1e26'0000,
                          kFromVecWide = 0x9e66'0000;

/// The fields of an immediate of logical instructions, where the value has one.
std::optional<uint32_t> logical_immediate(uint64_t value, bool wide);

class Assembler : public CodeBuffer {
 public:
  void emit(uint32_t word) {
    reserve();
    word32(word);
  }
  static constexpr uint32_t field(Reg reg) { return reg & 31u; }
  void rr(uint32_t ins, Reg to, Reg from) { emit(ins | field(from) << 5 | field(to)); }
  void rrr(uint32_t ins, Reg to, Reg a, Reg b) {
    emit(ins | field(b) << 16 | field(a) << 5 | field(to));
  }
  void rrrr(uint32_t ins, Reg to, Reg a, Reg b, Reg c) { rrr(ins | field(c) << 10, to, a, b); }
  /// The same of 32 or 64 bits.
  void op(uint32_t ins, bool wide, Reg to, Reg a, Reg b) {
    rrr(ins | (wide ? kWide : 0), to, a, b);
  }
  /// An access with a place that its instruction can hold, or through x17.
  void access(Access kind, Reg reg, const Mem& place);
  /// to = value, in 1 to 4 instructions.
  void imm(Reg to, uint64_t value);
  /// Bits [low, low + count) of a register, signed or not, at bit 0.
  void extract(bool is_signed, bool wide, Reg to, Reg from, unsigned low, unsigned count) {
    const uint32_t ins = is_signed ? 0x1300'0000 : 0x5300'0000;
    rr(ins | (wide ? 0x8040'0000 : 0) | low << 16 | (low + count - 1) << 10, to, from);
  }
  uint32_t here(uint32_t ins) {
    emit(ins);
    return pos() - 4;
  }
};

}  // namespace sedge::baseline

#endif  // SEDGE_BASELINE_A64_ASSEMBLER_H_
