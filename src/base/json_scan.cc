// A push-down automaton over the grammar of RFC 8259; its stack holds one bit per open container.
// What takes values apart relies on it having accepted them.
#include "base/json_scan.h"

#include <charconv>
#include <cstdint>

#include "base/utf8.h"

namespace sedge {
namespace {

constexpr size_t kNone = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

size_t skip_space(std::string_view bytes, size_t at) {
  while (at < bytes.size() &&
         (bytes[at] == ' ' || bytes[at] == '\n' || bytes[at] == '\t' || bytes[at] == '\r'))
    ++at;
  return at;
}

// Each of these takes the position of a token's first byte and returns the one after its last, or
// kNone.
size_t scan_string(std::string_view bytes, size_t at) {
  size_t begin = ++at;
  while (at < bytes.size()) {
    char c = bytes[at];
    if (c == '"') return is_utf8(bytes.substr(begin, at - begin)) ? at + 1 : kNone;
    if (static_cast<unsigned char>(c) < 0x20) return kNone;
    if (c != '\\') {
      ++at;
      continue;
    }
    if (at + 1 >= bytes.size()) return kNone;
    char escape = bytes[at + 1];
    at += 2;
    if (escape == 'u') {
      for (int i = 0; i < 4; ++i, ++at)
        if (at >= bytes.size() || !is_hex(bytes[at])) return kNone;
    } else if (std::string_view("\"\\/bfnrt").find(escape) == kNone) {
      return kNone;
    }
  }
  return kNone;
}

size_t scan_number(std::string_view bytes, size_t at) {
  auto digits = [&] {
    size_t begin = at;
    while (at < bytes.size() && is_digit(bytes[at])) ++at;
    return at > begin;
  };
  if (bytes[at] == '-') ++at;
  if (at < bytes.size() && bytes[at] == '0')
    ++at;
  else if (!digits())
    return kNone;
  if (at < bytes.size() && bytes[at] == '.') {
    ++at;
    if (!digits()) return kNone;
  }
  if (at < bytes.size() && (bytes[at] == 'e' || bytes[at] == 'E')) {
    ++at;
    if (at < bytes.size() && (bytes[at] == '+' || bytes[at] == '-')) ++at;
    if (!digits()) return kNone;
  }
  return at;
}

size_t scan_scalar(std::string_view bytes, size_t at) {
  char c = bytes[at];
  if (c == '"') return scan_string(bytes, at);
  if (c == '-' || is_digit(c)) return scan_number(bytes, at);
  for (std::string_view word : {"true", "false", "null"})
    if (bytes.substr(at).starts_with(word)) return at + word.size();
  return kNone;
}

}  // namespace

size_t json_value_size(std::string_view bytes) {
  std::vector<bool> open;  // true: an object
  size_t at = 0;
  for (;;) {
    // Here a value begins.
    at = skip_space(bytes, at);
    if (at >= bytes.size()) return 0;
    char c = bytes[at];
    bool opened = c == '{' || c == '[';
    if (opened) {
      open.push_back(c == '{');
      at = skip_space(bytes, at + 1);
    } else {
      at = scan_scalar(bytes, at);
      if (at == kNone) return 0;
      if (open.empty()) return at;
      at = skip_space(bytes, at);
    }
    // Close what ends here; then a comma leads to the next value, or the first one follows.
    while (at < bytes.size() && bytes[at] == (open.back() ? '}' : ']')) {
      open.pop_back();
      ++at;
      opened = false;
      if (open.empty()) return at;
      at = skip_space(bytes, at);
    }
    if (at >= bytes.size()) return 0;
    if (!opened) {
      if (bytes[at] != ',') return 0;
      at = skip_space(bytes, at + 1);
      if (at >= bytes.size()) return 0;
    }
    if (open.back()) {
      if (bytes[at] != '"') return 0;
      at = scan_string(bytes, at);
      if (at == kNone) return 0;
      at = skip_space(bytes, at);
      if (at >= bytes.size() || bytes[at] != ':') return 0;
      ++at;
    }
  }
}

bool is_json(std::string_view text) {
  size_t size = json_value_size(text);
  return size > 0 && skip_space(text, size) == text.size();
}

namespace {

// Steps over the elements of a container of valid JSON: calls `each` with every value's text, after
// `before` has taken what stands in front of it.
template <typename Before, typename Each>
void walk(std::string_view text, Before before, Each each) {
  size_t at = skip_space(text, 1);
  while (text[at] != '}' && text[at] != ']') {
    at = before(at);
    at = skip_space(text, at);
    size_t size = json_value_size(text.substr(at));
    each(text.substr(at, size));
    at = skip_space(text, at + size);
    if (text[at] == ',') at = skip_space(text, at + 1);
  }
}

std::string_view without_space(std::string_view text) { return text.substr(skip_space(text, 0)); }

uint32_t hex4(std::string_view digits) {
  uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + 4, value, 16);
  return value;
}

}  // namespace

std::optional<std::vector<JsonMember>> json_members(std::string_view text) {
  text = without_space(text);
  if (!text.starts_with('{')) return std::nullopt;
  std::vector<JsonMember> members;
  walk(
      text,
      [&](size_t at) {
        size_t end = scan_string(text, at);
        members.push_back({*json_string(text.substr(at, end - at)), {}});
        return skip_space(text, end) + 1;  // the colon
      },
      [&](std::string_view value) { members.back().value = value; });
  return members;
}

std::optional<std::vector<std::string_view>> json_elements(std::string_view text) {
  text = without_space(text);
  if (!text.starts_with('[')) return std::nullopt;
  std::vector<std::string_view> elements;
  walk(
      text, [](size_t at) { return at; },
      [&](std::string_view value) { elements.push_back(value); });
  return elements;
}

std::optional<std::string> json_string(std::string_view text) {
  text = without_space(text);
  if (!text.starts_with('"')) return std::nullopt;
  std::string out;
  for (size_t at = 1; text[at] != '"'; ++at) {
    if (text[at] != '\\') {
      out += text[at];
      continue;
    }
    switch (char escape = text[++at]) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        uint32_t code = hex4(text.substr(at + 1));
        at += 4;
        bool high = code >= 0xd800 && code < 0xdc00;
        if (high && text.substr(at + 1).starts_with("\\u")) {
          uint32_t low = hex4(text.substr(at + 3));
          if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            at += 6;
          }
        }
        append_utf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
        break;
      }
      default:
        out += escape;
        break;
    }
  }
  return out;
}

std::optional<double> json_number(std::string_view text) {
  text = without_space(text);
  double value = 0;
  if (text.empty() || !(text[0] == '-' || is_digit(text[0]))) return std::nullopt;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

}  // namespace sedge
