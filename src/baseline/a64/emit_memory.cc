// Emitters of loads, stores and atomic operators. Guarded memories need no comparison: the address
// is base + zero-extended index + offset, and what lies outside faults. Atomic operators are loops
// of exclusive loads and stores: the processor need not have more.
#include <bit>

#include "baseline/a64/emit.h"

#if defined(__aarch64__)

namespace sedge::baseline::a64 {

namespace {

using Kind = Operand::Kind;
using Asm = MacroAssembler;

bool guarded(const Compiler& c, uint32_t memory) {
  const auto& styles = c.options().memories;
  return memory < styles.size() && styles[memory] == vm::MemoryStyle::guarded;
}

/// Base register of a memory; scratch if it is not memory 0.
Reg base_of(Compiler& c, uint32_t memory) {
  if (memory == 0) return Asm::kMemory;
  c.load_memory(memory);
  c.code().load64(Asm::kScratch, mem(Asm::kScratch, offsetof(vm::Memory, base)));
  return Asm::kScratch;
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
  Asm& m = c.code();
  uint64_t total = 0;
  if (__builtin_add_overflow(more, uint64_t{bytes}, &total)) {
    c.trap_always(TrapCode::out_of_bounds_memory_access);
  }
  if (total < 4096) {
    m.alu(Alu::add, true, at, static_cast<int32_t>(total));
  } else {
    m.imm(Asm::kScratch, total);
    m.alu(Alu::add, true, at, Asm::kScratch);
  }
  if (is64) c.trap_if(Asm::kCarry, TrapCode::out_of_bounds_memory_access);
  c.load_memory(memory);
  m.alu(Alu::cmp, true, at, mem(Asm::kScratch, offsetof(vm::Memory, size)));
  c.trap_if(Cond::a, TrapCode::out_of_bounds_memory_access);
}

/// Takes the address operand: the place of an access of `bytes` bytes. It may use the scratch
/// register.
Mem place_of(Compiler& c, uint32_t bytes) {
  Asm& m = c.code();
  const wasm::MemArg& arg = c.in().mem;
  Operand address = c.take();
  if (!guarded(c, arg.memory)) {
    const Reg at = own(c, address);
    check_bounds(c, at, arg.offset, bytes, c.memory64(arg.memory), arg.memory);
    return {base_of(c, arg.memory), at, 0, -static_cast<int32_t>(bytes)};
  }
  if (address.is(Kind::constant)) {
    address.bits = static_cast<uint32_t>(address.bits) + arg.offset;
    if (address.bits <= INT32_MAX) {
      return mem(base_of(c, arg.memory), static_cast<int64_t>(address.bits));
    }
    const Reg index = own(c, address);
    return {base_of(c, arg.memory), index, 0, 0};
  }
  if (arg.offset <= INT32_MAX) {
    const Reg index = address.is(Kind::reg) ? address.reg : own(c, address);
    return {base_of(c, arg.memory), index, 0, static_cast<int32_t>(arg.offset)};
  }
  const Reg index = own(c, address);
  m.imm(Asm::kScratch, arg.offset);
  m.op(kAdd, true, index, index, Asm::kScratch);
  return {base_of(c, arg.memory), index, 0, 0};
}

/// The place of a store. One of which the end alone lies beyond the memory may write its beginning
/// before it faults: Arm lets it. So its last byte is read first.
Mem place_of_store(Compiler& c, uint32_t bytes) {
  Asm& m = c.code();
  const bool faults = guarded(c, c.in().mem.memory);
  const Mem place = place_of(c, bytes);
  if (!faults || bytes == 1) return place;
  m.address(Asm::kPlace, place);
  m.access(kLoad8, zr, mem(Asm::kPlace, bytes - 1));
  return mem(Asm::kPlace);
}

/// The place as an address in a register that may be changed; atomic accesses' alignment is looked
/// at first. Leaves the scratch register free.
Reg atomic_address(Compiler& c, uint32_t bytes) {
  Asm& m = c.code();
  const wasm::MemArg& arg = c.in().mem;
  const Reg at = own(c, c.take());
  if (bytes > 1) {
    m.imm(Asm::kScratch, arg.offset);
    m.op(kAdd, true, Asm::kScratch, Asm::kScratch, at);
    m.test_imm(Asm::kScratch, bytes - 1);
    c.trap_if(Cond::ne, TrapCode::unaligned_atomic);
  }
  if (guarded(c, arg.memory)) {
    m.imm(Asm::kScratch, arg.offset);
    m.op(kAdd, true, at, at, Asm::kScratch);
  } else {
    check_bounds(c, at, arg.offset, bytes, c.memory64(arg.memory), arg.memory);
    m.alu_imm(Alu::sub, true, at, at, bytes);
  }
  m.op(kAdd, true, at, at, base_of(c, arg.memory));
  return at;
}

Reg reusable(const Compiler& c, const Mem& place) {
  return place.index != kNoReg && c.owned(place.index) ? place.index : kNoReg;
}

/// A load or store of one lane through the address in kPlace: B, H, S, D forms.
uint32_t lane_ins(bool load, uint32_t bytes, unsigned lane) {
  const auto log2 = static_cast<unsigned>(std::countr_zero(bytes));
  const unsigned index = lane << log2;  // in bytes: Q, S, size are its bits
  const uint32_t form = log2 == 0 ? 0 : log2 == 1 ? 0x4000u : 0x8000u;
  const uint32_t size = log2 == 3 ? 1u << 10 : (index & 3) << 10;
  return 0x0d00'0000 | (load ? 1u << 22 : 0) | (index >> 3) << 30 | form |
         (log2 == 3 ? 0 : (index >> 2 & 1) << 12) | size;
}

uint32_t size_bits(uint32_t bytes) { return static_cast<uint32_t>(std::countr_zero(bytes)) << 30; }
constexpr uint32_t kLoadAcquire = 0x08df'fc00, kStoreRelease = 0x089f'fc00,
                   kLoadExclusive = 0x085f'fc00, kStoreExclusive = 0x0800'fc00;

}  // namespace

void load(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const auto cls = static_cast<Cls>(row.a);
  const Mem place = place_of(c, row.b);
  const Reg to = c.dest(cls, 0, reusable(c, place));
  if (row.c == 3) {  // sign-extended to i64
    m.access(row.b == 1 ? kLoadS8Wide : row.b == 2 ? kLoadS16Wide : kLoadS32Wide, to, place);
  } else {
    m.load_sized(cls, to, place, row.b, (row.c & 1) != 0);
  }
  c.push(cls, to);
}

void store(Compiler& c, const Emitter& row) {
  const auto cls = static_cast<Cls>(row.a);
  const Operand value = c.take();
  if (value.is(Kind::constant) && value.bits == 0 && cls != Cls::v) {
    const Mem place = place_of_store(c, row.b);
    return c.code().store_sized(Cls::i, place, zr, row.b);
  }
  Reg reg = value.reg;
  if (!value.is(Kind::reg)) {
    reg = c.alloc(in_vec(cls));
    c.move_to_reg(value, reg);
  }
  const Mem place = place_of_store(c, row.b);
  c.code().store_sized(cls, place, reg, row.b);
}

void load_vector(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Mem place = place_of(c, row.b);
  const Reg to = c.dest(Cls::v);
  m.access(row.b == 4 ? kLoadF : kLoadD, to, place);
  if (row.a != 0) m.rr(row.a, to, to);
  c.push(Cls::v, to);
}

void load_splat(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Mem place = place_of(c, row.a);
  const Reg to = c.dest(Cls::v);
  m.address(Asm::kPlace, place);
  const auto log2 = static_cast<uint32_t>(std::countr_zero(row.a));
  m.rr(0x4d40'c000 | log2 << 10, to, Asm::kPlace);  // ld1r
  c.push(Cls::v, to);
}

void load_lane(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Operand vector = c.take();
  const Mem place = place_of(c, row.a);
  const Reg to = c.dest(Cls::v, 0, reg_or_none(vector));
  c.move_to_reg(vector, to);
  m.address(Asm::kPlace, place);
  m.rr(lane_ins(true, row.a, c.in().lane), to, Asm::kPlace);
  c.push(Cls::v, to);
}

void store_lane(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Reg vector = c.take_reg();
  const Mem place = place_of_store(c, row.a);
  m.address(Asm::kPlace, place);
  m.rr(lane_ins(false, row.a, c.in().lane), vector, Asm::kPlace);
}

void atomic_load(Compiler& c, const Emitter& row) {
  const Reg at = atomic_address(c, row.a);
  const Reg to = c.dest(Cls::i, 0, at);
  c.code().rr(kLoadAcquire | size_bits(row.a), to, at);
  c.push(Cls::i, to);
}

void atomic_store(Compiler& c, const Emitter& row) {
  const Reg value = c.take_reg();
  const Reg at = atomic_address(c, row.a);
  c.code().rr(kStoreRelease | size_bits(row.a), value, at);
}

void atomic_update(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Reg value = c.take_reg();
  const Reg at = atomic_address(c, row.a);
  const Reg old = c.alloc(false);
  const uint32_t again = m.pos();
  m.rr(kLoadExclusive | size_bits(row.a), old, at);
  Reg updated = value;
  if (row.b != 0) {
    updated = Asm::kScratch;
    m.op(row.b, true, updated, old, value);
  }
  m.rrr(kStoreExclusive | size_bits(row.a), updated, at, Asm::kPlace);
  m.patch_distance(m.jump_if_not_zero(false, Asm::kPlace), again);
  c.push(Cls::i, old);
}

void atomic_compare_exchange(Compiler& c, const Emitter& row) {
  Asm& m = c.code();
  const Reg replacement = c.take_reg();
  const Reg expected = c.take_reg();
  const Reg at = atomic_address(c, row.a);
  const Reg old = c.alloc(false);
  // What is expected wraps to the width of the access.
  m.extract(false, true, Asm::kScratch, expected, 0, row.a * 8);
  const uint32_t again = m.pos();
  m.rr(kLoadExclusive | size_bits(row.a), old, at);
  m.op(kSubs, true, zr, old, Asm::kScratch);
  const uint32_t differs = m.jump_if_near(Cond::ne);
  m.rrr(kStoreExclusive | size_bits(row.a), replacement, at, Asm::kPlace);
  m.patch_distance(m.jump_if_not_zero(false, Asm::kPlace), again);
  c.bind_here(differs);
  c.push(Cls::i, old);
}

void fence(Compiler& c, const Emitter&) { c.code().emit(kDmbIsh); }

}  // namespace sedge::baseline::a64

#endif
