// `sedge component targets`: whether a component conforms to a world.
#include <fmt/format.h>

#include "cli/component_options.h"
#include "cli/compose_parts.h"
#include "cli/console.h"
#include "cli/verbs.h"
#include "componentize/embed.h"
#include "componentize/load_wit.h"
#include "compose/targets.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--wit", 0, "PATH", "a .wit file, a folder of them, or WIT in binary form (default: wit)"},
    {"--world", 'w', "NAME", "the world; needed where the package has several"},
    {"--features", 0, "LIST", "features whose @unstable items are there, with commas; or `all`",
     true},
    {"--deps", 0, "DIR", "a folder of more packages that may be used", true},
};
constexpr Positional kPositionals[] = {{"COMPONENT", "a component, binary or text"}};

Result<int> run(const Arguments& arguments) {
  std::string_view path = arguments.positional(0);
  SEDGE_TRY_ASSIGN(component::Component component, read_component(path));
  std::string wit_path(arguments.get("--wit").value_or("wit"));
  SEDGE_TRY_ASSIGN(wit::Loaded loaded, componentize::load_wit(wit_path, wit_options(arguments)));
  SEDGE_TRY_ASSIGN(wit::WorldId world,
                   componentize::select_world(loaded.resolve, loaded.root,
                                              arguments.get("--world").value_or("")));
  SEDGE_TRY(compose::check_targets(component, path, loaded.resolve, world));
  const wit::World& target = loaded.resolve.worlds[world];
  SEDGE_TRY(print(fmt::format("{} targets {}\n", path,
                              loaded.resolve.packages[target.package].name.item(target.name))));
  return 0;
}

}  // namespace

const Verb kComponentTargetsVerb = {
    "component targets",
    "check that a component conforms to a world",
    "The component may import less than the world does and export more. All that is missing or "
    "differs is named.",
    kOptions,
    kPositionals,
    "sedge component targets app.wasm --wit wit/ --world proxy",
    run};

}  // namespace sedge::cli
