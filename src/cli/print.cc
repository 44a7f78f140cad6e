// `sedge print`: binary format → text format.
#include "base/file.h"
#include "cli/load.h"
#include "cli/verbs.h"
#include "wasm/text/text.h"
#include "wasm/validate/validate.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--output", 'o', "FILE", "where the text goes (default: standard output)"},
    {"--offsets", 0, "", "show the byte offset of each instruction as a comment"},
    {"--skeleton", 0, "", "leave function bodies out"},
    {"--names", 0, "on|off", "whether names from the name section are used (default: on)"},
};
constexpr Positional kPositionals[] = {{"FILE", "a module; - is standard input"}};

Result<int> run(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(LoadedFile file, load_file(arguments.positional(0)));
  SEDGE_TRY_ASSIGN(wasm::Module module, decode_file(file));
  // Printing walks function bodies, whose encoding validation checks.
  if (auto valid = wasm::validate(module, Features::all(), wasm::TypeRegistry::create()); !valid) {
    valid.error().add_context(file.path);
    return fail(std::move(valid).error());
  }
  wasm::PrintOptions options;
  options.offsets = arguments.has("--offsets");
  options.skeleton = arguments.has("--skeleton");
  options.names = arguments.get("--names").value_or("on") == "on";
  SEDGE_TRY(write_file(std::string(arguments.get("--output").value_or("-")),
                       wasm::print_module(module, options)));
  return 0;
}

}  // namespace

const Verb kPrintVerb = {
    "print",
    "turn a binary module into text (.wat)",
    "`sedge parse` of the text gives the module back, with its names and custom sections.",
    kOptions,
    kPositionals,
    "sedge print app.wasm -o app.wat\n"
    "sedge print --skeleton app.wasm    # types, imports, exports; no bodies",
    run};

}  // namespace sedge::cli
