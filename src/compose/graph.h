// A composition: components, what is imported, which component is instantiated with what, and what
// is exported. Built step by step, each step checked; build() gives the component.
#ifndef SEDGE_COMPOSE_GRAPH_H_
#define SEDGE_COMPOSE_GRAPH_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sedge/error.h>

#include "component/ast.h"
#include "component/validate.h"
#include "componentize/builder.h"
#include "compose/type_writer.h"
#include "wit/model.h"

namespace sedge::compose {

using PackageId = uint32_t;
using NodeId = uint32_t;

/// An argument of an instantiation.
struct Argument {
  std::string name;
  NodeId node = 0;
};

/// A type outside of any component.
struct StandaloneType {
  component::Type type;
  std::vector<std::shared_ptr<const void>> storage;  ///< of what it points to
};

class Graph {
 public:
  /// Adds a component under the name that messages call it by. Packages are added before
  /// everything else.
  PackageId add(std::string name, component::Component component);
  /// Adds the imports and exports of a world, as a package that is not instantiated.
  Result<PackageId> add_world(std::string name, const wit::Resolve& resolve, wit::WorldId world);
  /// Validates all packages; call once, after the last was added. Errors carry the package's name.
  Result<void> check_packages();

  const std::string& name(PackageId package) const { return packages_[package].name; }
  const component::EntityMap& imports(PackageId package) const;
  const component::EntityMap& exports(PackageId package) const;
  /// What is exported by a node that is an instance; null for others.
  const component::EntityMap* node_exports(NodeId node) const;
  const component::Entity& entity(NodeId node) const { return nodes_[node].entity; }
  /// The name under which a node was imported or exported by an instance; empty for an instance.
  std::string_view item_name(NodeId node) const { return nodes_[node].name; }
  const component::Types& types() const { return *validated_->types; }
  component::Types& types() { return *validated_->types; }
  const component::ComponentSig& signature(PackageId package) const {
    return types().component(packages_[package].sig);
  }

  /// An explicit import of what `world` imports as `item` (empty: its last import). Instances that
  /// it imports before are what that uses, and are imported, too.
  Result<NodeId> import(std::string name, PackageId world, std::string_view item = {});
  /// Declares a type that refers to no other: that of an interface or world. It is exported under
  /// its name, or under those that export_node() gives it.
  Result<NodeId> declare(std::string name, StandaloneType type);
  /// The same of a value type that `world` imports as `name`, or of the type of a function that it
  /// so imports. Types that it refers to are declared before it.
  Result<NodeId> declare(std::string name, PackageId world);
  /// An instance of `package`. With `fill`, imports that `arguments` leaves out are imported by the
  /// composition, shared with others of the same or a compatible name; else they are an error.
  Result<NodeId> instantiate(PackageId package, std::vector<Argument> arguments, bool fill);
  /// An export of an instance, by its full name.
  Result<NodeId> access(NodeId instance, std::string_view export_name);
  Result<void> export_node(std::string name, NodeId node);
  bool has_export(std::string_view name) const { return export_index_.contains(std::string(name)); }

  /// The component, validated. Errors: type_mismatch that names packages and instances, what
  /// validation finds else. Nothing may be added after it.
  Result<component::Component> build();

 private:
  struct Package {
    std::string name;
    component::Component* component = nullptr;  ///< inside holder_
    uint32_t sig = 0;                           ///< ComponentSig
    bool is_world = false;
    std::optional<uint32_t> index;  ///< in the component index space, once written
  };
  struct Import {
    std::string name;
    std::vector<component::Entity> entities;
    bool is_explicit = false;
    PackageId package = 0;  ///< the first that asked for it
  };
  struct Node {
    enum class Kind : uint8_t { import, instance, access, type };
    Kind kind = Kind::import;
    std::string name;  ///< import, access, type
    component::Entity entity;
    std::optional<StandaloneType> standalone;  ///< type: else `entity` says it
    std::vector<std::string> exports;          ///< type: names under which it is exported
    PackageId package = 0;
    std::vector<Argument> arguments;
    NodeId of = 0;       ///< access
    uint32_t index = 0;  ///< in the index space of its sort, once written
  };

  Result<NodeId> implicit_import(std::string_view name, PackageId package,
                                 const component::Entity& entity);
  NodeId add_import(Import import);
  std::string implicit_reason(const Import& import) const;
  uint32_t world_inside(uint32_t sig) const;
  Result<void> write_imports();
  Result<NodeId> add_type(Node node);
  void add_export(std::string name, NodeId node);
  Result<void> write_type(componentize::Builder& builder, Node& node);
  void write_node(componentize::Builder& builder, Node& node, size_t number);
  Error explained(Error error) const;
  std::string describe(NodeId node) const;
  NodeId add_node(Node node);

  std::vector<Package> packages_;
  component::Component holder_;
  std::optional<component::Validated> validated_;
  std::vector<Import> imports_;
  std::vector<NodeId> import_nodes_;
  std::vector<Node> nodes_;
  struct Export {
    std::string name;
    NodeId node = 0;
  };
  std::vector<Export> exports_;
  std::unordered_map<std::string, uint32_t> export_index_;  ///< by name
  std::optional<TypeWriter> writer_;                        ///< while build() writes
  componentize::Storage storage_;
};

/// Whether a thing called `given` may stand for one called `wanted`: the same name, or the same
/// interface in a version that semantic versioning calls compatible.
bool names_match(std::string_view given, std::string_view wanted);
/// The entry of `map` called `name`, else the first whose name matches it.
const component::EntityMap::Item* find_matching(const component::EntityMap& map,
                                                std::string_view name);
/// The names in a map, for messages: "`a`, `b`", or "nothing".
std::string listed(const component::EntityMap& map);

}  // namespace sedge::compose

#endif  // SEDGE_COMPOSE_GRAPH_H_
