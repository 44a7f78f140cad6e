// Literals of the text format: exact values from text, and text that gives the value back.
// Spec: text format, section "Values".
#ifndef SEDGE_WASM_TEXT_NUMBER_H_
#define SEDGE_WASM_TEXT_NUMBER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sedge::wasm {

/// The value of an unsigned literal; nothing if `text` is none or the value exceeds `max`.
std::optional<uint64_t> parse_nat(std::string_view text, uint64_t max = UINT64_MAX);

/// Bit pattern of an integer literal of `bits` bits (8 to 64), signed or unsigned; nothing if it is
/// out of range. `text` is a token of kind nat or int_.
std::optional<uint64_t> parse_int(std::string_view text, unsigned bits);

/// Bit pattern of a float literal of 32 or 64 bits, correctly rounded (ties to even); nothing if it
/// rounds to infinity or a NaN payload does not fit. `text` is a number token.
std::optional<uint64_t> parse_float(std::string_view text, unsigned bits);

/// Shortest literal that gives this bit pattern; NaN payloads are kept.
std::string float_text(uint64_t value, unsigned bits);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_NUMBER_H_
