// Internals of the decoder: one function per section, each over a Reader that is bounded by its
// section. Not for users of decode.h.
#ifndef SEDGE_WASM_DECODE_DECODER_H_
#define SEDGE_WASM_DECODE_DECODER_H_

#include <string_view>

#include "base/reader.h"
#include "wasm/module.h"
#include "wasm/op.h"

namespace sedge::wasm::decode_detail {

/// What is decoded so far, and what only the decoder needs to know.
struct State {
  Module& module;
  Bytes binary;                 ///< the whole module
  uint32_t declared_funcs = 0;  ///< entries of the function section
  uint32_t code_entries = 0;    ///< entries of the code section
  Instr scratch;                ///< reused for every constant expression
};

/// Reads the count of a vector whose entries take at least one byte each. `limit` is the most that
/// sedge takes; `what` names the entries. A count beyond the section's bytes is left to fail where
/// they end, so that nothing is allocated for it.
Result<uint32_t> read_count(Reader& reader, uint32_t limit, std::string_view what);
/// How many entries to make room for before they are read.
inline size_t room_for(const Reader& reader, uint32_t count) {
  return count < reader.remaining() ? count : reader.remaining();
}

// Types (type_section.cc).
Result<void> read_type_section(State& state, Reader& reader);
Result<TableType> read_table_type(Reader& reader);
Result<MemoryType> read_memory_type(Reader& reader);
Result<GlobalType> read_global_type(Reader& reader);
Result<TypeIdx> read_tag_type(Reader& reader);

// Definitions (sections.cc).
Result<void> read_import_section(State& state, Reader& reader);
Result<void> read_function_section(State& state, Reader& reader);
Result<void> read_table_section(State& state, Reader& reader);
Result<void> read_memory_section(State& state, Reader& reader);
Result<void> read_global_section(State& state, Reader& reader);
Result<void> read_tag_section(State& state, Reader& reader);
Result<void> read_export_section(State& state, Reader& reader);
/// A constant expression up to and including its `end`.
Result<Expr> read_expr(State& state, Reader& reader);

// Segments and code (segments.cc).
Result<void> read_element_section(State& state, Reader& reader);
Result<void> read_code_section(State& state, Reader& reader);
Result<void> read_data_section(State& state, Reader& reader);

// Custom sections whose content sedge uses (custom_sections.cc): nothing is changed on malformed
// content.
void read_name_section(Module& module, const CustomSection& section);
void read_branch_hints(Module& module, const CustomSection& section);

inline constexpr std::string_view kNameSection = "name";
inline constexpr std::string_view kBranchHintSection = "metadata.code.branch_hint";

}  // namespace sedge::wasm::decode_detail

#endif  // SEDGE_WASM_DECODE_DECODER_H_
