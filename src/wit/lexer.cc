// A hand-written scanner. Only comments and string literals may hold characters beyond ASCII.
#include "wit/lexer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/utf8.h"

namespace sedge::wit {
namespace {

constexpr std::string_view kKeywords[] = {
    "as",       "async",     "bool",  "borrow", "char",   "constructor", "enum",    "error-context",
    "export",   "f32",       "f64",   "flags",  "from",   "func",        "future",  "import",
    "include",  "interface", "list",  "map",    "option", "own",         "package", "record",
    "resource", "result",    "s16",   "s32",    "s64",    "s8",          "static",  "stream",
    "string",   "tuple",     "type",  "u16",    "u32",    "u64",         "u8",      "use",
    "variant",  "with",      "world",
};
static_assert(std::ranges::is_sorted(kKeywords));

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_lower(c) || is_upper(c); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Characters that reorder text, and those that Unicode deprecates or strongly discourages.
bool is_refused(uint32_t c) {
  constexpr std::array<uint32_t, 8> kDeprecated = {0x149,  0x673,  0xf77,  0xf79,
                                                   0x17a3, 0x17a4, 0x17b4, 0x17b5};
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
         std::ranges::find(kDeprecated, c) != kDeprecated.end();
}

/// The code point at the start of well-formed `text`, and its length.
std::pair<uint32_t, size_t> decode_one(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xe0) return {(first & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  if (first < 0xf0) return {(first & 0xf) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f), 3};
  return {(first & 7) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f), 4};
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

bool is_keyword(std::string_view word) { return std::ranges::binary_search(kKeywords, word); }

bool is_label(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return false;
  bool lower = false;
  bool upper = false;
  size_t word = 0;
  for (char c : text) {
    if (c == '-') {
      if (word == 0) return false;
      lower = upper = false;
      word = 0;
      continue;
    }
    lower |= is_lower(c);
    upper |= is_upper(c);
    if ((!is_letter(c) && !is_digit(c)) || (lower && upper)) return false;
    ++word;
  }
  return word != 0;
}

std::string Token::describe() const {
  switch (kind) {
    case TokenKind::end:
      return "the end of the file";
    case TokenKind::name:
      return fmt::format("name `{}`", text);
    case TokenKind::keyword:
      return fmt::format("keyword `{}`", text);
    case TokenKind::integer:
      return fmt::format("number {}", text);
    case TokenKind::string:
      return "a string";
    case TokenKind::punctuation:
      return fmt::format("`{}`", text);
  }
  return {};
}

Lexer::Lexer(const Sources& sources, uint32_t source)
    : sources_(sources), source_(source), text_(sources[source].text) {}

Error Lexer::error(std::string message, ast::Place place) const {
  return sources_.error(ErrorCode::wit_syntax, ": " + std::move(message), place);
}

Result<void> Lexer::check_characters() const {
  if (size_t valid = utf8_valid_prefix(text_); valid != text_.size())
    return fail(error("the file is not UTF-8", here(valid)));
  for (size_t at = 0; at < text_.size();) {
    auto [c, length] = decode_one(text_.substr(at));
    bool control = (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || (c >= 0x7f && c < 0xa0);
    if (control || is_refused(c))
      return fail(error(fmt::format("character U+{:04X} is not allowed in WIT", c), here(at)));
    at += length;
  }
  return {};
}

Result<void> Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    if (is_blank(text_[at_])) {
      ++at_;
      continue;
    }
    bool line = text_.substr(at_).starts_with("//");
    if (!line && !text_.substr(at_).starts_with("/*")) break;
    size_t begin = at_;
    if (line) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      size_t depth = 0;
      do {
        std::string_view rest = text_.substr(at_);
        if (rest.size() < 2) {
          at_ = begin;  // never inside of a character, whoever goes on after the error
          return fail(error("a block comment is not closed", here(begin)));
        }
        bool opens = rest.starts_with("/*");
        bool closes = rest.starts_with("*/");
        if (opens) ++depth;
        if (closes) --depth;
        at_ += opens || closes ? 2 : 1;
      } while (depth != 0);
    }
    if (comments_.empty()) comments_place_ = here(begin);
    comments_.push_back(text_.substr(begin, at_ - begin));
  }
  return {};
}

