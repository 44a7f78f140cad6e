// Scopes are nested as component and instance types are; a type of an outer scope is aliased one
// scope at a time. A type that has a name keeps it: what one interface uses of another is aliased
// from the instance that has it, so that the printed WIT is that of the parts.
#include "compose/type_writer.h"

#include <fmt/format.h>

#include "component/subtype.h"

namespace sedge::compose {

using component::Entity;
using component::ExternType;
using component::Sort;
using component::TypeRef;
using componentize::Builder;
using Kind = component::ExternType::Kind;

size_t TypeWriter::add_import(std::string_view name, std::vector<Entity> entities) {
  size_t import = imports_.size();
  for (const Entity& entity : entities) own_types(entity, import);
  imports_.push_back({name, std::move(entities)});
  return import;
}

void TypeWriter::own_resource(component::ResourceId id, size_t import) {
  owners_.emplace(Key{true, id}.bits(), import);
}

void TypeWriter::own_types(const Entity& entity, size_t import) {
  if (entity.kind == Kind::type && entity.type.kind == TypeRef::Kind::defined)
    owners_.emplace(Key{false, entity.type.id}.bits(), import);
  if (entity.kind == Kind::instance)
    for (const auto& item : types_.instance(entity.id).exports) own_types(item.entity, import);
}

Result<void> TypeWriter::write() {
  for (Import& import : imports_) SEDGE_TRY(write(import));
  return {};
}

Result<void> TypeWriter::write(Import& import) {
  if (import.state != Import::State::waiting) return {};
  import.state = Import::State::begun;
  SEDGE_TRY_ASSIGN(ExternType type, extern_type(root_, import.entities));
  import.index = root_.builder->import({import.name, {}, {}, {}}, type);
  bind(root_, types_, import.entities, import.index);
  std::vector<std::string_view> path;
  for (const Entity& entity : import.entities) remember(entity, import.index, path);
  import.state = Import::State::done;
  return {};
}

/// Notes which types a written instance has.
void TypeWriter::remember(const Entity& entity, uint32_t instance,
                          std::vector<std::string_view>& path) {
  if (entity.kind != Kind::instance) return;
  for (const auto& item : types_.instance(entity.id).exports) {
    path.push_back(item.name);
    if (item.entity.kind == Kind::type) {
      const TypeRef& type = item.entity.type;
      if (type.kind == TypeRef::Kind::resource)
        origins_.emplace(Key{true, types_.resource_of(type.id)}.bits(), Origin{instance, path});
      if (type.kind == TypeRef::Kind::defined)
        origins_.emplace(Key{false, type.id}.bits(), Origin{instance, path});
    }
    remember(item.entity, instance, path);
    path.pop_back();
  }
}

/// The scope's index of what `entities` are, if they are types.
void TypeWriter::bind(Scope& scope, const component::Types& types,
                      const std::vector<Entity>& entities, uint32_t index) {
  for (const Entity& entity : entities)
    if (entity.kind == Kind::type) bind(scope, types, entity.type, index);
}

void TypeWriter::bind(Scope& scope, const component::Types& types, const TypeRef& type,
                      uint32_t index) {
  if (type.kind == TypeRef::Kind::resource)
    scope.known[Key{true, types.resource_of(type.id)}.bits()] = index;
  if (type.kind == TypeRef::Kind::defined) scope.known[Key{false, type.id}.bits()] = index;
}

Result<uint32_t> TypeWriter::type(const TypeRef& type) {
  SEDGE_TRY_ASSIGN(ExternType bound, type_bound(root_, type));
  return bound.type.index;
}

Result<std::optional<uint32_t>> TypeWriter::find_in_root(Key key) {
  if (auto owner = owners_.find(key.bits()); owner != owners_.end()) {
    SEDGE_TRY(write(imports_[owner->second]));
    if (auto known = root_.known.find(key.bits()); known != root_.known.end())
      return std::optional(known->second);
  }
  auto origin = origins_.find(key.bits());
  if (origin == origins_.end()) return std::nullopt;
  uint32_t at = origin->second.instance;
  const auto& path = origin->second.path;
  for (size_t i = 0; i < path.size(); ++i)
    at =
        root_.builder->alias_export(at, path[i], i + 1 < path.size() ? Sort::instance : Sort::type);
  root_.known.emplace(key.bits(), at);
  return std::optional(at);
}

Result<std::optional<uint32_t>> TypeWriter::find(Scope& scope, Key key) {
  if (auto known = scope.known.find(key.bits()); known != scope.known.end())
    return std::optional(known->second);
  if (!scope.outer) return find_in_root(key);
  SEDGE_TRY_ASSIGN(std::optional<uint32_t> outer, find(*scope.outer, key));
  if (!outer) return std::nullopt;
  uint32_t index = scope.builder->alias_outer(1, *outer, Sort::type);
  scope.known.emplace(key.bits(), index);
  return std::optional(index);
}

/// The type, or one that it is another name of.
Result<std::optional<uint32_t>> TypeWriter::find_defined(Scope& scope, uint32_t id) {
  for (std::optional<uint32_t> at = id; at; at = types_.defined(*at).alias_of) {
    SEDGE_TRY_ASSIGN(std::optional<uint32_t> found, find(scope, {false, *at}));
    if (found) return found;
  }
  return std::nullopt;
}

Result<uint32_t> TypeWriter::resource(Scope& scope, uint32_t resource_name) {
  SEDGE_TRY_ASSIGN(std::optional<uint32_t> found,
                   find(scope, {true, types_.resource_of(resource_name)}));
  if (found) return *found;
  return fail(ErrorCode::unsupported_file, ": an import uses a resource that no import introduces");
}

Result<component::ValType> TypeWriter::value(Scope& scope, component::ValType type) {
  if (type.is_prim()) return type;
  SEDGE_TRY_ASSIGN(std::optional<uint32_t> found, find_defined(scope, type.index()));
  if (found) return component::ValType::index(*found);
  SEDGE_TRY_ASSIGN(uint32_t index, definition(scope, type.index()));
  scope.known.emplace(Key{false, type.index()}.bits(), index);
  return component::ValType::index(index);
}

Result<std::optional<component::ValType>> TypeWriter::value(
    Scope& scope, const std::optional<component::ValType>& type) {
  if (!type) return std::nullopt;
  SEDGE_TRY_ASSIGN(component::ValType out, value(scope, *type));
  return std::optional(out);
}

/// Defines a value type anew.
Result<uint32_t> TypeWriter::definition(Scope& scope, uint32_t id) {
  auto content = types_.defined(id).type;
  if (auto* own = std::get_if<component::Own>(&content)) {
    SEDGE_TRY_ASSIGN(own->resource, resource(scope, own->resource));
  } else if (auto* borrow = std::get_if<component::Borrow>(&content)) {
    SEDGE_TRY_ASSIGN(borrow->resource, resource(scope, borrow->resource));
  }
  Result<void> done;
  component::for_each_inner(content, [&](component::ValType& inner) {
    if (!done) return;
    auto written = value(scope, inner);
    if (written)
      inner = *written;
    else
      done = std::unexpected(std::move(written).error());
  });
  SEDGE_TRY(std::move(done));
  return std::visit([&](auto& type) { return scope.builder->define(std::move(type)); }, content);
}

Result<uint32_t> TypeWriter::func(Scope& scope, uint32_t id) {
  component::FuncType type = types_.func(id).type;
  for (component::Field& param : type.params) {
    SEDGE_TRY_ASSIGN(param.type, value(scope, param.type));
  }
  SEDGE_TRY_ASSIGN(type.result, value(scope, type.result));
  return scope.builder->define(std::move(type));
}

/// An instance type with the exports of all of `entities`; the first that has a name decides.
Result<uint32_t> TypeWriter::instance(Scope& scope, const std::vector<Entity>& entities) {
  Builder builder;
  Scope inner{&scope, &builder, {}};
  std::unordered_map<std::string_view, uint32_t> written;
  for (size_t i = 0; i < entities.size(); ++i)
    for (const auto& item : types_.instance(entities[i].id).exports) {
      if (auto there = written.find(item.name); there != written.end()) {
        bind(inner, types_, {item.entity}, there->second);
        continue;
      }
      std::vector<Entity> same{item.entity};
      for (size_t other = i + 1; other < entities.size(); ++other)
        if (const Entity* more = types_.instance(entities[other].id).exports.find(item.name);
            more && more->kind == item.entity.kind)
          same.push_back(*more);
      SEDGE_TRY_ASSIGN(ExternType type, extern_type(inner, same));
      uint32_t index = builder.declare_export({item.name, {}, {}, {}}, type);
      bind(inner, types_, same, index);
      written.emplace(item.name, index);
    }
  return scope.builder->define(component::InstanceType{builder.take()});
}

Result<uint32_t> TypeWriter::component_type(Scope& scope, uint32_t id) {
  Builder builder;
  Scope inner{&scope, &builder, {}};
  for (const auto& item : types_.component(id).imports) {
    SEDGE_TRY_ASSIGN(ExternType type, extern_type(inner, {item.entity}));
    bind(inner, types_, {item.entity}, builder.import({item.name, {}, {}, {}}, type));
  }
  for (const auto& item : types_.component(id).exports) {
    SEDGE_TRY_ASSIGN(ExternType type, extern_type(inner, {item.entity}));
    bind(inner, types_, {item.entity}, builder.declare_export({item.name, {}, {}, {}}, type));
  }
  return scope.builder->define(component::ComponentType{builder.take()});
}

namespace {

/// The index in a module type of a function type, defined where it is first used.
class CoreFuncs {
 public:
  CoreFuncs(const wasm::TypeRegistry& registry, component::CoreModuleType& out)
      : registry_(registry), out_(out) {}

