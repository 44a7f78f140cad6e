// Building of a function: prologue, walk, frame cells, traps and statuses.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>

#include "llvm/codegen.h"
#include "llvm/func_ir.h"

namespace sedge::llvmc {

using wasm::Op;

namespace {

/// Operators that cost no fuel (as in the interpreter).
bool is_free(Op op) {
  return op == Op::nop || op == Op::block || op == Op::loop || op == Op::end || op == Op::else_ ||
         op == Op::drop;
}

/// Native stack that a function may take without looking at the limit: what helpers have is more.
constexpr uint64_t kFrameAllowance = 16 * 1024;

}  // namespace

FuncIr::FuncIr(ModuleIr& ir, uint32_t func_index, std::optional<uint32_t> loop)
    : ir_(ir),
      func_index_(func_index),
      entered_loop_(loop),
      module_(ir.source.module),
      func_(module_.funcs[func_index - ir.source.imported()]),
      type_(module_.func_type(func_index)),
      analysis_(ir.source.analysis.funcs[func_index - ir.source.imported()]),
      options_(ir.source.options),
      cells_form_(analysis_.cells_convention || loop),
      shares_loops_(!loop && shares_loops()),
      b_(ir.context) {}

/// Not who ends in tail calls: its frame would stay below what the variant leaves for.
bool FuncIr::shares_loops() const {
  return analysis_.body_size >= options_.share_loops && !analysis_.cells_convention &&
         analysis_.tail_calls.empty() &&
         llvm::any_of(ir_.source.loops,
                      [this](const LoopEntry& at) { return at.func == func_index_; });
}

Result<void> FuncIr::build() {
  function_ = entered_loop_ ? ir_.loop_entry(func_index_, *entered_loop_) : ir_.body(func_index_);
  llvm::DISubprogram* scope =
      entered_loop_ || shares_loops_ ? ir_.wrapper_subprogram() : ir_.subprogram(func_index_);
  function_->setSubprogram(scope);
  SEDGE_TRY_ASSIGN(assigned_, assigned_locals(func_));
  in_.offset = func_.body.offset;
  prologue();

  Ctrl body;
  body.results = type_.results;
  ctrls_.push_back(std::move(body));
  if (options_.mode.interruptible) poll();
  wasm::InstrReader reader(func_.body.bytes, func_.body.offset);
  while (!reader.at_end()) {
    SEDGE_TRY(reader.next(in_));
    if (unreachable_ != 0) {
      skip(in_);
    } else {
      if (options_.mode.fuel && !is_free(in_.op)) charge();
      visit(in_);
    }
    if (frame_cells_ > UINT16_MAX) return fail(ErrorCode::limit_exceeded, ": frame of a function");
  }
  return finish();
}

/// Arguments, checks of both stacks, cleared locals.
void FuncIr::prologue() {
  auto add_local = [this](ValType type) {
    local_kinds_.push_back(kind(type));
    local_cells_.push_back(first_cell_);
    first_cell_ += type.cells();
  };
  for (ValType param : type_.params) add_local(param);
  for (const wasm::LocalRun& run : func_.locals) {
    for (uint32_t i = 0; i < run.count; i++) add_local(run.type);
  }
  reserve(first_cell_);
  reserve(cells_of(type_.results));

  allocas_ = llvm::BasicBlock::Create(ir_.context, "entry", function_);
  b_.SetInsertPoint(allocas_);
  context_ = function_->getArg(0);
  instance_ = function_->getArg(1);
  fp_ = function_->getArg(2);
  memory_ = function_->getArg(3);

  if (analysis_.has_calls || local_kinds_.size() > 500) {
    // What a frame can be beyond what is allowed for: each local twice, spilled.
    const uint64_t estimate = local_kinds_.size() > 500 ? local_kinds_.size() * 32 : 0;
    V frame = b_.CreateIntrinsic(llvm::Intrinsic::frameaddress, {ir_.ptr}, {b_.getInt32(0)});
    V limit = field(context_, offsetof(vm::Context, native_limit), ir_.ptr, true);
    if (estimate > kFrameAllowance) {
      frame = b_.CreateGEP(ir_.i8, frame, b_.getInt64(0 - estimate));
    }
    trap_if(b_.CreateICmpULT(frame, limit), TrapCode::call_stack_exhausted);
  }
  if (analysis_.uses_cells || cells_form_) {
    V end = b_.CreateGEP(ir_.i8, fp_, b_.getInt64(INT64_MAX));
    frame_end_ = llvm::cast<llvm::Instruction>(end);
    V limit = field(context_, offsetof(vm::Context, stack_end), ir_.ptr, true);
    trap_if(b_.CreateICmpUGT(end, limit), TrapCode::call_stack_exhausted);
  }
  for (size_t i = 0; i < local_kinds_.size(); i++) {
    if (i >= type_.params.size()) {
      locals_.push_back(llvm::Constant::getNullValue(ir_.type_of(local_kinds_[i])));
    } else if (cells_form_ && !entered_loop_) {
      locals_.push_back(load_cell(cell(local_cells_[i]), local_kinds_[i]));
    } else if (entered_loop_) {
      locals_.push_back(llvm::PoisonValue::get(ir_.type_of(local_kinds_[i])));
    } else {
      locals_.push_back(function_->getArg(static_cast<unsigned>(4 + i)));
    }
  }
  if (entered_loop_) {
    // What comes before the loop is walked in a block that nothing reaches. The block here goes on
    // to the loop's header when that is known.
    before_entered_loop_ = true;
    allocas_ = b_.GetInsertBlock();
    enter(new_block("before"));
  }
}

void FuncIr::unreachable() {
  trap(TrapCode::unreachable);
  end_run();
  set_unreachable();
}

void FuncIr::skipped_block(Op op) {
  next_block_++;
  if (op == Op::loop) next_loop_++;
}

void FuncIr::return_() {
  return_values();
  end_run();
  set_unreachable();
}

void FuncIr::get_local(uint32_t index) { push(locals_[index], local_kinds_[index]); }

void FuncIr::set_local(uint32_t index, bool tee) { locals_[index] = tee ? top().value : pop(); }

void FuncIr::constant(ValType type, uint64_t bits) {
  const Kind k = kind(type);
  llvm::Type* as = ir_.type_of(k);
  switch (k) {
    case Kind::f32:
      return push(llvm::ConstantFP::get(ir_.context, llvm::APFloat(llvm::APFloat::IEEEsingle(),
                                                                   llvm::APInt(32, bits))),
                  k);
    case Kind::f64:
      return push(llvm::ConstantFP::get(ir_.context, llvm::APFloat(llvm::APFloat::IEEEdouble(),
                                                                   llvm::APInt(64, bits))),
                  k);
    case Kind::i32:
    case Kind::i64:
      return push(llvm::ConstantInt::get(as, bits), k);
    default:
      return push(llvm::Constant::getNullValue(as), k);
  }
}

void FuncIr::constant128() {
  uint64_t halves[2];
  std::memcpy(halves, in_.v128.data(), sizeof(halves));
  push(llvm::ConstantDataVector::get(ir_.context, llvm::ArrayRef<uint64_t>(halves)), Kind::v128);
}

/// What has neither control flow nor an immediate of its own.
void FuncIr::other() {
  switch (in_.op) {
    case Op::atomic_fence:
      b_.CreateFence(llvm::AtomicOrdering::SequentiallyConsistent);
      return;
    case Op::ref_is_null:
    case Op::ref_func:
    case Op::ref_eq:
    case Op::ref_as_non_null:
      return gc_op();
    default:
      return numeric_instruction(wasm::op_info(in_.op));
  }
}

/// Rows that differ by prefix and immediate only.
void FuncIr::numeric_instruction(const wasm::OpInfo& info) {
  if (info.prefix == 0xfb) return gc_op();
  if (info.prefix == 0xfe) return atomic(info);
  if (info.imm == wasm::Imm::mem_arg || info.imm == wasm::Imm::mem_arg_lane) {
    if (info.prefix == 0xfd && in_.op != Op::v128_load && in_.op != Op::v128_store) {
      return vector_access();
    }
    return info.signature.back() == ':' ? store(info) : load(info);
  }
  if (info.prefix == 0xfd) return simd_op(info);
  if (integer_op() || float_op() || conversion()) return;
}

Result<void> FuncIr::finish() {
  if (frame_end_ != nullptr) {
    frame_end_->setOperand(1, b_.getInt64(uint64_t{frame_cells_} * sizeof(vm::Cell)));
  }
  if (entered_loop_ && before_entered_loop_) {
    // The loop lies in code that cannot be reached.
    b_.SetInsertPoint(allocas_);
    b_.CreateUnreachable();
  }
  return {};
}

// Operand stack

uint32_t FuncIr::next_cell() const {
  if (stack_.empty()) return first_cell_;
  const Operand& last = stack_.back();
  return last.cell + (last.kind == Kind::v128 ? 2 : 1);
}

void FuncIr::push(V value, Kind kind) {
  stack_.push_back({value, kind, next_cell()});
  reserve(next_cell());
}

FuncIr::V FuncIr::pop() { return pop_operand().value; }

FuncIr::Operand FuncIr::pop_operand() {
  Operand operand = stack_.back();
  stack_.pop_back();
  return operand;
}

// Cells

FuncIr::V FuncIr::cell_at(V base, uint32_t index) {
  if (index == 0) return base;
  return b_.CreateConstInBoundsGEP1_64(ir_.i64, base, index);
}
FuncIr::V FuncIr::cell(uint32_t index) { return cell_at(fp_, index); }

void FuncIr::store_cell(V place, V value, Kind kind) {
  switch (kind) {
    case Kind::f32:
      value = b_.CreateBitCast(value, ir_.i32);
      [[fallthrough]];
    case Kind::i32:
    case Kind::gc_ref:
      value = b_.CreateZExt(value, ir_.i64);
      break;
    default:
      break;
  }
  aliased(b_.CreateAlignedStore(value, place, llvm::Align(8)), Alias::cells);
}

FuncIr::V FuncIr::load_cell(V place, Kind kind) {
  return aliased(b_.CreateAlignedLoad(ir_.type_of(kind), place, llvm::Align(8)), Alias::cells);
}

/// Stores a live reference, unless its cell has it already.
void FuncIr::spill(uint32_t index, V value, Kind kind) {
  if (kind != Kind::gc_ref || llvm::isa<llvm::Constant>(value)) return;
  V& known = known_cells_[index];
  if (known == value) return;
  known = value;
  store_cell(cell(index), value, kind);
}

/// Before something that can collect: live references go to their cells, those of locals and of the
/// operands below the top `operands`, which the caller stores itself.
void FuncIr::spill_refs(size_t operands) {
  if (!analysis_.uses_cells && !cells_form_) return;
  for (size_t i = 0; i < locals_.size(); i++) spill(local_cells_[i], locals_[i], local_kinds_[i]);
  for (size_t i = 0; i + operands < stack_.size(); i++) {
    spill(stack_[i].cell, stack_[i].value, stack_[i].kind);
  }
}

/// Context::sp: the first free cell.
void FuncIr::publish(uint32_t end) {
  reserve(end);
  V place = b_.CreateConstInBoundsGEP1_64(ir_.i8, context_, offsetof(vm::Context, sp));
  aliased(b_.CreateStore(cell(end), place), Alias::context);
}

// Fields

/// A field of one of the structures of vm/layout.h; constant while the instance lives or not.
FuncIr::V FuncIr::field(V base, uint64_t offset, llvm::Type* type, bool constant) {
  V place = offset == 0 ? base : b_.CreateConstInBoundsGEP1_64(ir_.i8, base, offset);
  auto* load = aliased(b_.CreateLoad(type, place), Alias::context);
  if (constant) load->setMetadata(llvm::LLVMContext::MD_invariant_load, ir_.invariant());
  return load;
}
FuncIr::V FuncIr::context_field(uint64_t offset, llvm::Type* type) {
  return field(context_, offset, type, false);
}
FuncIr::V FuncIr::instance_field(uint64_t offset, llvm::Type* type) {
  return field(instance_, offset, type, true);
}
/// Item of one of the instance's arrays of pointers.
FuncIr::V FuncIr::instance_item(uint64_t offset, uint32_t index) {
  return field(instance_field(offset, ir_.ptr), uint64_t{index} * sizeof(void*), ir_.ptr, true);
}

void FuncIr::observable(llvm::StoreInst* store) {
  if (options_.mode.exact) store->setVolatile(true);
}

// Traps and statuses

llvm::BasicBlock* FuncIr::new_block(const char* name) {
  return llvm::BasicBlock::Create(ir_.context, name, function_);
}

llvm::DebugLoc FuncIr::place() {
  if (place_ == nullptr || place_offset_ != in_.offset) {
    place_offset_ = in_.offset;
    // A variant for a loop stands for the function itself: its instructions are as if inlined. So
    // are those of a body that calls a variant, which is no place.
    llvm::DILocation* at = nullptr;
    if (entered_loop_ || shares_loops_)
      at = llvm::DILocation::getDistinct(ir_.context, 0, 0, function_->getSubprogram());
    const bool tail = in_.op == Op::return_call || in_.op == Op::return_call_indirect ||
                      in_.op == Op::return_call_ref;
    place_ = llvm::DILocation::get(ir_.context, static_cast<unsigned>(in_.offset),
                                   tail ? kTailCallColumn : 0, ir_.subprogram(func_index_), at);
  }
  return place_;
}

void FuncIr::enter(llvm::BasicBlock* block) {
  b_.SetInsertPoint(block);
  known_cells_.clear();
}

/// Leaves the function with a status other than returned.
void FuncIr::leave(V status) {
  if (leave_ == nullptr) {
    leave_ = new_block("leave");
    llvm::IRBuilder<> b(leave_);
    leave_status_ = b.CreatePHI(ir_.i8, 8);
    if (cells_form_ || type_.results.size() != 1) {
      b.CreateRet(leave_status_);
    } else {
      V result = llvm::PoisonValue::get(ir_.result_type(type_));
      b.CreateRet(b.CreateInsertValue(result, leave_status_, 1));
    }
  }
  leave_status_->addIncoming(status, b_.GetInsertBlock());
  b_.CreateBr(leave_);
}

/// Ends the block with a trap at this instruction.
void FuncIr::trap(TrapCode code) { trap_with(b_.getInt32(static_cast<uint32_t>(code))); }

void FuncIr::trap_with(V code) {
  auto* call = placed(b_.CreateCall(ir_.trap_stub(), {context_, code}));
  ir_.native_convention(call);
  call->addFnAttr(llvm::Attribute::NoMerge);
  leave(b_.getInt8(static_cast<uint8_t>(vm::Exit::trap)));
}

void FuncIr::trap_if(V condition, TrapCode code) {
  llvm::BasicBlock *bad = new_block("trap"), *good = new_block("");
  b_.CreateCondBr(condition, bad, good, ir_.cold_branch());
  b_.SetInsertPoint(bad);
  trap(code);
  b_.SetInsertPoint(good);
}

/// Goes on if `status` is returned. An exception goes to the handler around the instruction.
void FuncIr::check_status(V status, bool may_throw) {
  llvm::BasicBlock *bad = new_block("failed"), *good = new_block("");
  b_.CreateCondBr(b_.CreateICmpEQ(status, b_.getInt8(0)), good, bad, ir_.likely_branch());
  b_.SetInsertPoint(bad);
  if (may_throw && handler(ctrls_.size()) != nullptr) {
    llvm::BasicBlock *thrown = new_block("thrown"), *other = new_block("");
    V is_exception = b_.CreateICmpEQ(status, b_.getInt8(static_cast<uint8_t>(vm::Exit::exception)));
    b_.CreateCondBr(is_exception, thrown, other);
    b_.SetInsertPoint(thrown);
    send(ctrls_.size());
    b_.SetInsertPoint(other);
  }
  leave(status);
  b_.SetInsertPoint(good);
}

/// After a builtin that gives Exit::trap with the code in the context.
void FuncIr::check_exit(V exit) {
  llvm::BasicBlock *bad = new_block("failed"), *good = new_block("");
  b_.CreateCondBr(b_.CreateICmpEQ(exit, b_.getInt8(0)), good, bad, ir_.likely_branch());
  b_.SetInsertPoint(bad);
  trap_with(b_.CreateZExt(context_field(offsetof(vm::Context, trap), ir_.i8), ir_.i32));
  b_.SetInsertPoint(good);
}

/// Calls a helper of the runtime, in the C convention.
FuncIr::V FuncIr::builtin(Builtin index, llvm::Type* result, std::initializer_list<V> args) {
  V builtins = field(context_, offsetof(vm::Context, builtins), ir_.ptr, true);
  V helper = field(builtins, static_cast<uint64_t>(index) * sizeof(void*), ir_.ptr, true);
  std::vector<llvm::Type*> params;
  for (V arg : args) params.push_back(arg->getType());
  auto* type = llvm::FunctionType::get(result, params, false);
  auto* call = placed(b_.CreateCall(type, helper, llvm::ArrayRef<V>(args.begin(), args.end())));
  ir_.extend_narrow(call);
  call->setDoesNotThrow();
  return call;
}

/// Where builtins write their result.
FuncIr::V FuncIr::out_slot() {
  if (out_slot_ == nullptr) {
    llvm::IRBuilder<> b(&function_->getEntryBlock(), function_->getEntryBlock().begin());
    out_slot_ = b.CreateAlloca(ir_.i64);
  }
  return out_slot_;
}

}  // namespace sedge::llvmc
