// The type section: bounds of indices, features, and that each declared supertype may be one.
// Spec: "Validation", sections "Recursive Types" and "Composite Types".
#include <algorithm>

#include <fmt/format.h>

#include "wasm/validate/context.h"
#include "wasm/validate/validate.h"

namespace sedge::wasm::validation {
namespace {

/// The feature that a reference to an abstract heap type needs, all else aside.
Feature heap_feature(HeapType heap) {
  if (heap.is_index()) return Feature::function_references;
  switch (heap.abstract()) {
    case HeapType::func:
    case HeapType::extern_:
      return Feature::reference_types;
    case HeapType::exn:
    case HeapType::noexn:
      return Feature::exceptions;
    default:
      return Feature::gc;
  }
}

bool composite_matches(const TypeRegistry& registry, const SubType& sub, const SubType& super) {
  if (sub.kind != super.kind) return false;
  auto field_matches = [&](const FieldType& a, const FieldType& b) {
    if (a.mutable_ != b.mutable_) return false;
    if (a.mutable_) return a.storage == b.storage;
    return registry.matches(a.storage, b.storage);
  };
  switch (sub.kind) {
    case SubType::Kind::func: {
      const FuncType& a = sub.func;
      const FuncType& b = super.func;
      auto matches = [&](ValType x, ValType y) { return registry.matches(x, y); };
      return std::ranges::equal(b.params, a.params, matches) &&
             std::ranges::equal(a.results, b.results, matches);
    }
    case SubType::Kind::struct_:
      if (sub.fields.size() < super.fields.size()) return false;
      return std::equal(
          super.fields.begin(), super.fields.end(), sub.fields.begin(),
          [&](const FieldType& b, const FieldType& a) { return field_matches(a, b); });
    case SubType::Kind::array:
      return field_matches(sub.fields[0], super.fields[0]);
  }
  return false;
}

std::string in_type(uint32_t index) { return fmt::format("type {}", index); }

/// Indices and features of type `index`, whose group ends before type `limit`.
Result<void> check_type(const SubType& type, Features features, uint32_t index, uint32_t limit) {
  auto check_value = [&](ValType value) -> Result<void> {
    if (value.is_ref() && value.heap().is_index() && value.heap().index() >= limit)
      return fail(ErrorCode::unknown_type, fmt::format(" {}", value.heap().index()));
    return check_value_type(limit, features, value, {});
  };
  if (type.kind == SubType::Kind::func) {
    if (type.func.params.size() > kMaxParams || type.func.results.size() > kMaxResults)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format(": a function type has more than {} parameters or {} results",
                              kMaxParams, kMaxResults));
    if (type.func.results.size() > 1 && !features.has(Feature::multi_value))
      return fail(feature_error(Feature::multi_value, "a function type with several results", {}));
    for (ValType param : type.func.params) SEDGE_TRY(check_value(param));
    for (ValType result : type.func.results) SEDGE_TRY(check_value(result));
  } else {
    if (!features.has(Feature::gc))
      return fail(feature_error(Feature::gc, "a struct or array type", {}));
    if (type.fields.size() > kMaxStructFields)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format(": a struct type has more than {} fields", kMaxStructFields));
    for (const FieldType& field : type.fields) SEDGE_TRY(check_value(field.storage));
  }
  if ((!type.final_ || type.super) && !features.has(Feature::gc))
    return fail(feature_error(Feature::gc, "a subtype declaration", {}));
  if (type.super && *type.super >= index)
    return fail(ErrorCode::unknown_type, fmt::format(" {}", *type.super));
  return {};
}

}  // namespace

Error feature_error(Feature feature, std::string_view what, Location location) {
  return Error(ErrorCode::feature_disabled, fmt::format(": {} ({})", feature_name(feature), what),
               location)
      .with_remedy(fmt::format("--features +{}", feature_name(feature)));
}

Result<void> check_value_type(const Module& module, Features features, ValType type,
                              Location location) {
  return check_value_type(static_cast<uint32_t>(module.types.size()), features, type, location);
}

