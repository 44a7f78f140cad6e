// See value.h.
#include "component/value.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "component/canon_abi.h"
#include "component/instance.h"
#include "component/shapes.h"
#include "component/strings.h"
#include "component/validator.h"

namespace sedge::component {

using VK = ComponentVal::Kind;

namespace {

bool is_in_one_place(const ComponentVal& value) {
  const bool is_end = value.kind == VK::stream || value.kind == VK::future;
  return is_end || value.kind == VK::own || value.kind == VK::borrow ||
         std::ranges::any_of(value.items, is_in_one_place);
}

class ConstantReader {
 public:
  ConstantReader(const Types& types, Reader& reader, Types* meter)
      : types_(types), reader_(reader), meter_(meter) {}

  /// `out` may be null, here and below.
  Result<void> read(ValType type, ComponentVal* out, uint32_t depth) {
    if (meter_) SEDGE_TRY(meter_->work(1));
    if (depth > kMaxTypeDepth) return invalid("a value is nested too deep");
    if (type.is_prim()) return read_prim(type.prim(), out);
    const Defined& t = types_.defined(type.index());
    if (const auto* prim = std::get_if<PrimType>(&t.type)) return read_prim(*prim, out);
    if (auto fields = fields_of(t)) {
      if (out) *out = record_value(t);
      SEDGE_TRY(hold(fields->size(), out));
      for (ValType field : *fields) SEDGE_TRY(read_item(field, out, depth));
      return {};
    }
    if (auto cases = cases_of(t)) {
      SEDGE_TRY_ASSIGN(uint32_t index, reader_.u32());
      if (index >= cases->payloads.size()) return invalid("no such case of a value's type");
      if (out) *out = case_value(*cases, index);
      const std::optional<ValType>& payload = cases->payloads[index];
      if (!payload) return {};
      SEDGE_TRY(hold(1, out));
      return read_item(*payload, out, depth);
    }
    if (std::optional<ValType> element = element_of(t)) {
      SEDGE_TRY_ASSIGN(uint32_t count, reader_.u32());
      if (!is_u8(types_, *element)) return read_items(*element, count, out, depth);
      SEDGE_TRY_ASSIGN(Bytes bytes, reader_.bytes(count));
      if (!out) return {};
      out->kind = VK::list;
      out->text.assign(bytes.begin(), bytes.end());
      return {};
    }
    if (const auto* fixed = std::get_if<FixedList>(&t.type))
      return read_items(fixed->element, fixed->length, out, depth);
    if (const auto* flags = std::get_if<Flags>(&t.type)) {
      SEDGE_TRY_ASSIGN(Bytes bytes, reader_.bytes((flags->names.size() + 7) / 8));
      uint64_t bits = 0;
      for (size_t i = 0; i < bytes.size(); ++i) bits |= uint64_t{bytes[i]} << (8 * i);
      if (out) *out = flags_value(*flags, bits);
      return {};
    }
    return invalid("a handle cannot be a constant");
  }

 private:
  /// Makes room for so many items.
  Result<void> hold(uint64_t count, ComponentVal* out) {
    if (!out) return {};
    held_ += count * sizeof(ComponentVal);
    if (held_ > kMostHeld)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format(": more than {} MiB for a constant value", kMostHeld >> 20));
    out->items.reserve(count);
    return {};
  }
  Result<void> read_item(ValType type, ComponentVal* out, uint32_t depth) {
    return read(type, out ? &out->items.emplace_back() : nullptr, depth + 1);
  }
  Result<void> read_items(ValType type, uint32_t count, ComponentVal* out, uint32_t depth) {
    if (out) out->kind = VK::list;
    SEDGE_TRY(hold(count, out));
    for (uint32_t i = 0; i < count; ++i) SEDGE_TRY(read_item(type, out, depth));
    return {};
  }

