// Module fields as text, in the order of the binary format's sections.
#include <algorithm>
#include <charconv>
#include <utility>

#include "wasm/encode/custom_sections.h"
#include "wasm/text/printer.h"

namespace sedge::wasm {
namespace {

constexpr std::string_view kHintSection = "metadata.code.branch_hint";
constexpr uint32_t kMaxIndent = 40;  // deeper structures are not indented further
constexpr size_t kDataLine = 64;     // bytes of data in one string

constexpr SectionId kOrder[] = {SectionId::custom,   SectionId::type,    SectionId::import,
                                SectionId::function, SectionId::table,   SectionId::memory,
                                SectionId::tag,      SectionId::global,  SectionId::export_,
                                SectionId::start,    SectionId::element, SectionId::data_count,
                                SectionId::code,     SectionId::data};

size_t section_rank(SectionId id) {
  return static_cast<size_t>(std::find(std::begin(kOrder), std::end(kOrder), id) -
                             std::begin(kOrder));
}

const char* section_word(SectionId id) {
  switch (id) {
    case SectionId::custom:
      return "before first";
    case SectionId::type:
      return "after type";
    case SectionId::import:
      return "after import";
    case SectionId::function:
      return "after func";
    case SectionId::table:
      return "after table";
    case SectionId::memory:
      return "after memory";
    case SectionId::global:
      return "after global";
    case SectionId::export_:
      return "after export";
    case SectionId::start:
      return "after start";
    case SectionId::element:
      return "after elem";
    case SectionId::code:
      return "after code";
    case SectionId::data:
      return "after data";
    case SectionId::data_count:
      return "after datacount";
    case SectionId::tag:
      return "after tag";
  }
  return "after last";
}

}  // namespace

std::string print_module(const Module& module, const PrintOptions& options) {
  return Printer(module, options).run();
}

Printer::Printer(const Module& module, const PrintOptions& options)
    : module_(module), options_(options) {
  print_names_ = options.names && has_names(module.names) && names_fit(module);
  print_hints_ = !options.skeleton && hints_fit(module);
  if (!print_names_) return;
  const Names& names = module.names;
  type_ids_ = IdTable(names.types);
  func_ids_ = IdTable(names.funcs);
  table_ids_ = IdTable(names.tables);
  memory_ids_ = IdTable(names.memories);
  global_ids_ = IdTable(names.globals);
  tag_ids_ = IdTable(names.tags);
  elem_ids_ = IdTable(names.elems);
  data_ids_ = IdTable(names.datas);
  for (const auto& [type, fields] : names.fields) field_ids_.emplace(type, IdTable(fields));
}

std::string Printer::run() {
  text("(module");
  if (print_names_ && module_.names.module) {
    out_.push_back(' ');
    if (module_.names.module->empty())
      append_name_annotation(out_, "");
    else
      append_id(out_, *module_.names.module);
  }
  types();
  imports();
  tables();
  memories();
  tags();
  globals();
  exports();
  if (module_.start) {
    line(1);
    text("(start");
    use(func_ids_, *module_.start);
    text(")");
  }
  elems();
  funcs();
  datas();
  customs();
  text(")\n");
  return std::move(out_);
}

void Printer::number(uint64_t value) {
  char buffer[24];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
  out_.append(buffer, end.ptr);
}

void Printer::line(uint32_t indent) {
  out_.push_back('\n');
  out_.append(2 * static_cast<size_t>(std::min(indent, kMaxIndent)), ' ');
}

void Printer::open(std::string_view word, const IdTable& ids, uint32_t index) {
  out_.push_back('(');
  text(word);
  ids.append_binding(out_, index);
  text(" (;");
  number(index);
  text(";)");
}

// Types

void Printer::types() {
  for (const RecGroup& group : module_.rec_groups) {
    bool explicit_group = group.explicit_ || group.count != 1;
    if (explicit_group) {
      line(1);
      text("(rec");
    }
    for (uint32_t i = 0; i < group.count; ++i) {
      line(explicit_group ? 2 : 1);
      sub_type(group.first + i);
    }
    if (explicit_group) text(")");
  }
}

void Printer::sub_type(TypeIdx index) {
  const SubType& type = module_.types[index];
  open("type", type_ids_, index);
  bool plain = type.final_ && !type.super;
  if (!plain) {
    text(type.final_ ? " (sub final" : " (sub");
    if (type.super) use(type_ids_, *type.super);
  }
  switch (type.kind) {
    case SubType::Kind::func:
      text(" (func");
      params_and_results(type.func);
      break;
    case SubType::Kind::struct_:
      struct_type(index);
      break;
    case SubType::Kind::array:
      text(" (array ");
      field_type(type.fields[0]);
      break;
  }
  text(plain ? "))" : ")))");
}

void Printer::struct_type(TypeIdx index) {
  text(" (struct");
  auto ids = field_ids_.find(index);
  const std::vector<FieldType>& fields = module_.types[index].fields;
  for (uint32_t i = 0; i < fields.size(); ++i) {
    text(" (field");
    if (ids != field_ids_.end()) ids->second.append_binding(out_, i);
    text(" ");
    field_type(fields[i]);
    text(")");
  }
}

void Printer::field_type(const FieldType& field) {
  if (field.mutable_) text("(mut ");
  val_type(field.storage);
  if (field.mutable_) text(")");
}

// Imports and definitions

void Printer::imports() {
  uint32_t counts[5] = {};
  for (const Import& import : module_.imports) {
    line(1);
    text("(import ");
    append_string(out_, import.module, true);
    text(" ");
    append_string(out_, import.name, true);
    text(" ");
    uint32_t index = counts[static_cast<size_t>(import.kind)]++;
    switch (import.kind) {
      case ExternKind::func: {
        open("func", func_ids_, index);
        auto names = module_.names.locals.find(index);
        IdTable local_ids;
        if (print_names_ && names != module_.names.locals.end()) local_ids = IdTable(names->second);
        func_header(import.type_index, local_ids);
        break;
      }
      case ExternKind::table:
        open("table", table_ids_, index);
        table_type(import.table);
        break;
      case ExternKind::memory:
        open("memory", memory_ids_, index);
        memory_type(import.memory);
        break;
      case ExternKind::global:
        open("global", global_ids_, index);
        global_type(import.global);
        break;
      case ExternKind::tag:
        open("tag", tag_ids_, index);
        type_use(import.type_index);
        break;
    }
    text("))");
  }
}

void Printer::tables() {
  auto index = static_cast<uint32_t>(module_.imported_tables.size());
  for (const Table& table : module_.tables) {
    line(1);
    open("table", table_ids_, index++);
    table_type(table.type);
    if (table.init) inline_expr(*table.init);
    text(")");
  }
}

void Printer::memories() {
  auto index = static_cast<uint32_t>(module_.imported_memories.size());
  for (const Memory& memory : module_.memories) {
    line(1);
    open("memory", memory_ids_, index++);
    memory_type(memory.type);
    text(")");
  }
}

void Printer::tags() {
  auto index = static_cast<uint32_t>(module_.imported_tags.size());
  for (const Tag& tag : module_.tags) {
    line(1);
    open("tag", tag_ids_, index++);
    type_use(tag.type_index);
    text(")");
  }
}

void Printer::globals() {
  auto index = static_cast<uint32_t>(module_.imported_globals.size());
  for (const Global& global : module_.globals) {
    line(1);
    open("global", global_ids_, index++);
    global_type(global.type);
    inline_expr(global.init);
    text(")");
  }
}

void Printer::exports() {
  for (const Export& item : module_.exports) {
    line(1);
    text("(export ");
    append_string(out_, item.name, true);
    switch (item.kind) {
      case ExternKind::func:
        text(" (func");
        use(func_ids_, item.index);
        break;
      case ExternKind::table:
        text(" (table");
        use(table_ids_, item.index);
        break;
      case ExternKind::memory:
        text(" (memory");
        use(memory_ids_, item.index);
        break;
      case ExternKind::global:
        text(" (global");
        use(global_ids_, item.index);
        break;
      case ExternKind::tag:
        text(" (tag");
        use(tag_ids_, item.index);
        break;
    }
    text("))");
  }
}

// Segments

void Printer::elems() {
  for (uint32_t i = 0; i < module_.elems.size(); ++i) {
    line(1);
    open("elem", elem_ids_, i);
    elem(module_.elems[i]);
    text(")");
  }
}

void Printer::elem(const ElemSegment& segment) {
  if (segment.mode == ElemSegment::Mode::declarative) text(" declare");
  if (segment.mode == ElemSegment::Mode::active) {
    if (segment.explicit_table || segment.table != 0) {
      text(" (table");
      use(table_ids_, segment.table);
      text(")");
    }
    folded(segment.offset_expr, "offset");
  }
  if (segment.uses_exprs) {
    text(" ");
    val_type(segment.type);
    for (const Expr& item : segment.exprs) folded(item, "item");
  } else {
    text(" func");
    for (FuncIdx func : segment.funcs) use(func_ids_, func);
  }
}

void Printer::datas() {
  if (module_.data_count && !needs_data_count()) {
    line(1);
    text("(@data_count)");
  }
  for (uint32_t i = 0; i < module_.datas.size(); ++i) {
    const DataSegment& segment = module_.datas[i];
    line(1);
    open("data", data_ids_, i);
    if (segment.mode == DataSegment::Mode::active) {
      if (segment.explicit_memory || segment.memory != 0) {
        text(" (memory");
        use(memory_ids_, segment.memory);
        text(")");
      }
      folded(segment.offset_expr, "offset");
    }
    std::string_view rest(reinterpret_cast<const char*>(segment.init.data()), segment.init.size());
    bool one_line = rest.size() <= kDataLine;
    do {
      if (one_line)
        text(" ");
      else
        line(2);
      append_string(out_, rest.substr(0, kDataLine), false);
      rest.remove_prefix(std::min(rest.size(), kDataLine));
    } while (!rest.empty());
    text(")");
  }
}

/// Whether an instruction names a data segment: then parsing brings the data count back by itself.
bool Printer::needs_data_count() const {
  Instr instr;
  for (const Func& func : module_.funcs) {
    InstrReader reader(func.body.bytes, 0);
    while (!reader.at_end() && reader.next(instr)) {
      Imm imm = op_info(instr.op).imm;
      if (imm == Imm::data || imm == Imm::data_memory || imm == Imm::type_data) return true;
    }
  }
  return false;
}

// Functions

/// Type use, with names of parameters where there are any.
void Printer::func_header(TypeIdx type_index, const IdTable& local_ids) {
  text(" (type");
  use(type_ids_, type_index);
  text(")");
  if (type_index >= module_.types.size() || module_.types[type_index].kind != SubType::Kind::func)
    return;
  const FuncType& type = module_.types[type_index].func;
  if (local_ids.empty()) return params_and_results(type);
  for (uint32_t i = 0; i < type.params.size(); ++i) {
    text(" (param");
    local_ids.append_binding(out_, i);
    text(" ");
    val_type(type.params[i]);
    text(")");
  }
  params_and_results({{}, type.results});
}

/// One form for each run of a type and for each local that has a name. Neighbouring runs of one
/// type are one run, as parsing makes them.
void Printer::locals(const Func& func, uint32_t first, const IdTable& local_ids) {
  uint32_t index = first;
  ValType open_type;  // of the form that is still open
  bool is_open = false;
  for (const LocalRun& run : func.locals) {
    for (uint32_t i = 0; i < run.count; ++i, ++index) {
      bool named = local_ids.has(index);
      if (!is_open || named || run.type != open_type) {
        if (is_open) text(")");
        line(2);
        text("(local");
        local_ids.append_binding(out_, index);
      }
      text(" ");
      val_type(run.type);
      is_open = true;
      open_type = named ? ValType() : run.type;
    }
  }
  if (is_open) text(")");
}

void Printer::funcs() {
  for (uint32_t i = 0; i < module_.funcs.size(); ++i) {
    const Func& func = module_.funcs[i];
    auto func_index = static_cast<uint32_t>(module_.imported_funcs.size() + i);
    IdTable local_ids;
    auto names = module_.names.locals.find(func_index);
    if (print_names_ && names != module_.names.locals.end()) local_ids = IdTable(names->second);
    line(1);
    open("func", func_ids_, func_index);
    func_header(func.type_index, local_ids);
    if (!options_.skeleton) {
      uint32_t params = 0;
      if (func.type_index < module_.types.size())
        params = static_cast<uint32_t>(module_.types[func.type_index].func.params.size());
      locals(func, params, local_ids);
      body(func, func_index, local_ids);
    }
    text(")");
  }
}

// Custom sections

bool Printer::present(SectionId id) const {
  switch (id) {
    case SectionId::custom:
      return false;
    case SectionId::type:
      return !module_.rec_groups.empty();
    case SectionId::import:
      return !module_.imports.empty();
    case SectionId::function:
    case SectionId::code:
      return !module_.funcs.empty();
    case SectionId::table:
      return !module_.tables.empty();
    case SectionId::memory:
      return !module_.memories.empty();
    case SectionId::tag:
      return !module_.tags.empty();
    case SectionId::global:
      return !module_.globals.empty();
    case SectionId::export_:
      return !module_.exports.empty();
    case SectionId::start:
      return module_.start.has_value();
    case SectionId::element:
      return !module_.elems.empty();
    case SectionId::data_count:
      return module_.data_count.has_value();
    case SectionId::data:
      return !module_.datas.empty();
  }
  return false;
}

/// Whether the custom section at `position` stands where encoding puts what has no place of its
/// own: right before the section `end`, or at the very end (`custom`).
bool Printer::at_default_place(size_t position, SectionId end) const {
  size_t limit = section_rank(end == SectionId::custom ? SectionId::data : end);
  if (end == SectionId::custom) ++limit;
  for (size_t i = position; i < module_.customs.size(); ++i)
    if ((section_rank(module_.customs[i].after) < limit) != (i == position)) return false;
  for (size_t rank = section_rank(module_.customs[position].after) + 1; rank < limit; ++rank)
    if (present(kOrder[rank])) return false;
  return true;
}

void Printer::custom(std::string_view name, SectionId after, Bytes content) {
  line(1);
  text("(@custom ");
  append_string(out_, name, true);
  text(" (");
  text(section_word(after));
  text(")");
  std::string_view rest(reinterpret_cast<const char*>(content.data()), content.size());
  for (; !rest.empty(); rest.remove_prefix(std::min(rest.size(), kDataLine))) {
    line(2);
    append_string(out_, rest.substr(0, kDataLine), false);
  }
  text(")");
}

/// Custom sections. Of those that encoding makes from the module's names and hints, text has the
/// parts elsewhere: here stands at most an empty section that marks the place.
void Printer::customs() {
  const bool names = has_names(module_.names);
  const bool hints = !module_.branch_hints.empty();
  bool names_done = false;
  bool hints_done = false;
  for (size_t i = 0; i < module_.customs.size(); ++i) {
    const CustomSection& section = module_.customs[i];
    if (section.name == "name" && (names || !options_.names)) {
      if (std::exchange(names_done, true) || !options_.names) continue;
      if (!print_names_)
        custom("name", section.after, encode_names(module_.names));
      else if (!at_default_place(i, SectionId::custom))
        custom("name", section.after, {});
    } else if (section.name == kHintSection && hints) {
      if (std::exchange(hints_done, true) || options_.skeleton) continue;
      if (!print_hints_)
        custom(kHintSection, section.after, encode_branch_hints(module_));
      else if (!at_default_place(i, SectionId::code))
        custom(kHintSection, section.after, {});
    } else {
      custom(section.name, section.after, section.content);
    }
  }
  if (names && !names_done && !print_names_ && options_.names)
    custom("name", SectionId::data, encode_names(module_.names));
  if (hints && !hints_done && !print_hints_ && !options_.skeleton)
    custom(kHintSection, SectionId::data_count, encode_branch_hints(module_));
}

}  // namespace sedge::wasm
