// See type_parser.h; the rules themselves are ModuleParser's.
#include "wasm/text/type_parser.h"

#include <fmt/format.h>

namespace sedge::wasm {

Result<SubType> TypeParser::type(std::string_view id) {
  if (!id.empty()) types_.ids[id] = types_.count;
  ++types_.count;
  return sub_type(types_.count - 1);
}

Result<TypeParser::Group> TypeParser::group(
    std::vector<std::pair<std::string_view, uint32_t>>& ids) {
  size_t begin = position();
  while (at_open("type")) {
    size_t form = position();
    if (kind(2) == Token::Kind::id) {
      std::string_view id = id_text(peek(2));
      ids.emplace_back(id, types_.count);
      types_.ids[id] = types_.count;
    }
    ++types_.count;
    seek(form);
    if (!skip_form()) return unexpected_token();
  }
  seek(begin);
  Group out;
  out.is_explicit = true;
  while (take_open("type")) {
    if (at(Token::Kind::id)) advance();
    SEDGE_TRY_ASSIGN(SubType type, sub_type(0));
    out.types.push_back(std::move(type));
    SEDGE_TRY(expect_close());
  }
  return out;
}

Result<void> TypeParser::definition() {
  size_t begin = position();
  bool is_group = at_open("rec");
  size_t members = begin;
  if (is_group) members += 2;
  // Ids first: types may refer to themselves and to each other within a group.
  seek(members);
  while (at_open("type")) {
    size_t form = position();
    seek(form + 2);
    SEDGE_TRY(add_member(types_));
    seek(form);
    if (!skip_form()) return unexpected_token();
    if (!is_group) break;
  }
  seek(begin);
  return is_group ? rec_group() : single_type();
}

Result<void> TypeParser::foreign(std::string_view id) {
  if (!id.empty() && !types_.ids.emplace(id, types_.count).second)
    return error(ErrorCode::duplicate_definition, fmt::format(" type ${}", id));
  ++types_.count;
  // Its place in the list; what it is does not matter to a parser.
  module_.types.emplace_back().kind = SubType::Kind::struct_;
  module_.rec_groups.push_back({static_cast<TypeIdx>(module_.types.size() - 1), 1, false});
  ++taken_;
  return {};
}

Result<ExternDesc> TypeParser::extern_type() {
  ExternDesc out;
  struct Row {
    std::string_view word;
    ExternKind kind;
  };
  static constexpr Row kRows[] = {{"func", ExternKind::func},
                                  {"table", ExternKind::table},
                                  {"memory", ExternKind::memory},
                                  {"global", ExternKind::global},
                                  {"tag", ExternKind::tag}};
  for (const Row& row : kRows) {
    if (!take_open(row.word)) continue;
    out.kind = row.kind;
    if (at(Token::Kind::id)) advance();
    switch (row.kind) {
      case ExternKind::func:
      case ExternKind::tag: {
        SEDGE_TRY_ASSIGN(TypeUse use, type_use(true));
        SEDGE_TRY_ASSIGN(out.type_index, resolve(use));
        types_.count = static_cast<uint32_t>(module_.types.size());
        break;
      }
      case ExternKind::table: {
        SEDGE_TRY_ASSIGN(out.table, table_type());
        break;
      }
      case ExternKind::memory: {
        SEDGE_TRY_ASSIGN(out.memory, memory_type());
        break;
      }
      case ExternKind::global: {
        SEDGE_TRY_ASSIGN(out.global, global_type());
        break;
      }
    }
    SEDGE_TRY(expect_close());
    return out;
  }
  return unexpected_token(at(Token::Kind::lparen) ? 1 : 0);
}

std::vector<TypeParser::Group> TypeParser::take_groups() {
  std::vector<Group> out;
  for (; taken_ < module_.rec_groups.size(); ++taken_) {
    const RecGroup& group = module_.rec_groups[taken_];
    Group& added = out.emplace_back();
    added.is_explicit = group.explicit_;
    added.types.assign(module_.types.begin() + group.first,
                       module_.types.begin() + group.first + group.count);
  }
  return out;
}

}  // namespace sedge::wasm
