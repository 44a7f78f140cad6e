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

/// What flags take in a constant.
size_t flags_bytes(const Flags& flags) { return (flags.names.size() + 7) / 8; }

bool is_in_one_place(const ComponentVal& value) {
  const bool is_end = value.kind == VK::stream || value.kind == VK::future;
  return is_end || value.kind == VK::own || value.kind == VK::borrow ||
         std::ranges::any_of(value.items, is_in_one_place);
}

class ConstantReader {
 public:
  ConstantReader(const Types& types, Reader& reader, Types* meter, PartNames names)
      : types_(types), reader_(reader), meter_(meter), named_(names == PartNames::with) {}

  /// `out` may be null, here and below.
  Result<void> read(ValType type, ComponentVal* out, uint32_t depth) {
    if (meter_) SEDGE_TRY(meter_->work(1));
    if (depth > kMaxTypeDepth) return invalid("a value is nested too deep");
    if (type.is_prim()) return read_prim(type.prim(), out);
    const Defined& t = types_.defined(type.index());
    if (const auto* prim = std::get_if<PrimType>(&t.type)) return read_prim(*prim, out);
    if (auto fields = fields_of(t)) {
      if (out) SEDGE_TRY(begin_record(t, fields->size(), *out));
      for (ValType field : *fields) SEDGE_TRY(read_item(field, out, depth));
      return {};
    }
    if (std::optional<uint32_t> cases = case_count(t)) {
      SEDGE_TRY_ASSIGN(uint32_t index, reader_.u32());
      if (index >= *cases) return invalid("no such case of a value's type");
      const std::optional<ValType> payload = payload_of(t, index);
      if (out) SEDGE_TRY(begin_case(t, index, payload.has_value(), *out));
      return payload ? read_item(*payload, out, depth) : Result<void>();
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
      SEDGE_TRY_ASSIGN(Bytes bytes, reader_.bytes(flags_bytes(*flags)));
      uint64_t bits = 0;
      for (size_t i = 0; i < bytes.size(); ++i) bits |= uint64_t{bytes[i]} << (8 * i);
      return out ? begin_flags(*flags, bits, *out) : Result<void>();
    }
    return invalid("a handle cannot be a constant");
  }

 private:
  // What a value begins as, and room for what is in it.
  Result<void> begin_record(const Defined& t, size_t fields, ComponentVal& out) {
    if (named_)
      out = record_value(t);
    else
      out.kind = std::holds_alternative<Record>(t.type) ? VK::record : VK::tuple;
    SEDGE_TRY(held_.add(labels_size(out)));
    return begin_items(fields, out);
  }
  Result<void> begin_case(const Defined& t, uint32_t index, bool payload, ComponentVal& out) {
    out.kind = case_kind(t);
    out.bits = index;
    if (named_) out.text = case_label(t, index);
    SEDGE_TRY(held_.add(out.text.size()));
    return begin_items(payload ? 1 : 0, out);
  }
  Result<void> begin_flags(const Flags& flags, uint64_t bits, ComponentVal& out) {
    if (named_) {
      out = flags_value(flags, bits);
      return held_.add(labels_size(out));
    }
    out.kind = VK::flags;
    out.bits = bits & (~uint64_t{0} >> (64 - flags.names.size()));
    return {};
  }
  Result<void> begin_items(uint64_t count, ComponentVal& out) {
    SEDGE_TRY(held_.add_items(count));
    out.items.reserve(count);
    return {};
  }

  Result<void> read_item(ValType type, ComponentVal* out, uint32_t depth) {
    return read(type, out ? &out->items.emplace_back() : nullptr, depth + 1);
  }
  Result<void> read_items(ValType type, uint32_t count, ComponentVal* out, uint32_t depth) {
    if (out) {
      out->kind = VK::list;
      SEDGE_TRY(begin_items(count, *out));
    }
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
  bool named_;
  HeldByConstant held_;
};

class ConstantWriter {
 public:
  ConstantWriter(const Types& types, wasm::Writer& w) : types_(types), w_(w) {}

  void write(ValType type, const ComponentVal& value) {
    if (type.is_prim()) return write_prim(type.prim(), value);
    const Defined& t = types_.defined(type.index());
    if (const auto* prim = std::get_if<PrimType>(&t.type)) return write_prim(*prim, value);
    if (auto fields = fields_of(t)) {
      for (size_t i = 0; i < fields->size(); ++i) write((*fields)[i], value.items[i]);
    } else if (case_count(t)) {
      const uint32_t index = case_of(value);
      w_.u32(index);
      if (std::optional<ValType> payload = payload_of(t, index)) write(*payload, value.items[0]);
    } else if (std::optional<ValType> element = element_of(t)) {
      if (is_u8(types_, *element)) return w_.name(value.text);
      w_.u32(static_cast<uint32_t>(value.items.size()));
      for (const ComponentVal& item : value.items) write(*element, item);
    } else if (const auto* fixed = std::get_if<FixedList>(&t.type)) {
      for (const ComponentVal& item : value.items) write(fixed->element, item);
    } else if (const auto* flags = std::get_if<Flags>(&t.type)) {
      write_bytes(value.bits, flags_bytes(*flags));
    }
  }

 private:
  void write_bytes(uint64_t bits, size_t count) {
    for (size_t i = 0; i < count; ++i) w_.u8(static_cast<uint8_t>(bits >> (8 * i)));
  }
  void write_prim(PrimType prim, const ComponentVal& value) {
    switch (prim) {
      case PrimType::bool_:
      case PrimType::s8:
      case PrimType::u8:
        return write_bytes(value.bits, 1);
      case PrimType::s16:
      case PrimType::s32:
      case PrimType::s64:
        return w_.s64(static_cast<int64_t>(value.bits));
      case PrimType::u16:
      case PrimType::u32:
      case PrimType::u64:
        return w_.u64(value.bits);
      case PrimType::f32:
        return write_bytes(canonical_f32(static_cast<uint32_t>(value.bits)), 4);
      case PrimType::f64:
        return write_bytes(canonical_f64(value.bits), 8);
      case PrimType::char_: {
        std::string text;
        append_utf8(text, static_cast<uint32_t>(value.bits));
        return w_.bytes(Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
      }
      case PrimType::string:
        return w_.name(value.text);
      case PrimType::error_context:
        return;  // never read
    }
  }

  const Types& types_;
  wasm::Writer& w_;
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
  } else if (case_count(t)) {
    const uint32_t index = case_of(value);
    value.text = case_label(t, index);
    if (std::optional<ValType> payload = payload_of(t, index))
      SEDGE_TRY(name_parts(types, *payload, value.items[0]));
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

Result<void> HeldByConstant::add(uint64_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= kMostHeld) return {};
  return fail(ErrorCode::limit_exceeded,
              fmt::format(": more than {} MiB for a constant value", kMostHeld >> 20));
}

Result<void> read_constant(const Types& types, ValType type, Reader& reader, Types* meter,
                           ComponentVal* out, PartNames names) {
  return ConstantReader(types, reader, meter, names).read(type, out, 0);
}

void write_constant(const Types& types, ValType type, const ComponentVal& value, wasm::Writer& w) {
  ConstantWriter(types, w).write(type, value);
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
