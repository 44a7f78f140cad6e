// What the definitions of a component denote, as far as its types need: each index becomes an
// entity, so that a type that passes through instances, aliases and nested components stays one.
#ifndef SEDGE_COMPONENTIZE_ENTITIES_H_
#define SEDGE_COMPONENTIZE_ENTITIES_H_

#include <array>
#include <deque>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "component/ast.h"
#include "wit/model.h"

namespace sedge::componentize {

struct Entity;

/// The index spaces of one component or of one component or instance type. Core sorts are left out.
struct EntityScope {
  EntityScope* parent = nullptr;
  std::array<std::vector<Entity*>, component::kSortCount> spaces;
};

struct EntityItem {
  component::ExternName name;
  Entity* entity = nullptr;
};

struct Entity {
  component::Sort sort = component::Sort::type;
  /// type: its definition, where that stands, and whether it is a resource that has none.
  const component::Type* type = nullptr;
  EntityScope* scope = nullptr;
  bool is_resource = false;
  /// type: what it is another name of, and the first of that chain.
  Entity* target = nullptr;
  Entity* base = nullptr;
  wit::TypeId wit = wit::kNone;                     ///< the named WIT type that stands for it
  Entity* func_type = nullptr;                      ///< func
  std::vector<EntityItem> exports;                  ///< instance
  const component::Component* component = nullptr;  ///< component, or null for one of a type
};

/// Imports and exports of a component or component type.
struct EntitySignature {
  std::vector<EntityItem> imports;
  std::vector<EntityItem> exports;
};

/// Owns entities. All work is bounded: a component that would need more is refused.
class Entities {
 public:
  /// The imports (fresh) and exports of a component.
  Result<EntitySignature> component(const component::Component& component);
  /// The imports (fresh) and exports of a component type.
  Result<EntitySignature> component_type(const Entity& type);
  /// The type at `index` of `scope`.
  Result<Entity*> type_at(const EntityScope& scope, uint32_t index);

 private:
  struct Arguments {
    const std::vector<EntityItem>* items = nullptr;  ///< null: imports are fresh
  };
  Result<EntitySignature> evaluate(const std::vector<component::Definition>& definitions,
                                   EntityScope* parent, Arguments arguments);
  Result<void> definition(const component::Definition& definition, EntityScope* scope,
                          Arguments arguments, EntitySignature& out);
  Result<Entity*> fresh(const component::ExternType& type, EntityScope* scope);
  Result<Entity*> at(const EntityScope& scope, component::Sort sort, uint32_t index);
  Result<Entity*> alias(const component::Alias& alias, EntityScope* scope);
  Result<Entity*> instantiate(const component::Instance& instance, EntityScope* scope);
  Result<Entity*> make(Entity entity);
  Result<Entity*> renamed(Entity* entity);

  std::deque<Entity> entities_;
  std::deque<EntityScope> scopes_;
  size_t steps_ = 0;
  size_t compares_ = 0;
  uint32_t depth_ = 0;
};

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_ENTITIES_H_
