// The quick path over a body: one handler for each one-byte opcode, made from its row in op.def,
// each of which ends in a tail call to the handler of the next opcode, so that the processor
// predicts every jump by itself. A handler takes an instruction only if it is in its usual short
// encoding and its operands have exactly the types it needs; otherwise it stops, having changed
// nothing, and InstrReader and the full rules take over.
#include <algorithm>
#include <bit>
#include <cstring>

#include "wasm/validate/func_validator.h"

namespace sedge::wasm::validation {

#if defined(__x86_64__) || defined(__aarch64__)
#define SEDGE_QUICK_CALL __attribute__((preserve_none))
#else
#define SEDGE_QUICK_CALL
#endif
#define SEDGE_QUICK_PARAMS \
  const uint8_t *p, ValType *sp, ValType *base, const uint8_t *end, FuncValidator *v
#define SEDGE_QUICK_ARGS p, sp, base, end, v
/// Goes on with the instruction `bytes` further on, unless fewer than two bytes are left.
#define SEDGE_QUICK_NEXT(bytes)                                                               \
  do {                                                                                        \
    p += (bytes);                                                                             \
    if (end - p < 2) [[unlikely]]                                                             \
      return stop(SEDGE_QUICK_ARGS);                                                          \
    [[clang::musttail]] return reinterpret_cast<Handler>(v->handlers_[*p])(SEDGE_QUICK_ARGS); \
  } while (false)

/// `p` is at the opcode, operands of the innermost frame lie in [base, sp).
struct QuickPath {
  using Handler = void(SEDGE_QUICK_CALL*)(SEDGE_QUICK_PARAMS);
  using Frame = FuncValidator::Frame;

  SEDGE_QUICK_CALL static void stop(SEDGE_QUICK_PARAMS) {
    (void)base, (void)end;
    v->stopped_ = p;
    v->sp_ = sp;
  }

  /// The end of an unsigned 32-bit LEB128 number, or null.
  static const uint8_t* skip_u32(const uint8_t* p, const uint8_t* end) {
    return skip_leb(p, end, 5, [](uint8_t last) { return last <= 0x0f; });
  }
  /// The end of a signed LEB128 number of at most `longest` bytes, 5 or 10, or null.
  static const uint8_t* skip_signed(const uint8_t* p, const uint8_t* end, ptrdiff_t longest) {
    return skip_leb(p, end, longest, [longest](uint8_t last) {
      // Of the last byte 4 bits count, or 1; the others must be as the sign.
      return longest == 5 ? last <= 0x07 || last >= 0x78 : last == 0 || last == 0x7f;
    });
  }
  /// Only the longest encoding can be out of range: `fits` judges its last byte. Up to four bytes,
  /// the length is computed: lengths are as good as random, and a branch on one costs more than
  /// everything else here.
  template <typename Fits>
  [[gnu::always_inline]] static const uint8_t* skip_leb(const uint8_t* p, const uint8_t* end,
                                                        ptrdiff_t longest, Fits fits) {
    if (end - p >= 4) [[likely]] {
      uint32_t stop = ~word_at(p) & kHighBits;
      if (stop != 0) [[likely]]
        return p + std::countr_zero(stop) / 8 + 1;
    }
    return skip_long_leb(p, end, longest, fits);
  }
  template <typename Fits>
  [[gnu::noinline]] static const uint8_t* skip_long_leb(const uint8_t* p, const uint8_t* end,
                                                        ptrdiff_t longest, Fits fits) {
    const uint8_t* last = p + std::min(longest, end - p) - 1;
    const uint8_t* first = p;
    while (p != last && *p >= 0x80) ++p;
    if (*p >= 0x80 || (p - first == longest - 1 && !fits(*p))) return nullptr;
    return p + 1;
  }
  static constexpr uint32_t kHighBits = 0x80808080;
  static uint32_t word_at(const uint8_t* p) {
    uint32_t word;
    std::memcpy(&word, p, sizeof word);
    return std::endian::native == std::endian::little ? word : std::byteswap(word);
  }

  [[gnu::always_inline]] static const uint8_t* index(const uint8_t* p, const uint8_t* end,
                                                     uint32_t& out) {
    const uint8_t* next = skip_u32(p, end);
    if (!next) return nullptr;
    out = 0;
    for (int shift = 0; p != next; shift += 7) out |= static_cast<uint32_t>(*p++ & 0x7f) << shift;
    return next;
  }

