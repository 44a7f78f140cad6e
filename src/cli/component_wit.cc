// `sedge component wit`: resolves WIT and shows it as text or JSON.
#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "cli/component_options.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/verbs.h"
#include "componentize/load_wit.h"
#include "componentize/wit_encode.h"
#include "wit/json.h"
#include "wit/load.h"
#include "wit/print.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--json", 0, "", "print packages, worlds, interfaces and types as one JSON object"},
    {"--features", 0, "LIST", "features whose @unstable items are there, with commas; or `all`",
     true},
    {"--deps", 0, "DIR", "a folder of more packages that may be used, like `deps` beside PATH",
     true},
    {"--no-deps", 0, "", "print the package alone, without those that it uses"},
    {"--wasm", 0, "", "write the package in binary form"},
    {"--text", 0, "", "write the text format of the binary form"},
    {"--output", 'o', "FILE", "where the one file goes; - is standard output (default: -)"},
    {"--out-dir", 0, "DIR", "write NAME.wit, and deps/ with the packages that it uses, into DIR"},
};
constexpr Positional kPositionals[] = {
    {"PATH",
     "a .wit file, a folder of them with dependencies in its folder `deps`, a component, or a "
     "core module that carries a world"}};

/// The root package as DIR/NAME.wit, each other one as DIR/deps/SPACE-NAME[@VERSION].wit.
Result<void> write_folder(const wit::Resolve& resolve, wit::PackageId root,
                          const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder / "deps", error);
  if (error)
    return fail(ErrorCode::io,
                fmt::format(": {}: {}", (folder / "deps").string(), error.message()));
  for (wit::PackageId id = 0; id < resolve.packages.size(); ++id) {
    const wit::PackageName& name = resolve.packages[id].name;
    std::string version = name.version ? "@" + name.version->to_string() : "";
    std::filesystem::path path =
        id == root ? folder / fmt::format("{}.wit", name.name)
                   : folder / "deps" / fmt::format("{}-{}{}.wit", name.space, name.name, version);
    SEDGE_TRY(write_file(path.string(), wit::print_package(resolve, id)));
  }
  return {};
}

Result<int> run(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(wit::Loaded loaded, componentize::load_wit(std::string(arguments.positional(0)),
                                                              wit_options(arguments)));
  if (auto folder = arguments.get("--out-dir")) {
    SEDGE_TRY(write_folder(loaded.resolve, loaded.root, std::string(*folder)));
    return 0;
  }
  std::string output(arguments.get("--output").value_or("-"));
  if (arguments.has("--wasm") || arguments.has("--text")) {
    SEDGE_TRY(
        write_wasm(arguments, output, componentize::encode_package(loaded.resolve, loaded.root)));
    return 0;
  }
  std::string out;
  if (arguments.has("--json")) {
    out = wit::to_json(loaded.resolve);
  } else if (arguments.has("--no-deps")) {
    out = wit::print_package(loaded.resolve, loaded.root);
  } else {
    out = wit::print_all(loaded.resolve, loaded.root);
  }
  SEDGE_TRY(write_file(output, out));
  return 0;
}

}  // namespace

const Verb kComponentWitVerb = {
    "component wit",
    "check WIT and print it as text or JSON",
    "Reads a package of WIT, or the world of a component or core module, with everything that it "
    "uses, and prints it in canonical form: one "
    "file "
    "that stands alone. Worlds show the imports that follow from the types that they use.",
    kOptions,
    kPositionals,
    "sedge component wit wit/\n"
    "sedge component wit wit/ --json --features fancier-clocks\n"
    "sedge component wit app.wasm                      # what a component imports and exports\n"
    "sedge component wit world.wit --deps wasi/ --out-dir vendored/",
    run};

}  // namespace sedge::cli
