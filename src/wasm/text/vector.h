// The lanes of a v128 literal, in modules and in scripts, where floats may be NaN patterns.
#ifndef SEDGE_WASM_TEXT_VECTOR_H_
#define SEDGE_WASM_TEXT_VECTOR_H_

#include <array>
#include <cstdint>

#include "wasm/text/cursor.h"

namespace sedge::wasm {

struct VectorLanes {
  enum class Nan : uint8_t { none, canonical, arithmetic };
  uint8_t lane_bits = 8;
  bool is_float = false;
  std::array<uint64_t, 16> lanes{};
  std::array<Nan, 16> nans{};

  size_t count() const { return 128 / lane_bits; }
  /// Little-endian; lanes that are patterns are zero.
  std::array<uint8_t, 16> bytes() const;
};

/// `shape lane*`; with `patterns`, float lanes may be nan:canonical and nan:arithmetic.
Result<VectorLanes> vector_lanes(Cursor& cursor, bool patterns);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_VECTOR_H_
