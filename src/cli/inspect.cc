// `sedge inspect`: what a file is, what it needs, and what will stop it from running.
#include <fmt/format.h>

#include <sedge/engine.h>
#include <sedge/wasi_component.h>

#include "base/json.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "component/decode.h"
#include "component/type_text.h"
#include "component/validate.h"
#include "component/value.h"
#include "wasm/validate/validate.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--json", 0, "", "print one JSON object"},
};
constexpr Positional kPositionals[] = {
    {"FILE", "modules, binary or text; - is standard input", Positional::Count::many}};

struct Section {
  std::string name;
  uint64_t size;     ///< of the content, in bytes
  uint64_t entries;  ///< 0 where there are none to count
};

std::vector<Section> sections(const wasm::Module& module) {
  constexpr std::string_view kNames[] = {"custom", "type",   "import",     "function", "table",
                                         "memory", "global", "export",     "start",    "element",
                                         "code",   "data",   "data count", "tag"};
  const size_t entries[] = {0,
                            module.types.size(),
                            module.imports.size(),
                            module.funcs.size(),
                            module.tables.size(),
                            module.memories.size(),
                            module.globals.size(),
                            module.exports.size(),
                            0,
                            module.elems.size(),
                            module.funcs.size(),
                            module.datas.size(),
                            0,
                            module.tags.size()};
  std::vector<Section> out;
  Reader reader(module.binary);
  reader.skip(8);  // decoded before: the header and every section are there
  while (!reader.at_end()) {
    auto id = reader.u8();
    auto size = reader.u32();
    if (!id || !size || *id >= std::size(kNames)) break;
    auto content = reader.bytes(*size);
    if (!content) break;
    std::string name(kNames[*id]);
    if (*id == 0)
      if (auto custom = Reader(*content).name()) name = fmt::format("custom \"{}\"", *custom);
    out.push_back({std::move(name), *size, entries[*id]});
  }
  return out;
}

/// Everything that is said about one file.
struct Report {
  LoadedFile file;
  bool is_component = false;
  wasm::Module module;
  std::optional<Error> invalid;
  std::vector<std::string> component_imports, component_exports;  ///< "name: instance"
  Features features;
  std::vector<Obstacle> obstacles;
};

/// "name: kind" of an import or export; a value also shows its type, and what it is if that is a
/// constant. `valid` is null for a component that is not.
std::string describe_item(std::string_view name, component::Sort sort,
                          const component::Entity* entity, const component::Validated* valid,
                          const component::Value* constant = nullptr) {
  std::string out = fmt::format("{}: {}", name, to_string(sort));
  if (!valid || !entity || entity->kind != component::ExternType::Kind::value) return out;
  constexpr size_t kShown = 1000;
  out += " " + component::value_text(*valid->types, entity->value, kShown);
  if (!constant) return out;
  Reader reader(constant->encoding);
  ComponentVal value;
  if (component::read_constant(*valid->types, entity->value, reader, nullptr, &value))
    out += " = " + to_string(value);
  return out;
}

/// What a component imports and exports, and whether it is valid.
Result<void> examine_component(Report& report) {
  SEDGE_TRY_ASSIGN(FileContent binary, to_binary(report.file));
  auto decoded = component::decode(binary.bytes, binary.owner);
  if (!decoded) return fail(std::move(decoded.error()).with_context(report.file.path));
  auto valid = component::validate(*decoded, Features::all(), wasm::TypeRegistry::create());
  if (!valid && valid.error().code() == ErrorCode::feature_disabled) {
    report.invalid = std::move(valid).error();
    valid = component::validate(*decoded, component::every_feature(), wasm::TypeRegistry::create());
  }
  const component::Validated* types = valid ? &*valid : nullptr;
  const component::ComponentInfo* info = types ? &types->components.at(&*decoded) : nullptr;
  const component::ComponentSig* sig = info ? &types->types->component(info->sig) : nullptr;
  ComponentLinker host;
  wasi::link(host);
  for (const component::Definition& item : decoded->definitions) {
    if (const auto* import = std::get_if<component::Import>(&item.node)) {
      report.component_imports.push_back(
          describe_item(import->name.name, sort_of(import->type.kind),
                        sig ? sig->imports.find(import->name.name) : nullptr, types));
      bool is_type = import->type.kind == component::ExternType::Kind::type;
      if (!is_type && !host.has(import->name.name))
        report.obstacles.push_back(
            {fmt::format("it needs {}, which `sedge run` does not give it", import->name.name),
             import->type.kind == component::ExternType::Kind::value
                 ? fmt::format("sedge run --value {}=VALUE gives it one", import->name.name)
                 : "compose it with a component that exports that"});
      constexpr std::string_view kStore = "wasi:keyvalue/store@";
      if (import->name.name.starts_with(kStore))
        report.obstacles.push_back(
            {fmt::format("it needs {}, which no guest has by itself", import->name.name),
             "sedge run --keyvalue FILE gives it a store"});
    }
    if (const auto* out = std::get_if<component::Export>(&item.node)) {
      const bool is_value = info && out->item->sort == component::Sort::value;
      report.component_exports.push_back(describe_item(
          out->name.name, out->item->sort, sig ? sig->exports.find(out->name.name) : nullptr, types,
          is_value ? info->spaces.values[out->item->index].constant : nullptr));
    }
  }
  if (!valid && !report.invalid) report.invalid = std::move(valid).error();
  return {};
}

