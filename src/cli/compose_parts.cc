#include "cli/compose_parts.h"

#include <unistd.h>

#include "base/file.h"
#include "cli/load.h"
#include "component/decode.h"
#include "component/encode.h"

namespace sedge::cli {

Result<component::Component> read_component(std::string_view path) {
  SEDGE_TRY_ASSIGN(LoadedFile file, load_file(path));
  if (!is_component(file))
    return fail(Error(ErrorCode::unsupported_file, ": this is a core module, not a component")
                    .with_context(file.path)
                    .with_remedy("make one of it: sedge component new"));
  SEDGE_TRY_ASSIGN(FileContent binary, to_binary(file));
  auto component = component::decode(binary.bytes, binary.owner);
  if (!component) return fail(std::move(component).error().with_context(file.path));
  return component;
}

std::pair<std::string, std::string> named_file(std::string_view text) {
  size_t split = text.find('=');
  if (split == std::string_view::npos) {
    // The file is what is there; a name may have a colon inside, a file may, too.
    for (size_t at = text.rfind(':'); at != std::string_view::npos && at != 0;
         at = text.rfind(':', at - 1)) {
      split = at;
      if (::access(std::string(text.substr(at + 1)).c_str(), F_OK) == 0) break;
    }
  }
  if (split == std::string_view::npos) return {"", std::string(text)};
  return {std::string(text.substr(0, split)), std::string(text.substr(split + 1))};
}

Result<void> write_component(const Arguments& arguments, const component::Component& component) {
  std::vector<uint8_t> binary = component::encode(component);
  return write_wasm(arguments, std::string(arguments.get("--output").value_or("-")), binary);
}

}  // namespace sedge::cli
