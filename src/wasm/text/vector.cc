// Lanes of v128 literals. Spec: text format, section "Vector Instructions".
#include "wasm/text/vector.h"

#include <fmt/format.h>

#include "wasm/text/keyword.h"
#include "wasm/text/number.h"

namespace sedge::wasm {
namespace {

struct ShapeName {
  std::string_view word;
  uint8_t lane_bits;
  bool is_float;
};
constexpr ShapeName kShapes[] = {{"i8x16", 8, false},  {"i16x8", 16, false}, {"i32x4", 32, false},
                                 {"i64x2", 64, false}, {"f32x4", 32, true},  {"f64x2", 64, true}};

VectorLanes::Nan nan_pattern(const Cursor& cursor, size_t ahead) {
  if (cursor.at_keyword("nan:canonical", ahead)) return VectorLanes::Nan::canonical;
  if (cursor.at_keyword("nan:arithmetic", ahead)) return VectorLanes::Nan::arithmetic;
  return VectorLanes::Nan::none;
}

}  // namespace

std::array<uint8_t, 16> VectorLanes::bytes() const {
  std::array<uint8_t, 16> out{};
  size_t width = lane_bits / 8;
  for (size_t i = 0; i < 16; ++i)
    out[i] = static_cast<uint8_t>(lanes[i / width] >> (8 * (i % width)));
  return out;
}

Result<VectorLanes> vector_lanes(Cursor& cursor, bool patterns) {
  const ShapeName* shape = nullptr;
  for (const ShapeName& row : kShapes)
    if (cursor.at_keyword(row.word)) shape = &row;
  if (!shape) return cursor.unexpected_token();
  cursor.advance();
  VectorLanes out;
  out.lane_bits = shape->lane_bits;
  out.is_float = shape->is_float;
  auto is_pattern = [&](size_t ahead) {
    return patterns && out.is_float && nan_pattern(cursor, ahead) != VectorLanes::Nan::none;
  };
  size_t count = 0;
  while (cursor.peek(count).is_number() || is_pattern(count)) ++count;
  if (count != out.count()) {
    // A word that no grammar knows is the better explanation of a lane that is missing.
    Token::Kind next = cursor.kind(count);
    if (next == Token::Kind::reserved || next == Token::Kind::error ||
        (next == Token::Kind::keyword && !is_known_keyword(cursor.text(count))))
      return cursor.unexpected_token(count);
    return cursor.error(ErrorCode::wrong_lane_count);
  }
  for (size_t i = 0; i < count; ++i, cursor.advance()) {
    if (is_pattern(0)) {
      out.nans[i] = nan_pattern(cursor, 0);
      continue;
    }
    std::optional<uint64_t> lane;
    if (out.is_float) {
      lane = parse_float(cursor.text(), out.lane_bits);
    } else if (cursor.at(Token::Kind::float_)) {
      return cursor.unexpected_token();
    } else {
      lane = parse_int(cursor.text(), out.lane_bits);
    }
    if (!lane)
      return cursor.error(ErrorCode::constant_out_of_range, fmt::format(" {}", cursor.text()));
    out.lanes[i] = *lane;
  }
  return out;
}

}  // namespace sedge::wasm
