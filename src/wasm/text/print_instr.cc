// Types, type uses and instructions as text. Bodies are flat, one instruction on a line;
// initialisers of one instruction are folded.
#include <algorithm>
#include <charconv>

#include "wasm/text/number.h"
#include "wasm/text/printer.h"

namespace sedge::wasm {

// Types

void Printer::heap_type(HeapType type) {
  if (type.is_index())
    type_ids_.append_use(out_, type.index());
  else
    text(to_string(type));
}

void Printer::val_type(ValType type) {
  if (!type.is_ref()) return text(to_string(type));
  ref_type(type);
}

void Printer::ref_type(ValType type) {
  if (!type.heap().is_index()) return text(to_string(type));
  text(type.nullable() ? "(ref null " : "(ref ");
  heap_type(type.heap());
  text(")");
}

void Printer::params_and_results(const FuncType& type) {
  for (bool params : {true, false}) {
    const std::vector<ValType>& types = params ? type.params : type.results;
    if (types.empty()) continue;
    text(params ? " (param" : " (result");
    for (ValType value : types) {
      text(" ");
      val_type(value);
    }
    text(")");
  }
}

void Printer::type_use(TypeIdx index) {
  text(" (type");
  use(type_ids_, index);
  text(")");
  if (index < module_.types.size() && module_.types[index].kind == SubType::Kind::func)
    params_and_results(module_.types[index].func);
}

void Printer::limits(const Limits& limits, bool is64) {
  text(is64 ? " i64 " : " ");
  number(limits.min);
  if (limits.max) {
    text(" ");
    number(*limits.max);
  }
}

void Printer::table_type(const TableType& type) {
  limits(type.limits, type.is64);
  text(" ");
  val_type(type.element);
}

void Printer::memory_type(const MemoryType& type) {
  limits(type.limits, type.is64);
  if (type.shared) text(" shared");
  if (type.page_size_log2 == 16) return;
  text(" (pagesize ");
  number(uint64_t{1} << (type.page_size_log2 & 63));
  text(")");
}

void Printer::global_type(const GlobalType& type) {
  text(type.mutable_ ? " (mut " : " ");
  val_type(type.value);
  if (type.mutable_) text(")");
}

// Expressions

bool Printer::is_single(const Expr& expr) {
  InstrReader reader(expr.bytes, expr.offset);
  if (!reader.next(scratch_) || reader.at_end()) return false;
  Imm imm = op_info(scratch_.op).imm;
  if (imm == Imm::block || imm == Imm::try_table || scratch_.op == Op::end) return false;
  return reader.next(scratch_) && scratch_.op == Op::end && reader.at_end();
}

void Printer::folded(const Expr& expr, std::string_view word) {
  if (is_single(expr)) return inline_expr(expr);
  text(" (");
  text(word);
  flat(expr);
  text(")");
}

void Printer::inline_expr(const Expr& expr) {
  if (!is_single(expr)) return flat(expr);
  InstrReader reader(expr.bytes, expr.offset);
  if (!reader.next(scratch_)) return;
  text(" (");
  instr(scratch_);
  text(")");
}

/// ` instr*` without the final end.
void Printer::flat(const Expr& expr) {
  InstrReader reader(expr.bytes, expr.offset);
  labels_.clear();
  while (!reader.at_end() && reader.next(scratch_)) {
    if (scratch_.op == Op::end && reader.at_end()) break;
    text(" ");
    Imm imm = op_info(scratch_.op).imm;
    if ((scratch_.op == Op::end || scratch_.op == Op::delegate) && !labels_.empty())
      labels_.pop_back();
    instr(scratch_);
    if (imm == Imm::block || imm == Imm::try_table) labels_.push_back(nullptr);
  }
}

void Printer::open_label() {
  const std::string* id = label_names_.find(label_count_++);
  if (id) label_positions_[*id].push_back(labels_.size());
  labels_.push_back(id);
}

void Printer::close_label() {
  if (labels_.empty()) return;
  if (const std::string* id = labels_.back()) label_positions_[*id].pop_back();
  labels_.pop_back();
}

void Printer::body(const Func& func, uint32_t func_index, const IdTable& local_ids) {
  local_ids_ = &local_ids;
  labels_.clear();
  label_positions_ = {};
  label_count_ = 0;
  label_names_ = IdTable();
  auto names = module_.names.labels.find(func_index);
  if (print_names_ && names != module_.names.labels.end())
    label_names_ = IdTable(names->second, false);
  auto hints = module_.branch_hints.find(func_index);
  bool hinted = print_hints_ && hints != module_.branch_hints.end();
  InstrReader reader(func.body.bytes, func.body.offset);
  uint32_t indent = 2;
  while (!reader.at_end()) {
    if (!reader.next(scratch_)) {
      line(indent);
      text(";; malformed from here on");
      line(1);
      break;
    }
    Op op = scratch_.op;
    Imm imm = op_info(op).imm;
    if (op == Op::end && reader.at_end()) break;
    if (op == Op::end || op == Op::delegate) close_label();
    bool outdent = op == Op::end || op == Op::delegate || op == Op::else_ || op == Op::catch_ ||
                   op == Op::catch_all;
    if (outdent && indent > 2) --indent;
    line(indent);
    if (options_.offsets) {
      char buffer[20];
      auto end = std::to_chars(buffer, buffer + sizeof buffer, scratch_.offset, 16);
      text("(;0x");
      out_.append(buffer, end.ptr);
      text(";) ");
    }
    if (hinted) {
      auto offset = static_cast<uint32_t>(scratch_.offset - func.body.offset);
      if (auto hint = hints->second.find(offset); hint != hints->second.end())
        text(hint->second ? "(@metadata.code.branch_hint \"\\01\") "
                          : "(@metadata.code.branch_hint \"\\00\") ");
    }
    instr(scratch_);
    bool block = imm == Imm::block || imm == Imm::try_table;
    if (block) open_label();
    if (block || (outdent && op != Op::end && op != Op::delegate)) ++indent;
  }
  local_ids_ = nullptr;
}

void Printer::instr(const Instr& instr) {
  text(op_info(instr.op).mnemonic);
  operands(instr);
}

void Printer::label(uint32_t depth) {
  out_.push_back(' ');
  if (depth < labels_.size()) {
    size_t position = labels_.size() - 1 - depth;
    const std::string* id = labels_[position];
    if (id && label_positions_[*id].back() == position) return text(*id);
  }
  number(depth);
}

void Printer::block_head(const Instr& instr) {
  label_names_.append_binding(out_, label_count_);
  switch (instr.block_type.kind) {
    case BlockType::Kind::empty:
      break;
    case BlockType::Kind::value:
      text(" (result ");
      val_type(instr.block_type.value);
      text(")");
      break;
    case BlockType::Kind::index:
      type_use(instr.block_type.index);
      break;
  }
}

void Printer::catches(const Instr& instr) {
  for (const Catch& clause : instr.catches) {
    switch (clause.kind) {
      case Catch::Kind::catch_:
        text(" (catch");
        break;
      case Catch::Kind::catch_ref:
        text(" (catch_ref");
        break;
      case Catch::Kind::catch_all:
        text(" (catch_all");
        break;
      case Catch::Kind::catch_all_ref:
        text(" (catch_all_ref");
        break;
    }
    if (clause.kind == Catch::Kind::catch_ || clause.kind == Catch::Kind::catch_ref)
      use(tag_ids_, clause.tag);
    label(clause.label);
    text(")");
  }
}

void Printer::mem_arg(const Instr& instr) {
  const MemArg& mem = instr.mem;
  if (mem.memory != 0) use(memory_ids_, mem.memory);
  if (mem.offset != 0) {
    text(" offset=");
    number(mem.offset);
  }
  if (mem.align_log2 != op_info(instr.op).aux) {
    text(" align=");
    number(uint64_t{1} << (mem.align_log2 & 63));
  }
}

void Printer::vector(const Instr& instr) {
  static constexpr char kHex[] = "0123456789abcdef";
  text(" i32x4");
  for (size_t lane = 0; lane < 16; lane += 4) {
    text(" 0x");
    for (size_t i = 4; i-- > 0;) {
      uint8_t byte = instr.v128[lane + i];
      out_.push_back(kHex[byte >> 4]);
      out_.push_back(kHex[byte & 15]);
    }
  }
}

void Printer::struct_field(const Instr& instr) {
  use(type_ids_, instr.index);
  auto ids = field_ids_.find(instr.index);
  if (ids != field_ids_.end()) return use(ids->second, instr.index2);
  text(" ");
  number(instr.index2);
}

void Printer::segment(const Instr& instr, const IdTable& segments, const IdTable& containers) {
  if (instr.index2 != 0) use(containers, instr.index2);
  use(segments, instr.index);
}

void Printer::operands(const Instr& instr) {
  static const IdTable kNoIds;
  switch (op_info(instr.op).imm) {
    case Imm::none:
    case Imm::fence:
      break;
    case Imm::block:
      block_head(instr);
      break;
    case Imm::try_table:
      block_head(instr);
      catches(instr);
      break;
    case Imm::label:
      label(instr.index);
      break;
    case Imm::label_table:
      for (uint32_t depth : instr.labels) label(depth);
      break;
    case Imm::func:
      use(func_ids_, instr.index);
      break;
    case Imm::call_indirect:
      if (instr.index2 != 0) use(table_ids_, instr.index2);
      text(" (type");
      use(type_ids_, instr.index);
      text(")");
      break;
    case Imm::type:
      use(type_ids_, instr.index);
      break;
    case Imm::local:
      use(local_ids_ ? *local_ids_ : kNoIds, instr.index);
      break;
    case Imm::global:
      use(global_ids_, instr.index);
      break;
    case Imm::table:
      if (instr.index != 0) use(table_ids_, instr.index);
      break;
    case Imm::memory:
      if (instr.index != 0) use(memory_ids_, instr.index);
      break;
    case Imm::table_table:
    case Imm::memory_memory: {
      const IdTable& ids = op_info(instr.op).imm == Imm::table_table ? table_ids_ : memory_ids_;
      if (instr.index == 0 && instr.index2 == 0) break;
      use(ids, instr.index);
      use(ids, instr.index2);
      break;
    }
    case Imm::elem:
      use(elem_ids_, instr.index);
      break;
    case Imm::elem_table:
      segment(instr, elem_ids_, table_ids_);
      break;
    case Imm::data:
      use(data_ids_, instr.index);
      break;
    case Imm::data_memory:
      segment(instr, data_ids_, memory_ids_);
      break;
    case Imm::mem_arg:
      mem_arg(instr);
      break;
    case Imm::mem_arg_lane:
      mem_arg(instr);
      text(" ");
      number(instr.lane);
      break;
    case Imm::lane:
      text(" ");
      number(instr.lane);
      break;
    case Imm::shuffle:
      for (uint8_t lane : instr.v128) {
        text(" ");
        number(lane);
      }
      break;
    case Imm::i32:
    case Imm::i64:
      text(instr.i64 < 0 ? " -" : " ");
      number(instr.i64 < 0 ? 0 - static_cast<uint64_t>(instr.i64) : instr.u64);
      break;
    case Imm::f32:
      text(" ");
      text(float_text(instr.u64 & 0xffffffff, 32));
      break;
    case Imm::f64:
      text(" ");
      text(float_text(instr.u64, 64));
      break;
    case Imm::v128:
      vector(instr);
      break;
    case Imm::heap_type:
      text(" ");
      if (instr.op == Op::ref_null)
        heap_type(instr.type.heap());
      else
        ref_type(instr.type);
      break;
    case Imm::value_types:
      text(" (result");
      for (ValType type : instr.types) {
        text(" ");
        val_type(type);
      }
      text(")");
      break;
    case Imm::tag:
      use(tag_ids_, instr.index);
      break;
    case Imm::type_field:
      struct_field(instr);
      break;
    case Imm::type_count:
      use(type_ids_, instr.index);
      text(" ");
      number(instr.index2);
      break;
    case Imm::type_data:
      use(type_ids_, instr.index);
      use(data_ids_, instr.index2);
      break;
    case Imm::type_elem:
      use(type_ids_, instr.index);
      use(elem_ids_, instr.index2);
      break;
    case Imm::type_type:
      use(type_ids_, instr.index);
      use(type_ids_, instr.index2);
      break;
    case Imm::br_on_cast:
      label(instr.index);
      text(" ");
      ref_type(instr.type);
      text(" ");
      ref_type(instr.type2);
      break;
  }
}

}  // namespace sedge::wasm
