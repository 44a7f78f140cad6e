// Definitions of components, ids and indices. Specification: Explainer.md, "Grammar".
#include <fmt/format.h>

#include "base/utf8.h"
#include "component/encode.h"
#include "component/text/parser.h"
#include "component/text/text.h"
#include "wasm/text/number.h"
#include "wasm/text/text.h"

namespace sedge::component {

using wasm::Token;
using Kind = Token::Kind;

namespace {
constexpr uint64_t kMaxText = uint64_t{1} << 31;  // offsets of tokens are 32 bits wide
}

bool is_component_text(std::string_view text) {
  if (text.size() > kMaxText) return false;
  size_t at = 0;
  auto skip_blank = [&] {
    for (;;) {
      while (at < text.size() &&
             (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
        ++at;
      if (text.substr(at).starts_with(";;")) {
        at = std::min(text.find('\n', at), text.size());
        continue;
      }
      if (!text.substr(at).starts_with("(;")) return;
      size_t depth = 0;
      do {
        if (text.substr(at).starts_with("(;")) {
          ++depth;
          at += 2;
        } else if (text.substr(at).starts_with(";)")) {
          --depth;
          at += 2;
        } else {
          ++at;
        }
      } while (depth > 0 && at < text.size());
    }
  };
  skip_blank();
  if (!text.substr(at).starts_with("(")) return false;
  ++at;
  skip_blank();
  return text.substr(at).starts_with("component");
}

Result<Component> parse_component(std::string_view text) {
  if (text.size() > kMaxText)
    return fail(ErrorCode::limit_exceeded, fmt::format(": a text of {} bytes", text.size()));
  wasm::Tokens tokens(text);
  return Parser(tokens).run();
}

Result<std::vector<uint8_t>> assemble(std::string_view text) {
  SEDGE_TRY_ASSIGN(Component component, parse_component(text));
  return encode(component);
}

const char* noun(Sort sort) { return to_string(sort); }

std::unexpected<Error> Parser::unexpected(size_t ahead) const {
  for (size_t i = 0; i <= ahead; ++i)
    if (kind(i) == Kind::error || peek(i).is_annotation()) return unexpected_token(i);
  if (kind(ahead) == Kind::eof) return unexpected_token(ahead);
  std::string_view shown = text(ahead).substr(0, 60);
  return fail(ErrorCode::unexpected_token, fmt::format(" {}", shown), location(peek(ahead)));
}

Result<Component> Parser::run() {
  if (!take_open("component")) {
    // Bare definitions, as a quoted component may be written.
    SEDGE_TRY_ASSIGN(Component out, component_body({}));
    SEDGE_TRY(expect(Kind::eof));
    SEDGE_TRY(encode_constants(out));
    return out;
  }
  SEDGE_TRY_ASSIGN(Binding own, binding());
  SEDGE_TRY_ASSIGN(Component out, component_body(own));
  SEDGE_TRY(expect_close());
  SEDGE_TRY(expect(Kind::eof));
  SEDGE_TRY(encode_constants(out));
  return out;
}

/// Definitions up to the closing parenthesis or the end.
Result<Component> Parser::component_body(Binding own) {
  if (scopes_.size() > kMaxNesting)
    return error(ErrorCode::nesting_too_deep,
                 fmt::format(": more than {} components and types", kMaxNesting));
  Component out;
  if (own.name) out.names.component = *own.name;
  out.storage.push_back(arena_);
  scopes_.push_back(new_scope());
  scope().id = own.id;
  scope().definitions = &out.definitions;
  scope().names = &out.names;
  while (!at(Kind::rparen) && !at(Kind::eof)) {
    SEDGE_TRY(definition());
    if (out.definitions.size() > kMaxDefinitions)
      return error(ErrorCode::limit_exceeded,
                   fmt::format(": more than {} definitions", kMaxDefinitions));
  }
  scopes_.pop_back();
  return out;
}

Result<void> Parser::definition() {
  if (at(Kind::custom)) return custom_form();
  if (!at(Kind::lparen) || kind(1) != Kind::keyword) return unexpected(at(Kind::lparen) ? 1 : 0);
  struct Row {
    std::string_view word;
    Result<void> (Parser::*parse)();
  };
  static constexpr Row kRows[] = {
      {"core", &Parser::core_definition},   {"component", &Parser::component_form},
      {"instance", &Parser::instance_form}, {"alias", &Parser::alias_form},
      {"type", &Parser::type_form},         {"func", &Parser::func_form},
      {"canon", &Parser::canon_form},       {"start", &Parser::start_form},
      {"import", &Parser::import_form},     {"export", &Parser::export_form},
      {"value", &Parser::value_form},
  };
  for (const Row& row : kRows) {
    if (!take_open(row.word)) continue;
    SEDGE_TRY((this->*row.parse)());
    return expect_close();
  }
  return unexpected(1);
}

// Ids, strings, numbers

std::string_view Parser::id_text(const Token& token) {
  std::string_view text = tokens().text(token).substr(1);
  if (!text.starts_with('"')) return text;
  return arena_->store(std::string_view(wasm::decode_string(text)));
}

Result<std::string_view> Parser::stored_string() {
  SEDGE_TRY_ASSIGN(std::string out, string());
  return arena_->store(std::string_view(out));
}

Result<std::string_view> Parser::stored_name() {
  SEDGE_TRY_ASSIGN(std::string out, name());
  return arena_->store(std::string_view(out));
}

Result<uint32_t> Parser::number() {
  if (!at(Kind::nat)) return unexpected();
  std::optional<uint64_t> value = wasm::parse_nat(text(), UINT32_MAX);
  if (!value)
    return error(ErrorCode::malformed_component,
                 fmt::format(": invalid u32 number: constant out of range: {}", text()));
  advance();
  return static_cast<uint32_t>(*value);
}

Result<Parser::Binding> Parser::binding() {
  Binding out;
  out.token = peek();
  if (at(Kind::id)) {
    out.id = id_text(advance());
    out.name = arena_->store(out.id);
  }
  if (at(Kind::name)) {
    wasm::Tokens inside(tokens(), peek());
    wasm::Cursor cursor(inside);
    auto given = cursor.name();
    if (!given) return fail(ErrorCode::name_annotation, ": string expected", location());
    out.name = arena_->store(std::string_view(*given));
    advance();
  }
  return out;
}

std::unique_ptr<Parser::Scope> Parser::new_scope() const {
  auto out = std::make_unique<Scope>();
  out->core = std::make_unique<wasm::TypeParser>(tokens());
  return out;
}

Result<uint32_t> Parser::define(Sort sort, const Binding& own) {
  uint32_t defined = count(sort)++;
  if (!own.id.empty() && !ids(sort).emplace(own.id, defined).second)
    return fail(ErrorCode::duplicate_definition,
                fmt::format(" {} identifier: ${}", noun(sort), own.id), location(own.token));
  if (own.name && scope().names) scope().names->of(sort).emplace(defined, *own.name);
  return defined;
}

Result<uint32_t> Parser::resolve_id(Sort sort, const Token& token) {
  std::string_view id = id_text(token);
  auto of = static_cast<size_t>(sort);
  if (auto found = ids(sort).find(id); found != ids(sort).end()) return found->second;
  Ids& aliases = scope().aliases[of];
  if (auto found = aliases.find(id); found != aliases.end()) return found->second;
  for (size_t depth = 1; depth < scopes_.size(); ++depth) {
    const Ids& outer = scopes_[scopes_.size() - 1 - depth]->ids[of];
    auto found = outer.find(id);
    if (found == outer.end()) continue;
    if (sort != Sort::type && sort != Sort::component && sort != Sort::core_type &&
        sort != Sort::core_module)
      return fail(
          ErrorCode::unknown_id,
          fmt::format(" {}: outer item `{}` is not a module, type, or component", noun(sort), id),
          location(token));
    Alias alias;
    alias.target = Alias::Target::outer;
    alias.sort = sort;
    alias.outer_count = static_cast<uint32_t>(depth);
    alias.outer_index = found->second;
    append(alias, token);
    uint32_t defined = count(sort)++;
    if (sort == Sort::core_type) SEDGE_TRY(scope().core->foreign({}));
    aliases.emplace(id, defined);
    return defined;
  }
  return fail(ErrorCode::unknown_id, fmt::format(" {}: failed to find name `${}`", noun(sort), id),
              location(token));
}

Result<uint32_t> Parser::resolve(Sort sort) {
  if (at(Kind::nat)) return number();
  if (!at(Kind::id)) return unexpected();
  return resolve_id(sort, advance());
}

std::optional<Sort> Parser::take_core_sort() {
  struct Row {
    std::string_view word;
    Sort sort;
  };
  static constexpr Row kRows[] = {{"func", Sort::core_func},     {"table", Sort::core_table},
                                  {"memory", Sort::core_memory}, {"global", Sort::core_global},
                                  {"tag", Sort::core_tag},       {"type", Sort::core_type},
                                  {"module", Sort::core_module}, {"instance", Sort::core_instance}};
  for (const Row& row : kRows)
    if (take_keyword(row.word)) return row.sort;
  return std::nullopt;
}

std::optional<Sort> Parser::take_sort() {
  if (take_keyword("core")) return take_core_sort();
  for (Sort sort : {Sort::func, Sort::value, Sort::type, Sort::component, Sort::instance})
    if (take_keyword(to_string(sort))) return sort;
  return std::nullopt;
}

/// `index "export"*`, of which all but the last export are instances.
Result<uint32_t> Parser::through_exports(Sort sort) {
  bool is_core_path = is_core(sort) && sort != Sort::core_module;
  Sort instances = is_core_path ? Sort::core_instance : Sort::instance;
  bool path = kind(1) == Kind::string;
  SEDGE_TRY_ASSIGN(uint32_t at_index, resolve(path ? instances : sort));
  while (at(Kind::string)) {
    const Token& where = peek();
    SEDGE_TRY_ASSIGN(std::string_view name, stored_name());
    Alias alias;
    alias.target = is_core_path ? Alias::Target::core_export : Alias::Target::export_;
    alias.sort = at(Kind::string) ? instances : sort;
    alias.instance = at_index;
    alias.name = name;
    append(alias, where);
    at_index = count(alias.sort)++;
  }
  return at_index;
}

Result<uint32_t> Parser::index(Sort sort) {
  if (!at(Kind::lparen)) {
    // `$i "export"` in place of an index, as older texts have it.
    return through_exports(sort);
  }
  advance();
  size_t begin = position();
  bool core = take_keyword("core");
  std::optional<Sort> found = core || is_core(sort) ? take_core_sort() : take_sort();
  if (!found || *found != sort) {
    seek(begin);
    return unexpected();
  }
  SEDGE_TRY_ASSIGN(uint32_t out, through_exports(sort));
  SEDGE_TRY(expect_close());
  return out;
}

Result<SortIdx> Parser::sorted_index() {
  SEDGE_TRY(expect(Kind::lparen));
  size_t begin = position();
  std::optional<Sort> sort = take_sort();
  if (!sort) {
    seek(begin);
    return unexpected();
  }
  SortIdx out{*sort, 0};
  SEDGE_TRY_ASSIGN(out.index, through_exports(*sort));
  SEDGE_TRY(expect_close());
  return out;
}

Result<SortIdx> Parser::core_sorted_index() {
  SEDGE_TRY(expect(Kind::lparen));
  take_keyword("core");
  std::optional<Sort> sort = take_core_sort();
  if (!sort) return unexpected();
  SortIdx out{*sort, 0};
  SEDGE_TRY_ASSIGN(out.index, through_exports(*sort));
  SEDGE_TRY(expect_close());
  return out;
}

// Names of imports and exports

Result<void> Parser::attributes(ExternName& name) {
  struct Row {
    std::string_view word;
    std::optional<std::string_view> ExternName::* member;
  };
  static constexpr Row kRows[] = {{"implements", &ExternName::implements},
                                  {"versionsuffix", &ExternName::version_suffix},
                                  {"external-id", &ExternName::external_id}};
  for (bool more = true; more;) {
    more = false;
    for (const Row& row : kRows) {
      if (name.*row.member || !take_open(row.word)) continue;
      SEDGE_TRY_ASSIGN(name.*row.member, stored_name());
      SEDGE_TRY(expect_close());
      more = true;
    }
  }
  return {};
}

Result<ExternName> Parser::extern_name() {
  ExternName out;
  if (take_open("interface")) {
    SEDGE_TRY_ASSIGN(out.name, stored_name());
    SEDGE_TRY(expect_close());
  } else {
    SEDGE_TRY_ASSIGN(out.name, stored_name());
  }
  SEDGE_TRY(attributes(out));
  return out;
}

/// `(word "n")` inside a definition; nothing is read if something else begins here.
Result<std::optional<ExternName>> Parser::inline_name(std::string_view word) {
  size_t begin = position();
  if (!take_open(word)) return std::optional<ExternName>();
  bool named = at(Kind::string) || at_open("interface");
  if (named) {
    SEDGE_TRY_ASSIGN(ExternName name, extern_name());
    if (take(Kind::rparen)) return std::optional(name);
  }
  seek(begin);
  return std::optional<ExternName>();
}

/// `(export "n")*` inside a definition.
Result<std::vector<ExternName>> Parser::inline_export_names() {
  std::vector<ExternName> out;
  for (;;) {
    const Token& where = peek();
    SEDGE_TRY_ASSIGN(std::optional<ExternName> name, inline_name("export"));
    if (!name) return out;
    if (scope().is_type)
      return fail(ErrorCode::unexpected_token, " export: a declarator has no exports of its own",
                  location(where));
    out.push_back(*name);
  }
}

/// `(import "n")` inside a definition of this sort, and the type behind it; false if there is none.
Result<bool> Parser::inline_import(Sort sort, std::string_view id, const Token& where) {
  SEDGE_TRY_ASSIGN(std::optional<ExternName> name, inline_name("import"));
  if (!name) return false;
  Import item;
  item.name = *name;
  SEDGE_TRY_ASSIGN(item.type, extern_type(sort, id));
  append(item, where);
  return true;
}

void Parser::append_exports(const std::vector<ExternName>& names, Sort sort, uint32_t index_in,
                            const Token& where) {
  for (const ExternName& name : names) {
    Export item;
    item.name = name;
    item.item = SortIdx{sort, index_in};
    append(item, where);
    ++count(sort);
  }
}

// Core definitions

Result<void> Parser::core_definition() {
  if (take_keyword("module")) return core_module();
  if (take_keyword("instance")) return core_instance();
  if (take_keyword("type")) return core_type_form();
  if (take_keyword("rec")) return core_rec_form();
  return core_item();
}

/// `(core func $id (canon …))` and `(core sort $id (alias …))`.
Result<void> Parser::core_item() {
  const Token& where = peek();
  std::optional<Sort> sort = take_core_sort();
  if (!sort) return unexpected();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  if (*sort == Sort::core_func && take_open("canon")) {
    SEDGE_TRY_ASSIGN(Canon item, canon(std::nullopt));
    if (item.op == CanonOp::lift)
      return fail(ErrorCode::unexpected_token, " lift: it defines a component function",
                  location(where));
    SEDGE_TRY(expect_close());
    append(std::move(item), where);
  } else if (take_open("alias")) {
    SEDGE_TRY_ASSIGN(Alias alias, alias_target());
    alias.sort = *sort;
    SEDGE_TRY(expect_close());
    append(alias, where);
  } else {
    return unexpected();
  }
  SEDGE_TRY(define(*sort, own));
  if (*sort == Sort::core_type) SEDGE_TRY(scope().core->foreign(own.id));
  return {};
}

Error Parser::at_line(Error error, const Token& where) const {
  Location place = error.location();
  if (place.kind != Location::Kind::line) return error;
  Location begin = location(where);
  uint32_t column = place.line == 1 ? place.column + begin.column - 1 : place.column;
  error.set_location(Location::at(place.line + begin.line - 1, column));
  return error;
}

/// Of a module or component inside of this one: an annotation is its own name, the id that here.
std::optional<std::string_view> Parser::outer_name(const Binding& own) const {
  if (own.id.empty()) return std::nullopt;
  return arena_->store(own.id);
}

Result<void> Parser::core_module() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  SEDGE_TRY_ASSIGN(std::vector<ExternName> exports, inline_export_names());
  SEDGE_TRY_ASSIGN(bool imported, inline_import(Sort::core_module, own.id, where));
  if (imported) {
    // its type is read
  } else if (take_keyword("binary")) {
    std::string content;
    while (at(Kind::string)) content += wasm::decode_string(tokens().text(advance()));
    CoreModule module;
    module.binary =
        arena_->store(Bytes(reinterpret_cast<const uint8_t*>(content.data()), content.size()));
    append(module, where);
  } else {
    // The fields are a text of their own.
    const Token& first = peek();
    while (!at(Kind::rparen))
      if (!skip_form()) return unexpected();
    std::string_view fields = tokens().text().substr(first.begin, peek().begin - first.begin);
    auto parsed = wasm::parse_module(fields);
    if (!parsed) return fail(at_line(std::move(parsed).error(), first));
    if (own.name && !own.name->empty()) parsed->module.names.module = *own.name;
    std::vector<uint8_t> binary = wasm::encode(parsed->module);
    append(CoreModule{arena_->store(Bytes(binary))}, where);
    own.name = outer_name(own);
  }
  SEDGE_TRY_ASSIGN(uint32_t defined, define(Sort::core_module, own));
  append_exports(exports, Sort::core_module, defined, where);
  return {};
}

Result<std::vector<CoreItem>> Parser::core_inline_exports() {
  std::vector<CoreItem> out;
  while (take_open("export")) {
    CoreItem item;
    SEDGE_TRY_ASSIGN(item.name, stored_name());
    SEDGE_TRY_ASSIGN(item.item, core_sorted_index());
    SEDGE_TRY(expect_close());
    out.push_back(item);
  }
  return out;
}

Result<void> Parser::core_instance() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  CoreInstance item;
  if (take_open("alias")) {
    SEDGE_TRY_ASSIGN(Alias alias, alias_target());
    alias.sort = Sort::core_instance;
    SEDGE_TRY(expect_close());
    append(alias, where);
    SEDGE_TRY(define(Sort::core_instance, own));
    return {};
  }
  if (!take_open("instantiate")) {
    SEDGE_TRY_ASSIGN(item.items, core_inline_exports());
  } else {
    SEDGE_TRY_ASSIGN(item.module, index(Sort::core_module));
    while (take_open("with")) {
      CoreItem argument;
      SEDGE_TRY_ASSIGN(argument.name, stored_name());
      argument.item.sort = Sort::core_instance;
      SEDGE_TRY(expect(Kind::lparen));
      take_keyword("core");
      if (!take_keyword("instance")) return unexpected();
      if (at_index()) {
        SEDGE_TRY_ASSIGN(argument.item.index, resolve(Sort::core_instance));
      } else {
        CoreInstance bag;
        SEDGE_TRY_ASSIGN(bag.items, core_inline_exports());
        append(std::move(bag), where);
        argument.item.index = count(Sort::core_instance)++;
      }
      SEDGE_TRY(expect_close());
      SEDGE_TRY(expect_close());
      item.items.push_back(argument);
    }
    SEDGE_TRY(expect_close());
  }
  append(std::move(item), where);
  SEDGE_TRY(define(Sort::core_instance, own));
  return {};
}

// Components and instances

Result<void> Parser::component_form() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  SEDGE_TRY_ASSIGN(std::vector<ExternName> exports, inline_export_names());
  SEDGE_TRY_ASSIGN(bool imported, inline_import(Sort::component, own.id, where));
  if (imported) {
    // its type is read
  } else {
    SEDGE_TRY_ASSIGN(Component nested, component_body(own));
    append(std::make_unique<Component>(std::move(nested)), where);
    own.name = outer_name(own);
  }
  SEDGE_TRY_ASSIGN(uint32_t defined, define(Sort::component, own));
  append_exports(exports, Sort::component, defined, where);
  return {};
}

