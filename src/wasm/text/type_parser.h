// Core types where they stand outside of a module: in the text of components. Spec: text format,
// section "Types".
#ifndef SEDGE_WASM_TEXT_TYPE_PARSER_H_
#define SEDGE_WASM_TEXT_TYPE_PARSER_H_

#include <string_view>
#include <utility>
#include <vector>

#include "wasm/text/module_parser.h"

namespace sedge::wasm {

/// Parses pieces at a position of a token list, within one index space of types that it keeps.
class TypeParser : private ModuleParser {
 public:
  struct Group {
    std::vector<SubType> types;
    bool is_explicit = false;
  };

  explicit TypeParser(const Tokens& tokens) : ModuleParser(tokens) {}

  using Cursor::position;
  using Cursor::seek;
  /// One type, `(func …)`, `(struct …)`, `(sub …)`, which may refer to itself by `id` (or empty).
  Result<SubType> type(std::string_view id);
  /// `(type $id? …)*` up to the parenthesis that closes the group; the ids that it defines.
  Result<Group> group(std::vector<std::pair<std::string_view, uint32_t>>& ids);
  Result<ValType> value() { return value_type(); }
  /// An entry of the space that is defined elsewhere.
  Result<void> foreign(std::string_view id);

  // A module type: the parser keeps its index space.
  /// `(type …)` or `(rec …)`, appended to `groups`.
  Result<void> definition();
  /// `(func $id? …)`, `(memory …)` and so on; a function type that is new is appended to the
  /// groups.
  Result<ExternDesc> extern_type();
  /// The groups appended since the last call.
  std::vector<Group> take_groups();

 private:
  size_t taken_ = 0;  ///< of rec_groups
};

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_TYPE_PARSER_H_
