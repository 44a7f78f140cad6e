// Strings, ids and what of the name section and the branch hints text can express.
#include "wasm/text/print_names.h"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "base/utf8.h"
#include "wasm/op.h"
#include "wasm/text/lexer.h"

namespace sedge::wasm {

void append_string(std::string& out, std::string_view text, bool keep_utf8) {
  static constexpr char kHex[] = "0123456789abcdef";
  keep_utf8 = keep_utf8 && is_utf8(text);
  out.push_back('"');
  for (char c : text) {
    auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte >= 0x20 && byte != 0x7f && (byte < 0x80 || keep_utf8)) {
      out.push_back(c);
    } else {
      out.push_back('\\');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  out.push_back('"');
}

void append_id(std::string& out, std::string_view text) {
  out.push_back('$');
  if (is_id_text(text))
    out.append(text);
  else
    append_string(out, text, true);
}

void append_name_annotation(std::string& out, std::string_view name) {
  out.append("(@name ");
  append_string(out, name, true);
  out.push_back(')');
}

IdTable::IdTable(const Names::Map& names, bool unique) : names_(&names) {
  std::unordered_set<std::string_view> taken;
  for (const auto& [index, name] : names) {
    if (name.empty() || (!taken.insert(name).second && unique)) continue;
    append_id(ids_[index], name);
  }
  // Later owners of a name get a number behind it that no other name has.
  std::unordered_map<std::string_view, uint32_t> numbers;
  std::unordered_set<std::string> made;
  for (const auto& [index, name] : names) {
    if (name.empty() || ids_.contains(index)) continue;
    std::string id;
    do {
      id = fmt::format("{}.{}", name, ++numbers[name]);
    } while (taken.contains(id) || !made.insert(id).second);
    append_id(ids_[index], id);
  }
}

void IdTable::append_binding(std::string& out, uint32_t index) const {
  if (!names_) return;
  auto name = names_->find(index);
  if (name != names_->end()) append_binding(out, index, name->second);
}

void IdTable::append_binding(std::string& out, uint32_t index,
                             std::optional<std::string_view> name) const {
  const std::string* id = find(index);
  if (id) {
    out.push_back(' ');
    out.append(*id);
  }
  if (!name) return;
  std::string plain;
  if (!name->empty()) append_id(plain, *name);
  if (!id || *id != plain) {
    out.push_back(' ');
    append_name_annotation(out, *name);
  }
}

void IdTable::append_use(std::string& out, uint32_t index) const {
  if (const std::string* id = find(index))
    out.append(*id);
  else
    fmt::format_to(std::back_inserter(out), "{}", index);
}

namespace {

bool within(const Names::Map& map, size_t count) { return map.empty() || map.back().first < count; }

bool locals_fit(const Module& module) {
  for (const auto& [func, names] : module.names.locals) {
    if (func >= module.func_count() || names.empty()) return false;
    TypeIdx type = module.func_type_index(func);
    if (type >= module.types.size() || module.types[type].kind != SubType::Kind::func) return false;
    uint64_t count = module.types[type].func.params.size();
    size_t imported = module.imported_funcs.size();
    if (func >= imported)
      for (const LocalRun& run : module.funcs[func - imported].locals) count += run.count;
    if (names.back().first >= count) return false;
  }
  return true;
}

bool labels_fit(const Module& module) {
  size_t imported = module.imported_funcs.size();
  Instr instr;
  for (const auto& [func, names] : module.names.labels) {
    if (func < imported || func >= module.func_count() || names.empty()) return false;
    const Expr& body = module.funcs[func - imported].body;
    InstrReader reader(body.bytes, body.offset);
    uint32_t count = 0;
    while (!reader.at_end() && reader.next(instr)) {
      Imm imm = op_info(instr.op).imm;
      if (imm == Imm::block || imm == Imm::try_table) ++count;
    }
    if (names.back().first >= count) return false;
  }
  return true;
}

bool fields_fit(const Module& module) {
  for (const auto& [type, names] : module.names.fields)
    if (type >= module.types.size() || module.types[type].kind != SubType::Kind::struct_ ||
        names.empty() || names.back().first >= module.types[type].fields.size())
      return false;
  return true;
}

}  // namespace

bool names_fit(const Module& module) {
  const Names& names = module.names;
  return within(names.funcs, module.func_count()) && within(names.types, module.types.size()) &&
         within(names.tables, module.table_count()) &&
         within(names.memories, module.memory_count()) &&
         within(names.globals, module.global_count()) && within(names.elems, module.elems.size()) &&
         within(names.datas, module.datas.size()) && within(names.tags, module.tag_count()) &&
         locals_fit(module) && labels_fit(module) && fields_fit(module);
}

bool hints_fit(const Module& module) {
  size_t imported = module.imported_funcs.size();
  Instr instr;
  for (const auto& [func, hints] : module.branch_hints) {
    if (func < imported || func >= module.func_count() || hints.empty()) return false;
    const Expr& body = module.funcs[func - imported].body;
    InstrReader reader(body.bytes, 0);
    size_t found = 0;
    while (!reader.at_end() && reader.next(instr))
      if ((instr.op == Op::if_ || instr.op == Op::br_if) &&
          hints.contains(static_cast<uint32_t>(instr.offset)))
        ++found;
    if (found != hints.size()) return false;
  }
  return true;
}

}  // namespace sedge::wasm
