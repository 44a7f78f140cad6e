// Loads, stores and atomic operators on guest memory: for each row what is accessed and how it
// becomes a value. Bounds and alignment are the caller's. Spec: "Memory Instructions"; threads.
#ifndef SEDGE_WASM_EVAL_MEMORY_H_
#define SEDGE_WASM_EVAL_MEMORY_H_

#include "wasm/eval/traits.h"

// Guest threads may race on guest memory and get any interleaving of bytes: that is wasm's memory
// model, not a defect of ours, so the thread sanitizer does not look at plain guest accesses.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SEDGE_GUEST_ACCESS [[gnu::noinline]] __attribute__((no_sanitize("thread"))) inline
#endif
#endif
#ifndef SEDGE_GUEST_ACCESS
#define SEDGE_GUEST_ACCESS [[gnu::always_inline]] inline
#endif

namespace sedge::wasm::eval {

enum class MemKind : uint8_t {
  none,         ///< not in this table (memory.size, wait, notify, …)
  load,         ///< bytes, sign- or zero-extended to the value type
  load_vector,  ///< 8 bytes, each lane extended to twice its width
  load_splat,   ///< one lane, to all lanes
  load_zero,    ///< one lane, the rest zero
  load_lane,    ///< one lane of a v128 replaced
  store,        ///< low bytes of the value
  store_lane,   ///< one lane
  atomic_load,
  atomic_store,
  atomic_rmw,  ///< see RmwKind
  atomic_cmpxchg,
};
enum class RmwKind : uint8_t { add, sub, and_, or_, xor_, xchg };

namespace detail {

constexpr MemKind mem_kind(const OpRow& row) {
  const std::string_view name = row.mnemonic;
  if (row.imm == Imm::mem_arg_lane) {
    return name.contains("load") ? MemKind::load_lane : MemKind::store_lane;
  }
  if (row.imm != Imm::mem_arg) return MemKind::none;
  if (name.contains("atomic")) {
    if (name.contains("atomic.load")) return MemKind::atomic_load;
    if (name.contains("atomic.store")) return MemKind::atomic_store;
    if (name.contains("cmpxchg")) return MemKind::atomic_cmpxchg;
    return name.contains("rmw") ? MemKind::atomic_rmw : MemKind::none;
  }
  if (name.contains("store")) return MemKind::store;
  if (name.contains("splat")) return MemKind::load_splat;
  if (name.contains("zero")) return MemKind::load_zero;
  return name.contains("load") && name.contains('x') ? MemKind::load_vector : MemKind::load;
}

constexpr RmwKind rmw_kind(std::string_view name) {
  if (name.contains(".add")) return RmwKind::add;
  if (name.contains(".sub")) return RmwKind::sub;
  if (name.contains(".and")) return RmwKind::and_;
  if (name.contains(".or")) return RmwKind::or_;
  if (name.contains(".xor")) return RmwKind::xor_;
  return RmwKind::xchg;
}

// Value type of a memory row: what a load gives, what a store or an atomic operator takes.
constexpr char value_letter(const OpRow& row) {
  if (!row.typed()) return 'i';
  if (!row.results().empty()) return row.results().back();
  return row.operands().empty() ? 'i' : row.operands().back();
}

template <unsigned bytes>
struct UintOf;
template <>
struct UintOf<1> : std::type_identity<uint8_t> {};
template <>
struct UintOf<2> : std::type_identity<uint16_t> {};
template <>
struct UintOf<4> : std::type_identity<uint32_t> {};
template <>
struct UintOf<8> : std::type_identity<uint64_t> {};
template <>
struct UintOf<16> : std::type_identity<V128> {};

}  // namespace detail

/// How a memory operator accesses memory.
template <Op op>
struct MemTraits {
  static constexpr MemKind kKind = detail::mem_kind(op_row(op));
  static constexpr bool kIsLoad = kKind >= MemKind::load && kKind <= MemKind::load_lane;
  static constexpr bool kIsStore = kKind == MemKind::store || kKind == MemKind::store_lane;
  static constexpr bool kIsAtomic = kKind >= MemKind::atomic_load;
  /// Bytes accessed; for atomic operators also the required alignment.
  static constexpr unsigned kBytes = kKind == MemKind::none ? 1 : 1u << op_row(op).aux;
  /// Loads that extend: whether with the sign.
  static constexpr bool kSigned = op_row(op).mnemonic.ends_with("_s");
  static constexpr RmwKind kRmw = detail::rmw_kind(op_row(op).mnemonic);
  using Value = ValueOf<detail::value_letter(op_row(op))>;
  /// Unsigned integer of kBytes, or V128.
  using Raw = typename detail::UintOf<kBytes>::type;
};

namespace detail {
template <Op op>
SEDGE_EVAL V128 widened(V128 low) {
  constexpr std::string_view name = op_row(op).mnemonic;
  constexpr bool kSigned = MemTraits<op>::kSigned;
  if constexpr (name.contains("8x8")) {
    return kSigned ? i16x8_extend_low_i8x16_s(low) : i16x8_extend_low_i8x16_u(low);
  } else if constexpr (name.contains("16x4")) {
    return kSigned ? i32x4_extend_low_i16x8_s(low) : i32x4_extend_low_i16x8_u(low);
  } else {
    static_assert(name.contains("32x2"));
    return kSigned ? i64x2_extend_low_i32x4_s(low) : i64x2_extend_low_i32x4_u(low);
  }
}
}  // namespace detail

/// Unaligned accesses of plain guest memory.
template <typename T>
SEDGE_GUEST_ACCESS T read_guest(const uint8_t* address) {
  T raw;
  __builtin_memcpy(&raw, address, sizeof(T));
  return raw;
}
template <typename T>
SEDGE_GUEST_ACCESS void write_guest(uint8_t* address, T raw) {
  __builtin_memcpy(address, &raw, sizeof(T));
}

/// Value of a row of kind load, load_vector, load_splat or load_zero.
template <Op op>
[[gnu::always_inline]] inline typename MemTraits<op>::Value load(const uint8_t* address) {
  using Traits = MemTraits<op>;
  using Raw = typename Traits::Raw;
  using Value = typename Traits::Value;
  const Raw raw = read_guest<Raw>(address);
  if constexpr (Traits::kKind == MemKind::load_vector) {
    return detail::widened<op>(detail::zero_extended(raw));
  } else if constexpr (Traits::kKind == MemKind::load_splat) {
    return detail::splat_raw(raw);
  } else if constexpr (Traits::kKind == MemKind::load_zero) {
    return detail::zero_extended(raw);
  } else {
    static_assert(Traits::kKind == MemKind::load);
    if constexpr (sizeof(Raw) == sizeof(Value)) {
      return as<Value>(raw);
    } else if constexpr (Traits::kSigned) {
      return static_cast<Value>(static_cast<std::make_signed_t<Raw>>(raw));
    } else {
      return static_cast<Value>(raw);
    }
  }
}

/// `vector` with lane `lane` (< 16 / bytes) read from memory; kind load_lane.
template <Op op>
[[gnu::always_inline]] inline V128 load_lane(const uint8_t* address, V128 vector, uint32_t lane) {
  static_assert(MemTraits<op>::kKind == MemKind::load_lane);
  using Raw = typename MemTraits<op>::Raw;
  return detail::with_lane(vector, read_guest<Raw>(address), lane);
}

/// Kind store.
template <Op op>
[[gnu::always_inline]] inline void store(uint8_t* address, typename MemTraits<op>::Value value) {
  static_assert(MemTraits<op>::kKind == MemKind::store);
  using Raw = typename MemTraits<op>::Raw;
  if constexpr (sizeof(Raw) == sizeof(value)) {
    write_guest<Raw>(address, as<Raw>(value));
  } else {
    write_guest<Raw>(address, static_cast<Raw>(value));
  }
}

/// Kind store_lane.
template <Op op>
[[gnu::always_inline]] inline void store_lane(uint8_t* address, V128 vector, uint32_t lane) {
  static_assert(MemTraits<op>::kKind == MemKind::store_lane);
  using Raw = typename MemTraits<op>::Raw;
  write_guest<Raw>(address, detail::lane_of<Raw>(vector, lane));
}

// Atomic operators, sequentially consistent. The address is a multiple of kBytes. Narrow operators
// take the low bytes of their operands and zero-extend what was in memory.
template <typename Raw>
[[gnu::always_inline]] inline Raw atomic_load_raw(const uint8_t* address) {
  return __atomic_load_n(reinterpret_cast<const Raw*>(address), __ATOMIC_SEQ_CST);
}
template <typename Raw>
[[gnu::always_inline]] inline void atomic_store_raw(uint8_t* address, Raw raw) {
  __atomic_store_n(reinterpret_cast<Raw*>(address), raw, __ATOMIC_SEQ_CST);
}
template <RmwKind kind, typename Raw>
[[gnu::always_inline]] inline Raw atomic_rmw_raw(uint8_t* address, Raw operand) {
  Raw* const place = reinterpret_cast<Raw*>(address);
  switch (kind) {
    case RmwKind::add:
      return __atomic_fetch_add(place, operand, __ATOMIC_SEQ_CST);
    case RmwKind::sub:
      return __atomic_fetch_sub(place, operand, __ATOMIC_SEQ_CST);
    case RmwKind::and_:
      return __atomic_fetch_and(place, operand, __ATOMIC_SEQ_CST);
    case RmwKind::or_:
      return __atomic_fetch_or(place, operand, __ATOMIC_SEQ_CST);
    case RmwKind::xor_:
      return __atomic_fetch_xor(place, operand, __ATOMIC_SEQ_CST);
    case RmwKind::xchg:
      return __atomic_exchange_n(place, operand, __ATOMIC_SEQ_CST);
  }
}
template <typename Raw>
[[gnu::always_inline]] inline Raw atomic_cmpxchg_raw(uint8_t* address, Raw expected,
                                                     Raw replacement) {
  __atomic_compare_exchange_n(reinterpret_cast<Raw*>(address), &expected, replacement, false,
                              __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return expected;
}

template <Op op>
[[gnu::always_inline]] inline typename MemTraits<op>::Value atomic_load(const uint8_t* address) {
  static_assert(MemTraits<op>::kKind == MemKind::atomic_load);
  return atomic_load_raw<typename MemTraits<op>::Raw>(address);
}
template <Op op>
[[gnu::always_inline]] inline void atomic_store(uint8_t* address,
                                                typename MemTraits<op>::Value value) {
  static_assert(MemTraits<op>::kKind == MemKind::atomic_store);
  using Raw = typename MemTraits<op>::Raw;
  atomic_store_raw<Raw>(address, static_cast<Raw>(value));
}
template <Op op>
[[gnu::always_inline]] inline typename MemTraits<op>::Value atomic_rmw(
    uint8_t* address, typename MemTraits<op>::Value operand) {
  static_assert(MemTraits<op>::kKind == MemKind::atomic_rmw);
  using Raw = typename MemTraits<op>::Raw;
  return atomic_rmw_raw<MemTraits<op>::kRmw, Raw>(address, static_cast<Raw>(operand));
}
template <Op op>
[[gnu::always_inline]] inline typename MemTraits<op>::Value atomic_cmpxchg(
    uint8_t* address, typename MemTraits<op>::Value expected,
    typename MemTraits<op>::Value replacement) {
  static_assert(MemTraits<op>::kKind == MemKind::atomic_cmpxchg);
  using Raw = typename MemTraits<op>::Raw;
  return atomic_cmpxchg_raw<Raw>(address, static_cast<Raw>(expected),
                                 static_cast<Raw>(replacement));
}

}  // namespace sedge::wasm::eval

#endif  // SEDGE_WASM_EVAL_MEMORY_H_
