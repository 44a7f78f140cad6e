// Lexer of the text format: one pass by longest match over maximal runs of identifier characters
// and strings, which are classified afterwards. Spec: text format, section "Lexical Format".
#include "wasm/text/lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/utf8.h"

namespace sedge::wasm {
namespace {

enum CharClass : uint8_t { kIdChar = 1, kDigit = 2, kHex = 4, kSpace = 8, kPunct = 16 };

constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = kIdChar | kDigit | kHex;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = kIdChar;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = kIdChar;
  for (int c = 'a'; c <= 'f'; ++c) table[c] |= kHex;
  for (int c = 'A'; c <= 'F'; ++c) table[c] |= kHex;
  for (char c : std::string_view("!#$%&'*+-./:<=>?@\\^_`|~"))
    table[static_cast<uint8_t>(c)] = kIdChar;
  for (char c : std::string_view(" \t\n\r")) table[static_cast<uint8_t>(c)] = kSpace;
  for (char c : std::string_view(",;[]{}")) table[static_cast<uint8_t>(c)] = kPunct;
  return table;
}();

bool is(char c, uint8_t classes) { return (kClasses[static_cast<uint8_t>(c)] & classes) != 0; }

/// Length of digits with single underscores between them, at the beginning of `text`.
size_t digits(std::string_view text, uint8_t digit_class) {
  size_t n = 0;
  while (n < text.size()) {
    if (is(text[n], digit_class)) {
      ++n;
    } else if (text[n] == '_' && n > 0 && n + 1 < text.size() && text[n - 1] != '_' &&
               is(text[n + 1], digit_class)) {
      ++n;
    } else {
      break;
    }
  }
  return n;
}

/// nat, int_, float_ or reserved.
Token::Kind classify_number(std::string_view text) {
  bool sign = text[0] == '+' || text[0] == '-';
  if (sign) text.remove_prefix(1);
  if (text == "inf" || text == "nan") return Token::Kind::float_;
  if (text.starts_with("nan:0x"))
    return text.size() > 6 && digits(text.substr(6), kHex) == text.size() - 6
               ? Token::Kind::float_
               : Token::Kind::reserved;
  bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  uint8_t digit_class = hex ? kHex : kDigit;
  size_t n = digits(text, digit_class);
  if (n == 0) return Token::Kind::reserved;
  text.remove_prefix(n);
  if (text.empty()) return sign ? Token::Kind::int_ : Token::Kind::nat;
  if (text[0] == '.') {
    text.remove_prefix(1);
    text.remove_prefix(digits(text, digit_class));
  }
  if (!text.empty() &&
      (hex ? text[0] == 'p' || text[0] == 'P' : text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
    n = digits(text, kDigit);
    if (n == 0) return Token::Kind::reserved;
    text.remove_prefix(n);
  }
  return text.empty() ? Token::Kind::float_ : Token::Kind::reserved;
}

}  // namespace

class Lexer {
 public:
  Lexer(Tokens& out, size_t begin, size_t end)
      : out_(out), text_(out.text_.data()), pos_(begin), end_(end) {
    size_t valid = utf8_valid_prefix(out.text_.substr(begin, end - begin));
    truncated_ = begin + valid < end;
    end_ = begin + valid;
  }

  void run() {
    size_t token_begin = 0;
    while (skip_space()) {
      token_begin = pos_;
      if (pos_ == end_) {
        if (truncated_) break;
        return push(Token::Kind::eof, pos_);
      }
      char c = text_[pos_];
      if (c == '(') {
        ++pos_;
        if (pos_ < end_ && text_[pos_] == '@') {
          if (!annotation(token_begin)) return;
        } else {
          push(Token::Kind::lparen, token_begin);
        }
      } else if (c == ')') {
        ++pos_;
        push(Token::Kind::rparen, token_begin);
      } else if (size_t size = c == '\'' ? character_size() : 0; size > 0) {
        pos_ += size;
        push(Token::Kind::char_, token_begin);
      } else if (is(c, kIdChar) || c == '"') {
        Token::Kind kind = word();
        if (kind == Token::Kind::error) return;
        push(kind, token_begin);
      } else if (is(c, kPunct)) {
        ++pos_;
        push(Token::Kind::reserved, token_begin);
      } else {
        return fail(ErrorCode::illegal_character);
      }
    }
    if (failed_) return;
    fail(ErrorCode::malformed_utf8);
  }

