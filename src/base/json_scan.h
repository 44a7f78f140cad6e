// JSON (RFC 8259) without a tree: finds where a value ends, and takes one level of a value apart
// into pieces of the text. That is all that pointer functions and the server's events need; numbers
// and nested values pass through untouched.
#ifndef SEDGE_BASE_JSON_SCAN_H_
#define SEDGE_BASE_JSON_SCAN_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sedge {

/// The size of the one JSON value that `bytes` begins with (white space before it included), or 0
/// if there is none or it is not complete. What follows the value does not matter. Strings must be
/// UTF-8. Uses one bit per nesting level, never the call stack.
size_t json_value_size(std::string_view bytes);

/// Whether `text` is one JSON value with nothing but white space around it.
bool is_json(std::string_view text);

/// A member of an object: its name decoded, its value as it stands in the text.
struct JsonMember {
  std::string name;
  std::string_view value;
};

/// The members of the object `text`, or nothing if it is no object. `text` must be JSON (is_json).
std::optional<std::vector<JsonMember>> json_members(std::string_view text);
/// The elements of the array `text`, or nothing if it is no array. `text` must be JSON.
std::optional<std::vector<std::string_view>> json_elements(std::string_view text);
/// The string `text` decoded, or nothing if it is no string. `text` must be JSON. Escapes that are
/// half of a surrogate pair become U+FFFD.
std::optional<std::string> json_string(std::string_view text);
/// The number `text`, or nothing if it is no number or too large. `text` must be JSON.
std::optional<double> json_number(std::string_view text);

}  // namespace sedge

#endif  // SEDGE_BASE_JSON_SCAN_H_
