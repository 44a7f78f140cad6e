// WIT's names as C++ identifiers.
#ifndef SEDGE_WIT_CPP_NAMES_H_
#define SEDGE_WIT_CPP_NAMES_H_

#include <string>
#include <string_view>

namespace sedge::wit {

/// "read-via-stream" → "read_via_stream"; words of C++ and common macros get an underscore.
std::string snake_case(std::string_view name);
/// "input-stream" → "InputStream".
std::string pascal_case(std::string_view name);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_CPP_NAMES_H_
