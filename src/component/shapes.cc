// See shapes.h.
#include "component/shapes.h"

#include <algorithm>

namespace sedge::component {

using VK = ComponentVal::Kind;

VK kind_of(PrimType prim) {
  switch (prim) {
    case PrimType::bool_:
      return VK::bool_;
    case PrimType::s8:
      return VK::s8;
    case PrimType::u8:
      return VK::u8;
    case PrimType::s16:
      return VK::s16;
    case PrimType::u16:
      return VK::u16;
    case PrimType::s32:
      return VK::s32;
    case PrimType::u32:
      return VK::u32;
    case PrimType::s64:
      return VK::s64;
    case PrimType::u64:
      return VK::u64;
    case PrimType::f32:
      return VK::f32;
    case PrimType::f64:
      return VK::f64;
    case PrimType::char_:
      return VK::char_;
    case PrimType::error_context:
      return VK::error_context;
    case PrimType::string:
      break;
  }
  return VK::string;
}

std::optional<Cases> cases_of(const Defined& type) {
  Cases out;
  if (const auto* variant = std::get_if<Variant>(&type.type)) {
    for (const Case& next : variant->cases) out.payloads.push_back(next.type);
    out.named = &variant->cases;
  } else if (const auto* cases = std::get_if<Enum>(&type.type)) {
    out.payloads.resize(cases->names.size());
    out.labels = &cases->names;
  } else if (const auto* option = std::get_if<Option>(&type.type)) {
    out.payloads = {std::nullopt, option->type};
  } else if (const auto* result = std::get_if<ResultType>(&type.type)) {
    out.payloads = {result->ok, result->error};
  } else {
    return std::nullopt;
  }
  out.kind = case_kind(type);
  return out;
}

std::optional<uint32_t> case_count(const Defined& type) {
  if (const auto* variant = std::get_if<Variant>(&type.type))
    return static_cast<uint32_t>(variant->cases.size());
  if (const auto* cases = std::get_if<Enum>(&type.type))
    return static_cast<uint32_t>(cases->names.size());
  if (std::holds_alternative<Option>(type.type) || std::holds_alternative<ResultType>(type.type))
    return 2;
  return std::nullopt;
}

VK case_kind(const Defined& type) {
  if (std::holds_alternative<Enum>(type.type)) return VK::enum_;
  if (std::holds_alternative<Option>(type.type)) return VK::option;
  if (std::holds_alternative<ResultType>(type.type)) return VK::result;
  return VK::variant;
}

std::string_view case_label(const Defined& type, uint32_t index) {
  if (const auto* variant = std::get_if<Variant>(&type.type)) return variant->cases[index].name;
  if (const auto* cases = std::get_if<Enum>(&type.type)) return cases->names[index];
  return {};
}

std::optional<ValType> payload_of(const Defined& type, uint32_t index) {
  if (const auto* variant = std::get_if<Variant>(&type.type)) return variant->cases[index].type;
  if (const auto* option = std::get_if<Option>(&type.type))
    return index == 0 ? std::nullopt : std::optional(option->type);
  if (const auto* result = std::get_if<ResultType>(&type.type))
    return index == 0 ? result->ok : result->error;
  return std::nullopt;
}

uint64_t payload_align(const Types& types, const Cases& cases, bool is64) {
  uint64_t align = 1;
  for (const auto& payload : cases.payloads)
    if (payload) align = std::max<uint64_t>(align, types.layout(*payload, is64).align);
  return align;
}

std::optional<std::vector<ValType>> fields_of(const Defined& type) {
  std::vector<ValType> out;
  if (const auto* record = std::get_if<Record>(&type.type)) {
    for (const Field& field : record->fields) out.push_back(field.type);
  } else if (const auto* tuple = std::get_if<Tuple>(&type.type)) {
    out = tuple->types;
  } else {
    return std::nullopt;
  }
  return out;
}

std::optional<ValType> element_of(const Defined& type) {
  if (const auto* list = std::get_if<List>(&type.type)) return list->element;
  if (std::holds_alternative<Map>(type.type)) return ValType::index(type.entry);
  return std::nullopt;
}

bool is_u8(const Types& types, ValType type) {
  while (!type.is_prim()) {
    const auto* prim = std::get_if<PrimType>(&types.defined(type.index()).type);
    if (!prim) return false;
    type = *prim;
  }
  return type.prim() == PrimType::u8;
}

TupleLayout tuple_layout(const Types& types, std::span<const ValType> list, bool is64) {
  TupleLayout out;
  for (ValType type : list) {
    Layout layout = types.layout(type, is64);
    out.align = std::max<uint64_t>(out.align, layout.align);
    out.size = align_to(out.size, layout.align) + layout.size;
  }
  out.size = align_to(out.size, out.align);
  return out;
}

uint64_t total_flat(const Types& types, std::span<const ValType> list) {
  uint64_t count = 0;
  for (ValType type : list) count += types.flat_count(type);
  return count;
}

ComponentVal record_value(const Defined& type) {
  ComponentVal out;
  out.kind = VK::tuple;
  if (const auto* record = std::get_if<Record>(&type.type)) {
    out.kind = VK::record;
    for (const Field& field : record->fields) out.labels.emplace_back(field.name);
  }
  return out;
}

ComponentVal case_value(const Defined& type, uint32_t index) {
  ComponentVal out;
  out.kind = case_kind(type);
  out.bits = index;
  out.text = case_label(type, index);
  return out;
}

ComponentVal flags_value(const Flags& flags, uint64_t bits) {
  ComponentVal out;
  out.kind = VK::flags;
  for (size_t i = 0; i < flags.names.size(); ++i) {
    if (!((bits >> i) & 1)) continue;
    out.bits |= uint64_t{1} << i;
    out.labels.emplace_back(flags.names[i]);
  }
  return out;
}

uint64_t labels_size(const ComponentVal& value) {
  uint64_t size = value.labels.size() * sizeof(std::string);
  for (const std::string& label : value.labels) size += label.size();
  return size;
}

}  // namespace sedge::component
