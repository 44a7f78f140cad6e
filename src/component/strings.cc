// See strings.h.
#include "component/strings.h"

#include <algorithm>

#include "base/utf8.h"
#include "component/instance.h"

namespace sedge::component {

Result<void> check_utf8(std::span<const uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const size_t valid = utf8_valid_prefix(text);
  if (valid == text.size()) [[likely]]
    return {};
  const uint8_t first = bytes[valid];
  const size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
  const bool cut =
      first >= 0xc2 && first < 0xf5 && bytes.size() - valid < wanted &&
      std::ranges::all_of(
          bytes.subspan(valid + 1), [](uint8_t byte) { return (byte & 0xc0) == 0x80; });
  return trap(cut ? "invalid utf-8: incomplete utf-8 byte sequence" : "invalid utf-8");
}

Result<void> check_utf16(std::span<const uint8_t> bytes) {
  if (!utf8_from_utf16(bytes)) return trap("invalid utf-16: unpaired surrogate");
  return {};
}

std::u32string code_points(std::string_view utf8) {
  std::u32string out;
  out.reserve(utf8.size());
  for (size_t i = 0; i < utf8.size();) {
    auto first = static_cast<uint8_t>(utf8[i]);
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    char32_t point = size == 1 ? first : first & (0x7f >> size);
    for (size_t k = 1; k < size && i + k < utf8.size(); ++k)
      point = point << 6 | (static_cast<uint8_t>(utf8[i + k]) & 0x3f);
    out.push_back(point);
    i += size;
  }
  return out;
}

uint64_t utf16_length(std::string_view utf8) {
  uint64_t units = 0;
  for (char c : utf8) {
    const auto byte = static_cast<uint8_t>(c);
    units += ((byte & 0xc0) != 0x80) + (byte >= 0xf0);
  }
  return units;
}

std::optional<uint64_t> latin1_length(std::string_view utf8) {
  uint64_t units = 0;
  for (char c : utf8) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0xc4) return std::nullopt;
    units += (byte & 0xc0) != 0x80;
  }
  return units;
}

std::optional<std::string> utf8_from_utf16(std::span<const uint8_t> bytes) {
  std::string out;
  out.reserve(bytes.size() / 2);
  auto unit = [&](size_t i) { return static_cast<uint32_t>(bytes[i] | bytes[i + 1] << 8); };
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    uint32_t point = unit(i);
    if (point >= 0xdc00 && point <= 0xdfff) return std::nullopt;
    if (point >= 0xd800 && point <= 0xdbff) {
      if (i + 3 >= bytes.size()) return std::nullopt;
      uint32_t low = unit(i + 2);
      if (low < 0xdc00 || low > 0xdfff) return std::nullopt;
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      i += 2;
    }
    append_utf8(out, point);
  }
  return out;
}

std::string utf8_from_latin1(std::span<const uint8_t> bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (uint8_t byte : bytes) append_utf8(out, byte);
  return out;
}

std::vector<uint8_t> utf16_from(std::u32string_view text) {
  std::vector<uint8_t> out;
  out.reserve(2 * text.size());
  auto unit = [&](uint32_t value) {
    out.push_back(static_cast<uint8_t>(value));
    out.push_back(static_cast<uint8_t>(value >> 8));
  };
  for (char32_t point : text) {
    if (point < 0x10000) {
      unit(point);
    } else {
      unit(0xd800 + ((point - 0x10000) >> 10));
      unit(0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
  return out;
}

}  // namespace sedge::component
