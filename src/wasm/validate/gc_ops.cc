// Typing rules of reference and garbage-collection instructions. Spec: "Validation", sections
// "Reference Instructions" and "Aggregate Instructions".
#include <fmt/format.h>

#include "wasm/validate/func_validator.h"

namespace sedge::wasm::validation {
namespace {

ValType unpacked(ValType storage) { return storage.is_packed() ? ValType::i32 : storage; }

ValType ref_to(uint32_t type, bool nullable) {
  return ValType::reference(HeapType::index(type), nullable);
}

bool defaultable(ValType type) { return type.defaultable(); }

/// The difference of two reference types: `type` without what a successful cast to `cast` takes.
ValType without(ValType type, ValType cast) {
  return ValType::reference(type.heap(), type.nullable() && !cast.nullable());
}

}  // namespace

ValType FuncValidator::heap_top(HeapType heap) const {
  auto top = [](HeapType::Abstract kind) { return ValType::reference(kind, true); };
  if (heap.is_index()) {
    return top(context_.module.types[heap.index()].kind == SubType::Kind::func ? HeapType::func
                                                                               : HeapType::any);
  }
  switch (heap.abstract()) {
    case HeapType::func:
    case HeapType::nofunc:
      return top(HeapType::func);
    case HeapType::extern_:
    case HeapType::noextern:
      return top(HeapType::extern_);
    case HeapType::exn:
    case HeapType::noexn:
      return top(HeapType::exn);
    default:
      return top(HeapType::any);
  }
}

bool FuncValidator::reference(const Instr& instr) {
  ValType type;
  switch (instr.op) {
    case Op::ref_null:
      if (!value_type(instr.type)) return false;
      push(instr.type);
      return true;
    case Op::ref_is_null:
      if (!pop_ref(type)) return false;
      push(ValType::i32);
      return true;
    case Op::ref_func:
      if (instr.index >= context_.funcs.size())
        return unknown(ErrorCode::unknown_function, instr.index);
      if (constant_) {
        (*declared_)[instr.index] = true;
      } else if (!context_.declared_funcs[instr.index]) {
        return unknown(ErrorCode::undeclared_function_reference, instr.index);
      }
      // Without typed references the type is as it was in 2.0.
      push(features_.has(Feature::function_references) ? ref_to(context_.funcs[instr.index], false)
                                                       : ValType::funcref());
      return true;
    case Op::ref_eq: {
      ValType eq = ValType::reference(HeapType::eq, true);
      std::array<ValType, 2> operands{eq, eq};
      if (!pop_all(operands)) return false;
      push(ValType::i32);
      return true;
    }
    case Op::ref_as_non_null:
      if (!pop_ref(type)) return false;
      push(ValType::reference(type == ValType() ? HeapType::bottom : type.heap(), false));
      return true;
    case Op::ref_test:
    case Op::ref_test_null:
    case Op::ref_cast:
    case Op::ref_cast_null: {
      if (!value_type(instr.type) || !pop(heap_top(instr.type.heap()))) return false;
      bool test = instr.op == Op::ref_test || instr.op == Op::ref_test_null;
      push(test ? ValType(ValType::i32) : instr.type);
      return true;
    }
    case Op::any_convert_extern:
    case Op::extern_convert_any: {
      bool to_any = instr.op == Op::any_convert_extern;
      HeapType from = to_any ? HeapType::extern_ : HeapType::any;
      HeapType to = to_any ? HeapType::any : HeapType::extern_;
      if (available() == 0) {
        if (!pop(ValType::reference(from, true))) return false;
        type = ValType::reference(HeapType::bottom, false);
      } else {
        type = sp_[-1];
        if (!pop(ValType::reference(from, true))) return false;
      }
      push(ValType::reference(to, type.is_ref() && type.nullable()));
      return true;
    }
    case Op::ref_i31:
      if (!pop(ValType::i32)) return false;
      push(ValType::reference(HeapType::i31, false));
      return true;
    case Op::i31_get_s:
    case Op::i31_get_u:
      if (!pop(ValType::reference(HeapType::i31, true))) return false;
      push(ValType::i32);
      return true;
    default:
      return branch_on(instr);
  }
}

bool FuncValidator::branch_on(const Instr& instr) {
  Types types;
  ValType type;
  if (instr.op == Op::br_on_null) {
    if (!pop_ref(type) || !label(instr.index, types) || !pop_all(types)) return false;
    push_all(types);
    push(ValType::reference(type == ValType() ? HeapType::bottom : type.heap(), false));
    return true;
  }
  // The other branches hand a reference over as the label's last value.
  if (!label(instr.index, types)) return false;
  if (types.empty() || !types.back().is_ref())
    return mismatch_text(
        fmt::format("instruction requires a label whose last value is a reference, "
                    "but label {} has none",
                    instr.index));
  if (instr.op == Op::br_on_non_null) {
    if (!pop(ValType::reference(types.back().heap(), true))) return false;
    types = types.first(types.size() - 1);
    if (!pop_all(types)) return false;
    push_all(types);
    return true;
  }
  ValType source = instr.type, target = instr.type2;
  if (!value_type(source) || !value_type(target)) return false;
  if (!matches(target, source))
    return mismatch_text(fmt::format("instruction requires [{}] but the cast is to {}",
                                     to_string(source), to_string(target)));
  bool on_success = instr.op == Op::br_on_cast;
  ValType branch = on_success ? target : without(source, target);
  ValType rest = on_success ? without(source, target) : target;
  if (!matches(branch, types.back()))
    return mismatch_text(fmt::format("label requires [{}] but the branch has [{}]",
                                     to_string(types.back()), to_string(branch)));
  if (!pop(source)) return false;
  types = types.first(types.size() - 1);
  if (!pop_all(types)) return false;
  push_all(types);
  push(rest);
  return true;
}

bool FuncValidator::struct_type(uint32_t index, const SubType*& out) {
  const std::vector<SubType>& types = context_.module.types;
  if (index >= types.size()) return unknown(ErrorCode::unknown_type, index);
  if (types[index].kind != SubType::Kind::struct_)
    return mismatch_text(fmt::format("type {} is not a struct type", index));
  out = &types[index];
  return true;
}

bool FuncValidator::array_type(uint32_t index, const FieldType*& out) {
  const std::vector<SubType>& types = context_.module.types;
  if (index >= types.size()) return unknown(ErrorCode::unknown_type, index);
  if (types[index].kind != SubType::Kind::array)
    return mismatch_text(fmt::format("type {} is not an array type", index));
  out = &types[index].fields[0];
  return true;
}

bool FuncValidator::structure(const Instr& instr) {
  const SubType* type;
  if (!struct_type(instr.index, type)) return false;
  if (instr.op == Op::struct_new) {
    // As pop_all, without a list: fields are popped last to first.
    for (size_t i = type->fields.size(); i-- > 0;) {
      if (available() == 0 && top().unreachable) break;
      if (!pop(unpacked(type->fields[i].storage))) return false;
    }
    push(ref_to(instr.index, false));
    return true;
  }
  if (instr.op == Op::struct_new_default) {
    for (size_t i = 0; i < type->fields.size(); ++i)
      if (!defaultable(type->fields[i].storage))
        return error(ErrorCode::type_not_defaultable,
                     fmt::format(": field {} of type {}", i, instr.index));
    push(ref_to(instr.index, false));
    return true;
  }
  if (instr.index2 >= type->fields.size()) return unknown(ErrorCode::unknown_field, instr.index2);
  const FieldType& field = type->fields[instr.index2];
  ValType object = ref_to(instr.index, true);
  if (instr.op == Op::struct_set) {
    if (!field.mutable_) return unknown(ErrorCode::immutable_field, instr.index2);
    std::array<ValType, 2> operands{object, unpacked(field.storage)};
    return pop_all(operands);
  }
  if (instr.op == Op::struct_get && field.storage.is_packed())
    return unknown(ErrorCode::field_packed, instr.index2);
  if (instr.op != Op::struct_get && !field.storage.is_packed())
    return unknown(ErrorCode::field_unpacked, instr.index2);
  if (!pop(object)) return false;
  push(unpacked(field.storage));
  return true;
}

bool FuncValidator::array(const Instr& instr) {
  if (instr.op == Op::array_len) {
    if (!pop(ValType::reference(HeapType::array, true))) return false;
    push(ValType::i32);
    return true;
  }
  const FieldType* field;
  if (!array_type(instr.index, field)) return false;
  const ValType object = ref_to(instr.index, true);
  const ValType element = unpacked(field->storage);
  const ValType i32 = ValType::i32;
  auto pop_list = [&](std::initializer_list<ValType> types) {
    return pop_all({types.begin(), types.size()});
  };
  auto make = [&](std::initializer_list<ValType> operands) {
    if (!pop_list(operands)) return false;
    push(ref_to(instr.index, false));
    return true;
  };
  auto writable = [&] {
    return field->mutable_ || unknown(ErrorCode::immutable_array, instr.index);
  };
  auto elem_matches = [&] {
    if (instr.index2 >= context_.elems.size())
      return unknown(ErrorCode::unknown_elem_segment, instr.index2);
    if (matches(context_.elems[instr.index2], field->storage)) return true;
    return mismatch_text(fmt::format(
        "instruction requires [{}] but stack has [{}]: the array cannot hold the elements of "
        "segment {}",
        to_string(field->storage), to_string(context_.elems[instr.index2]), instr.index2));
  };
  auto plain = [&] { return !field->storage.is_ref() || error(ErrorCode::array_not_numeric); };
  switch (instr.op) {
    case Op::array_new:
      return make({element, i32});
    case Op::array_new_default:
      if (!defaultable(field->storage))
        return error(ErrorCode::type_not_defaultable,
                     fmt::format(": elements of type {}", instr.index));
      return make({i32});
    case Op::array_new_fixed:
      for (uint32_t i = 0; i < instr.index2; ++i) {
        if (available() == 0 && top().unreachable) break;
        if (!pop(element)) return false;
      }
      return make({});
    case Op::array_new_data:
      return data_segment(instr.index2) && plain() && make({i32, i32});
    case Op::array_new_elem:
      return elem_matches() && make({i32, i32});
    case Op::array_get:
    case Op::array_get_s:
    case Op::array_get_u:
      if (instr.op == Op::array_get && field->storage.is_packed())
        return unknown(ErrorCode::array_packed, instr.index);
      if (instr.op != Op::array_get && !field->storage.is_packed())
        return unknown(ErrorCode::array_unpacked, instr.index);
      if (!pop_list({object, i32})) return false;
      push(element);
      return true;
    case Op::array_set:
      return writable() && pop_list({object, i32, element});
    case Op::array_fill:
      return writable() && pop_list({object, i32, element, i32});
    case Op::array_copy: {
      const FieldType* source;
      if (!array_type(instr.index2, source) || !writable()) return false;
      bool same = field->storage.is_packed() || source->storage.is_packed()
                      ? field->storage == source->storage
                      : matches(source->storage, field->storage);
      if (!same) return error(ErrorCode::array_types_mismatch);
      return pop_list({object, i32, ref_to(instr.index2, true), i32, i32});
    }
    case Op::array_init_data:
      return data_segment(instr.index2) && writable() && plain() &&
             pop_list({object, i32, i32, i32});
    default:  // array.init_elem
      return writable() && elem_matches() && pop_list({object, i32, i32, i32});
  }
}

}  // namespace sedge::wasm::validation
