// Macro-assembler for A64: what the compiler's common part asks of an instruction set. Pinned
// registers are those of the native convention (vm/native.h). x16 and v31 are scratch, free between
// any two calls of these functions; x17, x19 and v30 are these functions' and the emitters' own.
// x18 is the platform's.
#ifndef SEDGE_BASELINE_A64_MASM_H_
#define SEDGE_BASELINE_A64_MASM_H_

#include <cstddef>
#include <cstdint>

#include "baseline/a64/assembler.h"
#include "vm/layout.h"

namespace sedge::baseline {

/// Class of a value: integers and references, f32, f64, v128.
enum class Cls : uint8_t { i, f, d, v };
constexpr bool in_vec(Cls cls) { return cls != Cls::i; }

enum class Alu : uint8_t { add, or_, and_, sub, xor_, cmp };
enum class Shift : uint8_t { rol, ror, shl, shr, sar };

class MacroAssembler : public Assembler {
 public:
  static constexpr Reg kContext = 20, kInstance = 21, kFrame = 22, kMemory = 23;
  static constexpr Reg kScratch = x16, kScratchVec = v31;
  static constexpr Reg kPlace = x17, kValue = x19, kValueVec = v30;
  static constexpr Reg kResult = 0, kResultVec = v0;  ///< C results; a label's only value
  /// Registers for operands and, from the first on as many as wanted, for locals.
  static constexpr RegSet kTemporaries = 0xffu | RegSet{0xff} << v0;
  static constexpr Reg kForLocals[] = {8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28};
  static constexpr Reg kForVecLocals[] = {40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
                                          51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61};
  static constexpr Reg kArguments[] = {0, 1, 2, 3, 4, 5, 6, 7};
  static constexpr Reg kIndex = 24, kFunc = 25;  ///< of the callee
  static constexpr Reg kFramePointer = x29, kStackPointer = sp;
  /// After an addition: it left the range.
  static constexpr Cond kCarry = Cond::ae;
  /// Whether a condition takes two jumps.
  static constexpr bool is_paired(Cond) { return false; }

  static constexpr Mem cell(uint32_t index) { return mem(kFrame, int64_t{index} * 8); }
  static constexpr Mem context(size_t offset) {
    return mem(kContext, static_cast<int64_t>(offset));
  }
  static constexpr Mem instance(size_t offset) {
    return mem(kInstance, static_cast<int64_t>(offset));
  }

  // Whole cells (two for v128). None of these touches flags.
  void load(Cls cls, Reg to, const Mem& from);
  void store(Cls cls, const Mem& to, Reg from);
  void move(Cls cls, Reg to, Reg from);
  void constant(Cls cls, Reg to, uint64_t bits);
  void store_constant(const Mem& to, uint64_t bits);
  void copy(Cls cls, const Mem& to, const Mem& from);

  /// Clears a run of cells.
  void clear_cells(uint32_t first, uint32_t count);

  // General registers. `wide`: 64 bits, else 32 with the upper ones cleared.
  void load8(Reg to, const Mem& from) { access(kLoad8, to, from); }
  void load32(Reg to, const Mem& from) { access(kLoad32, to, from); }
  void load64(Reg to, const Mem& from) { access(kLoad64, to, from); }
  void store32(const Mem& to, Reg from) { access(kStore32, from, to); }
  void store64(const Mem& to, Reg from) { access(kStore64, from, to); }
  /// Values as they lie in memory and objects: `size` bytes, narrow integers extended.
  void load_sized(Cls cls, Reg to, const Mem& from, uint32_t size, bool is_signed);
  void store_sized(Cls cls, const Mem& to, Reg from, uint32_t size);
  void load8_register(Reg to, Reg from) { extract(false, false, to, from, 0, 8); }
  void move32(Reg to, Reg from) { op(kOrr, false, to, zr, from); }
  void move64(Reg to, Reg from) { op(kOrr, true, to, zr, from); }
  void address(Reg to, const Mem& of, bool wide = true);
  // Of these, add, sub and cmp set flags.
  void alu(Alu op, bool wide, Reg to, Reg from);
  void alu(Alu op, bool wide, Reg to, const Mem& from);
  void alu(Alu op, bool wide, Reg to, int32_t value);
  void alu_memory(Alu op, bool wide, const Mem& to, int32_t value);
  void compare8(const Mem& place, uint8_t value);
  /// to = a op value by an immediate or kPlace; `flags`: add and sub set them.
  void alu_imm(Alu op, bool wide, Reg to, Reg a, uint64_t value, bool flags = false);
  void test(bool wide, Reg a, Reg b) { op(kAnds, wide, zr, a, b); }
  /// The status that a call left, a byte.
  void test_status() { test_imm(kResult, 0xff); }
  void compare_status(uint8_t value) {
    load8_register(kPlace, kResult);
    alu_imm(Alu::cmp, false, zr, kPlace, value);
  }
  void test_imm(Reg a, uint32_t value) { alu_imm(Alu::and_, false, zr, a, value, true); }
  void shift(Shift op, bool wide, Reg to, unsigned count) { shift_imm(op, wide, to, to, count); }
  void shift_imm(Shift op, bool wide, Reg to, Reg from, unsigned count);
  /// `to` becomes 0 or 1. Leaves flags alone.
  void set(Cond cond, Reg to) {
    emit(kCsinc | field(zr) << 16 | static_cast<uint32_t>(negate(cond)) << 12 | field(zr) << 5 |
         field(to));
  }
  /// to = cond ? from : to.
  void move_if(Cond cond, bool wide, Reg to, Reg from) {
    op(kCsel | static_cast<uint32_t>(cond) << 12, wide, to, from, to);
  }

