// Any characters through the text parser of components, validator and printer: what is valid must
// survive encoding, and printing and parsing, byte for byte.
#include <sedge/error.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/component_round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  using fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto syntax = component::parse_component(text);
  auto binary = component::assemble(text);
  if (!syntax) {
    require(!syntax.error().message().empty(), "an error has a message");
    require(!binary.has_value(), "what cannot be parsed cannot be assembled");
    return 0;
  }
  (void)component::is_component_text(text);  // fields alone are a component, too
  require(binary.has_value() && *binary == component::encode(*syntax),
          "assembling is parsing and encoding");
  // Text may say what no binary may (a name that is too long): a refusal is fine.
  auto decoded = component::decode(*binary, nullptr);
  if (decoded && fuzz::is_valid(*decoded)) fuzz::round_trip(*decoded);
  return 0;
}
