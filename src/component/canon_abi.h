// Lifting and lowering: core values and linear memory ↔ values of components. Specification:
// CanonicalABI.md, "Loading", "Storing", "Flat Lifting", "Flat Lowering".
#ifndef SEDGE_COMPONENT_CANON_ABI_H_
#define SEDGE_COMPONENT_CANON_ABI_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "component/instance.h"

namespace sedge::component {

struct ElementType;

/// The core values of one call: as many as can be flat, or a pointer.
class FlatCells {
 public:
  void push_back(uint64_t value) { cells_[size_++] = value; }
  void resize(size_t size) { size_ = size; }  ///< new ones are 0
  size_t size() const { return size_; }
  uint64_t* data() { return cells_; }
  const uint64_t* data() const { return cells_; }
  uint64_t operator[](size_t at) const { return cells_[at]; }

 private:
  uint64_t cells_[kMaxFlatParams] = {};
  size_t size_ = 0;
};

/// As long as it lives, what context.get gives in `inst` is that of a call of its own: it begins at
/// zero and is forgotten.
class FreshContext {
 public:
  explicit FreshContext(ComponentInst& inst) {
    if (inst.has_context) [[unlikely]]
      begin(inst);
  }
  ~FreshContext() {
    if (slots_) [[unlikely]]
      std::ranges::copy(kept_, slots_);
  }
  FreshContext(const FreshContext&) = delete;
  FreshContext& operator=(const FreshContext&) = delete;

 private:
  void begin(ComponentInst& inst);
  uint64_t* slots_ = nullptr;
  uint64_t kept_[2];
};

/// As long as it lives the guest's realloc may run, as a call of its own that must not call out
/// (definitions.py, LiftLowerContext.reallocate).
class Allocating {
 public:
  explicit Allocating(ComponentInst& inst)
      : context_(inst), inst_(inst), may_leave_(std::exchange(inst.may_leave, false)) {}
  ~Allocating() { inst_.may_leave = may_leave_; }
  Allocating(const Allocating&) = delete;
  Allocating& operator=(const Allocating&) = delete;

 private:
  FreshContext context_;
  ComponentInst& inst_;
  const bool may_leave_;
};

/// Calls core code of a guest. What it throws and does not catch ends here, as a trap
/// (definitions.py, call_and_trap_on_throw). Errors: those of the code.
Result<void> call_core(Store& store, const Func& func, uint64_t* cells);
/// Makes that trap of an exception's error; leaves any other.
void stop_exception(Error& error);

/// One crossing: the memory and options of one side, the handle table of its instance. All pointers
/// and lengths that a guest gives are checked. Errors: component_trap, and those of realloc.
class Crossing {
 public:
  Crossing(ComponentInst& inst, const AbiOptions& options)
      : inst_(inst), options_(options), types_(inst.type_arena()) {}

  /// Lifts values that stand flat in `cells`, or behind a pointer if they would take more than
  /// `most`. Advances `cells`.
  Result<std::vector<ComponentVal>> lift(std::span<const ValType> types, uint32_t most,
                                         const uint64_t*& cells);
  /// The inverse; flat values go to `out`. If they are too many they go to memory: where `pointer`
  /// says, or to memory of the guest's realloc, whose address goes to `out`. `most`: at most
  /// kMaxFlatParams.
  Result<void> lower(std::span<const ValType> types, uint32_t most,
                     std::span<const ComponentVal> values, std::optional<uint64_t> pointer,
                     FlatCells& out);

  /// Handles that were lent for this call, to be given back at its end.
  std::vector<uint32_t>& lent() { return lent_; }
  /// Where borrows that this side receives are counted.
  void set_borrow_scope(std::shared_ptr<uint32_t> scope) { borrow_scope_ = std::move(scope); }
  void give_back();

  std::span<uint8_t> memory() const {
    return options_.memory ? options_.memory->bytes(in_store()) : std::span<uint8_t>();
  }
  /// Elements that lie one after the other in a range that was checked.
  Result<std::vector<ComponentVal>> load_items(ValType element, uint64_t at, uint64_t count);
  Result<void> store_items(ValType element, std::span<const ComponentVal> items, uint64_t at);
  Result<void> check_range(uint64_t at, uint64_t align, uint64_t size, const char* what) const;
  /// A string as core values give it; it may name the encoding by a bit of its length.
  Result<ComponentVal> load_string(uint64_t at, uint64_t units);
  /// Writes a string to the guest's memory and its place to `at`.
  Result<void> store_string_at(const ComponentVal& value, uint64_t at);