Result<void> check_value_type(uint32_t type_count, Features features, ValType type,
                              Location location) {
  if (type.is_packed()) return {};
  if (type.is_vector() && !features.has(Feature::simd))
    return fail(feature_error(Feature::simd, "type v128", location));
  if (!type.is_ref()) return {};
  HeapType heap = type.heap();
  if (heap.is_index() && heap.index() >= type_count)
    return fail(ErrorCode::unknown_type, fmt::format(" {}", heap.index()), location);
  Feature needed = heap_feature(heap);
  if (!type.nullable() && !features.has(Feature::function_references))
    needed = Feature::function_references;
  // Either exception feature brings the type of caught exceptions' tags; only one has references.
  if (!features.has(needed))
    return fail(feature_error(needed, fmt::format("type {}", to_string(type)), location));
  return {};
}

Result<TypeSet> validate_types(const Module& module, Features features,
                               const std::shared_ptr<TypeRegistry>& registry) {
  const std::vector<SubType>& types = module.types;
  if (types.size() > kMaxTypes) return fail(ErrorCode::limit_exceeded, ": too many types");
  std::vector<uint8_t> depth(types.size());
  for (const RecGroup& group : module.rec_groups) {
    if ((group.count != 1 || group.explicit_) && !features.has(Feature::gc))
      return fail(feature_error(Feature::gc, "a recursion group", {}));
    for (uint32_t i = group.first; i < group.first + group.count; ++i) {
      if (auto checked = check_type(types[i], features, i, group.first + group.count); !checked)
        return fail(std::move(checked.error()).with_context(in_type(i)));
      if (!types[i].super) continue;
      const SubType& super = types[*types[i].super];
      if (super.final_)
        return fail(Error(ErrorCode::sub_type_mismatch,
                          fmt::format(" {}: its supertype {} is final", i, *types[i].super)));
      if (depth[*types[i].super] >= kMaxSubtypeDepth)
        return fail(ErrorCode::limit_exceeded,
                    fmt::format(": subtyping is deeper than {}", kMaxSubtypeDepth));
      depth[i] = static_cast<uint8_t>(depth[*types[i].super] + 1);
    }
  }

  TypeSet set = registry->add(types, module.rec_groups);
  if (set.size() != types.size())
    return fail(ErrorCode::limit_exceeded, ": the engine's type registry is full");
  for (uint32_t i = 0; i < types.size(); ++i) {
    if (!types[i].super) continue;
    if (!composite_matches(*registry, set.type(i).type, set.type(*types[i].super).type))
      return fail(Error(ErrorCode::sub_type_mismatch,
                        fmt::format(" {} does not match its supertype {}", i, *types[i].super)));
  }
  return set;
}

}  // namespace sedge::wasm::validation

namespace sedge::wasm {

using namespace validation;

Result<TypeSet> validate_rec_group(std::span<const SubType> group, bool is_explicit,
                                   const std::vector<TypeId>& earlier, Features features,
                                   const std::shared_ptr<TypeRegistry>& registry) {
  if ((group.size() != 1 || is_explicit) && !features.has(Feature::gc))
    return fail(feature_error(Feature::gc, "a recursion group", {}));
  auto first = static_cast<uint32_t>(earlier.size());
  auto end = first + static_cast<uint32_t>(group.size());
  auto super_of = [&](uint32_t index) -> const SubType& {
    return index < first ? registry->get(earlier[index]).type : group[index - first];
  };
  for (uint32_t i = first; i < end; ++i) {
    const SubType& type = group[i - first];
    SEDGE_TRY(check_type(type, features, i, end));
    if (type.super && super_of(*type.super).final_)
      return fail(ErrorCode::sub_type_mismatch, " cannot have a final super type");
  }
  TypeSet set = registry->add(group, earlier);
  if (set.size() != group.size())
    return fail(ErrorCode::limit_exceeded, ": the engine's type registry is full");
  for (uint32_t i = first; i < end; ++i) {
    const SubType& type = set.type(i - first).type;
    if (!type.super) continue;
    const CanonType& super = registry->get(*type.super);
    if (super.depth >= kMaxSubtypeDepth)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format(": subtyping is deeper than {}", kMaxSubtypeDepth));
    if (!composite_matches(*registry, type, super.type))
      return fail(ErrorCode::sub_type_mismatch, " must match super type");
  }
  return set;
}

}  // namespace sedge::wasm
