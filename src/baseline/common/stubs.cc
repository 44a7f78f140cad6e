// Code out of line: traps, polls, counters, entries at loop headers, exits, constants.
#include <bit>

#include "baseline/common/compiler.h"

#if SEDGE_HAVE_BASELINE

namespace sedge::baseline {

namespace {
using Asm = MacroAssembler;
}

void Compiler::add_stub(Stub::Kind kind, uint32_t fixup, uint32_t a, uint32_t b, uint32_t c) {
  stubs_.push_back({kind, fixup, code_.pos(), a, b, c, state(), in_.offset});
}

void Compiler::trap_if(Cond cond, TrapCode trap) {
  add_stub(Stub::Kind::trap, code_.jump_if_near(cond), static_cast<uint32_t>(trap));
}
void Compiler::trap_always(TrapCode trap) {
  add_stub(Stub::Kind::trap, code_.jump_near(), static_cast<uint32_t>(trap));
}

void Compiler::poll(uint32_t loop) {
  code_.alu_memory(Alu::cmp, false, Asm::context(offsetof(vm::Context, interrupt)), 0);
  const uint32_t fixup = code_.jump_if_near(Cond::ne);
  add_stub(Stub::Kind::poll, fixup, loop);
}

void Compiler::count_heat(uint32_t loop) {
  code_.load64(Asm::kScratch, Asm::instance(offsetof(vm::Instance, slots)));
  const size_t slot = (func_index_ - imported_funcs_) * sizeof(vm::NativeSlot);
  auto in_slot = [&](size_t offset) {
    return mem(Asm::kScratch, static_cast<int64_t>(slot + offset));
  };
  // At entries and loop headers no operand is in a register.
  code_.load32(Asm::kResult, in_slot(offsetof(vm::NativeSlot, heat_step)));
  code_.count_down(in_slot(offsetof(vm::NativeSlot, heat)), Asm::kResult);
  const uint32_t fixup = code_.jump_if_near(Cond::s);
  add_stub(Stub::Kind::hot, fixup, loop);
}

void Compiler::write_back_cold(const State& state) {
  for (RegSet left = state.dirty; left != 0; left &= left - 1) {
    const auto reg = static_cast<Reg>(std::countr_zero(left));
    const Local& local = local_of(reg);
    code_.store(local.cls, Asm::cell(local.cell), reg);
  }
}
void Compiler::reload_cold(const State& state) {
  for (RegSet left = state.valid; left != 0; left &= left - 1) {
    const auto reg = static_cast<Reg>(std::countr_zero(left));
    const Local& local = local_of(reg);
    code_.load(local.cls, reg, Asm::cell(local.cell));
  }
}

void Compiler::emit_stub(const Stub& stub) {
  if (stub.fixup != kNone) bind_here(stub.fixup);
  places_.emplace_back(code_.pos(), stub.offset);
  in_.offset = stub.offset;
  // Place and code of a trap go to the exit that all share.
  auto trap = [this] {
    bind_here(code_.address_of_code(Asm::kArguments[2]));
    trap_fixups_.push_back(code_.jump_near());
  };
  auto go_back = [&] { bind_to(code_.jump_near(), stub.back); };
  switch (stub.kind) {
    case Stub::Kind::index_trap:
      code_.store64(Asm::context(offsetof(vm::Context, trap_index)), static_cast<Reg>(stub.b));
      [[fallthrough]];
    case Stub::Kind::trap:
      code_.imm(Asm::kArguments[1], stub.a);
      return trap();
    case Stub::Kind::context_trap:
      code_.load8(Asm::kArguments[1], Asm::context(offsetof(vm::Context, trap)));
      return trap();
    case Stub::Kind::poll:
      write_back_cold(stub.state);
      publish();
      call_builtin(offsetof(vm::Builtins, interrupted), {{Argument::Kind::context}});
      trap_unless_returned();
      reload_cold(stub.state);
      return go_back();
    case Stub::Kind::hot: {
      write_back_cold(stub.state);
      publish();
      call_builtin(offsetof(vm::Builtins, hot), {{Argument::Kind::instance},
                                                 {Argument::Kind::number, func_index_},
                                                 {Argument::Kind::number, stub.a}});
      code_.test(true, Asm::kResult, Asm::kResult);
      const uint32_t stay = code_.jump_if_near(Cond::e);
      code_.imm(Asm::kIndex, func_index_);
      code_.leave();
      code_.jump_register(Asm::kResult);
      bind_here(stay);
      reload_cold(stub.state);
      return go_back();
    }
    case Stub::Kind::subtype: {
      code_.save_over_call(Asm::kFunc);
      code_.move64(Asm::kArguments[0], Asm::kInstance);
      code_.move64(Asm::kArguments[1], Asm::kFunc);
      code_.imm(Asm::kArguments[2], ValType::reference(HeapType::index(stub.a), true).bits());
      code_.load64(Asm::kScratch, Asm::context(offsetof(vm::Context, builtins)));
      code_.call(mem(Asm::kScratch, offsetof(vm::Builtins, ref_test)));
      code_.restore_after_call(Asm::kFunc);
      code_.test_status();
      trap_if(Cond::e, TrapCode::indirect_call_type_mismatch);
      return go_back();
    }
    case Stub::Kind::call_failed: {
      code_.compare_status(static_cast<uint8_t>(vm::Exit::exception));
      return_fixups_.push_back(code_.jump_if_near(Cond::ne));
      code_.restore_pinned();
      return jump_to(regions_[stub.a].label);
    }
    case Stub::Kind::new_struct:
    case Stub::Kind::new_array:
      write_back_cold(stub.state);
      place_object_slowly(stub);
      reload_cold(stub.state);
      return go_back();
    case Stub::Kind::call_import:
      call_wasm_import(stub.a, stub.b);
      return go_back();
    case Stub::Kind::host_failed:
      return host_failed(stub.a);
    case Stub::Kind::loop_entry: {
      loop_entries_.emplace_back(stub.a, code_.pos());
      enter_frame();
      const Label& header = labels_[stub.b];
      reload_cold(header.state);
      return jump_to(stub.b);
    }
  }
}

void Compiler::emit_exits() {
  if (!trap_fixups_.empty()) {
    for (uint32_t at : trap_fixups_) bind_here(at);
    code_.move64(Asm::kArguments[0], Asm::kContext);
    code_.move64(Asm::kArguments[3], Asm::kFramePointer);
    code_.load64(Asm::kScratch, Asm::context(offsetof(vm::Context, builtins)));
    code_.call(mem(Asm::kScratch, offsetof(vm::Builtins, native_trap)));
  }
  for (uint32_t at : return_fixups_) bind_here(at);
  if (!trap_fixups_.empty() || !return_fixups_.empty()) code_.leave_with_status();
}

void Compiler::emit_pool() {
  if (pool_.empty()) return;
  code_.align();
  std::vector<std::pair<std::pair<uint64_t, uint64_t>, uint32_t>> known;
  for (const PoolUse& use : pool_) {
    uint32_t at = kNone;
    for (const auto& [bits, pos] : known) {
      if (bits == std::pair(use.low, use.high)) at = pos;
    }
    if (at == kNone) {
      at = code_.pos();
      code_.reserve();
      code_.word64(use.low);
      code_.word64(use.high);
      if (known.size() < 16) known.push_back({{use.low, use.high}, at});
    }
    bind_to(use.at, at);
  }
}

}  // namespace sedge::baseline

#endif
