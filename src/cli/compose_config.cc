// search-paths, dependencies (name: path), instantiations (name: dependency and arguments; the
// component itself is `$input`), disallow-imports. skip-validation and import-components mean
// nothing: what sedge writes is validated and stands alone.
#include "cli/compose_config.h"

#if SEDGE_HAVE_SERVER

#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "base/nearest.h"
#include "cli/compose_parts.h"
#include "serve/yaml_tree.h"

namespace sedge::cli {
namespace {

using serve::YamlMember;
using serve::YamlNode;

constexpr std::string_view kRoot = "$input";

class Reader {
 public:
  explicit Reader(const std::string& path)
      : path_(path), folder_(std::filesystem::path(path).parent_path()) {}

  Result<ComposeConfig> read() {
    SEDGE_TRY_ASSIGN(FileContent content, read_file(path_, serve::kMaxYamlBytes));
    SEDGE_TRY_ASSIGN(std::vector<YamlNode> documents, serve::parse_yaml(content.text(), path_));
    if (documents.empty()) return ComposeConfig();
    if (documents.size() > 1 || documents[0].kind != YamlNode::Kind::map)
      return wrong(documents[0].at, "a configuration is one map of names and values");
    const YamlNode* instantiations = nullptr;
    for (const YamlMember& member : documents[0].members) {
      if (member.key == "instantiations") {
        instantiations = &member.value;
        continue;
      }
      SEDGE_TRY(key(member));
    }
    if (instantiations) SEDGE_TRY(instances(*instantiations));
    for (const File& file : files_) {
      SEDGE_TRY_ASSIGN(component::Component component, read_component(file.path));
      out_.dependencies.push_back({file.name, file.path, std::move(component), file.arguments});
    }
    return std::move(out_);
  }

 private:
  struct File {
    std::string name;
    std::string path;
    std::vector<compose::GivenArgument> arguments;
  };

  std::unexpected<Error> wrong(serve::Position at, std::string message) const {
    return fail(serve::config_error(path_, at, std::move(message)));
  }
  Result<std::string> text(const YamlNode& node, std::string_view what) const {
    if (node.kind == YamlNode::Kind::scalar) return node.scalar;
    return wrong(node.at, fmt::format("expected {}, found {}", what, node.describe()));
  }
  Result<const std::vector<YamlMember>*> map(const YamlNode& node, std::string_view what) const {
    if (node.kind == YamlNode::Kind::map) return &node.members;
    return wrong(node.at, fmt::format("expected a map of {}, found {}", what, node.describe()));
  }
  std::string in_folder(const std::string& path) const { return (folder_ / path).string(); }

  Result<void> key(const YamlMember& member) {
    static constexpr std::string_view kKeys[] = {"search-paths",    "dependencies",
                                                 "instantiations",  "import-components",
                                                 "skip-validation", "disallow-imports"};
    if (member.key == "search-paths") {
      for (const YamlNode& item : member.value.items) {
        SEDGE_TRY_ASSIGN(std::string path, text(item, "a folder"));
        out_.search_paths.push_back(in_folder(path));
      }
      return {};
    }
    if (member.key == "dependencies") return dependencies(member.value);
    if (member.key == "disallow-imports") {
      SEDGE_TRY_ASSIGN(std::string value, text(member.value, "true or false"));
      out_.closed = value == "true";
      return {};
    }
    if (member.key == "import-components" || member.key == "skip-validation") return {};
    return wrong(member.at, fmt::format("`{}` is no key of a composition{}", member.key,
                                        did_you_mean(member.key, kKeys)));
  }

  Result<void> dependencies(const YamlNode& node) {
    SEDGE_TRY_ASSIGN(const auto* members, map(node, "names and files"));
    for (const YamlMember& member : *members) {
      const YamlNode* path = member.value.find("path");
      SEDGE_TRY_ASSIGN(std::string file, text(path ? *path : member.value, "a file"));
      files_.push_back({member.key, in_folder(file), {}});
    }
    return {};
  }

  Result<std::vector<compose::GivenArgument>> arguments(const YamlNode& node) const {
    std::vector<compose::GivenArgument> out;
    SEDGE_TRY_ASSIGN(const auto* members, map(node, "imports and instances"));
    for (const YamlMember& member : *members) {
      const YamlNode* instance = member.value.find("instance");
      SEDGE_TRY_ASSIGN(std::string name, text(instance ? *instance : member.value, "an instance"));
      compose::GivenArgument argument{member.key, name, {}};
      if (const YamlNode* item = member.value.find("export")) {
        SEDGE_TRY_ASSIGN(argument.export_name, text(*item, "the name of an export"));
      }
      out.push_back(std::move(argument));
    }
    return out;
  }

  Result<void> instances(const YamlNode& node) {
    SEDGE_TRY_ASSIGN(const auto* members, map(node, "instances"));
    std::vector<File> files;
    std::vector<std::string> used;
    for (const YamlMember& member : *members) {
      std::string dependency = member.key;
      if (const YamlNode* name = member.value.find("dependency")) {
        SEDGE_TRY_ASSIGN(dependency, text(*name, "the name of a dependency"));
      }
      std::vector<compose::GivenArgument> given;
      if (const YamlNode* list = member.value.find("arguments")) {
        SEDGE_TRY_ASSIGN(given, arguments(*list));
      }
      if (member.key == kRoot) {
        out_.root_arguments = std::move(given);
        continue;
      }
      auto found = std::ranges::find(files_, dependency, &File::name);
      if (found == files_.end())
        return wrong(member.at, fmt::format("there is no dependency `{}`", dependency));
      files.push_back({member.key, found->path, std::move(given)});
      used.push_back(std::move(dependency));
    }
    // A dependency that no instance names is one under its own name.
    for (File& file : files_)
      if (std::ranges::find(used, file.name) == used.end()) files.push_back(std::move(file));
    files_ = std::move(files);
    return {};
  }

  const std::string& path_;
  std::filesystem::path folder_;
  std::vector<File> files_;
  ComposeConfig out_;
};

}  // namespace

Result<ComposeConfig> read_compose_config(const std::string& path) { return Reader(path).read(); }

}  // namespace sedge::cli

#endif  // SEDGE_HAVE_SERVER
