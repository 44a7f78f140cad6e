// Walks the definitions in their order; imports, exports, names, visibility, values and starts.
// Specification: Explainer.md, "Import and Export Definitions" and "External Visibility of Types".
#include "component/validate.h"

#include <algorithm>

#include <fmt/format.h>

#include "component/validator.h"
#include "component/value.h"

namespace sedge::component {

std::unexpected<Error> invalid(std::string text) {
  return fail(ErrorCode::invalid_component, ": " + std::move(text));
}

Features every_feature() {
  Features out;
#define SEDGE_FEATURE(name, text, preset, description) out.set(Feature::name);
#include <sedge/feature.def>
#undef SEDGE_FEATURE
  return out;
}

Result<Validated> validate(const Component& component, Features features,
                           const std::shared_ptr<wasm::TypeRegistry>& registry,
                           const OnConstant& on_constant) {
  Validated out;
  out.types = std::make_shared<Types>(registry);
  Validator validator(out, features, on_constant);
  SEDGE_TRY(validator.component(component));
  return out;
}

Result<void> Validator::need(Feature feature, std::string_view what) {
  if (features_.has(feature)) return {};
  return fail(
      Error(ErrorCode::feature_disabled, fmt::format(": {} ({})", feature_name(feature), what))
          .with_remedy(fmt::format("--features +{}", feature_name(feature))));
}

Result<uint32_t> Validator::component(const Component& component) {
  scopes_.push_back(std::make_unique<Scope>());
  for (const Definition& item : component.definitions) {
    if (Result<void> done = definition(item); !done)
      return fail(std::move(done).error().at(Location::at(item.offset)));
  }
  Scope& own = scope();
  for (size_t i = 0; i < own.spaces.values.size(); ++i)
    if (!own.spaces.values[i].used)
      return invalid(
          fmt::format("value index {} was not used as part of an instantiation, start "
                      "function, or export",
                      i));
  SEDGE_TRY_ASSIGN(uint32_t sig, finish_component(own));
  out_.components[&component] = {std::move(own.spaces), sig};
  scopes_.pop_back();
  return sig;
}

Result<void> Validator::definition(const Definition& definition) {
  return std::visit(
      [&](const auto& node) -> Result<void> {
        using T = std::remove_cvref_t<decltype(node)>;
        if constexpr (std::is_same_v<T, CoreModule>) {
          return core_module(node);
        } else if constexpr (std::is_same_v<T, CoreInstance>) {
          return core_instance(node);
        } else if constexpr (std::is_same_v<T, CoreType>) {
          return core_type(node);
        } else if constexpr (std::is_same_v<T, std::unique_ptr<Component>>) {
          SEDGE_TRY_ASSIGN(uint32_t sig, component(*node));
          scope().spaces.components.push_back(sig);
          return {};
        } else if constexpr (std::is_same_v<T, Instance>) {
          return instance(node);
        } else if constexpr (std::is_same_v<T, Alias>) {
          return alias(node);
        } else if constexpr (std::is_same_v<T, Type>) {
          return type(node);
        } else if constexpr (std::is_same_v<T, Canon>) {
          return canon(node);
        } else if constexpr (std::is_same_v<T, Start>) {
          return start(node);
        } else if constexpr (std::is_same_v<T, Import>) {
          return import(node);
        } else if constexpr (std::is_same_v<T, Export>) {
          return export_(node);
        } else if constexpr (std::is_same_v<T, Value>) {
          return value(node);
        } else {
          return {};
        }
      },
      definition.node);
}

/// Every resource that an export mentions is either imported or new here.
Result<void> Validator::check_defined_here(const Scope& scope, const EntityMap& map) {
  std::unordered_set<ResourceId> known(scope.defined.begin(), scope.defined.end());
  for (const ResourceAt& at : scope.imported) known.insert(at.id);
  for (const EntityMap::Item& item : map) {
    SEDGE_TRY(types_.work(types_.size(item.entity)));
    if (entity_has_free_resources(item.entity, known))
      return fail(ErrorCode::resource_misuse,
                  fmt::format(": `{}` refers to resources not defined in the current component",
                              item.name));
  }
  return {};
}

namespace {

/// Where each of `wanted` is exported, outermost name first; those that are not get no path.
void find_resources(const Types& types, const EntityMap& map, ResourcePath& path,
                    const std::unordered_set<ResourceId>& wanted,
                    std::unordered_map<ResourceId, ResourcePath>& found) {
  for (const EntityMap::Item& item : map) {
    path.push_back(item.name);
    if (item.entity.kind == ExternType::Kind::type &&
        item.entity.type.kind == TypeRef::Kind::resource) {
      ResourceId id = types.resource_of(item.entity.type.id);
      if (wanted.contains(id)) found.emplace(id, path);
    } else if (item.entity.kind == ExternType::Kind::instance) {
      find_resources(types, types.instance(item.entity.id).exports, path, wanted, found);
    }
    path.pop_back();
  }
}

}  // namespace

Result<uint32_t> Validator::finish_component(Scope& scope) {
  if (scope.kind == Scope::Kind::component) {
    SEDGE_TRY(check_defined_here(scope, scope.imports.entities));
    SEDGE_TRY(check_defined_here(scope, scope.exports.entities));
  }
  ComponentSig sig;
  for (const EntityMap::Item& item : scope.exports.entities)
    SEDGE_TRY(types_.work(types_.size(item.entity)));
  std::unordered_map<ResourceId, ResourcePath> found;
  ResourcePath path;
  find_resources(types_, scope.exports.entities, path, scope.defined, found);
  for (ResourceId id : scope.defined_order)
    if (auto at = found.find(id); at != found.end()) sig.defined.push_back({id, at->second});
  sig.imported = scope.imported;
  sig.imports = scope.imports.entities;
  sig.exports = scope.exports.entities;
  return types_.add(std::move(sig));
}

// Index spaces

void Validator::push(const Entity& entity) {
  IndexSpaces& spaces = scope().spaces;
  switch (entity.kind) {
    case ExternType::Kind::module:
      return spaces.core_modules.push_back(entity.id);
    case ExternType::Kind::func:
      return spaces.funcs.push_back(entity.id);
    case ExternType::Kind::value:
      return spaces.values.push_back({entity.value, false, entity.id});
    case ExternType::Kind::type:
      return spaces.types.push_back(entity.type);
    case ExternType::Kind::component:
      return spaces.components.push_back(entity.id);
    case ExternType::Kind::instance:
      return spaces.instances.push_back(entity.id);
  }
}

Result<void> Validator::use_value(uint32_t index) {
  SEDGE_TRY(at(scope().spaces.values, index, Sort::value));
  IndexSpaces::ValueEntry& entry = scope().spaces.values[index];
  if (entry.used) return invalid(fmt::format("value {} cannot be used more than once", index));
  entry.used = true;
  return {};
}

Result<Entity> Validator::entity_at(const SortIdx& item) {
  const IndexSpaces& spaces = scope().spaces;
  Entity out;
  switch (item.sort) {
    case Sort::core_module: {
      SEDGE_TRY_ASSIGN(const uint32_t* id, at(spaces.core_modules, item.index, item.sort));
      out.kind = ExternType::Kind::module;
      out.id = *id;
      return out;
    }
    case Sort::func: {
      SEDGE_TRY_ASSIGN(const uint32_t* id, at(spaces.funcs, item.index, item.sort));
      out.kind = ExternType::Kind::func;
      out.id = *id;
      return out;
    }
    case Sort::value: {
      SEDGE_TRY(use_value(item.index));
      out.kind = ExternType::Kind::value;
      out.value = spaces.values[item.index].type;
      out.id = spaces.values[item.index].id;
      return out;
    }
    case Sort::type: {
      SEDGE_TRY_ASSIGN(out.type, type_at(item.index));
      out.kind = ExternType::Kind::type;
      return out;
    }
    case Sort::component: {
      SEDGE_TRY_ASSIGN(const uint32_t* id, at(spaces.components, item.index, item.sort));
      out.kind = ExternType::Kind::component;
      out.id = *id;
      return out;
    }
    case Sort::instance: {
      SEDGE_TRY_ASSIGN(const uint32_t* id, at(spaces.instances, item.index, item.sort));
      out.kind = ExternType::Kind::instance;
      out.id = *id;
      return out;
    }
    default:
      return fail(ErrorCode::wrong_sort,
                  fmt::format(": a {} cannot leave its component", to_string(item.sort)));
  }
}

// Visibility

void Validator::name_types(NamedTypes& named, const Entity& entity) {
  if (entity.kind == ExternType::Kind::type) {
    named.add(entity.type);
  } else if (entity.kind == ExternType::Kind::instance) {
    for (const EntityMap::Item& item : types_.instance(entity.id).exports)
      name_types(named, item.entity);
  }
}

namespace {

/// Walks types for the visibility rule: everything nameable inside has to be in one of the sets.
class Visibility {
 public:
  Visibility(const Types& types, const NamedTypes& named, const NamedTypes* more)
      : types_(types), named_(named), more_(more) {}

