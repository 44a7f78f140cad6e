// A push-down automaton over the grammar of RFC 8259; its stack holds one bit per open container.
#include "base/json_scan.h"

#include <vector>

#include "base/utf8.h"

namespace sedge {
namespace {

constexpr size_t kNone = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

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

}  // namespace sedge
