// Types, declarators, and what imports and exports ask for. A type that is written in place becomes
// a definition before the one that uses it. Specification: Explainer.md, "Type Definitions".
#include <fmt/format.h>

#include "component/text/parser.h"
#include "wasm/text/number.h"

namespace sedge::component {

using wasm::Token;
using Kind = Token::Kind;

uint32_t Parser::add_type(Type type, const Token& where) {
  append(std::move(type), where);
  return count(Sort::type)++;
}

Result<void> Parser::type_form() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  SEDGE_TRY_ASSIGN(std::vector<ExternName> exports, inline_export_names());
  if (take_open("alias")) {
    SEDGE_TRY_ASSIGN(Alias alias, alias_target());
    alias.sort = Sort::type;
    SEDGE_TRY(expect_close());
    append(alias, where);
  } else {
    SEDGE_TRY_ASSIGN(Type type, deftype(own.id));
    append(std::move(type), where);
  }
  SEDGE_TRY_ASSIGN(uint32_t defined, define(Sort::type, own));
  append_exports(exports, Sort::type, defined, where);
  return {};
}

Result<Type> Parser::deftype(std::string_view id) {
  if (take_open("func")) {
    SEDGE_TRY_ASSIGN(FuncType type, func_type());
    SEDGE_TRY(expect_close());
    return Type{std::move(type)};
  }
  if (take_open("component")) {
    SEDGE_TRY_ASSIGN(std::vector<Definition> list, declarators(true, id));
    SEDGE_TRY(expect_close());
    return Type{ComponentType{std::move(list)}};
  }
  if (take_open("instance")) {
    SEDGE_TRY_ASSIGN(std::vector<Definition> list, declarators(false, id));
    SEDGE_TRY(expect_close());
    return Type{InstanceType{std::move(list)}};
  }
  if (take_open("resource")) {
    ResourceType type;
    SEDGE_TRY(expect_open("rep"));
    wasm::TypeParser& core = *scope().core;
    core.seek(position());
    SEDGE_TRY_ASSIGN(type.rep, core.value());
    seek(core.position());
    SEDGE_TRY(expect_close());
    if (take_open("dtor")) {
      SEDGE_TRY_ASSIGN(type.destructor, index(Sort::core_func));
      SEDGE_TRY(expect_close());
    }
    SEDGE_TRY(expect_close());
    return Type{type};
  }
  return defined_type();
}

Result<PrimType> Parser::primitive() {
  std::optional<PrimType> prim = prim_type(text());
  if (!prim && at_keyword("float32")) prim = PrimType::f32;  // older names
  if (!prim && at_keyword("float64")) prim = PrimType::f64;
  if (!prim) return unexpected();
  advance();
  return *prim;
}

Result<ValType> Parser::indexed_type(uint32_t type) const {
  if (type > ValType::kMaxIndex)
    return error(ErrorCode::unknown_type, fmt::format(" {}: type index out of bounds", type));
  return ValType::index(type);
}

Result<ValType> Parser::val_type() {
  if (at(Kind::keyword)) {
    SEDGE_TRY_ASSIGN(PrimType prim, primitive());
    return ValType(prim);
  }
  if (at_index() || at_open("type")) {
    SEDGE_TRY_ASSIGN(uint32_t type, index(Sort::type));
    return indexed_type(type);
  }
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Type type, defined_type());
  return ValType::index(add_type(std::move(type), where));
}

Result<std::vector<std::string_view>> Parser::labels() {
  std::vector<std::string_view> out;
  while (!at(Kind::rparen)) {
    SEDGE_TRY_ASSIGN(std::string_view label, stored_name());
    out.push_back(label);
  }
  return out;
}

