// The walk of a compiler over a function body: which instruction asks which of its methods, and how
// unreachable code is skipped. Interpreter, baseline and LLVM compiler derive from it, so that none
// of them has a list of control instructions of its own.
#ifndef SEDGE_WASM_VISIT_H_
#define SEDGE_WASM_VISIT_H_

#include <cstdint>

#include "wasm/op.h"

namespace sedge::wasm {

/// `Self` has the methods that are called here, with the current instruction where it finds it; it
/// makes this class its friend. The body is valid.
template <class Self>
class InstrVisitor {
 protected:
  /// What follows the instruction cannot be reached, up to the end of its block.
  void set_unreachable() { unreachable_ = 1; }

  void visit(const Instr& in);
  /// Unreachable code is skipped; only its nesting counts.
  void skip(const Instr& in);

  uint32_t unreachable_ = 0;  ///< 0: reachable, else 1 + open blocks in unreachable code

 private:
  friend Self;
  InstrVisitor() = default;
  Self& self() { return static_cast<Self&>(*this); }
};

template <class Self>
void InstrVisitor<Self>::skip(const Instr& in) {
  switch (in.op) {
    case Op::block:
    case Op::loop:
    case Op::if_:
    case Op::try_:
    case Op::try_table:
      unreachable_++;
      return self().skipped_block(in.op);
    case Op::else_:
      if (unreachable_ == 1) self().else_();
      return;
    case Op::catch_:
    case Op::catch_all:
      if (unreachable_ == 1) self().catch_(in.op == Op::catch_all);
      return;
    case Op::delegate:
      if (unreachable_ == 1) return self().delegate();
      unreachable_--;
      return;
    case Op::end:
      if (unreachable_ == 1) return self().end();
      unreachable_--;
      return;
    default:
      return;
  }
}

template <class Self>
void InstrVisitor<Self>::visit(const Instr& in) {
  switch (in.op) {
    case Op::nop:
      return;
    case Op::unreachable:
      return self().unreachable();
    case Op::block:
      return self().block(in.op);
    case Op::loop:
      return self().loop();
    case Op::if_:
      return self().if_();
    case Op::else_:
      return self().else_();
    case Op::try_:
    case Op::try_table:
      return self().try_();
    case Op::catch_:
    case Op::catch_all:
      return self().catch_(in.op == Op::catch_all);
    case Op::delegate:
      return self().delegate();
    case Op::end:
      return self().end();
    case Op::throw_:
    case Op::rethrow:
    case Op::throw_ref:
      return self().throw_();
    case Op::br:
      return self().br(in.index);
    case Op::br_if:
      return self().br_if();
    case Op::br_table:
      return self().br_table();
    case Op::br_on_null:
    case Op::br_on_non_null:
      return self().br_on_null(in.op == Op::br_on_non_null);
    case Op::br_on_cast:
    case Op::br_on_cast_fail:
      return self().br_on_cast(in.op == Op::br_on_cast_fail);
    case Op::return_:
      return self().return_();
    case Op::call:
      return self().call();
    case Op::return_call:
      return self().return_call();
    case Op::call_indirect:
    case Op::return_call_indirect:
      return self().call_indirect(in.op == Op::return_call_indirect);
    case Op::call_ref:
    case Op::return_call_ref:
      return self().call_ref(in.op == Op::return_call_ref);
    case Op::drop:
      self().pop();
      return;
    case Op::select:
    case Op::select_t:
      return self().select();
    case Op::local_get:
      return self().get_local(in.index);
    case Op::local_set:
    case Op::local_tee:
      return self().set_local(in.index, in.op == Op::local_tee);
    case Op::global_get:
      return self().get_global();
    case Op::global_set:
      return self().set_global();
    case Op::i32_const:
      return self().constant(ValType::i32, static_cast<uint32_t>(in.i64));
    case Op::i64_const:
      return self().constant(ValType::i64, in.u64);
    case Op::f32_const:
      return self().constant(ValType::f32, static_cast<uint32_t>(in.u64));
    case Op::f64_const:
      return self().constant(ValType::f64, in.u64);
    case Op::ref_null:
      return self().constant(in.type, 0);
    case Op::v128_const:
      return self().constant128();
    case Op::memory_atomic_notify:
    case Op::memory_atomic_wait32:
    case Op::memory_atomic_wait64:
      return self().wait_or_notify();
    case Op::memory_size:
    case Op::memory_grow:
    case Op::memory_init:
    case Op::memory_copy:
    case Op::memory_fill:
    case Op::data_drop:
      return self().memory_op();
    case Op::table_get:
    case Op::table_set:
    case Op::table_size:
    case Op::table_grow:
    case Op::table_fill:
    case Op::table_init:
    case Op::table_copy:
    case Op::elem_drop:
      return self().table_op();
    default:
      return self().other();
  }
}

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_VISIT_H_
