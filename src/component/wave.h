// WAVE: values of components as text (the WebAssembly Value Encoding). The printer is to_string in
// sedge/component.h.
#ifndef SEDGE_COMPONENT_WAVE_H_
#define SEDGE_COMPONENT_WAVE_H_

#include <string>
#include <string_view>
#include <vector>

#include <sedge/component.h>

#include "component/types.h"

namespace sedge::component {

/// Reads one value of `type`. Also taken: `x` for `some(x)` and `ok(x)` where x is no option or
/// result itself, records without fields that are options, `//` comments, trailing commas. Error:
/// bad_argument with the column.
Result<ComponentVal> parse_wave(const Types& types, ValType type, std::string_view text);

/// `name(1, "x")`, cut where the arguments begin.
struct WaveCall {
  std::string_view name;
  std::string_view arguments;  ///< with the parentheses; empty if there are none
};
WaveCall split_wave_call(std::string_view text);
/// Reads the arguments of a function, in parentheses. Errors: bad_argument with the column, for
/// the wrong number with the function's type.
Result<std::vector<ComponentVal>> parse_wave_arguments(const ComponentFunc& function,
                                                       std::string_view text);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_WAVE_H_