  bool value(ValType type) const {
    if (type.is_prim()) return true;
    const Defined& t = types_.defined(type.index());
    if (!t.renameable) return true;
    bool nameable = std::holds_alternative<Record>(t.type) ||
                    std::holds_alternative<Variant>(t.type) ||
                    std::holds_alternative<Flags>(t.type) || std::holds_alternative<Enum>(t.type);
    if (nameable && !has({TypeRef::Kind::defined, type.index()})) return false;
    return contents(type.index());
  }

  /// The types inside of a type that is itself about to get a name.
  bool contents(uint32_t id) const {
    auto all = [&](auto&& list, auto&& project) {
      return std::ranges::all_of(list, [&](const auto& item) { return optional(project(item)); });
    };
    return std::visit(
        [&](const auto& t) {
          using T = std::remove_cvref_t<decltype(t)>;
          if constexpr (std::is_same_v<T, Record>) {
            return all(t.fields, [](const Field& field) { return std::optional(field.type); });
          } else if constexpr (std::is_same_v<T, Variant>) {
            return all(t.cases, [](const Case& next) { return next.type; });
          } else if constexpr (std::is_same_v<T, Tuple>) {
            return all(t.types, [](ValType inner) { return std::optional(inner); });
          } else if constexpr (std::is_same_v<T, List> || std::is_same_v<T, FixedList>) {
            return value(t.element);
          } else if constexpr (std::is_same_v<T, Option>) {
            return value(t.type);
          } else if constexpr (std::is_same_v<T, ResultType>) {
            return optional(t.ok) && optional(t.error);
          } else if constexpr (std::is_same_v<T, Own> || std::is_same_v<T, Borrow>) {
            return has({TypeRef::Kind::resource, t.resource});
          } else if constexpr (std::is_same_v<T, Stream> || std::is_same_v<T, Future>) {
            return optional(t.element);
          } else if constexpr (std::is_same_v<T, Map>) {
            return value(t.key) && value(t.value);
          } else {
            return true;
          }
        },
        types_.defined(id).type);
  }