Result<Report> examine(std::string_view path) {
  Report report;
  SEDGE_TRY_ASSIGN(report.file, load_file(path));
  if (is_component(report.file)) {
    report.is_component = true;
    SEDGE_TRY(examine_component(report));
    return report;
  }
  SEDGE_TRY_ASSIGN(report.module, decode_file(report.file));
  if (auto valid = wasm::validate(report.module, Features::all(), wasm::TypeRegistry::create());
      !valid)
    report.invalid = std::move(valid).error();
  report.features = features_used(report.module);
  report.obstacles = obstacles(report.module);
  return report;
}

template <typename Visit>
void for_each_feature(Features features, Visit visit) {
  for (uint8_t i = 0; i < 64 && features.bits() >> i; ++i)
    if (auto feature = static_cast<Feature>(i); features.has(feature)) visit(feature);
}

void list(std::string& out, std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += fmt::format("{} ({}):\n", title, lines.size());
  for (const std::string& line : lines) out += fmt::format("  {}\n", line);
}

std::string problems_text(const Report& report) {
  std::string out;
  for (const Obstacle& obstacle : report.obstacles)
    out += fmt::format("problem: {}\n   help: {}\n", obstacle.problem, obstacle.remedy);
  return out;
}

std::string to_text(const Report& report) {
  const wasm::Module& module = report.module;
  std::string out = fmt::format("{}: {}, {}\n", report.file.path, to_string(report.file.kind),
                                format_size(report.file.content.bytes.size()));
  if (report.is_component) {
    out += fmt::format("valid:    {}\n",
                       report.invalid ? "no: " + report.invalid->message() : std::string("yes"));
    list(out, "imports", report.component_imports);
    list(out, "exports", report.component_exports);
    return out + problems_text(report);
  }
  Target target = target_of(module);
  out += fmt::format("target:   {} ({})\n", to_string(target), describe(target));
  out += fmt::format("WASI:     {}\n", wasi_version(module));
  out += fmt::format("valid:    {}\n",
                     report.invalid ? "no: " + report.invalid->message() : std::string("yes"));
  std::string features;
  for_each_feature(report.features, [&](Feature feature) {
    features += fmt::format("{}{}", features.empty() ? "" : ", ", feature_name(feature));
  });
  out += fmt::format("features: {}\n", features);
  std::vector<std::string> lines;
  lines.reserve(module.imports.size() + module.exports.size());
  for (const wasm::Import& import : module.imports)
    lines.push_back(
        fmt::format("{} {}: {}", import.module, import.name, describe_import(module, import)));
  list(out, "imports", lines);
  lines.clear();
  for (const wasm::Export& item : module.exports)
    lines.push_back(fmt::format("{}: {}", item.name, describe_export(module, item)));
  list(out, "exports", lines);
  lines.clear();
  for (const Section& section : sections(module))
    lines.push_back(section.entries
                        ? fmt::format("{:<24} {:>12}  {} entries", section.name,
                                      format_size(section.size), section.entries)
                        : fmt::format("{:<24} {:>12}", section.name, format_size(section.size)));
  list(out, "sections", lines);
  return out + problems_text(report);
}

void to_json(Json& json, const Report& report) {
  const wasm::Module& module = report.module;
  json.begin_object().field("file", report.file.path).field("kind", to_string(report.file.kind));
  json.field("size", report.file.content.bytes.size());
  if (report.is_component) {
    json.field("valid", !report.invalid);
    if (report.invalid) json.field("error", report.invalid->message());
    json.key("imports").begin_array();
    for (const std::string& line : report.component_imports) json.value(line);
    json.end().key("exports").begin_array();
    for (const std::string& line : report.component_exports) json.value(line);
    json.end();
  } else {
    json.field("target", to_string(target_of(module))).field("wasi", wasi_version(module));
    json.field("valid", !report.invalid);
    if (report.invalid) json.field("error", report.invalid->message());
    json.key("features").begin_array();
    for_each_feature(report.features, [&](Feature feature) { json.value(feature_name(feature)); });
    json.end().key("imports").begin_array();
    for (const wasm::Import& import : module.imports)
      json.begin_object()
          .field("module", import.module)
          .field("name", import.name)
          .field("kind", to_string(import.kind))
          .field("type", describe_import(module, import))
          .end();
    json.end().key("exports").begin_array();
    for (const wasm::Export& item : module.exports)
      json.begin_object()
          .field("name", item.name)
          .field("kind", to_string(item.kind))
          .field("type", describe_export(module, item))
          .end();
    json.end().key("sections").begin_array();
    for (const Section& section : sections(module)) {
      json.begin_object().field("name", section.name).field("size", section.size);
      if (section.entries) json.field("entries", section.entries);
      json.end();
    }
    json.end();
  }
  json.key("problems").begin_array();
  for (const Obstacle& obstacle : report.obstacles)
    json.begin_object().field("problem", obstacle.problem).field("help", obstacle.remedy).end();
  json.end().end();
}

Result<int> run(const Arguments& arguments) {
  Json json;
  bool as_json = arguments.has("--json");
  if (as_json) json.begin_object().key("files").begin_array();
  std::string text;
  for (std::string_view path : arguments.positionals()) {
    SEDGE_TRY_ASSIGN(Report report, examine(path));
    if (as_json)
      to_json(json, report);
    else
      text += (text.empty() ? "" : "\n") + to_text(report);
  }
  SEDGE_TRY(print(as_json ? json.end().end().take() : text));
  return 0;
}

}  // namespace

const Verb kInspectVerb = {
    "inspect",
    "say what a file is and what it needs",
    "Shows kind, target, WASI version, features, imports, exports with signatures, sections with "
    "sizes, and whatever will stop the file from running, with the cure.",
    kOptions,
    kPositionals,
    "sedge inspect app.wasm\n"
    "sedge inspect --json app.wasm",
    run};

}  // namespace sedge::cli
