// Any characters through the text parser and the script parser. What parses must encode to a module
// that decodes, and that encodes to the same bytes.
#include <sedge/error.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"
#include "wasm/text/script.h"
#include "wasm/text/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  using fuzz::require;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto script = wasm::parse_script(text);
  if (!script) require(!script.error().message().empty(), "an error has a message");

  auto parsed = wasm::parse_module(text);
  if (!parsed) {
    require(!parsed.error().message().empty(), "an error has a message");
    return 0;
  }
  std::vector<uint8_t> binary = wasm::encode(parsed->module);
  auto decoded = wasm::decode(binary, nullptr);
  // Text may say what no binary may (a custom section with any content): a refusal is fine.
  if (decoded) require(wasm::encode(*decoded) == binary, "encoding is stable");
  return 0;
}