  bool func(uint32_t id) const {
    const FuncType& type = types_.func(id).type;
    return std::ranges::all_of(type.params,
                               [&](const Field& param) { return value(param.type); }) &&
           optional(type.result);
  }

  bool entity(const Entity& entity_in) const {
    switch (entity_in.kind) {
      case ExternType::Kind::func:
        return func(entity_in.id);
      case ExternType::Kind::value:
        return value(entity_in.value);
      case ExternType::Kind::type:
        return type(entity_in.type);
      case ExternType::Kind::instance:
        return instance(entity_in.id);
      case ExternType::Kind::module:
      case ExternType::Kind::component:  // checked when they were made
        return true;
    }
    return true;
  }

 private:
  bool has(TypeRef type) const { return named_.has(type) || (more_ && more_->has(type)); }
  bool optional(const std::optional<ValType>& type) const { return !type || value(*type); }
  bool instance(uint32_t id) const {
    return std::ranges::all_of(types_.instance(id).exports,
                               [&](const EntityMap::Item& item) { return entity(item.entity); });
  }
  bool type(TypeRef type_in) const {
    switch (type_in.kind) {
      case TypeRef::Kind::resource:
      case TypeRef::Kind::component:
        return true;
      case TypeRef::Kind::defined:
        return contents(type_in.id);
      case TypeRef::Kind::func:
        return func(type_in.id);
      case TypeRef::Kind::instance: {
        // Types that the instance type itself exports have their names in it.
        NamedTypes inner = named_;
        if (more_) inner.add_all(*more_);
        add_names(inner, types_.instance(type_in.id).exports);
        return Visibility(types_, inner, nullptr).instance(type_in.id);
      }
    }
    return true;
  }
  void add_names(NamedTypes& named, const EntityMap& map) const {
    for (const EntityMap::Item& item : map) {
      if (item.entity.kind == ExternType::Kind::type) named.add(item.entity.type);
      if (item.entity.kind == ExternType::Kind::instance)
        add_names(named, types_.instance(item.entity.id).exports);
    }
  }

