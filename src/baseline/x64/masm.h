// Macro-assembler for x86-64: what the compiler's common part asks of an instruction set. Pinned
// registers are those of the native convention (vm/native.h); r11 and xmm15 are scratch, free
// between any two calls of these functions.
#ifndef SEDGE_BASELINE_X64_MASM_H_
#define SEDGE_BASELINE_X64_MASM_H_

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"
#include "baseline/x64/assembler.h"
#include "vm/layout.h"

namespace sedge::baseline {

/// Class of a value: integers and references, f32, f64, v128.
enum class Cls : uint8_t { i, f, d, v };
constexpr bool in_vec(Cls cls) { return cls != Cls::i; }

/// What this processor has beyond x86-64-v2: detected once; tests take features away.
X86Features& cpu_features();

/// Integer operations with two operands, numbered as their opcodes are.
enum class Alu : uint8_t { add = 0, or_ = 1, and_ = 4, sub = 5, xor_ = 6, cmp = 7 };
/// Shifts, numbered as the opcode's extension.
enum class Shift : uint8_t { rol = 0, ror = 1, shl = 4, shr = 5, sar = 7 };

class MacroAssembler : public Assembler {
 public:
  static constexpr Reg kContext = r12, kInstance = r13, kFrame = r14, kMemory = r15;
  static constexpr Reg kScratch = r11, kScratchVec = xmm15;
  static constexpr Reg kResult = rax, kResultVec = xmm0;  ///< C results; a label's only value
  /// Registers for operands and, from the first on as many as wanted, for locals.
  static constexpr uint32_t kTemporaries =
      1u << rax | 1u << rcx | 1u << rdx | 0x3fu << xmm0;  // xmm0..xmm5
  static constexpr Reg kForLocals[] = {rbx, rsi, rdi, r8, r9, r10};
  static constexpr Reg kForVecLocals[] = {22, 23, 24, 25, 26, 27, 28, 29, 30};  // xmm6..xmm14
  static constexpr Reg kArguments[] = {rdi, rsi, rdx, rcx, r8, r9};
  static constexpr Reg kIndex = rdi, kFunc = rsi;  ///< of the callee
  static constexpr Reg kFramePointer = rbp, kStackPointer = rsp;

  /// After an addition: it left the range.
  static constexpr Cond kCarry = Cond::b;
  /// Whether a condition takes two jumps.
  static constexpr bool is_paired(Cond cond) { return cond >= Cond::equal_ordered; }

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

  /// Clears a run of cells; changes temporaries.
  void clear_cells(uint32_t first, uint32_t count);

  // General registers. `wide`: 64 bits, else 32 with the upper ones cleared.
  void load32(Reg to, const Mem& from) { rm({0, 0, 0x8b}, to, from); }
  void load64(Reg to, const Mem& from) { rm({0, 0, 0x8b}, to, from, true); }
  /// Values as they lie in memory and objects: `size` bytes, narrow integers extended.
  void load_sized(Cls cls, Reg to, const Mem& from, uint32_t size, bool is_signed);
  void store_sized(Cls cls, const Mem& to, Reg from, uint32_t size);
  void load8_register(Reg to, Reg from) { rr({0, 1, 0xb6}, to, from, false, true); }
  void load8(Reg to, const Mem& from) { rm({0, 1, 0xb6}, to, from); }
  void store32(const Mem& to, Reg from) { rm({0, 0, 0x89}, from, to); }
  void store64(const Mem& to, Reg from) { rm({0, 0, 0x89}, from, to, true); }
  void move32(Reg to, Reg from) { rr({0, 0, 0x8b}, to, from); }
  void move64(Reg to, Reg from) { rr({0, 0, 0x8b}, to, from, true); }
  void imm(Reg to, uint64_t value);
  void address(Reg to, const Mem& of, bool wide = true) { rm({0, 0, 0x8d}, to, of, wide); }
  void alu(Alu op, bool wide, Reg to, Reg from);
  void alu(Alu op, bool wide, Reg to, const Mem& from);
  void alu(Alu op, bool wide, Reg to, int32_t value);
  void alu_memory(Alu op, bool wide, const Mem& to, int32_t value);
  void compare8(const Mem& place, uint8_t value);
  void test(bool wide, Reg a, Reg b) { rr({0, 0, 0x85}, a, b, wide); }
  /// The status that a call left, a byte.
  void test_status() { rr({0, 0, 0x84}, rax, rax); }
  void compare_status(uint8_t value) {
    rr({0, 0, 0x80}, 7, rax);
    byte(value);
  }
  void test_imm(Reg a, uint32_t value);
  void shift(Shift op, bool wide, Reg to, unsigned count);
  void shift_cl(Shift op, bool wide, Reg to) { rr({0, 0, 0xd3}, static_cast<Reg>(op), to, wide); }
  /// Shifts by a register without going through rcx (BMI2).
  void shift_by(Shift op, bool wide, Reg to, Reg from, Reg count);
  /// Stores the low `size` bytes of a constant, sign-extended from 32 bits.
  void store_immediate(const Mem& to, uint32_t value, uint32_t size);
  /// `to` becomes 0 or 1. Leaves flags alone.
  void set(Cond cond, Reg to);
  /// to = cond ? from : to; not for the paired conditions.
  void move_if(Cond cond, bool wide, Reg to, Reg from) {
    rr({0, 1, static_cast<uint8_t>(0x40 + static_cast<uint8_t>(cond))}, to, from, wide);
  }

