// Statements are evaluated in their order; a local name stands for a node of the graph. The WIT of
// a document is resolved first, as a package (wac_wit.cc) whose worlds say the types of imports.
#include "compose/wac.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/nearest.h"
#include "component/decode.h"
#include "component/subtype.h"
#include "componentize/wit_encode.h"
#include "compose/graph.h"
#include "compose/targets.h"
#include "wit/resolver.h"
#include "wit/walk.h"

namespace sedge::compose {
namespace {

using component::EntityMap;
using wac::Expr;
using wac::Name;
using wac::NewArgument;
using wac::Place;

/// "streams" of "wasi:io/streams@0.2.0"; empty for names that are no paths.
std::string_view last_part(std::string_view name) {
  size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {};
  name.remove_prefix(slash + 1);
  return name.substr(0, name.find('@'));
}

/// The full name that `short_name` means: of the one path that ends with it, or itself.
std::string full_name(const EntityMap& map, const Name& name) {
  if (name.exact) return name.text;
  std::string_view found;
  size_t count = 0;
  for (const EntityMap::Item& item : map)
    if (last_part(item.name) == name.text) {
      found = item.name;
      ++count;
    }
  return count == 1 ? std::string(found) : name.text;
}

class Evaluator {
 public:
  explicit Evaluator(const WacInput& input) : input_(input), wit_(input.wit) {}

  Result<component::Component> run() {
    uint32_t source = sources_.add(input_.path, input_.text);
    SEDGE_TRY_ASSIGN(document_, wac::parse(sources_, source));
    for (const wac::Path& path : wac::used_packages(document_)) {
      std::string name = path.to_string();
      auto component = input_.find(name);
      if (!component) return fail(at(std::move(component).error(), path.place));
      PackageId id = graph_.add(name, std::move(*component));
      packages_.emplace(std::move(name), id);
    }
    SEDGE_TRY(resolve_wit(source));
    SEDGE_TRY(graph_.check_packages());
    for (const auto& item : document_.statements)
      SEDGE_TRY(std::visit([&](const auto& node) { return statement(node); }, item));
    SEDGE_TRY_ASSIGN(component::Component made, graph_.build());
    if (document_.targets) SEDGE_TRY(check_target(made));
    return made;
  }

 private:
  Error at(Error error, Place place) const {
    error.add_context(sources_.describe(place));
    return error;
  }
  std::unexpected<Error> wrong(std::string message, Place place) const {
    return fail(at(Error(ErrorCode::no_component, ": " + std::move(message)), place));
  }

  /// The package that `name` means among those that are there; kNone: none.
  Result<wit::PackageId> find_package(const wit::PackageName& name, Place place) const {
    if (auto exact = wit_.find_package(name)) return *exact;
    wit::PackageId found = wit::kNone;
    if (name.version) return found;
    for (wit::PackageId id = 0; id < wit_.packages.size(); ++id) {
      const wit::PackageName& other = wit_.packages[id].name;
      if (other.space != name.space || other.name != name.name) continue;
      if (found != wit::kNone)
        return fail(at(Error(ErrorCode::no_component,
                             fmt::format(": `{}` may be `{}` or `{}`", name.to_string(),
                                         wit_.packages[found].name.to_string(), other.to_string()))
                           .with_remedy("write the version that is meant: ns:pkg/item@1.0.0"),
                       place));
      found = id;
    }
    return found;
  }

  /// Sees to it that the package is there, and makes `name` its full name.
  Result<void> need_package(wit::PackageName& name, Place place) {
    if (name == document_.package.package) return {};
    SEDGE_TRY_ASSIGN(wit::PackageId id, find_package(name, place));
    if (id == wit::kNone && input_.find_wit) {
      auto added = input_.find_wit(wit_, name);
      if (!added) return fail(at(std::move(added).error(), place));
      SEDGE_TRY_ASSIGN(id, find_package(name, place));
    }
    if (id != wit::kNone) name = wit_.packages[id].name;
    return {};
  }

