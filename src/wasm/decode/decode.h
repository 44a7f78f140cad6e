// Binary format → wasm::Module. Spec: chapter "Binary Format".
#ifndef SEDGE_WASM_DECODE_DECODE_H_
#define SEDGE_WASM_DECODE_DECODE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include <sedge/error.h>

#include "wasm/module.h"

namespace sedge::wasm {

using SharedBytes = std::shared_ptr<const std::vector<uint8_t>>;

/// Decodes a core module: structure and encoding of every section, and of the instructions of
/// constant expressions. The instructions of function bodies are only delimited here: validate()
/// walks them once, checks encoding and typing together and reports malformed bodies too (phase
/// malformed), so nothing else may read a body before validation. The module shares ownership of
/// `binary`. Custom sections are kept; the name and branch hint sections are parsed too, and
/// ignored as a whole when they are malformed. Errors: phase malformed, with the byte offset;
/// limit_exceeded beyond the limits of module.h; unsupported_file for a component.
Result<Module> decode(SharedBytes binary);
/// The same for bytes that `owner` keeps alive (a mapped file); `owner` may be null if the caller
/// outlives the module.
Result<Module> decode(Bytes binary, std::shared_ptr<const void> owner);

/// The error for a function whose bytes ran out before its final `end`, worded as the
/// specification's suite wants it: by what follows the body in the binary.
Error missing_end_error(const Module& module, const Func& func);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_DECODE_DECODE_H_