Result<std::vector<InstanceItem>> Parser::inline_exports() {
  std::vector<InstanceItem> out;
  while (take_open("export")) {
    InstanceItem item;
    SEDGE_TRY_ASSIGN(item.name, extern_name());
    SEDGE_TRY_ASSIGN(item.item, sorted_index());
    SEDGE_TRY(expect_close());
    out.push_back(item);
  }
  return out;
}

Result<void> Parser::instance_form() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  // `(export "n")` alone exports the instance, with an item it is part of a bag.
  SEDGE_TRY_ASSIGN(std::vector<ExternName> exports, inline_export_names());
  SEDGE_TRY_ASSIGN(bool imported, inline_import(Sort::instance, own.id, where));
  if (imported) {
    // its type is read
  } else if (take_open("instantiate")) {
    Instance item;
    SEDGE_TRY_ASSIGN(item.component, index(Sort::component));
    while (take_open("with")) {
      InstanceItem argument;
      SEDGE_TRY_ASSIGN(argument.name, extern_name());
      bool bag = at_open("instance") && !(kind(2) == Kind::id || kind(2) == Kind::nat);
      if (bag) {
        seek(position() + 2);
        Instance inner;
        SEDGE_TRY_ASSIGN(inner.items, inline_exports());
        append(std::move(inner), where);
        argument.item = {Sort::instance, count(Sort::instance)++};
        SEDGE_TRY(expect_close());
      } else {
        SEDGE_TRY_ASSIGN(argument.item, sorted_index());
      }
      SEDGE_TRY(expect_close());
      item.items.push_back(argument);
    }
    SEDGE_TRY(expect_close());
    append(std::move(item), where);
  } else {
    Instance item;
    SEDGE_TRY_ASSIGN(item.items, inline_exports());
    append(std::move(item), where);
  }
  SEDGE_TRY_ASSIGN(uint32_t defined, define(Sort::instance, own));
  append_exports(exports, Sort::instance, defined, where);
  return {};
}

