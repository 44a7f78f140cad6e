// Lowering: references, structs, arrays, casts.
#include "interp/lower.h"
#include "vm/gc_layout.h"
#include "wasm/type_registry.h"

namespace sedge::interp {

uint32_t Lowering::storage_size(ValType storage) const {
  const wasm::TypeSet& types = code_of_module_.types;
  return vm::field_size(wasm::canonical(storage, types), *types.registry());
}

/// Class of a field's value on the operand stack.
Cls Lowering::field_class(ValType storage) const { return class_of(storage); }

/// Canonical id of the struct or array type that `type` refers to, or kNoType.
uint32_t Lowering::concrete_id(ValType type) const {
  if (!type.heap().is_index()) return kNoType;
  const uint32_t index = type.heap().index();
  if (module_.types[index].kind == wasm::SubType::Kind::func) return kNoType;
  return code_of_module_.types.id(index);
}

void Lowering::cast(Handler handler, bool test) {
  const uint32_t cell = slot_of(top());
  const uint32_t bits = in_.type.bits(), id = concrete_id(in_.type);
  if (!test) {
    emit(handler, {pack_wide(cell, 0, bits), id});
    return;
  }
  pop();
  result_in_slot(emit(handler, {pack_wide(next_cell(), cell, bits), id}), Cls::i);
}

void Lowering::object_get(bool array) {
  const bool is_signed = in_.op == Op::struct_get_s || in_.op == Op::array_get_s;
  const ValType storage = module_.types[in_.index].fields[array ? 0 : in_.index2].storage;
  Handler getter = nullptr;
  switch (field_kind(storage_size(storage))) {
    case FieldKind::bits8:
      getter = array ? (is_signed ? handler::array_get8_s : handler::array_get8_u)
                     : (is_signed ? handler::struct_get8_s : handler::struct_get8_u);
      break;
    case FieldKind::bits16:
      getter = array ? (is_signed ? handler::array_get16_s : handler::array_get16_u)
                     : (is_signed ? handler::struct_get16_s : handler::struct_get16_u);
      break;
    case FieldKind::bits32:
      getter = array ? handler::array_get32 : handler::struct_get32;
      break;
    case FieldKind::bits64:
      getter = array ? handler::array_get64 : handler::struct_get64;
      break;
    case FieldKind::bits128:
      getter = array ? handler::array_get128 : handler::struct_get128;
      break;
  }
  uint32_t pos;
  if (array) {
    uint32_t index = slot_of(top()), object = slot_of(top(1));
    pop();
    pop();
    pos = emit(getter, {pack(next_cell(), object, index)});
  } else {
    uint32_t object = pop_slot();
    const StructDesc* desc = code_of_module_.struct_desc(in_.index);
    pos = emit(getter, {pack_wide(next_cell(), object, desc->fields[in_.index2].offset)});
  }
  result_in_slot(pos, field_class(storage));
}

void Lowering::object_set(bool array) {
  const ValType storage = module_.types[in_.index].fields[array ? 0 : in_.index2].storage;
  Handler setter = nullptr;
  switch (field_kind(storage_size(storage))) {
    case FieldKind::bits8:
      setter = array ? handler::array_set8 : handler::struct_set8;
      break;
    case FieldKind::bits16:
      setter = array ? handler::array_set16 : handler::struct_set16;
      break;
    case FieldKind::bits32:
      setter = array ? handler::array_set32 : handler::struct_set32;
      break;
    case FieldKind::bits64:
      setter = array ? handler::array_set64 : handler::struct_set64;
      break;
    case FieldKind::bits128:
      setter = array ? handler::array_set128 : handler::struct_set128;
      break;
  }
  if (array) {
    uint32_t value = slot_of(top()), index = slot_of(top(1)), object = slot_of(top(2));
    truncate(static_cast<uint32_t>(stack_.size() - 3));
    emit(setter, {pack(object, index, value)});
  } else {
    uint32_t value = slot_of(top()), object = slot_of(top(1));
    pop();
    pop();
    const StructDesc* desc = code_of_module_.struct_desc(in_.index);
    emit(setter, {pack_wide(object, value, desc->fields[in_.index2].offset)});
  }
}

void Lowering::gc_op() {
  const uint32_t type = in_.index;
  switch (in_.op) {
    case Op::ref_func:
      return result_in_slot(emit(handler::ref_func, {pack_wide(next_cell(), 0, type)}), Cls::i);
    case Op::ref_is_null:
    case Op::array_len:
    case Op::ref_i31:
    case Op::i31_get_s:
    case Op::i31_get_u: {
      Handler handler = in_.op == Op::ref_is_null ? handler::ref_is_null
                        : in_.op == Op::array_len ? handler::array_len
                        : in_.op == Op::ref_i31   ? handler::ref_i31
                        : in_.op == Op::i31_get_s ? handler::i31_get_s
                                                  : handler::i31_get_u;
      uint32_t a = pop_slot();
      return result_in_slot(emit(handler, {pack(next_cell(), a)}), Cls::i);
    }
    case Op::ref_eq: {
      uint32_t b = slot_of(top()), a = slot_of(top(1));
      pop();
      pop();
      return result_in_slot(emit(handler::ref_eq, {pack(next_cell(), a, b)}), Cls::i);
    }
    case Op::ref_as_non_null:
      emit(handler::ref_as_non_null, {pack(slot_of(top()))});
      return;
    case Op::any_convert_extern:
    case Op::extern_convert_any:
      return;  // the same representation
    case Op::ref_test:
    case Op::ref_test_null:
      return cast(handler::ref_test, true);
    case Op::ref_cast:
    case Op::ref_cast_null:
      return cast(handler::ref_cast, false);
    case Op::struct_get:
    case Op::struct_get_s:
    case Op::struct_get_u:
      return object_get(false);
    case Op::array_get:
    case Op::array_get_s:
    case Op::array_get_u:
      return object_get(true);
    case Op::struct_set:
      return object_set(false);
    case Op::array_set:
      return object_set(true);
    default:
      break;
  }
  // What follows can collect, for which every reference has to be in a cell.
  switch (in_.op) {
    case Op::struct_new: {
      const size_t count = module_.types[type].fields.size();
      materialize_top(count);
      settle_all();
      const uint32_t first = count == 0 ? next_cell() : stack_[stack_.size() - count].cell;
      truncate(static_cast<uint32_t>(stack_.size() - count));
      const StructDesc* desc = code_of_module_.struct_desc(type);
      return result_in_slot(emit(handler::struct_new, {pack_wide(next_cell(), first, type),
                                                       reinterpret_cast<Word>(desc)}),
                            Cls::i);
    }
    case Op::struct_new_default:
      settle_all();
      return result_in_slot(emit(handler::struct_new_default, {pack_wide(next_cell(), 0, type)}),
                            Cls::i);
    case Op::array_new: {
      uint32_t length = slot_of(top()), value = slot_of(top(1));
      settle_all();
      pop();
      pop();
      return result_in_slot(emit(handler::array_new, {pack(next_cell(), value, length), type}),
                            Cls::i);
    }
    case Op::array_new_default: {
      uint32_t length = pop_slot();
      settle_all();
      return result_in_slot(emit(handler::array_new_default, {pack(next_cell(), 0, length), type}),
                            Cls::i);
    }
    case Op::array_new_fixed: {
      const size_t count = in_.index2;
      materialize_top(count);
      settle_all();
      const uint32_t first = count == 0 ? next_cell() : stack_[stack_.size() - count].cell;
      truncate(static_cast<uint32_t>(stack_.size() - count));
      auto kind = field_kind(storage_size(module_.types[type].fields[0].storage));
      return result_in_slot(
          emit(handler::array_new_fixed,
               {pack(next_cell(), first, static_cast<uint32_t>(kind)), pack2(type, in_.index2)}),
          Cls::i);
    }
    case Op::array_new_data:
    case Op::array_new_elem: {
      uint32_t length = slot_of(top()), from = slot_of(top(1));
      settle_all();
      pop();
      pop();
      Handler handler =
          in_.op == Op::array_new_data ? handler::array_new_data : handler::array_new_elem;
      return result_in_slot(
          emit(handler, {pack(next_cell(), from, length), pack2(type, in_.index2)}), Cls::i);
    }
    case Op::array_fill:
    case Op::array_init_data:
    case Op::array_init_elem: {
      uint32_t d = slot_of(top()), c = slot_of(top(1)), b = slot_of(top(2)), a = slot_of(top(3));
      truncate(static_cast<uint32_t>(stack_.size() - 4));
      Handler handler = in_.op == Op::array_fill        ? handler::array_fill
                        : in_.op == Op::array_init_data ? handler::array_init_data
                                                        : handler::array_init_elem;
      emit(handler, {pack(a, b, c, d), pack2(type, in_.index2)});
      return;
    }
    case Op::array_copy: {
      uint32_t e = slot_of(top()), d = slot_of(top(1)), c = slot_of(top(2)), b = slot_of(top(3)),
               a = slot_of(top(4));
      truncate(static_cast<uint32_t>(stack_.size() - 5));
      emit(handler::array_copy, {pack(a, b, c, d), pack2(e, type)});
      return;
    }
    default:
      return;  // every operator has its case: bodies are validated
  }
}

}  // namespace sedge::interp
