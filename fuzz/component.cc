// Any bytes through decoder and validator of components. Whatever is valid must survive encoding,
// and printing and parsing, byte for byte.
#include <sedge/error.h>
#include <sedge/feature.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "component/decode.h"
#include "component/encode.h"
#include "component/text/text.h"
#include "component/validate.h"
#include "fuzz/require.h"

namespace {

using namespace sedge;
using fuzz::require;

Features everything() {
  auto features = Features::parse(
      "all,+cm-values,+cm-nested-names,+cm-canon-names,+cm-more-async-builtins,"
      "+cm-async-stackful,+cm-threading,+cm-fixed-length-lists,+cm-error-context,+cm64");
  require(features.has_value(), "the features have these names");
  return *features;
}

bool valid(const component::Component& syntax) {
  auto result = component::validate(syntax, everything(), wasm::TypeRegistry::create());
  if (!result) require(!result.error().message().empty(), "an error has a message");
  return result.has_value();
}

void round_trip(const component::Component& syntax) {
  std::vector<uint8_t> binary = component::encode(syntax);
  auto again = component::decode(binary, nullptr);
  require(again.has_value(), "an encoded component decodes");
  require(valid(*again), "an encoded component is as valid as the original");
  require(component::encode(*again) == binary, "encoding is stable");
  // Core modules keep their encoding; a trip through text makes it canonical for good.
  auto assembled = component::assemble(component::print_component(*again));
  require(assembled.has_value(), "a printed component parses");
  auto parsed = component::decode(*assembled, nullptr);
  require(parsed.has_value() && valid(*parsed), "a printed component is valid");
  auto second = component::assemble(component::print_component(*parsed));
  require(second.has_value() && *second == *assembled, "text, binary, text, binary is stable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto syntax = component::decode(Bytes(data, size), nullptr);
  if (!syntax) {
    require(!syntax.error().message().empty(), "an error has a message");
    return 0;
  }
  if (valid(*syntax)) round_trip(*syntax);
  return 0;
}