 private:
  void push(Token::Kind kind, size_t begin) {
    out_.list_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(pos_), kind});
  }

  /// Ends the list with an error at the current position.
  void fail(ErrorCode code, std::string suffix = {}) {
    if (failed_) return;
    failed_ = true;
    if (truncated_ && pos_ == end_ && code != ErrorCode::empty_identifier) {
      code = ErrorCode::malformed_utf8;  // what looks like the end is a byte that is no text
      suffix.clear();
    }
    out_.error_code_ = code;
    out_.error_suffix_ = std::move(suffix);
    push(Token::Kind::error, pos_);
  }

  void newline() {
    if (text_[pos_] == '\r' && pos_ + 1 < end_ && text_[pos_ + 1] == '\n') ++pos_;
    ++pos_;
    out_.line_starts_.push_back(static_cast<uint32_t>(pos_));
  }

  /// Skips white space and comments; false after an error.
  bool skip_space() {
    while (pos_ < end_) {
      char c = text_[pos_];
      if (c == ' ' || c == '\t') {
        ++pos_;
      } else if (c == '\n' || c == '\r') {
        newline();
      } else if (c == ';' && pos_ + 1 < end_ && text_[pos_ + 1] == ';') {
        while (pos_ < end_ && text_[pos_] != '\n' && text_[pos_] != '\r') ++pos_;
      } else if (c == '(' && pos_ + 1 < end_ && text_[pos_ + 1] == ';') {
        if (!block_comment()) return false;
      } else {
        break;
      }
    }
    return true;
  }

  bool block_comment() {
    size_t begin = pos_;
    size_t depth = 0;
    do {
      if (pos_ + 1 >= end_) {
        pos_ = truncated_ ? end_ : begin;
        fail(ErrorCode::unclosed_comment);
        return false;
      }
      if (text_[pos_] == '(' && text_[pos_ + 1] == ';') {
        ++depth;
        pos_ += 2;
      } else if (text_[pos_] == ';' && text_[pos_ + 1] == ')') {
        --depth;
        pos_ += 2;
      } else if (text_[pos_] == '\n' || text_[pos_] == '\r') {
        newline();
      } else {
        ++pos_;
      }
    } while (depth > 0);
    return true;
  }

  /// Skips a string that begins at pos_; false (and `fail`) if it is malformed.
  bool string() {
    size_t begin = pos_++;
    while (pos_ < end_) {
      auto c = static_cast<uint8_t>(text_[pos_]);
      if (c == '"') {
        ++pos_;
        return true;
      }
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c == '\n' || c == '\r') {
        break;
      } else if (c < 0x20 || c == 0x7f) {
        fail(ErrorCode::illegal_character, " in a string");
        return false;
      } else {
        ++pos_;
      }
    }
    if (!truncated_ || pos_ < end_) pos_ = begin;
    fail(ErrorCode::unclosed_string);
    return false;
  }

  bool escape() {
    size_t begin = pos_++;
    char c = pos_ < end_ ? text_[pos_] : '\0';
    if (std::string_view("nrt\\'\"").contains(c)) {
      ++pos_;
      return true;
    }
    if (is(c, kHex) && pos_ + 1 < end_ && is(text_[pos_ + 1], kHex)) {
      pos_ += 2;
      return true;
    }
    if (c == 'u' && pos_ + 1 < end_ && text_[pos_ + 1] == '{') {
      pos_ += 2;
      size_t n = digits({text_ + pos_, end_ - pos_}, kHex);
      const bool is_character = code_point({text_ + pos_, n}).has_value();
      pos_ += n;
      if (n > 0 && pos_ < end_ && text_[pos_] == '}') {
        ++pos_;
        if (is_character) return true;
        pos_ = begin;
        fail(ErrorCode::malformed_utf8, ": no such character");
        return false;
      }
    }
    if (!truncated_ || pos_ < end_) pos_ = begin;
    fail(ErrorCode::illegal_character, ": unknown escape in a string");
    return false;
  }

  /// Bytes of the character in quotes that begins at pos_; 0 if there is none, since modules may
  /// have a reserved token there.
  size_t character_size() const {
    const std::string_view rest(text_ + pos_, end_ - pos_);
    size_t at = 1;
    auto next = [&](size_t ahead) { return at + ahead < rest.size() ? rest[at + ahead] : '\0'; };
    const auto first = static_cast<uint8_t>(next(0));
    if (first != '\\') {
      if (first < 0x20 || first == 0x7f || first == '"') return 0;
      at += first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    } else if (next(1) != 'u') {
      if (!std::string_view("nrt\\'\"").contains(next(1))) return 0;
      at += 2;
    } else {
      if (next(2) != '{') return 0;
      at += 3;
      const size_t count = digits(rest.substr(at), kHex);
      const std::optional<uint32_t> point = code_point(rest.substr(at, count));
      at += count;
      if (!point || next(0) != '}') return 0;
      ++at;
    }
    if (next(0) != '\'') return 0;
    const char behind = next(1);
    return is(behind, kIdChar) || behind == '"' ? 0 : at + 1;
  }

  /// The character with this number in hexadecimal digits, if there is one.
  static std::optional<uint32_t> code_point(std::string_view digits) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits.size() && value <= 0x10ffff; ++i)
      if (digits[i] != '_') value = value * 16 + hex_digit(digits[i]);
    if (digits.empty() || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
      return std::nullopt;
    return value;
  }

  static uint32_t hex_digit(char c) {
    return static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }

  /// A maximal run of identifier characters and strings.
  Token::Kind word() {
    size_t begin = pos_;
    size_t strings = 0;
    size_t string_begin = 0;
    while (pos_ < end_ && (is(text_[pos_], kIdChar) || text_[pos_] == '"')) {
      if (text_[pos_] != '"') {
        ++pos_;
        continue;
      }
      ++strings;
      string_begin = pos_;
      if (text_[begin] == '$' && pos_ == begin + 1) {
        if (!quoted_id(begin)) return Token::Kind::error;
      } else if (!string()) {
        return Token::Kind::error;
      }
    }
    std::string_view text(text_ + begin, pos_ - begin);
    if (strings > 0) {
      if (strings == 1 && string_begin == begin && text.back() == '"' && text.size() >= 2)
        return Token::Kind::string;
      if (strings == 1 && text[0] == '$' && string_begin == begin + 1 && text.back() == '"')
        return Token::Kind::id;
      return Token::Kind::reserved;
    }
    char c = text[0];
    if (c == '$') {
      if (text.size() > 1) return Token::Kind::id;
      pos_ = begin;
      fail(ErrorCode::empty_identifier);
      return Token::Kind::error;
    }
    if (text == "inf" || text == "nan" || text.starts_with("nan:0x")) return classify_number(text);
    if (c >= 'a' && c <= 'z') return Token::Kind::keyword;
    if (is(c, kDigit) || ((c == '+' || c == '-') && text.size() > 1)) return classify_number(text);
    return Token::Kind::reserved;
  }

  /// $"…": what is no string, or an empty one, makes an empty identifier.
  bool quoted_id(size_t begin) {
    size_t at = pos_;
    if (!string()) {
      if (out_.error_code_ == ErrorCode::malformed_utf8) return false;
      out_.list_.pop_back();
      failed_ = false;
      pos_ = at;
    }
    std::string_view quoted(text_ + at, pos_ - at);
    if (quoted.size() > 2) {
      if (is_utf8(decode_string(quoted))) return true;
      pos_ = begin;
      fail(ErrorCode::malformed_utf8);
      return false;
    }
    pos_ = begin;
    fail(ErrorCode::empty_identifier);
    return false;
  }

  /// An annotation whose "(" is behind us; kept as one token if its kind is known.
  bool annotation(size_t begin) {
    ++pos_;
    std::string id;
    if (pos_ < end_ && text_[pos_] == '"') {
      size_t at = pos_;
      if (!string()) {
        out_.list_.pop_back();
        failed_ = false;
        pos_ = at;
      } else {
        id = decode_string({text_ + at, pos_ - at});
        if (!is_utf8(id)) {
          pos_ = at;
          fail(ErrorCode::malformed_utf8);
          return false;
        }
      }
    } else {
      size_t at = pos_;
      while (pos_ < end_ && is(text_[pos_], kIdChar)) ++pos_;
      id.assign(text_ + at, pos_ - at);
    }
    if (id.empty()) {
      fail(ErrorCode::empty_annotation_id);
      return false;
    }
    if (!annotation_content(begin)) return false;
    if (id == "custom") push(Token::Kind::custom, begin);
    if (id == "name") push(Token::Kind::name, begin);
    if (id == "data_count") push(Token::Kind::data_count, begin);
    if (id == "metadata.code.branch_hint") push(Token::Kind::branch_hint, begin);
    return true;
  }

  bool annotation_content(size_t begin) {
    size_t depth = 1;
    while (depth > 0) {
      if (!skip_space()) return false;
      if (pos_ == end_) {
        if (!truncated_) pos_ = begin;
        fail(ErrorCode::unclosed_annotation);
        return false;
      }
      char c = text_[pos_];
      if (c == '"') {
        if (!string()) return false;
        continue;
      }
      if (c == '(') {
        ++depth;
      } else if (c == ')') {
        --depth;
      } else if (!is(c, kIdChar | kPunct)) {
        fail(ErrorCode::illegal_character);
        return false;
      }
      ++pos_;
    }
    return true;
  }

  Tokens& out_;
  const char* text_;
  size_t pos_;
  size_t end_;
  bool truncated_ = false;  ///< a malformed byte follows end_
  bool failed_ = false;
};