Result<Type> Parser::defined_type() {
  if (scopes_.size() + depth_ > kMaxNesting)
    return error(ErrorCode::nesting_too_deep, ": types are nested too deep");
  ++depth_;
  auto done = [&](auto type) -> Result<Type> {
    --depth_;
    SEDGE_TRY(expect_close());
    return Type{std::move(type)};
  };
  if (at(Kind::keyword)) {
    --depth_;
    SEDGE_TRY_ASSIGN(PrimType prim, primitive());
    return Type{prim};
  }
  if (take_open("record")) {
    Record record;
    while (take_open("field")) {
      SEDGE_TRY_ASSIGN(std::string_view label, stored_name());
      SEDGE_TRY_ASSIGN(ValType type, val_type());
      record.fields.push_back({label, type});
      SEDGE_TRY(expect_close());
    }
    return done(std::move(record));
  }
  if (take_open("variant")) {
    Variant variant;
    Ids seen;
    while (take_open("case")) {
      Case next;
      if (at(Kind::id) && !seen.emplace(id_text(peek()), 0).second)
        return error(ErrorCode::duplicate_definition,
                     fmt::format(" variant case identifier {}", text()));
      if (at(Kind::id)) advance();
      SEDGE_TRY_ASSIGN(next.name, stored_name());
      if (!at(Kind::rparen)) {
        SEDGE_TRY_ASSIGN(next.type, val_type());
      }
      variant.cases.push_back(next);
      SEDGE_TRY(expect_close());
    }
    return done(std::move(variant));
  }
  if (take_open("list")) {
    SEDGE_TRY_ASSIGN(ValType element, val_type());
    if (at(Kind::nat)) {
      SEDGE_TRY_ASSIGN(uint32_t length, number());
      return done(FixedList{element, length});
    }
    return done(List{element});
  }
  if (take_open("tuple")) {
    Tuple tuple;
    while (!at(Kind::rparen)) {
      SEDGE_TRY_ASSIGN(ValType type, val_type());
      tuple.types.push_back(type);
    }
    return done(std::move(tuple));
  }
  if (take_open("flags")) {
    SEDGE_TRY_ASSIGN(std::vector<std::string_view> names, labels());
    return done(Flags{std::move(names)});
  }
  if (take_open("enum")) {
    SEDGE_TRY_ASSIGN(std::vector<std::string_view> names, labels());
    return done(Enum{std::move(names)});
  }
  if (take_open("option")) {
    SEDGE_TRY_ASSIGN(ValType type, val_type());
    return done(Option{type});
  }
  if (take_open("result")) {
    ResultType result;
    if (!at(Kind::rparen) && !at_open("error")) {
      SEDGE_TRY_ASSIGN(result.ok, val_type());
    }
    if (take_open("error")) {
      SEDGE_TRY_ASSIGN(result.error, val_type());
      SEDGE_TRY(expect_close());
    }
    return done(result);
  }
  if (take_open("map")) {
    SEDGE_TRY_ASSIGN(ValType key, val_type());
    SEDGE_TRY_ASSIGN(ValType value, val_type());
    return done(Map{key, value});
  }
  if (take_open("own")) {
    SEDGE_TRY_ASSIGN(uint32_t resource, index(Sort::type));
    return done(Own{resource});
  }
  if (take_open("borrow")) {
    SEDGE_TRY_ASSIGN(uint32_t resource, index(Sort::type));
    return done(Borrow{resource});
  }
  bool is_stream = at_open("stream");
  if (is_stream || at_open("future")) {
    seek(position() + 2);
    std::optional<ValType> element;
    if (!at(Kind::rparen)) {
      SEDGE_TRY_ASSIGN(element, val_type());
    }
    if (is_stream) return done(Stream{element});
    return done(Future{element});
  }
  return unexpected(at(Kind::lparen) ? 1 : 0);
}

