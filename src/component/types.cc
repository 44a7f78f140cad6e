// Making resolved types: facts, limits, and copies with other resources. Layouts and flattening are
// the canonical ABI's: CanonicalABI.md, "Alignment", "Element Size", "Flattening".
#include "component/types.h"

#include <algorithm>

#include <fmt/format.h>

namespace sedge::component {
namespace {

/// Lays out fields one behind the other; sizes may pass any limit, which the caller checks.
struct RecordLayout {
  uint64_t size = 0;
  uint64_t align = 1;
  void field(Layout layout) {
    align = std::max<uint64_t>(align, layout.align);
    size = (size + layout.align - 1) / layout.align * layout.align + layout.size;
  }
  uint64_t total() const { return (size + align - 1) / align * align; }
};

Layout prim_layout(PrimType prim, bool is64) {
  switch (prim) {
    case PrimType::bool_:
    case PrimType::s8:
    case PrimType::u8:
      return {1, 1};
    case PrimType::s16:
    case PrimType::u16:
      return {2, 2};
    case PrimType::s32:
    case PrimType::u32:
    case PrimType::f32:
    case PrimType::char_:
    case PrimType::error_context:
      return {4, 4};
    case PrimType::s64:
    case PrimType::u64:
    case PrimType::f64:
      return {8, 8};
    case PrimType::string:
      return is64 ? Layout{16, 8} : Layout{8, 4};
  }
  return {};
}

sedge::ValType prim_flat(PrimType prim) {
  switch (prim) {
    case PrimType::s64:
    case PrimType::u64:
      return sedge::ValType::i64;
    case PrimType::f32:
      return sedge::ValType::f32;
    case PrimType::f64:
      return sedge::ValType::f64;
    default:
      return sedge::ValType::i32;
  }
}

sedge::ValType join(sedge::ValType a, sedge::ValType b) {
  using V = sedge::ValType;
  if (a == b) return a;
  bool both32 = (a == V(V::i32) || a == V(V::f32)) && (b == V(V::i32) || b == V(V::f32));
  return both32 ? V::i32 : V::i64;
}

constexpr Layout kHandle{4, 4};

std::unexpected<Error> too_large() {
  return fail(ErrorCode::limit_exceeded,
              fmt::format(": effective type size exceeds the limit of {}", kMaxTypeSize));
}

/// Adds up sizes and depths of the parts of a type.
struct Sum {
  uint64_t size = 1;
  uint32_t depth = 1;
  bool renameable = false;
  void add(uint32_t part_size, uint32_t part_depth, bool resource) {
    size += part_size;
    depth = std::max(depth, part_depth + 1);
    renameable |= resource;
  }
  template <typename T>
  Result<void> store(T& out) const {
    if (size >= kMaxTypeSize) return too_large();
    if (depth > kMaxTypeDepth)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format(": types are nested more than {} deep", kMaxTypeDepth));
    out.size = static_cast<uint32_t>(size);
    out.depth = static_cast<uint16_t>(depth);
    out.renameable = renameable;
    return {};
  }
};

}  // namespace

const char* to_string(TypeRef::Kind kind) {
  static constexpr const char* kNames[] = {"resource", "defined type", "func", "component",
                                           "instance"};
  return kNames[static_cast<size_t>(kind)];
}

uint32_t discriminant_size(size_t cases) { return cases <= 0x100 ? 1 : cases <= 0x10000 ? 2 : 4; }

uint32_t Types::name_resource(ResourceId id) {
  resource_names_.push_back(id);
  return static_cast<uint32_t>(resource_names_.size() - 1);
}

Result<void> Types::work(uint64_t steps) {
  if (steps > work_left_)
    return fail(ErrorCode::limit_exceeded, ": the component's types take too long to check");
  work_left_ -= steps;
  return {};
}

Layout Types::layout(ValType type, bool is64) const {
  if (type.is_prim()) return prim_layout(type.prim(), is64);
  const Defined& t = defined_[type.index()];
  return is64 ? t.layout64 : t.layout32;
}

uint32_t Types::flat_count(ValType type) const {
  if (type.is_prim()) return type.prim() == PrimType::string ? 2 : 1;
  return defined_[type.index()].flat_count;
}

