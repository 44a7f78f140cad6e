// Tokens of the text format: the whole input becomes one flat token list, so that the parsers can
// look ahead freely and read a module twice. Spec: text format, section "Lexical Format".
#ifndef SEDGE_WASM_TEXT_LEXER_H_
#define SEDGE_WASM_TEXT_LEXER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

namespace sedge::wasm {

struct Token {
  enum class Kind : uint8_t {
    eof,
    error,  ///< where lexing stopped; the last token then
    lparen,
    rparen,
    nat,         ///< unsigned integer
    int_,        ///< signed integer
    float_,      ///< any other number, inf and nan included
    string,      ///< with its quotes; escapes are checked
    char_,       ///< 'c' or an escape in its quotes: constants of components; reserved in modules
    id,          ///< $name or $"name"
    keyword,     ///< begins with a lower-case letter; known or not
    reserved,    ///< what no rule of the grammar uses
    custom,      ///< a whole annotation (@custom …)
    name,        ///< a whole annotation (@name …)
    data_count,  ///< (@data_count): the binary has a data count section that no instruction needs
    branch_hint  ///< a whole annotation (@metadata.code.branch_hint …)
  };
  uint32_t begin = 0;  ///< byte offsets in the text
  uint32_t end = 0;
  Kind kind = Kind::eof;

  bool is_number() const { return kind >= Kind::nat && kind <= Kind::float_; }
  bool is_annotation() const { return kind >= Kind::custom; }
};

/// The tokens of a text, without white space, comments and annotations of unknown kinds. Borrows
/// the text. An error of the lexical grammar becomes the last token, so that a parser meets it in
/// its place and errors before it win.
class Tokens {
 public:
  explicit Tokens(std::string_view text);
  /// The tokens inside an annotation of `parent`, behind its id; offsets and locations stay those
  /// of the whole text. Borrows `parent`.
  Tokens(const Tokens& parent, const Token& annotation);

  size_t size() const { return list_.size(); }
  /// The token at `index`; beyond the end the last one (eof or error).
  const Token& operator[](size_t index) const {
    return list_[index < list_.size() ? index : list_.size() - 1];
  }
  std::string_view text() const { return text_; }
  std::string_view text(const Token& token) const {
    return text_.substr(token.begin, token.end - token.begin);
  }
  /// Line and column, both from 1; the column counts bytes.
  Location location(uint32_t offset) const;
  /// The same, faster if `line` (0 at first) is from a call for a place little before.
  Location location(uint32_t offset, size_t& line) const;
  /// The lexical error; only when the last token says that there is one.
  Error error() const { return Error(error_code_, error_suffix_, location(list_.back().begin)); }

 private:
  friend class Lexer;
  std::string_view text_;
  const Tokens* parent_ = nullptr;
  std::vector<Token> list_;
  std::vector<uint32_t> line_starts_;
  ErrorCode error_code_ = ErrorCode::unexpected_token;
  std::string error_suffix_;
};

/// The bytes that a string or char token stands for; `token` has its quotes.
std::string decode_string(std::string_view token);
/// Whether `text` is an unsigned integer literal.
bool is_nat(std::string_view text);
/// Whether a string with this content could be written as an id without quotes.
bool is_id_text(std::string_view text);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_LEXER_H_
