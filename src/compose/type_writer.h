// Resolved types → imports of a component, and types that it exports. What several components
// import under one name becomes one import that has all of it, and imports come in an order in
// which types stand before their use.
#ifndef SEDGE_COMPOSE_TYPE_WRITER_H_
#define SEDGE_COMPOSE_TYPE_WRITER_H_

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sedge/error.h>

#include "component/types.h"
#include "componentize/builder.h"

namespace sedge::compose {

/// Writes imports into one Builder, that of a component. Borrows everything that it is given.
class TypeWriter {
 public:
  TypeWriter(const component::Types& types, componentize::Builder& builder)
      : types_(types), root_{nullptr, &builder, {}} {}

  /// An import that stands for each of `entities`, all of one kind and at least one. Its number,
  /// counted from 0.
  size_t add_import(std::string_view name, std::vector<component::Entity> entities);
  /// From now on the resource is known to come from the import, at `path` inside it.
  void own_resource(component::ResourceId id, size_t import);
  /// Writes what was added. Errors: unsupported_file for what has no form as an import.
  Result<void> write();
  /// The index of an import in the index space of its sort; after write().
  uint32_t index(size_t import) const { return imports_[import].index; }
  /// The index of a type: that which imports or name_type() give it, else it is defined here.
  Result<uint32_t> type(const component::TypeRef& type);
  /// From now on the type is that at `index`.
  void name_type(const component::TypeRef& type, uint32_t index) {
    bind(root_, types_, type, index);
  }

 private:
  /// A resource, or a value type: what an index of the type index space can stand for.
  struct Key {
    bool resource = false;
    uint32_t id = 0;
    uint64_t bits() const { return uint64_t{id} << 1 | (resource ? 1 : 0); }
  };
  /// A component, or a component or instance type inside, while it is written.
  struct Scope {
    Scope* outer;
    componentize::Builder* builder;
    std::unordered_map<uint64_t, uint32_t> known;  ///< Key → type index
  };
  /// Where the component has a type: in an instance, which may be an instance's export in turn.
  struct Origin {
    uint32_t instance = 0;
    std::vector<std::string_view> path;
  };
  struct Import {
    enum class State : uint8_t { waiting, begun, done };
    std::string_view name;
    std::vector<component::Entity> entities;
    State state = State::waiting;
    uint32_t index = 0;
  };

  Result<void> write(Import& import);
  void own_types(const component::Entity& entity, size_t import);
  void remember(const component::Entity& entity, uint32_t instance,
                std::vector<std::string_view>& path);
  Result<std::optional<uint32_t>> find(Scope& scope, Key key);
  Result<std::optional<uint32_t>> find_in_root(Key key);
  Result<std::optional<uint32_t>> find_defined(Scope& scope, uint32_t id);
  Result<uint32_t> resource(Scope& scope, uint32_t resource_name);
  Result<component::ValType> value(Scope& scope, component::ValType type);
  Result<std::optional<component::ValType>> value(Scope& scope,
                                                  const std::optional<component::ValType>& type);
  Result<uint32_t> definition(Scope& scope, uint32_t id);
  Result<uint32_t> func(Scope& scope, uint32_t id);
  Result<uint32_t> instance(Scope& scope, const std::vector<component::Entity>& entities);
  Result<uint32_t> component_type(Scope& scope, uint32_t id);
  Result<uint32_t> module(Scope& scope, uint32_t id);
  Result<component::ExternType> extern_type(Scope& scope,
                                            const std::vector<component::Entity>& entities);
  Result<component::ExternType> type_bound(Scope& scope, const component::TypeRef& type);
  static void bind(Scope& scope, const component::Types& types,
                   const std::vector<component::Entity>& entities, uint32_t index);
  static void bind(Scope& scope, const component::Types& types, const component::TypeRef& type,
                   uint32_t index);

  const component::Types& types_;
  Scope root_;
  std::vector<Import> imports_;
  std::unordered_map<uint64_t, size_t> owners_;   ///< Key → the import that introduces it
  std::unordered_map<uint64_t, Origin> origins_;  ///< Key → where written imports have it
};

}  // namespace sedge::compose

#endif  // SEDGE_COMPOSE_TYPE_WRITER_H_
