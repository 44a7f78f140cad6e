// Emitters of A64: functions that rows of the table in emitters.def name. Columns a, b, c of a row
// are said at each function; an `ins` has the fields of its registers zero.
#ifndef SEDGE_BASELINE_A64_EMIT_H_
#define SEDGE_BASELINE_A64_EMIT_H_

#include "baseline/common/compiler.h"

#if defined(__aarch64__)

namespace sedge::baseline::a64 {

using baseline::reg_bit;
constexpr RegSet reg_bit(const Operand& operand) {
  return operand.is(Operand::Kind::reg) ? reg_bit(operand.reg) : 0;
}
constexpr Reg reg_or_none(const Operand& operand) {
  return operand.is(Operand::Kind::reg) ? operand.reg : kNoReg;
}
/// An operand in its register, else in `otherwise`.
inline Reg settle(Compiler& c, const Operand& operand, Reg otherwise) {
  if (operand.is(Operand::Kind::reg)) return operand.reg;
  c.move_to_reg(operand, otherwise);
  return otherwise;
}

// emit_integer.cc
void alu(Compiler& c, const Emitter& row);         // Alu, wide, commutative
void multiply(Compiler& c, const Emitter& row);    // wide
void compare(Compiler& c, const Emitter& row);     // Cond, wide, Cond with the operands exchanged
void is_zero(Compiler& c, const Emitter& row);     // wide
void shift(Compiler& c, const Emitter& row);       // Shift, wide
void divide(Compiler& c, const Emitter& row);      // wide, signed, remainder
void count_bits(Compiler& c, const Emitter& row);  // 0 clz, 1 ctz, 2 popcnt; wide
void extend(Compiler& c, const Emitter& row);      // bits, wide
void wrap(Compiler& c, const Emitter& row);
void nothing(Compiler& c, const Emitter& row);
void add_wide(Compiler& c, const Emitter& row);       // ins of low and high half
void multiply_wide(Compiler& c, const Emitter& row);  // ins of high half

// emit_float.cc
void float_binary(Compiler& c, const Emitter& row);    // ins, Cls
void float_unary(Compiler& c, const Emitter& row);     // ins, Cls of the result
void float_copysign(Compiler& c, const Emitter& row);  // Cls
void float_compare(Compiler& c, const Emitter& row);   // Cond, ins
void to_float(Compiler& c, const Emitter& row);        // ins, Cls
void reinterpret(Compiler& c, const Emitter& row);     // Cls of the result, wide
void truncate(Compiler& c, const Emitter& row);        // double, to i64, signed
void saturate(Compiler& c, const Emitter& row);        // ins

// emit_memory.cc
void load(Compiler& c, const Emitter& row);         // Cls, bytes, 1 signed | 2 i64
void store(Compiler& c, const Emitter& row);        // Cls, bytes
void load_vector(Compiler& c, const Emitter& row);  // ins that widens or 0, bytes
void load_splat(Compiler& c, const Emitter& row);   // bytes
void load_lane(Compiler& c, const Emitter& row);    // bytes
void store_lane(Compiler& c, const Emitter& row);   // bytes
void atomic_load(Compiler& c, const Emitter& row);  // bytes
void atomic_store(Compiler& c, const Emitter& row);
void atomic_update(Compiler& c, const Emitter& row);  // bytes, ins (0: exchange)
void atomic_compare_exchange(Compiler& c, const Emitter& row);
void fence(Compiler& c, const Emitter& row);

// emit_vector.cc
void vec_binary(Compiler& c, const Emitter& row);  // ins, operands exchanged, result inverted
void vec_unary(Compiler& c, const Emitter& row);   // ins, a second ins on its result or 0
void vec_fold(Compiler& c, const Emitter& row);    // ins that leaves 0 or not, Cond
void vec_all_true64(Compiler& c, const Emitter& row);
void vec_bitmask(Compiler& c, const Emitter& row);  // log2 of a lane's bytes
void vec_bitmask64(Compiler& c, const Emitter& row);
void vec_shift(Compiler& c, const Emitter& row);  // ins by a vector, log2 of bytes, to the right
void vec_select(Compiler& c, const Emitter& row);
void vec_pseudo_extreme(Compiler& c, const Emitter& row);  // ins of greater, operands exchanged
void vec_narrow(Compiler& c, const Emitter& row);          // ins of the low half, of the high half
void vec_dot(Compiler& c, const Emitter& row);
void vec_multiply64(Compiler& c, const Emitter& row);
void vec_multiply_add(Compiler& c, const Emitter& row);  // ins of multiply, of add, of negate or 0
void vec_splat(Compiler& c, const Emitter& row);         // log2 of bytes, Cls
void vec_extract(Compiler& c, const Emitter& row);       // log2 of bytes, Cls, signed
void vec_replace(Compiler& c, const Emitter& row);       // log2 of bytes, Cls
void vec_swizzle(Compiler& c, const Emitter& row);
void vec_shuffle(Compiler& c, const Emitter& row);

}  // namespace sedge::baseline::a64

#endif

#endif  // SEDGE_BASELINE_A64_EMIT_H_
