// Depth first: a dependency is instantiated, once, before what needs it.
#include "compose/connect.h"

#include <fmt/format.h>

#include "compose/graph.h"

namespace sedge::compose {
namespace {

using component::EntityMap;
using Kind = component::ExternType::Kind;

class Connector {
 public:
  Connector(Part root, std::vector<Part> dependencies, ConnectOptions options) : options_(options) {
    arguments_.push_back(std::move(root.arguments));
    root_ = graph_.add(std::move(root.label), std::move(root.component));
    for (Part& part : dependencies) {
      arguments_.push_back(std::move(part.arguments));
      dependencies_.push_back(
          {std::move(part.name), graph_.add(std::move(part.label), std::move(part.component))});
    }
  }

  Result<component::Component> run() {
    SEDGE_TRY(graph_.check_packages());
    SEDGE_TRY_ASSIGN(NodeId root, instantiate(root_));
    for (const Dependency& dependency : dependencies_)
      if (!dependency.node) return fail(unused(dependency));
    for (const EntityMap::Item& item : graph_.exports(root_)) {
      SEDGE_TRY_ASSIGN(NodeId node, graph_.access(root, item.name));
      SEDGE_TRY(graph_.export_node(std::string(item.name), node));
    }
    return graph_.build();
  }

 private:
  struct Dependency {
    std::string name;
    PackageId package = 0;
    std::optional<NodeId> node;
    bool begun = false;
  };
  /// What satisfies an import: an export of a dependency, or all of it.
  struct Provider {
    Dependency* dependency = nullptr;
    std::string_view export_name;  ///< empty: the instance itself
    int rank = 0;                  ///< the larger, the closer
  };

  /// How a dependency could satisfy an import.
  Provider offer(Dependency& dependency, const EntityMap::Item& wanted) const {
    const EntityMap& exports = graph_.exports(dependency.package);
    bool named = dependency.name == wanted.name;
    if (const EntityMap::Item* found = find_matching(exports, wanted.name);
        found && found->entity.kind == wanted.entity.kind)
      return {&dependency, found->name, named ? 4 : found->name == wanted.name ? 2 : 1};
    if (named && wanted.entity.kind == Kind::instance) return {&dependency, {}, 3};
    return {};
  }

  /// What the user says that satisfies an import.
  Result<Provider> given(PackageId package, const EntityMap::Item& wanted,
                         const GivenArgument& argument) {
    for (Dependency& dependency : dependencies_) {
      if (dependency.name != argument.dependency) continue;
      const EntityMap& exports = graph_.exports(dependency.package);
      std::string_view name = argument.export_name.empty() ? wanted.name : argument.export_name;
      if (const EntityMap::Item* found = find_matching(exports, name))
        return Provider{&dependency, found->name, 5};
      if (argument.export_name.empty()) return Provider{&dependency, {}, 5};
      return fail(Error(ErrorCode::no_component, fmt::format(": `{}` has no export `{}`",
                                                             graph_.name(dependency.package), name))
                      .with_remedy(fmt::format("it exports {}", listed(exports))));
    }
    return fail(ErrorCode::no_component,
                fmt::format(": there is no dependency `{}`, which `{}` is to get as `{}`",
                            argument.dependency, graph_.name(package), wanted.name));
  }

  Result<Provider> provider(PackageId package, const EntityMap::Item& wanted) {
    for (const GivenArgument& argument : arguments_[package])
      if (argument.import == wanted.name) return given(package, wanted, argument);
    Provider best;
    if (package != root_ && !options_.chain) return best;
    for (Dependency& dependency : dependencies_) {
      if (dependency.package == package) continue;
      Provider other = offer(dependency, wanted);
      if (other.rank == 0) continue;
      if (other.rank == best.rank)
        return fail(
            Error(ErrorCode::no_component,
                  fmt::format(": both `{}` and `{}` export `{}`, which `{}` imports",
                              graph_.name(best.dependency->package),
                              graph_.name(dependency.package), wanted.name, graph_.name(package)))
                .with_remedy("leave one of them out, or say in a .wac file which is meant"));
      if (other.rank > best.rank) best = other;
    }
    return best;
  }

  Result<NodeId> instance_of(Dependency& dependency) {
    if (dependency.node) return *dependency.node;
    if (dependency.begun)
      return fail(ErrorCode::no_component,
                  fmt::format(": `{}` needs itself: its imports lead back to its exports",
                              graph_.name(dependency.package)));
    dependency.begun = true;
    SEDGE_TRY_ASSIGN(NodeId node, instantiate(dependency.package));
    dependency.node = node;
    return node;
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as there are dependencies
  Result<NodeId> instantiate(PackageId package) {
    for (const GivenArgument& argument : arguments_[package])
      if (!graph_.imports(package).find(argument.import))
        return fail(
            Error(ErrorCode::no_component,
                  fmt::format(": `{}` has no import `{}`", graph_.name(package), argument.import))
                .with_remedy(fmt::format("it imports {}", listed(graph_.imports(package)))));
    std::vector<Argument> arguments;
    for (const EntityMap::Item& wanted : graph_.imports(package)) {
      SEDGE_TRY_ASSIGN(Provider from, provider(package, wanted));
      if (!from.dependency) continue;
      SEDGE_TRY_ASSIGN(NodeId node, instance_of(*from.dependency));
      if (!from.export_name.empty()) {
        SEDGE_TRY_ASSIGN(node, graph_.access(node, from.export_name));
      }
      arguments.push_back({std::string(wanted.name), node});
    }
    return graph_.instantiate(package, std::move(arguments), !options_.closed);
  }

  Error unused(const Dependency& dependency) const {
    return Error(ErrorCode::no_component,
                 fmt::format(": `{}` exports nothing that `{}` imports",
                             graph_.name(dependency.package), graph_.name(root_)))
        .with_remedy(fmt::format("it exports {}; `{}` imports {}",
                                 listed(graph_.exports(dependency.package)), graph_.name(root_),
                                 listed(graph_.imports(root_))));
  }

  Graph graph_;
  PackageId root_ = 0;
  std::vector<std::vector<GivenArgument>> arguments_;  ///< by package
  std::vector<Dependency> dependencies_;
  ConnectOptions options_;
};

}  // namespace

Result<component::Component> connect(Part root, std::vector<Part> dependencies,
                                     ConnectOptions options) {
  return Connector(std::move(root), std::move(dependencies), options).run();
}

}  // namespace sedge::compose
