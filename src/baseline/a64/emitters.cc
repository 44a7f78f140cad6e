// Emitters by operator, from emitters.def.
#include "baseline/a64/emit.h"
#include "baseline/common/emitter_table.h"

#if defined(__aarch64__)

namespace sedge::baseline {

namespace a64 {
namespace {

template <typename T>
constexpr uint32_t n(T value) {
  return static_cast<uint32_t>(value);
}

constexpr EmitterTable kEmitters = [] {
  EmitterTable table;
#define SEDGE_EMIT(op, function, a, b, c) table.set(Op::op, {&function, a, b, c});
#include "baseline/a64/emitters.def"
#undef SEDGE_EMIT
  return table;
}();
constexpr auto kFunctions = kEmitters.functions;
constexpr auto kRows = kEmitters.rows;

}  // namespace
}  // namespace a64

Emitter emitter(Op op) {
  const EmitterTable::Row& row = a64::kRows[static_cast<size_t>(op)];
  return {a64::kFunctions[row.function], row.a, row.b, row.c};
}

}  // namespace sedge::baseline

#endif