  Result<wasm::ExternDesc> entity(component::CoreEntity entity) {
    if (entity.kind == ExternKind::table) SEDGE_TRY(check(entity.table.element));
    if (entity.kind == ExternKind::global) SEDGE_TRY(check(entity.global.value));
    if (entity.kind != ExternKind::func && entity.kind != ExternKind::tag) return entity;
    auto [at, is_new] = indices_.emplace(entity.type_index, next_);
    if (is_new) {
      const wasm::SubType& type = registry_.get(entity.type_index).type;
      for (const auto* list : {&type.func.params, &type.func.results})
        for (sedge::ValType value : *list) SEDGE_TRY(check(value));
      wasm::SubType plain;
      plain.func = type.func;
      out_.declarators.emplace_back(component::CoreRecGroup{{std::move(plain)}, false});
      ++next_;
    }
    entity.type_index = at->second;
    return entity;
  }

 private:
  static Result<void> check(sedge::ValType type) {
    if (!type.is_ref() || !type.heap().is_index()) return {};
    return fail(ErrorCode::unsupported_file,
                ": an imported core module uses a reference to a type of its own");
  }

  const wasm::TypeRegistry& registry_;
  component::CoreModuleType& out_;
  std::unordered_map<uint32_t, uint32_t> indices_;
  uint32_t next_ = 0;
};

}  // namespace

Result<uint32_t> TypeWriter::module(Scope& scope, uint32_t id) {
  const component::ModuleSig& sig = types_.module(id);
  component::CoreModuleType out;
  CoreFuncs funcs(types_.registry(), out);
  for (const auto& item : sig.imports) {
    SEDGE_TRY_ASSIGN(wasm::ExternDesc type, funcs.entity(item.type));
    component::CoreImport import;
    static_cast<wasm::ExternDesc&>(import) = type;
    import.module = item.module;
    import.name = item.name;
    out.declarators.emplace_back(import);
  }
  for (const auto& item : sig.exports) {
    SEDGE_TRY_ASSIGN(wasm::ExternDesc type, funcs.entity(item.type));
    out.declarators.emplace_back(component::CoreExport{item.name, type});
  }
  return scope.builder->core_type(component::CoreType{std::move(out)});
}

Result<ExternType> TypeWriter::type_bound(Scope& scope, const TypeRef& type) {
  switch (type.kind) {
    case TypeRef::Kind::resource: {
      SEDGE_TRY_ASSIGN(std::optional<uint32_t> found,
                       find(scope, {true, types_.resource_of(type.id)}));
      return found ? componentize::eq_type(*found) : componentize::resource_type();
    }
    case TypeRef::Kind::defined: {
      SEDGE_TRY_ASSIGN(std::optional<uint32_t> found, find_defined(scope, type.id));
      if (found) return componentize::eq_type(*found);
      SEDGE_TRY_ASSIGN(uint32_t index, definition(scope, type.id));
      return componentize::eq_type(index);
    }
    case TypeRef::Kind::func: {
      SEDGE_TRY_ASSIGN(uint32_t index, func(scope, type.id));
      return componentize::eq_type(index);
    }
    case TypeRef::Kind::component: {
      SEDGE_TRY_ASSIGN(uint32_t index, component_type(scope, type.id));
      return componentize::eq_type(index);
    }
    case TypeRef::Kind::instance: {
      Entity entity;
      entity.kind = Kind::instance;
      entity.id = type.id;
      SEDGE_TRY_ASSIGN(uint32_t index, instance(scope, {entity}));
      return componentize::eq_type(index);
    }
  }
  return componentize::resource_type();
}

Result<ExternType> TypeWriter::extern_type(Scope& scope, const std::vector<Entity>& entities) {
  const Entity& first = entities.front();
  switch (first.kind) {
    case Kind::type:
      return type_bound(scope, first.type);
    case Kind::func: {
      SEDGE_TRY_ASSIGN(uint32_t index, func(scope, first.id));
      return componentize::func_type(index);
    }
    case Kind::instance: {
      SEDGE_TRY_ASSIGN(uint32_t index, instance(scope, entities));
      return componentize::instance_type(index);
    }
    case Kind::component: {
      SEDGE_TRY_ASSIGN(uint32_t index, component_type(scope, first.id));
      return componentize::component_type(index);
    }
    case Kind::module: {
      SEDGE_TRY_ASSIGN(uint32_t index, module(scope, first.id));
      return ExternType{Kind::module, index, {}, {}};
    }
    case Kind::value: {
      SEDGE_TRY_ASSIGN(component::ValType type, value(scope, first.value));
      ExternType out;
      out.kind = Kind::value;
      out.value.bound = type;
      return out;
    }
  }
  return fail(ErrorCode::unsupported_file, ": an import of this kind");
}

}  // namespace sedge::compose