  /// A number from the bits of its encoding.
  Result<void> number(PrimType prim, uint64_t bits, ComponentVal* out) {
    if (!out) return {};
    SEDGE_TRY_ASSIGN(*out, lift_prim(prim, bits));
    return {};
  }
  template <typename Float>
  Result<void> read_float(PrimType prim, Float (*canonical)(Float), ComponentVal* out) {
    SEDGE_TRY_ASSIGN(Float bits, reader_.fixed<Float>());
    if (canonical(bits) != bits) return invalid("a NaN of a value is not the canonical one");
    return number(prim, bits, out);
  }
  Result<void> read_prim(PrimType prim, ComponentVal* out) {
    switch (prim) {
      case PrimType::bool_: {
        SEDGE_TRY_ASSIGN(uint8_t byte, reader_.u8());
        if (byte > 1) return invalid("a bool is 0 or 1");
        return number(prim, byte, out);
      }
      case PrimType::s8:
      case PrimType::u8: {
        SEDGE_TRY_ASSIGN(uint8_t byte, reader_.u8());
        return number(prim, byte, out);
      }
      case PrimType::s16: {
        SEDGE_TRY_ASSIGN(int32_t bits, reader_.s32());
        if (bits < INT16_MIN || bits > INT16_MAX) return invalid("a value out of range");
        return number(prim, static_cast<uint64_t>(int64_t{bits}), out);
      }
      case PrimType::u16: {
        SEDGE_TRY_ASSIGN(uint32_t bits, reader_.u32());
        if (bits > UINT16_MAX) return invalid("a value out of range");
        return number(prim, bits, out);
      }
      case PrimType::s32: {
        SEDGE_TRY_ASSIGN(int32_t bits, reader_.s32());
        return number(prim, static_cast<uint64_t>(int64_t{bits}), out);
      }
      case PrimType::u32: {
        SEDGE_TRY_ASSIGN(uint32_t bits, reader_.u32());
        return number(prim, bits, out);
      }
      case PrimType::s64: {
        SEDGE_TRY_ASSIGN(int64_t bits, reader_.s64());
        return number(prim, static_cast<uint64_t>(bits), out);
      }
      case PrimType::u64: {
        SEDGE_TRY_ASSIGN(uint64_t bits, reader_.u64());
        return number(prim, bits, out);
      }
      case PrimType::f32:
        return read_float<uint32_t>(prim, canonical_f32, out);
      case PrimType::f64:
        return read_float<uint64_t>(prim, canonical_f64, out);
      case PrimType::char_: {
        SEDGE_TRY_ASSIGN(uint8_t first, reader_.peek());
        size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        SEDGE_TRY_ASSIGN(Bytes bytes, reader_.bytes(size));
        std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        if (!is_utf8(text)) return invalid("a char is not in UTF-8");
        return number(prim, code_points(text)[0], out);
      }
      case PrimType::string: {
        SEDGE_TRY_ASSIGN(std::string_view text, reader_.name());
        if (!out) return {};
        out->kind = VK::string;
        out->text = text;
        return {};
      }
      case PrimType::error_context:
        break;
    }
    return invalid("an error-context cannot be a constant");
  }

  const Types& types_;
  Reader& reader_;
  Types* meter_;
  uint64_t held_ = 0;
};

/// The names of the parts of a value that is of its type.
Result<void> name_parts(const Types& types, ValType type, ComponentVal& value) {
  if (value.kind == VK::f32) value.bits = canonical_f32(static_cast<uint32_t>(value.bits));
  if (value.kind == VK::f64) value.bits = canonical_f64(value.bits);
  if (type.is_prim()) return {};
  const Defined& t = types.defined(type.index());
  if (auto fields = fields_of(t)) {
    std::vector<std::string> labels = record_value(t).labels;
    if (!value.labels.empty() && value.labels != labels)
      return fail(ErrorCode::bad_argument,
                  fmt::format(": expected a record with the fields {}", fmt::join(labels, ", ")));
    value.labels = std::move(labels);
    for (size_t i = 0; i < fields->size(); ++i)
      SEDGE_TRY(name_parts(types, (*fields)[i], value.items[i]));
  } else if (auto cases = cases_of(t)) {
    const uint32_t index = case_of(value);
    value.text = case_value(*cases, index).text;
    if (cases->payloads[index])
      SEDGE_TRY(name_parts(types, *cases->payloads[index], value.items[0]));
  } else if (const auto* flags = std::get_if<Flags>(&t.type)) {
    value.labels = flags_value(*flags, value.bits).labels;
  } else {
    std::optional<ValType> element = element_of(t);
    if (const auto* fixed = std::get_if<FixedList>(&t.type)) element = fixed->element;
    if (element)
      for (ComponentVal& item : value.items) SEDGE_TRY(name_parts(types, *element, item));
  }
  return {};
}

}  // namespace

Result<ComponentVal> ValueItem::take() const {
  if (is_in_one_place(val_) && taken_.exchange(true))
    return trap("a value with a handle or a stream was used before");
  return val_;
}

Result<void> read_constant(const Types& types, ValType type, Reader& reader, Types* meter,
                           ComponentVal* out) {
  return ConstantReader(types, reader, meter).read(type, out, 0);
}

Result<void> adopt_value(const Types& types, ValType type, ComponentVal& value) {
  SEDGE_TRY(check_value(types, type, value));
  return name_parts(types, type, value);
}

bool same_value(const ComponentVal& a, const ComponentVal& b) {
  // Of a string, `bits` tells what it was lifted from.
  return a.kind == b.kind && (a.kind == VK::string || a.bits == b.bits) && a.text == b.text &&
         a.resource == b.resource && a.end == b.end &&
         std::ranges::equal(a.items, b.items, same_value);
}

}  // namespace sedge::component
