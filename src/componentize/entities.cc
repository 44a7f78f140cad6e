// A walk over the definitions; nested components are walked once per instance.
#include "componentize/entities.h"

#include <fmt/format.h>

namespace sedge::componentize {
namespace {

using component::Sort;

constexpr size_t kMaxSteps = 500'000;        // definitions and entities
constexpr size_t kMaxCompares = 50'000'000;  // names looked at
constexpr uint32_t kMaxDepth = 100;

std::unexpected<Error> too_much() {
  return fail(ErrorCode::limit_exceeded, ": the types of the component are too large to list");
}

}  // namespace

Result<Entity*> Entities::make(Entity entity) {
  if (++steps_ > kMaxSteps) return too_much();
  Entity* out = &entities_.emplace_back(std::move(entity));
  if (!out->base) out->base = out;
  return out;
}

/// What an export or import of a type introduces: a new name of the same type.
Result<Entity*> Entities::renamed(Entity* entity) {
  if (!entity || entity->sort != Sort::type) return entity;
  Entity copy = *entity;
  copy.target = entity;
  copy.wit = wit::kNone;
  return make(std::move(copy));
}

Result<Entity*> Entities::at(const EntityScope& scope, Sort sort, uint32_t index) {
  if (is_core(sort)) return nullptr;
  const std::vector<Entity*>& space = scope.spaces[static_cast<size_t>(sort)];
  if (index >= space.size())
    return fail(ErrorCode::wit_invalid,
                fmt::format(" in binary form: unknown {} {}", component::to_string(sort), index));
  return space[index];
}

Result<Entity*> Entities::type_at(const EntityScope& scope, uint32_t index) {
  SEDGE_TRY_ASSIGN(Entity * out, at(scope, Sort::type, index));
  if (!out) return fail(ErrorCode::wit_invalid, " in binary form: a type has no meaning in WIT");
  return out;
}

Result<Entity*> Entities::fresh(const component::ExternType& type, EntityScope* scope) {
  using Kind = component::ExternType::Kind;
  switch (type.kind) {
    case Kind::type: {
      if (type.type.kind == component::TypeBound::Kind::sub_resource) {
        Entity resource;
        resource.is_resource = true;
        return make(std::move(resource));
      }
      SEDGE_TRY_ASSIGN(Entity * bound, type_at(*scope, type.type.index));
      return renamed(bound);
    }
    case Kind::func: {
      Entity func;
      func.sort = Sort::func;
      SEDGE_TRY_ASSIGN(func.func_type, type_at(*scope, type.index));
      return make(std::move(func));
    }
    case Kind::instance: {
      SEDGE_TRY_ASSIGN(Entity * bound, type_at(*scope, type.index));
      const auto* instance =
          bound->type ? std::get_if<component::InstanceType>(&bound->type->type) : nullptr;
      if (!instance)
        return fail(ErrorCode::wit_invalid, " in binary form: an instance has no instance type");
      SEDGE_TRY_ASSIGN(EntitySignature content,
                       evaluate(instance->declarators, bound->scope, Arguments{}));
      Entity out;
      out.sort = Sort::instance;
      out.exports = std::move(content.exports);
      return make(std::move(out));
    }
    case Kind::component: {
      SEDGE_TRY_ASSIGN(Entity * bound, type_at(*scope, type.index));
      Entity out = *bound;
      out.sort = Sort::component;
      out.base = nullptr;
      return make(std::move(out));
    }
    case Kind::module:
    case Kind::value:
      return nullptr;
  }
  return nullptr;
}

Result<Entity*> Entities::alias(const component::Alias& alias, EntityScope* scope) {
  using Target = component::Alias::Target;
  if (is_core(alias.sort) || alias.target == Target::core_export) return nullptr;
  if (alias.target == Target::outer) {
    EntityScope* at_scope = scope;
    for (uint32_t i = 0; i < alias.outer_count && at_scope; ++i) at_scope = at_scope->parent;
    if (!at_scope)
      return fail(ErrorCode::wit_invalid, " in binary form: an alias leads out of the component");
    return at(*at_scope, alias.sort, alias.outer_index);
  }
  SEDGE_TRY_ASSIGN(Entity * instance, at(*scope, Sort::instance, alias.instance));
  if (!instance) return nullptr;
  compares_ += instance->exports.size();
  if (compares_ > kMaxCompares) return too_much();
  for (const EntityItem& item : instance->exports)
    if (item.name.name == alias.name) return item.entity;
  return fail(ErrorCode::wit_invalid,
              fmt::format(" in binary form: an instance has no export `{}`", alias.name));
}

Result<Entity*> Entities::instantiate(const component::Instance& instance, EntityScope* scope) {
  std::vector<EntityItem> items;
  for (const component::InstanceItem& item : instance.items) {
    SEDGE_TRY_ASSIGN(Entity * entity, at(*scope, item.item.sort, item.item.index));
    if (!instance.component) {
      SEDGE_TRY_ASSIGN(entity, renamed(entity));
    }
    items.push_back({item.name, entity});
  }
  Entity out;
  out.sort = Sort::instance;
  if (!instance.component) {
    out.exports = std::move(items);
    return make(std::move(out));
  }
  SEDGE_TRY_ASSIGN(Entity * component, at(*scope, Sort::component, *instance.component));
  if (component && component->component) {
    SEDGE_TRY_ASSIGN(EntitySignature content, evaluate(component->component->definitions,
                                                       component->scope, Arguments{&items}));
    out.exports = std::move(content.exports);
  } else if (component && component->type) {
    SEDGE_TRY_ASSIGN(EntitySignature content, component_type(*component));
    out.exports = std::move(content.exports);
  }
  return make(std::move(out));
}

Result<void> Entities::definition(const component::Definition& definition, EntityScope* scope,
                                  Arguments arguments, EntitySignature& out) {
  auto append = [&](Sort sort, Entity* entity) {
    if (!is_core(sort)) scope->spaces[static_cast<size_t>(sort)].push_back(entity);
  };
  if (const auto* type = std::get_if<component::Type>(&definition.node)) {
    Entity entity;
    entity.type = type;
    entity.scope = scope;
    entity.is_resource = std::holds_alternative<component::ResourceType>(type->type);
    SEDGE_TRY_ASSIGN(Entity * made, make(std::move(entity)));
    append(Sort::type, made);
  } else if (const auto* import = std::get_if<component::Import>(&definition.node)) {
    Sort sort = component::sort_of(import->type.kind);
    Entity* entity = nullptr;
    if (arguments.items) {
      compares_ += arguments.items->size();
      if (compares_ > kMaxCompares) return too_much();
      for (const EntityItem& item : *arguments.items)
        if (item.name.name == import->name.name) entity = item.entity;
    }
    if (!entity && !is_core(sort)) {
      SEDGE_TRY_ASSIGN(entity, fresh(import->type, scope));
    }
    append(sort, entity);
    out.imports.push_back({import->name, entity});
  } else if (const auto* exported = std::get_if<component::Export>(&definition.node)) {
    Sort sort = exported->item ? exported->item->sort : component::sort_of(exported->type->kind);
    Entity* entity = nullptr;
    // An ascribed function type names its types as the scope exports them.
    bool ascribed = exported->type && exported->type->kind == component::ExternType::Kind::func;
    if (!exported->item || ascribed) {
      SEDGE_TRY_ASSIGN(entity, fresh(*exported->type, scope));
    } else {
      SEDGE_TRY_ASSIGN(entity, at(*scope, sort, exported->item->index));
      SEDGE_TRY_ASSIGN(entity, renamed(entity));
    }
    append(sort, entity);
    out.exports.push_back({exported->name, entity});
  } else if (const auto* alias = std::get_if<component::Alias>(&definition.node)) {
    SEDGE_TRY_ASSIGN(Entity * entity, this->alias(*alias, scope));
    append(alias->sort, entity);
  } else if (const auto* instance = std::get_if<component::Instance>(&definition.node)) {
    SEDGE_TRY_ASSIGN(Entity * entity, instantiate(*instance, scope));
    append(Sort::instance, entity);
  } else if (const auto* nested =
                 std::get_if<std::unique_ptr<component::Component>>(&definition.node)) {
    Entity entity;
    entity.sort = Sort::component;
    entity.component = nested->get();
    entity.scope = scope;
    SEDGE_TRY_ASSIGN(Entity * made, make(std::move(entity)));
    append(Sort::component, made);
  } else if (const auto* canon = std::get_if<component::Canon>(&definition.node)) {
    if (canon->op != component::CanonOp::lift) return {};
    Entity func;
    func.sort = Sort::func;
    SEDGE_TRY_ASSIGN(func.func_type, type_at(*scope, canon->type));
    SEDGE_TRY_ASSIGN(Entity * made, make(std::move(func)));
    append(Sort::func, made);
  } else if (std::holds_alternative<component::Value>(definition.node)) {
    append(Sort::value, nullptr);
  } else if (const auto* start = std::get_if<component::Start>(&definition.node)) {
    for (uint32_t i = 0; i < start->results; ++i) {
      if (++steps_ > kMaxSteps) return too_much();
      append(Sort::value, nullptr);
    }
  }
  return {};
}

Result<EntitySignature> Entities::evaluate(const std::vector<component::Definition>& definitions,
                                           EntityScope* parent, Arguments arguments) {
  if (depth_ == kMaxDepth) return too_much();
  ++depth_;
  EntityScope* scope = &scopes_.emplace_back();
  scope->parent = parent;
  EntitySignature out;
  for (const component::Definition& definition : definitions) {
    if (++steps_ > kMaxSteps) return too_much();
    SEDGE_TRY(this->definition(definition, scope, arguments, out));
  }
  --depth_;
  return out;
}

Result<EntitySignature> Entities::component(const component::Component& component) {
  return evaluate(component.definitions, nullptr, Arguments{});
}

Result<EntitySignature> Entities::component_type(const Entity& type) {
  const auto* content =
      type.type ? std::get_if<component::ComponentType>(&type.type->type) : nullptr;
  if (!content)
    return fail(ErrorCode::wit_invalid, " in binary form: a component has no component type");
  return evaluate(content->declarators, type.scope, Arguments{});
}

}  // namespace sedge::componentize
