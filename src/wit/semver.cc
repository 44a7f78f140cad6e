// Reading and ordering versions (semver.org, items 2 and 9 to 11).
#include "wit/semver.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace sedge::wit {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_identifier(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}
bool is_numeric(std::string_view text) { return std::ranges::all_of(text, is_digit); }

/// Length of the number at the start of `text`: no leading zero, fits 64 bits.
size_t number_prefix(std::string_view text, uint64_t* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  auto length = static_cast<size_t>(end - text.data());
  if (error != std::errc() || length == 0 || (length > 1 && text[0] == '0')) return 0;
  return length;
}

/// Length of dot-separated identifiers at the start of `text`.
size_t identifiers_prefix(std::string_view text, bool numbers_are_canonical) {
  size_t at = 0;
  while (true) {
    size_t begin = at;
    while (at < text.size() && is_identifier(text[at])) ++at;
    std::string_view word = text.substr(begin, at - begin);
    if (word.empty()) return begin == 0 ? 0 : begin - 1;
    if (numbers_are_canonical && word.size() > 1 && word[0] == '0' && is_numeric(word)) return 0;
    if (at == text.size() || text[at] != '.') return at;
    ++at;
  }
}

/// The version at the start of `text`, and its length.
std::pair<Version, size_t> read(std::string_view text) {
  Version out;
  size_t at = 0;
  for (uint64_t* part : {&out.major, &out.minor, &out.patch}) {
    if (part != &out.major) {
      if (at >= text.size() || text[at] != '.') return {out, 0};
      ++at;
    }
    size_t length = number_prefix(text.substr(at), part);
    if (length == 0) return {out, 0};
    at += length;
  }
  if (at < text.size() && text[at] == '-') {
    size_t length = identifiers_prefix(text.substr(at + 1), true);
    if (length == 0) return {out, 0};
    out.pre = text.substr(at + 1, length);
    at += 1 + length;
  }
  if (at < text.size() && text[at] == '+') {
    size_t length = identifiers_prefix(text.substr(at + 1), false);
    if (length == 0) return {out, 0};
    out.build = text.substr(at + 1, length);
    at += 1 + length;
  }
  return {out, at};
}

std::string_view take_word(std::string_view* text) {
  size_t dot = text->find('.');
  std::string_view word = text->substr(0, dot);
  *text = dot == std::string_view::npos ? std::string_view() : text->substr(dot + 1);
  return word;
}

std::strong_ordering compare_identifiers(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    std::string_view x = take_word(&a);
    std::string_view y = take_word(&b);
    bool numeric = is_numeric(x);
    if (numeric != is_numeric(y))
      return numeric ? std::strong_ordering::less : std::strong_ordering::greater;
    if (numeric && x.size() != y.size()) return x.size() <=> y.size();
    if (auto order = x <=> y; order != 0) return order;
  }
  return !a.empty() <=> !b.empty();
}

}  // namespace

std::strong_ordering Version::operator<=>(const Version& other) const {
  if (auto order = major <=> other.major; order != 0) return order;
  if (auto order = minor <=> other.minor; order != 0) return order;
  if (auto order = patch <=> other.patch; order != 0) return order;
  if (pre.empty() != other.pre.empty()) return pre.empty() <=> other.pre.empty();
  if (auto order = compare_identifiers(pre, other.pre); order != 0) return order;
  return build <=> other.build;
}

std::string Version::to_string() const {
  std::string out = fmt::format("{}.{}.{}", major, minor, patch);
  if (!pre.empty()) out += "-" + pre;
  if (!build.empty()) out += "+" + build;
  return out;
}

std::string Version::compatible_track() const {
  if (!pre.empty()) return to_string();
  if (major != 0) return fmt::format("{}", major);
  if (minor != 0) return fmt::format("0.{}", minor);
  return fmt::format("0.0.{}", patch);
}

std::optional<Version> parse_version(std::string_view text) {
  auto [version, length] = read(text);
  if (length == 0 || length != text.size()) return std::nullopt;
  return version;
}

size_t version_prefix(std::string_view text) { return read(text).second; }

}  // namespace sedge::wit
