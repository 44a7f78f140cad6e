#include "baseline/common/prescan.h"

#include <algorithm>

namespace sedge::baseline {

namespace {

/// Operators whose code calls a function, so that no register outlives them.
bool is_call(wasm::Op op) {
  using wasm::Op;
  switch (op) {
    case Op::call:
    case Op::call_indirect:
    case Op::call_ref:
    case Op::memory_grow:
    case Op::memory_fill:
    case Op::memory_copy:
    case Op::memory_init:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<Prescan> prescan(const wasm::Func& func, uint32_t local_count) {
  using wasm::Op;
  struct Open {
    bool loop;
    uint32_t ordinal;
  };
  constexpr uint32_t kMaxDepth = 5;
  Prescan out;
  out.weights.resize(local_count);
  std::vector<Open> open;
  uint32_t weight = 1, depth = 0;
  uint32_t innermost = UINT32_MAX;
  wasm::Instr in;
  wasm::InstrReader reader(func.body.bytes, func.body.offset);
  while (!reader.at_end()) {
    SEDGE_TRY(reader.next(in));
    switch (in.op) {
      case Op::local_get:
      case Op::local_set:
      case Op::local_tee: {
        uint32_t& total = out.weights[in.index];
        total = total > UINT32_MAX - weight ? UINT32_MAX : total + weight;
        if (innermost != UINT32_MAX) {
          LoopInfo& loop = out.loops[innermost];
          loop.used |= local_bit(in.index);
          if (in.op != Op::local_get) loop.written |= local_bit(in.index);
        }
        break;
      }
      case Op::loop:
        open.push_back({true, innermost});  // what is around it, for its end
        innermost = static_cast<uint32_t>(out.loops.size());
        out.loops.emplace_back();
        if (depth++ < kMaxDepth) weight *= 8;
        break;
      case Op::block:
      case Op::if_:
      case Op::try_:
      case Op::try_table:
        open.push_back({false, 0});
        break;
      case Op::delegate:
      case Op::end:
        if (open.empty()) break;  // of the function
        if (open.back().loop) {
          const LoopInfo inner = out.loops[innermost];
          innermost = open.back().ordinal;
          if (innermost != UINT32_MAX) {
            LoopInfo& outer = out.loops[innermost];
            outer.used |= inner.used;
            outer.written |= inner.written;
            outer.calls |= inner.calls;
          }
          if (--depth < kMaxDepth) weight /= 8;
        }
        open.pop_back();
        break;
      default:
        if (is_call(in.op)) {
          out.calls |= in.op == Op::call || in.op == Op::call_indirect || in.op == Op::call_ref;
          if (innermost != UINT32_MAX) out.loops[innermost].calls = true;
        }
        break;
    }
  }
  return out;
}

}  // namespace sedge::baseline
