// Any bytes through decoder and validator. Whatever is valid must survive encoding, and printing
// and parsing, byte for byte.
#include <sedge/error.h>
#include <sedge/feature.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/require.h"
#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"
#include "wasm/text/text.h"
#include "wasm/validate/validate.h"

namespace {

using namespace sedge;
using fuzz::require;

bool valid(const wasm::Module& module) {
  auto result = wasm::validate(module, Features::all(), wasm::TypeRegistry::create());
  if (!result) require(!result.error().message().empty(), "an error has a message");
  return result.has_value();
}

void round_trip(const wasm::Module& module) {
  std::vector<uint8_t> binary = wasm::encode(module);
  auto again = wasm::decode(binary, nullptr);
  require(again.has_value(), "an encoded module decodes");
  require(valid(*again), "an encoded module is as valid as the original");
  require(wasm::encode(*again) == binary, "encoding is stable");
  // Bodies keep the LEB128 that they came with; a trip through text makes them canonical for good.
  auto assembled = wasm::assemble(wasm::print_module(*again));
  require(assembled.has_value(), "a printed module parses");
  auto parsed = wasm::decode(*assembled, nullptr);
  require(parsed.has_value() && valid(*parsed), "a printed module is valid");
  auto second = wasm::assemble(wasm::print_module(*parsed));
  require(second.has_value() && *second == *assembled, "text, binary, text, binary is stable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto module = wasm::decode(Bytes(data, size), nullptr);
  if (!module) {
    require(!module.error().message().empty(), "an error has a message");
    return 0;
  }
  if (valid(*module)) round_trip(*module);
  return 0;
}
