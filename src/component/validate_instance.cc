// Instances of components, and aliases. Instantiation puts what the arguments are in the place of
// what the component asks for, and makes new resources for those that it defines. Specification:
// Explainer.md, "Instance Definitions", "Alias Definitions", "Type Checking".
#include <fmt/format.h>

#include "component/validator.h"

namespace sedge::component {
Result<void> Validator::instance(const Instance& item) {
  if (item.component) return instantiate(item);
  ExternList list;
  for (const InstanceItem& export_item : item.items) {
    SEDGE_TRY_ASSIGN(Entity entity, entity_at(export_item.item));
    SEDGE_TRY(check_name(list, false, export_item.name, entity));
    list.by_key.emplace(unique_key(export_item.name.name), export_item.name.name);
    list.entities.add(export_item.name.name, entity);
  }
  InstanceSig sig;
  sig.exports = std::move(list.entities);
  SEDGE_TRY_ASSIGN(uint32_t id, types_.add(std::move(sig)));
  scope().spaces.instances.push_back(id);
  return {};
}

Result<void> Validator::instantiate(const Instance& item) {
  Scope& own = scope();
  SEDGE_TRY_ASSIGN(const uint32_t* id, at(own.spaces.components, *item.component, Sort::component));
  const ComponentSig& sig = types_.component(*id);
  EntityMap arguments;
  for (const InstanceItem& argument : item.items) {
    SEDGE_TRY_ASSIGN(Entity entity, entity_at(argument.item));
    if (!arguments.add(argument.name.name, entity))
      return fail(ErrorCode::duplicate_name,
                  fmt::format(": instantiation argument `{}` conflicts with previous argument `{}`",
                              argument.name.name, argument.name.name));
  }
  SEDGE_TRY(types_.work(sig.size));
  Renaming renaming;
  for (const ResourceAt& at : sig.imported) {
    const Entity* given = find_path(types_, arguments, at.path);
    if (given && given->kind == ExternType::Kind::type &&
        given->type.kind == TypeRef::Kind::resource)
      renaming.resources.emplace(at.id, types_.resource_of(given->type.id));
  }
  // Checks see the imports' own names; what comes out has those of the arguments.
  Renaming checked = renaming;
  for (const EntityMap::Item& import : sig.imports) {
    const Entity* given = arguments.find(import.name);
    if (!given)
      return fail(ErrorCode::missing_argument_named,
                  fmt::format(" import named `{}`", import.name));
    SEDGE_TRY_ASSIGN(Entity wanted, types_.rename(import.entity, checked));
    if (auto fits = subtyping_.entity(*given, wanted); !fits)
      return fail(placed(std::move(fits).error(), fmt::format("for import `{}`", import.name)));
    substitute_names(types_, import.entity, *given, checked);
    substitute_names(types_, import.entity, *given, renaming);
  }
  for (const ResourceAt& at : sig.defined) {
    ResourceId fresh = types_.new_resource();
    renaming.resources.insert_or_assign(at.id, fresh);
    own.defined.insert(fresh);
    own.defined_order.push_back(fresh);
  }
  InstanceSig made;
  for (const EntityMap::Item& item_out : sig.exports) {
    SEDGE_TRY_ASSIGN(Entity entity, types_.rename(item_out.entity, renaming));
    made.exports.add(item_out.name, entity);
  }
  SEDGE_TRY_ASSIGN(uint32_t made_id, types_.add(std::move(made)));
  own.spaces.instances.push_back(made_id);
  return {};
}

Result<void> Validator::alias(const Alias& item) {
  Scope& own = scope();
  bool in_type = own.kind != Scope::Kind::component;
  if (item.target == Alias::Target::outer) {
    if (in_type && item.sort != Sort::type && item.sort != Sort::core_type)
      return invalid(
          "aliases in a component or instance type may only refer to types or instances");
    return outer_alias(item);
  }
  if (item.target == Alias::Target::core_export) {
    if (in_type)
      return invalid(
          "aliases in a component or instance type may only refer to types or instances");
    if (!is_core(item.sort))
      return fail(
          ErrorCode::wrong_sort,
          fmt::format(": a core instance has no export of the sort {}", to_string(item.sort)));
    SEDGE_TRY_ASSIGN(const uint32_t* instance,
                     at(own.spaces.core_instances, item.instance, Sort::core_instance));
    if (item.sort == Sort::core_tag) SEDGE_TRY(need_exceptions());
    const auto& exports = own.spaces.core_instance_exports[*instance];
    auto found = exports.find(item.name);
    if (found == exports.end())
      return invalid(
          fmt::format("core instance {} has no export named `{}`", item.instance, item.name));
    auto kind = static_cast<Sort>(static_cast<uint8_t>(Sort::core_func) +
                                  static_cast<uint8_t>(found->second.kind));
    if (kind != item.sort)
      return fail(ErrorCode::wrong_sort,
                  fmt::format(": export `{}` for core instance {} is not a {}", item.name,
                              item.instance, std::string_view(to_string(item.sort)).substr(5)));
    CoreEntity entity = found->second;
    push_core(entity);
    return {};
  }
  if (in_type && item.sort != Sort::type && item.sort != Sort::instance)
    return invalid("aliases in a component or instance type may only refer to types or instances");
  SEDGE_TRY_ASSIGN(const uint32_t* instance,
                   at(own.spaces.instances, item.instance, Sort::instance));
  const Entity* found = types_.instance(*instance).exports.find(item.name);
  if (!found)
    return invalid(fmt::format("instance {} has no export named `{}`", item.instance, item.name));
  if (sort_of(found->kind) != item.sort) {
    std::string_view sort = to_string(item.sort);
    if (item.sort == Sort::core_module) sort = "module";
    return fail(ErrorCode::wrong_sort, fmt::format(": export `{}` for instance {} is not a {}",
                                                   item.name, item.instance, sort));
  }
  Entity entity = *found;
  // Two instances of one type have values of their own.
  if (entity.kind == ExternType::Kind::value) entity.id = next_value_++;
  push(entity);
  return {};
}

Result<void> Validator::outer_alias(const Alias& item) {
  if (item.outer_count >= scopes_.size())
    return invalid(fmt::format("invalid outer alias count of {}", item.outer_count));
  size_t target = scopes_.size() - 1 - item.outer_count;
  IndexSpaces& from = scopes_[target]->spaces;
  IndexSpaces& to = scope().spaces;
  switch (item.sort) {
    case Sort::core_module: {
      SEDGE_TRY_ASSIGN(const uint32_t* id, at(from.core_modules, item.outer_index, item.sort));
      to.core_modules.push_back(uint32_t{*id});
      return {};
    }
    case Sort::core_type: {
      SEDGE_TRY_ASSIGN(const IndexSpaces::CoreTypeEntry* entry,
                       at(from.core_types, item.outer_index, item.sort));
      to.core_types.push_back(IndexSpaces::CoreTypeEntry(*entry));
      return {};
    }
    case Sort::component: {
      SEDGE_TRY_ASSIGN(const uint32_t* id, at(from.components, item.outer_index, item.sort));
      to.components.push_back(uint32_t{*id});
      return {};
    }
    default:
      break;
  }
  SEDGE_TRY_ASSIGN(const TypeRef* found, at(from.types, item.outer_index, Sort::type));
  TypeRef type = *found;
  // Resources belong to an instance of their component: others cannot know them.
  bool crosses = false;
  for (size_t i = target + 1; i < scopes_.size(); ++i)
    crosses |= scopes_[i]->kind == Scope::Kind::component;
  std::unordered_set<ResourceId> bound;
  if (crosses && has_free_resources(type, bound))
    return fail(ErrorCode::resource_misuse,
                ": cannot alias outer type which transitively refers to resources not defined in "
                "the current component");
  to.types.push_back(type);
  return {};
}

bool Validator::entity_has_free_resources(const Entity& entity,
                                          std::unordered_set<ResourceId>& bound) {
  switch (entity.kind) {
    case ExternType::Kind::module:
      return false;
    case ExternType::Kind::value:
      return !entity.value.is_prim() &&
             has_free_resources({TypeRef::Kind::defined, entity.value.index()}, bound);
    case ExternType::Kind::type:
      return has_free_resources(entity.type, bound);
    case ExternType::Kind::func:
      return has_free_resources({TypeRef::Kind::func, entity.id}, bound);
    case ExternType::Kind::component:
      return has_free_resources({TypeRef::Kind::component, entity.id}, bound);
    case ExternType::Kind::instance:
      return has_free_resources({TypeRef::Kind::instance, entity.id}, bound);
  }
  return false;
}

/// Whether a type mentions a resource that is not in `bound` and that it does not introduce itself.
bool Validator::has_free_resources(TypeRef type, std::unordered_set<ResourceId>& bound) {
  auto value = [&](ValType inner) {
    return !inner.is_prim() && has_free_resources({TypeRef::Kind::defined, inner.index()}, bound);
  };
  auto optional = [&](const std::optional<ValType>& inner) { return inner && value(*inner); };
  switch (type.kind) {
    case TypeRef::Kind::resource:
      return !bound.contains(types_.resource_of(type.id));
    case TypeRef::Kind::defined: {
      const Defined& defined = types_.defined(type.id);
      if (!defined.renameable) return false;
      return std::visit(
          [&](const auto& t) {
            using T = std::remove_cvref_t<decltype(t)>;
            if constexpr (std::is_same_v<T, Record>) {
              for (const Field& field : t.fields)
                if (value(field.type)) return true;
              return false;
            } else if constexpr (std::is_same_v<T, Variant>) {
              for (const Case& next : t.cases)
                if (optional(next.type)) return true;
              return false;
            } else if constexpr (std::is_same_v<T, Tuple>) {
              for (ValType inner : t.types)
                if (value(inner)) return true;
              return false;
            } else if constexpr (std::is_same_v<T, List> || std::is_same_v<T, FixedList>) {
              return value(t.element);
            } else if constexpr (std::is_same_v<T, Option>) {
              return value(t.type);
            } else if constexpr (std::is_same_v<T, ResultType>) {
              return optional(t.ok) || optional(t.error);
            } else if constexpr (std::is_same_v<T, Own> || std::is_same_v<T, Borrow>) {
              return !bound.contains(types_.resource_of(t.resource));
            } else if constexpr (std::is_same_v<T, Stream> || std::is_same_v<T, Future>) {
              return optional(t.element);
            } else if constexpr (std::is_same_v<T, Map>) {
              return value(t.key) || value(t.value);
            } else {
              return false;
            }
          },
          defined.type);
    }
    case TypeRef::Kind::func: {
      const FuncSig& func = types_.func(type.id);
      if (!func.renameable) return false;
      for (const Field& param : func.type.params)
        if (value(param.type)) return true;
      return optional(func.type.result);
    }
    case TypeRef::Kind::instance: {
      const InstanceSig& sig = types_.instance(type.id);
      if (!sig.renameable) return false;
      for (const ResourceAt& at : sig.defined) bound.insert(at.id);
      for (const EntityMap::Item& item : sig.exports)
        if (entity_has_free_resources(item.entity, bound)) return true;
      return false;
    }
    case TypeRef::Kind::component: {
      const ComponentSig& sig = types_.component(type.id);
      if (!sig.renameable) return false;
      for (const ResourceAt& at : sig.imported) bound.insert(at.id);
      for (const ResourceAt& at : sig.defined) bound.insert(at.id);
      for (const EntityMap* map : {&sig.imports, &sig.exports})
        for (const EntityMap::Item& item : *map)
          if (entity_has_free_resources(item.entity, bound)) return true;
      return false;
    }
  }
  return false;
}

}  // namespace sedge::component
