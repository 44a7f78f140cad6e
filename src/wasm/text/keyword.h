// Words of the text format: mnemonics (from op.def) and everything else that the grammar knows.
#ifndef SEDGE_WASM_TEXT_KEYWORD_H_
#define SEDGE_WASM_TEXT_KEYWORD_H_

#include <optional>
#include <string_view>

#include <sedge/types.h>

#include "wasm/op.h"

namespace sedge::wasm {

/// The operator with this mnemonic. Of two operators that share one, the first row of op.def
/// (select, ref.test, ref.cast: their operands tell).
std::optional<Op> find_mnemonic(std::string_view text);

/// Whether the grammar of modules or scripts uses this word at all. Others are "unknown operator".
bool is_known_keyword(std::string_view text);

/// An abstract heap type ("func", "noextern").
std::optional<HeapType> find_heap_type(std::string_view text);
/// A value type of one word, references like "funcref" included; with `packed` i8 and i16 too.
std::optional<ValType> find_value_type(std::string_view text, bool packed = false);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_KEYWORD_H_
