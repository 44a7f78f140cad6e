// Files are told apart by their content.
#include "componentize/load_wit.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "component/decode.h"
#include "component/text/text.h"
#include "componentize/core_module.h"
#include "componentize/wit_decode.h"
#include "wasm/text/text.h"

namespace sedge::componentize {
namespace {

struct BinaryFile {
  Bytes bytes;
  std::shared_ptr<const void> owner;  ///< of `bytes`
  bool is_wasm = false;               ///< else WIT text
};

bool begins_with(std::string_view text, std::string_view word) {
  size_t at = text.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && text.substr(at).starts_with(word);
}

Result<BinaryFile> read(const std::string& path) {
  BinaryFile out;
  SEDGE_TRY_ASSIGN(FileContent content, read_file(path, component::kMaxComponentSize));
  std::string_view text = content.text();
  out.bytes = content.bytes;
  out.owner = content.owner;
  constexpr std::string_view kMagic("\0asm", 4);
  out.is_wasm = text.starts_with(kMagic);
  // A text with comments in front is no WIT either: WIT has no parentheses at its top.
  bool is_component = component::is_component_text(text);
  if (!out.is_wasm && (is_component || begins_with(text, "(module"))) {
    auto binary = is_component ? component::assemble(text) : wasm::assemble(text);
    if (!binary) return fail(std::move(binary).error().with_context(path));
    auto owner = std::make_shared<const std::vector<uint8_t>>(*std::move(binary));
    out.bytes = *owner;
    out.owner = owner;
    out.is_wasm = true;
  }
  return out;
}

Result<wit::Loaded> decode(Bytes bytes) {
  wit::Loaded out;
  if (component::is_component(bytes)) {
    SEDGE_TRY_ASSIGN(DecodedWit decoded, decode_wit(bytes));
    out.resolve = std::move(decoded.resolve);
    out.root = decoded.root;
    return out;
  }
  SEDGE_TRY_ASSIGN(CoreModuleFile module, read_core_module(out.resolve, "module", bytes, false));
  if (module.world == wit::kNone)
    return fail(ErrorCode::no_component,
                ": the module says no world: it has no custom section "
                "`component-type`");
  out.root = out.resolve.worlds[module.world].package;
  return out;
}

}  // namespace

Result<wit::Loaded> load_wit(const std::string& path, wit::LoadOptions options) {
  options.decoder = [](wit::Resolve& resolve,
                       const std::string& dependency) -> Result<wit::PackageId> {
    SEDGE_TRY_ASSIGN(BinaryFile file, read(dependency));
    auto component = component::decode(file.bytes, file.owner);
    if (!component) return fail(std::move(component).error().with_context(dependency));
    auto package = decode_package_into(resolve, *component);
    if (!package) return fail(std::move(package).error().with_context(dependency));
    return *package;
  };
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return wit::load(path, options);
  SEDGE_TRY_ASSIGN(BinaryFile file, read(path));
  if (!file.is_wasm) return wit::load(path, options);
  auto out = decode(file.bytes);
  if (!out) return fail(std::move(out).error().with_context(path));
  return out;
}

}  // namespace sedge::componentize
