// One function for each kind of type; mismatches are put together from the inside out. Types that
// are compared with others of another scope have their resources identified first, by path.
#include "component/subtype.h"

#include <algorithm>

#include <fmt/format.h>

namespace sedge::component {
namespace {

std::unexpected<Error> mismatch(std::string text) {
  return fail(ErrorCode::type_mismatch, ": " + std::move(text));
}

Result<void> within(Result<void> result, std::string_view place) {
  if (result) return result;
  return fail(placed(std::move(result).error(), place));
}

std::string_view kind_name(const Defined& type) {
  return std::visit(
      [](const auto& t) -> std::string_view {
        using T = std::remove_cvref_t<decltype(t)>;
        if constexpr (std::is_same_v<T, PrimType>) return to_string(t);
        if constexpr (std::is_same_v<T, Record>) return "record";
        if constexpr (std::is_same_v<T, Variant>) return "variant";
        if constexpr (std::is_same_v<T, List>) return "list";
        if constexpr (std::is_same_v<T, FixedList>) return "fixed-length list";
        if constexpr (std::is_same_v<T, Tuple>) return "tuple";
        if constexpr (std::is_same_v<T, Flags>) return "flags";
        if constexpr (std::is_same_v<T, Enum>) return "enum";
        if constexpr (std::is_same_v<T, Option>) return "option";
        if constexpr (std::is_same_v<T, ResultType>) return "result";
        if constexpr (std::is_same_v<T, Own>) return "own";
        if constexpr (std::is_same_v<T, Borrow>) return "borrow";
        if constexpr (std::is_same_v<T, Stream>) return "stream";
        if constexpr (std::is_same_v<T, Future>) return "future";
        if constexpr (std::is_same_v<T, Map>) return "map";
      },
      type.type);
}

std::string core_val(const Types& types, sedge::ValType type);

std::string core_sub(const Types& types, const wasm::SubType& sub) {
  std::string out;
  if (sub.kind == wasm::SubType::Kind::func) {
    out = "(func";
    auto list = [&](const char* word, const std::vector<sedge::ValType>& values) {
      if (values.empty()) return;
      out += fmt::format(" ({}", word);
      for (sedge::ValType value : values) out += " " + core_val(types, value);
      out += ")";
    };
    list("param", sub.func.params);
    list("result", sub.func.results);
    return out + ")";
  }
  out = sub.kind == wasm::SubType::Kind::array ? "(array" : "(struct";
  for (const FieldType& field : sub.fields)
    out += fmt::format(" {}{}{}", field.mutable_ ? "(mut " : "", core_val(types, field.storage),
                       field.mutable_ ? ")" : "");
  return out + ")";
}

std::string core_val(const Types&, sedge::ValType type) { return sedge::to_string(type); }

std::string limits(const Limits& limits) {
  return limits.max ? fmt::format("{} {}", limits.min, *limits.max) : fmt::format("{}", limits.min);
}

/// Both names with a byte between them that no name has to have alone.
std::string import_key(const ModuleSig::ImportItem& item) {
  return fmt::format("{}:{}{}", item.module.size(), item.module, item.name);
}

bool limits_match(const Limits& found, const Limits& expected) {
  return found.min >= expected.min && (!expected.max || (found.max && *found.max <= *expected.max));
}

}  // namespace

Error placed(Error error, std::string_view place) {
  if (error.code() != ErrorCode::type_mismatch) return error;
  std::string inner = error.message();
  std::string_view rest = std::string_view(inner).substr(std::string_view("type mismatch").size());
  if (rest.starts_with(": "))
    return Error(ErrorCode::type_mismatch, fmt::format(" {}{}", place, rest));
  return Error(ErrorCode::type_mismatch, fmt::format(" {}: {}", place, inner));
}

const char* to_string(ExternType::Kind kind) {
  static constexpr const char* kNames[] = {"module", "func",      "value",
                                           "type",   "component", "instance"};
  return kNames[static_cast<size_t>(kind)];
}

std::string describe(const Types& types, ValType type) {
  if (type.is_prim()) return to_string(type.prim());
  return std::string(kind_name(types.defined(type.index())));
}

std::string describe(const Types& types, const CoreEntity& entity) {
  switch (entity.kind) {
    case ExternKind::func:
    case ExternKind::tag: {
      std::string func = core_sub(types, types.registry().get(entity.type_index).type);
      return entity.kind == ExternKind::func ? func : "(tag " + func.substr(1);
    }
    case ExternKind::table:
      return fmt::format("(table {}{} {})", entity.table.is64 ? "i64 " : "",
                         limits(entity.table.limits), core_val(types, entity.table.element));
    case ExternKind::memory:
      return fmt::format("(memory {}{}{})", entity.memory.is64 ? "i64 " : "",
                         limits(entity.memory.limits), entity.memory.shared ? " shared" : "");
    case ExternKind::global:
      return entity.global.mutable_
                 ? fmt::format("(global (mut {}))", core_val(types, entity.global.value))
                 : fmt::format("(global {})", core_val(types, entity.global.value));
  }
  return {};
}

const Entity* find_path(const Types& types, const EntityMap& map, const ResourcePath& path) {
  const EntityMap* at = &map;
  const Entity* entity = nullptr;
  for (std::string_view name : path) {
    if (!at) return nullptr;
    entity = at->find(name);
    if (!entity) return nullptr;
    at = entity->kind == ExternType::Kind::instance ? &types.instance(entity->id).exports : nullptr;
  }
  return entity;
}

void substitute_names(const Types& types, const Entity& wanted, const Entity& given,
                      Renaming& renaming) {
  if (wanted.kind != given.kind) return;
  if (wanted.kind == ExternType::Kind::type && wanted.type.kind == given.type.kind) {
    if (wanted.type.kind == TypeRef::Kind::defined)
      renaming.defined.emplace(wanted.type.id, given.type.id);
    else if (wanted.type.kind == TypeRef::Kind::resource)
      renaming.names.emplace(wanted.type.id, given.type.id);
  }
  if (wanted.kind != ExternType::Kind::instance) return;
  const EntityMap& from = types.instance(given.id).exports;
  for (const EntityMap::Item& item : types.instance(wanted.id).exports)
    if (const Entity* other = from.find(item.name))
      substitute_names(types, item.entity, *other, renaming);
}

Result<void> Subtyping::value(ValType found, ValType expected) {
  SEDGE_TRY(types_.work(1));
  if (found == expected) return {};
  if (found.is_prim() && expected.is_prim())
    return mismatch(fmt::format("expected primitive `{}` found primitive `{}`",
                                to_string(expected.prim()), to_string(found.prim())));
  if (found.is_prim() || expected.is_prim())
    return mismatch(
        fmt::format("expected {}, found {}", describe(types_, expected), describe(types_, found)));
  return defined(found.index(), expected.index());
}

Result<void> Subtyping::resource(uint32_t found, uint32_t expected) {
  if (types_.resource_of(found) == types_.resource_of(expected)) return {};
  return mismatch("resource types are not the same");
}

Result<void> Subtyping::defined(uint32_t found_id, uint32_t expected_id) {
  const Defined& found = types_.defined(found_id);
  const Defined& expected = types_.defined(expected_id);
  if (found.type.index() != expected.type.index())
    return mismatch(fmt::format("expected {}, found {}", kind_name(expected), kind_name(found)));
  auto optional = [&](std::string_view what, const std::optional<ValType>& a,
                      const std::optional<ValType>& b) -> Result<void> {
    if (a && b) return within(value(*a, *b), fmt::format("in {} variant", what));
    if (!a && b) return mismatch(fmt::format("expected {} type, but found none", what));
    if (a) return mismatch(fmt::format("expected {} type to not be present", what));
    return {};
  };
  return std::visit(
      [&](const auto& b) -> Result<void> {
        using T = std::remove_cvref_t<decltype(b)>;
        const auto& a = std::get<T>(found.type);
        if constexpr (std::is_same_v<T, PrimType>) {
          return value(a, b);
        } else if constexpr (std::is_same_v<T, Record>) {
          if (a.fields.size() != b.fields.size())
            return mismatch(
                fmt::format("expected {} fields, found {}", b.fields.size(), a.fields.size()));
          for (size_t i = 0; i < a.fields.size(); ++i) {
            if (a.fields[i].name != b.fields[i].name)
              return mismatch(fmt::format("expected field name `{}`, found `{}`", b.fields[i].name,
                                          a.fields[i].name));
            SEDGE_TRY(within(value(a.fields[i].type, b.fields[i].type),
                             fmt::format("in record field `{}`", b.fields[i].name)));
          }
          return {};
        } else if constexpr (std::is_same_v<T, Variant>) {
          if (a.cases.size() != b.cases.size())
            return mismatch(
                fmt::format("expected {} cases, found {}", b.cases.size(), a.cases.size()));
          for (size_t i = 0; i < a.cases.size(); ++i) {
            const Case& x = a.cases[i];
            const Case& y = b.cases[i];
            if (x.name != y.name)
              return mismatch(fmt::format("expected case named `{}`, found `{}`", y.name, x.name));
            if (y.type && !x.type)
              return mismatch(fmt::format("expected case `{}` to have a type, found none", y.name));
            if (x.type && !y.type)
              return mismatch(fmt::format("expected case `{}` to have no type", y.name));
            if (x.type)
              SEDGE_TRY(
                  within(value(*x.type, *y.type), fmt::format("in variant case `{}`", y.name)));
          }
          return {};
        } else if constexpr (std::is_same_v<T, Tuple>) {
          if (a.types.size() != b.types.size())
            return mismatch(
                fmt::format("expected {} types, found {}", b.types.size(), a.types.size()));
          for (size_t i = 0; i < a.types.size(); ++i)
            SEDGE_TRY(within(value(a.types[i], b.types[i]), fmt::format("in tuple field {}", i)));
          return {};
        } else if constexpr (std::is_same_v<T, Flags> || std::is_same_v<T, Enum>) {
          if (a.names != b.names)
            return mismatch(fmt::format("mismatch in {} elements", kind_name(expected)));
          return {};
        } else if constexpr (std::is_same_v<T, List>) {
          return value(a.element, b.element);
        } else if constexpr (std::is_same_v<T, FixedList>) {
          if (a.length != b.length)
            return mismatch(fmt::format("expected fixed-length list of length {}, found {}",
                                        b.length, a.length));
          return value(a.element, b.element);
        } else if constexpr (std::is_same_v<T, Option>) {
          return value(a.type, b.type);
        } else if constexpr (std::is_same_v<T, ResultType>) {
          SEDGE_TRY(optional("ok", a.ok, b.ok));
          return optional("err", a.error, b.error);
        } else if constexpr (std::is_same_v<T, Own> || std::is_same_v<T, Borrow>) {
          return resource(a.resource, b.resource);
        } else if constexpr (std::is_same_v<T, Map>) {
          SEDGE_TRY(within(value(a.key, b.key), "in map key"));
          return within(value(a.value, b.value), "in map value");
        } else {
          return optional(kind_name(expected), a.element, b.element);
        }
      },
      expected.type);
}

Result<void> Subtyping::func(uint32_t found_id, uint32_t expected_id) {
  SEDGE_TRY(types_.work(1));
  if (found_id == expected_id) return {};
  const FuncType& found = types_.func(found_id).type;
  const FuncType& expected = types_.func(expected_id).type;
  if (found.async_ != expected.async_)
    return mismatch(fmt::format("expected {} function, found {} function",
                                expected.async_ ? "async" : "sync",
                                found.async_ ? "async" : "sync"));
  if (found.params.size() != expected.params.size())
    return mismatch(fmt::format("expected {} parameters, found {}", expected.params.size(),
                                found.params.size()));
  for (size_t i = 0; i < found.params.size(); ++i) {
    const Field& a = found.params[i];
    const Field& b = expected.params[i];
    if (a.name != b.name)
      return mismatch(fmt::format("expected parameter named `{}`, found `{}`", b.name, a.name));
    SEDGE_TRY(within(value(a.type, b.type), fmt::format("in function parameter `{}`", b.name)));
  }
  if (expected.result && !found.result) return mismatch("expected a result, found none");
  if (found.result && !expected.result) return mismatch("expected no result, found one");
  if (found.result) return within(value(*found.result, *expected.result), "with result type");
  return {};
}

Result<void> Subtyping::type(TypeRef found, TypeRef expected) {
  if (found.kind != expected.kind)
    return mismatch(fmt::format("expected {}, found {}", component::to_string(expected.kind),
                                component::to_string(found.kind)));
  switch (expected.kind) {
    case TypeRef::Kind::resource:
      return resource(found.id, expected.id);
    case TypeRef::Kind::defined: {
      bool expected_prim = std::holds_alternative<PrimType>(types_.defined(expected.id).type);
      bool found_prim = std::holds_alternative<PrimType>(types_.defined(found.id).type);
      if (expected_prim && !found_prim)
        return mismatch(
            fmt::format("expected primitive, found {}", kind_name(types_.defined(found.id))));
      return defined(found.id, expected.id);
    }
    // Other types stand for themselves, so that each has to be a subtype of the other.
    case TypeRef::Kind::func:
      return func(found.id, expected.id);
    case TypeRef::Kind::component:
      SEDGE_TRY(component(found.id, expected.id));
      return component(expected.id, found.id);
    case TypeRef::Kind::instance:
      SEDGE_TRY(instance(found.id, expected.id));
      return instance(expected.id, found.id);
  }
  return {};
}

Result<void> Subtyping::entity(const Entity& found, const Entity& expected) {
  if (found.kind != expected.kind)
    return mismatch(fmt::format("expected {}, found {}", component::to_string(expected.kind),
                                component::to_string(found.kind)));
  switch (expected.kind) {
    case ExternType::Kind::module:
      return module(found.id, expected.id);
    case ExternType::Kind::func:
      return func(found.id, expected.id);
    case ExternType::Kind::value:
      return value(found.value, expected.value);
    case ExternType::Kind::type:
      return type(found.type, expected.type);
    case ExternType::Kind::component:
      return component(found.id, expected.id);
    case ExternType::Kind::instance:
      return instance(found.id, expected.id);
  }
  return {};
}

Result<void> Subtyping::instance(uint32_t found_id, uint32_t expected_id) {
  if (found_id == expected_id) return {};
  SEDGE_TRY(types_.work(1 + types_.instance(expected_id).exports.size()));
  // What the expected type introduces is whatever the found instance has in its place.
  const InstanceSig& found = types_.instance(found_id);
  Renaming renaming;
  for (const ResourceAt& at : types_.instance(expected_id).defined) {
    const Entity* entity = find_path(types_, found.exports, at.path);
    if (entity && entity->kind == ExternType::Kind::type &&
        entity->type.kind == TypeRef::Kind::resource)
      renaming.resources.emplace(at.id, types_.resource_of(entity->type.id));
  }
  SEDGE_TRY_ASSIGN(uint32_t opened, types_.rename_instance(expected_id, renaming));
  for (const EntityMap::Item& item : types_.instance(opened).exports) {
    const Entity* entity_found = found.exports.find(item.name);
    if (!entity_found) return mismatch(fmt::format("missing expected export `{}`", item.name));
    SEDGE_TRY(within(entity(*entity_found, item.entity),
                     fmt::format("in instance export `{}`", item.name)));
  }
  return {};
}

Result<void> Subtyping::component(uint32_t found_id, uint32_t expected_id) {
  if (found_id == expected_id) return {};
  const ComponentSig& expected = types_.component(expected_id);
  SEDGE_TRY(types_.work(1 + expected.exports.size() + expected.imports.size()));
  // Whoever uses the expected type supplies its imports: they are what the found component gets.
  Renaming imports;
  for (const ResourceAt& at : types_.component(found_id).imported) {
    const Entity* entity_given = find_path(types_, expected.imports, at.path);
    if (entity_given && entity_given->kind == ExternType::Kind::type &&
        entity_given->type.kind == TypeRef::Kind::resource)
      imports.resources.emplace(at.id, types_.resource_of(entity_given->type.id));
  }
  for (const EntityMap::Item& item : types_.component(found_id).imports) {
    const Entity* given = expected.imports.find(item.name);
    if (!given) return mismatch(fmt::format("missing expected import `{}`", item.name));
    SEDGE_TRY_ASSIGN(Entity wanted, types_.rename(item.entity, imports));
    SEDGE_TRY(within(entity(*given, wanted), fmt::format("in import `{}`", item.name)));
  }
  // In turn, what the found component makes stands for what the expected one says that it makes.
  EntityMap exports;
  for (const EntityMap::Item& item : types_.component(found_id).exports) {
    SEDGE_TRY_ASSIGN(Entity renamed, types_.rename(item.entity, imports));
    exports.add(item.name, renamed);
  }
  Renaming made;
  for (const ResourceAt& at : expected.defined) {
    const Entity* entity_made = find_path(types_, exports, at.path);
    if (entity_made && entity_made->kind == ExternType::Kind::type &&
        entity_made->type.kind == TypeRef::Kind::resource)
      made.resources.emplace(at.id, types_.resource_of(entity_made->type.id));
  }
  for (const EntityMap::Item& item : expected.exports) {
    const Entity* entity_found = exports.find(item.name);
    if (!entity_found) return mismatch(fmt::format("missing expected export `{}`", item.name));
    SEDGE_TRY_ASSIGN(Entity wanted, types_.rename(item.entity, made));
    SEDGE_TRY(within(entity(*entity_found, wanted), fmt::format("in export `{}`", item.name)));
  }
  return {};
}

Result<void> Subtyping::module(uint32_t found_id, uint32_t expected_id) {
  if (found_id == expected_id) return {};
  const ModuleSig& found = types_.module(found_id);
  const ModuleSig& expected = types_.module(expected_id);
  SEDGE_TRY(types_.work(found.size + expected.size));
  std::unordered_map<std::string, const CoreEntity*> given;
  for (const ModuleSig::ImportItem& item : expected.imports)
    given.emplace(import_key(item), &item.type);
  for (const ModuleSig::ImportItem& item : found.imports) {
    auto at = given.find(import_key(item));
    if (at == given.end())
      return mismatch(fmt::format("missing expected import `{}::{}`", item.module, item.name));
    SEDGE_TRY(within(core(*at->second, item.type),
                     fmt::format("in import `{}::{}`", item.module, item.name)));
  }
  for (const ModuleSig::ExportItem& item : expected.exports) {
    const CoreEntity* entity_found = found.find_export(item.name);
    if (!entity_found) return mismatch(fmt::format("missing expected export `{}`", item.name));
    SEDGE_TRY(within(core(*entity_found, item.type), fmt::format("in export `{}`", item.name)));
  }
  return {};
}

Result<void> Subtyping::core(const CoreEntity& found, const CoreEntity& expected) {
  SEDGE_TRY(types_.work(1));
  if (found.kind != expected.kind)
    return mismatch(fmt::format("expected {}, found {}", sedge::to_string(expected.kind),
                                sedge::to_string(found.kind)));
  const wasm::TypeRegistry& registry = types_.registry();
  switch (expected.kind) {
    case ExternKind::func:
      if (registry.get(found.type_index).is_subtype_of(registry.get(expected.type_index)))
        return {};
      break;
    case ExternKind::tag:
      if (found.type_index == expected.type_index) return {};
      break;
    case ExternKind::table:
      if (found.table.is64 != expected.table.is64)
        return mismatch("mismatch in index type used for tables");
      if (found.table.element != expected.table.element)
        return mismatch(fmt::format("expected table element type {}, found {}",
                                    sedge::to_string(expected.table.element),
                                    sedge::to_string(found.table.element)));
      if (limits_match(found.table.limits, expected.table.limits)) return {};
      return mismatch("mismatch in table limits");
    case ExternKind::memory:
      if (found.memory.shared != expected.memory.shared)
        return mismatch("mismatch in the shared flag for memories");
      if (found.memory.is64 != expected.memory.is64)
        return mismatch("mismatch in index type used for memories");
      if (found.memory.page_size_log2 != expected.memory.page_size_log2)
        return mismatch("mismatch in page size for memories");
      if (limits_match(found.memory.limits, expected.memory.limits)) return {};
      return mismatch("mismatch in memory limits");
    case ExternKind::global: {
      if (found.global.mutable_ != expected.global.mutable_)
        return mismatch("global types differ in mutability");
      bool matches = found.global.mutable_
                         ? found.global.value == expected.global.value
                         : found.global.value == expected.global.value ||
                               registry.matches(found.global.value, expected.global.value);
      if (matches) return {};
      return mismatch(fmt::format("expected global type {}, found {}",
                                  sedge::to_string(expected.global.value),
                                  sedge::to_string(found.global.value)));
    }
  }
  return mismatch(fmt::format("expected: {}\nfound:    {}", describe(types_, expected),
                              describe(types_, found)));
}

}  // namespace sedge::component
