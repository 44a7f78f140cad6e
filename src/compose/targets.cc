// As matching of component types does, with versions that may differ and all differences found.
#include "compose/targets.h"

#include <fmt/format.h>

#include "component/decode.h"
#include "component/encode.h"
#include "component/subtype.h"
#include "compose/graph.h"

namespace sedge::compose {
namespace {

using component::Entity;
using component::EntityMap;
using component::Renaming;
using component::ResourceAt;

class Comparison {
 public:
  Comparison(Graph& graph, PackageId component, PackageId world)
      : types_(graph.types()),
        subtyping_(types_),
        component_(graph.signature(component)),
        world_(graph.signature(world)) {}

  Result<std::string> run() {
    SEDGE_TRY(compare_imports());
    SEDGE_TRY(compare_exports());
    return problems_;
  }

 private:
  /// Resources that `wanted` introduces are those at the same places of `given`.
  Renaming identify(const std::vector<ResourceAt>& wanted, const EntityMap& given) const {
    Renaming out;
    for (const ResourceAt& at : wanted) {
      const EntityMap::Item* item = find_matching(given, at.path.front());
      if (!item) continue;
      component::ResourcePath path = at.path;
      path.front() = item->name;
      const Entity* found = component::find_path(types_, given, path);
      if (found && found->kind == component::ExternType::Kind::type &&
          found->type.kind == component::TypeRef::Kind::resource)
        out.resources.emplace(at.id, types_.resource_of(found->type.id));
    }
    return out;
  }

  Result<void> compare(std::string_view what, std::string_view name, const Entity& found,
                       const Entity& expected) {
    auto fits = subtyping_.entity(found, expected);
    if (fits) return {};
    if (fits.error().code() != ErrorCode::type_mismatch) return fits;
    problems_ += fmt::format("\n  {} `{}`: {}", what, name, fits.error().message());
    return {};
  }

  Result<void> compare_imports() {
    imports_ = identify(component_.imported, world_.imports);
    for (const EntityMap::Item& item : component_.imports) {
      const EntityMap::Item* given = find_matching(world_.imports, item.name);
      if (!given) {
        problems_ += fmt::format("\n  import `{}`: the world has no such import", item.name);
        continue;
      }
      SEDGE_TRY_ASSIGN(Entity wanted, types_.rename(item.entity, imports_));
      SEDGE_TRY(compare("import", item.name, given->entity, wanted));
      component::substitute_names(types_, item.entity, given->entity, imports_);
    }
    return {};
  }

  Result<void> compare_exports() {
    EntityMap exports;
    for (const EntityMap::Item& item : component_.exports) {
      SEDGE_TRY_ASSIGN(Entity renamed, types_.rename(item.entity, imports_));
      exports.add(item.name, renamed);
    }
    Renaming made = identify(world_.defined, exports);
    for (const EntityMap::Item& item : world_.exports) {
      const EntityMap::Item* found = find_matching(exports, item.name);
      if (!found) {
        problems_ += fmt::format("\n  export `{}`: the component does not have it", item.name);
        continue;
      }
      SEDGE_TRY_ASSIGN(Entity wanted, types_.rename(item.entity, made));
      SEDGE_TRY(compare("export", item.name, found->entity, wanted));
    }
    return {};
  }

  component::Types& types_;
  component::Subtyping subtyping_;
  const component::ComponentSig& component_;
  const component::ComponentSig& world_;
  Renaming imports_;
  std::string problems_;
};

}  // namespace

Result<void> check_targets(const component::Component& component, std::string_view label,
                           const wit::Resolve& resolve, wit::WorldId world) {
  Graph graph;
  auto binary = std::make_shared<const std::vector<uint8_t>>(component::encode(component));
  SEDGE_TRY_ASSIGN(component::Component copy, component::decode(Bytes(*binary), binary));
  PackageId given = graph.add(std::string(label), std::move(copy));
  const wit::World& target = resolve.worlds[world];
  std::string name = resolve.packages[target.package].name.item(target.name);
  SEDGE_TRY_ASSIGN(PackageId wanted, graph.add_world(name, resolve, world));
  SEDGE_TRY(graph.check_packages());
  SEDGE_TRY_ASSIGN(std::string problems, Comparison(graph, given, wanted).run());
  if (problems.empty()) return {};
  return fail(ErrorCode::type_mismatch,
              fmt::format(": {} does not conform to world `{}`:{}", label, name, problems));
}

}  // namespace sedge::compose
