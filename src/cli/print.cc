// `sedge print`: binary format → text format.
#include "base/file.h"
#include "cli/load.h"
#include "cli/verbs.h"
#include "component/decode.h"
#include "component/text/text.h"
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
constexpr Positional kPositionals[] = {{"FILE", "a module or component; - is standard input"}};

Result<int> print_as_component(const Arguments& arguments, const LoadedFile& file) {
  SEDGE_TRY_ASSIGN(FileContent binary, to_binary(file));
  auto decoded = component::decode(binary.bytes, binary.owner);
  if (!decoded) return fail(std::move(decoded.error()).with_context(file.path));
  component::PrintOptions options;
  options.skeleton = arguments.has("--skeleton");
  options.names = arguments.get("--names").value_or("on") == "on";
  SEDGE_TRY(write_file(std::string(arguments.get("--output").value_or("-")),
                       component::print_component(*decoded, options)));
  return 0;
}

Result<int> run(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(LoadedFile file, load_file(arguments.positional(0)));
  if (is_component(file)) return print_as_component(arguments, file);
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
