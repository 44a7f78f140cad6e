// `sedge compose`: a component with dependencies, or a composition in a .wac file.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "cli/compose_config.h"
#include "cli/compose_parts.h"
#include "cli/load.h"
#include "cli/verbs.h"
#include "component/decode.h"
#include "component/names.h"
#include "componentize/load_wit.h"
#include "componentize/wit_decode.h"
#include "componentize/wit_encode.h"
#include "compose/connect.h"
#include "compose/wac.h"

namespace sedge::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxWacFile = uint64_t{1} << 20;

constexpr Option kOptions[] = {
    {"--component", 0, "FILE", "the component, instead of the positional"},
    {"--dependency", 'd', "[NAME:]FILE", "a component that satisfies imports; NAME may be one",
     true},
    {"--definitions", 0, "FILE", "the same as --dependency FILE", true},
    {"--search-path", 'p', "DIR", "where a configuration's dependencies may lie, too", true},
#if SEDGE_HAVE_SERVER
    {"--config", 'c', "FILE", "dependencies and instantiations as YAML, as wasm-tools takes it"},
#endif
    {"--dep", 0, "NS:PKG=PATH", "for a .wac file: a component, or a package of WIT", true},
    {"--deps-dir", 0, "DIR",
     "for a .wac file: NS/PKG.wasm, .wit or / for the rest (default: deps)"},
    {"--closed", 0, "", "refuse imports that nothing satisfies"},
    {"--output", 'o', "FILE", "where the component goes; - is standard output (default: -)"},
    kTextOption,
};
constexpr Positional kPositionals[] = {{"FILE",
                                        "the component whose imports are satisfied, or a .wac file",
                                        Positional::Count::optional}};

/// NAME and where it is, from --dep.
struct NamedPath {
  std::string name;
  std::string path;
};

Result<std::vector<NamedPath>> named_paths(const Arguments& arguments) {
  std::vector<NamedPath> out;
  for (std::string_view text : arguments.all("--dep")) {
    size_t equals = text.find('=');
    if (equals == std::string_view::npos)
      return fail(Error(ErrorCode::bad_argument, fmt::format(": `--dep {}`", text))
                      .with_remedy("--dep NS:PKG=PATH"));
    out.push_back({std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))});
  }
  return out;
}

/// Whether a path is WIT: a folder, a .wit file, or a package in binary form.
bool is_wit(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error) || path.ends_with(".wit")) return true;
  auto component = read_component(path);
  return component && componentize::is_wit_package(*component);
}

/// Adds the packages of WIT at `path`, with those that they use. The name of the first.
Result<wit::PackageName> add_wit(wit::Resolve& resolve, const std::string& path) {
  wit::LoadOptions options;
  options.gates.all = true;
  SEDGE_TRY_ASSIGN(wit::Loaded loaded, componentize::load_wit(path, options));
  wit::PackageName name = loaded.resolve.packages[loaded.root].name;
  if (resolve.packages.empty()) {
    resolve = std::move(loaded.resolve);
    return name;
  }
  for (wit::PackageId id = 0; id < loaded.resolve.packages.size(); ++id) {
    std::vector<uint8_t> binary = componentize::encode_package(loaded.resolve, id);
    SEDGE_TRY_ASSIGN(component::Component package, component::decode(Bytes(binary), nullptr));
    SEDGE_TRY(componentize::decode_package_into(resolve, package));
  }
  return name;
}

bool has_wit(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".wit") return true;
  return false;
}

/// What a composition's packages are: those of --dep, then those of the folder of dependencies.
class Dependencies {
 public:
  Dependencies(std::vector<NamedPath> named, std::string folder)
      : named_(std::move(named)), folder_(std::move(folder)) {}

  Result<component::Component> component(const std::string& name) const {
    if (auto path = find(name, {".wasm", ".wat"}, false)) return read_component(*path);
    return fail(unknown(name, ".wasm"));
  }

  Result<void> add_wit_package(wit::Resolve& resolve, const wit::PackageName& name) const {
    std::string text = name.to_string();
    auto path = find(text, {".wasm", ".wat", ".wit"}, true);
    if (!path) return fail(unknown(text, "/, .wit or .wasm"));
    if (!is_wit(*path)) {
      SEDGE_TRY(read_component(*path));
      return fail(
          Error(ErrorCode::no_component,
                fmt::format(": {} is a component, not the package of WIT `{}`", *path, text))
              .with_remedy(fmt::format("--dep {}=PATH of its WIT", text)));
    }
    SEDGE_TRY_ASSIGN(wit::PackageName found, add_wit(resolve, *path));
    bool fits = found.space == name.space && found.name == name.name &&
                (!name.version || found.version == name.version);
    if (fits) return {};
    return fail(Error(ErrorCode::no_component, fmt::format(": {} has the package `{}`, not `{}`",
                                                           *path, found.to_string(), text))
                    .with_remedy(fmt::format("--dep {}=PATH of its WIT", text)));
  }

