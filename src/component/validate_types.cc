// Component types: value types, functions, resources, component and instance types, and what an
// import or export asks for. Specification: Explainer.md, "Type Definitions"; notes of Binary.md.
#include <algorithm>

#include <fmt/format.h>

#include "component/validator.h"

namespace sedge::component {

Result<TypeRef> Validator::type_at(uint32_t index) {
  SEDGE_TRY_ASSIGN(const TypeRef* type, at(scope().spaces.types, index, Sort::type));
  return *type;
}

Result<ValType> Validator::val_type(ValType type) {
  if (type.is_prim()) {
    if (type.prim() == PrimType::error_context)
      SEDGE_TRY(need(Feature::cm_error_context, "the error-context type"));
    return type;
  }
  SEDGE_TRY_ASSIGN(TypeRef to, type_at(type.index()));
  if (to.kind != TypeRef::Kind::defined)
    return fail(ErrorCode::wrong_sort,
                fmt::format(": type index {} is not a defined type", type.index()));
  if (const auto* prim = std::get_if<PrimType>(&types_.defined(to.id).type)) return ValType(*prim);
  return ValType::index(to.id);
}

Result<std::optional<ValType>> Validator::val_type(const std::optional<ValType>& type) {
  if (!type) return std::optional<ValType>();
  SEDGE_TRY_ASSIGN(ValType out, val_type(*type));
  return std::optional(out);
}

Result<uint32_t> Validator::resource_name(uint32_t type_index) {
  SEDGE_TRY_ASSIGN(TypeRef type, type_at(type_index));
  if (type.kind != TypeRef::Kind::resource)
    return fail(ErrorCode::wrong_sort,
                fmt::format(": type index {} is not a resource type", type_index));
  return type.id;
}

/// Kebab case, not empty, strongly unique.
Result<void> Validator::check_labels(std::string_view what, std::string_view short_what,
                                     const std::vector<std::string_view>& names) {
  std::unordered_map<std::string, std::string_view> seen;
  for (std::string_view name : names) {
    if (name.empty())
      return fail(ErrorCode::invalid_name, fmt::format(": {} name cannot be empty", what));
    if (!is_kebab(name))
      return fail(ErrorCode::invalid_name,
                  fmt::format(": {} name `{}` is not in kebab case", what, name));
    auto [previous, is_new] = seen.emplace(unique_key(name), name);
    if (!is_new)
      return fail(ErrorCode::duplicate_name,
                  fmt::format(": {} name `{}` conflicts with previous {} name `{}`", what, name,
                              short_what, previous->second));
  }
  return {};
}

namespace {

bool is_key(ValType type) {
  if (!type.is_prim()) return false;
  return type.prim() != PrimType::f32 && type.prim() != PrimType::f64 &&
         type.prim() != PrimType::error_context;
}

std::vector<std::string_view> names_of(const auto& list) {
  std::vector<std::string_view> out;
  out.reserve(list.size());
  for (const auto& item : list) out.push_back(item.name);
  return out;
}

}  // namespace

Result<TypeRef> Validator::defined_type(const Type& type) {
  Defined out;
  auto resolve = [&]() -> Result<void> {
    return std::visit(
        [&](const auto& t) -> Result<void> {
          using T = std::remove_cvref_t<decltype(t)>;
          if constexpr (std::is_same_v<T, PrimType>) {
            SEDGE_TRY(val_type(ValType(t)));
            out.type = t;
          } else if constexpr (std::is_same_v<T, Record>) {
            if (t.fields.empty()) return invalid("record type must have at least one field");
            SEDGE_TRY(check_labels("record field", "field", names_of(t.fields)));
            Record record = t;
            for (Field& field : record.fields) {
              SEDGE_TRY_ASSIGN(field.type, val_type(field.type));
            }
            out.type = std::move(record);
          } else if constexpr (std::is_same_v<T, Variant>) {
            if (t.cases.empty()) return invalid("variant type must have at least one case");
            SEDGE_TRY(check_labels("variant case", "case", names_of(t.cases)));
            Variant variant = t;
            for (Case& next : variant.cases) {
              SEDGE_TRY_ASSIGN(next.type, val_type(next.type));
            }
            out.type = std::move(variant);
          } else if constexpr (std::is_same_v<T, List>) {
            SEDGE_TRY_ASSIGN(ValType element, val_type(t.element));
            out.type = List{element};
          } else if constexpr (std::is_same_v<T, FixedList>) {
            SEDGE_TRY(need(Feature::cm_fixed_length_lists, "a list of fixed length"));
            SEDGE_TRY_ASSIGN(ValType element, val_type(t.element));
            if (t.length == 0)
              return invalid("Fixed-length lists must have more than zero elements");
            if (t.length > kMaxFixedListLength)
              return invalid(fmt::format("fixed-length list element count exceeds limit of {}",
                                         kMaxFixedListLength));
            out.type = FixedList{element, t.length};
          } else if constexpr (std::is_same_v<T, Tuple>) {
            if (t.types.empty()) return invalid("tuple type must have at least one type");
            Tuple tuple = t;
            for (ValType& part : tuple.types) {
              SEDGE_TRY_ASSIGN(part, val_type(part));
            }
            out.type = std::move(tuple);
          } else if constexpr (std::is_same_v<T, Flags>) {
            if (t.names.empty()) return invalid("flags must have at least one entry");
            if (t.names.size() > 32) return invalid("cannot have more than 32 flags");
            SEDGE_TRY(check_labels("flag", "flag", t.names));
            out.type = t;
          } else if constexpr (std::is_same_v<T, Enum>) {
            if (t.names.empty()) return invalid("enum type must have at least one variant");
            SEDGE_TRY(check_labels("enum tag", "tag", t.names));
            out.type = t;
          } else if constexpr (std::is_same_v<T, Option>) {
            SEDGE_TRY_ASSIGN(ValType inner, val_type(t.type));
            out.type = Option{inner};
          } else if constexpr (std::is_same_v<T, ResultType>) {
            ResultType result;
            SEDGE_TRY_ASSIGN(result.ok, val_type(t.ok));
            SEDGE_TRY_ASSIGN(result.error, val_type(t.error));
            out.type = result;
          } else if constexpr (std::is_same_v<T, Own> || std::is_same_v<T, Borrow>) {
            SEDGE_TRY_ASSIGN(uint32_t name, resource_name(t.resource));
            out.type = T{name};
          } else if constexpr (std::is_same_v<T, Stream> || std::is_same_v<T, Future>) {
            constexpr bool kStream = std::is_same_v<T, Stream>;
            SEDGE_TRY(need(Feature::cm_async, kStream ? "a stream type" : "a future type"));
            SEDGE_TRY_ASSIGN(std::optional<ValType> element, val_type(t.element));
            if (element && types_.has_borrow(*element))
              return invalid(fmt::format("`{}` cannot contain a `borrow` type",
                                         kStream ? "stream" : "future"));
            if (kStream && element && *element == ValType(PrimType::char_))
              return invalid(
                  "`stream<char>` is not valid at this time, use `stream<u8>` with a "
                  "defined by encoding instead for now");
            out.type = T{element};
          } else if constexpr (std::is_same_v<T, Map>) {
            SEDGE_TRY(need(Feature::cm_map, "a map type"));
            SEDGE_TRY_ASSIGN(ValType key, val_type(t.key));
            SEDGE_TRY_ASSIGN(ValType mapped, val_type(t.value));
            if (!is_key(key))
              return invalid(fmt::format("invalid map key type: `{}` cannot be the key of a map",
                                         describe(types_, key)));
            SEDGE_TRY_ASSIGN(out.entry, types_.add_map_entry(Tuple{{key, mapped}}));
            out.type = Map{key, mapped};
          }
          return {};
        },
        type.type);
  }();
  SEDGE_TRY(std::move(resolve));
  SEDGE_TRY_ASSIGN(uint32_t id, types_.add(std::move(out)));
  return TypeRef{TypeRef::Kind::defined, id};
}

Result<FuncType> Validator::func_type(const FuncType& type) {
  if (type.async_) SEDGE_TRY(need(Feature::cm_async, "an async function type"));
  SEDGE_TRY(check_labels("function parameter", "parameter", names_of(type.params)));
  FuncType out = type;
  for (Field& param : out.params) {
    SEDGE_TRY_ASSIGN(param.type, val_type(param.type));
  }
  SEDGE_TRY_ASSIGN(out.result, val_type(out.result));
  if (out.result && types_.has_borrow(*out.result))
    return invalid("function result cannot contain a `borrow` type");
  return out;
}

Result<TypeRef> Validator::resource_type(const ResourceType& type) {
  Scope& own = scope();
  if (own.kind != Scope::Kind::component)
    return fail(ErrorCode::resource_misuse,
                ": resources can only be defined within a concrete component");
  bool is64 = type.rep == sedge::ValType(sedge::ValType::i64);
  if (!is64 && type.rep != sedge::ValType(sedge::ValType::i32))
    return fail(ErrorCode::resource_misuse,
                ": resources can only be represented by `i32` or `i64`");
  if (is64 && !features_.has(Feature::cm_memory64))
    return fail(ErrorCode::feature_disabled,
                ": resources with `i64` require the `cm64` feature to be enabled");
  if (type.destructor) {
    SEDGE_TRY(at(own.spaces.core_funcs, *type.destructor, Sort::core_func));
    sedge::FuncType wanted;
    wanted.params = {type.rep};
    if (core_signature(*type.destructor) != wanted)
      return fail(
          ErrorCode::resource_misuse,
          fmt::format(": core function {} has wrong signature for a destructor", *type.destructor));
  }
  ResourceId id = types_.new_resource();
  own.defined.insert(id);
  own.defined_order.push_back(id);
  own.spaces.local_resources.emplace(id, LocalResource{type.rep, type.destructor});
  return TypeRef{TypeRef::Kind::resource, types_.name_resource(id)};
}

Result<uint32_t> Validator::component_type(const ComponentType& type) {
  scopes_.push_back(std::make_unique<Scope>());
  scope().kind = Scope::Kind::component_type;
  for (const Definition& declarator : type.declarators) {
    if (auto done = definition(declarator); !done)
      return fail(std::move(done).error().at(Location::at(declarator.offset)));
  }
  SEDGE_TRY_ASSIGN(uint32_t id, finish_component(scope()));
  scopes_.pop_back();
  return id;
}

Result<uint32_t> Validator::instance_type(const InstanceType& type) {
  scopes_.push_back(std::make_unique<Scope>());
  scope().kind = Scope::Kind::instance_type;
  for (const Definition& declarator : type.declarators) {
    if (auto done = definition(declarator); !done)
      return fail(std::move(done).error().at(Location::at(declarator.offset)));
  }
  Scope& own = scope();
  SEDGE_TRY_ASSIGN(uint32_t component, finish_component(own));
  InstanceSig sig;
  sig.exports = types_.component(component).exports;
  sig.defined = types_.component(component).defined;
  scopes_.pop_back();
  return types_.add(std::move(sig));
}

Result<void> Validator::type(const Type& item) {
  auto resolve = [&]() -> Result<TypeRef> {
    TypeRef out;
    if (const auto* func = std::get_if<FuncType>(&item.type)) {
      SEDGE_TRY_ASSIGN(FuncType resolved, func_type(*func));
      out.kind = TypeRef::Kind::func;
      SEDGE_TRY_ASSIGN(out.id, types_.add(std::move(resolved)));
      return out;
    }
    if (const auto* component = std::get_if<ComponentType>(&item.type)) {
      out.kind = TypeRef::Kind::component;
      SEDGE_TRY_ASSIGN(out.id, component_type(*component));
      return out;
    }
    if (const auto* instance = std::get_if<InstanceType>(&item.type)) {
      out.kind = TypeRef::Kind::instance;
      SEDGE_TRY_ASSIGN(out.id, instance_type(*instance));
      return out;
    }
    if (const auto* resource = std::get_if<ResourceType>(&item.type))
      return resource_type(*resource);
    return defined_type(item);
  }();
  if (!resolve) return std::unexpected(std::move(resolve).error());
  scope().spaces.types.push_back(*resolve);
  return {};
}

Result<uint32_t> Validator::func_at(uint32_t index) {
  SEDGE_TRY_ASSIGN(TypeRef type, type_at(index));
  if (type.kind != TypeRef::Kind::func)
    return fail(ErrorCode::wrong_sort,
                fmt::format(": type index {} is not a function type", index));
  return type.id;
}

Result<Entity> Validator::extern_type(const ExternType& type) {
  const IndexSpaces& spaces = scope().spaces;
  Entity out;
  out.kind = type.kind;
  switch (type.kind) {
    case ExternType::Kind::module: {
      SEDGE_TRY_ASSIGN(const IndexSpaces::CoreTypeEntry* entry,
                       at(spaces.core_types, type.index, Sort::core_type));
      if (!entry->is_module)
        return fail(ErrorCode::wrong_sort,
                    fmt::format(": core type index {} is not a module type", type.index));
      out.id = entry->id;
      return out;
    }
    case ExternType::Kind::func: {
      SEDGE_TRY_ASSIGN(out.id, func_at(type.index));
      return out;
    }
    case ExternType::Kind::value: {
      SEDGE_TRY(need(Feature::cm_values, "a value"));
      if (const auto* index = std::get_if<uint32_t>(&type.value.bound)) {
        SEDGE_TRY_ASSIGN(const IndexSpaces::ValueEntry* entry,
                         at(spaces.values, *index, Sort::value));
        out.value = entry->type;
        out.id = entry->id;
        return out;
      }
      out.id = next_value_++;
      SEDGE_TRY_ASSIGN(out.value, val_type(std::get<ValType>(type.value.bound)));
      return out;
    }
    case ExternType::Kind::type: {
      if (type.type.kind == TypeBound::Kind::eq) {
        SEDGE_TRY_ASSIGN(out.type, type_at(type.type.index));
        SEDGE_TRY_ASSIGN(out.type, types_.renamed(out.type));
        return out;
      }
      ResourceId id = types_.new_resource();
      out.type = {TypeRef::Kind::resource, types_.name_resource(id)};
      return out;
    }
    case ExternType::Kind::component: {
      SEDGE_TRY_ASSIGN(TypeRef to, type_at(type.index));
      if (to.kind != TypeRef::Kind::component)
        return fail(ErrorCode::wrong_sort,
                    fmt::format(": type index {} is not a component type", type.index));
      out.id = to.id;
      return out;
    }
    case ExternType::Kind::instance: {
      SEDGE_TRY_ASSIGN(TypeRef to, type_at(type.index));
      if (to.kind != TypeRef::Kind::instance)
        return fail(ErrorCode::wrong_sort,
                    fmt::format(": type index {} is not an instance type", type.index));
      out.id = to.id;
      return out;
    }
  }
  return out;
}

Result<Entity> Validator::freshen(const Entity& entity, const ExternType& type, bool is_import,
                                  std::string_view name) {
  bool is_new_resource =
      type.kind == ExternType::Kind::type && type.type.kind == TypeBound::Kind::sub_resource;
  Scope& own = scope();
  Entity out = entity;
  auto introduce = [&](ResourceId id, ResourcePath path) {
    if (is_import) {
      own.imported.push_back({id, std::move(path)});
    } else if (own.defined.insert(id).second) {
      own.defined_order.push_back(id);
    }
  };
  if (entity.kind == ExternType::Kind::type && entity.type.kind == TypeRef::Kind::resource) {
    if (is_new_resource) introduce(types_.resource_of(entity.type.id), {name});
    return out;
  }
  if (entity.kind != ExternType::Kind::instance) return out;
  const InstanceSig& sig = types_.instance(entity.id);
  if (sig.defined.empty()) return out;
  Renaming renaming;
  for (const ResourceAt& at : sig.defined) {
    ResourceId id = types_.new_resource();
    renaming.resources.emplace(at.id, id);
    ResourcePath path{name};
    path.insert(path.end(), at.path.begin(), at.path.end());
    introduce(id, std::move(path));
  }
  SEDGE_TRY_ASSIGN(uint32_t renamed, types_.rename_instance(entity.id, renaming));
  InstanceSig actual = types_.instance(renamed);
  actual.defined.clear();
  SEDGE_TRY_ASSIGN(out.id, types_.add(std::move(actual)));
  return out;
}

}  // namespace sedge::component