Tokens::Tokens(std::string_view text) : text_(text) {
  line_starts_.push_back(0);
  list_.reserve(text.size() / 8);  // fewer than there usually are
  Lexer(*this, 0, text.size()).run();
}

Tokens::Tokens(const Tokens& parent, const Token& annotation)
    : text_(parent.text_), parent_(&parent) {
  size_t begin = annotation.begin + 2;  // behind "(@"
  if (text_[begin] == '"') {
    ++begin;
    while (text_[begin] != '"') begin += text_[begin] == '\\' ? 2 : 1;
    ++begin;
  } else {
    while (is(text_[begin], kIdChar)) ++begin;
  }
  Lexer(*this, begin, annotation.end - 1).run();
}

Location Tokens::location(uint32_t offset) const {
  if (parent_) return parent_->location(offset);
  auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return Location::at(static_cast<uint32_t>(next - line_starts_.begin()), offset - next[-1] + 1);
}

Location Tokens::location(uint32_t offset, size_t& line) const {
  if (line_starts_[line] <= offset)
    for (size_t tries = 0; tries < 8; ++tries, ++line)
      if (line + 1 == line_starts_.size() || offset < line_starts_[line + 1])
        return Location::at(static_cast<uint32_t>(line + 1), offset - line_starts_[line] + 1);
  Location out = location(offset);
  line = out.line - 1;
  return out;
}

std::string decode_string(std::string_view token) {
  std::string out;
  auto hex = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  for (size_t i = 1; i + 1 < token.size();) {
    size_t plain = std::min(token.find('\\', i), token.size() - 1);
    out.append(token.substr(i, plain - i));
    i = plain + 1;
    if (i + 1 >= token.size()) break;
    char c = token[i++];
    switch (c) {
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case '\\':
      case '\'':
      case '"':
        out.push_back(c);
        break;
      case 'u': {
        uint32_t value = 0;
        for (++i; i < token.size() && token[i] != '}'; ++i)
          if (token[i] != '_') value = value * 16 + static_cast<uint32_t>(hex(token[i]));
        ++i;
        append_utf8(out, value);
        break;
      }
      default:
        out.push_back(static_cast<char>(hex(c) * 16 + hex(token[i++])));
    }
  }
  return out;
}

bool is_nat(std::string_view text) {
  return !text.empty() && classify_number(text) == Token::Kind::nat;
}

bool is_id_text(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is(c, kIdChar); });
}

}  // namespace sedge::wasm