  // Jumps and addresses; the position that patch_distance takes comes back.
  void patch_distance(uint32_t at, uint32_t to) { patch32(at, to - at - 4); }
  uint32_t jump_near() { return distance({0, 0, 0xe9}); }
  uint32_t jump_if_near(Cond cond) {
    return distance({0, 1, static_cast<uint8_t>(0x80 + static_cast<uint8_t>(cond))});
  }
  /// Jumps if `cond`, any of them: up to two distances.
  void jump_over_if(Cond cond, uint32_t (&fixups)[2]);
  void call(const Mem& place) { rm({0, 0, 0xff}, 2, place); }
  void jump(const Mem& place) { rm({0, 0, 0xff}, 4, place); }
  void jump_register(Reg to) { rr({0, 0, 0xff}, 4, to); }
  /// Address of a place in the code.
  uint32_t address_of_code(Reg to) { return rip({0, 0, 0x8d}, to, true); }
  /// to = table + table[index], all 64 bits, entries of 32.
  void table_entry(Reg index, Reg table) {
    rm({0, 0, 0x63}, index, {table, index, 2, 0}, true);
    alu(Alu::add, true, index, table);
  }

  // Frames.
  void enter() {
    reserve();
    byte(0x55);  // push rbp
    rr({0, 0, 0x8b}, rbp, rsp, true);
  }
  void leave() {
    reserve();
    byte(0xc9);
  }
  void ret() {
    reserve();
    byte(0xc3);
  }
  /// Returns; `saved`: the frame has what save_pinned put there.
  void return_from(bool saved) {
    alu(Alu::xor_, false, rax, rax);
    if (saved) stack_adjust(16);
    pop(rbp);
    ret();
  }
  /// Instance and fp outlive calls in the frame.
  void save_pinned() {
    stack_adjust(-16);
    store64(mem(rbp, -8), kInstance);
    store64(mem(rbp, -16), kFrame);
  }
  /// rsp is known sooner than rbp, which a callee has loaded.
  void restore_pinned() {
    load64(kFrame, mem(rsp, 0));
    load64(kInstance, mem(rsp, 8));
    load64(kContext, instance(offsetof(vm::Instance, context)));
    load64(kMemory, instance(offsetof(vm::Instance, memory_base)));
  }
  /// Ends the function with the status in kResult, also where kSecondResult is looked at.
  void leave_with_status() {
    move32(rdx, rax);
    leave();
    ret();
  }
  /// to = the end of the frame's cells; what patch_frame takes.
  uint32_t frame_end(Reg to) {
    address(to, mem(kFrame, INT32_MAX));
    return pos() - 4;
  }
  void patch_frame(uint32_t at, uint32_t bytes) { patch32(at, bytes); }
  /// Takes from a 32-bit counter, Cond::s tells when it is below 0.
  void count_down(const Mem& counter, Reg step) { rm({0, 0, 0x29}, step, counter); }
  /// Takes from a 64-bit counter, Cond::s tells when it is below 0; what patch_charge takes.
  uint32_t charge(const Mem& counter) {
    alu_memory(Alu::sub, true, counter, INT32_MAX);
    return pos() - 4;
  }
  void patch_charge(uint32_t at, uint32_t units) { patch32(at, units); }
  /// A register outlives a call of the C convention in between.
  void save_over_call(Reg reg) {
    push(reg);
    stack_adjust(-8);
  }
  void restore_after_call(Reg reg) {
    stack_adjust(8);
    pop(reg);
  }
  void compare_stack(const Mem& limit) { alu(Alu::cmp, true, rsp, limit); }
  void push(Reg reg);
  void pop(Reg reg);
  void stack_adjust(int32_t bytes) { alu(Alu::add, true, rsp, bytes); }
  /// Up to a multiple of 16, with what traps.
  void align() {
    reserve();
    while (pos() % 16 != 0) byte(0xcc);
  }

  // Vectors.
  void vec(Ins ins, Reg to, Reg from) { rr(ins, to, from); }
  void vec(Ins ins, Reg to, const Mem& from) { rm(ins, to, from); }
  /// Loads 16 bytes of the code.
  uint32_t load_from_code(Reg to) { return rip({0, 1, 0x10}, to); }
  void vec_imm(Ins ins, Reg to, Reg from, unsigned value) {
    rr(ins, to, from);
    byte(value);
  }
  void to_vec(bool wide, Reg to, Reg from) { rr({k66, 1, 0x6e}, to, from, wide); }
  void from_vec(bool wide, Reg to, Reg from) { rr({k66, 1, 0x7e}, from, to, wide); }
};

}  // namespace sedge::baseline

#endif  // SEDGE_BASELINE_X64_MASM_H_