 private:
  /// Where "ns:pkg@1.0.0" lies. A version may be part of the file's name, a folder or left out.
  std::optional<std::string> find(const std::string& name,
                                  std::initializer_list<const char*> endings, bool folders) const {
    size_t at = std::min(name.find('@'), name.size());
    std::string plain = name.substr(0, at);
    for (const NamedPath& dep : named_)
      if (dep.name == name || dep.name == plain) return dep.path;
    std::ranges::replace(plain, ':', '/');
    std::vector<std::string> places{folder_ + "/" + plain};
    if (at != name.size())
      places = {places[0] + name.substr(at), places[0] + "/" + name.substr(at + 1), places[0]};
    std::error_code error;
    for (const std::string& place : places) {
      if (folders && has_wit(place)) return place;
      for (const char* ending : endings)
        if (std::string file = place + ending; fs::is_regular_file(file, error)) return file;
    }
    return std::nullopt;
  }

  static Error unknown(const std::string& name, const char* endings) {
    std::string path = name.substr(0, name.find('@'));
    std::ranges::replace(path, ':', '/');
    return Error(ErrorCode::file_not_found, fmt::format(": package `{}`", name))
        .with_remedy(
            fmt::format("--dep {}=FILE, or --deps-dir DIR with DIR/{}{}", name, path, endings));
  }

  std::vector<NamedPath> named_;
  std::string folder_;
};

Result<component::Component> compose_text(const Arguments& arguments, std::string_view path) {
  SEDGE_TRY_ASSIGN(FileContent text, read_file(std::string(path), kMaxWacFile));
  SEDGE_TRY_ASSIGN(std::vector<NamedPath> named, named_paths(arguments));
  compose::WacInput input;
  input.path = std::string(path);
  input.text = std::string(text.text());
  for (const NamedPath& dep : named)
    if (is_wit(dep.path)) SEDGE_TRY(add_wit(input.wit, dep.path));
  Dependencies dependencies(std::move(named),
                            std::string(arguments.get("--deps-dir").value_or("deps")));
  input.find = [&](const std::string& name) { return dependencies.component(name); };
  input.find_wit = [&](wit::Resolve& resolve, const wit::PackageName& name) {
    return dependencies.add_wit_package(resolve, name);
  };
  return compose::compose_wac(input);
}

/// Files called like the imports of `root` in one of the folders.
Result<void> search(const component::Component& root, const std::vector<std::string>& folders,
                    std::vector<compose::Part>& parts) {
  for (const component::Definition& definition : root.definitions) {
    const auto* import = std::get_if<component::Import>(&definition.node);
    if (!import || !component::is_kebab(import->name.name)) continue;
    std::string name(import->name.name);
    if (std::ranges::find(parts, name, &compose::Part::name) != parts.end()) continue;
    for (const std::string& folder : folders) {
      std::string file = fmt::format("{}/{}.wasm", folder, name);
      if (!fs::exists(file)) continue;
      SEDGE_TRY_ASSIGN(component::Component component, read_component(file));
      parts.push_back({name, file, std::move(component)});
      break;
    }
  }
  return {};
}

Result<component::Component> compose_files(const Arguments& arguments, std::string_view path) {
  SEDGE_TRY_ASSIGN(component::Component root, read_component(path));
  ComposeConfig config;
#if SEDGE_HAVE_SERVER
  if (auto file = arguments.get("--config")) {
    SEDGE_TRY_ASSIGN(config, read_compose_config(std::string(*file)));
  }
#endif
  for (const char* option : {"--dependency", "--definitions"})
    for (std::string_view text : arguments.all(option)) {
      auto [name, file] = named_file(text);
      SEDGE_TRY_ASSIGN(component::Component component, read_component(file));
      config.dependencies.push_back({name, file, std::move(component)});
    }
  for (std::string_view folder : arguments.all("--search-path"))
    config.search_paths.emplace_back(folder);
  SEDGE_TRY(search(root, config.search_paths, config.dependencies));
  compose::ConnectOptions options;
  options.closed = config.closed || arguments.has("--closed");
  return compose::connect({{}, std::string(path), std::move(root), config.root_arguments},
                          std::move(config.dependencies), options);
}

Result<int> run(const Arguments& arguments) {
  std::string_view path = arguments.get("--component").value_or(arguments.positional(0));
  if (path.empty())
    return fail(ErrorCode::missing_argument, ": FILE (a component, or a .wac file)");
  if (arguments.get("--component") && !arguments.positional(0).empty())
    return fail(ErrorCode::unexpected_argument, fmt::format(" `{}`", arguments.positional(0)));
  SEDGE_TRY_ASSIGN(component::Component made, path.ends_with(".wac")
                                                  ? compose_text(arguments, path)
                                                  : compose_files(arguments, path));
  SEDGE_TRY(write_component(arguments, made));
  return 0;
}

}  // namespace

const Verb kComposeVerb = {
    "compose",
    "put components together",
    "The imports of FILE are satisfied by instances of the dependencies, and so are theirs by each "
    "other: by exports of the same name or in a compatible version. What nothing satisfies stays "
    "an "
    "import. A .wac file says in the WAC language what is instantiated with what.",
    kOptions,
    kPositionals,
    "sedge compose app.wasm --dependency calculator:calc.wasm -o whole.wasm\n"
    "sedge compose app.wasm -d db.wasm -d cache.wasm --closed -o whole.wasm\n"
    "sedge compose app.wac --dep my:app=app.wasm --dep my:db=db.wasm -o whole.wasm",
    run};

}  // namespace sedge::cli
