// Worlds and gates from the command line.
#include "cli/component_options.h"

#include <fmt/format.h>

#include "cli/load.h"
#include "componentize/dummy_module.h"
#include "componentize/embed.h"
#include "componentize/load_wit.h"

namespace sedge::cli {

wit::Gates read_gates(const Arguments& arguments) {
  wit::Gates gates;
  for (std::string_view list : arguments.all("--features"))
    while (!list.empty()) {
      size_t comma = list.find(',');
      std::string_view name = list.substr(0, comma);
      if (name == "all")
        gates.all = true;
      else if (!name.empty())
        gates.features.emplace(name);
      list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
  return gates;
}

wit::LoadOptions wit_options(const Arguments& arguments) {
  wit::LoadOptions options;
  options.gates = read_gates(arguments);
  for (std::string_view folder : arguments.all("--deps")) options.deps.emplace_back(folder);
  return options;
}

Result<std::vector<uint8_t>> embed_world(const Arguments& arguments, std::optional<Bytes> module) {
  std::string path(arguments.get("--wit").value_or("wit"));
  SEDGE_TRY_ASSIGN(wit::Loaded loaded, componentize::load_wit(path, wit_options(arguments)));
  SEDGE_TRY_ASSIGN(wit::WorldId world,
                   componentize::select_world(loaded.resolve, loaded.root,
                                              arguments.get("--world").value_or("")));
  using componentize::StringEncoding;
  StringEncoding encoding = StringEncoding::utf8;
  std::string_view name = arguments.get("--encoding").value_or("utf8");
  if (name == "utf16") encoding = StringEncoding::utf16;
  if (name == "latin1+utf16") encoding = StringEncoding::latin1_utf16;
  std::vector<uint8_t> dummy;
  if (!module) {
    SEDGE_TRY_ASSIGN(dummy, componentize::dummy_module(loaded.resolve, world));
    module = dummy;
  }
  return componentize::embed(loaded.resolve, world, *module, encoding);
}

Result<FileContent> load_core(std::string_view path) {
  SEDGE_TRY_ASSIGN(LoadedFile file, load_file(path));
  if (file.kind == FileKind::component)
    return fail(
        Error(ErrorCode::not_a_module, ": this is a component already").with_context(file.path));
  return to_binary(file);
}

}  // namespace sedge::cli
