// UTF-8 checking and encoding (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
#ifndef SEDGE_BASE_UTF8_H_
#define SEDGE_BASE_UTF8_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace sedge {

/// Whether all of `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);
/// Length of the longest well-formed prefix of `text`, in bytes.
size_t utf8_valid_prefix(std::string_view text);
/// Appends the encoding of `code_point`, which must be a Unicode scalar value.
void append_utf8(std::string& out, uint32_t code_point);

}  // namespace sedge

#endif  // SEDGE_BASE_UTF8_H_
