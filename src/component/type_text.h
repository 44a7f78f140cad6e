// Types of functions as one line of text with everything spelled out: what two sides compare, and
// what messages show.
#ifndef SEDGE_COMPONENT_TYPE_TEXT_H_
#define SEDGE_COMPONENT_TYPE_TEXT_H_

#include <string>

#include "component/types.h"

namespace sedge::component {

/// "func(self: borrow, name: string) -> result<own, enum{a, b}>"; ends with "…" once it is longer
/// than `most` bytes. src/wit/bindgen.cc writes the same for WIT.
std::string func_text(const Types& types, const FuncType& type, size_t most);
/// The same of a value type: "list<string>".
std::string value_text(const Types& types, ValType type, size_t most);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_TYPE_TEXT_H_
