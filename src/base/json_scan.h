// Finds where a JSON value ends (RFC 8259), without building anything: what the pointer functions of
// the engine need, which may not depend on a JSON library.
#ifndef SEDGE_BASE_JSON_SCAN_H_
#define SEDGE_BASE_JSON_SCAN_H_

#include <cstddef>
#include <string_view>

namespace sedge {

/// The size of the one JSON value that `bytes` begins with (white space before it included), or 0 if
/// there is none or it is not complete. What follows the value does not matter. Strings must be
/// UTF-8. Uses one bit per nesting level, never the call stack.
size_t json_value_size(std::string_view bytes);

/// Whether `text` is one JSON value with nothing but white space around it.
bool is_json(std::string_view text);

}  // namespace sedge

#endif  // SEDGE_BASE_JSON_SCAN_H_
