// What must hold of a valid component, wherever it came from: it survives encoding, and printing
// and parsing, byte for byte.
#ifndef SEDGE_FUZZ_COMPONENT_ROUND_TRIP_H_
#define SEDGE_FUZZ_COMPONENT_ROUND_TRIP_H_

#include <sedge/error.h>
#include <sedge/feature.h>

#include <cstdint>
#include <vector>

#include "component/decode.h"
#include "component/encode.h"
#include "component/text/text.h"
#include "component/validate.h"
#include "fuzz/require.h"

namespace sedge::fuzz {

inline Features every_component_feature() {
  auto features = Features::parse(
      "all,+cm-values,+cm-nested-names,+cm-canon-names,+cm-more-async-builtins,"
      "+cm-async-stackful,+cm-threading,+cm-fixed-length-lists,+cm-error-context,+cm64");
  require(features.has_value(), "the features have these names");
  return *features;
}

inline bool is_valid(const component::Component& syntax) {
  auto result =
      component::validate(syntax, every_component_feature(), wasm::TypeRegistry::create());
  if (!result) require(!result.error().message().empty(), "an error has a message");
  return result.has_value();
}

inline void round_trip(const component::Component& syntax) {
  std::vector<uint8_t> binary = component::encode(syntax);
  auto again = component::decode(binary, nullptr);
  require(again.has_value(), "an encoded component decodes");
  require(is_valid(*again), "an encoded component is as valid as the original");
  require(component::encode(*again) == binary, "encoding is stable");
  // Core modules keep their encoding; a trip through text makes it canonical for good.
  auto assembled = component::assemble(component::print_component(*again));
  require(assembled.has_value(), "a printed component parses");
  auto parsed = component::decode(*assembled, nullptr);
  require(parsed.has_value() && is_valid(*parsed), "a printed component is valid");
  auto second = component::assemble(component::print_component(*parsed));
  require(second.has_value() && *second == *assembled, "text, binary, text, binary is stable");
}

}  // namespace sedge::fuzz

#endif  // SEDGE_FUZZ_COMPONENT_ROUND_TRIP_H_