  Result<void> resolve_wit(uint32_t source) {
    if (document_.targets)
      SEDGE_TRY(need_package(document_.targets->package, document_.targets->place));
    SEDGE_TRY_ASSIGN(wac::DocumentWit own, wac::take_wit(sources_, source, document_));
    if (own.file.main.scopes[0].items.empty()) return {};
    if (own.file.main.name.space.contains(':'))
      return wrong("nested namespaces have no WIT: name the package `namespace:name`",
                   document_.package.place);
    std::vector<wit::ast::Path*> paths;
    wit::each_foreign_path(own.file.main, [&](wit::ast::Path& path) { paths.push_back(&path); });
    for (wit::ast::Path* path : paths) SEDGE_TRY(need_package(*path->package, path->package_place));
    wit::Gates gates;
    gates.all = true;
    std::vector<wit::ast::File> one;
    one.push_back(std::move(own.file));
    SEDGE_TRY_ASSIGN(wit::PackageId root, wit::resolve_packages(wit_, sources_, one, gates));
    auto add_world = [&](std::string name, std::string_view world) -> Result<PackageId> {
      return graph_.add_world(std::move(name), wit_, *wit_.packages[root].worlds.find(world));
    };
    if (!own.types.empty()) {
      SEDGE_TRY_ASSIGN(PackageId id, add_world(input_.path, own.types));
      worlds_.emplace(own.types, id);
      types_ = id;
    }
    bool declares = false;
    for (auto& item : document_.statements) {
      auto* import = std::get_if<wac::Import>(&item);
      if (import && import->item.empty()) {
        SEDGE_TRY_ASSIGN(PackageId id, add_world(import->name.text, import->world));
        worlds_.emplace(import->world, id);
      }
      const auto* declaration = std::get_if<wac::Declaration>(&item);
      declares |= declaration && !std::holds_alternative<wit::ast::TypeDecl>(declaration->node);
    }
    names_ = std::move(own.names);
    return declares ? take_declarations(root) : Result<void>();
  }

  /// The types of the document's interfaces and worlds, as a package in binary form has them.
  Result<void> take_declarations(wit::PackageId root) {
    auto binary =
        std::make_shared<const std::vector<uint8_t>>(componentize::encode_package(wit_, root));
    SEDGE_TRY_ASSIGN(component::Component package, component::decode(Bytes(*binary), binary));
    for (size_t i = 1; i < package.definitions.size(); ++i) {
      const auto* exported = std::get_if<component::Export>(&package.definitions[i].node);
      auto* type = std::get_if<component::Type>(&package.definitions[i - 1].node);
      if (exported && type)
        declared_.emplace(exported->name.name, StandaloneType{std::move(*type), package.storage});
    }
    return {};
  }

  Result<void> check_target(const component::Component& made) {
    const wac::Path& target = *document_.targets;
    for (const wit::Package& package : wit_.packages)
      if (package.name == target.package)
        if (const wit::WorldId* id = package.worlds.find(target.item)) {
          auto done = check_targets(made, input_.path, wit_, *id);
          if (!done) return fail(at(std::move(done).error(), target.place));
          return {};
        }
    return fail(at(
        Error(ErrorCode::no_component, fmt::format(": there is no world `{}`", target.to_string()))
            .with_remedy("say where its package is: --dep NAME=PATH"),
        target.place));
  }

  Result<void> define(const Name& name, NodeId node) {
    if (!locals_.emplace(name.text, node).second)
      return wrong(fmt::format("`{}` is defined already", name.text), name.place);
    return {};
  }

  Result<void> statement(const wac::Import& import) {
    std::string name = import.as ? import.as->text : import.name.text;
    const auto* path = std::get_if<wit::ast::Path>(&import.type);
    if (!import.as && path && path->package) name = path->package->item(path->name.text);
    auto node = graph_.import(std::move(name), worlds_.find(import.world)->second, import.item);
    if (!node) return fail(at(std::move(node).error(), import.name.place));
    return define(import.name, *node);
  }

  Result<void> statement(const wac::Declaration& item) {
    bool is_type = std::holds_alternative<wit::ast::TypeDecl>(item.node);
    auto node =
        is_type ? graph_.declare(item.name.text, *types_)
                : graph_.declare(item.name.text, std::move(declared_.find(item.name.text)->second));
    if (!node) return fail(at(std::move(node).error(), item.name.place));
    return define(item.name, *node);
  }

  Result<void> statement(const wac::Let& let) {
    SEDGE_TRY_ASSIGN(NodeId node, value(let.value));
    return define(let.name, node);
  }

  Result<void> statement(const wac::Export& item) {
    SEDGE_TRY_ASSIGN(NodeId node, value(item.value));
    if (item.spread) return spread_export(node, item.value.place);
    std::string name(item.as ? std::string_view(item.as->text) : graph_.item_name(node));
    if (name.empty())
      return fail(at(Error(ErrorCode::no_component, ": an instance is exported without a name")
                         .with_remedy("name it: export … as \"name\"; or export what it has: "
                                      "export ….name; export …...;"),
                     item.value.place));
    auto done = graph_.export_node(std::move(name), node);
    if (!done) return fail(at(std::move(done).error(), item.value.place));
    return {};
  }

