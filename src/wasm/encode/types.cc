// Types in binary encoding. Spec: binary format, section "Types".
#include "wasm/encode/types.h"

namespace sedge::wasm {
namespace {

uint32_t count_of(size_t size) { return static_cast<uint32_t>(size); }

void limits(Writer& w, const Limits& limits, uint8_t flags) {
  w.u8(static_cast<uint8_t>(flags | (limits.max ? 1 : 0)));
  w.u64(limits.min);
  if (limits.max) w.u64(*limits.max);
}
void val_types(Writer& w, const std::vector<ValType>& types) {
  w.u32(count_of(types.size()));
  for (ValType type : types) w.val_type(type);
}
void field(Writer& w, const FieldType& field) {
  w.val_type(field.storage);
  w.u8(field.mutable_ ? 1 : 0);
}
}  // namespace

void write_table_type(Writer& w, const TableType& type) {
  w.val_type(type.element);
  limits(w, type.limits, type.is64 ? 4 : 0);
}
void write_memory_type(Writer& w, const MemoryType& type) {
  bool custom_page = type.page_size_log2 != 16;
  limits(w, type.limits,
         static_cast<uint8_t>((type.shared ? 2 : 0) | (type.is64 ? 4 : 0) | (custom_page ? 8 : 0)));
  if (custom_page) w.u32(type.page_size_log2);
}
void write_global_type(Writer& w, const GlobalType& type) {
  w.val_type(type.value);
  w.u8(type.mutable_ ? 1 : 0);
}
void write_tag_type(Writer& w, TypeIdx type) {
  w.u8(0);
  w.u32(type);
}

void write_sub_type(Writer& w, const SubType& type) {
  if (!type.final_ || type.super) {
    w.u8(type.final_ ? 0x4f : 0x50);
    w.u32(type.super ? 1 : 0);
    if (type.super) w.u32(*type.super);
  }
  switch (type.kind) {
    case SubType::Kind::func:
      w.u8(0x60);
      val_types(w, type.func.params);
      val_types(w, type.func.results);
      break;
    case SubType::Kind::struct_:
      w.u8(0x5f);
      w.u32(count_of(type.fields.size()));
      for (const FieldType& f : type.fields) field(w, f);
      break;
    case SubType::Kind::array:
      w.u8(0x5e);
      field(w, type.fields[0]);
      break;
  }
}

void write_rec_group(Writer& w, std::span<const SubType> types, bool is_explicit) {
  if (is_explicit || types.size() != 1) {
    w.u8(0x4e);
    w.u32(count_of(types.size()));
  }
  for (const SubType& type : types) write_sub_type(w, type);
}

void write_extern_type(Writer& w, const ExternDesc& type) {
  w.u8(static_cast<uint8_t>(type.kind));
  switch (type.kind) {
    case ExternKind::func:
      return w.u32(type.type_index);
    case ExternKind::table:
      return write_table_type(w, type.table);
    case ExternKind::memory:
      return write_memory_type(w, type.memory);
    case ExternKind::global:
      return write_global_type(w, type.global);
    case ExternKind::tag:
      return write_tag_type(w, type.type_index);
  }
}

}  // namespace sedge::wasm