/// `(func $id? (export "n")* (import "n")? type (canon lift …)?)`
Result<void> Parser::func_form() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  SEDGE_TRY_ASSIGN(std::vector<ExternName> exports, inline_export_names());
  SEDGE_TRY_ASSIGN(bool imported, inline_import(Sort::func, own.id, where));
  if (imported) {
    // its type is read
  } else if (take_open("alias")) {
    SEDGE_TRY_ASSIGN(Alias alias, alias_target());
    alias.sort = Sort::func;
    SEDGE_TRY(expect_close());
    append(alias, where);
  } else {
    SEDGE_TRY_ASSIGN(uint32_t type, func_type_use());
    SEDGE_TRY(expect_open("canon"));
    SEDGE_TRY_ASSIGN(Canon item, canon(type));
    if (item.op != CanonOp::lift)
      return fail(ErrorCode::unexpected_token, " canon: only lift defines a component function",
                  location(where));
    SEDGE_TRY(expect_close());
    append(std::move(item), where);
  }
  SEDGE_TRY_ASSIGN(uint32_t defined, define(Sort::func, own));
  append_exports(exports, Sort::func, defined, where);
  return {};
}

// Aliases

Result<Alias> Parser::alias_target() {
  Alias out;
  if (take_keyword("outer")) {
    out.target = Alias::Target::outer;
    if (at(Kind::nat)) {
      SEDGE_TRY_ASSIGN(out.outer_count, number());
      if (out.outer_count >= scopes_.size() && at(Kind::id))
        return error(ErrorCode::malformed_component,
                     fmt::format(": outer count of `{}` is too large", out.outer_count));
    } else {
      if (!at(Kind::id)) return unexpected();
      const Token& token = advance();
      std::string_view id = id_text(token);
      size_t depth = 0;
      while (depth < scopes_.size() && scopes_[scopes_.size() - 1 - depth]->id != id) ++depth;
      if (depth == scopes_.size())
        return fail(ErrorCode::malformed_component,
                    fmt::format(": outer component `{}` not found", id), location(token));
      out.outer_count = static_cast<uint32_t>(depth);
    }
    // The sort comes behind: (alias outer $c $x (type …)).
    if (at(Kind::nat)) {
      SEDGE_TRY_ASSIGN(out.outer_index, number());
      return out;
    }
    if (!at(Kind::id)) return unexpected();
    const Token& token = advance();
    size_t here = position();
    Sort sort = Sort::type;
    // In `(core type $t (alias outer …))` the sort stands around; here it may follow.
    if (take(Kind::lparen)) {
      std::optional<Sort> found = take_sort();
      if (!found) return unexpected();
      sort = *found;
      seek(here);
    }
    const Ids& outer =
        scopes_[scopes_.size() - 1 - out.outer_count]->ids[static_cast<size_t>(sort)];
    auto found = outer.find(id_text(token));
    if (found == outer.end())
      return fail(ErrorCode::unknown_id,
                  fmt::format(" {}: failed to find name `${}`", noun(sort), id_text(token)),
                  location(token));
    out.outer_index = found->second;
    return out;
  }
  bool core = take_keyword("core");
  if (!take_keyword("export")) return unexpected();
  out.target = core ? Alias::Target::core_export : Alias::Target::export_;
  SEDGE_TRY_ASSIGN(out.instance, resolve(core ? Sort::core_instance : Sort::instance));
  SEDGE_TRY_ASSIGN(out.name, stored_name());
  return out;
}

