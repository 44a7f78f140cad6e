// Internals of the decoder: one function per section, each over a Reader that is bounded by its
// section. Not for users of decode.h.
#ifndef SEDGE_WASM_DECODE_DECODER_H_
#define SEDGE_WASM_DECODE_DECODER_H_

#include <string_view>

#include "base/reader.h"
#include "wasm/decode/types.h"
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

// Types (type_section.cc).
Result<void> read_type_section(State& state, Reader& reader);

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