bool Types::has_pointer(ValType type) const {
  return type.is_prim() ? type.prim() == PrimType::string : defined_[type.index()].has_pointer;
}

/// Layouts and flat count; everything inside has its own already.
Result<void> Types::add_facts(Defined& out, uint64_t size_limit) const {
  uint64_t flat = 0;
  for (bool is64 : {false, true}) {
    uint64_t size = 0, align = 1;
    auto sequence = [&](auto&& types) {
      RecordLayout record;
      flat = 0;
      for (ValType type : types) {
        record.field(layout(type, is64));
        flat += flat_count(type);
      }
      size = record.total();
      align = record.align;
    };
    auto cases = [&](size_t count, auto&& payloads) {
      uint64_t most_size = 0, most_flat = 0;
      align = discriminant_size(count);
      uint64_t payload_align = 1;
      for (const std::optional<ValType>& type : payloads) {
        if (!type) continue;
        Layout inner = layout(*type, is64);
        payload_align = std::max<uint64_t>(payload_align, inner.align);
        most_size = std::max<uint64_t>(most_size, inner.size);
        most_flat = std::max<uint64_t>(most_flat, flat_count(*type));
      }
      size = (discriminant_size(count) + payload_align - 1) / payload_align * payload_align +
             most_size;
      align = std::max(align, payload_align);
      size = (size + align - 1) / align * align;
      flat = 1 + most_flat;
    };
    std::visit(
        [&](const auto& t) {
          using T = std::remove_cvref_t<decltype(t)>;
          if constexpr (std::is_same_v<T, PrimType>) {
            Layout prim = prim_layout(t, is64);
            size = prim.size;
            align = prim.align;
            flat = t == PrimType::string ? 2 : 1;
          } else if constexpr (std::is_same_v<T, Record>) {
            std::vector<ValType> types;
            types.reserve(t.fields.size());
            for (const Field& field : t.fields) types.push_back(field.type);
            sequence(types);
          } else if constexpr (std::is_same_v<T, Tuple>) {
            sequence(t.types);
          } else if constexpr (std::is_same_v<T, Variant>) {
            std::vector<std::optional<ValType>> types;
            types.reserve(t.cases.size());
            for (const Case& next : t.cases) types.push_back(next.type);
            cases(t.cases.size(), types);
          } else if constexpr (std::is_same_v<T, Enum>) {
            cases(t.names.size(), std::array<std::optional<ValType>, 0>{});
          } else if constexpr (std::is_same_v<T, Option>) {
            cases(2, std::array<std::optional<ValType>, 1>{t.type});
          } else if constexpr (std::is_same_v<T, ResultType>) {
            cases(2, std::array<std::optional<ValType>, 2>{t.ok, t.error});
          } else if constexpr (std::is_same_v<T, FixedList>) {
            Layout inner = layout(t.element, is64);
            size = uint64_t{inner.size} * t.length;
            align = inner.align;
            flat = uint64_t{flat_count(t.element)} * t.length;
          } else if constexpr (std::is_same_v<T, Flags>) {
            size = align = t.names.size() <= 8 ? 1 : t.names.size() <= 16 ? 2 : 4;
            flat = 1;
          } else if constexpr (std::is_same_v<T, List> || std::is_same_v<T, Map>) {
            Layout pointers = prim_layout(PrimType::string, is64);
            size = pointers.size;
            align = pointers.align;
            flat = 2;
          } else {
            size = kHandle.size;
            align = kHandle.align;
            flat = 1;
          }
        },
        out.type);
    if (is64 && size >= size_limit)
      return fail(ErrorCode::invalid_component,
                  fmt::format(": type exceeds maximum byte size of {}", kMaxValueSize - 1));
    (is64 ? out.layout64 : out.layout32) = {static_cast<uint32_t>(size),
                                            static_cast<uint32_t>(align)};
  }
  out.flat_count = static_cast<uint32_t>(std::min<uint64_t>(flat, kManyFlat));
  return {};
}

Result<uint32_t> Types::add(Defined type) { return add(std::move(type), kMaxValueSize); }

Result<uint32_t> Types::add_map_entry(Tuple entry) {
  Defined type;
  type.type = std::move(entry);
  return add(std::move(type), 4 * uint64_t{kMaxValueSize});
}

