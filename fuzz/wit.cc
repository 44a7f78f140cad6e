// Any text as WIT. What resolves prints to text that resolves, and that prints the same again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/require.h"
#include "wit/json.h"
#include "wit/load.h"
#include "wit/print.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  using fuzz::require;
  wit::Gates gates;
  gates.all = size % 2 == 0;
  auto loaded =
      wit::load_text("a.wit", std::string(reinterpret_cast<const char*>(data), size), gates);
  if (!loaded) {
    require(!loaded.error().message().empty(), "an error has a message");
    return 0;
  }
  require(!wit::to_json(loaded->resolve).empty(), "there is JSON");
  std::string text = wit::print_all(loaded->resolve, loaded->root);
  auto again = wit::load_text("b.wit", text, gates);
  require(again.has_value(), "printed text resolves");
  require(wit::print_all(again->resolve, again->root) == text, "printing is stable");
  return 0;
}
