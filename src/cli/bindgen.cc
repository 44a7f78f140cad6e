// `sedge bindgen`: C++ host interfaces from WIT, for embedders.
#include "wit/bindgen.h"

#include <fmt/format.h>

#include "cli/component_options.h"
#include "cli/console.h"
#include "cli/verbs.h"
#include "componentize/load_wit.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--world", 'w', "NAME",
     "whose imports are wanted (default: the package's only world, or else "
     "all its interfaces)"},
    {"--namespace", 0, "NAME", "the C++ namespace around everything (default: bindings)"},
    {"--features", 0, "LIST", "features whose @unstable items are there, with commas; or `all`",
     true},
    {"--deps", 0, "DIR", "a folder of more packages that may be used", true},
    {"--output", 'o', "DIR", "the folder to write into (default: bindings)"},
};
constexpr Positional kPositionals[] = {
    {"WIT",
     "a .wit file, a folder of them with dependencies in its folder `deps`, or a component"}};

Result<int> run(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(wit::Loaded loaded, componentize::load_wit(std::string(arguments.positional(0)),
                                                              wit_options(arguments)));
  wit::BindgenOptions options;
  if (auto world = arguments.get("--world")) options.world = *world;
  if (auto name = arguments.get("--namespace")) options.name_space = *name;
  std::string folder(arguments.get("--output").value_or("bindings"));
  SEDGE_TRY_ASSIGN(auto files, wit::generate_bindings(loaded.resolve, loaded.root, options));
  SEDGE_TRY(wit::write_bindings(files, folder));
  std::string out;
  for (const wit::GeneratedFile& file : files) out += fmt::format("{}/{}\n", folder, file.path);
  SEDGE_TRY(print(out));
  return 0;
}

}  // namespace

const Verb kBindgenVerb = {
    "bindgen",
    "generate C++ host interfaces from WIT",
    "Writes a header for each interface that the world imports, with the C++ types and an abstract "
    "class for its functions and each of its resources, and a source file for each package with "
    "the glue. Derive from the classes, and give them to a sedge::ComponentLinker with "
    "`add_to_linker`; a function that is missing does not compile.",
    kOptions,
    kPositionals,
    "sedge bindgen wit/ -o generated\n"
    "sedge bindgen plugin.wit --world plugin --namespace app::plugin -o generated",
    run};

}  // namespace sedge::cli
