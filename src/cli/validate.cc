// `sedge validate`: decodes and validates files, reports each.
#include <fmt/format.h>

#include <sedge/engine.h>

#include "base/json.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--features", 'f', "LIST",
     "features that modules may use: wasm1, wasm2, wasm3 or all, then +NAME or -NAME, with commas"},
    {"--json", 0, "", "print one JSON object"},
    {"--quiet", 'q', "", "print nothing for valid files"},
};
constexpr Positional kPositionals[] = {
    {"FILE", "modules or components, binary or text; - is standard input",
     Positional::Count::many}};

Result<void> check(const Engine& engine, std::string_view path) {
  SEDGE_TRY_ASSIGN(LoadedFile file, load_file(path));
  if (is_component(file))
    SEDGE_TRY(load_component(engine, file));
  else
    SEDGE_TRY(load_module(engine, file));
  return {};
}

void describe(Json& json, std::string_view path, const Result<void>& result) {
  json.begin_object().field("file", path).field("valid", result.has_value());
  if (!result) {
    const Error& error = result.error();
    json.field("code", static_cast<int>(error.code())).field("name", error.info().name);
    json.field("message", error.message());
    if (error.location().kind == Location::Kind::offset)
      json.field("offset", error.location().offset);
    if (error.location().kind == Location::Kind::line)
      json.field("line", error.location().line).field("column", error.location().column);
    if (std::string remedy = error.remedy(); !remedy.empty()) json.field("help", remedy);
  }
  json.end();
}

Result<int> run(const Arguments& arguments) {
  Config config;
  if (auto list = arguments.get("--features")) {
    SEDGE_TRY_ASSIGN(config.features, Features::parse(*list));
  }
  SEDGE_TRY_ASSIGN(Engine engine, Engine::create(config));
  int status = 0;
  Json json;
  bool as_json = arguments.has("--json");
  if (as_json) json.begin_object().key("files").begin_array();
  for (std::string_view path : arguments.positionals()) {
    Result<void> result = check(engine, path);
    if (!result && status == 0) status = result.error().exit_code();
    if (as_json) {
      describe(json, path, result);
    } else if (!result) {
      print_error(result.error());
    } else if (!arguments.has("--quiet")) {
      SEDGE_TRY(print(fmt::format("{}: valid\n", path)));
    }
  }
  if (as_json) SEDGE_TRY(print(json.end().end().take()));
  return status;
}

}  // namespace

const Verb kValidateVerb = {
    "validate",
    "say whether files are valid modules or components",
    "Checks each file whole: encoding or syntax, then types. Exits with 3 if one is not valid.",
    kOptions,
    kPositionals,
    "sedge validate app.wasm lib.wat\n"
    "sedge validate --features wasm2,-simd app.wasm   # only what WebAssembly 2.0 has, no vectors",
    run};

}  // namespace sedge::cli
