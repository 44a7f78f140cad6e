// What must hold of a valid component, wherever it came from: it survives encoding, and printing
// and parsing, byte for byte.
#ifndef SEDGE_FUZZ_COMPONENT_ROUND_TRIP_H_
#define SEDGE_FUZZ_COMPONENT_ROUND_TRIP_H_

#include <sedge/error.h>
#include <sedge/feature.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <variant>
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

/// Constants become values, which are of their types as those of a host are and have an encoding
/// that gives them back.
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
      wasm::Writer shortest;
      component::write_constant(types, entry.type, value, shortest);
      require(shortest.size() <= entry.constant->encoding.size(), "what is written is shortest");
      Reader written(shortest.out());
      ComponentVal again;
      require(component::read_constant(types, entry.type, written, nullptr, &again).has_value() &&
                  written.at_end() && component::same_value(value, again),
              "a value that is written reads as the same");
    }
  }
}

/// The encodings of all constants, in their order.
inline void append_constants(const component::Component& syntax, std::vector<Bytes>& out) {
  for (const component::Definition& item : syntax.definitions) {
    if (const auto* nested = std::get_if<std::unique_ptr<component::Component>>(&item.node))
      append_constants(**nested, out);
    if (const auto* value = std::get_if<component::Value>(&item.node))
      out.push_back(value->encoding);
  }
}
inline bool same_constants(const component::Component& a, const component::Component& b) {
  std::vector<Bytes> of_a, of_b;
  append_constants(a, of_a);
  append_constants(b, of_b);
  return std::ranges::equal(of_a, of_b, [](Bytes x, Bytes y) { return std::ranges::equal(x, y); });
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
  require(same_constants(*again, *parsed), "printed constants keep their encoding");
  auto second = component::assemble(component::print_component(*parsed));
  require(second.has_value() && *second == *assembled, "text, binary, text, binary is stable");
}

}  // namespace sedge::fuzz

#endif  // SEDGE_FUZZ_COMPONENT_ROUND_TRIP_H_