  template <uint8_t kCode>
  SEDGE_QUICK_CALL static void handle(SEDGE_QUICK_PARAMS) {
    constexpr Quick rule = kQuick[kCode];
    constexpr auto operand = static_cast<ValType::Kind>(rule.operand);
    constexpr auto result = static_cast<ValType::Kind>(rule.result);
    if constexpr (rule.shape == Shape::unary) {
      if (sp != base && sp[-1] == operand) [[likely]] {
        sp[-1] = result;
        SEDGE_QUICK_NEXT(1);
      }
    } else if constexpr (rule.shape == Shape::binary) {
      if (sp - base >= 2 && sp[-1] == operand && sp[-2] == operand) [[likely]] {
        --sp;
        sp[-1] = result;
        SEDGE_QUICK_NEXT(1);
      }
    } else if constexpr (rule.shape == Shape::const_leb) {
      if (const uint8_t* next = skip_signed(p + 1, end, rule.aux); next && sp != v->limit_) {
        *sp++ = result;
        SEDGE_QUICK_NEXT(next - p);
      }
    } else if constexpr (rule.shape == Shape::const_raw) {
      if (end - p > rule.aux && sp != v->limit_) {
        *sp++ = result;
        SEDGE_QUICK_NEXT(1 + rule.aux);
      }
    } else if constexpr (rule.shape == Shape::load || rule.shape == Shape::store) {
      // One byte of alignment without a memory index, and an offset that is in range for every
      // memory.
      const uint8_t* next = end - p > 2 ? skip_u32(p + 2, end) : nullptr;
      if (next && p[1] <= rule.aux) [[likely]] {
        if constexpr (rule.shape == Shape::load) {
          if (sp != base && sp[-1] == v->address0_) [[likely]] {
            sp[-1] = result;
            SEDGE_QUICK_NEXT(next - p);
          }
        } else if (sp - base >= 2 && sp[-1] == operand && sp[-2] == v->address0_) [[likely]] {
          sp -= 2;
          SEDGE_QUICK_NEXT(next - p);
        }
      }
    } else if constexpr (rule.shape == Shape::local_get) {
      // Locals that have no value yet, and operands of unreachable code, are bottom.
      if (p[1] < v->quick_locals_ && sp != v->limit_) [[likely]] {
        ValType type = v->locals_.data()[p[1]];
        if (type != ValType()) [[likely]] {
          *sp++ = type;
          SEDGE_QUICK_NEXT(2);
        }
      }
    } else if constexpr (rule.shape == Shape::local_set || rule.shape == Shape::local_tee) {
      if (p[1] < v->quick_locals_ && sp != base) [[likely]] {
        ValType type = v->locals_.data()[p[1]];
        if (type == sp[-1] && type != ValType()) [[likely]] {
          if constexpr (rule.shape == Shape::local_set) --sp;
          SEDGE_QUICK_NEXT(2);
        }
      }
    } else if constexpr (rule.shape == Shape::global_get || rule.shape == Shape::global_set) {
      if (p[1] < 0x80 && p[1] < v->context_.globals.size()) [[likely]] {
        const GlobalType& global = v->context_.globals[p[1]];
        if constexpr (rule.shape == Shape::global_get) {
          if (sp != v->limit_) [[likely]] {
            *sp++ = global.value;
            SEDGE_QUICK_NEXT(2);
          }
        } else if (global.mutable_ && sp != base && sp[-1] == global.value) [[likely]] {
          --sp;
          SEDGE_QUICK_NEXT(2);
        }
      }
    } else if constexpr (rule.shape == Shape::drop) {
      if (sp != base) {
        --sp;
        SEDGE_QUICK_NEXT(1);
      }
    } else if constexpr (rule.shape == Shape::nop) {
      SEDGE_QUICK_NEXT(1);
    } else if constexpr (rule.shape == Shape::unreachable) {
      v->frames_.back().unreachable = true;
      sp = base;
      SEDGE_QUICK_NEXT(1);
    } else if constexpr (rule.shape == Shape::br) {
      if (p[1] < 0x80 && p[1] < v->frames_.size() && v->label_is_empty(p[1])) {
        v->frames_.back().unreachable = true;
        sp = base;
        SEDGE_QUICK_NEXT(2);
      }
    } else if constexpr (rule.shape == Shape::br_if) {
      if (p[1] < 0x80 && p[1] < v->frames_.size() && sp != base && sp[-1] == ValType::i32 &&
          v->label_is_empty(p[1])) {
        --sp;
        SEDGE_QUICK_NEXT(2);
      }
    } else if constexpr (rule.shape == Shape::block || rule.shape == Shape::loop ||
                         rule.shape == Shape::if_) {
      if (p[1] == 0x40) [[likely]] {  // neither parameters nor results
        if constexpr (rule.shape == Shape::if_) {
          if (sp == base || sp[-1] != ValType::i32) return stop(SEDGE_QUICK_ARGS);
          --sp;
        }
        constexpr Op op = rule.shape == Shape::block  ? Op::block
                          : rule.shape == Shape::loop ? Op::loop
                                                      : Op::if_;
        v->frames_.push_back({{},
                              op,
                              false,
                              static_cast<uint32_t>(sp - v->stack_.data()),
                              static_cast<uint32_t>(v->inits_.size()),
                              0});
        base = sp;
        SEDGE_QUICK_NEXT(2);
      }
    } else if constexpr (rule.shape == Shape::end) {
      // The function's own frame has a type, so it is not ended here.
      const Frame& frame = v->frames_.back();
      bool plain = frame.op == Op::block || frame.op == Op::loop || frame.op == Op::if_;
      if (plain && !frame.sig.func && frame.sig.value == ValType() && sp == base &&
          v->inits_.size() == frame.inits) [[likely]] {
        v->frames_.pop_back();
        base = v->stack_.data() + v->frames_.back().height;
        SEDGE_QUICK_NEXT(1);
      }
    } else if constexpr (rule.shape == Shape::call) {
      uint32_t callee = 0;
      const uint8_t* next = index(p + 1, end, callee);
      if (next && callee < v->context_.signatures.size()) [[likely]] {
        const FuncType& type = *v->context_.signatures[callee];
        size_t params = type.params.size(), results = type.results.size();
        if (static_cast<size_t>(sp - base) >= params &&
            static_cast<size_t>(v->limit_ - sp) + params >= results &&
            std::equal(type.params.begin(), type.params.end(), sp - params)) {
          sp = std::copy(type.results.begin(), type.results.end(), sp - params);
          SEDGE_QUICK_NEXT(next - p);
        }
      }
    }
    return stop(SEDGE_QUICK_ARGS);
  }

