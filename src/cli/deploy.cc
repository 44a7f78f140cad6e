// `sedge deploy`: a module or a router file becomes manifests for Kubernetes, written to a file or
// applied with kubectl. Empty in builds without the server.
#if SEDGE_HAVE_SERVER
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/file.h"
#include "cli/console.h"
#include "cli/environment.h"
#include "cli/manifests.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "serve/config.h"

namespace sedge::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kOptions[] = {
    {"--module", 0, "FILE", "the module that answers; the same as FILE"},
    {"--name", 0, "NAME", "of everything in the cluster (default: the file's)"},
    {"--namespace", 0, "NAME", "where it goes (default: default)"},
    {"--env", 0, "NAME[=VALUE]", "for a module: set a variable of the guest", true},
    {"--image", 0, "IMAGE", "an image with the program sedge (default: sedge:VERSION)"},
    {"--in-image", 0, "PATH", "the image holds the module there; no ConfigMap carries it"},
    {"--replicas", 0, "N", "pods at least (default: 2)"},
    {"--max-replicas", 0, "N", "pods at most (default: 10)"},
    {"--memory-limit-mb", 0, "N", "for a module: of one instance (default: 32)"},
    {"--runtime-class", 0, "NAME", "also write a RuntimeClass and run the pods with it"},
    {"--claim", 0, "NAME",
     "a PersistentVolumeClaim for the files of `keyvalue:` (default: each pod keeps its own)"},
    {"--output", 'o', "FILE", "where the manifests go; - is standard output (default: NAME.yaml)"},
    {"--apply", 0, "", "give them to kubectl as well"},
};
constexpr Positional kPositionals[] = {
    {"FILE", "a module or a router.yaml", Positional::Count::optional}};

constexpr std::string_view kConfigFolder = "/etc/sedge";

/// "dir/Edge_Function.wasm" → "edge-function".
std::string default_name(const std::string& file) {
  std::string name = fs::path(file).stem().string();
  std::ranges::transform(name, name.begin(), [](char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c | 0x20);
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    return plain ? c : '-';
  });
  size_t begin = name.find_first_not_of('-');
  return begin == std::string::npos ? "function"
                                    : name.substr(begin, name.find_last_not_of('-') - begin + 1);
}

Result<std::string> read_text(const std::string& path) {
  SEDGE_TRY_ASSIGN(FileContent content, read_file(path, uint64_t{64} << 20));
  return std::string(content.text());
}

bool is_router(const std::string& file) {
  return file.ends_with(".yaml") || file.ends_with(".yml");
}

std::string unique_key(const Deployment& deployment, const std::string& path) {
  std::string key = fs::path(path).filename().string();
  std::ranges::replace_if(
      key,
      [](char c) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return !plain && c != '-' && c != '_' && c != '.';
      },
      '_');
  std::string out = key;
  for (int i = 2; std::ranges::find(deployment.files, out, &PodFile::key) != deployment.files.end();
       ++i)
    out = fmt::format("{}-{}", i, key);
  return out;
}

