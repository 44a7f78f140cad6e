// Constants in the text format. What one stands for depends on its type, which is known once the
// definitions before it have been validated: so its syntax is checked where it stands, and it is
// read again then. Specification: Explainer.md, "Value Definitions".
#ifndef SEDGE_COMPONENT_TEXT_CONSTANTS_H_
#define SEDGE_COMPONENT_TEXT_CONSTANTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sedge/component.h>

#include "component/types.h"
#include "component/value.h"
#include "wasm/text/cursor.h"

namespace sedge::component {

/// Passes over a constant, of whatever type. Errors: phase malformed, with line and column.
Result<void> skip_constant(wasm::Cursor& cursor);

/// Reads constants that skip_constant has passed over, against their types.
class ConstantParser : private wasm::Cursor {
 public:
  explicit ConstantParser(const wasm::Tokens& tokens) : Cursor(tokens) {}

  /// The binary encoding of the constant at this position. `types` are the same for all calls.
  /// Errors, with line and column: invalid_component, saying what the type asks for;
  /// limit_exceeded.
  Result<std::vector<uint8_t>> encoding(const Types& types, ValType type, size_t position);

 private:
  using Labels = std::unordered_map<std::string_view, uint32_t>;

  Result<void> value(ValType type, ComponentVal& out);
  Result<void> binary(ValType type, ComponentVal& out);
  Result<void> primitive(PrimType type, ComponentVal& out);
  Result<void> integer(PrimType type, unsigned width, bool is_signed, ComponentVal& out);
  Result<void> floating(PrimType type, unsigned width, ComponentVal& out);
  Result<void> record(ValType type, const std::vector<ValType>& fields, ComponentVal& out);
  Result<void> labelled_case(ValType type, ComponentVal& out);
  Result<void> worded_case(ValType type, ComponentVal& out);
  /// Up to the closing parenthesis; `length` is that of a list of fixed length.
  Result<void> list(ValType type, ValType element, const uint32_t* length, ComponentVal& out);
  Result<void> flags(ValType type, const Flags& node, ComponentVal& out);
  /// One more item of `out`.
  Result<void> item(ValType type, ComponentVal& out);
  /// The number of the case whose label comes next, which is passed over if there is one.
  std::optional<uint32_t> take_label(uint32_t type_id);
  std::unexpected<Error> wrong(ValType type, std::string_view expected) const;
  const Defined& defined(ValType type) const { return types_->defined(type.index()); }

  const Types* types_ = nullptr;
  std::unordered_map<uint32_t, Labels> labels_;  ///< by id of the variant or enum
  HeldByConstant held_;
};

/// Appends a constant as the text format has it, read with or without the names of its parts. False
/// if `out` becomes larger than `most` bytes; it is of no use then.
bool append_constant(std::string& out, const Types& types, ValType type, const ComponentVal& value,
                     size_t most);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_TEXT_CONSTANTS_H_
