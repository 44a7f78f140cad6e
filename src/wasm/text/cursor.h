// A position in a token list with what all parsers of the text format need: look-ahead, expected
// tokens, and the errors that the specification words for what is not there.
#ifndef SEDGE_WASM_TEXT_CURSOR_H_
#define SEDGE_WASM_TEXT_CURSOR_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <sedge/error.h>

#include "wasm/text/lexer.h"

namespace sedge::wasm {

class Cursor {
 public:
  /// Borrows `tokens`.
  explicit Cursor(const Tokens& tokens) : tokens_(tokens) {}

  const Tokens& tokens() const { return tokens_; }
  size_t position() const { return pos_; }
  void seek(size_t position) { pos_ = position; }

  const Token& peek(size_t ahead = 0) const { return tokens_[pos_ + ahead]; }
  Token::Kind kind(size_t ahead = 0) const { return peek(ahead).kind; }
  std::string_view text(size_t ahead = 0) const { return tokens_.text(peek(ahead)); }
  const Token& advance() { return tokens_[pos_++]; }

  bool at(Token::Kind wanted) const { return kind() == wanted; }
  bool at_keyword(std::string_view word, size_t ahead = 0) const {
    return kind(ahead) == Token::Kind::keyword && text(ahead) == word;
  }
  /// Whether "(word" comes next.
  bool at_open(std::string_view word) const {
    return at(Token::Kind::lparen) && at_keyword(word, 1);
  }
  bool at_index() const { return at(Token::Kind::nat) || at(Token::Kind::id); }

  bool take(Token::Kind wanted) {
    if (!at(wanted)) return false;
    ++pos_;
    return true;
  }
  bool take_keyword(std::string_view word) {
    if (!at_keyword(word)) return false;
    ++pos_;
    return true;
  }
  bool take_open(std::string_view word) {
    if (!at_open(word)) return false;
    pos_ += 2;
    return true;
  }
  Result<void> expect(Token::Kind wanted) {
    if (!take(wanted)) [[unlikely]]
      return unexpected_token();
    return {};
  }
  Result<void> expect_close() { return expect(Token::Kind::rparen); }
  Result<void> expect_open(std::string_view word) {
    if (at(Token::Kind::lparen) && !at_keyword(word, 1)) return unexpected_token(1);
    if (!take_open(word)) return unexpected_token();
    return {};
  }
  /// The content of a string token.
  Result<std::string> string();
  /// The same, which must be UTF-8.
  Result<std::string> name();

  /// The token as messages repeat it: its beginning, if it is long.
  std::string shown(const Token& token) const;
  Location location(const Token& token) const { return tokens_.location(token.begin); }
  Location location() const { return location(peek()); }
  /// Says what is wrong with the token that lies `ahead`: the lexer's error, an unknown word, a
  /// misplaced annotation, or a token that the grammar has no place for.
  std::unexpected<Error> unexpected_token(size_t ahead = 0) const;
  std::unexpected<Error> error(ErrorCode code, std::string suffix = {}) const {
    return fail(code, std::move(suffix), location());
  }

  /// Passes over the parenthesised form that begins here, or over one token; false if the list ends
  /// before the form does.
  bool skip_form();

 private:
  const Tokens& tokens_;
  size_t pos_ = 0;
};

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_CURSOR_H_
