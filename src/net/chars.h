// Character classes of HTTP (RFC 9110 section 5.6, RFC 9112 section 2) as one table.
#ifndef SEDGE_NET_CHARS_H_
#define SEDGE_NET_CHARS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace sedge::net {

namespace chars_detail {
inline constexpr uint8_t kToken = 1, kField = 2, kTarget = 4;

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> table{};
  for (int c = 0; c < 256; ++c) {
    bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    bool mark = c < 128 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                               std::string_view::npos;
    if (alnum || (c != 0 && mark)) table[c] |= kToken;
    // VCHAR, SP, HTAB and obs-text; never another control character.
    if ((c >= 0x20 && c != 0x7f) || c == '\t') table[c] |= kField;
    // Visible ASCII but '#': a request-target has no fragment.
    if (c > 0x20 && c < 0x7f && c != '#') table[c] |= kTarget;
  }
  return table;
}
inline constexpr std::array<uint8_t, 256> kClasses = make_classes();
}  // namespace chars_detail

inline bool is_token_char(char c) {
  return (chars_detail::kClasses[static_cast<uint8_t>(c)] & chars_detail::kToken) != 0;
}
inline bool is_field_char(char c) {
  return (chars_detail::kClasses[static_cast<uint8_t>(c)] & chars_detail::kField) != 0;
}
inline bool is_target_char(char c) {
  return (chars_detail::kClasses[static_cast<uint8_t>(c)] & chars_detail::kTarget) != 0;
}
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
/// Value of a hexadecimal digit, or -1.
inline int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
/// Whether `a` is `lower`, which is lower case, in whatever case.
inline bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return to_lower(x) == y; });
}
/// Without the spaces and tabs at both ends (OWS).
inline std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace sedge::net

#endif  // SEDGE_NET_CHARS_H_