Result<void> Parser::alias_form() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Alias alias, alias_target());
  SEDGE_TRY(expect(Kind::lparen));
  std::optional<Sort> sort = take_sort();
  if (!sort) return unexpected();
  alias.sort = *sort;
  SEDGE_TRY_ASSIGN(Binding own, binding());
  SEDGE_TRY(expect_close());
  bool aliasable = *sort == Sort::type || *sort == Sort::component || *sort == Sort::core_type ||
                   *sort == Sort::core_module;
  if (alias.target == Alias::Target::outer && !aliasable)
    return fail(ErrorCode::unexpected_token,
                fmt::format(" {}: it cannot be aliased from an outer component", noun(*sort)),
                location(where));
  append(alias, where);
  SEDGE_TRY(define(*sort, own));
  if (*sort == Sort::core_type) SEDGE_TRY(scope().core->foreign(own.id));
  return {};
}

// Imports, exports, starts, custom sections

Result<void> Parser::import_form() {
  const Token& where = peek();
  Import item;
  SEDGE_TRY_ASSIGN(item.name, extern_name());
  Binding own;
  Sort sort = Sort::func;
  SEDGE_TRY_ASSIGN(item.type, bound_extern_type(own, sort));
  append(item, where);
  SEDGE_TRY(define(sort, own));
  return {};
}

