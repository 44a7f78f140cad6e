// What lifting, lowering and the checks of values ask of a type: how it is laid out, whatever its
// name.
#ifndef SEDGE_COMPONENT_SHAPES_H_
#define SEDGE_COMPONENT_SHAPES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <sedge/component.h>

#include "component/types.h"

namespace sedge::component {

ComponentVal::Kind kind_of(PrimType prim);

/// The cases of anything that is laid out as a variant, one by one.
struct Cases {
  std::vector<std::optional<ValType>> payloads;
  const std::vector<Case>* named = nullptr;
  const std::vector<std::string_view>* labels = nullptr;
  ComponentVal::Kind kind = ComponentVal::Kind::variant;
};
std::optional<Cases> cases_of(const Defined& type);
uint64_t payload_align(const Types& types, const Cases& cases, bool is64);
/// A value's index into the cases.
inline uint32_t case_of(const ComponentVal& value) {
  if (value.kind == ComponentVal::Kind::option) return value.items.empty() ? 0 : 1;
  return static_cast<uint32_t>(value.bits);
}

/// The same without a list of them: how many there are; nothing for what has no cases.
std::optional<uint32_t> case_count(const Defined& type);
/// What values of the type are.
ComponentVal::Kind case_kind(const Defined& type);
/// The name of a case of a variant or enum; empty for other types.
std::string_view case_label(const Defined& type, uint32_t index);
std::optional<ValType> payload_of(const Defined& type, uint32_t index);

/// Fields of anything that is laid out as a record.
std::optional<std::vector<ValType>> fields_of(const Defined& type);
/// The element type of anything that is laid out as a list of any length.
std::optional<ValType> element_of(const Defined& type);
/// Lists of these, unless of fixed length, are kept as text.
bool is_u8(const Types& types, ValType type);

// What values begin as: with the names that their type gives to their parts.
/// A record or tuple without items.
ComponentVal record_value(const Defined& type);
/// A case without its payload.
ComponentVal case_value(const Defined& type, uint32_t index);
/// Those flags whose bits are set; bits beyond them do not count.
ComponentVal flags_value(const Flags& flags, uint64_t bits);
/// Bytes that the labels of a value take.
uint64_t labels_size(const ComponentVal& value);

/// A tuple of these types, laid out.
struct TupleLayout {
  uint64_t size = 0, align = 1;
};
TupleLayout tuple_layout(const Types& types, std::span<const ValType> list, bool is64);
/// Core values that all of them flatten to.
uint64_t total_flat(const Types& types, std::span<const ValType> list);

inline uint64_t align_to(uint64_t value, uint64_t align) {
  return (value + align - 1) / align * align;
}

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_SHAPES_H_
