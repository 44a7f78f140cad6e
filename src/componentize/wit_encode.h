// WIT in binary form: packages as components of types (WIT.md, "Package Format"), and the
// custom section by which a core module carries its world.
#ifndef SEDGE_COMPONENTIZE_WIT_ENCODE_H_
#define SEDGE_COMPONENTIZE_WIT_ENCODE_H_

#include <string_view>
#include <vector>

#include "component/ast.h"
#include "wit/model.h"

namespace sedge::componentize {

/// How strings of a module are encoded; values as in its custom section.
enum class StringEncoding : uint8_t { utf8 = 0, utf16 = 1, latin1_utf16 = 2 };

/// Custom sections whose name begins so carry a world.
inline constexpr std::string_view kWorldSection = "component-type";

/// The custom section inside a world section that says the string encoding.
inline constexpr std::string_view kEncodingSection = "wit-component-encoding";

/// A component that exports each interface and world of `package` as a type, docs and gates in a
/// custom section.
std::vector<uint8_t> encode_package(const wit::Resolve& resolve, wit::PackageId package);

/// The content of a core module's custom section for `world`.
std::vector<uint8_t> encode_world(const wit::Resolve& resolve, wit::WorldId world,
                                  StringEncoding encoding);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_WIT_ENCODE_H_
