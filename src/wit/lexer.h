// Tokens of a WIT file (WIT.md, "Lexical structure"), one at a time, with the comments before each.
#ifndef SEDGE_WIT_LEXER_H_
#define SEDGE_WIT_LEXER_H_

#include <string>
#include <string_view>
#include <vector>

#include "wit/source.h"

namespace sedge::wit {

enum class TokenKind : uint8_t { end, name, keyword, integer, string, punctuation };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  ///< a name without its '%'; a string with its quotes; "->", "{", …
  ast::Place place;

  bool is(std::string_view word) const {
    return (kind == TokenKind::keyword || kind == TokenKind::punctuation) && text == word;
  }
  /// For messages: "keyword `type`", "the end of the file".
  std::string describe() const;
};

class Lexer {
 public:
  /// Borrows `sources`, which must outlive it.
  Lexer(const Sources& sources, uint32_t source);

  /// Goes on at `offset`, which is no place inside of a token or comment.
  void seek(size_t offset) { at_ = offset; }
  /// Refuses control and bidirectional characters anywhere in the text. Call once, first.
  Result<void> check_characters() const;
  Result<Token> next();
  /// The version that follows the token returned last, blanks before it skipped.
  Result<Version> version();
  /// Comments between the token returned last and the one before it, markers included.
  const std::vector<std::string_view>& comments() const { return comments_; }
  /// Where the first of comments() begins.
  ast::Place comments_place() const { return comments_place_; }
  Error error(std::string message, ast::Place place) const;

 private:
  ast::Place here(size_t offset) const { return {source_, static_cast<uint32_t>(offset)}; }
  Result<void> skip_blanks();
  Result<Token> identifier(size_t begin, bool escaped);
  Result<Token> string_literal(size_t begin);

  const Sources& sources_;
  uint32_t source_;
  std::string_view text_;
  size_t at_ = 0;
  std::vector<std::string_view> comments_;
  ast::Place comments_place_;
};

bool is_keyword(std::string_view word);
/// Whether `text` is a label: words of one case that hyphens join, the first begins with a letter.
bool is_label(std::string_view text);
/// The content of comments() as documentation; empty if there is none.
std::string documentation(const std::vector<std::string_view>& comments);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_LEXER_H_
