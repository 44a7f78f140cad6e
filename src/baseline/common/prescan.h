// A first look at a body: which locals are worth a register, what loops read and write, whether
// there are calls. Reads instructions only; types nothing.
#ifndef SEDGE_BASELINE_COMMON_PRESCAN_H_
#define SEDGE_BASELINE_COMMON_PRESCAN_H_

#include <cstdint>
#include <vector>

#include <sedge/error.h>

#include "wasm/module.h"
#include "wasm/op.h"

namespace sedge::baseline {

/// Sets of locals: bit n local n, the last bit every local from 63 on.
using LocalSet = uint64_t;
constexpr LocalSet local_bit(uint32_t local) { return LocalSet{1} << (local < 63 ? local : 63); }

struct LoopInfo {
  LocalSet used = 0;     ///< read or written inside
  LocalSet written = 0;  ///< written inside
  bool calls = false;    ///< something inside gives up registers
};

struct Prescan {
  std::vector<uint32_t> weights;  ///< by local: uses, those in loops many times
  std::vector<LoopInfo> loops;    ///< by ordinal of the loop operator
  bool calls = false;             ///< calls of wasm functions
};

Result<Prescan> prescan(const wasm::Func& func, uint32_t local_count);

}  // namespace sedge::baseline

#endif  // SEDGE_BASELINE_COMMON_PRESCAN_H_