Result<void> Parser::export_form() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  Export item;
  SEDGE_TRY_ASSIGN(item.name, extern_name());
  SEDGE_TRY_ASSIGN(item.item, sorted_index());
  if (at(Kind::lparen)) {
    Binding ignored;
    Sort sort = Sort::func;
    SEDGE_TRY_ASSIGN(item.type, bound_extern_type(ignored, sort));
  }
  append(item, where);
  SEDGE_TRY(define(item.item->sort, own));
  return {};
}

/// `(start $f (value $x)* (result (value $y?))*)`
Result<void> Parser::start_form() {
  const Token& where = peek();
  Start item;
  SEDGE_TRY_ASSIGN(item.func, index(Sort::func));
  while (at_open("value")) {
    SEDGE_TRY_ASSIGN(uint32_t argument, index(Sort::value));
    item.arguments.push_back(argument);
  }
  std::vector<Binding> results;
  while (take_open("result")) {
    while (take_open("value")) {
      SEDGE_TRY_ASSIGN(Binding own, binding());
      results.push_back(own);
      SEDGE_TRY(expect_close());
    }
    SEDGE_TRY(expect_close());
  }
  item.results = static_cast<uint32_t>(results.size());
  append(std::move(item), where);
  for (const Binding& own : results) SEDGE_TRY(define(Sort::value, own));
  return {};
}

/// (@custom "name" "content"*)
Result<void> Parser::custom_form() {
  const Token& token = advance();
  wasm::Tokens inside(tokens(), token);
  wasm::Cursor cursor(inside);
  auto name_text = cursor.name();
  if (!name_text)
    return fail(ErrorCode::custom_annotation, ": missing section name", location(token));
  Custom item;
  item.name = arena_->store(std::string_view(*name_text));
  std::string content;
  while (cursor.at(Kind::string)) content += wasm::decode_string(inside.text(cursor.advance()));
  if (!cursor.at(Kind::eof))
    return fail(ErrorCode::custom_annotation, ": unexpected token", cursor.location());
  item.content =
      arena_->store(Bytes(reinterpret_cast<const uint8_t*>(content.data()), content.size()));
  append(item, token);
  return {};
}

}  // namespace sedge::component
