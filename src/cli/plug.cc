// `sedge plug SOCKET --plug P`: exports of plugs satisfy the imports of a socket.
#include "cli/compose_parts.h"
#include "cli/load.h"
#include "cli/verbs.h"
#include "compose/connect.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--plug", 0, "FILE", "a component whose exports the socket imports", true},
    {"--output", 'o', "FILE", "where the component goes; - is standard output (default: -)"},
    kTextOption,
};
constexpr Positional kPositionals[] = {{"SOCKET", "the component whose imports are satisfied"}};

Result<int> run(const Arguments& arguments) {
  std::string_view path = arguments.positional(0);
  if (!arguments.has("--plug"))
    return fail(ErrorCode::missing_argument, ": --plug FILE (what the socket's imports come from)");
  SEDGE_TRY_ASSIGN(component::Component socket, read_component(path));
  std::vector<compose::Part> plugs;
  for (std::string_view plug : arguments.all("--plug")) {
    SEDGE_TRY_ASSIGN(component::Component component, read_component(plug));
    plugs.push_back({{}, std::string(plug), std::move(component)});
  }
  SEDGE_TRY_ASSIGN(component::Component made,
                   compose::connect({{}, std::string(path), std::move(socket)}, std::move(plugs),
                                    {.chain = false}));
  SEDGE_TRY(write_component(arguments, made));
  return 0;
}

}  // namespace

const Verb kPlugVerb = {
    "plug",
    "plug exports of components into another's imports",
    "Each import of SOCKET that a plug exports, under the same name or in a compatible version, "
    "comes from an instance of that plug. Imports that are left stay imports, and the exports of "
    "SOCKET are those of the result.",
    kOptions,
    kPositionals,
    "sedge plug app.wasm --plug cache.wasm --plug auth.wasm -o whole.wasm",
    run};

}  // namespace sedge::cli