Result<uint32_t> Types::add(Defined type, uint64_t size_limit) {
  bool is_handle =
      std::holds_alternative<Own>(type.type) || std::holds_alternative<Borrow>(type.type);
  type.has_borrow = std::holds_alternative<Borrow>(type.type);
  const auto* prim = std::get_if<PrimType>(&type.type);
  type.has_pointer = std::holds_alternative<List>(type.type) ||
                     std::holds_alternative<Map>(type.type) || (prim && *prim == PrimType::string);
  bool passes_pointer =
      !std::holds_alternative<Stream>(type.type) && !std::holds_alternative<Future>(type.type);
  Sum sum;
  sum.renameable = is_handle || std::holds_alternative<Record>(type.type) ||
                   std::holds_alternative<Variant>(type.type) ||
                   std::holds_alternative<Flags>(type.type) ||
                   std::holds_alternative<Enum>(type.type);
  for_each_inner(type.type, [&](ValType inner) {
    if (passes_pointer) type.has_pointer |= has_pointer(inner);
    if (inner.is_prim()) {
      sum.size += 1;
      return;
    }
    const Defined& part = defined_[inner.index()];
    type.has_borrow |= part.has_borrow;
    sum.add(part.size, part.depth, part.renameable);
  });
  SEDGE_TRY(sum.store(type));
  SEDGE_TRY(work(1));
  SEDGE_TRY(add_facts(type, size_limit));
  // A list of elements needs the layout of one element, which is bounded like everything else.
  defined_.push_back(std::move(type));
  return static_cast<uint32_t>(defined_.size() - 1);
}

FuncSig::FuncSig(FuncType of) : type(std::move(of)) {
  params.reserve(type.params.size());
  for (const Field& param : type.params) params.push_back(param.type);
  if (type.result) results.push_back(*type.result);
}

Result<uint32_t> Types::add(FuncType type) {
  FuncSig out(std::move(type));
  Sum sum;
  auto part = [&](ValType inner) {
    if (inner.is_prim()) {
      sum.size += 1;
      return;
    }
    const Defined& t = defined_[inner.index()];
    sum.add(t.size, t.depth, t.renameable);
  };
  for (ValType param : out.params) part(param);
  for (ValType result : out.results) part(result);
  SEDGE_TRY(sum.store(out));
  SEDGE_TRY(work(1));
  funcs_.push_back(std::move(out));
  return static_cast<uint32_t>(funcs_.size() - 1);
}

bool Types::renameable(const Entity& entity) const {
  auto of_type = [&](TypeRef::Kind kind, uint32_t id) {
    switch (kind) {
      case TypeRef::Kind::resource:
        return true;
      case TypeRef::Kind::defined:
        return defined_[id].renameable;
      case TypeRef::Kind::func:
        return funcs_[id].renameable;
      case TypeRef::Kind::component:
        return components_[id].renameable;
      case TypeRef::Kind::instance:
        return instances_[id].renameable;
    }
    return false;
  };
  switch (entity.kind) {
    case ExternType::Kind::module:
      return false;
    case ExternType::Kind::value:
      return !entity.value.is_prim() && defined_[entity.value.index()].renameable;
    case ExternType::Kind::type:
      return of_type(entity.type.kind, entity.type.id);
    case ExternType::Kind::func:
      return of_type(TypeRef::Kind::func, entity.id);
    case ExternType::Kind::component:
      return of_type(TypeRef::Kind::component, entity.id);
    case ExternType::Kind::instance:
      return of_type(TypeRef::Kind::instance, entity.id);
  }
  return false;
}

/// `get` of the type that the entity has or is; of a resource, a primitive type or a module 1.
template <class Get>
uint32_t Types::measure(const Entity& entity, Get get) const {
  auto of_type = [&](TypeRef::Kind kind, uint32_t id) -> uint32_t {
    switch (kind) {
      case TypeRef::Kind::resource:
        return 1;
      case TypeRef::Kind::defined:
        return get(defined_[id]);
      case TypeRef::Kind::func:
        return get(funcs_[id]);
      case TypeRef::Kind::component:
        return get(components_[id]);
      case TypeRef::Kind::instance:
        return get(instances_[id]);
    }
    return 1;
  };
  switch (entity.kind) {
    case ExternType::Kind::module:
      return 1;
    case ExternType::Kind::value:
      return entity.value.is_prim() ? 1 : get(defined_[entity.value.index()]);
    case ExternType::Kind::func:
      return of_type(TypeRef::Kind::func, entity.id);
    case ExternType::Kind::component:
      return of_type(TypeRef::Kind::component, entity.id);
    case ExternType::Kind::instance:
      return of_type(TypeRef::Kind::instance, entity.id);
    case ExternType::Kind::type:
      break;
  }
  return of_type(entity.type.kind, entity.type.id);
}