Result<FuncType> Parser::func_type() {
  FuncType out;
  out.async_ = take_keyword("async");
  while (take_open("param")) {
    SEDGE_TRY_ASSIGN(std::string_view label, stored_name());
    SEDGE_TRY_ASSIGN(ValType type, val_type());
    out.params.push_back({label, type});
    SEDGE_TRY(expect_close());
  }
  if (take_open("result")) {
    SEDGE_TRY_ASSIGN(out.result, val_type());
    SEDGE_TRY(expect_close());
  }
  return out;
}

Result<uint32_t> Parser::func_type_use() {
  if (at_open("type")) {
    SEDGE_TRY(expect(Kind::lparen));
    advance();
    SEDGE_TRY_ASSIGN(uint32_t type, through_exports(Sort::type));
    SEDGE_TRY(expect_close());
    return type;
  }
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(FuncType type, func_type());
  return add_type(Type{std::move(type)}, where);
}

Result<std::vector<Definition>> Parser::declarators(bool with_imports, std::string_view id) {
  if (scopes_.size() + depth_ > kMaxNesting)
    return error(ErrorCode::nesting_too_deep,
                 fmt::format(": more than {} components and types", kMaxNesting));
  std::vector<Definition> out;
  scopes_.push_back(new_scope());
  scope().id = id;
  scope().definitions = &out;
  scope().is_type = true;
  while (!at(Kind::rparen)) SEDGE_TRY(declarator(with_imports));
  scopes_.pop_back();
  return out;
}

Result<void> Parser::declarator(bool with_imports) {
  if (take_open("core")) {
    if (take_keyword("type")) {
      SEDGE_TRY(core_type_form());
    } else if (take_keyword("rec")) {
      SEDGE_TRY(core_rec_form());
    } else {
      return unexpected();
    }
    return expect_close();
  }
  if (take_open("type")) {
    SEDGE_TRY(type_form());
    return expect_close();
  }
  if (take_open("alias")) {
    SEDGE_TRY(alias_form());
    return expect_close();
  }
  if (with_imports && take_open("import")) {
    SEDGE_TRY(import_form());
    return expect_close();
  }
  const Token& where = peek();
  if (take_open("export")) {
    Export item;
    SEDGE_TRY_ASSIGN(item.name, extern_name());
    Binding own;
    Sort sort = Sort::func;
    SEDGE_TRY_ASSIGN(item.type, bound_extern_type(own, sort));
    append(item, where);
    SEDGE_TRY(define(sort, own));
    return expect_close();
  }
  return unexpected(at(Kind::lparen) ? 1 : 0);
}

Result<ExternType> Parser::bound_extern_type(Binding& own, Sort& sort) {
  SEDGE_TRY(expect(Kind::lparen));
  size_t begin = position();
  std::optional<Sort> found = take_sort();
  if (!found || (is_core(*found) && *found != Sort::core_module)) {
    seek(begin);
    return unexpected();
  }
  sort = *found;
  SEDGE_TRY_ASSIGN(own, binding());
  SEDGE_TRY_ASSIGN(ExternType out, extern_type(sort, own.id));
  SEDGE_TRY(expect_close());
  return out;
}

