// Types: definitions, recursion groups, value types, limits, and type uses.
// Spec: text format, section "Types".
#include <bit>

#include <fmt/format.h>

#include "wasm/text/keyword.h"
#include "wasm/text/module_parser.h"
#include "wasm/text/number.h"

namespace sedge::wasm {
namespace {

std::string type_key(const FuncType& type) {
  std::string key;
  key.reserve(4 * (type.params.size() + type.results.size() + 1));
  auto add = [&](uint32_t bits) { key.append(reinterpret_cast<const char*>(&bits), sizeof bits); };
  for (ValType param : type.params) add(param.bits());
  add(0);  // no value type: separates
  for (ValType result : type.results) add(result.bits());
  return key;
}

}  // namespace

Result<void> ModuleParser::rec_group() {
  seek(position() + 2);
  RecGroup group{static_cast<TypeIdx>(module_.types.size()), 0, true};
  while (at_open("type")) {
    SEDGE_TRY(type_definition());
    ++group.count;
  }
  if (group.count == 1) allow_type_use(group.first);
  module_.rec_groups.push_back(group);
  return expect_close();
}

/// Lets a type use without an index mean this type, which stands alone in its group.
void ModuleParser::allow_type_use(TypeIdx type_index) {
  const SubType& type = module_.types[type_index];
  if (type.kind == SubType::Kind::func && type.final_ && !type.super)
    by_type_.emplace(type_key(type.func), type_index);
}

Result<void> ModuleParser::single_type() {
  auto type_index = static_cast<TypeIdx>(module_.types.size());
  SEDGE_TRY(type_definition());
  module_.rec_groups.push_back({type_index, 1, false});
  allow_type_use(type_index);
  return {};
}

/// (type $id? (func …) | (struct …) | (array …) | (sub final? x? …))
Result<void> ModuleParser::type_definition() {
  seek(position() + 2);
  auto type_index = static_cast<TypeIdx>(module_.types.size());
  SEDGE_TRY(bind(module_.names.types, type_index));
  SEDGE_TRY_ASSIGN(SubType type, sub_type(type_index));
  module_.types.push_back(std::move(type));
  return expect_close();
}

Result<SubType> ModuleParser::sub_type(TypeIdx type_index) {
  SubType out;
  if (!take_open("sub")) {
    SEDGE_TRY(composite_type(out, type_index));
    return out;
  }
  out.final_ = take_keyword("final");
  if (at_index()) {
    SEDGE_TRY_ASSIGN(out.super, index(types_));
    if (at_index()) return unexpected_token();  // 3.0 has at most one supertype
  }
  SEDGE_TRY(composite_type(out, type_index));
  SEDGE_TRY(expect_close());
  return out;
}

Result<void> ModuleParser::composite_type(SubType& out, TypeIdx type_index) {
  if (take_open("func")) {
    out.kind = SubType::Kind::func;
    std::vector<Param> params;
    SEDGE_TRY(params_and_results(out.func, &params));
    Ids seen;
    for (const Param& param : params)
      if (!param.id.empty() && !seen.emplace(param.id, 0).second)
        return error(ErrorCode::duplicate_definition, fmt::format(" local ${}", param.id));
  } else if (take_open("struct")) {
    out.kind = SubType::Kind::struct_;
    SEDGE_TRY(struct_fields(out, type_index));
  } else if (take_open("array")) {
    out.kind = SubType::Kind::array;
    SEDGE_TRY_ASSIGN(FieldType element, field_type());
    out.fields.push_back(element);
  } else {
    return unexpected_token(at(Token::Kind::lparen) ? 1 : 0);
  }
  return expect_close();
}

Result<void> ModuleParser::struct_fields(SubType& out, TypeIdx type_index) {
  while (take_open("field")) {
    if (!at(Token::Kind::id) && !at(Token::Kind::name)) {
      while (!at(Token::Kind::rparen)) {
        SEDGE_TRY_ASSIGN(FieldType field, field_type());
        out.fields.push_back(field);
      }
    } else {
      auto field_index = static_cast<uint32_t>(out.fields.size());
      if (at(Token::Kind::id) && !fields_[type_index].emplace(id_text(peek()), field_index).second)
        return error(ErrorCode::duplicate_definition, fmt::format(" field {}", text()));
      SEDGE_TRY(bind(module_.names.fields[type_index], field_index));
      SEDGE_TRY_ASSIGN(FieldType field, field_type());
      out.fields.push_back(field);
    }
    SEDGE_TRY(expect_close());
  }
  return {};
}

Result<FieldType> ModuleParser::field_type() {
  FieldType out;
  out.mutable_ = take_open("mut");
  SEDGE_TRY_ASSIGN(out.storage, value_type(true));
  if (out.mutable_) SEDGE_TRY(expect_close());
  return out;
}

bool ModuleParser::at_value_type() const {
  return at_open("ref") || (at(Token::Kind::keyword) && find_value_type(text()));
}

Result<ValType> ModuleParser::value_type(bool packed) {
  if (at(Token::Kind::keyword)) {
    std::optional<ValType> type = find_value_type(text(), packed);
    if (!type) return unexpected_token();
    advance();
    return *type;
  }
  SEDGE_TRY(expect_open("ref"));
  bool nullable = take_keyword("null");
  SEDGE_TRY_ASSIGN(HeapType heap, heap_type());
  SEDGE_TRY(expect_close());
  return ValType::reference(heap, nullable);
}

Result<ValType> ModuleParser::ref_type() {
  if (at(Token::Kind::keyword)) {
    std::optional<ValType> type = find_value_type(text());
    if (!type || !type->is_ref()) return unexpected_token();
  }
  return value_type();
}

Result<HeapType> ModuleParser::heap_type() {
  if (at(Token::Kind::keyword)) {
    std::optional<HeapType> type = find_heap_type(text());
    if (!type) return unexpected_token();
    advance();
    return *type;
  }
  const Token& token = peek();
  SEDGE_TRY_ASSIGN(uint32_t type_index, index(types_));
  if (type_index >= HeapType::kAbstractBit) return unknown("type", token);
  return HeapType::index(type_index);
}

/// (param …)* (result …)*; ids of parameters are allowed if `params` is given.
Result<void> ModuleParser::params_and_results(FuncType& type, std::vector<Param>* params) {
  while (take_open("param")) {
    if (params && (at(Token::Kind::id) || at(Token::Kind::name))) {
      Param param;
      if (at(Token::Kind::id)) param.id = id_text(advance());
      SEDGE_TRY_ASSIGN(param.name, bound_name(param.id));
      params->resize(type.params.size());
      params->push_back(param);
      SEDGE_TRY_ASSIGN(ValType value, value_type());
      type.params.push_back(value);
    } else {
      while (!at(Token::Kind::rparen)) {
        SEDGE_TRY_ASSIGN(ValType value, value_type());
        type.params.push_back(value);
      }
    }
    SEDGE_TRY(expect_close());
  }
  if (params) params->resize(type.params.size());
  while (take_open("result")) {
    while (!at(Token::Kind::rparen)) {
      SEDGE_TRY_ASSIGN(ValType value, value_type());
      type.results.push_back(value);
    }
    SEDGE_TRY(expect_close());
  }
  return {};
}

Result<ModuleParser::TypeUse> ModuleParser::type_use(bool allow_ids) {
  TypeUse use;
  use.where = location();
  if (take_open("type")) {
    SEDGE_TRY_ASSIGN(use.index, index(types_));
    SEDGE_TRY(expect_close());
  }
  SEDGE_TRY(params_and_results(use.type, allow_ids ? &use.params : nullptr));
  // Out of order; said before a mismatch of what was in order.
  if (at_open("type") || at_open("param")) return unexpected_token(1);
  return use;
}

TypeIdx ModuleParser::find_or_add(const FuncType& type) {
  auto next = static_cast<TypeIdx>(module_.types.size());
  auto [found, added] = by_type_.emplace(type_key(type), next);
  if (added) {
    SubType definition;
    definition.func = type;
    module_.types.push_back(std::move(definition));
    module_.rec_groups.push_back({next, 1, false});
  }
  return found->second;
}

Result<TypeIdx> ModuleParser::resolve(TypeUse& use) {
  if (!use.index) return find_or_add(use.type);
  if (use.type.params.empty() && use.type.results.empty()) return *use.index;
  if (*use.index >= module_.types.size())
    return fail(ErrorCode::unknown_id, fmt::format(" type {}", *use.index), use.where);
  const SubType& type = module_.types[*use.index];
  if (type.kind != SubType::Kind::func || type.func != use.type)
    return fail(ErrorCode::inline_function_type,
                fmt::format(" {} is not the one of type {}", to_string(use.type), *use.index),
                use.where);
  return *use.index;
}

Result<Limits> ModuleParser::limits() {
  Limits out;
  SEDGE_TRY_ASSIGN(out.min, nat64());
  if (at(Token::Kind::nat)) {
    SEDGE_TRY_ASSIGN(out.max, nat64());
  }
  return out;
}

bool ModuleParser::take_index_type() {
  if (take_keyword("i64")) return true;
  take_keyword("i32");
  return false;
}

Result<TableType> ModuleParser::table_type() {
  TableType out;
  out.is64 = take_index_type();
  SEDGE_TRY_ASSIGN(out.limits, limits());
  SEDGE_TRY_ASSIGN(out.element, ref_type());
  return out;
}

Result<std::optional<uint8_t>> ModuleParser::page_size() {
  if (!take_open("pagesize")) return std::optional<uint8_t>();
  if (!at(Token::Kind::nat)) return unexpected_token();
  std::optional<uint64_t> size = parse_nat(text());
  if (!size || !std::has_single_bit(*size))
    return error(ErrorCode::invalid_custom_page_size, fmt::format(" {}", text()));
  advance();
  SEDGE_TRY(expect_close());
  return std::optional(static_cast<uint8_t>(std::countr_zero(*size)));
}

Result<MemoryType> ModuleParser::memory_type() {
  MemoryType out;
  out.is64 = take_index_type();
  SEDGE_TRY_ASSIGN(out.limits, limits());
  if (take_keyword("shared"))
    out.shared = true;
  else
    take_keyword("unshared");
  SEDGE_TRY_ASSIGN(std::optional<uint8_t> page, page_size());
  if (page) out.page_size_log2 = *page;
  return out;
}

Result<GlobalType> ModuleParser::global_type() {
  GlobalType out;
  out.mutable_ = take_open("mut");
  SEDGE_TRY_ASSIGN(out.value, value_type());
  if (out.mutable_) SEDGE_TRY(expect_close());
  return out;
}

}  // namespace sedge::wasm
