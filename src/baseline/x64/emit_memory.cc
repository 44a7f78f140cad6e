// Emitters of loads, stores and atomic operators. Guarded memories need no comparison: the address
// is base + zero-extended index + offset, and what lies outside faults.
#include "baseline/x64/emit.h"

#if defined(__x86_64__)

namespace sedge::baseline::x64 {

namespace {

using Kind = Operand::Kind;
constexpr Reg kScratch = MacroAssembler::kScratch, kScratchVec = MacroAssembler::kScratchVec;

bool guarded(const Compiler& c, uint32_t memory) {
  const auto& styles = c.options().memories;
  return memory < styles.size() && styles[memory] == vm::MemoryStyle::guarded;
}

/// Base register of a memory; scratch if it is not memory 0.
Reg base_of(Compiler& c, uint32_t memory) {
  if (memory == 0) return MacroAssembler::kMemory;
  c.load_memory(memory);
  c.code().load64(kScratch, mem(kScratch, offsetof(vm::Memory, base)));
  return kScratch;
}

/// An address operand in a register that may be changed.
Reg own(Compiler& c, const Operand& operand) {
  if (operand.is(Kind::reg) && c.owned(operand.reg)) return operand.reg;
  const Reg reg = c.alloc(false);
  c.move_to_reg(operand, reg);
  return reg;
}

/// Checks that [at, at + bytes) lies in the memory, where `at` plus `more` is the address;
/// `at` becomes the end. 64-bit addresses may overflow.
void check_bounds(Compiler& c, Reg at, uint64_t more, uint32_t bytes, bool is64, uint32_t memory) {
  MacroAssembler& m = c.code();
  uint64_t total = 0;
  if (__builtin_add_overflow(more, uint64_t{bytes}, &total)) {
    c.trap_always(TrapCode::out_of_bounds_memory_access);
  }
  if (static_cast<int64_t>(total) == static_cast<int32_t>(total)) {
    m.alu(Alu::add, true, at, static_cast<int32_t>(total));
  } else {
    m.imm(kScratch, total);
    m.alu(Alu::add, true, at, kScratch);
  }
  if (is64) c.trap_if(Cond::b, TrapCode::out_of_bounds_memory_access);
  c.load_memory(memory);
  m.alu(Alu::cmp, true, at, mem(kScratch, offsetof(vm::Memory, size)));
  c.trap_if(Cond::a, TrapCode::out_of_bounds_memory_access);
}

/// Takes the address operand: the place of an access of `bytes` bytes. It may use the scratch
/// register.
Mem place_of(Compiler& c, uint32_t bytes) {
  MacroAssembler& m = c.code();
  const wasm::MemArg& arg = c.in().mem;
  Operand address = c.take();
  if (guarded(c, arg.memory)) {
    if (address.is(Kind::constant)) {
      address.bits = static_cast<uint32_t>(address.bits) + arg.offset;
      if (address.bits <= INT32_MAX) {
        return mem(base_of(c, arg.memory), static_cast<int64_t>(address.bits));
      }
      const Reg index = own(c, address);
      return {base_of(c, arg.memory), index, 0, 0};
    }
    if (arg.offset <= INT32_MAX) {
      Reg index = address.reg;
      if (!address.is(Kind::reg)) index = own(c, address);
      return {base_of(c, arg.memory), index, 0, static_cast<int32_t>(arg.offset)};
    }
    const Reg index = own(c, address);
    m.imm(kScratch, arg.offset);
    m.alu(Alu::add, true, index, kScratch);
    return {base_of(c, arg.memory), index, 0, 0};
  }
  const Reg at = own(c, address);
  check_bounds(c, at, arg.offset, bytes, c.memory64(arg.memory), arg.memory);
  return {base_of(c, arg.memory), at, 0, -static_cast<int32_t>(bytes)};
}

/// The same for atomic accesses, whose alignment is looked at first. Leaves the scratch register
/// free.
Mem atomic_place(Compiler& c, uint32_t bytes) {
  MacroAssembler& m = c.code();
  const wasm::MemArg& arg = c.in().mem;
  const bool is64 = c.memory64(arg.memory);
  const Reg at = own(c, c.take());
  if (bytes > 1) {
    m.imm(kScratch, arg.offset);
    m.address(kScratch, {kScratch, at, 0, 0});
    m.test_imm(kScratch, bytes - 1);
    c.trap_if(Cond::ne, TrapCode::unaligned_atomic);
  }
  int32_t disp = 0;
  if (guarded(c, arg.memory)) {
    m.imm(kScratch, arg.offset);
    m.alu(Alu::add, true, at, kScratch);
  } else {
    check_bounds(c, at, arg.offset, bytes, is64, arg.memory);
    disp = -static_cast<int32_t>(bytes);
  }
  m.alu(Alu::add, true, at, base_of(c, arg.memory));
  return mem(at, disp);
}

Reg reusable(const Compiler& c, const Mem& place) {
  return place.index != kNoReg && c.owned(place.index) ? place.index : kNoReg;
}

void lock(MacroAssembler& m) {
  m.reserve();
  m.byte(0xf0);
}

/// `ins` on 1, 2, 4 or 8 bytes of memory: its opcode for 8 bits is one less.
void sized(MacroAssembler& m, Ins ins, Reg reg, const Mem& place, uint32_t bytes) {
  if (bytes == 1) ins.code--;
  if (bytes == 2) ins.prefix = k66;
  m.rm(ins, reg, place, bytes == 8, bytes == 1);
}
/// A narrow result, zero-extended.
void zero_extend(MacroAssembler& m, Reg reg, uint32_t bytes) {
  if (bytes == 1) m.load8_register(reg, reg);
  if (bytes == 2) m.rr({0, 1, 0xb7}, reg, reg);
}

constexpr Ins kPackedShuffle{k66, 2, 0x00};

}  // namespace

void load(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const auto cls = static_cast<Cls>(row.a);
  const Mem place = place_of(c, row.b);
  const Reg to = c.dest(cls, 0, reusable(c, place));
  if (row.c == 3) {  // sign-extended to i64
    if (row.b == 4) {
      m.rm({0, 0, 0x63}, to, place, true);
    } else {
      m.rm({0, 1, row.b == 1 ? uint8_t{0xbe} : uint8_t{0xbf}}, to, place, true);
    }
  } else {
    m.load_sized(cls, to, place, row.b, (row.c & 1) != 0);
  }
  c.push(cls, to);
}

void store(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const auto cls = static_cast<Cls>(row.a);
  Operand value = c.take();
  if (value.is(Kind::constant) &&
      (row.b <= 4 || static_cast<int64_t>(value.bits) == static_cast<int32_t>(value.bits))) {
    const Mem place = place_of(c, row.b);
    return m.store_immediate(place, static_cast<uint32_t>(value.bits), row.b);
  }
  Reg reg = value.reg;
  if (!value.is(Kind::reg)) {
    reg = c.alloc(in_vec(cls));
    c.move_to_reg(value, reg);
  }
  const Mem place = place_of(c, row.b);
  m.store_sized(cls, place, reg, row.b);
}

void load_vector(Compiler& c, const Emitter& row) {
  const Mem place = place_of(c, row.b);
  const Reg to = c.dest(Cls::v);
  c.code().vec(unpack(row.a), to, place);
  c.push(Cls::v, to);
}

void load_splat(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Mem place = place_of(c, row.a);
  const Reg to = c.dest(Cls::v);
  switch (row.a) {
    case 1:
      m.load8(kScratch, place);
      m.to_vec(false, to, kScratch);
      m.constant(Cls::v, kScratchVec, 0);
      m.vec(kPackedShuffle, to, kScratchVec);
      break;
    case 2:
      m.rm({0, 1, 0xb7}, kScratch, place);
      m.to_vec(false, to, kScratch);
      m.vec_imm({kF2, 1, 0x70}, to, to, 0);  // pshuflw
      m.vec_imm({k66, 1, 0x70}, to, to, 0);  // pshufd
      break;
    case 4:
      m.load(Cls::f, to, place);
      m.vec_imm({k66, 1, 0x70}, to, to, 0);
      break;
    default:
      m.vec({kF2, 1, 0x12}, to, place);  // movddup
      break;
  }
  c.push(Cls::v, to);
}

void load_lane(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Operand vector = c.take();
  const Mem place = place_of(c, row.a);
  const Reg to = c.dest(Cls::v, 0, reg_or_none(vector));
  c.move_to_reg(vector, to);
  switch (row.a) {
    case 1:
      m.rm({k66, 3, 0x20}, to, place);
      break;
    case 2:
      m.rm({k66, 1, 0xc4}, to, place);
      break;
    default:
      m.rm({k66, 3, 0x22}, to, place, row.a == 8);
      break;
  }
  m.byte(c.in().lane);
  c.push(Cls::v, to);
}

void store_lane(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Reg vector = c.take_reg();
  const Mem place = place_of(c, row.a);
  const Ins ins{k66, 3, row.a == 1 ? uint8_t{0x14} : row.a == 2 ? uint8_t{0x15} : uint8_t{0x16}};
  m.rm(ins, vector, place, row.a == 8);
  m.byte(c.in().lane);
}

void atomic_load(Compiler& c, const Emitter& row) {
  const Mem place = atomic_place(c, row.a);
  const Reg to = c.dest(Cls::i, 0, place.base);
  c.code().load_sized(Cls::i, to, place, row.a, false);
  c.push(Cls::i, to);
}

void atomic_store(Compiler& c, const Emitter& row) {
  const Reg value = c.take_owned();
  const Mem place = atomic_place(c, row.a);
  sized(c.code(), {0, 0, 0x87}, value, place, row.a);  // xchg
}

void atomic_add(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Reg value = c.take_owned();
  const Mem place = atomic_place(c, row.a);
  if (row.b != 0) m.rr({0, 0, 0xf7}, 3, value, row.a == 8);  // neg
  lock(m);
  sized(m, {0, 1, 0xc1}, value, place, row.a);  // xadd
  zero_extend(m, value, row.a);
  c.push(Cls::i, value);
}

void atomic_exchange(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  const Reg value = c.take_owned();
  const Mem place = atomic_place(c, row.a);
  sized(m, {0, 0, 0x87}, value, place, row.a);
  zero_extend(m, value, row.a);
  c.push(Cls::i, value);
}

void atomic_logic(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  c.claim(rax);
  const Reg value = c.take_reg();
  const Mem place = atomic_place(c, row.a);
  m.load_sized(Cls::i, rax, place, row.a, false);
  const uint32_t again = m.pos();
  m.move64(kScratch, rax);
  m.alu(static_cast<Alu>(row.b), true, kScratch, value);
  lock(m);
  sized(m, {0, 1, 0xb1}, kScratch, place, row.a);  // cmpxchg
  c.bind_to(m.jump_if_near(Cond::ne), again);
  zero_extend(m, rax, row.a);
  c.push(Cls::i, rax);
}

void atomic_compare_exchange(Compiler& c, const Emitter& row) {
  MacroAssembler& m = c.code();
  c.claim(rax);
  const Reg replacement = c.take_reg();
  const Operand expected = c.take();
  c.move_to_reg(expected, rax);
  if (!expected.is(Kind::reg) || expected.reg != rax) c.release(expected);
  const Mem place = atomic_place(c, row.a);
  lock(m);
  sized(m, {0, 1, 0xb1}, replacement, place, row.a);
  // Where the exchange was made, rax is as it was: with the operand's upper bits.
  if (row.a == 4) m.move32(rax, rax);
  zero_extend(m, rax, row.a);
  c.push(Cls::i, rax);
}

void fence(Compiler& c, const Emitter&) {
  MacroAssembler& m = c.code();
  m.reserve();
  for (unsigned code : {0x0fu, 0xaeu, 0xf0u}) m.byte(code);  // mfence
}

}  // namespace sedge::baseline::x64

#endif
