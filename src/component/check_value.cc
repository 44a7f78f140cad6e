// Whether values that the host gives are of their types; see canon_abi.h.
#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "component/canon_abi.h"
#include "component/shapes.h"

namespace sedge::component {

using VK = ComponentVal::Kind;

namespace {

std::unexpected<Error> wrong(std::string_view expected) {
  return fail(ErrorCode::bad_argument, fmt::format(": expected {}", expected));
}

}  // namespace

Result<void> check_prim(PrimType prim, const ComponentVal& value) {
  if (value.kind != kind_of(prim)) return wrong(to_string(prim));
  if (prim == PrimType::string && !is_utf8(value.text)) return wrong("UTF-8");
  if (prim == PrimType::char_ && !is_scalar_value(value.bits))
    return wrong("a Unicode scalar value");
  return {};
}

Result<void> check_value(const Types& types, ValType type, ComponentVal& value) {
  if (type.is_prim()) return check_prim(type.prim(), value);
  const Defined& t = types.defined(type.index());
  if (const auto* prim = std::get_if<PrimType>(&t.type)) return check_prim(*prim, value);
  if (auto fields = fields_of(t)) {
    bool record = std::holds_alternative<Record>(t.type);
    if (value.kind != (record ? VK::record : VK::tuple) || value.items.size() != fields->size())
      return wrong(record ? "a record with all its fields" : "a tuple with all its items");
    for (size_t i = 0; i < fields->size(); ++i)
      SEDGE_TRY(check_value(types, (*fields)[i], value.items[i]));
    return {};
  }
  if (auto cases = cases_of(t)) {
    if (value.kind != cases->kind) return wrong("another kind of variant");
    size_t index = value.kind == VK::option ? case_of(value) : value.bits;
    if (cases->named && !value.text.empty())
      index = static_cast<size_t>(std::ranges::find(*cases->named, value.text, &Case::name) -
                                  cases->named->begin());
    if (cases->labels && !value.text.empty())
      index = static_cast<size_t>(std::ranges::find(*cases->labels, value.text) -
                                  cases->labels->begin());
    if (index >= cases->payloads.size()) return wrong("a case of the type");
    if (value.kind != VK::option) value.bits = index;
    if (value.items.size() != (cases->payloads[index] ? 1u : 0u))
      return wrong("a payload where the case has one");
    if (cases->payloads[index]) return check_value(types, *cases->payloads[index], value.items[0]);
    return {};
  }
  std::optional<ValType> element = element_of(t);
  const auto* fixed = std::get_if<FixedList>(&t.type);
  if (fixed) element = fixed->element;
  if (element) {
    if (value.kind != VK::list || (fixed && value.items.size() != fixed->length))
      return wrong("a list");
    for (ComponentVal& item : value.items) SEDGE_TRY(check_value(types, *element, item));
    if (!fixed && is_u8(types, *element)) {
      for (const ComponentVal& item : value.items) value.text += static_cast<char>(item.bits);
      value.items.clear();
    }
    return {};
  }
  if (const auto* flags = std::get_if<Flags>(&t.type)) {
    if (value.kind != VK::flags) return wrong("flags");
    if (value.labels.empty()) {
      bool fits = flags->names.size() >= 64 || value.bits >> flags->names.size() == 0;
      return fits ? Result<void>() : wrong("flags of the type");
    }
    value.bits = 0;
    for (const std::string& label : value.labels) {
      auto at = static_cast<size_t>(std::ranges::find(flags->names, label) - flags->names.begin());
      if (at == flags->names.size()) return wrong("flags of the type");
      value.bits |= uint64_t{1} << at;
    }
    return {};
  }
  if (std::holds_alternative<Own>(t.type))
    return value.kind == VK::own ? Result<void>() : wrong("an own handle");
  if (std::holds_alternative<Borrow>(t.type))
    return value.kind == VK::borrow || value.kind == VK::own ? Result<void>()
                                                             : wrong("a borrow handle");
  const bool is_stream = std::holds_alternative<Stream>(t.type);
  if (value.kind != (is_stream ? VK::stream : VK::future) || !value.end)
    return wrong(is_stream ? "a stream" : "a future");
  return {};
}

}  // namespace sedge::component
