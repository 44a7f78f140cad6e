// Statements are evaluated in their order; a local name stands for a node of the graph. The WIT of
// a document is resolved first, as a package whose worlds say the types of imports.
#include "compose/wac.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/nearest.h"
#include "component/subtype.h"
#include "compose/graph.h"
#include "compose/targets.h"
#include "wit/parser.h"

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
    for (const Name& name : wac::used_packages(document_)) {
      auto component = input_.find(name.text);
      if (!component) return fail(at(std::move(component).error(), name.place));
      packages_.emplace(name.text, graph_.add(name.text, std::move(*component)));
    }
    SEDGE_TRY(resolve_wit());
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

  /// A text that has `piece` where the document has it, so that places in it are right.
  std::string placed(const wac::WitPiece& piece) const {
    std::string_view before = std::string_view(input_.text).substr(0, piece.place.offset);
    std::string out(static_cast<size_t>(std::ranges::count(before, '\n')), '\n');
    size_t column = before.size() - (before.rfind('\n') + 1);
    if (column > piece.before.size()) out.append(column - piece.before.size(), ' ');
    return out + piece.before + std::string(piece.text) + piece.after;
  }

  Result<void> resolve_wit() {
    if (document_.pieces.empty()) return {};
    std::vector<wit::ast::File> files;
    wac::WitPiece package{"", "", fmt::format("package {};", document_.package), document_.place};
    auto add = [&](const wac::WitPiece& piece) -> Result<void> {
      uint32_t source = sources_.add(input_.path, placed(piece));
      SEDGE_TRY_ASSIGN(wit::ast::File file, wit::parse_file(sources_, source));
      file.source = source;
      files.push_back(std::move(file));
      return {};
    };
    SEDGE_TRY(add(package));
    for (const wac::WitPiece& piece : document_.pieces) SEDGE_TRY(add(piece));
    SEDGE_TRY_ASSIGN(wit::ast::File whole, wit::merge_files(sources_, std::move(files)));
    wit::Gates gates;
    gates.all = true;
    std::vector<wit::ast::File> one;
    one.push_back(std::move(whole));
    SEDGE_TRY_ASSIGN(wit::PackageId root, wit::resolve_packages(wit_, sources_, one, gates));
    for (const auto& item : document_.statements)
      if (const auto* import = std::get_if<wac::Import>(&item)) {
        wit::WorldId world = *wit_.packages[root].worlds.find(import->world);
        SEDGE_TRY_ASSIGN(PackageId id, graph_.add_world(import->name.text, wit_, world));
        worlds_.emplace(import->world, id);
      }
    return {};
  }

  Result<void> check_target(const component::Component& made) {
    const Name& name = *document_.targets;
    for (const wit::Package& package : wit_.packages)
      for (const auto& [label, id] : package.worlds)
        if (package.name.item(label) == name.text) {
          auto done = check_targets(made, input_.path, wit_, id);
          if (!done) return fail(at(std::move(done).error(), name.place));
          return {};
        }
    return fail(
        at(Error(ErrorCode::no_component, fmt::format(": there is no world `{}`", name.text))
               .with_remedy("say where its package is: --dep NAME=PATH"),
           name.place));
  }

  Result<void> define(const Name& name, NodeId node) {
    if (!locals_.emplace(name.text, node).second)
      return wrong(fmt::format("`{}` is defined already", name.text), name.place);
    return {};
  }

  Result<void> statement(const wac::Import& import) {
    std::string name = import.as             ? import.as->text
                       : import.path.empty() ? import.name.text
                                             : import.path;
    auto node = graph_.import(std::move(name), worlds_.at(import.world));
    if (!node) return fail(at(std::move(node).error(), import.name.place));
    return define(import.name, *node);
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
    PackageId package = packages_.at(made.package.text);
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
        SEDGE_TRY(spread(imports, argument.name, made.package.text, arguments));
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
  std::map<std::string, PackageId, std::less<>> worlds_;  ///< by the world's name
  std::map<std::string, NodeId, std::less<>> locals_;
};

}  // namespace

Result<component::Component> compose_wac(const WacInput& input) { return Evaluator(input).run(); }

}  // namespace sedge::compose
