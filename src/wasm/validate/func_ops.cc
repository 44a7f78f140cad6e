// Typing rules of the "*" rows of op.def, except garbage collection (gc_ops.cc), and the generic
// rule for all others. Spec: "Validation", section "Instructions".
#include <algorithm>

#include <fmt/format.h>

#include "wasm/validate/func_validator.h"

namespace sedge::wasm::validation {

bool FuncValidator::step(const Instr& instr) {
  const OpRule& rule = kOpRules[static_cast<size_t>(instr.op)];
  if (!features_.has(rule.feature)) [[unlikely]] {
    // Both forms of exceptions share `throw`.
    if (instr.op != Op::throw_ || !features_.has(Feature::legacy_exceptions))
      return error(feature_error(rule.feature,
                                 fmt::format("operator {}", op_info(instr.op).mnemonic),
                                 Location::at(instr.offset)));
  }
  if (constant_) {
    bool arithmetic = rule.imm == Imm::none && !rule.signature.by_hand;
    if (!(rule.flags & kConst) && instr.op != Op::end)
      return error(ErrorCode::constant_expression_required,
                   fmt::format(": {} is not constant", op_info(instr.op).mnemonic));
    if (arithmetic && !features_.has(Feature::extended_const))
      return error(feature_error(Feature::extended_const, "arithmetic in a constant expression",
                                 Location::at(instr.offset)));
  }
  if (!rule.signature.by_hand) return by_signature(instr, rule);
  switch (rule.imm) {
    case Imm::local:
    case Imm::global:
      return variable(instr);
    case Imm::label_table:
      return branch_table(instr);
    case Imm::call_indirect:
      return call(instr);
    case Imm::tag:
    case Imm::try_table:
      return exceptions(instr);
    case Imm::type_field:
      return structure(instr);
    case Imm::type_count:
    case Imm::type_data:
    case Imm::type_elem:
    case Imm::type_type:
      return array(instr);
    case Imm::heap_type:
    case Imm::br_on_cast:
      return reference(instr);
    case Imm::table:
    case Imm::table_table:
    case Imm::elem:
    case Imm::elem_table:
    case Imm::data:
    case Imm::data_memory:
    case Imm::memory:
    case Imm::memory_memory:
      return bulk(instr);
    default:
      return control(instr);
  }
}

bool FuncValidator::by_signature(const Instr& instr, const OpRule& rule) {
  ValType address = address0_;
  switch (rule.imm) {
    case Imm::mem_arg:
    case Imm::mem_arg_lane: {
      if (!memory_address(instr.mem.memory, address)) return false;
      if (instr.mem.align_log2 > rule.aux) return error(ErrorCode::alignment_too_large);
      if ((rule.flags & kAtomic) && instr.mem.align_log2 != rule.aux)
        return error(ErrorCode::atomic_alignment);
      if (address == ValType::i32 && instr.mem.offset > UINT32_MAX)
        return error(ErrorCode::offset_out_of_range,
                     fmt::format(": {} in a 32-bit memory", instr.mem.offset));
      if (rule.imm == Imm::mem_arg_lane && instr.lane >= (16 >> rule.aux))
        return unknown(ErrorCode::invalid_lane_index, instr.lane);
      break;
    }
    case Imm::memory:
      if (!memory_address(instr.index, address)) return false;
      break;
    case Imm::lane:
      if (instr.lane >= rule.aux) return unknown(ErrorCode::invalid_lane_index, instr.lane);
      break;
    case Imm::shuffle:
      for (uint8_t lane : instr.v128)
        if (lane >= rule.aux) return unknown(ErrorCode::invalid_lane_index, lane);
      break;
    default:
      break;
  }
  std::array<ValType, 6> types;
  const Signature& signature = rule.signature;
  size_t count = signature.params + signature.results;
  for (size_t i = 0; i < count; ++i)
    types[i] =
        signature.types[i] == kAddress ? address : static_cast<ValType::Kind>(signature.types[i]);
  if (!pop_all({types.data(), signature.params})) return false;
  push_all({types.data() + signature.params, signature.results});
  return true;
}

bool FuncValidator::control(const Instr& instr) {
  BlockSig sig;
  switch (instr.op) {
    case Op::unreachable:
      unreachable();
      return true;
    case Op::nop:
      return true;
    case Op::block:
    case Op::loop:
      if (!block_sig(instr.block_type, sig) || !pop_all(sig.params())) return false;
      push_frame(instr.op, sig);
      return true;
    case Op::if_:
      if (!block_sig(instr.block_type, sig) || !pop(ValType::i32) || !pop_all(sig.params()))
        return false;
      push_frame(instr.op, sig);
      return true;
    case Op::else_:
      if (top().op != Op::if_) return error(ErrorCode::unexpected_token, " else: no `if` is open");
      if (!pop_frame(sig)) return false;
      push_frame(Op::else_, sig);
      return true;
    case Op::end: {
      // An `if` without `else` must turn its parameters into its results by doing nothing.
      if (top().op == Op::if_) {
        sig = top().sig;
        if (!pop_frame(sig)) return false;
        if (!all_match(sig.params(), sig.results()))
          return mismatch_text(fmt::format(
              "instruction requires {} but stack has {}: `if` has no `else`",
              to_string(std::vector<ValType>(sig.results().begin(), sig.results().end())),
              to_string(std::vector<ValType>(sig.params().begin(), sig.params().end()))));
      } else if (!pop_frame(sig)) {
        return false;
      }
      if (!frames_.empty()) push_all(sig.results());
      return true;
    }
    case Op::br:
    case Op::br_if: {
      if (instr.op == Op::br_if && !pop(ValType::i32)) return false;
      Types types;
      if (!label(instr.index, types) || !pop_all(types)) return false;
      if (instr.op == Op::br) {
        unreachable();
      } else {
        push_all(types);
      }
      return true;
    }
    case Op::return_:
      if (!pop_all(frames_[0].sig.results())) return false;
      unreachable();
      return true;
    case Op::call:
    case Op::return_call:
    case Op::call_ref:
    case Op::return_call_ref:
      return call(instr);
    case Op::drop: {
      ValType ignored;
      return pop_any(ignored);
    }
    case Op::select:
    case Op::select_t:
      return select(instr);
    case Op::try_:
    case Op::catch_all:
    case Op::delegate:
    case Op::rethrow:
    case Op::throw_ref:
      return exceptions(instr);
    case Op::struct_new:
    case Op::struct_new_default:
      return structure(instr);
    case Op::array_new:
    case Op::array_new_default:
    case Op::array_get:
    case Op::array_get_s:
    case Op::array_get_u:
    case Op::array_set:
    case Op::array_len:
    case Op::array_fill:
      return array(instr);
    case Op::br_on_null:
    case Op::br_on_non_null:
      return branch_on(instr);
    default:
      return reference(instr);
  }
}

bool FuncValidator::branch_table(const Instr& instr) {
  if (!pop(ValType::i32)) return false;
  Types fallback;
  if (!label(instr.labels.back(), fallback)) return false;
  ++br_tables_;
  for (uint32_t depth : instr.labels) {
    Types types;
    if (!label(depth, types)) return false;
    Frame& target = frames_[frames_.size() - 1 - depth];
    if (target.visited == br_tables_) continue;
    target.visited = br_tables_;
    if (types.size() != fallback.size())
      return mismatch_text(fmt::format(
          "instruction requires {} but stack has {}: labels of br_table differ in arity",
          to_string(std::vector<ValType>(fallback.begin(), fallback.end())),
          to_string(std::vector<ValType>(types.begin(), types.end()))));
    // The operands stay for the next label; in unreachable code some may be missing.
    ValType* before = sp_;
    if (!pop_all(types)) return false;
    sp_ = before;
  }
  unreachable();
  return true;
}

bool FuncValidator::returns(const FuncType& callee) {
  if (all_match(callee.results, type_->results)) return true;
  return mismatch_text(
      fmt::format("instruction requires {} but stack has {}: the callee's results "
                  "are returned",
                  to_string(type_->results), to_string(callee.results)));
}

bool FuncValidator::call(const Instr& instr) {
  const FuncType* callee = nullptr;
  bool tail = false;
  switch (instr.op) {
    case Op::return_call:
      tail = true;
      [[fallthrough]];
    case Op::call:
      if (instr.index >= context_.signatures.size())
        return unknown(ErrorCode::unknown_function, instr.index);
      callee = context_.signatures[instr.index];
      break;
    case Op::return_call_indirect:
      tail = true;
      [[fallthrough]];
    case Op::call_indirect: {
      const TableType* target;
      if (!table(instr.index2, target)) return false;
      if (!matches(target->element, ValType::funcref()))
        return mismatch_text(
            fmt::format("instruction requires [funcref] but stack has [{}]: table {}"
                        " holds no functions",
                        to_string(target->element), instr.index2));
      if (!function_type(instr.index, callee)) return false;
      if (!pop(target->is64 ? ValType::i64 : ValType::i32)) return false;
      break;
    }
    case Op::return_call_ref:
      tail = true;
      [[fallthrough]];
    default:
      if (!function_type(instr.index, callee)) return false;
      if (!pop(ValType::reference(HeapType::index(instr.index), true))) return false;
      break;
  }
  if (!pop_all(callee->params)) return false;
  if (!tail) {
    push_all(callee->results);
    return true;
  }
  if (!returns(*callee)) return false;
  unreachable();
  return true;
}

bool FuncValidator::exceptions(const Instr& instr) {
  BlockSig sig;
  const FuncType* tag = nullptr;
  if (instr.op == Op::throw_ || instr.op == Op::catch_) {
    if (instr.index >= context_.tags.size()) return unknown(ErrorCode::unknown_tag, instr.index);
    tag = context_.tags[instr.index];
  }
  switch (instr.op) {
    case Op::throw_:
      if (!pop_all(tag->params)) return false;
      unreachable();
      return true;
    case Op::throw_ref:
      if (!pop(ValType::exnref())) return false;
      unreachable();
      return true;
    case Op::try_:
      if (!block_sig(instr.block_type, sig) || !pop_all(sig.params())) return false;
      push_frame(Op::try_, sig);
      return true;
    case Op::catch_:
    case Op::catch_all:
      if (top().op != Op::try_ && top().op != Op::catch_)
        return error(ErrorCode::unexpected_token,
                     fmt::format(" {}: no `try` is open", op_info(instr.op).mnemonic));
      if (!pop_frame(sig)) return false;
      // The handler begins with the values of the exception, not with the block's parameters.
      push_frame(instr.op, {});
      top().sig = sig;
      if (tag) push_all(tag->params);
      return true;
    case Op::delegate: {
      if (top().op != Op::try_)
        return error(ErrorCode::unexpected_token, " delegate: no `try` is open");
      if (!pop_frame(sig)) return false;
      // The label is counted outside of the `try`.
      Types ignored;
      if (frames_.empty() || !label(instr.index, ignored))
        return unknown(ErrorCode::unknown_label, instr.index);
      push_all(sig.results());
      return true;
    }
    case Op::rethrow: {
      Types ignored;
      if (!label(instr.index, ignored)) return false;
      Op target = frames_[frames_.size() - 1 - instr.index].op;
      if (target != Op::catch_ && target != Op::catch_all)
        return unknown(ErrorCode::invalid_rethrow_label, instr.index);
      unreachable();
      return true;
    }
    default:
      break;
  }
  // try_table: what each clause hands over must be what its label takes.
  if (!block_sig(instr.block_type, sig)) return false;
  std::vector<ValType> values;
  for (const Catch& clause : instr.catches) {
    values.clear();
    bool with_tag = clause.kind == Catch::Kind::catch_ || clause.kind == Catch::Kind::catch_ref;
    bool with_ref =
        clause.kind == Catch::Kind::catch_ref || clause.kind == Catch::Kind::catch_all_ref;
    if (with_tag) {
      if (clause.tag >= context_.tags.size()) return unknown(ErrorCode::unknown_tag, clause.tag);
      values = context_.tags[clause.tag]->params;
    }
    if (with_ref) values.push_back(ValType::reference(HeapType::exn, false));
    Types types;
    if (!label(clause.label, types)) return false;
    if (!all_match(values, types))
      return mismatch_text(fmt::format(
          "instruction requires {} but stack has {}: a catch clause does not match its label",
          to_string(std::vector<ValType>(types.begin(), types.end())), to_string(values)));
  }
  if (!pop_all(sig.params())) return false;
  push_frame(Op::try_table, sig);
  return true;
}

bool FuncValidator::variable(const Instr& instr) {
  if (instr.op == Op::local_get) return local_get(instr.index);
  if (instr.op == Op::local_set || instr.op == Op::local_tee) {
    if (instr.index >= local_count_) return unknown(ErrorCode::unknown_local, instr.index);
    ValType type = local_type(instr.index);
    if (!pop(type)) return false;
    if (instr.op == Op::local_tee) push(type);
    return local_written(instr.index);
  }
  if (instr.index >= (constant_ ? visible_globals_ : context_.globals.size()))
    return unknown(ErrorCode::unknown_global, instr.index);
  const GlobalType& global = context_.globals[instr.index];
  if (instr.op == Op::global_set) {
    if (!global.mutable_) return unknown(ErrorCode::immutable_global, instr.index);
    return pop(global.value);
  }
  if (constant_) {
    if (global.mutable_)
      return error(ErrorCode::constant_expression_required,
                   fmt::format(": global {} is mutable", instr.index));
    if (instr.index >= context_.module.imported_globals.size() && !features_.has(Feature::gc))
      return error(feature_error(Feature::gc, "a defined global in a constant expression",
                                 Location::at(instr.offset)));
  }
  push(global.value);
  return true;
}

bool FuncValidator::bulk(const Instr& instr) {
  ValType address, address2;
  const TableType* target = nullptr;
  const TableType* source = nullptr;
  auto address_of = [](const TableType* table) -> ValType {
    return table->is64 ? ValType::i64 : ValType::i32;
  };
  auto pop_list = [&](std::initializer_list<ValType> types) {
    return pop_all({types.begin(), types.size()});
  };
  switch (instr.op) {
    case Op::memory_init:
      return memory_address(instr.index2, address) && data_segment(instr.index) &&
             pop_list({address, ValType::i32, ValType::i32});
    case Op::data_drop:
      return data_segment(instr.index);
    case Op::memory_copy:
      if (!memory_address(instr.index, address) || !memory_address(instr.index2, address2))
        return false;
      return pop_list({address, address2, address == address2 ? address : ValType(ValType::i32)});
    case Op::memory_fill:
      return memory_address(instr.index, address) && pop_list({address, ValType::i32, address});
    case Op::elem_drop:
      return instr.index < context_.module.elems.size() ||
             unknown(ErrorCode::unknown_elem_segment, instr.index);
    case Op::table_init: {
      if (!table(instr.index2, target)) return false;
      if (instr.index >= context_.module.elems.size())
        return unknown(ErrorCode::unknown_elem_segment, instr.index);
      ValType element = context_.elems[instr.index];
      if (!matches(element, target->element))
        return mismatch_text(
            fmt::format("instruction requires [{}] but stack has [{}]: table {} cannot hold the "
                        "elements of segment {}",
                        to_string(target->element), to_string(element), instr.index2, instr.index));
      return pop_list({address_of(target), ValType::i32, ValType::i32});
    }
    case Op::table_copy:
      if (!table(instr.index, target) || !table(instr.index2, source)) return false;
      if (!matches(source->element, target->element))
        return mismatch_text(fmt::format(
            "instruction requires [{}] but stack has [{}]: table {} cannot hold the elements of "
            "table {}",
            to_string(target->element), to_string(source->element), instr.index, instr.index2));
      return pop_list({address_of(target), address_of(source),
                       target->is64 && source->is64 ? ValType::i64 : ValType::i32});
    default:
      break;
  }
  if (!table(instr.index, target)) return false;
  address = address_of(target);
  switch (instr.op) {
    case Op::table_get:
      if (!pop(address)) return false;
      push(target->element);
      return true;
    case Op::table_set:
      return pop_list({address, target->element});
    case Op::table_grow:
      if (!pop_list({target->element, address})) return false;
      push(address);
      return true;
    case Op::table_fill:
      return pop_list({address, target->element, address});
    default:  // table.size
      push(address);
      return true;
  }
}

bool FuncValidator::select(const Instr& instr) {
  if (instr.op == Op::select_t) {
    if (instr.types.size() != 1)
      return error(ErrorCode::invalid_result_arity,
                   fmt::format(": select has {} result types", instr.types.size()));
    ValType type = instr.types[0];
    if (!value_type(type)) return false;
    std::array<ValType, 3> operands{type, type, ValType::i32};
    if (!pop_all(operands)) return false;
    push(type);
    return true;
  }
  ValType second, first;
  if (!pop(ValType::i32) || !pop_any(second) || !pop_any(first)) return false;
  if (first.is_ref() || second.is_ref())
    return mismatch_text(fmt::format(
        "instruction requires [number or vector] but stack has [{}]: a reference is selected by "
        "`select (result t)`",
        to_string(first.is_ref() ? first : second)));
  if (first != second && first != ValType() && second != ValType())
    return mismatch_text(fmt::format("instruction requires [{0} {0}] but stack has [{0} {1}]",
                                     to_string(first), to_string(second)));
  push(first == ValType() ? second : first);
  return true;
}

// Lookups
// ------------------------------------------------------------------------------------------

bool FuncValidator::memory_address(uint32_t index, ValType& out) {
  if (index >= context_.memories.size()) return unknown(ErrorCode::unknown_memory, index);
  out = context_.memories[index].is64 ? ValType::i64 : ValType::i32;
  return true;
}

bool FuncValidator::table(uint32_t index, const TableType*& out) {
  if (index >= context_.tables.size()) return unknown(ErrorCode::unknown_table, index);
  out = &context_.tables[index];
  return true;
}

bool FuncValidator::function_type(uint32_t type_index, const FuncType*& out) {
  const std::vector<SubType>& types = context_.module.types;
  if (type_index >= types.size()) return unknown(ErrorCode::unknown_type, type_index);
  if (types[type_index].kind != SubType::Kind::func)
    return mismatch_text(fmt::format("type {} is not a function type", type_index));
  out = &types[type_index].func;
  return true;
}

bool FuncValidator::data_segment(uint32_t index) {
  // Only a binary has sections that could lack the count.
  if (!context_.module.data_count && !context_.module.binary.empty())
    return error(ErrorCode::data_count_required);
  return index < context_.module.datas.size() || unknown(ErrorCode::unknown_data_segment, index);
}

bool FuncValidator::value_type(ValType type) {
  if (auto checked =
          check_value_type(context_.module, features_, type, Location::at(instr_.offset));
      !checked)
    return error(std::move(checked.error()));
  return true;
}

}  // namespace sedge::wasm::validation
