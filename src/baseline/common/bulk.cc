// Memory and table instructions other than loads and stores; wait and notify.
#include "baseline/common/compiler.h"

#if SEDGE_HAVE_BASELINE

namespace sedge::baseline {

namespace {

using Asm = MacroAssembler;

constexpr Argument kInstance{Argument::Kind::instance};
constexpr Argument number(uint64_t value) { return {Argument::Kind::number, value}; }
constexpr Argument cell32(uint32_t cell) { return {Argument::Kind::cell32, cell}; }
constexpr Argument cell64(uint32_t cell) { return {Argument::Kind::cell64, cell}; }
constexpr Argument address_of(uint32_t cell) { return {Argument::Kind::cell_address, cell}; }

}  // namespace

#define SEDGE_MEMBER(name) offsetof(vm::Builtins, name)

void Compiler::memory_op() {
  const uint32_t memory = in_.op == Op::memory_init ? in_.index2 : in_.index;
  switch (in_.op) {
    case Op::memory_size: {
      const Reg to = dest(Cls::i);
      load_memory(memory);
      code_.load64(to, mem(Asm::kScratch, offsetof(vm::Memory, size)));
      const uint8_t log2 = module_.memory_type(memory).page_size_log2;
      if (log2 != 0) code_.shift(Shift::shr, true, to, log2);
      return push(Cls::i, to);
    }
    case Op::memory_grow: {
      const uint32_t base = spill_for_call(1);
      call_builtin(SEDGE_MEMBER(memory_grow),
                   {kInstance, number(memory), address_argument(base, memory64(memory))});
      if (!memory64(memory)) code_.move32(Asm::kResult, Asm::kResult);
      return push(Cls::i, Asm::kResult);
    }
    case Op::data_drop:
      spill_for_call(0);
      return call_builtin(SEDGE_MEMBER(data_drop), {kInstance, number(in_.index)});
    default:
      break;
  }
  const uint32_t base = spill_for_call(3);
  const bool wide = memory64(memory);
  if (in_.op == Op::memory_init) {
    call_builtin(SEDGE_MEMBER(memory_init),
                 {kInstance, number(memory), number(in_.index), address_argument(base, wide),
                  cell32(base + 1), cell32(base + 2)});
  } else if (in_.op == Op::memory_fill) {
    call_builtin(SEDGE_MEMBER(memory_fill),
                 {kInstance, number(memory), address_argument(base, wide), cell32(base + 1),
                  address_argument(base + 2, wide)});
  } else {
    const bool from_wide = memory64(in_.index2);
    call_builtin(
        SEDGE_MEMBER(memory_copy),
        {kInstance, number(memory), number(in_.index2), address_argument(base, wide),
         address_argument(base + 1, from_wide), address_argument(base + 2, wide && from_wide)});
  }
  trap_unless_returned();
}

/// The vm::Memory goes to the scratch register.
void Compiler::load_memory(uint32_t index) {
  code_.load64(Asm::kScratch, Asm::instance(offsetof(vm::Instance, memories)));
  code_.load64(Asm::kScratch, mem(Asm::kScratch, int64_t{index} * 8));
}

void Compiler::load_table(Reg to, uint32_t index) {
  code_.load64(to, Asm::instance(offsetof(vm::Instance, tables)));
  code_.load64(to, mem(to, int64_t{index} * 8));
}

void Compiler::table_op() {
  if (in_.op == Op::elem_drop) {
    spill_for_call(0);
    return call_builtin(SEDGE_MEMBER(elem_drop), {kInstance, number(in_.index)});
  }
  const uint32_t table = in_.op == Op::table_init ? in_.index2 : in_.index;
  const bool wide = table64(table);
  auto element = [&](Reg index) {
    load_table(Asm::kScratch, table);
    code_.alu(Alu::cmp, true, index, mem(Asm::kScratch, offsetof(vm::Table, size)));
    trap_if(Cond::ae, TrapCode::out_of_bounds_table_access);
    code_.load64(Asm::kScratch, mem(Asm::kScratch, offsetof(vm::Table, elements)));
    return Mem{Asm::kScratch, index, 3, 0};
  };
  switch (in_.op) {
    case Op::table_get: {
      const Reg index = take_reg();
      const Reg to = dest(Cls::i, 0, index);
      code_.load64(to, element(index));
      return push(Cls::i, to);
    }
    case Op::table_set: {
      const Reg value = take_reg(), index = take_reg();
      return code_.store64(element(index), value);
    }
    case Op::table_size: {
      const Reg to = dest(Cls::i);
      load_table(to, table);
      code_.load64(to, mem(to, offsetof(vm::Table, size)));
      return push(Cls::i, to);
    }
    case Op::table_grow: {
      const uint32_t base = spill_for_call(2);
      call_builtin(SEDGE_MEMBER(table_grow),
                   {kInstance, number(table), cell64(base), address_argument(base + 1, wide)});
      if (!wide) code_.move32(Asm::kResult, Asm::kResult);
      return push(Cls::i, Asm::kResult);
    }
    default:
      break;
  }
  const uint32_t base = spill_for_call(3);
  if (in_.op == Op::table_init) {
    call_builtin(SEDGE_MEMBER(table_init),
                 {kInstance, number(table), number(in_.index), address_argument(base, wide),
                  cell32(base + 1), cell32(base + 2)});
  } else if (in_.op == Op::table_fill) {
    call_builtin(SEDGE_MEMBER(table_fill), {kInstance, number(table), address_argument(base, wide),
                                            cell64(base + 1), address_argument(base + 2, wide)});
  } else {
    const bool from_wide = table64(in_.index2);
    call_builtin(
        SEDGE_MEMBER(table_copy),
        {kInstance, number(table), number(in_.index2), address_argument(base, wide),
         address_argument(base + 1, from_wide), address_argument(base + 2, wide && from_wide)});
  }
  trap_unless_returned();
}

/// memory.atomic.wait32, wait64 and notify: no access of ours, so bounds are compared always.
void Compiler::wait_or_notify() {
  const wasm::OpInfo& info = wasm::op_info(in_.op);
  const bool notify = in_.op == Op::memory_atomic_notify;
  const bool wait64 = in_.op == Op::memory_atomic_wait64;
  const uint32_t memory = in_.mem.memory;
  const uint32_t bytes = 1u << info.aux;
  const uint32_t base = spill_for_call(info.signature.find(':'));
  const Reg at = Asm::kResult, carry = Asm::kArguments[2];
  code_.load64(at, Asm::cell(base));
  code_.imm(Asm::kScratch, in_.mem.offset);
  code_.alu(Alu::add, true, at, Asm::kScratch);
  code_.set(Asm::kCarry, carry);
  code_.test_imm(at, bytes - 1);
  trap_if(Cond::ne, TrapCode::unaligned_atomic);
  code_.test(false, carry, carry);
  trap_if(Cond::ne, TrapCode::out_of_bounds_memory_access);
  code_.store64(Asm::cell(base), at);
  code_.alu(Alu::add, true, at, static_cast<int32_t>(bytes));
  trap_if(Asm::kCarry, TrapCode::out_of_bounds_memory_access);
  load_memory(memory);
  code_.alu(Alu::cmp, true, at, mem(Asm::kScratch, offsetof(vm::Memory, size)));
  trap_if(Cond::a, TrapCode::out_of_bounds_memory_access);
  if (notify) {
    call_builtin(SEDGE_MEMBER(atomic_notify),
                 {kInstance, number(memory), cell64(base), cell32(base + 1)});
    code_.move32(Asm::kResult, Asm::kResult);
    return push(Cls::i, Asm::kResult);
  }
  publish();
  call_builtin(wait64 ? SEDGE_MEMBER(atomic_wait64) : SEDGE_MEMBER(atomic_wait32),
               {kInstance, number(memory), cell64(base),
                wait64 ? cell64(base + 1) : cell32(base + 1), cell64(base + 2), address_of(base)});
  trap_unless_returned();
  code_.load32(Asm::kResult, Asm::cell(base));
  push(Cls::i, Asm::kResult);
}

#undef SEDGE_MEMBER

}  // namespace sedge::baseline

#endif
