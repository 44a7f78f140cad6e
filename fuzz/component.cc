// Any bytes through decoder and validator of components. Whatever is valid must survive encoding,
// and printing and parsing, byte for byte.
#include <sedge/error.h>

#include <cstddef>
#include <cstdint>

#include "fuzz/component_round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  auto syntax = component::decode(Bytes(data, size), nullptr);
  if (!syntax) {
    fuzz::require(!syntax.error().message().empty(), "an error has a message");
    return 0;
  }
  if (fuzz::is_valid(*syntax)) fuzz::round_trip(*syntax);
  return 0;
}
