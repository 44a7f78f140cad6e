// Types in binary encoding, for the encoders of modules and components.
#ifndef SEDGE_WASM_ENCODE_TYPES_H_
#define SEDGE_WASM_ENCODE_TYPES_H_

#include <span>

#include "wasm/encode/encode.h"
#include "wasm/module.h"

namespace sedge::wasm {

void write_table_type(Writer& w, const TableType& type);
void write_memory_type(Writer& w, const MemoryType& type);
void write_global_type(Writer& w, const GlobalType& type);
void write_tag_type(Writer& w, TypeIdx type);
void write_sub_type(Writer& w, const SubType& type);
/// One recursion group; a single type stands bare unless it was written as a group.
void write_rec_group(Writer& w, std::span<const SubType> types, bool is_explicit);
/// Kind and type of an import.
void write_extern_type(Writer& w, const ExternDesc& type);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_ENCODE_TYPES_H_
