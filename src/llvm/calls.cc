// Calls. Inside the artifact with the callee's own prototype; otherwise with arguments and results
// in cells, through the callee's slot (vm/native.h).
#include <algorithm>
#include <cstddef>

#include <llvm/IR/Constants.h>

#include "llvm/func_ir.h"

namespace sedge::llvmc {

/// The cell of the first argument, which are on top of the stack: where the callee's frame begins.
uint32_t FuncIr::argument_base(const FuncType& type) {
  const size_t count = type.params.size();
  return count == 0 ? next_cell() : stack_[stack_.size() - count].cell;
}

/// Stores the arguments on top in their cells; gives the first of these.
uint32_t FuncIr::store_arguments(const FuncType& type) {
  const uint32_t base = argument_base(type);
  for (size_t i = stack_.size() - type.params.size(); i < stack_.size(); i++) {
    const Operand& operand = stack_[i];
    store_cell(cell(operand.cell), operand.value, operand.kind);
  }
  reserve(base + std::max(cells_of(type.params), cells_of(type.results)));
  return base;
}

/// What a callee with its frame at `from` has overwritten is not known any more.
void FuncIr::forget_cells(uint32_t from) {
  std::erase_if(known_cells_, [from](const auto& item) { return item.first >= from; });
}

/// Replaces the arguments on the stack by the results, which lie from cell `base` on.
void FuncIr::load_results(const FuncType& type, uint32_t base) {
  stack_.resize(stack_.size() - type.params.size());
  forget_cells(base);
  uint32_t at = base;
  for (ValType result : type.results) {
    const Kind k = kind(result);
    push(load_cell(cell(at), k), k);
    if (k == Kind::gc_ref) known_cells_[at] = top().value;
    at += result.cells();
  }
}

/// The callee that `func`, a function object, stands for.
FuncIr::Callee FuncIr::callee_of(V func) {
  Callee callee{};
  callee.func = func;
  V slot = field(func, offsetof(vm::Func, slot), ir_.ptr, true);
  V instance = field(func, offsetof(vm::Func, instance), ir_.ptr, true);
  // A host function gets its caller's instance.
  callee.instance = b_.CreateSelect(b_.CreateIsNull(instance), instance_, instance);
  callee.memory = field(callee.instance, offsetof(vm::Instance, memory_base), ir_.ptr, true);
  callee.index = field(func, offsetof(vm::Func, index), ir_.i32, true);
  auto* entry = aliased(b_.CreateAlignedLoad(ir_.ptr, slot, llvm::Align(8)), Alias::slot);
  entry->setAtomic(llvm::AtomicOrdering::Acquire);
  callee.entry = entry;
  return callee;
}

/// A defined function, by its slot.
FuncIr::Callee FuncIr::callee_of_slot(uint32_t index) {
  V slots = instance_field(offsetof(vm::Instance, slots), ir_.ptr);
  const uint64_t number = index - ir_.source.imported();
  V slot = b_.CreateConstInBoundsGEP1_64(ir_.i8, slots, number * sizeof(vm::NativeSlot));
  auto* entry = aliased(b_.CreateAlignedLoad(ir_.ptr, slot, llvm::Align(8)), Alias::slot);
  entry->setAtomic(llvm::AtomicOrdering::Acquire);
  return {entry, instance_, memory_, b_.getInt32(index), llvm::PoisonValue::get(ir_.ptr)};
}

void FuncIr::cells_call(const Callee& callee, const FuncType& type) {
  spill_refs(type.params.size());
  const uint32_t base = store_arguments(type);
  publish(base + std::max(cells_of(type.params), cells_of(type.results)));
  auto* call = placed(b_.CreateCall(
      ir_.entry_type, callee.entry,
      {context_, callee.instance, cell(base), callee.memory, callee.index, callee.func}));
  ir_.native_convention(call);
  call->setDoesNotThrow();
  call->addFnAttr(llvm::Attribute::NoMerge);
  check_status(call, true);
  load_results(type, base);
}

/// Leaves for the callee, with the arguments on top moved to the frame's first cells.
void FuncIr::tail_call(const Callee& callee, const FuncType& type) {
  uint32_t at = 0;
  for (size_t i = stack_.size() - type.params.size(); i < stack_.size(); i++) {
    store_cell(cell(at), stack_[i].value, stack_[i].kind);
    at += stack_[i].kind == Kind::v128 ? 2 : 1;
  }
  const uint32_t end = std::max(at, cells_of(type.results));
  reserve(end);
  // A host function wants to know where free cells begin.
  if (!llvm::isa<llvm::PoisonValue>(callee.func)) publish(end);
  auto* call = placed(
      b_.CreateCall(ir_.entry_type, callee.entry,
                    {context_, callee.instance, fp_, callee.memory, callee.index, callee.func}));
  ir_.native_convention(call);
  call->setTailCallKind(llvm::CallInst::TCK_MustTail);
  b_.CreateRet(call);
}

/// Calls a body with its own prototype; gives its value, if it has one result.
FuncIr::V FuncIr::body_call(llvm::FunctionType* prototype, V body, const FuncType& type,
                            V& status) {
  const bool cells = analysis_.uses_cells || cells_form_;
  V frame = cells ? cell(argument_base(type)) : fp_;
  if (cells) reserve(argument_base(type) + cells_of(type.results));
  std::vector<V> args = {context_, instance_, frame, memory_};
  for (size_t i = stack_.size() - type.params.size(); i < stack_.size(); i++) {
    args.push_back(stack_[i].value);
  }
  auto* call = placed(b_.CreateCall(prototype, body, args));
  ir_.native_convention(call);
  call->setDoesNotThrow();
  call->addFnAttr(llvm::Attribute::NoMerge);
  if (type.results.size() != 1) {
    status = call;
    return nullptr;
  }
  status = b_.CreateExtractValue(call, 1);
  return b_.CreateExtractValue(call, 0);
}

void FuncIr::direct_call(uint32_t index) {
  const FuncType& type = module_.func_type(index);
  const uint32_t number = index - ir_.source.imported();
  const bool cells = ir_.source.analysis.funcs[number].cells_convention;
  if (!ir_.source.wanted[number] || cells) {
    Callee callee = ir_.source.wanted[number]
                        ? Callee{ir_.entry(index), instance_, memory_, b_.getInt32(index),
                                 llvm::PoisonValue::get(ir_.ptr)}
                        : callee_of_slot(index);
    return cells_call(callee, type);
  }
  spill_refs(type.params.size());
  const uint32_t base = argument_base(type);
  llvm::Function* body = ir_.body(index);
  V status = nullptr;
  V value = body_call(body->getFunctionType(), body, type, status);
  check_status(status, true);
  if (value == nullptr) return load_results(type, base);
  stack_.resize(stack_.size() - type.params.size());
  forget_cells(base);
  push(value, kind(type.results[0]));
}

void FuncIr::call() {
  if (in_.index >= ir_.source.imported()) return direct_call(in_.index);
  V func = instance_item(offsetof(vm::Instance, imported_funcs), in_.index);
  cells_call(callee_of(func), module_.func_type(in_.index));
}

void FuncIr::return_call() {
  const FuncType& type = module_.func_type(in_.index);
  if (in_.index < ir_.source.imported()) {
    tail_call(callee_of(instance_item(offsetof(vm::Instance, imported_funcs), in_.index)), type);
  } else {
    const uint32_t number = in_.index - ir_.source.imported();
    if (!cells_form_) {
      // The analysis saw to it that the prototypes are the same.
      std::vector<V> args = {context_, instance_, fp_, memory_};
      for (size_t i = stack_.size() - type.params.size(); i < stack_.size(); i++) {
        args.push_back(stack_[i].value);
      }
      auto* call = placed(b_.CreateCall(ir_.body(in_.index), args));
      ir_.native_convention(call);
      call->setTailCallKind(llvm::CallInst::TCK_MustTail);
      b_.CreateRet(call);
    } else if (ir_.source.wanted[number]) {
      tail_call({ir_.entry(in_.index), instance_, memory_, b_.getInt32(in_.index),
                 llvm::PoisonValue::get(ir_.ptr)},
                type);
    } else {
      tail_call(callee_of_slot(in_.index), type);
    }
  }
  end_run();
  set_unreachable();
}

FuncIr::V FuncIr::table_field(uint32_t table, uint64_t offset, llvm::Type* type) {
  V at = instance_item(offsetof(vm::Instance, tables), table);
  V place = b_.CreateConstInBoundsGEP1_64(ir_.i8, at, offset);
  return aliased(b_.CreateLoad(type, place), Alias::table);
}

/// The function that the index on top names in the instruction's table; checks its type.
FuncIr::V FuncIr::indirect_callee() {
  V index = widened(pop(), table64(in_.index2));
  V size = table_field(in_.index2, offsetof(vm::Table, size), ir_.i64);
  V index_place =
      b_.CreateConstInBoundsGEP1_64(ir_.i8, context_, offsetof(vm::Context, trap_index));
  auto check = [&](V bad, TrapCode code) {
    llvm::BasicBlock *failed = new_block("trap"), *good = new_block("");
    b_.CreateCondBr(bad, failed, good, ir_.cold_branch());
    b_.SetInsertPoint(failed);
    aliased(b_.CreateStore(index, index_place), Alias::context);
    trap(code);
    b_.SetInsertPoint(good);
  };
  check(b_.CreateICmpUGE(index, size), TrapCode::undefined_element);
  V elements = table_field(in_.index2, offsetof(vm::Table, elements), ir_.ptr);
  V func = aliased(b_.CreateLoad(ir_.ptr, b_.CreateInBoundsGEP(ir_.i64, elements, index)),
                   Alias::table_elements);
  check(b_.CreateIsNull(func), TrapCode::uninitialized_element);
  V ids = instance_field(offsetof(vm::Instance, types), ir_.ptr);
  V wanted = field(ids, uint64_t{in_.index} * sizeof(TypeId), ir_.i32, true);
  V same = b_.CreateICmpEQ(field(func, offsetof(vm::Func, type), ir_.i32, true), wanted);
  if (module_.types[in_.index].final_) {
    trap_if(b_.CreateNot(same), TrapCode::indirect_call_type_mismatch);
    return func;
  }
  llvm::BasicBlock *slow = new_block("subtype"), *good = new_block("");
  b_.CreateCondBr(same, good, slow, ir_.likely_branch());
  b_.SetInsertPoint(slow);
  const ValType type = ValType::reference(HeapType::index(in_.index), false);
  V match = builtin(Builtin::ref_test, ir_.i8,
                    {instance_, b_.CreatePtrToInt(func, ir_.i64), b_.getInt32(type.bits())});
  trap_if(b_.CreateNot(b_.CreateTrunc(match, ir_.i1)), TrapCode::indirect_call_type_mismatch);
  b_.CreateBr(good);
  b_.SetInsertPoint(good);
  return func;
}

/// A call of any function of the store with the arguments on top.
void FuncIr::call_any(V func, const FuncType& type, bool tail) {
  if (!tail) return near_call(func, type);
  tail_call(callee_of(func), type);
  end_run();
  set_unreachable();
}

/// A function of this instance with a body in the artifact is called with its own prototype: its
/// type is known.
void FuncIr::near_call(V func, const FuncType& type) {
  if (ir_.source.module.funcs.empty() || type.results.size() > 1) {
    return cells_call(callee_of(func), type);
  }
  llvm::BasicBlock *near = new_block("near"), *natural = new_block("natural"),
                   *far = new_block("far"), *done = new_block("");
  V instance = field(func, offsetof(vm::Func, instance), ir_.ptr, true);
  b_.CreateCondBr(b_.CreateICmpEQ(instance, instance_), near, far, ir_.likely_branch());
  b_.SetInsertPoint(near);
  V number = b_.CreateSub(field(func, offsetof(vm::Func, index), ir_.i32, true),
                          b_.getInt32(ir_.source.imported()));
  llvm::GlobalVariable* table = ir_.body_table();
  V row = b_.CreateInBoundsGEP(ir_.i32, table, b_.CreateZExt(number, ir_.i64));
  auto* distance = b_.CreateLoad(ir_.i32, row);
  distance->setMetadata(llvm::LLVMContext::MD_invariant_load, ir_.invariant());
  b_.CreateCondBr(b_.CreateICmpNE(distance, b_.getInt32(0)), natural, far, ir_.likely_branch());

  const std::vector<Operand> before = stack_;
  const uint32_t base = argument_base(type);
  b_.SetInsertPoint(natural);
  spill_refs(type.params.size());
  V body = b_.CreateGEP(ir_.i8, table, b_.CreateSExt(distance, ir_.i64));
  V status = nullptr;
  V near_value = body_call(ir_.body_type(type), body, type, status);
  check_status(status, true);
  llvm::BasicBlock* near_end = b_.GetInsertBlock();
  b_.CreateBr(done);

  stack_ = before;
  forget_cells(0);
  b_.SetInsertPoint(far);
  cells_call(callee_of(func), type);
  V far_value = type.results.empty() ? nullptr : pop();
  llvm::BasicBlock* far_end = b_.GetInsertBlock();
  b_.CreateBr(done);

  enter(done);
  forget_cells(base);
  if (near_value != nullptr) {
    auto* phi = b_.CreatePHI(near_value->getType(), 2);
    phi->addIncoming(near_value, near_end);
    phi->addIncoming(far_value, far_end);
    push(phi, kind(type.results[0]));
  }
}

void FuncIr::call_indirect(bool tail) {
  V func = indirect_callee();
  call_any(func, module_.types[in_.index].func, tail);
}

void FuncIr::call_ref(bool tail) {
  V func = pop();
  null_check(func, TrapCode::null_function_reference);
  call_any(func, module_.types[in_.index].func, tail);
}

}  // namespace sedge::llvmc
