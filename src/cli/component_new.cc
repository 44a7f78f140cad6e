// `sedge component new`: a core module that carries its world → a component.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "adapters/builtin.h"
#include "base/file.h"
#include "cli/component_options.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/verbs.h"
#include "component/decode.h"
#include "component/validate.h"
#include "componentize/component_new.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--adapt", 0, "[NAME=]FILE",
     "a module that provides the imports of NAME (default: the file's name) instead of what sedge "
     "has itself",
     true},
    {"--wit", 0, "PATH", "WIT of the world, for a module that does not carry it"},
    {"--world", 'w', "NAME", "the world in that WIT; needed where the package has several"},
    {"--encoding", 0, "utf8|utf16|latin1+utf16", "with --wit: how the module keeps strings"},
    {"--features", 0, "LIST", "with --wit: features whose @unstable items are there", true},
    {"--deps", 0, "DIR", "with --wit: a folder of more packages that may be used", true},
    {"--output", 'o', "FILE",
     "where the component goes; - is standard output (default: the input's name with "
     ".component.wasm)"},
    kTextOption,
    {"--no-validate", 0, "", "write a component that does not validate, too"},
};
constexpr Positional kPositionals[] = {{"FILE", "a core module, binary or text"}};

/// "wasi_snapshot_preview1=adapter.wasm", or a file that is called like what it provides:
/// wasi_snapshot_preview1.reactor.wasm.
std::pair<std::string, std::string> adapter_of(std::string_view text) {
  size_t equals = text.find('=');
  if (equals != std::string_view::npos)
    return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
  std::string name = stem(text);
  return {name.substr(0, name.find('.')), std::string(text)};
}

Result<int> run(const Arguments& arguments) {
  std::string_view path = arguments.positional(0);
  SEDGE_TRY_ASSIGN(FileContent module, load_core(path));
  if (arguments.has("--wit")) {
    SEDGE_TRY_ASSIGN(std::vector<uint8_t> embedded, embed_world(arguments, module.bytes));
    auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(embedded));
    module = {*owner, owner};
  }
  std::vector<FileContent> binaries;
  std::vector<componentize::Adapter> adapters;
  for (std::string_view text : arguments.all("--adapt")) {
    auto [name, file] = adapter_of(text);
    SEDGE_TRY_ASSIGN(FileContent binary, load_core(file));
    adapters.push_back({name, binary.bytes});
    binaries.push_back(std::move(binary));
  }
  bool bridged = std::ranges::any_of(adapters, [](const componentize::Adapter& adapter) {
    return adapter.name == adapters::kPreview1;
  });
  if (!bridged) {
    auto own = adapters::adapter_for(module.bytes);
    if (!own) return fail(std::move(own).error().with_context(std::string(path)));
    if (*own) adapters.push_back(**own);
  }
  auto made = componentize::component_new(module.bytes, adapters, arguments.has("--wit"));
  if (!made) return fail(std::move(made).error().with_context(std::string(path)));
  std::optional<Error> needs;
  if (!arguments.has("--no-validate")) {
    SEDGE_TRY_ASSIGN(component::Component component, component::decode(Bytes(*made), nullptr));
    auto valid = component::validate(component, Features::all(), wasm::TypeRegistry::create());
    if (!valid) {
      // What runs it has to ask for more.
      SEDGE_TRY(
          component::validate(component, component::every_feature(), wasm::TypeRegistry::create()));
      needs = std::move(valid).error();
    }
  }
  std::string output = path == "-" ? "-" : stem(path) + ".component.wasm";
  if (auto given = arguments.get("--output")) output = std::string(*given);
  SEDGE_TRY(write_wasm(arguments, output, *made));
  if (needs) {
    const std::string remedy = needs->remedy();
    print_note("to run it takes a feature that is off by default: " +
               (remedy.empty() ? needs->message() : remedy));
  }
  return 0;
}

}  // namespace

const Verb kComponentNewVerb = {
    "component new",
    "make a component of a core module",
    "The module carries its world (`sedge component embed`, or its tool chain), or --wit names it: "
    "then an export with the bare name of a function and its core type implements that function. "
    "Imports of WASI 0.1 become those of WASI 0.2 by an adapter that sedge has itself, or by that "
    "of "
    "--adapt: a module with `_start` exports wasi:cli/run. Imports that nothing uses are left out.",
    kOptions,
    kPositionals,
    "sedge component new core.wasm -o app.wasm\n"
    "sedge component new core.wasm --wit wit/ --world plugin -o plugin.wasm\n"
    "sedge component new core.wasm --adapt wasi_snapshot_preview1=adapter.wasm -o app.wasm",
    run};

}  // namespace sedge::cli
