// Immediates of instructions, by the kinds of op.def, in binary encoding.
// Spec: text format, section "Instructions".
#include <bit>

#include <fmt/format.h>

#include "wasm/text/keyword.h"
#include "wasm/text/module_parser.h"
#include "wasm/text/number.h"
#include "wasm/text/vector.h"

namespace sedge::wasm {

Result<Op> ModuleParser::operator_(Op op) {
  if (op == Op::select && at_open("result")) op = Op::select_t;
  const bool cast = op == Op::ref_test || op == Op::ref_cast;
  ValType target;
  if (cast) {
    SEDGE_TRY_ASSIGN(target, ref_type());
    if (target.nullable()) op = op == Op::ref_test ? Op::ref_test_null : Op::ref_cast_null;
  }
  const OpInfo& info = op_info(op);
  scratch_.out().clear();
  if (info.prefix != 0) {
    scratch_.u8(info.prefix);
    scratch_.u32(info.code);
  } else {
    scratch_.u8(static_cast<uint8_t>(info.code));
  }
  if (cast)
    scratch_.heap_type(target.heap());
  else
    SEDGE_TRY(immediates(op));
  return op;
}

Result<void> ModuleParser::immediates(Op op) {
  const OpInfo& info = op_info(op);
  switch (info.imm) {
    case Imm::none:
      return {};
    case Imm::block:
    case Imm::try_table:
      return unexpected_token();  // not reached: blocks
    case Imm::label:
      return label();
    case Imm::label_table:
      return labels();
    case Imm::func:
      return index_operand(funcs_);
    case Imm::call_indirect:
      return call_indirect();
    case Imm::type:
      return index_operand(types_);
    case Imm::local:
      return index_operand(locals_);
    case Imm::global:
      return index_operand(globals_);
    case Imm::table:
      return optional_index(tables_);
    case Imm::table_table:
      return two_indices_or_none(tables_);
    case Imm::elem:
      return index_operand(elems_);
    case Imm::elem_table:
      return segment_operands(elems_, tables_);
    case Imm::data:
      uses_data_ = true;
      return index_operand(datas_);
    case Imm::data_memory:
      uses_data_ = true;
      return segment_operands(datas_, memories_);
    case Imm::memory:
      return optional_index(memories_);
    case Imm::memory_memory:
      return two_indices_or_none(memories_);
    case Imm::mem_arg:
      return mem_arg(info.aux, false);
    case Imm::mem_arg_lane:
      return mem_arg(info.aux, true);
    case Imm::lane:
      return lane();
    case Imm::shuffle:
      return shuffle();
    case Imm::i32:
    case Imm::i64: {
      unsigned bits = info.imm == Imm::i32 ? 32 : 64;
      if (!at(Token::Kind::nat) && !at(Token::Kind::int_)) return unexpected_token();
      std::optional<uint64_t> value = parse_int(text(), bits);
      if (!value) return error(ErrorCode::constant_out_of_range, fmt::format(" {}", text()));
      scratch_.s64(bits == 32 ? static_cast<int32_t>(*value) : static_cast<int64_t>(*value));
      advance();
      return {};
    }
    case Imm::f32:
    case Imm::f64: {
      unsigned bits = info.imm == Imm::f32 ? 32 : 64;
      if (!peek().is_number()) return unexpected_token();
      std::optional<uint64_t> value = parse_float(text(), bits);
      if (!value) return error(ErrorCode::constant_out_of_range, fmt::format(" {}", text()));
      for (unsigned i = 0; i < bits; i += 8) scratch_.u8(static_cast<uint8_t>(*value >> i));
      advance();
      return {};
    }
    case Imm::v128:
      return vector_constant();
    case Imm::heap_type: {
      SEDGE_TRY_ASSIGN(HeapType heap, heap_type());
      scratch_.heap_type(heap);
      return {};
    }
    case Imm::value_types:
      return select_types();
    case Imm::tag:
      return index_operand(tags_);
    case Imm::type_field:
      return type_and_field();
    case Imm::type_count: {
      SEDGE_TRY(index_operand(types_));
      SEDGE_TRY_ASSIGN(uint32_t count, nat32());
      scratch_.u32(count);
      return {};
    }
    case Imm::type_data:
      uses_data_ = true;
      SEDGE_TRY(index_operand(types_));
      return index_operand(datas_);
    case Imm::type_elem:
      SEDGE_TRY(index_operand(types_));
      return index_operand(elems_);
    case Imm::type_type:
      SEDGE_TRY(index_operand(types_));
      return index_operand(types_);
    case Imm::br_on_cast:
      return cast_branch();
    case Imm::fence:
      scratch_.u8(0);
      return {};
  }
  return unexpected_token();
}

// Indices

Result<void> ModuleParser::index_operand(const Space& space) {
  SEDGE_TRY_ASSIGN(uint32_t value, index(space));
  scratch_.u32(value);
  return {};
}

Result<void> ModuleParser::optional_index(const Space& space) {
  if (at_index()) return index_operand(space);
  scratch_.u32(0);
  return {};
}

Result<void> ModuleParser::two_indices_or_none(const Space& space) {
  if (at_index()) {
    SEDGE_TRY(index_operand(space));
    return index_operand(space);
  }
  scratch_.u32(0);
  scratch_.u32(0);
  return {};
}

Result<void> ModuleParser::segment_operands(const Space& segments, const Space& containers) {
  uint32_t container = 0;
  if (kind(1) == Token::Kind::nat || kind(1) == Token::Kind::id) {
    SEDGE_TRY_ASSIGN(container, index(containers));
  }
  SEDGE_TRY(index_operand(segments));
  scratch_.u32(container);
  return {};
}

Result<void> ModuleParser::label() {
  if (!at(Token::Kind::id)) {
    SEDGE_TRY_ASSIGN(uint32_t depth, nat32());
    scratch_.u32(depth);
    return {};
  }
  const Token& token = advance();
  auto found = label_ids_.find(id_text(token));
  if (found == label_ids_.end())
    return fail(ErrorCode::unknown_label_text, fmt::format(" {}", tokens().text(token)),
                location(token));
  scratch_.u32(static_cast<uint32_t>(labels_.size() - 1 - found->second));
  return {};
}

/// Labels of br_table, of which the last is the default.
Result<void> ModuleParser::labels() {
  uint32_t count = 0;
  while (kind(count) == Token::Kind::nat || kind(count) == Token::Kind::id) ++count;
  if (count == 0) return unexpected_token();
  scratch_.u32(count - 1);
  for (uint32_t i = 0; i < count; ++i) SEDGE_TRY(label());
  return {};
}

Result<void> ModuleParser::call_indirect() {
  uint32_t table = 0;
  if (at_index()) {
    SEDGE_TRY_ASSIGN(table, index(tables_));
  }
  SEDGE_TRY_ASSIGN(TypeUse use, type_use(false));
  SEDGE_TRY_ASSIGN(TypeIdx type_index, resolve(use));
  scratch_.u32(type_index);
  scratch_.u32(table);
  return {};
}

Result<void> ModuleParser::type_and_field() {
  SEDGE_TRY_ASSIGN(uint32_t type_index, index(types_));
  scratch_.u32(type_index);
  if (!at(Token::Kind::id)) {
    SEDGE_TRY_ASSIGN(uint32_t field, nat32());
    scratch_.u32(field);
    return {};
  }
  const Token& token = advance();
  auto ids = fields_.find(type_index);
  if (ids == fields_.end()) return unknown("field", token);
  auto found = ids->second.find(id_text(token));
  if (found == ids->second.end()) return unknown("field", token);
  scratch_.u32(found->second);
  return {};
}

/// label, type of the operand, type that is tested for
Result<void> ModuleParser::cast_branch() {
  size_t at_flags = scratch_.size();
  scratch_.u8(0);
  SEDGE_TRY(label());
  SEDGE_TRY_ASSIGN(ValType source, ref_type());
  SEDGE_TRY_ASSIGN(ValType target, ref_type());
  scratch_.out()[at_flags] =
      static_cast<uint8_t>((source.nullable() ? 1 : 0) | (target.nullable() ? 2 : 0));
  scratch_.heap_type(source.heap());
  scratch_.heap_type(target.heap());
  return {};
}

Result<void> ModuleParser::select_types() {
  std::vector<ValType> types;
  while (take_open("result")) {
    while (!at(Token::Kind::rparen)) {
      SEDGE_TRY_ASSIGN(ValType type, value_type());
      types.push_back(type);
    }
    SEDGE_TRY(expect_close());
  }
  scratch_.u32(static_cast<uint32_t>(types.size()));
  for (ValType type : types) scratch_.val_type(type);
  return {};
}

// Memory operands

/// The number in `offset=…` or `align=…`.
Result<uint64_t> ModuleParser::assigned_nat(std::string_view prefix) {
  std::string_view digits = text().substr(prefix.size());
  std::optional<uint64_t> value = parse_nat(digits);
  if (!value) {
    if (!is_nat(digits)) return error(ErrorCode::unknown_operator, fmt::format(" {}", text()));
    return error(ErrorCode::i64_constant_out_of_range, fmt::format(" {}", digits));
  }
  return *value;
}

/// memory? offset=n? align=n? lane?
Result<void> ModuleParser::mem_arg(uint8_t natural, bool lane_follows) {
  uint32_t memory = 0;
  // A number alone is the lane.
  if (at(Token::Kind::id) ||
      (at(Token::Kind::nat) &&
       (!lane_follows || kind(1) == Token::Kind::nat || kind(1) == Token::Kind::keyword))) {
    bool is_memory = !lane_follows || kind(1) == Token::Kind::nat ||
                     text(1).starts_with("offset=") || text(1).starts_with("align=") ||
                     at(Token::Kind::id);
    if (is_memory) {
      SEDGE_TRY_ASSIGN(memory, index(memories_));
    }
  }
  uint64_t offset = 0;
  uint32_t align_log2 = natural;
  if (at(Token::Kind::keyword) && text().starts_with("offset=")) {
    SEDGE_TRY_ASSIGN(offset, assigned_nat("offset="));
    advance();
  }
  if (at(Token::Kind::keyword) && text().starts_with("align=")) {
    SEDGE_TRY_ASSIGN(uint64_t align, assigned_nat("align="));
    if (!std::has_single_bit(align)) return error(ErrorCode::alignment_power_of_two);
    align_log2 = static_cast<uint32_t>(std::countr_zero(align));
    advance();
  }
  scratch_.u32(align_log2 | (memory != 0 ? 0x40u : 0u));
  if (memory != 0) scratch_.u32(memory);
  scratch_.u64(offset);
  if (lane_follows) return lane();
  return {};
}

// Vectors

Result<void> ModuleParser::lane() {
  if (!at(Token::Kind::nat)) return unexpected_token();
  std::optional<uint64_t> value = parse_nat(text(), 255);
  if (!value) return error(ErrorCode::lane_out_of_range);
  scratch_.u8(static_cast<uint8_t>(*value));
  advance();
  return {};
}

Result<void> ModuleParser::shuffle() {
  size_t count = 0;
  while (peek(count).is_number()) ++count;
  if (count != 16) return error(ErrorCode::invalid_lane_length);
  for (size_t i = 0; i < count; ++i) {
    std::optional<uint64_t> value = at(Token::Kind::nat) ? parse_nat(text(), 255) : std::nullopt;
    if (!value) return error(ErrorCode::lane_out_of_range);
    scratch_.u8(static_cast<uint8_t>(*value));
    advance();
  }
  return {};
}

Result<void> ModuleParser::vector_constant() {
  SEDGE_TRY_ASSIGN(VectorLanes lanes, vector_lanes(*this, false));
  scratch_.bytes(lanes.bytes());
  return {};
}

}  // namespace sedge::wasm
