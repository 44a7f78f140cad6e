// Contents of the custom sections that sedge writes from what the Module holds parsed.
#ifndef SEDGE_WASM_ENCODE_CUSTOM_SECTIONS_H_
#define SEDGE_WASM_ENCODE_CUSTOM_SECTIONS_H_

#include <cstdint>
#include <vector>

#include "wasm/encode/encode.h"
#include "wasm/module.h"

namespace sedge::wasm {

/// Whether anything is named.
bool has_names(const Names& names);
/// Content of the name section, without its name.
std::vector<uint8_t> encode_names(const Names& names);
/// Content of metadata.code.branch_hint.
std::vector<uint8_t> encode_branch_hints(const Module& module);
/// Declarations of locals as they stand before a function's body.
void encode_locals(Writer& writer, const Func& func);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_ENCODE_CUSTOM_SECTIONS_H_
