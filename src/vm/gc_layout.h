// Layout of GC objects, shared by the heap, the interpreter and compilers: an 8-byte header, then
// fields. Offsets of struct fields and array elements derive from the canonical type alone.
#ifndef SEDGE_VM_GC_LAYOUT_H_
#define SEDGE_VM_GC_LAYOUT_H_

#include <cstdint>
#include <vector>

#include "vm/layout.h"

namespace sedge::vm {

/// What an object is; in the low bits of its header.
enum class ObjectKind : uint8_t { struct_, array, extern_box, exception };

struct ObjectHeader {
  TypeId type;    ///< canonical type of structs and arrays; unused otherwise
  uint32_t bits;  ///< ObjectKind in bits 0..7, the rest 0
  ObjectKind kind() const { return static_cast<ObjectKind>(bits & 0xff); }
};
static_assert(sizeof(ObjectHeader) == 8);
constexpr ObjectHeader object_header(TypeId type, ObjectKind kind) {
  return {type, static_cast<uint32_t>(kind)};
}

/// Arrays: header, u32 length, then elements from kArrayElements (16, so that any element is
/// aligned). Extern boxes: header, void* value. Exceptions: header, Tag*, payload cells.
inline constexpr uint32_t kArrayLength = 8, kArrayElements = 16, kExternValue = 8,
                          kExceptionTag = 8, kExceptionPayload = 16;

/// Bytes that an array takes.
constexpr uint64_t array_size(uint64_t length, uint32_t element_size) {
  return (kArrayElements + length * element_size + 7) & ~uint64_t{7};
}

/// Bytes that a value of a storage type takes in an object: i8 1, i16 2, i32/f32 and every
/// reference but funcref 4, i64/f64/funcref 8, v128 16.
uint32_t field_size(ValType storage, const wasm::TypeRegistry& registry);

/// Layout of one struct type: natural alignment, fields in declaration order.
struct StructLayout {
  std::vector<uint32_t> offsets;      ///< from the object's start
  std::vector<uint32_t> ref_offsets;  ///< of fields that hold a GcRef
  uint32_t size = 0;                  ///< whole object, a multiple of 8
};
StructLayout struct_layout(const wasm::CanonType& type, const wasm::TypeRegistry& registry);

/// Whether a reference type is of the func hierarchy (a Func* in 8 bytes) rather than a GcRef. The
/// heap type is canonical.
bool is_func_ref(ValType type, const wasm::TypeRegistry& registry);

}  // namespace sedge::vm

#endif  // SEDGE_VM_GC_LAYOUT_H_
