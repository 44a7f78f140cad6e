// The table of emitters, split in two: rows hold the number of their function instead of its
// address, so that the loader has few addresses to write at every start.
#ifndef SEDGE_BASELINE_COMMON_EMITTER_TABLE_H_
#define SEDGE_BASELINE_COMMON_EMITTER_TABLE_H_

#include "baseline/common/compiler.h"

#if SEDGE_HAVE_BASELINE

#include <array>
#include <cstdint>

namespace sedge::baseline {

struct EmitterTable {
  struct Row {
    uint8_t function = 0;  ///< of `functions`; 0: none
    uint32_t a = 0, b = 0, c = 0;
  };
  std::array<decltype(Emitter::emit), 128> functions{};
  std::array<Row, wasm::kOpCount> rows{};

  consteval void set(Op op, const Emitter& emitter) {
    uint8_t function = 1;
    while (functions.at(function) && functions.at(function) != emitter.emit) ++function;
    functions.at(function) = emitter.emit;
    rows.at(static_cast<size_t>(op)) = {function, emitter.a, emitter.b, emitter.c};
  }
};

}  // namespace sedge::baseline

#endif

#endif  // SEDGE_BASELINE_COMMON_EMITTER_TABLE_H_
