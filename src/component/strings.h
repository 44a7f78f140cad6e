// Conversions between the encodings of strings in the canonical ABI.
#ifndef SEDGE_COMPONENT_STRINGS_H_
#define SEDGE_COMPONENT_STRINGS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

namespace sedge::component {

/// Whether bytes are well-formed. Error: component_trap.
Result<void> check_utf8(std::span<const uint8_t> bytes);
Result<void> check_utf16(std::span<const uint8_t> bytes);
/// Code points of a text in UTF-8, which must be well-formed.
std::u32string code_points(std::string_view utf8);
/// How many code units it has in UTF-16.
uint64_t utf16_length(std::string_view utf8);
/// How many bytes it has in Latin-1; nothing if there are characters beyond.
std::optional<uint64_t> latin1_length(std::string_view utf8);
/// Little-endian UTF-16 → UTF-8; nothing for unpaired surrogates.
std::optional<std::string> utf8_from_utf16(std::span<const uint8_t> bytes);
std::string utf8_from_latin1(std::span<const uint8_t> bytes);
std::vector<uint8_t> utf16_from(std::u32string_view text);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_STRINGS_H_
