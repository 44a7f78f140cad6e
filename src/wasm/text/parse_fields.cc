// Module fields but types: imports, exports, functions, tables, memories, globals, tags, start,
// element and data segments, with their abbreviations. Spec: text format, section "Modules".
#include <fmt/format.h>

#include "wasm/text/module_parser.h"

namespace sedge::wasm {

// Imports and exports

void ModuleParser::add_import(Import import) {
  ++imported_[static_cast<size_t>(import.kind)];
  module_.imports.push_back(std::move(import));
}

/// (import "module" "name" (kind $id? type))
Result<void> ModuleParser::import_field() {
  if (definition_) return error(ErrorCode::import_after, fmt::format(" {}", definition_));
  Import import;
  SEDGE_TRY_ASSIGN(std::string module_name, name());
  import.module = arena_->store(std::string_view(module_name));
  if (at_open("item")) return import_items(std::move(import));
  SEDGE_TRY_ASSIGN(std::string field_name, name());
  import.name = arena_->store(std::string_view(field_name));
  SEDGE_TRY(import_type(import));
  add_import(std::move(import));
  return {};
}

/// (import "module" (item "name" (kind …))*), or (item "name")* and one type for all, which binds
/// no id.
Result<void> ModuleParser::import_items(Import import) {
  module_.compact_imports = true;
  std::vector<Import> alike;
  while (take_open("item")) {
    SEDGE_TRY_ASSIGN(std::string field_name, name());
    import.name = arena_->store(std::string_view(field_name));
    if (at(Token::Kind::rparen)) {
      alike.push_back(import);
    } else if (!alike.empty()) {
      return unexpected_token();
    } else {
      Import item = import;
      SEDGE_TRY(import_type(item));
      add_import(std::move(item));
    }
    SEDGE_TRY(expect_close());
  }
  if (alike.empty()) return {};
  if (kind(2) == Token::Kind::id || kind(2) == Token::Kind::name) return unexpected_token(2);
  SEDGE_TRY(import_type(import));
  for (const Import& item : alike) {
    import.name = item.name;
    add_import(import);
  }
  return {};
}

/// (kind $id? type)
Result<void> ModuleParser::import_type(Import& import) {
  if (!at(Token::Kind::lparen)) return unexpected_token();
  if (take_open("func")) {
    import.kind = ExternKind::func;
    forget_locals();
    uint32_t func = imported(ExternKind::func);
    SEDGE_TRY(bind(module_.names.funcs, func));
    SEDGE_TRY_ASSIGN(TypeUse use, type_use(true));
    SEDGE_TRY_ASSIGN(import.type_index, resolve(use));
    SEDGE_TRY(local_names(func, use));
  } else if (take_open("table")) {
    import.kind = ExternKind::table;
    SEDGE_TRY(bind(module_.names.tables, imported(ExternKind::table)));
    SEDGE_TRY_ASSIGN(import.table, table_type());
  } else if (take_open("memory")) {
    import.kind = ExternKind::memory;
    SEDGE_TRY(bind(module_.names.memories, imported(ExternKind::memory)));
    SEDGE_TRY_ASSIGN(import.memory, memory_type());
  } else if (take_open("global")) {
    import.kind = ExternKind::global;
    SEDGE_TRY(bind(module_.names.globals, imported(ExternKind::global)));
    SEDGE_TRY_ASSIGN(import.global, global_type());
  } else if (take_open("tag")) {
    import.kind = ExternKind::tag;
    SEDGE_TRY(bind(module_.names.tags, imported(ExternKind::tag)));
    SEDGE_TRY_ASSIGN(TypeUse use, type_use(true));
    SEDGE_TRY_ASSIGN(import.type_index, resolve(use));
  } else {
    return unexpected_token(1);
  }
  return expect_close();
}

/// (import "module" "name") inside a definition.
Result<std::optional<Import>> ModuleParser::inline_import(ExternKind kind) {
  if (!at_open("import")) return std::optional<Import>();
  if (definition_) return error(ErrorCode::import_after, fmt::format(" {}", definition_));
  seek(position() + 2);
  Import import;
  import.kind = kind;
  SEDGE_TRY_ASSIGN(std::string module_name, name());
  SEDGE_TRY_ASSIGN(std::string field_name, name());
  SEDGE_TRY(expect_close());
  import.module = arena_->store(std::string_view(module_name));
  import.name = arena_->store(std::string_view(field_name));
  return std::optional(import);
}

Result<void> ModuleParser::inline_exports(ExternKind kind, uint32_t index) {
  while (take_open("export")) {
    SEDGE_TRY_ASSIGN(std::string export_name, name());
    SEDGE_TRY(expect_close());
    module_.exports.push_back({arena_->store(std::string_view(export_name)), kind, index, 0});
  }
  return {};
}

/// (export "name" (kind index))
Result<void> ModuleParser::export_field() {
  SEDGE_TRY_ASSIGN(std::string export_name, name());
  struct Row {
    ExternKind kind;
    const Space* space;
  };
  for (Row row : {Row{ExternKind::func, &funcs_}, Row{ExternKind::table, &tables_},
                  Row{ExternKind::memory, &memories_}, Row{ExternKind::global, &globals_},
                  Row{ExternKind::tag, &tags_}}) {
    if (!take_open(row.space->keyword)) continue;
    SEDGE_TRY_ASSIGN(uint32_t item, index(*row.space));
    module_.exports.push_back({arena_->store(std::string_view(export_name)), row.kind, item, 0});
    return expect_close();
  }
  return unexpected_token(at(Token::Kind::lparen) ? 1 : 0);
}

// Functions

/// Records the names of parameters and makes their ids known.
Result<void> ModuleParser::local_names(uint32_t func, const TypeUse& use) {
  for (uint32_t i = 0; i < use.params.size(); ++i) {
    const Param& param = use.params[i];
    if (!param.id.empty() && !locals_.ids.emplace(param.id, i).second)
      return fail(ErrorCode::duplicate_definition, fmt::format(" local ${}", param.id), use.where);
    if (param.name) module_.names.locals[func].emplace(i, arena_->store(*param.name));
  }
  return {};
}

/// (local $id type) and (local type*), gathered in runs.
Result<void> ModuleParser::locals(uint32_t func, Func& out, uint32_t next_local) {
  auto add = [&](ValType type) {
    if (out.locals.empty() || out.locals.back().type != type) out.locals.push_back({0, type});
    ++out.locals.back().count;
    ++next_local;
  };
  while (take_open("local")) {
    if (at(Token::Kind::id) || at(Token::Kind::name)) {
      if (at(Token::Kind::id) && !locals_.ids.emplace(id_text(peek()), next_local).second)
        return error(ErrorCode::duplicate_definition, fmt::format(" local {}", text()));
      SEDGE_TRY(bind(module_.names.locals[func], next_local));
      SEDGE_TRY_ASSIGN(ValType type, value_type());
      add(type);
    } else {
      while (!at(Token::Kind::rparen)) {
        SEDGE_TRY_ASSIGN(ValType type, value_type());
        add(type);
      }
    }
    SEDGE_TRY(expect_close());
  }
  return {};
}

void ModuleParser::forget_locals() {
  // A table that one large function has made costs every later `clear`.
  if (locals_.ids.bucket_count() > 1024)
    locals_.ids = Ids();
  else
    locals_.ids.clear();
}

Result<void> ModuleParser::func_field() {
  uint32_t func_index = imported(ExternKind::func) + static_cast<uint32_t>(module_.funcs.size());
  SEDGE_TRY(bind(module_.names.funcs, func_index));
  SEDGE_TRY(inline_exports(ExternKind::func, func_index));
  SEDGE_TRY_ASSIGN(std::optional<Import> import, inline_import(ExternKind::func));
  forget_locals();
  SEDGE_TRY_ASSIGN(TypeUse use, type_use(true));
  SEDGE_TRY_ASSIGN(TypeIdx type_index, resolve(use));
  SEDGE_TRY(local_names(func_index, use));
  if (import) {
    import->type_index = type_index;
    add_import(*std::move(import));
    return {};
  }
  definition_ = "function";
  Func func;
  func.type_index = type_index;
  uint32_t params = 0;
  if (type_index < module_.types.size() && module_.types[type_index].kind == SubType::Kind::func)
    params = static_cast<uint32_t>(module_.types[type_index].func.params.size());
  SEDGE_TRY(locals(func_index, func, params));
  func_ = func_index;
  label_count_ = 0;
  source_ = &out_.source_map.funcs.emplace_back();
  SEDGE_TRY_ASSIGN(func.body, expression(Extent::until_close));
  source_ = nullptr;
  func_.reset();
  forget_locals();
  module_.funcs.push_back(std::move(func));
  return {};
}

// Tables and memories

Expr ModuleParser::constant_offset(bool is64) {
  const uint8_t bytes[] = {static_cast<uint8_t>(is64 ? 0x42 : 0x41), 0x00, 0x0b};
  return {arena_->store(Bytes(bytes)), 0};
}

Result<void> ModuleParser::table_field() {
  uint32_t table_index = imported(ExternKind::table) + static_cast<uint32_t>(module_.tables.size());
  SEDGE_TRY(bind(module_.names.tables, table_index));
  SEDGE_TRY(inline_exports(ExternKind::table, table_index));
  SEDGE_TRY_ASSIGN(std::optional<Import> import, inline_import(ExternKind::table));
  if (import) {
    SEDGE_TRY_ASSIGN(import->table, table_type());
    add_import(*std::move(import));
    return {};
  }
  definition_ = "table";
  Table table;
  // i64? reftype (elem …), or a table type
  table.type.is64 = take_index_type();
  if (at(Token::Kind::nat)) {
    SEDGE_TRY_ASSIGN(table.type.limits, limits());
    SEDGE_TRY_ASSIGN(table.type.element, ref_type());
    if (!at(Token::Kind::rparen)) {
      SEDGE_TRY_ASSIGN(table.init, expression(Extent::until_close));
    }
    module_.tables.push_back(std::move(table));
    return {};
  }
  SEDGE_TRY_ASSIGN(table.type.element, ref_type());
  SEDGE_TRY(expect_open("elem"));
  ElemSegment segment;
  segment.table = table_index;
  segment.offset_expr = constant_offset(table.type.is64);
  segment.type = table.type.element;
  if (at_index() || at(Token::Kind::rparen)) {
    std::vector<uint32_t> funcs;
    while (at_index()) {
      SEDGE_TRY_ASSIGN(uint32_t func, index(funcs_));
      funcs.push_back(func);
    }
    bool plain = segment.type.heap() == HeapType::func;
    segment.uses_exprs = !plain;
    if (plain) {
      segment.type = ValType::reference(HeapType::func, false);
      segment.funcs = std::move(funcs);
    } else {
      for (uint32_t func : funcs) segment.exprs.push_back(ref_func(func));
    }
  } else {
    segment.uses_exprs = true;
    SEDGE_TRY(elem_items(segment));
  }
  SEDGE_TRY(expect_close());
  table.type.limits = {segment.size(), segment.size()};
  module_.tables.push_back(std::move(table));
  module_.elems.push_back(std::move(segment));
  return {};
}

Result<void> ModuleParser::memory_field() {
  uint32_t memory_index =
      imported(ExternKind::memory) + static_cast<uint32_t>(module_.memories.size());
  SEDGE_TRY(bind(module_.names.memories, memory_index));
  SEDGE_TRY(inline_exports(ExternKind::memory, memory_index));
  SEDGE_TRY_ASSIGN(std::optional<Import> import, inline_import(ExternKind::memory));
  if (import) {
    SEDGE_TRY_ASSIGN(import->memory, memory_type());
    add_import(*std::move(import));
    return {};
  }
  definition_ = "memory";
  Memory memory;
  // i64? pagesize? (data …), or a memory type
  size_t begin = position();
  memory.type.is64 = take_index_type();
  if (at(Token::Kind::nat)) {
    seek(begin);
    SEDGE_TRY_ASSIGN(memory.type, memory_type());
    module_.memories.push_back(memory);
    return {};
  }
  SEDGE_TRY_ASSIGN(std::optional<uint8_t> page, page_size());
  if (page) memory.type.page_size_log2 = *page;
  SEDGE_TRY(expect_open("data"));
  DataSegment segment;
  segment.memory = memory_index;
  segment.offset_expr = constant_offset(memory.type.is64);
  SEDGE_TRY_ASSIGN(segment.init, data_strings());
  SEDGE_TRY(expect_close());
  uint64_t page_mask = (uint64_t{1} << memory.type.page_size_log2) - 1;
  uint64_t bytes = segment.init.size();
  uint64_t pages = (bytes >> memory.type.page_size_log2) + ((bytes & page_mask) != 0 ? 1 : 0);
  memory.type.limits = {pages, pages};
  module_.memories.push_back(memory);
  module_.datas.push_back(segment);
  return {};
}

// Globals, tags, start

Result<void> ModuleParser::global_field() {
  uint32_t global_index =
      imported(ExternKind::global) + static_cast<uint32_t>(module_.globals.size());
  SEDGE_TRY(bind(module_.names.globals, global_index));
  SEDGE_TRY(inline_exports(ExternKind::global, global_index));
  SEDGE_TRY_ASSIGN(std::optional<Import> import, inline_import(ExternKind::global));
  SEDGE_TRY_ASSIGN(GlobalType type, global_type());
  if (import) {
    import->global = type;
    add_import(*std::move(import));
    return {};
  }
  definition_ = "global";
  Global global;
  global.type = type;
  SEDGE_TRY_ASSIGN(global.init, expression(Extent::until_close));
  module_.globals.push_back(global);
  return {};
}

Result<void> ModuleParser::tag_field() {
  uint32_t tag_index = imported(ExternKind::tag) + static_cast<uint32_t>(module_.tags.size());
  SEDGE_TRY(bind(module_.names.tags, tag_index));
  SEDGE_TRY(inline_exports(ExternKind::tag, tag_index));
  SEDGE_TRY_ASSIGN(std::optional<Import> import, inline_import(ExternKind::tag));
  SEDGE_TRY_ASSIGN(TypeUse use, type_use(true));
  SEDGE_TRY_ASSIGN(TypeIdx type_index, resolve(use));
  if (import) {
    import->type_index = type_index;
    add_import(*std::move(import));
    return {};
  }
  definition_ = "tag";
  module_.tags.push_back({type_index});
  return {};
}

Result<void> ModuleParser::start_field() {
  if (module_.start) return error(ErrorCode::multiple_start);
  SEDGE_TRY_ASSIGN(module_.start, index(funcs_));
  return {};
}

// Segments

/// (offset instr*) or one folded instruction.
Result<Expr> ModuleParser::offset() {
  if (!take_open("offset")) return expression(Extent::one_folded);
  SEDGE_TRY_ASSIGN(Expr out, expression(Extent::until_close));
  SEDGE_TRY(expect_close());
  return out;
}

Expr ModuleParser::ref_func(uint32_t func) {
  Writer writer;
  writer.u8(0xd2);
  writer.u32(func);
  writer.u8(0x0b);
  return {arena_->store(Bytes(writer.out())), 0};
}

/// (item instr*) or one folded instruction, each.
Result<void> ModuleParser::elem_items(ElemSegment& segment) {
  while (at(Token::Kind::lparen)) {
    Expr item;
    if (take_open("item")) {
      SEDGE_TRY_ASSIGN(item, expression(Extent::until_close));
      SEDGE_TRY(expect_close());
    } else {
      SEDGE_TRY_ASSIGN(item, expression(Extent::one_folded));
    }
    segment.exprs.push_back(item);
  }
  return {};
}

/// func index* | reftype expression* | index* (abbreviation: functions)
Result<void> ModuleParser::elem_list(ElemSegment& segment) {
  if (at_value_type()) {
    SEDGE_TRY_ASSIGN(segment.type, ref_type());
    segment.uses_exprs = true;
    return elem_items(segment);
  }
  bool keyword = take_keyword("func");
  if (!keyword && segment.mode != ElemSegment::Mode::active) return unexpected_token();
  segment.type = ValType::reference(HeapType::func, false);
  while (at_index()) {
    SEDGE_TRY_ASSIGN(uint32_t func, index(funcs_));
    segment.funcs.push_back(func);
  }
  return {};
}

Result<void> ModuleParser::elem_field() {
  SEDGE_TRY(bind(module_.names.elems, static_cast<uint32_t>(module_.elems.size())));
  ElemSegment segment;
  if (take_keyword("declare")) {
    segment.mode = ElemSegment::Mode::declarative;
  } else if (take_open("table")) {
    SEDGE_TRY_ASSIGN(segment.table, index(tables_));
    SEDGE_TRY(expect_close());
    segment.explicit_table = true;
    SEDGE_TRY_ASSIGN(segment.offset_expr, offset());
  } else if (at_index()) {  // an older form: (elem 0 (offset …) …)
    SEDGE_TRY_ASSIGN(segment.table, index(tables_));
    segment.explicit_table = true;
    SEDGE_TRY_ASSIGN(segment.offset_expr, offset());
  } else if (at(Token::Kind::lparen) && !at_open("ref")) {
    SEDGE_TRY_ASSIGN(segment.offset_expr, offset());
  } else {
    segment.mode = ElemSegment::Mode::passive;
  }
  SEDGE_TRY(elem_list(segment));
  module_.elems.push_back(std::move(segment));
  return {};
}

Result<Bytes> ModuleParser::data_strings() {
  std::string content;
  while (at(Token::Kind::string)) content += decode_string(tokens().text(advance()));
  return arena_->store(Bytes(reinterpret_cast<const uint8_t*>(content.data()), content.size()));
}

Result<void> ModuleParser::data_field() {
  SEDGE_TRY(bind(module_.names.datas, static_cast<uint32_t>(module_.datas.size())));
  DataSegment segment;
  if (take_open("memory")) {
    SEDGE_TRY_ASSIGN(segment.memory, index(memories_));
    SEDGE_TRY(expect_close());
    segment.explicit_memory = true;
    SEDGE_TRY_ASSIGN(segment.offset_expr, offset());
  } else if (at_index()) {  // an older form: (data 0 (offset …) …)
    SEDGE_TRY_ASSIGN(segment.memory, index(memories_));
    segment.explicit_memory = true;
    SEDGE_TRY_ASSIGN(segment.offset_expr, offset());
  } else if (at(Token::Kind::lparen)) {
    SEDGE_TRY_ASSIGN(segment.offset_expr, offset());
  } else {
    segment.mode = DataSegment::Mode::passive;
  }
  SEDGE_TRY_ASSIGN(segment.init, data_strings());
  module_.datas.push_back(segment);
  return {};
}

}  // namespace sedge::wasm
