// Names of sorts, types and canonical functions; rows of canon.def.
#include "component/ast.h"

#include <algorithm>
#include <iterator>

namespace sedge::component {
namespace {

struct PrimName {
  PrimType type;
  const char* name;
};
constexpr PrimName kPrimTypes[] = {
    {PrimType::bool_, "bool"},    {PrimType::s8, "s8"},
    {PrimType::u8, "u8"},         {PrimType::s16, "s16"},
    {PrimType::u16, "u16"},       {PrimType::s32, "s32"},
    {PrimType::u32, "u32"},       {PrimType::s64, "s64"},
    {PrimType::u64, "u64"},       {PrimType::f32, "f32"},
    {PrimType::f64, "f64"},       {PrimType::char_, "char"},
    {PrimType::string, "string"}, {PrimType::error_context, "error-context"},
};

constexpr CanonInfo kCanons[] = {
#define SEDGE_CANON(name, opcode, text, shape, feature) \
  {CanonOp::name, text, CanonShape::shape, Feature::feature},
#include "component/canon.def"
#undef SEDGE_CANON
};

}  // namespace

const char* to_string(Sort sort) {
  static constexpr const char* kNames[kSortCount] = {
      "func",      "value",       "type",         "component",   "instance",
      "core func", "core table",  "core memory",  "core global", "core tag",
      "core type", "core module", "core instance"};
  return kNames[static_cast<size_t>(sort)];
}

const char* to_string(PrimType type) {
  return std::ranges::find(kPrimTypes, type, &PrimName::type)->name;
}

std::optional<PrimType> prim_type(uint8_t code) {
  auto row = std::ranges::find(kPrimTypes, static_cast<PrimType>(code), &PrimName::type);
  if (row == std::end(kPrimTypes)) return std::nullopt;
  return row->type;
}

std::optional<PrimType> prim_type(std::string_view text) {
  auto row = std::ranges::find(kPrimTypes, text, &PrimName::name);
  if (row == std::end(kPrimTypes)) return std::nullopt;
  return row->type;
}

Sort sort_of(ExternType::Kind kind) {
  static constexpr Sort kSorts[] = {Sort::core_module, Sort::func,      Sort::value,
                                    Sort::type,        Sort::component, Sort::instance};
  return kSorts[static_cast<size_t>(kind)];
}

const CanonInfo& canon_info(CanonOp op) { return *std::ranges::find(kCanons, op, &CanonInfo::op); }

const CanonInfo* find_canon(uint8_t opcode) {
  const auto* row = std::ranges::find(kCanons, static_cast<CanonOp>(opcode), &CanonInfo::op);
  return row == std::end(kCanons) ? nullptr : row;
}

const CanonInfo* find_canon(std::string_view text) {
  const auto* row =
      std::ranges::find_if(kCanons, [&](const CanonInfo& info) { return info.name == text; });
  return row == std::end(kCanons) ? nullptr : row;
}

std::optional<Sort> option_sort(CanonOption::Kind kind) {
  switch (kind) {
    case CanonOption::Kind::memory:
      return Sort::core_memory;
    case CanonOption::Kind::realloc:
    case CanonOption::Kind::post_return:
    case CanonOption::Kind::callback:
      return Sort::core_func;
    case CanonOption::Kind::core_type:
      return Sort::core_type;
    case CanonOption::Kind::utf8:
    case CanonOption::Kind::utf16:
    case CanonOption::Kind::latin1_utf16:
    case CanonOption::Kind::async:
    case CanonOption::Kind::gc:
      break;
  }
  return std::nullopt;
}

}  // namespace sedge::component
