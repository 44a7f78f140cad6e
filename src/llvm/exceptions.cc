// Exceptions: a call that ended with one, or a throw, goes to the landing of the innermost try
// block around it, which tests tags from the first clause on and hands on to the next block
// outwards.
#include <algorithm>
#include <cstddef>

#include "llvm/func_ir.h"

namespace sedge::llvmc {

using wasm::Op;

void FuncIr::try_() {
  block(in_.op);
  Ctrl& made = ctrls_.back();
  made.catches = true;
  made.clauses = in_.catches;
  if (in_.op == Op::try_) made.clauses.clear();
  made.landing = llvm::BasicBlock::Create(ir_.context, "landing");
}

/// The innermost block among the outermost `below` that takes exceptions.
FuncIr::Ctrl* FuncIr::handler(size_t below) {
  for (size_t i = below; i-- > 0;) {
    if (ctrls_[i].catches) return &ctrls_[i];
  }
  return nullptr;
}

/// Context::exception goes to the handler, which exists.
void FuncIr::send(size_t below) {
  Ctrl& to = *handler(below);
  to.thrown.push_back(state_edge(to));
  b_.CreateBr(to.landing);
}

void FuncIr::send_or_leave(size_t below) {
  if (handler(below) != nullptr) return send(below);
  leave(b_.getInt8(static_cast<uint8_t>(vm::Exit::exception)));
}

/// Begins the landing of `block` with the exception in its `exception`; false if nothing throws.
bool FuncIr::landing(Ctrl& block) {
  block.catches = false;
  if (block.thrown.empty()) {
    delete block.landing;
    return false;
  }
  block.landing->insertInto(function_);
  enter(block.landing);
  join(block, block.thrown, {});
  block.exception = context_field(offsetof(vm::Context, exception), ir_.i32);
  return true;
}

FuncIr::V FuncIr::tag_matches(V exception, uint32_t tag) {
  V thrown = builtin(Builtin::exception_tag, ir_.ptr, {context_, exception});
  return b_.CreateICmpEQ(thrown, instance_item(offsetof(vm::Instance, tags), tag));
}

void FuncIr::push_payload(V exception, uint32_t tag) {
  V payload = builtin(Builtin::exception_payload, ir_.ptr, {context_, exception});
  uint32_t at = 0;
  for (ValType type : module_.types[module_.tag_type_index(tag)].func.params) {
    const Kind k = kind(type);
    push(load_cell(cell_at(payload, at), k), k);
    at += type.cells();
  }
}

/// The clauses of a try_table are behind its body; control goes on at its end as it was.
void FuncIr::end_try_table() {
  Ctrl& made = ctrls_.back();
  llvm::BasicBlock* here = b_.GetInsertBlock();
  std::vector<V> locals = locals_;
  std::vector<Operand> stack = stack_;
  if (landing(made)) {
    V exception = made.exception;
    bool all = false;
    for (const wasm::Catch& clause : made.clauses) {
      using Clause = wasm::Catch::Kind;
      const bool tagged = clause.kind == Clause::catch_ || clause.kind == Clause::catch_ref;
      llvm::BasicBlock* next = nullptr;
      if (tagged) {
        llvm::BasicBlock* taken = new_block("catch");
        next = new_block("");
        b_.CreateCondBr(tag_matches(exception, clause.tag), taken, next);
        b_.SetInsertPoint(taken);
        push_payload(exception, clause.tag);
      }
      if (clause.kind == Clause::catch_ref || clause.kind == Clause::catch_all_ref) {
        push(exception, Kind::gc_ref);
      }
      const uint32_t depth = clause.label + 1;
      if (depth == ctrls_.size() - 1) {
        return_values();
      } else {
        branch_to(ctrl(depth));
      }
      stack_.resize(made.height);
      if (!tagged) {
        all = true;
        break;
      }
      enter(next);
    }
    if (!all) send_or_leave(ctrls_.size() - 1);
  }
  locals_ = std::move(locals);
  stack_ = std::move(stack);
  enter(here);
}

/// Legacy: the first clause begins, the try body ends.
void FuncIr::start_clauses() {
  Ctrl& made = ctrls_.back();
  made.op = Op::catch_;
  if (!landing(made)) return;
  made.next_clause = b_.GetInsertBlock();
  made.clause_locals = locals_;
  made.clause_stack = stack_;
}

/// catch and catch_all of the legacy proposal. While a clause runs, the exnref is the first operand
/// of its block, for rethrow.
void FuncIr::catch_(bool all) {
  if (unreachable_ == 0) branch_to(ctrls_.back());
  end_run();
  if (ctrls_.back().catches) start_clauses();
  Ctrl& made = ctrls_.back();
  stack_.resize(made.height);
  if (made.next_clause == nullptr) {
    unreachable_ = 1;
    return;
  }
  locals_ = made.clause_locals;
  stack_ = made.clause_stack;
  enter(made.next_clause);
  unreachable_ = 0;
  V exception = made.exception;
  if (all) {
    made.next_clause = nullptr;
    push(exception, Kind::gc_ref);
    return;
  }
  llvm::BasicBlock *taken = new_block("catch"), *next = new_block("");
  b_.CreateCondBr(tag_matches(exception, in_.index), taken, next);
  made.next_clause = next;
  b_.SetInsertPoint(taken);
  push(exception, Kind::gc_ref);
  push_payload(exception, in_.index);
}

/// Legacy: behind the last clause, or a body without clauses, exceptions go on outwards.
void FuncIr::end_legacy() {
  llvm::BasicBlock* here = b_.GetInsertBlock();
  std::vector<V> locals = locals_;
  std::vector<Operand> stack = stack_;
  if (ctrls_.back().catches) start_clauses();
  Ctrl& made = ctrls_.back();
  if (made.next_clause != nullptr) {
    locals_ = made.clause_locals;
    stack_ = made.clause_stack;
    enter(made.next_clause);
    made.next_clause = nullptr;
    send_or_leave(ctrls_.size() - 1);
  }
  locals_ = std::move(locals);
  stack_ = std::move(stack);
  enter(here);
}

/// Ends a legacy try block: its exceptions go to the label's block, or what is around it.
void FuncIr::delegate() {
  llvm::BasicBlock* here = b_.GetInsertBlock();
  std::vector<V> locals = locals_;
  std::vector<Operand> stack = stack_;
  if (landing(ctrls_.back())) send_or_leave(ctrls_.size() - 1 - in_.index);
  locals_ = std::move(locals);
  stack_ = std::move(stack);
  enter(here);
  close_block();
}

void FuncIr::throw_() {
  if (in_.op == Op::throw_) {
    const FuncType& type = module_.types[module_.tag_type_index(in_.index)].func;
    spill_refs(type.params.size());
    const uint32_t base = store_arguments(type);
    publish(next_cell());
    V tag = instance_item(offsetof(vm::Instance, tags), in_.index);
    V out = out_slot();
    check_exit(builtin(Builtin::exception_new, ir_.i8, {instance_, tag, cell(base), out}));
    V exception = b_.CreateLoad(ir_.i32, out);
    stack_.resize(stack_.size() - type.params.size());
    push(exception, Kind::gc_ref);
  } else if (in_.op == Op::rethrow) {
    push(stack_[ctrl(in_.index).height].value, Kind::gc_ref);
  } else {
    null_check(top().value, TrapCode::null_exception_reference);
  }
  V place = b_.CreateConstInBoundsGEP1_64(ir_.i8, context_, offsetof(vm::Context, exception));
  aliased(b_.CreateStore(pop(), place), Alias::context);
  throw_exception();
  end_run();
  set_unreachable();
}

/// Context::exception is thrown here. Its place is noted unless a clause here takes everything.
void FuncIr::throw_exception() {
  const bool taken = std::ranges::any_of(ctrls_, [](const Ctrl& c) {
    return c.catches && std::ranges::any_of(c.clauses, [](const wasm::Catch& clause) {
             return clause.kind >= wasm::Catch::Kind::catch_all;
           });
  });
  if (!taken) {
    publish(next_cell());
    auto* call = placed(b_.CreateCall(ir_.throw_stub(), {context_}));
    ir_.native_convention(call);
    call->addFnAttr(llvm::Attribute::NoMerge);
  }
  send_or_leave(ctrls_.size());
}

}  // namespace sedge::llvmc
