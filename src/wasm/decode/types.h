// Types in binary encoding as the decoders of modules and components read them. Spec: binary
// format, section "Types".
#ifndef SEDGE_WASM_DECODE_TYPES_H_
#define SEDGE_WASM_DECODE_TYPES_H_

#include <string_view>
#include <vector>

#include "base/reader.h"
#include "wasm/module.h"

namespace sedge::wasm::decode_detail {

/// Reads the count of a vector whose entries take at least one byte each. `limit` is the most that
/// sedge takes; `what` names the entries. A count beyond the section's bytes is left to fail where
/// they end, so that nothing is allocated for it.
Result<uint32_t> read_count(Reader& reader, uint32_t limit, std::string_view what);
/// How many entries to make room for before they are read.
inline size_t room_for(const Reader& reader, uint32_t count) {
  return count < reader.remaining() ? count : reader.remaining();
}

Result<TableType> read_table_type(Reader& reader);
Result<MemoryType> read_memory_type(Reader& reader);
Result<GlobalType> read_global_type(Reader& reader);
Result<TypeIdx> read_tag_type(Reader& reader);
Result<SubType> read_sub_type(Reader& reader);
/// Appends the types of one recursion group; whether it was written as one.
Result<bool> read_rec_group(Reader& reader, std::vector<SubType>& types);
/// Kind and type of an import.
Result<void> read_extern_type(Reader& reader, ExternDesc& import);

}  // namespace sedge::wasm::decode_detail

#endif  // SEDGE_WASM_DECODE_TYPES_H_
