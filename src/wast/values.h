// Values of scripts: arguments to Val, expected patterns against results, both as text.
#ifndef SEDGE_WAST_VALUES_H_
#define SEDGE_WAST_VALUES_H_

#include <span>
#include <string>

#include <sedge/error.h>
#include <sedge/store.h>
#include <sedge/value.h>

#include "wasm/text/script.h"

namespace sedge::wast {

/// An argument as a value of `store`. Error: limits of the store.
Result<Val> to_val(Store& store, const wasm::ScriptValue& value);

/// Whether a result is what the script expects.
bool matches(const Store& store, const wasm::ScriptPattern& pattern, const Val& value);

/// "i32.const 5", "f32.const nan:0x400000", "(ref struct)".
std::string describe(const Store& store, const Val& value);
std::string describe(const Store& store, std::span<const Val> values);
std::string describe(const wasm::ScriptPattern& pattern);
std::string describe(std::span<const wasm::ScriptPattern> patterns);

}  // namespace sedge::wast

#endif  // SEDGE_WAST_VALUES_H_