 private:
  Result<ComponentVal> lift_flat(ValType type, const uint64_t*& cells);
  Result<ComponentVal> load(ValType type, uint64_t at);
  Result<ComponentVal> load_list(ValType element, uint64_t at, uint64_t count, bool checked);
  Result<void> lower_flat(ValType type, const ComponentVal& value, FlatCells& out);
  Result<void> store(ValType type, const ComponentVal& value, uint64_t at);
  struct Range {
    uint64_t at = 0;
    uint64_t length = 0;
  };
  Result<Range> store_list(ValType element, const ComponentVal& value);
  Result<Range> store_string(const ComponentVal& value);
  Result<uint64_t> realloc(uint64_t old, uint64_t old_size, uint64_t align, uint64_t size,
                           const char* what = "string");
  Result<ComponentVal> lift_handle(uint32_t resource_name, uint32_t index, bool own);
  Result<uint32_t> lower_handle(uint32_t resource_name, const ComponentVal& value, bool own);
  Result<ComponentVal> lift_end(const ElementType& element, bool future, uint32_t index);
  Result<uint32_t> lower_end(const ElementType& element, const ComponentVal& value);
  /// Whatever guests hold by index.
  Result<ComponentVal> lift_index(ValType type, uint32_t index);
  Result<uint32_t> lower_index(ValType type, const ComponentVal& value);

  /// Counts bytes of the host's memory.
  Result<void> hold(uint64_t bytes);
  uint64_t read(uint64_t at, uint32_t size) const;
  void write(uint64_t at, uint32_t size, uint64_t value);
  uint32_t pointer_size() const { return options_.is64 ? 8 : 4; }
  Layout layout(ValType type) const { return types_.layout(type, options_.is64); }
  Store& in_store() const;
  ComponentInst& inst_;
  const AbiOptions& options_;
  const Types& types_;
  std::shared_ptr<uint32_t> borrow_scope_;
  std::vector<uint32_t> lent_;
  uint64_t held_ = 0;
};

/// Bytes of one string or list.
inline constexpr uint64_t kMaxBytes = (1u << 28) - 1;
/// A few bytes of a guest can name the same large list again and again. So there is a limit on what
/// the values of one call take in the host's memory (a number in a list: about 160 bytes), and on
/// what is copied from guest to guest.
inline constexpr uint64_t kMostHeld = 512u << 20, kMostCopied = 1u << 30;
std::unexpected<Error> too_much_crosses(uint64_t most);

inline constexpr const char* kBadString =
    "string pointer/length out of bounds of memory: string content out-of-bounds";
/// Whether `size` bytes at `at`, aligned to a power of two, lie before `end`.
inline bool is_range(uint64_t end, uint64_t at, uint64_t align, uint64_t size) {
  return (at & (align - 1)) == 0 && at <= end && size <= end - at;
}
/// The same; `what` is said where they do not.
Result<void> check_range(uint64_t end, uint64_t at, uint64_t align, uint64_t size,
                         const char* what);
/// The same of what a guest's realloc has given.
Result<void> check_realloc(uint64_t end, uint64_t at, uint64_t align, uint64_t size,
                           const char* what);

inline bool is_scalar_value(uint64_t point) {
  return point < 0x110000 && (point < 0xd800 || point > 0xdfff);
}
inline uint32_t canonical_f32(uint32_t bits) {
  return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits;
}
inline uint64_t canonical_f64(uint64_t bits) {
  return (bits & ~(uint64_t{1} << 63)) > 0x7ff0000000000000 ? 0x7ff8000000000000 : bits;
}

/// A number from its bits in memory.
Result<ComponentVal> lift_prim(PrimType prim, uint64_t bits);
/// Whether `value` is one of this type; error: bad_argument, saying where it is not. Fills in case
/// numbers and flags' bits from names.
Result<void> check_value(const Types& types, ValType type, ComponentVal& value);
Result<void> check_prim(PrimType prim, const ComponentVal& value);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_CANON_ABI_H_
