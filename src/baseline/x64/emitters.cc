// Emitters by operator, from emitters.def.
#include "baseline/common/emitter_table.h"
#include "baseline/x64/emit.h"

#if defined(__x86_64__)

namespace sedge::baseline {

namespace x64 {
namespace {

template <typename T>
constexpr uint32_t n(T value) {
  return static_cast<uint32_t>(value);
}
constexpr uint32_t ins(uint8_t prefix, uint8_t map, uint8_t code) {
  return pack({prefix, map, code});
}

constexpr EmitterTable kEmitters = [] {
  EmitterTable table;
#define SEDGE_EMIT(op, function, a, b, c) table.set(Op::op, {&function, a, b, c});
#include "baseline/x64/emitters.def"
#undef SEDGE_EMIT
  return table;
}();
constexpr auto kFunctions = kEmitters.functions;
constexpr auto kRows = kEmitters.rows;

}  // namespace
}  // namespace x64

Emitter emitter(Op op) {
  const EmitterTable::Row& row = x64::kRows[static_cast<size_t>(op)];
  return {x64::kFunctions[row.function], row.a, row.b, row.c};
}

}  // namespace sedge::baseline

#endif
