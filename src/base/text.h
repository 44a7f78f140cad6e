// String literals in tables.
#ifndef SEDGE_BASE_TEXT_H_
#define SEDGE_BASE_TEXT_H_

#include <cstddef>
#include <string_view>

#include <fmt/format.h>

namespace sedge {

/// A string literal in half the space of a string_view. The loader writes to every page of a table
/// that has addresses in it, at every start, so tables of literals are kept small. What follows a
/// zero within the literal is not seen.
class Text {
 public:
  constexpr Text() = default;
  template <size_t N>
  consteval Text(const char (&literal)[N]) noexcept  // NOLINT(google-explicit-constructor)
      : data_(N == 1 ? nullptr : static_cast<const char*>(literal)) {}

  constexpr std::string_view view() const { return data_ ? data_ : std::string_view(); }
  constexpr operator std::string_view() const { return view(); }  // NOLINT
  constexpr bool empty() const { return !data_; }

  friend constexpr bool operator==(Text left, Text right) { return left.view() == right.view(); }

 private:
  const char* data_ = nullptr;
};

}  // namespace sedge

template <>
struct fmt::formatter<sedge::Text> : fmt::formatter<std::string_view> {
  auto format(sedge::Text text, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(text.view(), context);
  }
};

#endif  // SEDGE_BASE_TEXT_H_
