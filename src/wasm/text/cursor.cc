// Errors at a token, strings and skipping.
#include "wasm/text/cursor.h"

#include "base/utf8.h"
#include "wasm/text/keyword.h"

namespace sedge::wasm {

std::string Cursor::shown(const Token& token) const {
  constexpr size_t kShown = 60;
  const std::string_view text = tokens_.text(token);
  if (text.size() <= kShown) return std::string(text);
  return std::string(text.substr(0, utf8_valid_prefix(text.substr(0, kShown)))) + "…";
}

std::unexpected<Error> Cursor::unexpected_token(size_t ahead) const {
  // A lexical error among the tokens looked at comes first.
  for (size_t i = 0; i <= ahead; ++i)
    if (kind(i) == Token::Kind::error) return fail(tokens_.error());
  const Token& token = peek(ahead);
  Location where = location(token);
  switch (token.kind) {
    case Token::Kind::eof:
      return fail(ErrorCode::unexpected_token, " at the end", where);
    case Token::Kind::reserved:
    case Token::Kind::char_:
      return fail(ErrorCode::unknown_operator, " " + shown(token), where);
    case Token::Kind::keyword:
      if (!is_known_keyword(tokens_.text(token)))
        return fail(ErrorCode::unknown_operator, " " + shown(token), where);
      break;
    case Token::Kind::custom:
      return fail(ErrorCode::misplaced_annotation, " @custom annotation", where);
    case Token::Kind::name:
      return fail(ErrorCode::misplaced_annotation, " @name annotation", where);
    case Token::Kind::data_count:
      return fail(ErrorCode::misplaced_annotation, " @data_count annotation", where);
    case Token::Kind::branch_hint:
      return fail(ErrorCode::branch_hint_annotation, ": not in a function", where);
    default:
      break;
  }
  return fail(ErrorCode::unexpected_token, " " + shown(token), where);
}

Result<std::string> Cursor::string() {
  if (!at(Token::Kind::string)) return unexpected_token();
  return decode_string(tokens_.text(advance()));
}

Result<std::string> Cursor::name() {
  Location where = location();
  SEDGE_TRY_ASSIGN(std::string out, string());
  if (!is_utf8(out)) return fail(ErrorCode::malformed_utf8, {}, where);
  return out;
}

bool Cursor::skip_form() {
  size_t depth = 0;
  do {
    switch (kind()) {
      case Token::Kind::eof:
      case Token::Kind::error:
        return false;
      case Token::Kind::lparen:
        ++depth;
        break;
      case Token::Kind::rparen:
        if (depth == 0) return false;
        --depth;
        break;
      default:
        break;
    }
    ++pos_;
  } while (depth > 0);
  return true;
}

}  // namespace sedge::wasm
