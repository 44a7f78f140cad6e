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
#include "component/value.h"
#include "fuzz/require.h"

namespace sedge::fuzz {

inline Features every_component_feature() {
  auto features = Features::parse(
      "all,+cm-values,+cm-nested-names,+cm-canon-names,+cm-more-async-builtins,"
      "+cm-async-stackful,+cm-threading,+cm-fixed-length-lists,+cm-error-context,+cm64");
  require(features.has_value(), "the features have these names");
  return *features;
}

/// Constants become values, which are of their types as those of a host are.
inline void read_constants(const component::Validated& valid) {
  const component::Types& types = *valid.types;
  for (const auto& [syntax, info] : valid.components) {
    for (const auto& entry : info.spaces.values) {
      if (!entry.constant) continue;
      Reader reader(entry.constant->encoding);
      ComponentVal value;
      require(component::read_constant(types, entry.type, reader, nullptr, &value).has_value(),
              "a valid constant is a value");
      ComponentVal adopted = value;
      require(component::adopt_value(types, entry.type, adopted).has_value(),
              "a constant's value is of its type");
      require(component::same_value(value, adopted), "a constant's value is complete");
      require(!to_string(value).empty(), "a value has a text");
    }
  }
}

inline bool is_valid(const component::Component& syntax) {
  auto result =
      component::validate(syntax, every_component_feature(), wasm::TypeRegistry::create());
  if (result) {
    read_constants(*result);
  } else {
    require(!result.error().message().empty(), "an error has a message");
  }
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
