// Blocks, loops, branches: where states meet.
#include <algorithm>
#include <cstddef>
#include <map>

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>

#include "llvm/func_ir.h"

namespace sedge::llvmc {

using wasm::Op;

const std::vector<ValType>& FuncIr::label_types(const Ctrl& to) const {
  return to.op == Op::loop ? to.params : to.results;
}

/// Opens the block of the current instruction, whose parameters are on the stack.
void FuncIr::block(Op op) {
  Ctrl next;
  next.op = op;
  switch (in_.block_type.kind) {
    case wasm::BlockType::Kind::empty:
      break;
    case wasm::BlockType::Kind::value:
      next.results = {in_.block_type.value};
      break;
    case wasm::BlockType::Kind::index:
      next.params = module_.types[in_.block_type.index].func.params;
      next.results = module_.types[in_.block_type.index].func.results;
      break;
  }
  next.height = static_cast<uint32_t>(stack_.size() - next.params.size());
  next.whole = before_entered_loop_;
  next.assigned = &assigned_[next_block_++];
  next.label = llvm::BasicBlock::Create(ir_.context, op == Op::loop ? "loop" : "end");
  ctrls_.push_back(std::move(next));
}

/// Operands below the label's values that edges carry.
size_t FuncIr::state_size(const Ctrl& block) const { return block.whole ? block.height : 0; }

/// The state as it is here, with nothing for a label.
FuncIr::Edge FuncIr::state_edge(const Ctrl& to) {
  Edge edge;
  edge.from = b_.GetInsertBlock();
  if (to.whole) {
    edge.locals = locals_;
  } else {
    edge.locals.reserve(to.assigned->size());
    for (uint32_t local : *to.assigned) edge.locals.push_back(locals_[local]);
  }
  for (size_t i = 0; i < state_size(to); i++) edge.values.push_back(stack_[i].value);
  return edge;
}

/// The same with the top `values` operands.
FuncIr::Edge FuncIr::edge(const Ctrl& to, size_t values) {
  Edge edge = state_edge(to);
  for (size_t i = stack_.size() - values; i < stack_.size(); i++) {
    edge.values.push_back(stack_[i].value);
  }
  return edge;
}

/// At the beginning of the current block, which `edges` lead to: merges what they bring.
void FuncIr::join(const Ctrl& block, const std::vector<Edge>& edges,
                  const std::vector<ValType>& types) {
  auto merge = [&](auto value_of) -> V {
    V first = value_of(edges[0]);
    if (std::ranges::all_of(edges, [&](const Edge& e) { return value_of(e) == first; })) {
      return first;
    }
    auto* phi = b_.CreatePHI(first->getType(), static_cast<unsigned>(edges.size()));
    for (const Edge& e : edges) phi->addIncoming(value_of(e), e.from);
    return phi;
  };
  for (size_t i = 0; i < edges[0].locals.size(); i++) {
    locals_[block.whole ? i : (*block.assigned)[i]] =
        merge([i](const Edge& e) { return e.locals[i]; });
  }
  stack_.resize(block.height);
  const size_t below = state_size(block);
  for (size_t i = 0; i < below; i++) {
    stack_[i].value = merge([i](const Edge& e) { return e.values[i]; });
  }
  for (size_t i = 0; i < types.size(); i++) {
    push(merge([i, below](const Edge& e) { return e.values[below + i]; }), kind(types[i]));
  }
}

/// Leaves the whole frame to the variant for a loop whose header is here, and its results to the
/// caller.
void FuncIr::continue_in_variant(uint32_t loop) {
  end_run();
  for (size_t i = 0; i < locals_.size(); i++)
    store_cell(cell(local_cells_[i]), locals_[i], local_kinds_[i]);
  for (const Operand& operand : stack_) store_cell(cell(operand.cell), operand.value, operand.kind);
  auto* status = b_.CreateCall(ir_.loop_entry(func_index_, loop),
                               {context_, instance_, fp_, memory_, b_.getInt32(func_index_),
                                llvm::PoisonValue::get(ir_.ptr)});
  ir_.native_convention(status);
  status->setDoesNotThrow();
  status->setIsNoInline();
  status->setDebugLoc(llvm::DILocation::get(ir_.context, 0, 0, function_->getSubprogram()));
  check_status(status, false);  // handlers around the loop are the variant's
  uint32_t at = 0;
  for (ValType result : type_.results) {
    push(load_cell(cell(at), kind(result)), kind(result));
    at += result.cells();
  }
  return_values();
  set_unreachable();
}

void FuncIr::loop() {
  if (shares_loops_ && llvm::is_contained(ir_.source.loops, LoopEntry{func_index_, next_loop_})) {
    continue_in_variant(next_loop_);
    return skip(in_);
  }
  block(Op::loop);
  end_run();
  Ctrl& loop = ctrls_.back();
  const uint32_t ordinal = next_loop_++;
  llvm::BasicBlock* from = b_.GetInsertBlock();
  const Edge start = edge(loop, loop.params.size());
  loop.label->insertInto(function_);
  b_.CreateBr(loop.label);
  enter(loop.label);
  auto phi_for = [&](V value) {
    auto* phi = b_.CreatePHI(value->getType(), 2);
    phi->addIncoming(value, from);
    loop.phis.push_back(phi);
    return phi;
  };
  for (size_t i = 0; i < start.locals.size(); i++) {
    locals_[loop.whole ? i : (*loop.assigned)[i]] = phi_for(start.locals[i]);
  }
  const size_t first = loop.whole ? 0 : loop.height;
  for (size_t i = 0; i < start.values.size(); i++) {
    stack_[first + i].value = phi_for(start.values[i]);
  }
  if (entered_loop_ == ordinal) enter_here(loop);
  if (options_.mode.interruptible) poll();
}

/// The loop at whose header the variant starts: its state comes from the frame.
void FuncIr::enter_here(Ctrl& loop) {
  llvm::IRBuilder<>::InsertPointGuard guard(b_);
  b_.SetInsertPoint(allocas_);
  size_t next = 0;
  for (size_t i = 0; i < locals_.size(); i++) {
    loop.phis[next++]->addIncoming(load_cell(cell(local_cells_[i]), local_kinds_[i]), allocas_);
  }
  for (const Operand& operand : stack_) {
    loop.phis[next++]->addIncoming(load_cell(cell(operand.cell), operand.kind), allocas_);
  }
  b_.CreateBr(loop.label);
  before_entered_loop_ = false;
}

/// Jumps to the label of `to` with the values on top; they stay on the stack.
void FuncIr::branch_to(Ctrl& to) {
  Edge way = edge(to, label_types(to).size());
  if (to.op == Op::loop) {
    size_t next = 0;
    for (V value : way.locals) to.phis[next++]->addIncoming(value, way.from);
    for (V value : way.values) to.phis[next++]->addIncoming(value, way.from);
  } else {
    to.edges.push_back(std::move(way));
  }
  b_.CreateBr(to.label);
}

/// A block that goes to the label at `depth` with the values on top.
llvm::BasicBlock* FuncIr::way_to(uint32_t depth) {
  llvm::BasicBlock* here = b_.GetInsertBlock();
  llvm::BasicBlock* way = new_block("");
  b_.SetInsertPoint(way);
  if (depth == ctrls_.size() - 1) {
    return_values();
  } else {
    branch_to(ctrl(depth));
  }
  b_.SetInsertPoint(here);
  return way;
}

void FuncIr::if_() {
  V condition = b_.CreateICmpNE(pop(), b_.getInt32(0));
  const std::optional<bool> likely = hint();
  block(Op::if_);
  Ctrl& made = ctrls_.back();
  made.start_locals = locals_;
  made.start_stack = stack_;
  made.else_block = new_block("else");
  llvm::BasicBlock* then = new_block("then");
  b_.CreateCondBr(condition, then, made.else_block,
                  !likely   ? nullptr
                  : *likely ? ir_.likely_branch()
                            : ir_.cold_branch());
  enter(then);
  end_run();
}

void FuncIr::else_() {
  Ctrl& made = ctrls_.back();
  if (unreachable_ == 0) branch_to(made);
  end_run();
  locals_ = std::move(made.start_locals);
  stack_ = std::move(made.start_stack);
  enter(made.else_block);
  made.else_block = nullptr;
  made.op = Op::else_;
  unreachable_ = 0;
}

void FuncIr::end() {
  if (ctrls_.size() == 1) {
    if (unreachable_ == 0) return_values();
    end_run();
    unreachable_ = 1;
    return;
  }
  switch (ctrls_.back().op) {
    case Op::try_table:
      end_try_table();
      break;
    case Op::try_:
    case Op::catch_:
      end_legacy();
      break;
    default:
      break;
  }
  close_block();
}

void FuncIr::close_block() {
  end_run();
  Ctrl made = std::move(ctrls_.back());
  if (made.op == Op::loop) {
    ctrls_.pop_back();
    if (unreachable_ != 0) stack_.resize(made.height);
    return;  // as reachable as its end is
  }
  if (unreachable_ == 0) branch_to(made);
  if (made.else_block != nullptr) {
    // Without else the parameters are the results.
    locals_ = std::move(made.start_locals);
    stack_ = std::move(made.start_stack);
    enter(made.else_block);
    branch_to(made);
  }
  ctrls_.pop_back();
  if (made.edges.empty()) {
    delete made.label;
    stack_.resize(made.height);
    unreachable_ = 1;
    return;
  }
  made.label->insertInto(function_);
  enter(made.label);
  join(made, made.edges, made.results);
  unreachable_ = 0;
}

void FuncIr::br(uint32_t depth) {
  if (depth == ctrls_.size() - 1) {
    return_values();
  } else {
    branch_to(ctrl(depth));
  }
  end_run();
  set_unreachable();
}

/// What the module's branch hints say about the current instruction.
std::optional<bool> FuncIr::hint() const {
  auto func = module_.branch_hints.find(func_index_);
  if (func == module_.branch_hints.end()) return {};
  auto found = func->second.find(static_cast<uint32_t>(in_.offset - func_.body.offset));
  if (found == func->second.end()) return {};
  return found->second;
}

void FuncIr::br_if() { conditional_branch(in_.index, b_.CreateICmpNE(pop(), b_.getInt32(0))); }

void FuncIr::conditional_branch(uint32_t depth, V condition) {
  const std::optional<bool> likely = hint();
  llvm::BasicBlock* taken = way_to(depth);
  llvm::BasicBlock* next = new_block("");
  b_.CreateCondBr(condition, taken, next,
                  !likely   ? nullptr
                  : *likely ? ir_.likely_branch()
                            : ir_.cold_branch());
  b_.SetInsertPoint(next);
  end_run();
}

void FuncIr::br_table() {
  V index = pop();
  std::map<uint32_t, llvm::BasicBlock*> ways;
  auto way = [&](uint32_t depth) {
    llvm::BasicBlock*& found = ways[depth];
    if (found == nullptr) found = way_to(depth);
    return found;
  };
  const uint32_t other = in_.labels.back();
  auto* table = b_.CreateSwitch(index, way(other), static_cast<unsigned>(in_.labels.size()));
  for (size_t i = 0; i + 1 < in_.labels.size(); i++) {
    if (in_.labels[i] == other) continue;
    llvm::BasicBlock* to = way(in_.labels[i]);
    table->addCase(b_.getInt32(static_cast<uint32_t>(i)), to);
  }
  end_run();
  set_unreachable();
}

void FuncIr::br_on_null(bool non_null) {
  V reference = top().value;
  V is_null = b_.CreateIsNull(reference);
  if (non_null) {
    conditional_branch(in_.index, b_.CreateNot(is_null));
    pop();
  } else {
    const Operand kept = pop_operand();
    conditional_branch(in_.index, is_null);
    push(kept.value, kept.kind);
  }
}

void FuncIr::br_on_cast(bool fail) {
  V match = is_instance(top().value, top().kind, in_.type2);
  conditional_branch(in_.index, fail ? b_.CreateNot(match) : match);
}

/// Returns with the values on top as results; they stay on the stack.
void FuncIr::return_values() {
  const size_t count = type_.results.size();
  if (cells_form_ || count > 1) {
    uint32_t at = 0;
    for (size_t i = stack_.size() - count; i < stack_.size(); i++) {
      store_cell(cell(at), stack_[i].value, stack_[i].kind);
      at += stack_[i].kind == Kind::v128 ? 2 : 1;
    }
    b_.CreateRet(b_.getInt8(0));
  } else if (count == 0) {
    b_.CreateRet(b_.getInt8(0));
  } else {
    V result = llvm::PoisonValue::get(ir_.result_type(type_));
    result = b_.CreateInsertValue(result, top().value, 0);
    b_.CreateRet(b_.CreateInsertValue(result, b_.getInt8(0), 1));
  }
}

void FuncIr::select() {
  V condition = b_.CreateICmpNE(pop(), b_.getInt32(0));
  Operand b = pop_operand(), a = pop_operand();
  push(b_.CreateSelect(condition, a.value, b.value), a.kind);
}

/// Looks whether somebody wants to interrupt.
void FuncIr::poll() {
  V place = b_.CreateConstInBoundsGEP1_64(ir_.i8, context_, offsetof(vm::Context, interrupt));
  auto* load = aliased(b_.CreateAlignedLoad(ir_.i32, place, llvm::Align(4)), Alias::context);
  load->setAtomic(llvm::AtomicOrdering::Monotonic);
  llvm::BasicBlock *set = new_block("interrupt"), *next = new_block("");
  b_.CreateCondBr(b_.CreateICmpNE(load, b_.getInt32(0)), set, next, ir_.cold_branch());
  b_.SetInsertPoint(set);
  check_exit(builtin(Builtin::interrupted, ir_.i8, {context_}));
  b_.CreateBr(next);
  b_.SetInsertPoint(next);
}

/// One unit of fuel for the current instruction; the run is charged as a whole where it begins.
void FuncIr::charge() {
  if (fuel_ == nullptr) {
    V place = b_.CreateConstInBoundsGEP1_64(ir_.i8, context_, offsetof(vm::Context, fuel));
    V before = aliased(b_.CreateLoad(ir_.i64, place), Alias::fuel);
    V after = b_.CreateSub(before, b_.getInt64(INT64_MAX));
    fuel_ = llvm::cast<llvm::Instruction>(after);
    llvm::StoreInst* store = b_.CreateStore(after, place);
    aliased(store, Alias::fuel);
    // What is left after a trap is part of the state.
    store->setVolatile(options_.mode.exact);
    trap_if(b_.CreateICmpSLT(after, b_.getInt64(0)), TrapCode::out_of_fuel);
    fuel_count_ = 0;
  }
  fuel_count_++;
}

void FuncIr::end_run() {
  if (fuel_ != nullptr) fuel_->setOperand(1, b_.getInt64(fuel_count_));
  fuel_ = nullptr;
}

}  // namespace sedge::llvmc