Result<ExternType> Parser::extern_type(Sort sort, std::string_view id) {
  ExternType out;
  const Token& where = peek();
  // A reference: (type i), unless it could be the declarator of a type written in place.
  bool reference = at_open("type") && (kind(2) == Kind::nat || kind(2) == Kind::id) &&
                   (kind(3) == Kind::rparen || kind(3) == Kind::string);
  auto referenced = [&](Sort space) -> Result<uint32_t> {
    seek(position() + 2);
    SEDGE_TRY_ASSIGN(uint32_t type, through_exports(space));
    SEDGE_TRY(expect_close());
    return type;
  };
  switch (sort) {
    case Sort::core_module: {
      out.kind = ExternType::Kind::module;
      if (reference) {
        SEDGE_TRY_ASSIGN(out.index, referenced(Sort::core_type));
        return out;
      }
      SEDGE_TRY_ASSIGN(CoreModuleType type, core_module_type());
      append(CoreType{std::move(type)}, where);
      out.index = count(Sort::core_type)++;
      SEDGE_TRY(scope().core->foreign({}));
      return out;
    }
    case Sort::func: {
      out.kind = ExternType::Kind::func;
      SEDGE_TRY_ASSIGN(out.index, func_type_use());
      return out;
    }
    case Sort::value: {
      out.kind = ExternType::Kind::value;
      if (take_open("eq")) {
        SEDGE_TRY_ASSIGN(out.value.bound, index(Sort::value));
        SEDGE_TRY(expect_close());
        return out;
      }
      SEDGE_TRY_ASSIGN(out.value.bound, val_type());
      return out;
    }
    case Sort::type: {
      out.kind = ExternType::Kind::type;
      if (take_open("eq")) {
        SEDGE_TRY_ASSIGN(out.type.index, index(Sort::type));
      } else {
        SEDGE_TRY(expect_open("sub"));
        if (!take_keyword("resource")) return unexpected();
        out.type.kind = TypeBound::Kind::sub_resource;
      }
      SEDGE_TRY(expect_close());
      return out;
    }
    default:
      break;
  }
  bool is_component = sort == Sort::component;
  out.kind = is_component ? ExternType::Kind::component : ExternType::Kind::instance;
  if (reference) {
    SEDGE_TRY_ASSIGN(out.index, referenced(Sort::type));
    return out;
  }
  SEDGE_TRY_ASSIGN(std::vector<Definition> list, declarators(is_component, id));
  if (is_component)
    out.index = add_type(Type{ComponentType{std::move(list)}}, where);
  else
    out.index = add_type(Type{InstanceType{std::move(list)}}, where);
  return out;
}

// Core types

Result<void> Parser::core_type_form() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  if (take_open("alias")) {
    SEDGE_TRY_ASSIGN(Alias alias, alias_target());
    alias.sort = Sort::core_type;
    SEDGE_TRY(expect_close());
    append(alias, where);
    SEDGE_TRY(define(Sort::core_type, own));
    return scope().core->foreign(own.id);
  }
  if (take_open("module")) {
    SEDGE_TRY_ASSIGN(CoreModuleType type, core_module_type());
    SEDGE_TRY(expect_close());
    append(CoreType{std::move(type)}, where);
    SEDGE_TRY(define(Sort::core_type, own));
    return scope().core->foreign(own.id);
  }
  SEDGE_TRY(define(Sort::core_type, own));
  wasm::TypeParser& core = *scope().core;
  core.seek(position());
  auto type = core.type(own.id);
  if (!type) return fail(core_error(std::move(type).error()));
  seek(core.position());
  CoreRecGroup group;
  group.types.push_back(*std::move(type));
  append(CoreType{std::move(group)}, where);
  return {};
}

/// An unknown id in a core type, in the words of components.
Error Parser::core_error(Error error) const {
  std::string message = error.message();
  if (error.code() != ErrorCode::unknown_id) return error;
  size_t dollar = message.find('$');
  if (dollar == std::string::npos) return error;
  return Error(ErrorCode::unknown_id,
               fmt::format(" core type: failed to find name `{}`", message.substr(dollar)),
               error.location());
}

/// (core rec (type $id? …)*)
Result<void> Parser::core_rec_form() {
  const Token& where = peek();
  wasm::TypeParser& core = *scope().core;
  core.seek(position());
  std::vector<std::pair<std::string_view, uint32_t>> defined;
  auto read = core.group(defined);
  if (!read) return fail(core_error(std::move(read).error()));
  seek(core.position());
  count(Sort::core_type) += static_cast<uint32_t>(read->types.size());
  for (auto [id, at_index] : defined) {
    if (!ids(Sort::core_type).emplace(arena_->store(id), at_index).second)
      return fail(ErrorCode::duplicate_definition, fmt::format(" core type identifier: ${}", id),
                  location(where));
    if (scope().names) scope().names->of(Sort::core_type).emplace(at_index, arena_->store(id));
  }
  CoreRecGroup group;
  group.types = std::move(read->types);
  group.explicit_ = true;
  append(CoreType{std::move(group)}, where);
  return {};
}

