// Numbers are read with from_chars, which knows no locale and never rounds twice.
#include "cli/values.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace sedge::cli {
namespace {

/// An integer of `Int`'s width in signed or unsigned range, as bits.
template <typename UInt>
std::optional<UInt> parse_int(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t magnitude = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  constexpr uint64_t kMax = std::numeric_limits<UInt>::max();
  if (magnitude > (negative ? kMax / 2 + 1 : kMax)) return std::nullopt;
  return static_cast<UInt>(negative ? 0 - magnitude : magnitude);
}

/// A float as bits.
template <typename Float, typename Bits>
std::optional<Bits> parse_float(std::string_view text) {
  constexpr int kMantissa = std::numeric_limits<Float>::digits - 1;
  constexpr Bits kSign = Bits{1} << (sizeof(Bits) * 8 - 1);
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  Bits sign = negative ? kSign : 0;
  Bits infinity = std::bit_cast<Bits>(std::numeric_limits<Float>::infinity());
  if (text == "inf" || text == "infinity") return sign | infinity;
  if (text == "nan") return sign | infinity | Bits{1} << (kMantissa - 1);
  if (text.starts_with("nan:0x")) {
    text.remove_prefix(6);
    Bits payload = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), payload, 16);
    bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || payload == 0 || payload >= Bits{1} << kMantissa) return std::nullopt;
    return sign | infinity | payload;
  }
  auto format = std::chars_format::general;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    format = std::chars_format::hex;
    text.remove_prefix(2);
  }
  bool digit =
      !text.empty() && (std::isxdigit(static_cast<unsigned char>(text[0])) || text[0] == '.');
  Float value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (!digit || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return sign | std::bit_cast<Bits>(value);
}

struct LaneShape {
  std::string_view name;
  uint8_t lanes;
  bool is_float;
};
constexpr LaneShape kShapes[] = {{"i8x16", 16, false}, {"i16x8", 8, false}, {"i32x4", 4, false},
                                 {"i64x2", 2, false},  {"f32x4", 4, true},  {"f64x2", 2, true}};

std::optional<uint64_t> parse_lane(const LaneShape& shape, std::string_view text) {
  switch (shape.lanes) {
    case 16:
      return parse_int<uint8_t>(text);
    case 8:
      return parse_int<uint16_t>(text);
    case 4:
      return shape.is_float ? parse_float<float, uint32_t>(text) : parse_int<uint32_t>(text);
    default:
      return shape.is_float ? parse_float<double, uint64_t>(text) : parse_int<uint64_t>(text);
  }
}

std::optional<Val> parse_vector(std::string_view text) {
  for (const LaneShape& shape : kShapes) {
    if (!text.starts_with(shape.name) || !text.substr(shape.name.size()).starts_with(':')) continue;
    text.remove_prefix(shape.name.size() + 1);
    std::array<uint8_t, 16> bytes{};
    size_t width = 16 / shape.lanes;
    for (size_t lane = 0; lane < shape.lanes; ++lane) {
      size_t comma = text.find(',');
      bool last = lane + 1 == shape.lanes;
      if ((comma == std::string_view::npos) != last) return std::nullopt;
      std::optional<uint64_t> bits = parse_lane(shape, text.substr(0, comma));
      if (!bits) return std::nullopt;
      std::memcpy(bytes.data() + lane * width, &*bits, width);
      if (!last) text.remove_prefix(comma + 1);
    }
    return Val::v128(bytes);
  }
  return std::nullopt;
}

bool is_extern(ValType type) { return type.heap() == HeapType(HeapType::extern_); }

std::optional<Val> parse_reference(Store& store, ValType type, std::string_view text) {
  if (text == "null" && type.nullable()) return Val::null(type.heap());
  if (!is_extern(type)) return std::nullopt;
  if (text.starts_with("extern:")) text.remove_prefix(7);
  std::optional<uint64_t> number = parse_int<uint64_t>(text);
  if (!number) return std::nullopt;
  // The number itself stands for the host's object.
  Result<Val> value = store.make_externref(reinterpret_cast<void*>(*number));  // NOLINT
  if (!value) return std::nullopt;
  return *std::move(value);
}

std::optional<Val> parse_any(Store& store, ValType type, std::string_view text) {
  switch (type.kind()) {
    case ValType::i32:
      if (auto bits = parse_int<uint32_t>(text)) return Val(static_cast<int32_t>(*bits));
      return std::nullopt;
    case ValType::i64:
      if (auto bits = parse_int<uint64_t>(text)) return Val(static_cast<int64_t>(*bits));
      return std::nullopt;
    case ValType::f32:
      if (auto bits = parse_float<float, uint32_t>(text)) return Val::f32_bits(*bits);
      return std::nullopt;
    case ValType::f64:
      if (auto bits = parse_float<double, uint64_t>(text)) return Val::f64_bits(*bits);
      return std::nullopt;
    case ValType::v128:
      return parse_vector(text);
    case ValType::ref:
    case ValType::ref_null:
      return parse_reference(store, type, text);
    default:
      return std::nullopt;
  }
}

std::string_view expectation(ValType type) {
  switch (type.kind()) {
    case ValType::i32:
      return "a whole number from -2147483648 to 4294967295";
    case ValType::i64:
      return "a whole number of at most 64 bits";
    case ValType::f32:
    case ValType::f64:
      return "a number such as 1.5, 0x1p3, inf or nan";
    case ValType::v128:
      return "lanes such as i32x4:1,2,3,4";
    default:
      if (is_extern(type)) return type.nullable() ? "null or a number" : "a number";
      return type.nullable() ? "null is the only reference that can be written here"
                             : "a reference that cannot be null cannot be written here";
  }
}

template <typename Float, typename Bits>
std::string format_float(Float value, Bits bits) {
  if (!std::isnan(value)) return fmt::format("{}", value);
  constexpr int kMantissa = std::numeric_limits<Float>::digits - 1;
  Bits payload = bits & ((Bits{1} << kMantissa) - 1);
  const char* sign = std::signbit(value) ? "-" : "";
  if (payload == Bits{1} << (kMantissa - 1)) return fmt::format("{}nan", sign);
  return fmt::format("{}nan:0x{:x}", sign, payload);
}

}  // namespace

Result<Val> parse_value(Store& store, ValType type, std::string_view text, std::string_view where) {
  if (std::optional<Val> value = parse_any(store, type, text)) return *std::move(value);
  return fail(ErrorCode::bad_argument, fmt::format(" `{}` for {} ({}): {}", text, where,
                                                   to_string(type), expectation(type)));
}

std::string format_value(const Store& store, const Val& value) {
  switch (value.type().kind()) {
    case ValType::i32:
      return fmt::format("{}", value.i32());
    case ValType::i64:
      return fmt::format("{}", value.i64());
    case ValType::f32:
      return format_float(value.f32(), static_cast<uint32_t>(value.low()));
    case ValType::f64:
      return format_float(value.f64(), value.low());
    case ValType::v128:
      return fmt::format("i32x4:{},{},{},{}", static_cast<int32_t>(value.low()),
                         static_cast<int32_t>(value.low() >> 32),
                         static_cast<int32_t>(value.high()),
                         static_cast<int32_t>(value.high() >> 32));
    default:
      break;
  }
  if (value.is_null()) return "null";
  if (is_extern(value.type()))
    return fmt::format("extern:{}", reinterpret_cast<uintptr_t>(store.externref_value(value)));
  HeapType heap = value.type().heap();
  bool function = !heap.is_index() && heap.abstract() == HeapType::func;
  return function ? "func" : fmt::format("ref ({})", to_string(value.type()));
}

}  // namespace sedge::cli