uint32_t Types::size(const Entity& entity) const {
  if (entity.kind == ExternType::Kind::module) return modules_[entity.id].size;
  return measure(entity, [](const auto& type) { return type.size; });
}

uint16_t Types::depth(const Entity& entity) const {
  return static_cast<uint16_t>(measure(entity, [](const auto& type) { return type.depth; }));
}

Result<uint32_t> Types::add(InstanceSig type) {
  Sum sum;
  for (const EntityMap::Item& item : type.exports)
    sum.add(size(item.entity), depth(item.entity), renameable(item.entity));
  SEDGE_TRY(sum.store(type));
  SEDGE_TRY(work(1 + type.exports.size()));
  instances_.push_back(std::move(type));
  return static_cast<uint32_t>(instances_.size() - 1);
}

Result<uint32_t> Types::add(ComponentSig type) {
  Sum sum;
  for (const EntityMap* map : {&type.imports, &type.exports})
    for (const EntityMap::Item& item : *map)
      sum.add(size(item.entity), depth(item.entity), renameable(item.entity));
  SEDGE_TRY(sum.store(type));
  SEDGE_TRY(work(1 + type.imports.size() + type.exports.size()));
  components_.push_back(std::move(type));
  return static_cast<uint32_t>(components_.size() - 1);
}

Result<uint32_t> Types::add(ModuleSig type) {
  uint64_t size = 1 + type.imports.size() + type.exports.size();
  if (size >= kMaxTypeSize) return too_large();
  type.size = static_cast<uint32_t>(size);
  SEDGE_TRY(work(size));
  modules_.push_back(std::move(type));
  return static_cast<uint32_t>(modules_.size() - 1);
}

Result<TypeRef> Types::renamed(TypeRef type) {
  switch (type.kind) {
    case TypeRef::Kind::resource:
      type.id = name_resource(resource_of(type.id));
      break;
    case TypeRef::Kind::defined: {
      SEDGE_TRY(work(defined_[type.id].size));
      defined_.push_back(defined_[type.id]);
      defined_.back().alias_of = type.id;
      type.id = static_cast<uint32_t>(defined_.size() - 1);
      break;
    }
    default:
      break;  // these need no names
  }
  return type;
}

Result<ValType> Types::rename(ValType type, Renaming& renaming) {
  if (type.is_prim() || renaming.empty() || !defined_[type.index()].renameable) return type;
  uint32_t id = type.index();
  if (auto found = renaming.defined.find(id); found != renaming.defined.end())
    return ValType::index(found->second);
  SEDGE_TRY(work(1));
  Defined copy = defined_[id];
  bool changed = false;
  auto handle = [&](uint32_t& name) -> Result<void> {
    SEDGE_TRY_ASSIGN(TypeRef to, rename(TypeRef{TypeRef::Kind::resource, name}, renaming));
    changed |= to.id != name;
    name = to.id;
    return {};
  };
  if (auto* own = std::get_if<Own>(&copy.type)) SEDGE_TRY(handle(own->resource));
  if (auto* borrow = std::get_if<Borrow>(&copy.type)) SEDGE_TRY(handle(borrow->resource));
  Result<void> inner_renamed;
  for_each_inner(copy.type, [&](ValType& inner) {
    if (!inner_renamed) return;
    auto to = rename(inner, renaming);
    if (!to) {
      inner_renamed = std::unexpected(std::move(to).error());
      return;
    }
    changed |= *to != inner;
    inner = *to;
  });
  SEDGE_TRY(std::move(inner_renamed));
  if (std::holds_alternative<Map>(copy.type)) {
    SEDGE_TRY_ASSIGN(ValType entry, rename(ValType::index(copy.entry), renaming));
    copy.entry = entry.index();
  }
  uint32_t to = id;
  if (changed) {
    if (copy.alias_of) {
      SEDGE_TRY_ASSIGN(ValType other, rename(ValType::index(*copy.alias_of), renaming));
      copy.alias_of = other.index();
    }
    defined_.push_back(std::move(copy));
    to = static_cast<uint32_t>(defined_.size() - 1);
  }
  renaming.defined.emplace(id, to);
  return ValType::index(to);
}

