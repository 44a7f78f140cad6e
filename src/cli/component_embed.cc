// `sedge component embed`: says in a core module which world it is made for.
#include <optional>

#include "base/file.h"
#include "cli/component_options.h"
#include "cli/load.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--wit", 0, "PATH", "a .wit file, a folder of them, or WIT in binary form (default: wit)"},
    {"--world", 'w', "NAME", "the world; needed where the package has several"},
    {"--encoding", 0, "utf8|utf16|latin1+utf16", "how the module keeps strings (default: utf8)"},
    {"--features", 0, "LIST", "features whose @unstable items are there, with commas; or `all`",
     true},
    {"--deps", 0, "DIR", "a folder of more packages that may be used", true},
    {"--output", 'o', "FILE", "where the module goes; - is standard output (default: -)"},
    kTextOption,
    {"--dummy", 0, "", "instead of FILE: a module that does nothing yet, whose functions trap"},
};
constexpr Positional kPositionals[] = {
    {"FILE", "a core module, binary or text", Positional::Count::optional}};

Result<int> run(const Arguments& arguments) {
  std::optional<FileContent> module;
  if (!arguments.has("--dummy")) {
    if (arguments.positionals().empty())
      return fail(Error(ErrorCode::missing_argument, ": FILE")
                      .with_remedy("--dummy makes a module that does nothing yet"));
    SEDGE_TRY_ASSIGN(module, load_core(arguments.positional(0)));
  }
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> out,
                   embed_world(arguments, module ? std::optional(module->bytes) : std::nullopt));
  std::string output(arguments.get("--output").value_or("-"));
  SEDGE_TRY(write_wasm(arguments, output, out));
  return 0;
}

}  // namespace

const Verb kComponentEmbedVerb = {
    "component embed",
    "say in a core module which world it is made for",
    "Adds a custom section with the world's types, from which `sedge component new` works. Tool "
    "chains that generate bindings add it themselves.",
    kOptions,
    kPositionals,
    "sedge component embed --wit wit/ --world plugin core.wasm -o plugin.core.wasm\n"
    "sedge component embed --wit wit/ --dummy --text        # what a module for it looks like",
    run};

}  // namespace sedge::cli