  Result<void> spread_export(NodeId node, Place place) {
    const EntityMap* map = graph_.node_exports(node);
    if (!map || map->size() == 0) return wrong("there is nothing to export in it", place);
    for (const EntityMap::Item& item : *map) {
      if (graph_.has_export(item.name)) continue;
      SEDGE_TRY_ASSIGN(NodeId part, graph_.access(node, item.name));
      SEDGE_TRY(graph_.export_node(std::string(item.name), part));
    }
    return {};
  }

  Result<NodeId> local(const Name& name) const {
    if (auto found = locals_.find(name.text); found != locals_.end()) return found->second;
    std::vector<std::string_view> known;
    known.reserve(locals_.size());
    for (const auto& [text, node] : locals_) known.push_back(text);
    return wrong(fmt::format("`{}` is not defined{}", name.text, did_you_mean(name.text, known)),
                 name.place);
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the parser allows
  Result<NodeId> value(const Expr& expr) {
    NodeId node = 0;
    if (const auto* name = std::get_if<Name>(&expr.primary)) {
      SEDGE_TRY_ASSIGN(node, local(*name));
    } else if (const auto* made = std::get_if<wac::New>(&expr.primary)) {
      SEDGE_TRY_ASSIGN(node, new_(*made));
    } else {
      SEDGE_TRY_ASSIGN(node, value(*std::get<std::unique_ptr<Expr>>(expr.primary)));
    }
    for (const Name& key : expr.accesses) {
      const EntityMap* map = graph_.node_exports(node);
      auto part = graph_.access(node, map ? full_name(*map, key) : key.text);
      if (!part) return fail(at(std::move(part).error(), key.place));
      node = *part;
    }
    return node;
  }

  /// The import that a local name is the argument of.
  std::string inferred(const EntityMap& imports, const Name& name, NodeId node) const {
    if (std::string_view known = graph_.item_name(node); !known.empty())
      if (const EntityMap::Item* found = find_matching(imports, known))
        return std::string(found->name);
    return full_name(imports, name);
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the parser allows
  Result<NodeId> new_(const wac::New& made) {
    std::string name = made.package.to_string();
    PackageId package = packages_.find(name)->second;
    const EntityMap& imports = graph_.imports(package);
    std::vector<Argument> arguments;
    bool fill = false;
    for (const NewArgument& argument : made.arguments) {
      if (argument.kind == NewArgument::Kind::fill) fill = true;
      if (argument.kind == NewArgument::Kind::named) {
        SEDGE_TRY_ASSIGN(NodeId node, value(*argument.value));
        arguments.push_back({full_name(imports, argument.name), node});
      }
      if (argument.kind == NewArgument::Kind::inferred) {
        SEDGE_TRY_ASSIGN(NodeId node, local(argument.name));
        arguments.push_back({inferred(imports, argument.name, node), node});
      }
    }
    for (const NewArgument& argument : made.arguments)
      if (argument.kind == NewArgument::Kind::spread)
        SEDGE_TRY(spread(imports, argument.name, name, arguments));
    auto node = graph_.instantiate(package, std::move(arguments), fill);
    if (!node) return fail(at(std::move(node).error(), made.package.place));
    return *node;
  }

  Result<void> spread(const EntityMap& imports, const Name& name, std::string_view package,
                      std::vector<Argument>& arguments) {
    SEDGE_TRY_ASSIGN(NodeId node, local(name));
    const EntityMap* map = graph_.node_exports(node);
    if (!map) return wrong(fmt::format("`{}` is no instance", name.text), name.place);
    bool any = false;
    for (const EntityMap::Item& wanted : imports) {
      auto given = [&](const Argument& argument) { return argument.name == wanted.name; };
      if (std::ranges::any_of(arguments, given)) continue;
      const EntityMap::Item* found = find_matching(*map, wanted.name);
      if (!found) continue;
      SEDGE_TRY_ASSIGN(NodeId part, graph_.access(node, found->name));
      arguments.push_back({std::string(wanted.name), part});
      any = true;
    }
    if (any) return {};
    return wrong(fmt::format("`{}` exports nothing that `{}` still imports", name.text, package),
                 name.place);
  }

  const WacInput& input_;
  wit::Sources sources_;
  wac::Document document_;
  wit::Resolve wit_;
  Graph graph_;
  std::map<std::string, PackageId, std::less<>> packages_;
  std::deque<std::string> names_;                         ///< that the document's WIT points to
  std::map<std::string, PackageId, std::less<>> worlds_;  ///< by the world's name
  std::optional<PackageId> types_;                        ///< that of the document's types
  std::map<std::string, StandaloneType, std::less<>> declared_;
  std::map<std::string, NodeId, std::less<>> locals_;
};

}  // namespace

Result<component::Component> compose_wac(const WacInput& input) { return Evaluator(input).run(); }

}  // namespace sedge::compose
