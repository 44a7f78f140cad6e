// Offsets of fields in GC objects.
#include "vm/gc_layout.h"

namespace sedge::vm {

bool is_func_ref(ValType type, const wasm::TypeRegistry& registry) {
  if (!type.is_ref()) return false;
  HeapType heap = type.heap();
  if (heap.is_index()) return registry.get(heap.index()).type.kind == wasm::SubType::Kind::func;
  return heap.abstract() == HeapType::func || heap.abstract() == HeapType::nofunc;
}

uint32_t field_size(ValType storage, const wasm::TypeRegistry& registry) {
  switch (storage.kind()) {
    case ValType::i8:
      return 1;
    case ValType::i16:
      return 2;
    case ValType::i32:
    case ValType::f32:
      return 4;
    case ValType::i64:
    case ValType::f64:
      return 8;
    case ValType::v128:
      return 16;
    default:
      return is_func_ref(storage, registry) ? 8 : 4;
  }
}

StructLayout struct_layout(const wasm::CanonType& type, const wasm::TypeRegistry& registry) {
  StructLayout layout;
  uint32_t offset = sizeof(ObjectHeader);
  for (const FieldType& field : type.type.fields) {
    uint32_t size = field_size(field.storage, registry);
    uint32_t alignment = size > 8 ? 8 : size;  // objects are 8-byte aligned
    offset = (offset + alignment - 1) & ~(alignment - 1);
    layout.offsets.push_back(offset);
    if (field.storage.is_ref() && size == 4) layout.ref_offsets.push_back(offset);
    offset += size;
  }
  layout.size = (offset + 7) & ~7u;
  return layout;
}

}  // namespace sedge::vm