  const Types& types_;
  const NamedTypes& named_;
  const NamedTypes* more_;
};

}  // namespace

// Imports and exports

Result<void> Validator::check_annotation(const ExternList& list, std::string_view word,
                                         const ParsedName& name, const Entity& entity) {
  if (entity.kind != ExternType::Kind::func)
    return fail(ErrorCode::invalid_name, fmt::format(": item is not a func: {}", word));
  const FuncType& func = types_.func(entity.id).type;
  auto check_resource = [&](uint32_t resource_name) -> Result<void> {
    auto found = list.resource_labels.find(types_.resource_of(resource_name));
    if (found == list.resource_labels.end())
      return fail(ErrorCode::invalid_name,
                  ": resource used in function does not have a name in this context");
    if (found->second != name.resource)
      return fail(
          ErrorCode::invalid_name,
          fmt::format(": function does not match expected resource name `{}`", found->second));
    return {};
  };
  auto as = [&]<typename T>(const std::optional<ValType>& type, const T*) -> const T* {
    return type && !type->is_prim() ? std::get_if<T>(&types_.defined(type->index()).type) : nullptr;
  };
  switch (name.kind) {
    case ParsedName::Kind::constructor: {
      if (func.async_)
        return fail(ErrorCode::invalid_name, ": constructor function cannot be async");
      if (!func.result) return fail(ErrorCode::invalid_name, ": function should return one value");
      const Own* own = as(func.result, static_cast<const Own*>(nullptr));
      if (const auto* result = as(func.result, static_cast<const ResultType*>(nullptr)))
        own = as(result->ok, own);
      if (!own)
        return fail(ErrorCode::invalid_name,
                    ": function should return `(own $T)` or `(result (own $T))`");
      return check_resource(own->resource);
    }
    case ParsedName::Kind::method: {
      if (func.params.empty())
        return fail(ErrorCode::invalid_name, ": function should have at least one argument");
      if (func.params[0].name != "self")
        return fail(ErrorCode::invalid_name,
                    ": function should have a first argument called `self`");
      const Borrow* borrow =
          as(std::optional(func.params[0].type), static_cast<const Borrow*>(nullptr));
      if (!borrow)
        return fail(ErrorCode::invalid_name,
                    ": function should take a first argument of `(borrow $T)`");
      return check_resource(borrow->resource);
    }
    default:
      if (!list.labels.contains(name.resource))
        return fail(ErrorCode::invalid_name, ": static resource name is not known in this context");
      return {};
  }
}

Result<void> Validator::check_attributes(const ExternName& name, const ParsedName& parsed,
                                         const Entity& entity) {
  auto instances_only = [&](std::string_view what) -> Result<void> {
    if (entity.kind == ExternType::Kind::instance) return {};
    return fail(ErrorCode::invalid_name, fmt::format(": only instances can have {}", what));
  };
  if (name.implements) {
    SEDGE_TRY(need(Feature::cm_implements, "the attribute implements"));
    SEDGE_TRY(instances_only("an `implements`"));
    if (parsed.kind != ParsedName::Kind::label)
      return fail(ErrorCode::invalid_name,
                  fmt::format(": name `{}` is not valid with `implements`", name.name));
    auto of = parse_extern_name(*name.implements, features_);
    if (!of) {
      return fail(ErrorCode::invalid_name,
                  fmt::format(": `{}` is not a valid name: implements must be an interface ({})",
                              *name.implements, of.error().message()));
    }
    if (of->kind != ParsedName::Kind::interface)
      return fail(ErrorCode::invalid_name,
                  fmt::format(": `{}` must be an interface", *name.implements));
  }
  if (name.external_id) SEDGE_TRY(need(Feature::cm_implements, "the attribute external-id"));
  if (name.version_suffix) {
    SEDGE_TRY(need(Feature::cm_canon_names, "the attribute versionsuffix"));
    SEDGE_TRY(instances_only("a `versionsuffix`"));
    std::string version = fmt::format("{}{}", parsed.version, *name.version_suffix);
    if (!is_canonical_version(parsed.version) || !check_semver(version))
      return fail(ErrorCode::invalid_name,
                  fmt::format(": invalid interface version `{}`", version));
  }
  return {};
}

Result<void> Validator::check_name(const ExternList& list, bool is_import, const ExternName& name,
                                   const Entity& entity) {
  SEDGE_TRY_ASSIGN(ParsedName parsed, parse_extern_name(name.name, features_));
  if (!is_import && parsed.kind == ParsedName::Kind::dependency)
    return fail(ErrorCode::invalid_name,
                fmt::format(": name `{}` is not a valid export name", name.name));
  SEDGE_TRY(check_attributes(name, parsed, entity));
  const char* desc = is_import ? "import" : "export";
  if (auto previous = list.by_key.find(unique_key(name.name)); previous != list.by_key.end())
    return fail(ErrorCode::duplicate_name,
                fmt::format(": {} name `{}` conflicts with previous name `{}`", desc, name.name,
                            previous->second));
  bool annotated = parsed.kind == ParsedName::Kind::constructor ||
                   parsed.kind == ParsedName::Kind::method ||
                   parsed.kind == ParsedName::Kind::static_;
  if (annotated) {
    if (auto checked = check_annotation(list, name.name, parsed, entity); !checked) {
      std::string why = checked.error().message();
      return fail(ErrorCode::invalid_name,
                  fmt::format(": {} name `{}` is not valid{}", desc, name.name,
                              why.substr(std::string_view("invalid name").size())));
    }
  }
  return {};
}

Result<void> Validator::add_extern(ExternList& list, bool is_import, const ExternName& name,
                                   const Entity& entity) {
  SEDGE_TRY(check_name(list, is_import, name, entity));
  // What is named first counts for what comes after, and for what an instance has inside.
  SEDGE_TRY(types_.work(types_.size(entity)));
  Scope& own = scope();
  if (entity.kind == ExternType::Kind::instance) name_types(list.named, entity);
  // Instance types are checked where they are used, component types here.
  if (own.kind != Scope::Kind::instance_type) {
    Visibility visible(types_, list.named, is_import ? nullptr : &own.imports.named);
    if (!visible.entity(entity))
      return fail(ErrorCode::type_visibility,
                  fmt::format(": {} not valid to be used as {}: `{}` refers to a type that is not "
                              "named there",
                              to_string(entity.kind), is_import ? "import" : "export", name.name));
  }
  if (!is_import && own.kind != Scope::Kind::instance_type &&
      entity.kind == ExternType::Kind::value && types_.has_borrow(entity.value))
    return invalid(
        fmt::format("the exported value `{}` cannot contain a `borrow` type", name.name));
  name_types(list.named, entity);
  list.by_key.emplace(unique_key(name.name), name.name);
  list.entities.add(name.name, entity);
  if (entity.kind == ExternType::Kind::type && entity.type.kind == TypeRef::Kind::resource) {
    list.resource_labels.emplace(types_.resource_of(entity.type.id), name.name);
    list.labels.insert(name.name);
  }
  if (list.entities.size() > kMaxItems)
    return fail(ErrorCode::limit_exceeded, fmt::format(": more than {} names", kMaxItems));
  push(entity);
  return {};
}

Result<void> Validator::import(const Import& item) {
  SEDGE_TRY_ASSIGN(Entity entity, extern_type(item.type));
  SEDGE_TRY_ASSIGN(entity, freshen(entity, item.type, true, item.name.name));
  return add_extern(scope().imports, true, item.name, entity);
}

Result<void> Validator::export_(const Export& item) {
  Scope& own = scope();
  if (!item.item) {  // a declarator
    SEDGE_TRY_ASSIGN(Entity entity, extern_type(*item.type));
    SEDGE_TRY_ASSIGN(entity, freshen(entity, *item.type, false, item.name.name));
    return add_extern(own.exports, false, item.name, entity);
  }
  SEDGE_TRY_ASSIGN(Entity entity, entity_at(*item.item));
  if (item.type) {
    SEDGE_TRY_ASSIGN(Entity ascribed, extern_type(*item.type));
    if (ascribed.kind == ExternType::Kind::type && entity.kind == ExternType::Kind::type &&
        item.type->type.kind == TypeBound::Kind::sub_resource) {
      // (sub resource) hides which resource it is.
      if (entity.type.kind != TypeRef::Kind::resource)
        return fail(ErrorCode::type_mismatch,
                    fmt::format(": ascribed type of export is not compatible with item's type: "
                                "expected resource, found {}",
                                component::to_string(entity.type.kind)));
    } else if (auto fits = subtyping_.entity(entity, ascribed); !fits) {
      return fail(
          placed(std::move(fits).error(),
                 "of an export: ascribed type of export is not compatible with item's type"));
    }
    SEDGE_TRY_ASSIGN(entity, freshen(ascribed, *item.type, false, item.name.name));
  } else if (entity.kind == ExternType::Kind::type) {
    SEDGE_TRY_ASSIGN(entity.type, types_.renamed(entity.type));
  }
  SEDGE_TRY(add_extern(own.exports, false, item.name, entity));
  // A value that was exported is used up, its new index included.
  if (entity.kind == ExternType::Kind::value) own.spaces.values.back().used = true;
  return {};
}

// Values and start functions

Result<void> Validator::start(const Start& item) {
  SEDGE_TRY(need(Feature::cm_values, "a start function"));
  Scope& own = scope();
  if (own.has_start)
    return fail(ErrorCode::malformed_component,
                ": component cannot have more than one start function");
  own.has_start = true;
  SEDGE_TRY_ASSIGN(const uint32_t* id, at(own.spaces.funcs, item.func, Sort::func));
  const FuncType& func = types_.func(*id).type;
  if (item.arguments.size() != func.params.size())
    return invalid(fmt::format("component start function requires {} arguments but was given {}",
                               func.params.size(), item.arguments.size()));
  for (size_t i = 0; i < item.arguments.size(); ++i) {
    SEDGE_TRY(use_value(item.arguments[i]));
    ValType type = own.spaces.values[item.arguments[i]].type;
    if (auto fits = subtyping_.value(type, func.params[i].type); !fits) {
      return fail(placed(std::move(fits).error(),
                         fmt::format("for component start function argument {}", i)));
    }
  }
  if (item.results != (func.result ? 1u : 0u))
    return invalid(
        fmt::format("component start function has a result count of {} but the function "
                    "type has {}",
                    item.results, func.result ? 1 : 0));
  if (func.result) own.spaces.values.push_back({*func.result, false, next_value_++});
  return {};
}

Result<void> Validator::value(const Value& item) {
  SEDGE_TRY(need(Feature::cm_values, "a value"));
  SEDGE_TRY_ASSIGN(ValType type, val_type(item.type));
  if (on_constant_) SEDGE_TRY(on_constant_(types_, type, item));
  Reader reader(item.encoding);
  SEDGE_TRY(read_constant(types_, type, reader, &types_, nullptr));
  if (!reader.at_end()) return invalid("bytes left over behind a value");
  scope().spaces.values.push_back({type, false, next_value_++, &item});
  return {};
}

}  // namespace sedge::component
