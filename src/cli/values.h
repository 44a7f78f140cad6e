// Arguments and results of functions called from the command line, as text.
#ifndef SEDGE_CLI_VALUES_H_
#define SEDGE_CLI_VALUES_H_

#include <string>
#include <string_view>

#include <sedge/error.h>
#include <sedge/store.h>
#include <sedge/value.h>

namespace sedge::cli {

/// Reads one argument of type `type`. Integers: decimal or 0x…, signed or unsigned range; floats:
/// decimal, 0x1p3, inf, nan, nan:0x…; v128: `i32x4:1,2,3,4` (also i8x16, i16x8, i64x2, f32x4,
/// f64x2); references: `null`, and a number for externref. `where` names the parameter in errors.
/// Error: bad_argument.
Result<Val> parse_value(Store& store, ValType type, std::string_view text, std::string_view where);
/// The same notation, back; references that are not null as `func`, `extern:N`, `ref`.
std::string format_value(const Store& store, const Val& value);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_VALUES_H_
