// Which adapter a module gets is told by what it exports.
#include "adapters/builtin.h"

#include <algorithm>

#include <fmt/format.h>

#include "componentize/core_module.h"
#include "wasm/decode/decode.h"

namespace sedge::adapters {
namespace {

/// Whether a host of wasi:http/proxy is all that the module's world asks for.
bool is_proxy(const wit::Resolve& resolve, const wit::World& world) {
  bool handles = false;
  for (const auto& [key, item] : world.exports)
    handles |= resolve.item_name(item).starts_with("wasi:http/incoming-handler@");
  for (const auto& [key, item] : world.imports)
    if (resolve.item_name(item).starts_with("wasi:filesystem/")) return false;
  return handles;
}

}  // namespace

Result<std::optional<componentize::Adapter>> adapter_for(Bytes module) {
  wit::Resolve resolve;
  SEDGE_TRY_ASSIGN(componentize::CoreModuleFile file,
                   componentize::read_core_module(resolve, "main", module, false));
  bool imports = std::ranges::any_of(
      file.module.imports, [](const wasm::Import& import) { return import.module == kPreview1; });
  bool is_command = file.find_export("_start", ExternKind::func) != nullptr;
  if (!imports || (!is_command && file.world == wit::kNone)) return std::nullopt;
  Kind kind = Kind::reactor;
  if (is_command)
    kind = Kind::command;
  else if (is_proxy(resolve, resolve.worlds[file.world]))
    kind = Kind::proxy;
  Bytes adapter = binary(kind);
  if (adapter.empty())
    return fail(Error(ErrorCode::no_component,
                      fmt::format(": the module imports `{}`, and this build of sedge has no "
                                  "adapter for it",
                                  kPreview1))
                    .with_remedy("give one: --adapt FILE"));
  return componentize::Adapter{std::string(kPreview1), adapter};
}

}  // namespace sedge::adapters
