// Any bytes as a component: what has a form in WIT prints to text that resolves, and the package
// that is encoded of it decodes to the same text.
#include <cstddef>
#include <cstdint>

#include "component/decode.h"
#include "componentize/component_new.h"
#include "componentize/wit_decode.h"
#include "fuzz/require.h"
#include "wit/print.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  using fuzz::require;
  Bytes bytes(data, size);
  if (!component::is_component(bytes)) {
    auto made = componentize::component_new(bytes, {});
    if (made) require(component::decode(Bytes(*made), nullptr).has_value(), "components decode");
    return 0;
  }
  auto decoded = componentize::decode_wit(bytes);
  if (!decoded) {
    require(!decoded.error().message().empty(), "an error has a message");
    return 0;
  }
  std::string text = wit::print_package(decoded->resolve, decoded->root);
  if (!decoded->is_package) return 0;
  std::vector<uint8_t> binary = componentize::encode_package(decoded->resolve, decoded->root);
  auto again = componentize::decode_wit(Bytes(binary));
  require(again.has_value(), "what is encoded decodes");
  require(wit::print_package(again->resolve, again->root) == text, "and is the same");
  return 0;
}