Result<uint32_t> number(const Arguments& arguments, std::string_view option, uint32_t fallback) {
  auto text = arguments.get(option);
  if (!text) return fallback;
  SEDGE_TRY_ASSIGN(uint64_t count, parse_count(option, *text));
  if (count == 0 || count > 100'000)
    return fail(ErrorCode::bad_argument, fmt::format(": `{} {}`: from 1 to 100000", option, *text));
  return static_cast<uint32_t>(count);
}

/// A folder that the pods can write, for a route's file of values.
Result<void> add_data_folder(Deployment& deployment, const std::string& file) {
  std::string folder = fs::path(file).parent_path().lexically_normal().string();
  bool taken = std::ranges::any_of(deployment.files,
                                   [&](const PodFile& other) { return other.folder == folder; });
  if (!file.starts_with('/') || folder == "/" || folder == kConfigFolder || taken)
    return fail(Error(ErrorCode::bad_argument, fmt::format(": `keyvalue: {}` has no place in a "
                                                           "pod, which can write into folders of "
                                                           "its own only",
                                                           file))
                    .with_remedy("write an absolute path in a folder for this alone, such as "
                                 "/var/lib/sedge/values.db"));
  if (std::ranges::find(deployment.data_folders, folder) == deployment.data_folders.end())
    deployment.data_folders.push_back(folder);
  return {};
}

/// The router file as it is, and its modules where it expects them.
Result<void> add_router(Deployment& deployment, const std::string& file) {
  auto config = serve::load_router_config(file);
  if (!config) {
    std::vector<Error>& errors = config.error();
    for (size_t i = 0; i + 1 < errors.size(); ++i) print_error(errors[i]);
    return fail(std::move(errors.back()));
  }
  SEDGE_TRY_ASSIGN(std::string text, read_text(file));
  deployment.files.push_back(
      {std::string(kConfigFolder), "router.yaml", "router.yaml", std::move(text), true});
  fs::path folder = fs::path(file).parent_path();
  std::vector<std::string> seen;
  for (const serve::RouteConfig& route : config->routes) {
    if (std::ranges::find(seen, route.module) != seen.end()) continue;
    seen.push_back(route.module);
    SEDGE_TRY_ASSIGN(std::string content, read_text(route.module));
    fs::path module(route.module);
    bool absolute = module.is_absolute();
    fs::path inside =
        absolute ? module.filename() : module.lexically_relative(folder.empty() ? "." : folder);
    if (inside.empty() || *inside.begin() == "..")
      return fail(Error(ErrorCode::bad_argument,
                        fmt::format(": {} lies outside of the folder of {}", route.module, file))
                      .with_remedy("write an absolute path, or put the module beside the router "
                                   "file"));
    deployment.files.push_back(
        {absolute ? module.parent_path().string() : std::string(kConfigFolder), inside.string(),
         unique_key(deployment, route.module), std::move(content), false});
  }
  for (const serve::RouteConfig& route : config->routes)
    if (route.keyvalue && !route.keyvalue->empty())
      SEDGE_TRY(add_data_folder(deployment, *route.keyvalue));
  if (deployment.data_folders.empty() && !deployment.claim.empty())
    return fail(Error(ErrorCode::bad_argument, fmt::format(": `--claim {}`: no route of {} keeps "
                                                           "values",
                                                           deployment.claim, file))
                    .with_remedy("give a route `keyvalue: /var/lib/sedge/values.db`"));
  return {};
}

/// A router with one route, and the module beside it.
Result<void> add_module(Deployment& deployment, const std::string& file,
                        const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(auto env, parse_env(arguments.all("--env")));
  SEDGE_TRY_ASSIGN(uint32_t memory, number(arguments, "--memory-limit-mb", 32));
  auto in_image = arguments.get("--in-image");
  std::string name = fs::path(file).filename().string();
  std::string router = fmt::format(
      "routes:\n  - path: /*\n    module: {}\n    pool_size: 2\n    memory_limit_mb: {}\n",
      yaml_string(in_image ? *in_image : "/wasm/" + name), memory);
  if (!env.empty()) router += "    env:\n";
  for (const auto& [key, value] : env)
    router += fmt::format("      {}: {}\n", yaml_string(key), yaml_string(value));
  deployment.files.push_back(
      {std::string(kConfigFolder), "router.yaml", "router.yaml", std::move(router), true});
  if (in_image) return {};
  SEDGE_TRY_ASSIGN(std::string content, read_text(file));
  deployment.files.push_back(
      {"/wasm", name, unique_key(deployment, file), std::move(content), false});
  return {};
}

Result<int> apply_file(const std::string& file) {
  const char* argv[] = {"kubectl", "apply", "-f", file.c_str(), nullptr};
  pid_t child = 0;
  int failure =
      ::posix_spawnp(&child, argv[0], nullptr, nullptr, const_cast<char**>(argv), environ);
  if (failure != 0)
    return fail(Error(ErrorCode::file_not_found, ": kubectl")
                    .with_remedy(fmt::format("install kubectl, or apply {} elsewhere", file)));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

Result<int> run(const Arguments& arguments) {
  std::string file(arguments.get("--module").value_or(arguments.positional(0)));
  if (file.empty())
    return fail(Error(ErrorCode::missing_argument, ": FILE (a module or a router.yaml)")
                    .with_remedy(usage_line(kDeployVerb)));
  Deployment deployment;
  deployment.name = arguments.get("--name").value_or(default_name(file));
  deployment.space = arguments.get("--namespace").value_or("default");
  deployment.image = arguments.get("--image").value_or("sedge:" SEDGE_VERSION);
  deployment.runtime_class = arguments.get("--runtime-class").value_or("");
  deployment.claim = arguments.get("--claim").value_or("");
  SEDGE_TRY_ASSIGN(deployment.replicas, number(arguments, "--replicas", 2));
  SEDGE_TRY_ASSIGN(deployment.max_replicas, number(arguments, "--max-replicas", 10));
  deployment.command = {"sedge", "serve", "--listen", "0.0.0.0:8080",
                        fmt::format("{}/router.yaml", kConfigFolder)};
  for (std::string_view option : {"--in-image", "--env", "--memory-limit-mb"})
    if (is_router(file) && arguments.has(option))
      return fail(Error(ErrorCode::bad_argument, fmt::format(": `{}` is for a module", option))
                      .with_remedy(fmt::format("write it into a route of {}", file)));
  if (!is_router(file) && arguments.has("--claim"))
    return fail(Error(ErrorCode::bad_argument, ": `--claim` is for a router")
                    .with_remedy("write a router file with a route that has `keyvalue:`"));
  if (is_router(file))
    SEDGE_TRY(add_router(deployment, file));
  else
    SEDGE_TRY(add_module(deployment, file, arguments));
  SEDGE_TRY_ASSIGN(std::string text, manifests(deployment));
  std::string output(arguments.get("--output").value_or(deployment.name + ".yaml"));
  if (output == "-") {
    SEDGE_TRY(print(text));
    return 0;
  }
  SEDGE_TRY(write_file(output, text));
  SEDGE_TRY(
      print(fmt::format("wrote {}: ConfigMap, Deployment, Service, HorizontalPodAutoscaler{}\n",
                        output, deployment.runtime_class.empty() ? "" : ", RuntimeClass")));
  if (arguments.has("--apply")) return apply_file(output);
  print_note(
      fmt::format("apply it with: kubectl apply -f {}; the image {} must hold the program "
                  "sedge",
                  output, deployment.image));
  return 0;
}

}  // namespace

const Verb kDeployVerb = {
    "deploy",
    "write Kubernetes manifests for a module or a router",
    "Writes a ConfigMap with the router file and the modules, a Deployment whose pods serve them, "
    "a "
    "Service and an autoscaler.",
    kOptions,
    kPositionals,
    "sedge deploy edge_function.wasm --name edge --env MODE=production\n"
    "sedge deploy router.yaml --namespace edge --replicas 5 -o - | kubectl apply -f -",
    run};

}  // namespace sedge::cli
#endif  // SEDGE_HAVE_SERVER
