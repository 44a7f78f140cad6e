// Emitters of x86-64: functions that rows of the table in emitters.cc name. Columns a, b, c of a
// row are said at each function.
#ifndef SEDGE_BASELINE_X64_EMIT_H_
#define SEDGE_BASELINE_X64_EMIT_H_

#include "baseline/common/compiler.h"

#if defined(__x86_64__)

namespace sedge::baseline::x64 {

/// An instruction as a column.
constexpr uint32_t pack(Ins ins) {
  return uint32_t{ins.prefix} << 16 | uint32_t{ins.map} << 8 | ins.code;
}
constexpr Ins unpack(uint32_t column) {
  return {static_cast<uint8_t>(column >> 16), static_cast<uint8_t>(column >> 8),
          static_cast<uint8_t>(column)};
}
using baseline::reg_bit;
constexpr RegSet reg_bit(const Operand& operand) {
  return operand.is(Operand::Kind::reg) ? reg_bit(operand.reg) : 0;
}
constexpr Reg reg_or_none(const Operand& operand) {
  return operand.is(Operand::Kind::reg) ? operand.reg : kNoReg;
}

// emit_integer.cc
void alu(Compiler& c, const Emitter& row);         // Alu, wide, commutative
void multiply(Compiler& c, const Emitter& row);    // wide
void compare(Compiler& c, const Emitter& row);     // Cond, wide, Cond with the operands exchanged
void is_zero(Compiler& c, const Emitter& row);     // wide
void shift(Compiler& c, const Emitter& row);       // Shift, wide
void divide(Compiler& c, const Emitter& row);      // wide, signed, remainder
void count_bits(Compiler& c, const Emitter& row);  // opcode (bd lzcnt, bc tzcnt, b8 popcnt), wide
void extend(Compiler& c, const Emitter& row);      // Ins, wide, of a byte register
void wrap(Compiler& c, const Emitter& row);
void nothing(Compiler& c, const Emitter& row);
void add_wide(Compiler& c, const Emitter& row);       // opcodes of low and high half
void multiply_wide(Compiler& c, const Emitter& row);  // opcode's extension

// emit_float.cc
void float_binary(Compiler& c, const Emitter& row);   // opcode, double, commutative
void float_extreme(Compiler& c, const Emitter& row);  // opcode (5d min, 5f max), double
void float_unary(Compiler& c, const Emitter& row);    // opcode, double
void float_round(Compiler& c, const Emitter& row);    // mode, double
void float_sign(Compiler& c, const Emitter& row);     // 0 abs, 1 neg, 2 copysign; double
void float_compare(Compiler& c, const Emitter& row);  // Cond, double, operands exchanged
void to_float(Compiler& c, const Emitter& row);       // double, from i64, signed
void demote(Compiler& c, const Emitter& row);
void promote(Compiler& c, const Emitter& row);
void reinterpret(Compiler& c, const Emitter& row);  // Cls of the result, wide
void truncate(Compiler& c, const Emitter& row);     // double, to i64, 1 signed | 2 saturating

// emit_memory.cc
void load(Compiler& c, const Emitter& row);         // Cls, bytes, 1 signed | 2 i64
void store(Compiler& c, const Emitter& row);        // Cls, bytes
void load_vector(Compiler& c, const Emitter& row);  // Ins that reads 8 bytes or fewer
void load_splat(Compiler& c, const Emitter& row);   // bytes
void load_lane(Compiler& c, const Emitter& row);    // bytes
void store_lane(Compiler& c, const Emitter& row);   // bytes
void atomic_load(Compiler& c, const Emitter& row);  // bytes
void atomic_store(Compiler& c, const Emitter& row);
void atomic_add(Compiler& c, const Emitter& row);  // bytes, negated
void atomic_exchange(Compiler& c, const Emitter& row);
void atomic_logic(Compiler& c, const Emitter& row);  // bytes, Alu
void atomic_compare_exchange(Compiler& c, const Emitter& row);
void fence(Compiler& c, const Emitter& row);

// emit_vector.cc
void vec_binary(Compiler& c, const Emitter& row);            // Ins, commutative, operands exchanged
void vec_compare(Compiler& c, const Emitter& row);           // Ins, exchanged, negated
void vec_compare_unsigned(Compiler& c, const Emitter& row);  // Ins of min or max, of equal; negated
void vec_float_compare(Compiler& c, const Emitter& row);     // double, predicate, exchanged
void vec_unary(Compiler& c, const Emitter& row);             // Ins
void vec_round(Compiler& c, const Emitter& row);             // Ins, mode
void vec_float_sign(Compiler& c, const Emitter& row);        // 0 abs 1 neg, double
void vec_float_extreme(Compiler& c, const Emitter& row);     // opcode, double
void vec_not(Compiler& c, const Emitter& row);
void vec_select(Compiler& c, const Emitter& row);
void vec_any_true(Compiler& c, const Emitter& row);
void vec_all_true(Compiler& c, const Emitter& row);  // Ins of equal
void vec_bitmask(Compiler& c, const Emitter& row);   // Ins, lanes narrowed first
void vec_negate(Compiler& c, const Emitter& row);    // Ins of subtract
void vec_shift(Compiler& c, const Emitter& row);     // Ins, bits of a lane
// Ins on words; 0 right unsigned, 1 left, 2 right signed
void vec_shift8(Compiler& c, const Emitter& row);
void vec_shift64_signed(Compiler& c, const Emitter& row);
void vec_convert_unsigned(Compiler& c, const Emitter& row);
void vec_extend(Compiler& c, const Emitter& row);               // Ins, high half
void vec_multiply_extended(Compiler& c, const Emitter& row);    // Ins of extend, of multiply; high
void vec_multiply_extended64(Compiler& c, const Emitter& row);  // Ins, high half
void vec_add_pairs(Compiler& c, const Emitter& row);  // 0 i8 signed, 1 i8 unsigned, 2 i16 signed
void vec_multiply64(Compiler& c, const Emitter& row);
void vec_q15(Compiler& c, const Emitter& row);
void vec_multiply_add(Compiler& c, const Emitter& row);  // double, negated
void vec_truncate(Compiler& c, const Emitter& row);
void vec_convert_low_unsigned(Compiler& c, const Emitter& row);
void vec_splat(Compiler& c, const Emitter& row);    // bytes, Cls
void vec_extract(Compiler& c, const Emitter& row);  // bytes, Cls, signed
void vec_replace(Compiler& c, const Emitter& row);  // bytes, Cls
void vec_swizzle(Compiler& c, const Emitter& row);
void vec_shuffle(Compiler& c, const Emitter& row);

}  // namespace sedge::baseline::x64

#endif

#endif  // SEDGE_BASELINE_X64_EMIT_H_
