// Any text as a composition, over two small packages. What is accepted encodes to a component that
// decodes again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "component/decode.h"
#include "component/encode.h"
#include "component/text/text.h"
#include "compose/wac.h"
#include "fuzz/require.h"

namespace {

constexpr std::string_view kGives =
    R"((component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f"))) (instance $x (export "f" (func $f)))
  (export "t:a/x@0.2.1" (instance $x)) (export "f" (func $f))))";
constexpr std::string_view kTakes =
    R"((component (import "t:a/x@0.2.0" (instance $x (export "f" (func))))
  (import "r" (type $r (sub resource))) (import "g" (func (param "r" (own $r))))
  (export "y" (func $x "f"))))";

sedge::Result<sedge::component::Component> find(const std::string& name) {
  using namespace sedge;
  std::string_view text = name == "a:b" ? kGives : kTakes;
  if (text == kTakes && name != "a:c") return fail(ErrorCode::file_not_found, ": " + name);
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, component::assemble(text));
  auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(binary));
  return component::decode(Bytes(*owner), owner);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  using fuzz::require;
  compose::WacInput input;
  input.path = "a.wac";
  input.text.assign(reinterpret_cast<const char*>(data), size);
  input.find = find;
  auto made = compose::compose_wac(input);
  if (!made) {
    require(!made.error().message().empty(), "an error has a message");
    return 0;
  }
  std::vector<uint8_t> binary = component::encode(*made);
  require(component::decode(Bytes(binary), nullptr).has_value(), "what is written decodes");
  return 0;
}
