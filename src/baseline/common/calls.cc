// Calls of functions and of builtins.
#include <algorithm>

#include "baseline/common/compiler.h"

#if SEDGE_HAVE_BASELINE

namespace sedge::baseline {

namespace {

using Asm = MacroAssembler;

uint32_t total_cells(const std::vector<ValType>& types) {
  uint32_t cells = 0;
  for (ValType type : types) cells += type.cells();
  return cells;
}

}  // namespace

/// Context::sp becomes the end of this frame. Uses the scratch register.
void Compiler::publish() {
  frame_fixups_.push_back(code_.frame_end(Asm::kScratch));
  code_.store64(Asm::context(offsetof(vm::Context, sp)), Asm::kScratch);
}

/// Brings the arguments to their cells; gives the first of them.
uint32_t Compiler::call_arguments(const FuncType& type) {
  const uint32_t base = spill_for_call(type.params.size());
  reserve(base + std::max(total_cells(type.params), total_cells(type.results)));
  return base;
}

void Compiler::call_results(const FuncType& type, uint32_t) {
  for (ValType result : type.results) push_cell(class_of(result));
  canonical_ = static_cast<uint32_t>(stack_.size());
}

/// Tests the status that a call left; what the convention does not preserve comes back.
void Compiler::after_call() {
  code_.test_status();
  const uint32_t failed = code_.jump_if_near(Cond::ne);
  if (region_ == kNone) {
    return_fixups_.push_back(failed);
  } else {
    add_stub(Stub::Kind::call_failed, failed, region_);
  }
  code_.restore_pinned();
}

/// Arguments go down to the frame's first cells, the frame goes, `entry` runs instead of it.
void Compiler::end_tail_call(uint32_t base, uint32_t cells, const Mem& entry) {
  copy_values(base, 0, cells);
  code_.load64(Asm::kScratch, entry);
  code_.leave();
  end_run();
  set_unreachable();
}

/// Calls a function of this instance.
void Compiler::call_slot(uint32_t index, uint32_t base, bool tail, uint32_t cells) {
  const Mem entry =
      mem(Asm::kScratch, int64_t{index - imported_funcs_} * int64_t{sizeof(vm::NativeSlot)});
  code_.imm(Asm::kIndex, index);
  if (tail) {
    end_tail_call(base, cells, Asm::instance(offsetof(vm::Instance, slots)));
    return code_.jump(entry);
  }
  code_.load64(Asm::kScratch, Asm::instance(offsetof(vm::Instance, slots)));
  code_.address(Asm::kFrame, Asm::cell(base));
  code_.call(entry);
  after_call();
}

/// Calls the function object in kFunc.
void Compiler::call_func(uint32_t base, bool tail, uint32_t cells) {
  const Reg instance = Asm::kArguments[2];
  code_.load64(instance, mem(Asm::kFunc, offsetof(vm::Func, instance)));
  code_.load32(Asm::kIndex, mem(Asm::kFunc, offsetof(vm::Func, index)));
  code_.test(true, instance, instance);
  code_.move_if(Cond::ne, true, Asm::kInstance, instance);  // a host function gets its caller's
  code_.load64(Asm::kMemory, Asm::instance(offsetof(vm::Instance, memory_base)));
  const Mem slot = mem(Asm::kFunc, offsetof(vm::Func, slot));
  if (tail) {
    end_tail_call(base, cells, slot);
    return code_.jump(mem(Asm::kScratch));
  }
  code_.load64(Asm::kScratch, slot);
  code_.address(Asm::kFrame, Asm::cell(base));
  code_.call(mem(Asm::kScratch));
  after_call();
}

namespace {
// What a call of the host has on the stack: as a frame begins, where the caller's frame is and
// where the host function returns to (Context::host_frame).
constexpr int32_t kHostLink = 32;
constexpr int64_t kLinkFrame = 16, kLinkPlace = 24;
// Of an imported function.
constexpr Reg kImport = Asm::kArguments[4];
}  // namespace

/// Calls an import. Nearly all are functions of the host: these are called here, in the C
/// convention, which leaves the pinned registers as they are. Others go by their slots.
void Compiler::call_import(uint32_t base) {
  publish();
  code_.load64(kImport, Asm::instance(offsetof(vm::Instance, imported_funcs)));
  code_.load64(kImport, mem(kImport, int64_t{in_.index} * 8));
  code_.alu_memory(Alu::cmp, true, mem(kImport, offsetof(vm::Func, direct)), 0);
  add_stub(Stub::Kind::call_import, code_.jump_if_near(Cond::e), region_, base);
  const size_t wasm = stubs_.size() - 1;

  code_.stack_adjust(-kHostLink);
  code_.store64(mem(Asm::kStackPointer, kLinkFrame), Asm::kFramePointer);
  const uint32_t place = code_.address_of_code(Asm::kScratch);
  code_.store64(mem(Asm::kStackPointer, kLinkPlace), Asm::kScratch);
  code_.address(Asm::kScratch, mem(Asm::kStackPointer, kLinkFrame));
  code_.store64(Asm::context(offsetof(vm::Context, host_frame)), Asm::kScratch);
  code_.load64(Asm::kArguments[0], mem(kImport, offsetof(vm::Func, env)));
  code_.move64(Asm::kArguments[1], Asm::kContext);
  code_.move64(Asm::kArguments[2], Asm::kInstance);
  code_.address(Asm::kArguments[3], Asm::cell(base));
  code_.call(mem(kImport, offsetof(vm::Func, direct)));
  bind_here(place);
  code_.test_status();
  add_stub(Stub::Kind::host_failed, code_.jump_if_near(Cond::ne), region_);
  code_.store_constant(Asm::context(offsetof(vm::Context, host_frame)), 0);
  code_.stack_adjust(kHostLink);
  stubs_[wasm].back = code_.pos();
}

void Compiler::call_wasm_import(uint32_t region, uint32_t base) {
  region_ = region;
  code_.move64(Asm::kFunc, kImport);
  call_func(base, false, 0);
  region_ = kNone;
}

/// The status of a host function is in the result register, the stack as it was called: captures
/// the backtrace and hands the status on.
void Compiler::host_failed(uint32_t region) {
  const Mem saved = mem(Asm::kStackPointer, 0);
  code_.store64(saved, Asm::kResult);
  code_.store_constant(Asm::context(offsetof(vm::Context, host_frame)), 0);
  code_.move64(Asm::kArguments[0], Asm::kContext);
  bind_here(code_.address_of_code(Asm::kArguments[1]));
  code_.move64(Asm::kArguments[2], Asm::kFramePointer);
  code_.load64(Asm::kScratch, Asm::context(offsetof(vm::Context, builtins)));
  code_.call(mem(Asm::kScratch, offsetof(vm::Builtins, native_throw)));
  code_.load64(Asm::kResult, saved);
  code_.stack_adjust(kHostLink);
  if (region == kNone) return return_fixups_.push_back(code_.jump_near());
  code_.compare_status(static_cast<uint8_t>(vm::Exit::exception));
  return_fixups_.push_back(code_.jump_if_near(Cond::ne));
  jump_to(regions_[region].label);
}

void Compiler::call() {
  const FuncType& type = module_.func_type(in_.index);
  const uint32_t base = call_arguments(type);
  if (in_.index < imported_funcs_) {
    call_import(base);
  } else {
    call_slot(in_.index, base, false, 0);
  }
  call_results(type, base);
}

void Compiler::return_call() {
  const FuncType& type = module_.func_type(in_.index);
  const uint32_t base = call_arguments(type), cells = total_cells(type.params);
  if (in_.index < imported_funcs_) {
    publish();
    code_.load64(Asm::kFunc, Asm::instance(offsetof(vm::Instance, imported_funcs)));
    code_.load64(Asm::kFunc, mem(Asm::kFunc, int64_t{in_.index} * 8));
    call_func(base, true, cells);
  } else {
    call_slot(in_.index, base, true, cells);
  }
}

/// The callee of an indirect call goes to kFunc, its arguments to the cells from `base` on.
void Compiler::load_indirect(const FuncType& type, uint32_t& base) {
  const Reg index = Asm::kResult;
  const Operand operand = take();
  if (!operand.is(Operand::Kind::reg) || operand.reg != index) {
    claim(index);
    move_to_reg(operand, index);
  }
  base = call_arguments(type);
  load_table(Asm::kScratch, in_.index2);
  code_.alu(Alu::cmp, true, index, mem(Asm::kScratch, offsetof(vm::Table, size)));
  add_stub(Stub::Kind::index_trap, code_.jump_if_near(Cond::ae),
           static_cast<uint32_t>(TrapCode::undefined_element), index);
  code_.load64(Asm::kScratch, mem(Asm::kScratch, offsetof(vm::Table, elements)));
  code_.load64(Asm::kFunc, {Asm::kScratch, index, 3, 0});
  code_.test(true, Asm::kFunc, Asm::kFunc);
  add_stub(Stub::Kind::index_trap, code_.jump_if_near(Cond::e),
           static_cast<uint32_t>(TrapCode::uninitialized_element), index);
  code_.alu_memory(Alu::cmp, false, mem(Asm::kFunc, offsetof(vm::Func, type)),
                   static_cast<int32_t>(types_.id(in_.index)));
  if (module_.types[in_.index].final_) {
    trap_if(Cond::ne, TrapCode::indirect_call_type_mismatch);
  } else {
    add_stub(Stub::Kind::subtype, code_.jump_if_near(Cond::ne), in_.index);
    stubs_.back().back = code_.pos();
  }
  publish();
}

void Compiler::call_indirect(bool tail) {
  const FuncType& type = module_.types[in_.index].func;
  uint32_t base = 0;
  load_indirect(type, base);
  call_func(base, tail, total_cells(type.params));
  if (!tail) call_results(type, base);
}

void Compiler::call_ref(bool tail) {
  const FuncType& type = module_.types[in_.index].func;
  const Operand callee = take();
  const uint32_t base = call_arguments(type);
  move_to_reg(callee, Asm::kFunc);
  code_.test(true, Asm::kFunc, Asm::kFunc);
  trap_if(Cond::e, TrapCode::null_function_reference);
  publish();
  call_func(base, tail, total_cells(type.params));
  if (!tail) call_results(type, base);
}

/// Calls a builtin, the member at this offset. No register is in use but the pinned ones.
void Compiler::call_builtin(size_t member, std::initializer_list<Argument> arguments) {
  size_t n = 0;
  const bool on_stack = arguments.size() > std::size(Asm::kArguments);
  if (on_stack) code_.stack_adjust(-16);
  for (const Argument& argument : arguments) {
    const bool last = n == std::size(Asm::kArguments);
    const Reg to = last ? Asm::kScratch : Asm::kArguments[n];
    const auto cell = static_cast<uint32_t>(argument.value);
    switch (argument.kind) {
      case Argument::Kind::instance:
        code_.move64(to, Asm::kInstance);
        break;
      case Argument::Kind::context:
        code_.move64(to, Asm::kContext);
        break;
      case Argument::Kind::number:
        code_.imm(to, argument.value);
        break;
      case Argument::Kind::cell32:
        code_.load32(to, Asm::cell(cell));
        break;
      case Argument::Kind::cell64:
        code_.load64(to, Asm::cell(cell));
        break;
      case Argument::Kind::cell_address:
        code_.address(to, Asm::cell(cell));
        break;
      case Argument::Kind::context_address:
        code_.address(to, Asm::context(argument.value));
        break;
      case Argument::Kind::context32:
        code_.load32(to, Asm::context(argument.value));
        break;
      case Argument::Kind::tag:
        code_.load64(to, Asm::instance(offsetof(vm::Instance, tags)));
        code_.load64(to, mem(to, static_cast<int64_t>(argument.value) * 8));
        break;
    }
    if (last) code_.store64(mem(Asm::kStackPointer), to);
    n++;
  }
  code_.load64(Asm::kScratch, Asm::context(offsetof(vm::Context, builtins)));
  code_.call(mem(Asm::kScratch, static_cast<int64_t>(member)));
  if (on_stack) code_.stack_adjust(16);
}

/// After a builtin that gives an Exit: the reason is in the context.
void Compiler::trap_unless_returned() {
  code_.test_status();
  add_stub(Stub::Kind::context_trap, code_.jump_if_near(Cond::ne));
}

}  // namespace sedge::baseline

#endif
