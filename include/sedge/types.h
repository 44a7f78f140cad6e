// Value, function, table, memory, global and tag types. Spec: "Structure", section "Types".
#ifndef SEDGE_TYPES_H_
#define SEDGE_TYPES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sedge {

/// A heap type: abstract, or a type index. As stored inside a wasm::Module the index is the
/// module's own; in types that belong to no module (public API, store objects) it is a canonical id
/// of the engine's type registry.
class HeapType {
 public:
  enum Abstract : uint32_t {  // values are the binary encodings as 7-bit signed LEB bytes
    noexn = 0x74,
    nofunc = 0x73,
    noextern = 0x72,
    none = 0x71,
    func = 0x70,
    extern_ = 0x6f,
    any = 0x6e,
    eq = 0x6d,
    i31 = 0x6c,
    struct_ = 0x6b,
    array = 0x6a,
    exn = 0x69,
    bottom = 0x40,  ///< below every heap type; only inside the validator
  };
  constexpr HeapType(Abstract kind) : bits_(kAbstractBit | kind) {}  // NOLINT: implicit by design
  static constexpr HeapType index(uint32_t type_index) { return HeapType(type_index, 0); }
  static constexpr HeapType from_bits(uint32_t bits) { return HeapType(bits, 0); }

  constexpr bool is_index() const { return (bits_ & kAbstractBit) == 0; }
  constexpr uint32_t index() const { return bits_; }
  constexpr Abstract abstract() const { return static_cast<Abstract>(bits_ & 0x7f); }
  constexpr uint32_t bits() const { return bits_; }
  constexpr bool operator==(const HeapType&) const = default;

  static constexpr uint32_t kAbstractBit = 1u << 23;  ///< type indices stay below this

 private:
  constexpr HeapType(uint32_t bits, int) : bits_(bits) {}
  uint32_t bits_;  // 24 bits used
};

/// A value type in 32 bits: kind in the low byte (its binary encoding), heap type above.
class ValType {
 public:
  enum Kind : uint8_t {
    i32 = 0x7f,
    i64 = 0x7e,
    f32 = 0x7d,
    f64 = 0x7c,
    v128 = 0x7b,
    i8 = 0x78,
    i16 = 0x77,  ///< packed storage types of fields only
    ref_null = 0x63,
    ref = 0x64,     ///< nullable and non-null references
    bottom = 0x00,  ///< any type; only inside the validator
  };
  constexpr ValType() : bits_(bottom) {}
  constexpr ValType(Kind kind) : bits_(kind) {}  // NOLINT: implicit by design
  static constexpr ValType reference(HeapType heap, bool nullable) {
    return ValType(static_cast<uint32_t>(nullable ? ref_null : ref) | heap.bits() << 8);
  }
  static constexpr ValType funcref() { return reference(HeapType::func, true); }
  static constexpr ValType externref() { return reference(HeapType::extern_, true); }
  static constexpr ValType exnref() { return reference(HeapType::exn, true); }
  static constexpr ValType anyref() { return reference(HeapType::any, true); }

  constexpr Kind kind() const { return static_cast<Kind>(bits_ & 0xff); }
  constexpr bool is_ref() const { return kind() == ref || kind() == ref_null; }
  constexpr bool is_numeric() const { return kind() >= f64 && kind() <= i32; }
  constexpr bool is_vector() const { return kind() == v128; }
  constexpr bool is_packed() const { return kind() == i8 || kind() == i16; }
  constexpr bool nullable() const { return kind() == ref_null; }
  constexpr HeapType heap() const { return HeapType::from_bits(bits_ >> 8); }
  /// Whether a local of this type has a default value.
  constexpr bool defaultable() const { return kind() != ref; }
  /// 8-byte cells that a value takes in a frame: two for v128, else one.
  constexpr uint32_t cells() const { return kind() == v128 ? 2 : 1; }
  constexpr uint32_t bits() const { return bits_; }
  constexpr bool operator==(const ValType&) const = default;

 private:
  explicit constexpr ValType(uint32_t bits) : bits_(bits) {}
  uint32_t bits_;
};

/// The text format's name: "i32", "funcref", "(ref null 3)".
std::string to_string(ValType type);
std::string to_string(HeapType type);

struct FuncType {
  std::vector<ValType> params;
  std::vector<ValType> results;
  bool operator==(const FuncType&) const = default;
};
/// "[i32 i64] -> [f32]", the way error messages show it.
std::string to_string(const FuncType& type);
std::string to_string(const std::vector<ValType>& types);

/// Storage type and mutability of a struct field or array element.
struct FieldType {
  ValType storage;
  bool mutable_ = false;
  bool operator==(const FieldType&) const = default;
};

/// Minimum and maximum; in pages (memories) or elements (tables).
struct Limits {
  uint64_t min = 0;
  std::optional<uint64_t> max;
  bool operator==(const Limits&) const = default;
};

struct TableType {
  ValType element;
  Limits limits;
  bool is64 = false;  ///< addresses are i64
};
struct MemoryType {
  Limits limits;
  bool is64 = false;
  bool shared = false;
  uint8_t page_size_log2 = 16;  ///< 16, or 0 with custom page sizes
};
struct GlobalType {
  ValType value;
  bool mutable_ = false;
};
/// The type of a tag is a function type; its index is read as HeapType's.
struct TagType {
  uint32_t type_index = 0;
};

enum class ExternKind : uint8_t { func = 0, table = 1, memory = 2, global = 3, tag = 4 };
const char* to_string(ExternKind kind);

}  // namespace sedge

#endif  // SEDGE_TYPES_H_