  template <size_t... kCodes>
  static constexpr std::array<Handler, 256> table(std::index_sequence<kCodes...>) {
    return {&handle<static_cast<uint8_t>(kCodes)>...};
  }
};

void FuncValidator::fill_handlers() {
  static constexpr auto kHandlers = QuickPath::table(std::make_index_sequence<256>());
  for (size_t code = 0; code < kHandlers.size(); ++code) {
    auto op = find_op(0, static_cast<uint32_t>(code));
    bool on = op && features_.has(kOpRules[static_cast<size_t>(*op)].feature);
    bool memory = kQuick[code].shape == Shape::load || kQuick[code].shape == Shape::store;
    // Without a memory its address type is bottom, which operands in unreachable code are, too.
    if (memory && context_.memories.empty()) on = false;
    // Opcode 0xff is none, so its handler stops.
    handlers_[code] = reinterpret_cast<QuickHandler>(kHandlers[on ? code : 0xff]);
  }
}

const uint8_t* FuncValidator::run_quickly(const uint8_t* p, const uint8_t* end) {
  reinterpret_cast<QuickPath::Handler>(handlers_[*p])(p, sp_, stack_.data() + frames_.back().height,
                                                      end, this);
  return stopped_;
}

bool FuncValidator::plain_constant(Bytes bytes, ValType expected) {
  if (bytes.size() < 3 || bytes.back() != 0x0b) return false;
  const Quick rule = kQuick[bytes[0]];
  if (rule.shape != Shape::const_leb || expected != static_cast<ValType::Kind>(rule.result))
    return false;
  const uint8_t* end = bytes.data() + bytes.size();
  return QuickPath::skip_signed(bytes.data() + 1, end, rule.aux) == end - 1;
}

}  // namespace sedge::wasm::validation
