// Any bytes: decoding and validation end with a module or an error, and the validator's quick path
// agrees with its full rules, message and place included.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "wasm/decode/decode.h"
#include "wasm/validate/context.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  using namespace sedge::wasm;
  auto module = decode(std::make_shared<const std::vector<uint8_t>>(data, data + size));
  if (!module) return 0;
  for (Features features : {Features::all(), Features::wasm1()}) {
    auto quick = validation::validate_module(*module, features, TypeRegistry::create(),
                                             wasm::validation::Walk::quick);
    auto slow = validation::validate_module(*module, features, TypeRegistry::create(),
                                            wasm::validation::Walk::full);
    if (quick.has_value() != slow.has_value()) std::abort();
    if (!quick && quick.error().render() != slow.error().render()) std::abort();
  }
  return 0;
}