Result<uint32_t> Types::rename_func(uint32_t id, Renaming& renaming) {
  if (renaming.empty() || !funcs_[id].renameable) return id;
  if (auto found = renaming.funcs.find(id); found != renaming.funcs.end()) return found->second;
  SEDGE_TRY(work(1));
  FuncType copy = funcs_[id].type;
  bool changed = false;
  auto part = [&](ValType& type) -> Result<void> {
    SEDGE_TRY_ASSIGN(ValType to, rename(type, renaming));
    changed |= to != type;
    type = to;
    return {};
  };
  for (Field& param : copy.params) SEDGE_TRY(part(param.type));
  if (copy.result) SEDGE_TRY(part(*copy.result));
  uint32_t to = id;
  if (changed) {
    FuncSig renamed(std::move(copy));
    renamed.size = funcs_[id].size;
    renamed.depth = funcs_[id].depth;
    renamed.renameable = funcs_[id].renameable;
    funcs_.push_back(std::move(renamed));
    to = static_cast<uint32_t>(funcs_.size() - 1);
  }
  renaming.funcs.emplace(id, to);
  return to;
}

/// Rewrites every entity; whether something changed.
template <typename Map>
Result<bool> Types::rename_all(Map& map, Renaming& renaming) {
  Map out;
  bool changed = false;
  for (const auto& item : map) {
    SEDGE_TRY_ASSIGN(Entity to, rename(item.entity, renaming));
    changed |=
        to.id != item.entity.id || to.type != item.entity.type || to.value != item.entity.value;
    out.add(item.name, to);
  }
  if (changed) map = std::move(out);
  return changed;
}

Result<uint32_t> Types::rename_instance(uint32_t id, Renaming& renaming) {
  if (renaming.empty() || !instances_[id].renameable) return id;
  if (auto found = renaming.instances.find(id); found != renaming.instances.end())
    return found->second;
  SEDGE_TRY(work(instances_[id].exports.size() + 1));
  InstanceSig copy = instances_[id];
  SEDGE_TRY_ASSIGN(bool changed, rename_all(copy.exports, renaming));
  for (ResourceAt& at : copy.defined) {
    auto found = renaming.resources.find(at.id);
    if (found == renaming.resources.end()) continue;
    at.id = found->second;
    changed = true;
  }
  uint32_t to = id;
  if (changed) {
    instances_.push_back(std::move(copy));
    to = static_cast<uint32_t>(instances_.size() - 1);
  }
  renaming.instances.emplace(id, to);
  return to;
}

Result<uint32_t> Types::rename_component(uint32_t id, Renaming& renaming) {
  if (renaming.empty() || !components_[id].renameable) return id;
  if (auto found = renaming.components.find(id); found != renaming.components.end())
    return found->second;
  SEDGE_TRY(work(components_[id].imports.size() + components_[id].exports.size() + 1));
  ComponentSig copy = components_[id];
  SEDGE_TRY_ASSIGN(bool imports, rename_all(copy.imports, renaming));
  SEDGE_TRY_ASSIGN(bool exports, rename_all(copy.exports, renaming));
  uint32_t to = id;
  if (imports || exports) {
    components_.push_back(std::move(copy));
    to = static_cast<uint32_t>(components_.size() - 1);
  }
  renaming.components.emplace(id, to);
  return to;
}