Result<Token> Lexer::identifier(size_t begin, bool escaped) {
  size_t start = at_;
  while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '-'))
    ++at_;
  std::string_view word = text_.substr(start, at_ - start);
  if (!is_label(word))
    return fail(error(fmt::format("`{}` is no name: names are words of letters and digits, each in "
                                  "one case, joined by single hyphens",
                                  word),
                      here(begin)));
  bool keyword = !escaped && is_keyword(word);
  return Token{keyword ? TokenKind::keyword : TokenKind::name, word, here(begin)};
}

Result<Token> Lexer::string_literal(size_t begin) {
  for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
      ++at_;
    } else if (text_[at_] == '"') {
      ++at_;
      return Token{TokenKind::string, text_.substr(begin, at_ - begin), here(begin)};
    }
  }
  return fail(error("a string is not closed", here(begin)));
}

Result<Token> Lexer::next() {
  comments_.clear();
  SEDGE_TRY(skip_blanks());
  size_t begin = at_;
  if (at_ == text_.size()) return Token{TokenKind::end, {}, here(begin)};
  char c = text_[at_];
  if (c == '%') {
    ++at_;
    return identifier(begin, true);
  }
  if (is_letter(c)) return identifier(begin, false);
  if (c == '"') return string_literal(begin);
  if (is_digit(c)) {
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return Token{TokenKind::integer, text_.substr(begin, at_ - begin), here(begin)};
  }
  if (text_.substr(at_).starts_with("->")) {
    at_ += 2;
  } else if (std::string_view("=,:;(){}[]<>*/.@_").find(c) != std::string_view::npos) {
    ++at_;
  } else {
    auto [code, length] = decode_one(text_.substr(at_));
    return fail(error(fmt::format("character `{}` (U+{:04X}) has no meaning here",
                                  text_.substr(at_, length), code),
                      here(begin)));
  }
  return Token{TokenKind::punctuation, text_.substr(begin, at_ - begin), here(begin)};
}

Result<Version> Lexer::version() {
  SEDGE_TRY(skip_blanks());
  size_t length = version_prefix(text_.substr(at_));
  if (length == 0)
    return fail(error("a version is expected, such as 1.2.3 or 1.2.3-rc.1", here(at_)));
  auto version = parse_version(text_.substr(at_, length));
  at_ += length;
  return *version;
}

std::string documentation(const std::vector<std::string_view>& comments) {
  struct Line {
    std::string_view text;
    bool moves;  ///< loses the indentation that all such lines share
  };
  std::vector<Line> lines;
  for (std::string_view comment : comments) {
    bool block = comment.starts_with("/**") && comment.size() > 4;
    if (block) {
      comment = trim(comment.substr(3, comment.size() - 5));
    } else {
      comment.remove_prefix(std::min(comment.find_first_not_of('/'), comment.size()));
    }
    while (true) {
      size_t end = comment.find('\n');
      std::string_view line = comment.substr(0, end);
      while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
      lines.push_back({line, !block});
      if (end == std::string_view::npos) break;
      comment.remove_prefix(end + 1);
    }
  }
  size_t shared = std::string_view::npos;
  for (const Line& line : lines)
    if (line.moves && !line.text.empty())
      shared = std::min(shared, line.text.find_first_not_of(' '));
  std::string out;
  for (const Line& line : lines) {
    if (&line != lines.data()) out += '\n';
    out += line.moves && !line.text.empty() ? line.text.substr(shared) : line.text;
  }
  return out;
}

}  // namespace sedge::wit
