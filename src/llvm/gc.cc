// References, structs and arrays (vm/gc_layout.h). Before anything that can collect every live
// reference is in a cell of the frame, those that initialise a new object among them. New objects
// go where the heap has room at once (vm::GcHole); only where it has none, a helper is called.
#include <cstddef>
#include <utility>

#include <llvm/IR/Constants.h>

#include "llvm/func_ir.h"
#include "vm/gc_layout.h"

namespace sedge::llvmc {

using wasm::Op;

FuncIr::V FuncIr::null_check(V value, TrapCode code) {
  trap_if(b_.CreateIsNull(value), code);
  return value;
}

/// Address of an object.
FuncIr::V FuncIr::object(V ref) {
  V base = context_field(offsetof(vm::Context, gc_base), ir_.ptr);
  return b_.CreateGEP(ir_.i8, base, b_.CreateZExt(ref, ir_.i64));
}

uint32_t FuncIr::storage_size(ValType storage) const {
  const wasm::TypeSet& types = ir_.source.types;
  return vm::field_size(wasm::canonical(storage, types), *types.registry());
}

FuncIr::V FuncIr::load_field(V place, ValType storage, bool is_signed) {
  if (storage.is_packed()) {
    llvm::Type* type = storage.kind() == ValType::i8 ? ir_.i8 : ir_.i16;
    V raw = aliased(b_.CreateAlignedLoad(type, place, llvm::Align(1)), Alias::heap);
    return is_signed ? b_.CreateSExt(raw, ir_.i32) : b_.CreateZExt(raw, ir_.i32);
  }
  return aliased(b_.CreateAlignedLoad(ir_.type_of(kind(storage)), place, llvm::Align(4)),
                 Alias::heap);
}

void FuncIr::store_field(V place, ValType storage, V value) {
  if (storage.is_packed()) {
    value = b_.CreateTrunc(value, storage.kind() == ValType::i8 ? ir_.i8 : ir_.i16);
  }
  const llvm::Align align(storage.is_packed() ? 1 : 4);
  observable(aliased(b_.CreateAlignedStore(value, place, align), Alias::heap));
}

FuncIr::V FuncIr::element_address(V array, V index, uint32_t size) {
  V at = b_.CreateMul(b_.CreateZExt(index, ir_.i64), b_.getInt64(size));
  V elements = b_.CreateConstGEP1_64(ir_.i8, object(array), vm::kArrayElements);
  return b_.CreateGEP(ir_.i8, elements, at);
}

/// Checks array and index.
void FuncIr::array_bounds(V array, V index) {
  null_check(array, TrapCode::null_array_reference);
  V place = b_.CreateConstGEP1_64(ir_.i8, object(array), vm::kArrayLength);
  V length = aliased(b_.CreateAlignedLoad(ir_.i32, place, llvm::Align(4)), Alias::heap);
  trap_if(b_.CreateICmpUGE(index, length), TrapCode::out_of_bounds_array_access);
}

/// Whether a reference is of `type`: by its header for the very type, else by a helper.
FuncIr::V FuncIr::is_instance(V value, Kind k, ValType type) {
  V as_cell =
      k == Kind::func_ref ? b_.CreatePtrToInt(value, ir_.i64) : b_.CreateZExt(value, ir_.i64);
  auto slowly = [&] {
    V match = builtin(Builtin::ref_test, ir_.i8, {instance_, as_cell, b_.getInt32(type.bits())});
    return b_.CreateTrunc(match, ir_.i1);
  };
  const bool concrete = type.heap().is_index() && k == Kind::gc_ref &&
                        module_.types[type.heap().index()].kind != wasm::SubType::Kind::func;
  if (!concrete) return slowly();
  llvm::BasicBlock *header = new_block("header"), *slow = new_block("test"), *done = new_block("");
  V plain = b_.CreateAnd(b_.CreateICmpNE(value, b_.getInt32(0)),
                         b_.CreateICmpEQ(b_.CreateAnd(value, b_.getInt32(1)), b_.getInt32(0)));
  b_.CreateCondBr(plain, header, slow, ir_.likely_branch());
  b_.SetInsertPoint(header);
  V ids = instance_field(offsetof(vm::Instance, types), ir_.ptr);
  V wanted = field(ids, uint64_t{type.heap().index()} * sizeof(TypeId), ir_.i32, true);
  V at = object(value);
  V id = aliased(b_.CreateAlignedLoad(ir_.i32, at, llvm::Align(4)), Alias::heap);
  V kind_place = b_.CreateConstGEP1_64(ir_.i8, at, offsetof(vm::ObjectHeader, bits));
  V object_kind = aliased(b_.CreateLoad(ir_.i8, kind_place), Alias::heap);
  V same = b_.CreateAnd(
      b_.CreateICmpEQ(id, wanted),
      b_.CreateICmpULE(object_kind, b_.getInt8(static_cast<uint8_t>(vm::ObjectKind::array))));
  b_.CreateCondBr(same, done, slow, ir_.likely_branch());
  llvm::BasicBlock* header_end = b_.GetInsertBlock();
  b_.SetInsertPoint(slow);
  V match = slowly();
  b_.CreateBr(done);
  llvm::BasicBlock* slow_end = b_.GetInsertBlock();
  b_.SetInsertPoint(done);
  auto* phi = b_.CreatePHI(ir_.i1, 2);
  phi->addIncoming(b_.getTrue(), header_end);
  phi->addIncoming(match, slow_end);
  return phi;
}

/// A zeroed object of the instruction's type, a struct or an array of `length`, with the operands
/// still on the stack; gives its reference.
FuncIr::V FuncIr::new_object(V bytes, V length) {
  llvm::BasicBlock *room = new_block("room"), *full = new_block("full"), *done = new_block("");
  constexpr size_t kHole = offsetof(vm::Context, gc_hole);
  V cursor = context_field(kHole + offsetof(vm::GcHole, cursor), ir_.i64);
  V end = b_.CreateAdd(cursor, bytes);
  V fits = b_.CreateICmpULE(end, context_field(kHole + offsetof(vm::GcHole, limit), ir_.i64));
  b_.CreateCondBr(fits, room, full, ir_.likely_branch());

  b_.SetInsertPoint(room);
  V place = b_.CreateConstInBoundsGEP1_64(ir_.i8, context_, kHole + offsetof(vm::GcHole, cursor));
  aliased(b_.CreateStore(end, place), Alias::context);
  V fast = b_.CreateTrunc(cursor, ir_.i32);
  V at = object(fast);
  V ids = instance_field(offsetof(vm::Instance, types), ir_.ptr);
  aliased(b_.CreateAlignedStore(field(ids, uint64_t{in_.index} * sizeof(TypeId), ir_.i32, true), at,
                                llvm::Align(4)),
          Alias::heap);
  auto put = [&](uint64_t offset, V value) {
    aliased(b_.CreateAlignedStore(value, b_.CreateConstGEP1_64(ir_.i8, at, offset), llvm::Align(4)),
            Alias::heap);
  };
  put(offsetof(vm::ObjectHeader, bits),
      b_.getInt32(static_cast<uint32_t>(length != nullptr ? vm::ObjectKind::array
                                                          : vm::ObjectKind::struct_)));
  if (length != nullptr) put(vm::kArrayLength, length);
  b_.CreateBr(done);

  b_.SetInsertPoint(full);
  const auto known = known_cells_;  // what is stored here is not stored on the other way
  spill_refs(0);
  known_cells_ = known;
  publish(next_cell());
  V number = b_.getInt32(in_.index), out = out_slot();
  check_exit(length != nullptr
                 ? builtin(Builtin::array_new, ir_.i8, {instance_, number, length, out})
                 : builtin(Builtin::struct_new, ir_.i8, {instance_, number, out}));
  V slow = b_.CreateLoad(ir_.i32, out);
  llvm::BasicBlock* full_end = b_.GetInsertBlock();
  b_.CreateBr(done);

  b_.SetInsertPoint(done);
  auto* ref = b_.CreatePHI(ir_.i32, 2);
  ref->addIncoming(fast, room);
  ref->addIncoming(slow, full_end);
  return ref;
}

FuncIr::V FuncIr::new_array(V length) {
  const uint32_t size = storage_size(module_.types[in_.index].fields[0].storage);
  V elements = b_.CreateMul(b_.CreateZExt(length, ir_.i64), b_.getInt64(size));
  V bytes = b_.CreateAdd(elements, b_.getInt64(vm::kArrayElements + 7));
  return new_object(b_.CreateAnd(bytes, b_.getInt64(~uint64_t{7})), length);
}

void FuncIr::gc_op() {
  const uint32_t type = in_.index;
  V number = b_.getInt32(type), second = b_.getInt32(in_.index2);
  auto boolean = [&](V value) { push(b_.CreateZExt(value, ir_.i32), Kind::i32); };
  auto fields = [&]() -> const std::vector<FieldType>& { return module_.types[type].fields; };
  auto field_place = [&](V ref) {
    const vm::StructLayout layout =
        vm::struct_layout(ir_.source.types.type(type), *ir_.source.types.registry());
    return b_.CreateConstGEP1_64(ir_.i8, object(ref), layout.offsets[in_.index2]);
  };
  switch (in_.op) {
    case Op::ref_func:
      return push(builtin(Builtin::func_ref, ir_.ptr, {instance_, number}), Kind::func_ref);
    case Op::ref_is_null:
      return boolean(b_.CreateIsNull(pop()));
    case Op::ref_eq: {
      V b = pop(), a = pop();
      return boolean(b_.CreateICmpEQ(a, b));
    }
    case Op::ref_as_non_null:
      null_check(top().value, TrapCode::null_reference);
      return;
    case Op::any_convert_extern:
    case Op::extern_convert_any:
      return;  // the same representation
    case Op::ref_i31:
      return push(b_.CreateOr(b_.CreateShl(pop(), 1), b_.getInt32(1)), Kind::gc_ref);
    case Op::i31_get_s:
      return push(b_.CreateAShr(null_check(pop(), TrapCode::null_i31_reference), 1), Kind::i32);
    case Op::i31_get_u:
      return push(b_.CreateLShr(null_check(pop(), TrapCode::null_i31_reference), 1), Kind::i32);
    case Op::ref_test:
    case Op::ref_test_null: {
      const Operand operand = pop_operand();
      return boolean(is_instance(operand.value, operand.kind, in_.type));
    }
    case Op::ref_cast:
    case Op::ref_cast_null:
      return trap_if(b_.CreateNot(is_instance(top().value, top().kind, in_.type)),
                     TrapCode::cast_failure);
    case Op::struct_get:
    case Op::struct_get_s:
    case Op::struct_get_u: {
      V ref = null_check(pop(), TrapCode::null_structure_reference);
      const ValType storage = fields()[in_.index2].storage;
      return push(load_field(field_place(ref), storage, in_.op == Op::struct_get_s), kind(storage));
    }
    case Op::struct_set: {
      V value = pop(), ref = null_check(pop(), TrapCode::null_structure_reference);
      return store_field(field_place(ref), fields()[in_.index2].storage, value);
    }
    case Op::array_get:
    case Op::array_get_s:
    case Op::array_get_u: {
      V index = pop(), array = pop();
      array_bounds(array, index);
      const ValType storage = fields()[0].storage;
      V place = element_address(array, index, storage_size(storage));
      return push(load_field(place, storage, in_.op == Op::array_get_s), kind(storage));
    }
    case Op::array_set: {
      V value = pop(), index = pop(), array = pop();
      array_bounds(array, index);
      const ValType storage = fields()[0].storage;
      return store_field(element_address(array, index, storage_size(storage)), storage, value);
    }
    case Op::array_len: {
      V array = null_check(pop(), TrapCode::null_array_reference);
      V place = b_.CreateConstGEP1_64(ir_.i8, object(array), vm::kArrayLength);
      return push(aliased(b_.CreateAlignedLoad(ir_.i32, place, llvm::Align(4)), Alias::heap),
                  Kind::i32);
    }
    case Op::struct_new:
    case Op::struct_new_default: {
      const vm::StructLayout layout =
          vm::struct_layout(ir_.source.types.type(type), *ir_.source.types.registry());
      V ref = new_object(b_.getInt64(layout.size), nullptr);
      if (in_.op == Op::struct_new) {
        const size_t count = fields().size();
        V base = object(ref);
        for (size_t i = 0; i < count; i++) {
          V value = stack_[stack_.size() - count + i].value;
          V place = b_.CreateConstGEP1_64(ir_.i8, base, layout.offsets[i]);
          store_field(place, fields()[i].storage, value);
        }
        stack_.resize(stack_.size() - count);
      }
      return push(ref, Kind::gc_ref);
    }
    case Op::array_new:
    case Op::array_new_default: {
      V length = top().value;
      V ref = new_array(length);
      pop();
      if (in_.op == Op::array_new) {
        const Operand value = pop_operand();
        V place = cell(value.cell);
        store_cell(place, value.value, value.kind);
        forget_cells(value.cell);
        reserve(value.cell + 2);
        check_exit(builtin(Builtin::array_fill, ir_.i8,
                           {instance_, number, ref, b_.getInt32(0), place, length}));
      }
      return push(ref, Kind::gc_ref);
    }
    case Op::array_new_fixed: {
      const size_t count = in_.index2;
      V ref = new_array(second);
      const ValType storage = fields()[0].storage;
      const uint32_t size = storage_size(storage);
      V elements = b_.CreateConstGEP1_64(ir_.i8, object(ref), vm::kArrayElements);
      for (size_t i = 0; i < count; i++) {
        V place = b_.CreateConstGEP1_64(ir_.i8, elements, i * size);
        store_field(place, storage, stack_[stack_.size() - count + i].value);
      }
      stack_.resize(stack_.size() - count);
      return push(ref, Kind::gc_ref);
    }
    case Op::array_new_data:
    case Op::array_new_elem: {
      V length = top(0).value, from = top(1).value;
      spill_refs(0);
      publish(next_cell());
      V out = out_slot();
      check_exit(
          builtin(in_.op == Op::array_new_data ? Builtin::array_new_data : Builtin::array_new_elem,
                  ir_.i8, {instance_, number, second, from, length, out}));
      V ref = b_.CreateLoad(ir_.i32, out);
      pop();
      pop();
      return push(ref, Kind::gc_ref);
    }
    case Op::array_fill: {
      V length = pop();
      const Operand value = pop_operand();
      V at = pop(), array = null_check(pop(), TrapCode::null_array_reference);
      V place = cell(value.cell);
      store_cell(place, value.value, value.kind);
      forget_cells(value.cell);
      reserve(value.cell + 2);
      return check_exit(
          builtin(Builtin::array_fill, ir_.i8, {instance_, number, array, at, place, length}));
    }
    case Op::array_copy: {
      V length = pop(), from_at = pop(), from = pop(), to_at = pop(), to = pop();
      null_check(to, TrapCode::null_array_reference);
      null_check(from, TrapCode::null_array_reference);
      return check_exit(builtin(Builtin::array_copy, ir_.i8,
                                {instance_, number, to, to_at, from, from_at, length}));
    }
    case Op::array_init_data:
    case Op::array_init_elem: {
      V length = pop(), from = pop(), at = pop();
      V array = null_check(pop(), TrapCode::null_array_reference);
      const Builtin init =
          in_.op == Op::array_init_data ? Builtin::array_init_data : Builtin::array_init_elem;
      return check_exit(
          builtin(init, ir_.i8, {instance_, number, array, at, second, from, length}));
    }
    default:
      return;  // every operator has its case
  }
}

}  // namespace sedge::llvmc