Result<TypeRef> Types::rename(TypeRef type, Renaming& renaming) {
  switch (type.kind) {
    case TypeRef::Kind::resource: {
      if (auto found = renaming.names.find(type.id); found != renaming.names.end()) {
        type.id = found->second;
        return type;
      }
      auto found = renaming.resources.find(resource_of(type.id));
      if (found == renaming.resources.end()) return type;
      uint32_t to = name_resource(found->second);
      renaming.names.emplace(type.id, to);
      type.id = to;
      return type;
    }
    case TypeRef::Kind::defined: {
      SEDGE_TRY_ASSIGN(ValType to, rename(ValType::index(type.id), renaming));
      type.id = to.index();
      return type;
    }
    case TypeRef::Kind::func: {
      SEDGE_TRY_ASSIGN(type.id, rename_func(type.id, renaming));
      return type;
    }
    case TypeRef::Kind::component: {
      SEDGE_TRY_ASSIGN(type.id, rename_component(type.id, renaming));
      return type;
    }
    case TypeRef::Kind::instance: {
      SEDGE_TRY_ASSIGN(type.id, rename_instance(type.id, renaming));
      return type;
    }
  }
  return type;
}

Result<Entity> Types::rename(const Entity& entity, Renaming& renaming) {
  Entity out = entity;
  switch (entity.kind) {
    case ExternType::Kind::module:
      return out;
    case ExternType::Kind::func: {
      SEDGE_TRY_ASSIGN(out.id, rename_func(entity.id, renaming));
      return out;
    }
    case ExternType::Kind::value: {
      SEDGE_TRY_ASSIGN(out.value, rename(entity.value, renaming));
      return out;
    }
    case ExternType::Kind::type: {
      SEDGE_TRY_ASSIGN(out.type, rename(entity.type, renaming));
      return out;
    }
    case ExternType::Kind::component: {
      SEDGE_TRY_ASSIGN(out.id, rename_component(entity.id, renaming));
      return out;
    }
    case ExternType::Kind::instance: {
      SEDGE_TRY_ASSIGN(out.id, rename_instance(entity.id, renaming));
      return out;
    }
  }
  return out;
}

void Types::flatten(ValType type, bool is64, std::vector<sedge::ValType>& out) const {
  using V = sedge::ValType;
  V pointer = is64 ? V::i64 : V::i32;
  if (type.is_prim()) {
    if (type.prim() == PrimType::string)
      out.insert(out.end(), 2, pointer);
    else
      out.push_back(prim_flat(type.prim()));
    return;
  }
  auto cases = [&](auto&& payloads) {
    out.push_back(V::i32);
    size_t first = out.size();
    std::vector<V> flat;
    for (const std::optional<ValType>& payload : payloads) {
      if (!payload) continue;
      flat.clear();
      flatten(*payload, is64, flat);
      for (size_t i = 0; i < flat.size(); ++i) {
        if (first + i < out.size())
          out[first + i] = join(out[first + i], flat[i]);
        else
          out.push_back(flat[i]);
      }
    }
  };
  std::visit(
      [&](const auto& t) {
        using T = std::remove_cvref_t<decltype(t)>;
        if constexpr (std::is_same_v<T, PrimType>) {
          flatten(ValType(t), is64, out);
        } else if constexpr (std::is_same_v<T, Record>) {
          for (const Field& field : t.fields) flatten(field.type, is64, out);
        } else if constexpr (std::is_same_v<T, Tuple>) {
          for (ValType inner : t.types) flatten(inner, is64, out);
        } else if constexpr (std::is_same_v<T, Variant>) {
          std::vector<std::optional<ValType>> payloads;
          payloads.reserve(t.cases.size());
          for (const Case& next : t.cases) payloads.push_back(next.type);
          cases(payloads);
        } else if constexpr (std::is_same_v<T, Option>) {
          cases(std::array<std::optional<ValType>, 1>{t.type});
        } else if constexpr (std::is_same_v<T, ResultType>) {
          cases(std::array<std::optional<ValType>, 2>{t.ok, t.error});
        } else if constexpr (std::is_same_v<T, FixedList>) {
          for (uint32_t i = 0; i < t.length; ++i) flatten(t.element, is64, out);
        } else if constexpr (std::is_same_v<T, List> || std::is_same_v<T, Map>) {
          out.insert(out.end(), 2, pointer);
        } else {
          out.push_back(V::i32);
        }
      },
      defined_[type.index()].type);
}

Result<wasm::TypeId> Types::core_func(const sedge::FuncType& type) {
  wasm::TypeSet set = registry_->add(type);
  if (set.size() == 0)
    return fail(ErrorCode::limit_exceeded, ": the engine's type registry is full");
  wasm::TypeId id = set.id(0);
  keep(std::move(set));
  return id;
}

}  // namespace sedge::component
