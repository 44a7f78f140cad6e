// Modules: the pass that collects ids, the pass over fields, indices, and annotations.
#include <fmt/format.h>

#include "base/utf8.h"
#include "wasm/text/module_parser.h"
#include "wasm/text/number.h"

namespace sedge::wasm {

namespace {
constexpr uint64_t kMaxText = uint64_t{1} << 31;  // offsets of tokens are 32 bits wide
}

Result<ParsedModule> parse_module(std::string_view text) {
  if (text.size() > kMaxText)
    return fail(ErrorCode::limit_exceeded, fmt::format(": a text of {} bytes", text.size()));
  Tokens tokens(text);
  return ModuleParser(tokens).run();
}

Result<std::vector<uint8_t>> assemble(std::string_view text) {
  SEDGE_TRY_ASSIGN(ParsedModule parsed, parse_module(text));
  return encode(parsed.module);
}

Result<ParsedModule> ModuleParser::run() {
  // Before "(module" stands at most nothing: bare fields are a module, too.
  bool wrapped = at_open("module");
  if (wrapped) {
    seek(position() + 2);
    std::optional<std::string_view> id;
    if (at(Token::Kind::id)) id = id_text(advance());
    if (at(Token::Kind::name)) {
      SEDGE_TRY_ASSIGN(id, name_annotation(advance()));
      if (at(Token::Kind::name))
        return error(ErrorCode::name_annotation, ": multiple module names");
    }
    if (id) module_.names.module = arena_->store(*id);
  }
  size_t begin = position();
  SEDGE_TRY(collect_ids());
  for (size_t at_type : type_positions_) {
    seek(at_type);
    if (at_open("rec"))
      SEDGE_TRY(rec_group());
    else
      SEDGE_TRY(single_type());
  }
  seek(begin);
  while (!at(Token::Kind::eof) && !(wrapped && at(Token::Kind::rparen))) SEDGE_TRY(field());
  if (wrapped) SEDGE_TRY(expect_close());
  SEDGE_TRY(expect(Token::Kind::eof));
  module_.index_imports();
  if (uses_data_) module_.data_count = static_cast<uint32_t>(module_.datas.size());
  module_.storage.push_back(arena_);
  return std::move(out_);
}

// First pass

ModuleParser::Space* ModuleParser::definition_space(std::string_view word) {
  for (Space* space : {&funcs_, &tables_, &memories_, &globals_, &tags_, &elems_, &datas_})
    if (word == space->keyword) return space;
  return nullptr;
}

/// Stops quietly where the text is no list of forms: the second pass says what is wrong.
Result<void> ModuleParser::collect_ids() {
  while (at(Token::Kind::lparen) || peek().is_annotation()) {
    size_t begin = position();
    if (at(Token::Kind::lparen)) SEDGE_TRY(collect_field());
    seek(begin);
    if (!skip_form()) break;
  }
  return {};
}

Result<void> ModuleParser::add_member(Space& space) {
  if (at(Token::Kind::id)) {
    const Token& token = peek();
    if (!space.ids.emplace(id_text(token), space.count).second)
      return error(ErrorCode::duplicate_definition,
                   fmt::format(" {} {}", space.keyword, tokens().text(token)));
  }
  ++space.count;
  return {};
}

/// Whether the definition that we are in has a part "(word".
bool ModuleParser::has_inline(std::string_view word) const {
  Cursor look = *this;
  while (!look.at(Token::Kind::rparen)) {
    if (look.at_open(word)) return true;
    if (!look.skip_form()) return false;
  }
  return false;
}

Result<void> ModuleParser::collect_field() {
  if (at_open("type")) {
    type_positions_.push_back(position());
    seek(position() + 2);
    return add_member(types_);
  }
  if (at_open("rec")) {
    type_positions_.push_back(position());
    seek(position() + 2);
    while (at_open("type")) {
      size_t begin = position();
      seek(begin + 2);
      SEDGE_TRY(add_member(types_));
      seek(begin);
      if (!skip_form()) break;
    }
    return {};
  }
  if (kind(1) != Token::Kind::keyword) return {};
  if (at_open("import")) {
    if (kind(3) == Token::Kind::lparen && text(4) == "item") {
      seek(position() + 3);
      return collect_items();
    }
    // ( import "module" "name" ( kind $id
    if (kind(4) != Token::Kind::lparen || kind(5) != Token::Kind::keyword) return {};
    Space* space = definition_space(text(5));
    seek(position() + 6);
    return space ? add_member(*space) : Result<void>();
  }
  Space* space = definition_space(text(1));
  if (!space) return {};
  seek(position() + 2);
  SEDGE_TRY(add_member(*space));
  if (space == &tables_ && has_inline("elem")) ++elems_.count;
  if (space == &memories_ && has_inline("data")) ++datas_.count;
  return {};
}

Result<void> ModuleParser::collect_items() {
  uint32_t alike = 0;
  while (at_open("item")) {
    size_t begin = position();
    // ( item "name" ( kind $id
    if (kind(3) == Token::Kind::lparen && kind(4) == Token::Kind::keyword) {
      Space* space = definition_space(text(4));
      seek(begin + 5);
      if (space) SEDGE_TRY(add_member(*space));
      seek(begin);
    } else {
      ++alike;
    }
    if (!skip_form()) return {};
  }
  if (at(Token::Kind::lparen) && kind(1) == Token::Kind::keyword)
    if (Space* space = definition_space(text(1))) space->count += alike;
  return {};
}

// Second pass

Result<void> ModuleParser::field() {
  if (at(Token::Kind::custom)) return custom_annotation();
  if (take(Token::Kind::data_count)) {
    uses_data_ = true;
    return {};
  }
  if (at_open("type") || at_open("rec")) {
    skip_form();  // parsed before
    return {};
  }
  if (!at(Token::Kind::lparen)) return unexpected_token();
  if (kind(1) != Token::Kind::keyword) return unexpected_token(1);
  std::string_view word = text(1);
  struct Row {
    std::string_view word;
    Result<void> (ModuleParser::*parse)();
  };
  static constexpr Row kRows[] = {
      {"func", &ModuleParser::func_field},     {"import", &ModuleParser::import_field},
      {"export", &ModuleParser::export_field}, {"table", &ModuleParser::table_field},
      {"memory", &ModuleParser::memory_field}, {"global", &ModuleParser::global_field},
      {"tag", &ModuleParser::tag_field},       {"start", &ModuleParser::start_field},
      {"elem", &ModuleParser::elem_field},     {"data", &ModuleParser::data_field},
  };
  for (const Row& row : kRows) {
    if (row.word != word) continue;
    seek(position() + 2);
    SEDGE_TRY((this->*row.parse)());
    return expect_close();
  }
  return unexpected_token(1);
}

// Ids, names and indices

std::string_view ModuleParser::id_text(const Token& token) {
  std::string_view text = tokens().text(token).substr(1);
  if (!text.starts_with('"')) return text;
  if (!text.contains('\\')) return text.substr(1, text.size() - 2);
  decoded_ids_.push_back(std::make_unique<std::string>(decode_string(text)));
  return *decoded_ids_.back();
}

Result<std::string_view> ModuleParser::bound_name(std::string_view id) {
  if (!at(Token::Kind::name)) return id;
  return name_annotation(advance());
}

Result<void> ModuleParser::bind(Names::Map& names, uint32_t index) {
  std::string_view id;
  bool named = at(Token::Kind::id);
  if (named) id = id_text(advance());
  named |= at(Token::Kind::name);
  SEDGE_TRY_ASSIGN(std::string_view name, bound_name(id));
  if (named) names.emplace(index, arena_->store(name));
  return {};
}

std::unexpected<Error> ModuleParser::unknown(const char* noun, const Token& token) const {
  return fail(ErrorCode::unknown_id, fmt::format(" {} {}", noun, tokens().text(token)),
              location(token));
}

Result<uint32_t> ModuleParser::nat32() {
  if (!at(Token::Kind::nat)) return unexpected_token();
  std::optional<uint64_t> value = parse_nat(text(), UINT32_MAX);
  if (!value) return error(ErrorCode::i32_constant_out_of_range);
  advance();
  return static_cast<uint32_t>(*value);
}

Result<uint64_t> ModuleParser::nat64() {
  if (!at(Token::Kind::nat)) return unexpected_token();
  std::optional<uint64_t> value = parse_nat(text());
  if (!value) return error(ErrorCode::i64_constant_out_of_range);
  advance();
  return *value;
}

Result<uint32_t> ModuleParser::index(const Space& space) {
  if (!at(Token::Kind::id)) return nat32();
  const Token& token = advance();
  auto found = space.ids.find(id_text(token));
  if (found == space.ids.end()) return unknown(space.noun, token);
  return found->second;
}

// Annotations

/// The text in an annotation (@name "…").
Result<std::string_view> ModuleParser::name_annotation(const Token& token) {
  Tokens content(tokens(), token);
  Cursor cursor(content);
  if (!cursor.at(Token::Kind::string))
    return fail(ErrorCode::name_annotation, ": string expected", location(token));
  std::string name = decode_string(cursor.text());
  if (!is_utf8(name))
    return fail(ErrorCode::name_annotation, ": malformed UTF-8 encoding", location(token));
  cursor.advance();
  if (!cursor.at(Token::Kind::eof))
    return fail(ErrorCode::name_annotation, ": unexpected token", cursor.location());
  return arena_->store(std::string_view(name));
}

namespace {

struct SectionName {
  std::string_view word;
  SectionId id;
  SectionId before;  ///< the section that precedes it in a binary
};
constexpr SectionName kSections[] = {
    {"first", SectionId::custom, SectionId::custom},
    {"type", SectionId::type, SectionId::custom},
    {"import", SectionId::import, SectionId::type},
    {"func", SectionId::function, SectionId::import},
    {"table", SectionId::table, SectionId::function},
    {"memory", SectionId::memory, SectionId::table},
    {"tag", SectionId::tag, SectionId::memory},
    {"global", SectionId::global, SectionId::tag},
    {"export", SectionId::export_, SectionId::global},
    {"start", SectionId::start, SectionId::export_},
    {"elem", SectionId::element, SectionId::start},
    {"datacount", SectionId::data_count, SectionId::element},
    {"code", SectionId::code, SectionId::data_count},
    {"data", SectionId::data, SectionId::code},
    {"last", SectionId::data, SectionId::data},
};

/// `(before section)` or `(after section)`, or nothing: the end of the module.
Result<SectionId> placement(Cursor& cursor) {
  auto refuse = [&](const char* why) {
    return fail(ErrorCode::custom_annotation, why, cursor.location());
  };
  if (!cursor.take(Token::Kind::lparen)) return SectionId::data;
  bool before = cursor.at_keyword("before");
  if (!before && !cursor.at_keyword("after")) return refuse(": malformed placement");
  cursor.advance();
  for (const SectionName& row : kSections) {
    if (!cursor.at_keyword(row.word)) continue;
    if (row.word == (before ? "last" : "first")) break;
    cursor.advance();
    if (!cursor.take(Token::Kind::rparen)) return refuse(": malformed placement");
    return before ? row.before : row.id;
  }
  return refuse(": malformed section kind");
}

}  // namespace

/// (@custom "name" (before|after section)? "content"*)
Result<void> ModuleParser::custom_annotation() {
  const Token& token = advance();
  Tokens tokens_inside(tokens(), token);
  Cursor cursor(tokens_inside);
  if (!cursor.at(Token::Kind::string))
    return fail(ErrorCode::custom_annotation, ": missing section name", location(token));
  std::string name = decode_string(cursor.text());
  if (!is_utf8(name))
    return fail(ErrorCode::custom_annotation, ": malformed UTF-8 encoding", cursor.location());
  cursor.advance();
  CustomSection section;
  SEDGE_TRY_ASSIGN(section.after, placement(cursor));
  std::string content;
  while (cursor.at(Token::Kind::string))
    content += decode_string(tokens_inside.text(cursor.advance()));
  if (!cursor.at(Token::Kind::eof))
    return fail(ErrorCode::custom_annotation, ": unexpected token", cursor.location());
  section.name = arena_->store(std::string_view(name));
  section.content =
      arena_->store(Bytes(reinterpret_cast<const uint8_t*>(content.data()), content.size()));
  module_.customs.push_back(section);
  return {};
}

}  // namespace sedge::wasm
