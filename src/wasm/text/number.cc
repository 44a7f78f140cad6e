// Number literals. Decimal floats go through std::from_chars, which rounds correctly; hexadecimal
// ones are gathered into 64 bits with a sticky bit and rounded once.
#include "wasm/text/number.h"

#include <bit>
#include <charconv>

#include <fmt/format.h>

namespace sedge::wasm {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Takes a sign off the front; true for minus.
bool take_sign(std::string_view& text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  return negative;
}

struct Format {
  int precision;  ///< significant bits with the hidden one
  int min_exponent;
  uint64_t infinity;
  uint64_t sign;
};
constexpr Format kFloat{24, -126, 0x7f800000, uint64_t{1} << 31};
constexpr Format kDouble{53, -1022, 0x7ff0000000000000, uint64_t{1} << 63};

/// mantissa × 2^exponent (a little more if `sticky`), rounded to nearest, ties to even.
std::optional<uint64_t> round(uint64_t mantissa, int64_t exponent, bool sticky,
                              const Format& format) {
  if (mantissa == 0) return 0;
  int lead = std::countl_zero(mantissa);
  mantissa <<= lead;
  int64_t scale = exponent - lead + 63;  // the value is in [2^scale, 2^(scale + 1))
  if (scale > -2 * format.min_exponent) return std::nullopt;
  int64_t shift = 64 - format.precision;
  if (scale < format.min_exponent) shift += format.min_exponent - scale;
  if (shift > 64) return 0;
  uint64_t kept = shift == 64 ? 0 : mantissa >> shift;
  uint64_t rest = shift == 64 ? mantissa : mantissa << (64 - shift);
  constexpr uint64_t kHalf = uint64_t{1} << 63;
  if (rest > kHalf || (rest == kHalf && (sticky || (kept & 1)))) ++kept;
  // The hidden bit in `kept` adds the one that biased exponents of normal numbers begin with.
  if (scale >= format.min_exponent)
    kept += static_cast<uint64_t>(scale - format.min_exponent) << (format.precision - 1);
  if (kept >= format.infinity) return std::nullopt;
  return kept;
}

std::optional<uint64_t> parse_hex(std::string_view text, const Format& format) {
  uint64_t mantissa = 0;
  int64_t exponent = 0;
  bool sticky = false;
  bool fraction = false;
  size_t i = 0;
  for (; i < text.size() && (text[i] | 0x20) != 'p'; ++i) {
    if (text[i] == '_') continue;
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    auto digit = static_cast<uint64_t>(digit_value(text[i]));
    if (mantissa >> 60 == 0) {
      mantissa = mantissa << 4 | digit;
      if (fraction) exponent -= 4;
    } else {
      sticky |= digit != 0;
      if (!fraction) exponent += 4;
    }
  }
  if (i < text.size()) {
    std::string_view power = text.substr(i + 1);
    bool negative = take_sign(power);
    constexpr int64_t kFar = int64_t{1} << 48;  // beyond what digits of any input make up for
    int64_t value = 0;
    for (char c : power)
      if (c != '_' && value < kFar) value = value * 10 + digit_value(c);
    exponent += negative ? -value : value;
  }
  return round(mantissa, exponent, sticky, format);
}

/// Whether a decimal literal is below one, for telling overflow from underflow.
bool is_small(std::string_view text) {
  int64_t point =
      0;  // decimal exponent of the digit before the point, counted from the first digit
  bool seen = false;
  bool fraction = false;
  size_t i = 0;
  for (; i < text.size() && (text[i] | 0x20) != 'e'; ++i) {
    if (text[i] == '.') {
      fraction = true;
    } else if (text[i] != '0' || seen) {
      seen = true;
      if (!fraction) ++point;
    } else if (fraction) {
      --point;
    }
  }
  if (i < text.size()) {
    std::string_view power = text.substr(i + 1);
    bool negative = take_sign(power);
    int64_t value = 0;
    for (char c : power)
      if (value < int64_t{1} << 48) value = value * 10 + digit_value(c);
    point += negative ? -value : value;
  }
  return point <= 0;
}

template <typename T, typename Bits>
std::optional<uint64_t> parse_decimal(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (char c : text)
    if (c != '_') plain.push_back(c);
  T value = 0;
  auto result = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  if (result.ec == std::errc::result_out_of_range)
    return is_small(plain) ? std::optional<uint64_t>(0) : std::nullopt;
  return std::bit_cast<Bits>(value);
}

}  // namespace

std::optional<uint64_t> parse_nat(std::string_view text, uint64_t max) {
  unsigned base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  }
  if (text.empty() || text.front() == '_' || text.back() == '_') return std::nullopt;
  uint64_t value = 0;
  for (char c : text) {
    if (c == '_') continue;
    const int found = digit_value(c);
    if (found < 0 || found >= static_cast<int>(base)) return std::nullopt;
    const auto digit = static_cast<uint64_t>(found);
    if (digit > max || value > (max - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

std::optional<uint64_t> parse_int(std::string_view text, unsigned bits) {
  bool negative = take_sign(text);
  uint64_t mask = UINT64_MAX >> (64 - bits);
  uint64_t limit = negative ? uint64_t{1} << (bits - 1) : mask;
  std::optional<uint64_t> value = parse_nat(text, limit);
  if (!value) return std::nullopt;
  return (negative ? ~*value + 1 : *value) & mask;
}

std::optional<uint64_t> parse_float(std::string_view text, unsigned bits) {
  const Format& format = bits == 32 ? kFloat : kDouble;
  uint64_t sign = take_sign(text) ? format.sign : 0;
  std::optional<uint64_t> value;
  if (text == "inf") {
    value = format.infinity;
  } else if (text == "nan") {
    value = format.infinity | uint64_t{1} << (format.precision - 2);
  } else if (text.starts_with("nan:")) {
    value = parse_nat(text.substr(4), (uint64_t{1} << (format.precision - 1)) - 1);
    if (value) value = *value == 0 ? std::nullopt : std::optional(*value | format.infinity);
  } else if (text.starts_with("0x")) {
    value = parse_hex(text.substr(2), format);
  } else {
    value =
        bits == 32 ? parse_decimal<float, uint32_t>(text) : parse_decimal<double, uint64_t>(text);
  }
  if (!value) return std::nullopt;
  return *value | sign;
}

std::string float_text(uint64_t value, unsigned bits) {
  const Format& format = bits == 32 ? kFloat : kDouble;
  std::string_view sign = (value & format.sign) != 0 ? "-" : "";
  uint64_t magnitude = value & (format.sign - 1);
  if (magnitude == format.infinity) return fmt::format("{}inf", sign);
  if (magnitude > format.infinity) {
    uint64_t payload = magnitude ^ format.infinity;
    if (payload == uint64_t{1} << (format.precision - 2)) return fmt::format("{}nan", sign);
    return fmt::format("{}nan:0x{:x}", sign, payload);
  }
  // The shortest digits that are read back as this value.
  return bits == 32
             ? fmt::format("{}{}", sign, std::bit_cast<float>(static_cast<uint32_t>(magnitude)))
             : fmt::format("{}{}", sign, std::bit_cast<double>(magnitude));
}

}  // namespace sedge::wasm
