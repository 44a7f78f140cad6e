// `sedge parse`: text format → binary format.
#include <sedge/engine.h>

#include "base/file.h"
#include "cli/load.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--output", 'o', "FILE",
     "where the binary goes; - is standard output (default: the input's "
     "name with .wasm)"},
    {"--no-validate", 0, "", "write a module that does not validate, too"},
    {"--features", 'f', "LIST", "features that the module may use, as for `sedge validate`"},
};
constexpr Positional kPositionals[] = {{"FILE", "a text module or component; - is standard input"}};

Result<int> run(const Arguments& arguments) {
  std::string_view path = arguments.positional(0);
  SEDGE_TRY_ASSIGN(LoadedFile file, load_file(path));
  if (file.kind == FileKind::not_wasm) file.kind = FileKind::text;  // let the parser say why
  if (!arguments.has("--no-validate")) {
    Config config;
    if (auto list = arguments.get("--features")) {
      SEDGE_TRY_ASSIGN(config.features, Features::parse(*list));
    }
    SEDGE_TRY_ASSIGN(Engine engine, Engine::create(config));
    if (is_component(file))
      SEDGE_TRY(load_component(engine, file));
    else
      SEDGE_TRY(load_module(engine, file));
  }
  SEDGE_TRY_ASSIGN(FileContent binary, to_binary(file));
  std::string output =
      path == "-" ? "-" : std::string(path.substr(0, path.rfind(".wat"))) + ".wasm";
  if (auto given = arguments.get("--output")) output = std::string(*given);
  if (output == path && output != "-")
    return fail(ErrorCode::bad_argument, ": the output would replace the input: " + output);
  SEDGE_TRY(write_file(output, binary.text()));
  return 0;
}

}  // namespace

const Verb kParseVerb = {"parse",
                         "turn a text module (.wat) into a binary one",
                         "A binary file is copied, so that the command can stand in a pipeline.",
                         kOptions,
                         kPositionals,
                         "sedge parse add.wat                # writes add.wasm\n"
                         "sedge parse -o - add.wat | sedge inspect -",
                         run};

}  // namespace sedge::cli
