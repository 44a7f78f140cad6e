// `sedge component embed`: says in a core module which world it is made for.
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
};
constexpr Positional kPositionals[] = {{"FILE", "a core module, binary or text"}};

Result<int> run(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(FileContent module, load_core(arguments.positional(0)));
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> out, embed_world(arguments, module.bytes));
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
    "sedge component embed --wit wit/ --world plugin core.wasm -o plugin.core.wasm",
    run};

}  // namespace sedge::cli