Result<CoreModuleType> Parser::core_module_type() {
  CoreModuleType out;
  wasm::TypeParser core(tokens());
  auto add_groups = [&] {
    for (wasm::TypeParser::Group& group : core.take_groups())
      out.declarators.emplace_back(CoreRecGroup{std::move(group.types), group.is_explicit});
  };
  auto extern_desc = [&]() -> Result<wasm::ExternDesc> {
    core.seek(position());
    auto type = core.extern_type();
    if (!type) return fail(core_error(std::move(type).error()));
    seek(core.position());
    add_groups();
    return type;
  };
  while (!at(Kind::rparen)) {
    if (at_open("type") || at_open("rec")) {
      core.seek(position());
      if (auto read = core.definition(); !read) return fail(core_error(std::move(read).error()));
      seek(core.position());
      add_groups();
    } else if (take_open("alias")) {
      // (alias outer $c $t (type $id?)); the module type itself is the innermost scope.
      if (!take_keyword("outer")) return unexpected();
      CoreOuterAlias alias;
      const Scope* from = nullptr;
      if (at(Kind::nat)) {
        SEDGE_TRY_ASSIGN(alias.count, number());
        if (alias.count > 0 && alias.count <= scopes_.size())
          from = scopes_[scopes_.size() - alias.count].get();
      } else {
        if (!at(Kind::id)) return unexpected();
        const Token& token = advance();
        std::string_view id = id_text(token);
        size_t depth = 0;
        while (depth < scopes_.size() && scopes_[scopes_.size() - 1 - depth]->id != id) ++depth;
        if (depth == scopes_.size())
          return fail(ErrorCode::malformed_component,
                      fmt::format(": outer component `{}` not found", id), location(token));
        from = scopes_[scopes_.size() - 1 - depth].get();
        alias.count = static_cast<uint32_t>(depth + 1);
      }
      if (at(Kind::nat)) {
        SEDGE_TRY_ASSIGN(alias.index, number());
      } else {
        if (!at(Kind::id)) return unexpected();
        const Token& token = advance();
        const Ids* outer = from ? &from->ids[static_cast<size_t>(Sort::core_type)] : nullptr;
        auto found = outer ? outer->find(id_text(token)) : Ids::const_iterator();
        if (!outer || found == outer->end())
          return fail(ErrorCode::unknown_id,
                      fmt::format(" core type: failed to find name `{}`", text()), location(token));
        alias.index = found->second;
      }
      SEDGE_TRY(expect(Kind::lparen));
      take_keyword("core");
      if (!take_keyword("type")) return unexpected();
      SEDGE_TRY_ASSIGN(Binding own, binding());
      SEDGE_TRY(expect_close());
      SEDGE_TRY(expect_close());
      SEDGE_TRY(core.foreign(own.id));
      out.declarators.emplace_back(alias);
    } else if (take_open("import")) {
      CoreImport import;
      SEDGE_TRY_ASSIGN(import.module, stored_name());
      SEDGE_TRY_ASSIGN(import.name, stored_name());
      SEDGE_TRY_ASSIGN(static_cast<wasm::ExternDesc&>(import), extern_desc());
      SEDGE_TRY(expect_close());
      out.declarators.emplace_back(import);
    } else if (take_open("export")) {
      CoreExport export_;
      SEDGE_TRY_ASSIGN(export_.name, stored_name());
      SEDGE_TRY_ASSIGN(export_.type, extern_desc());
      SEDGE_TRY(expect_close());
      out.declarators.emplace_back(export_);
    } else {
      return unexpected(at(Kind::lparen) ? 1 : 0);
    }
  }
  return out;
}

}  // namespace sedge::component