  // Jumps and addresses; the position that patch_distance takes comes back. All but jump_near reach
  // 1 MiB: beyond it the function is given up.
  void patch_distance(uint32_t at, uint32_t to);
  uint32_t jump_near() { return here(kB); }
  uint32_t jump_if_near(Cond cond) { return here(kBCond | static_cast<uint32_t>(cond)); }
  uint32_t jump_if_not_zero(bool wide, Reg reg) {
    return here(kCbnz | (wide ? kWide : 0) | field(reg));
  }
  /// Jumps if `cond`.
  void jump_over_if(Cond cond, uint32_t (&fixups)[2]) { fixups[0] = jump_if_near(cond); }
  void call(const Mem& place) {
    load64(kPlace, place);
    rr(kBlr, 0, kPlace);
  }
  void jump(const Mem& place) {
    load64(kPlace, place);
    rr(kBr, 0, kPlace);
  }
  void jump_register(Reg to) { rr(kBr, 0, to); }
  /// Address of a place in the code.
  uint32_t address_of_code(Reg to) { return here(kAdr | field(to)); }
  /// index = table + table[index], all 64 bits, entries of 32.
  void table_entry(Reg index, Reg table) {
    access(kLoadS32Wide, index, {table, index, 2, 0});
    op(kAdd, true, index, index, table);
  }

  // Frames.
  void enter() {
    emit(0xa9bf'7bfd);  // stp x29, x30, [sp, #-16]!
    emit(0x9100'03fd);  // mov x29, sp
  }
  void leave() {
    emit(0x9100'03bf);  // mov sp, x29
    pop_frame();
  }
  void ret() { emit(kRet); }
  /// Returns; `saved`: the frame has what save_pinned put there.
  void return_from(bool saved) {
    imm(kResult, 0);
    if (saved) stack_adjust(16);
    pop_frame();
    ret();
  }
  /// Instance and fp outlive calls in the frame.
  void save_pinned() { emit(0xa9bf'57f6); }  // stp x22, x21, [sp, #-16]!
  void restore_pinned() {
    emit(0xa940'57f6);  // ldp x22, x21, [sp]
    load64(kContext, instance(offsetof(vm::Instance, context)));
    load64(kMemory, instance(offsetof(vm::Instance, memory_base)));
  }
  /// Ends the function with the status in kResult, also where kSecondResult is looked at.
  void leave_with_status() {
    move32(1, kResult);
    leave();
    ret();
  }
  /// to = the end of the frame's cells; what patch_frame takes.
  uint32_t frame_end(Reg to) {
    const uint32_t at = here(kWide | kAddImm | 1u << 22 | field(kFrame) << 5 | field(to));
    emit(kWide | kAddImm | field(to) << 5 | field(to));
    return at;
  }
  void patch_frame(uint32_t at, uint32_t bytes) {
    patch32(at, read32(at) | bytes >> 12 << 10);
    patch32(at + 4, read32(at + 4) | (bytes & 0xfff) << 10);
  }
  /// Takes from a 32-bit counter, Cond::s tells when it is below 0.
  void count_down(const Mem& counter, Reg step);
  /// Takes from a 64-bit counter, Cond::s tells when it is below 0; what patch_charge takes.
  uint32_t charge(const Mem& counter);
  void patch_charge(uint32_t at, uint32_t units) {
    patch32(at, read32(at) | (units & 0xffff) << 5);
    patch32(at + 4, read32(at + 4) | units >> 16 << 5);
  }
  /// A register outlives a call of the C convention in between.
  void save_over_call(Reg reg) { emit(0xf81f'0fe0 | field(reg)); }      // str reg, [sp, #-16]!
  void restore_after_call(Reg reg) { emit(0xf841'07e0 | field(reg)); }  // ldr reg, [sp], #16
  void compare_stack(const Mem& limit) {
    load64(kPlace, limit);
    emit(0xeb20'63ff | field(kPlace) << 16);  // cmp sp, kPlace
  }
  void stack_adjust(int32_t bytes) {
    alu_imm(Alu::add, true, sp, sp, static_cast<uint64_t>(int64_t{bytes}));
  }
  /// Up to a multiple of 16, with what traps.
  void align() {
    while (pos() % 16 != 0) emit(0);
  }

  // Vectors.
  /// Loads 16 bytes of the code.
  uint32_t load_from_code(Reg to) { return here(kLdrLiteral | field(to)); }
  void to_vec(bool wide, Reg to, Reg from) { rr(wide ? kToVecWide : kToVec, to, from); }
  void from_vec(bool wide, Reg to, Reg from) { rr(wide ? kFromVecWide : kFromVec, to, from); }

 private:
  void pop_frame() { emit(0xa8c1'7bfd); }  // ldp x29, x30, [sp], #16
};

}  // namespace sedge::baseline

#endif  // SEDGE_BASELINE_A64_MASM_H_
