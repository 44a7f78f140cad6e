// Writing JSON (RFC 8259): strings; numbers and brackets are written by whoever writes the
// document.
#ifndef SEDGE_BASE_JSON_TEXT_H_
#define SEDGE_BASE_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace sedge {

/// Appends `text` as a JSON string; what is no UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace sedge

#endif  // SEDGE_BASE_JSON_TEXT_H_
