// See canon_abi.h; one function for each direction and place.
#include "component/canon_abi.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "component/shapes.h"
#include "component/strings.h"
#include "component/task.h"

namespace sedge::component {

using VK = ComponentVal::Kind;

std::unexpected<Error> trap(std::string text) {
  return fail(ErrorCode::component_trap, ": " + std::move(text));
}

Store& Crossing::in_store() const { return inst_.home->scheduler().store(); }

uint64_t Crossing::read(uint64_t at, uint32_t size) const {
  uint64_t value = 0;
  std::memcpy(&value, memory().data() + at, size);
  return value;
}

void Crossing::write(uint64_t at, uint32_t size, uint64_t value) {
  std::memcpy(memory().data() + at, &value, size);
}

Result<void> check_range(uint64_t end, uint64_t at, uint64_t align, uint64_t size,
                         const char* what) {
  if (is_range(end, at, align, size)) [[likely]]
    return {};
  return trap(at % align != 0 ? "unaligned pointer" : what);
}

Result<void> check_realloc(uint64_t end, uint64_t at, uint64_t align, uint64_t size,
                           const char* what) {
  if (at % align != 0) return trap("unaligned pointer: realloc return: result not aligned");
  if (at > end || size > end - at)
    return trap(
        fmt::format("{} content out-of-bounds: realloc return: beyond end of memory", what));
  return {};
}

std::unexpected<Error> too_much_crosses(uint64_t most) {
  return trap(fmt::format(
      "more than {} MiB for the values of one call: pass a long list in parts, or as a stream",
      most >> 20));
}

void FreshContext::begin(ComponentInst& inst) {
  slots_ = context_of(inst);
  for (size_t i = 0; i < std::size(kept_); ++i) kept_[i] = std::exchange(slots_[i], 0);
}

Result<void> call_core(Store& store, const Func& func, uint64_t* cells) {
  auto done = func.call_raw(store, cells);
  if (!done) stop_exception(done.error());
  return done;
}

void stop_exception(Error& error) {
  if (error.code() != ErrorCode::uncaught_exception) return;
  Error stopped(
      ErrorCode::component_trap,
      ": uncaught exception propagated out of component: a thrown Wasm exception ends there");
  stopped.set_backtrace(error.backtrace());
  error = std::move(stopped);
}

Result<void> Crossing::hold(uint64_t bytes) {
  held_ += bytes;
  if (held_ > kMostHeld) return too_much_crosses(kMostHeld);
  return {};
}

Result<void> Crossing::check_range(uint64_t at, uint64_t align, uint64_t size,
                                   const char* what) const {
  return component::check_range(memory().size(), at, align, size, what);
}

Result<uint64_t> Crossing::realloc(uint64_t old, uint64_t old_size, uint64_t align, uint64_t size,
                                   const char* what) {
  if (!options_.realloc) return trap("no realloc");
  uint64_t cells[4] = {old, old_size, align, size};
  {
    Allocating allocating(inst_);
    SEDGE_TRY(call_core(in_store(), *options_.realloc, cells));
  }
  uint64_t at = options_.is64 ? cells[0] : static_cast<uint32_t>(cells[0]);
  SEDGE_TRY(check_realloc(memory().size(), at, align, size, what));
  return at;
}

// Lifting

Result<ComponentVal> lift_prim(PrimType prim, uint64_t bits) {
  ComponentVal out;
  out.kind = kind_of(prim);
  switch (prim) {
    case PrimType::bool_:
      out.bits = static_cast<uint32_t>(bits) != 0;
      break;
    case PrimType::s8:
      out.bits = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(bits)));
      break;
    case PrimType::u8:
      out.bits = static_cast<uint8_t>(bits);
      break;
    case PrimType::s16:
      out.bits = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int16_t>(bits)));
      break;
    case PrimType::u16:
      out.bits = static_cast<uint16_t>(bits);
      break;
    case PrimType::s32:
      out.bits = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(bits)));
      break;
    case PrimType::u32:
      out.bits = static_cast<uint32_t>(bits);
      break;
    case PrimType::f32:
      out.bits = canonical_f32(static_cast<uint32_t>(bits));
      break;
    case PrimType::f64:
      out.bits = canonical_f64(bits);
      break;
    case PrimType::char_: {
      auto point = static_cast<uint32_t>(bits);
      if (!is_scalar_value(point)) return trap("invalid `char` bit pattern");
      out.bits = point;
      break;
    }
    default:
      out.bits = bits;
  }
  return out;
}

Result<ComponentVal> Crossing::load_string(uint64_t at, uint64_t units) {
  using Encoding = AbiOptions::Encoding;
  uint64_t tag = options_.is64 ? uint64_t{1} << 63 : uint64_t{1} << 31;
  bool wide = options_.encoding == Encoding::utf16;
  uint64_t align = options_.encoding == Encoding::utf8 ? 1 : 2;
  bool latin1 = options_.encoding == Encoding::latin1_utf16 && !(units & tag);
  if (options_.encoding == Encoding::latin1_utf16 && (units & tag)) {
    wide = true;
    units &= ~tag;
  }
  if (units > kMaxBytes || units * (wide ? 2 : 1) > kMaxBytes) return trap(kBadString);
  uint64_t size = units * (wide ? 2 : 1);
  SEDGE_TRY(check_range(at, align, size, kBadString));
  SEDGE_TRY(hold(size));
  std::span<const uint8_t> bytes = memory().subspan(at, size);
  ComponentVal out;
  out.kind = VK::string;
  out.bits = units;
  // 1 + encoding, with another number for wide strings in latin1+utf16.
  out.encoding = static_cast<uint8_t>(1 + static_cast<uint8_t>(options_.encoding) +
                                      (options_.encoding == Encoding::latin1_utf16 && wide));
  if (wide) {
    auto text = utf8_from_utf16(bytes);
    if (!text) return trap("invalid utf-16: unpaired surrogate");
    out.text = *std::move(text);
  } else if (latin1) {
    out.text = utf8_from_latin1(bytes);
  } else {
    SEDGE_TRY(check_utf8(bytes));
    out.text.assign(bytes.begin(), bytes.end());
  }
  return out;
}

Result<ComponentVal> Crossing::load_list(ValType element, uint64_t at, uint64_t count,
                                         bool checked) {
  Layout each = layout(element);
  if (!checked) {
    if (count > kMaxBytes / each.size) return trap("list content out-of-bounds");
    SEDGE_TRY(check_range(at, each.align, count * each.size, "list content out-of-bounds"));
  }
  ComponentVal out;
  out.kind = VK::list;
  if (!checked && is_u8(types_, element)) {
    SEDGE_TRY(hold(count));
    std::span<const uint8_t> bytes = memory().subspan(at, count);
    out.text.assign(bytes.begin(), bytes.end());
    return out;
  }
  SEDGE_TRY_ASSIGN(out.items, load_items(element, at, count));
  return out;
}

Result<std::vector<ComponentVal>> Crossing::load_items(ValType element, uint64_t at,
                                                       uint64_t count) {
  Layout each = layout(element);
  SEDGE_TRY(hold(count * sizeof(ComponentVal)));
  std::vector<ComponentVal> out;
  out.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(ComponentVal item, load(element, at + i * each.size));
    out.push_back(std::move(item));
  }
  return out;
}

Result<ComponentVal> Crossing::load(ValType type, uint64_t at) {
  if (type.is_prim()) {
    if (type.prim() == PrimType::string)
      return load_string(read(at, pointer_size()), read(at + pointer_size(), pointer_size()));
    if (type.prim() == PrimType::error_context)
      return lift_index(type, static_cast<uint32_t>(read(at, 4)));
    return lift_prim(type.prim(), read(at, layout(type).size));
  }
  const Defined& t = types_.defined(type.index());
  if (const auto* prim = std::get_if<PrimType>(&t.type)) return load(*prim, at);
  if (auto fields = fields_of(t)) {
    ComponentVal out = record_value(t);
    SEDGE_TRY(hold(fields->size() * sizeof(ComponentVal) + labels_size(out)));
    for (ValType field : *fields) {
      Layout part = layout(field);
      at = align_to(at, part.align);
      SEDGE_TRY_ASSIGN(ComponentVal item, load(field, at));
      out.items.push_back(std::move(item));
      at += part.size;
    }
    return out;
  }
  if (auto cases = cases_of(t)) {
    uint32_t size = discriminant_size(cases->payloads.size());
    auto index = static_cast<uint32_t>(read(at, size));
    if (index >= cases->payloads.size()) return trap("invalid variant discriminant");
    ComponentVal out = case_value(t, index);
    SEDGE_TRY(hold(out.text.size() + (cases->payloads[index] ? sizeof(ComponentVal) : 0)));
    if (cases->payloads[index]) {
      at = align_to(at + size, payload_align(types_, *cases, options_.is64));
      SEDGE_TRY_ASSIGN(ComponentVal item, load(*cases->payloads[index], at));
      out.items.push_back(std::move(item));
    }
    return out;
  }
  if (std::optional<ValType> element = element_of(t))
    return load_list(*element, read(at, pointer_size()), read(at + pointer_size(), pointer_size()),
                     false);
  if (const auto* list = std::get_if<FixedList>(&t.type))
    return load_list(list->element, at, list->length, true);
  if (const auto* flags = std::get_if<Flags>(&t.type)) {
    ComponentVal out = flags_value(*flags, read(at, t.layout32.size));
    SEDGE_TRY(hold(labels_size(out)));
    return out;
  }
  return lift_index(type, static_cast<uint32_t>(read(at, 4)));
}

Result<ComponentVal> Crossing::lift_flat(ValType type, const uint64_t*& cells) {
  auto pointer = [&](uint64_t cell) { return options_.is64 ? cell : static_cast<uint32_t>(cell); };
  if (type.is_prim()) {
    if (type.prim() == PrimType::string) {
      cells += 2;
      return load_string(pointer(cells[-2]), pointer(cells[-1]));
    }
    if (type.prim() == PrimType::error_context)
      return lift_index(type, static_cast<uint32_t>(*cells++));
    return lift_prim(type.prim(), *cells++);
  }
  const Defined& t = types_.defined(type.index());
  if (const auto* prim = std::get_if<PrimType>(&t.type)) return lift_flat(*prim, cells);
  if (auto fields = fields_of(t)) {
    ComponentVal out = record_value(t);
    for (ValType field : *fields) {
      SEDGE_TRY_ASSIGN(ComponentVal item, lift_flat(field, cells));
      out.items.push_back(std::move(item));
    }
    return out;
  }
  if (auto cases = cases_of(t)) {
    const uint64_t* end = cells + t.flat_count;
    auto index = static_cast<uint32_t>(*cells++);
    if (index >= cases->payloads.size()) return trap("invalid variant discriminant");
    ComponentVal out = case_value(t, index);
    if (cases->payloads[index]) {
      // Joined cells hold narrower values in their low bits.
      SEDGE_TRY_ASSIGN(ComponentVal item, lift_flat(*cases->payloads[index], cells));
      out.items.push_back(std::move(item));
    }
    cells = end;
    return out;
  }
  if (std::optional<ValType> element = element_of(t)) {
    cells += 2;
    return load_list(*element, pointer(cells[-2]), pointer(cells[-1]), false);
  }
  if (const auto* list = std::get_if<FixedList>(&t.type)) {
    ComponentVal out;
    out.kind = VK::list;
    for (uint32_t i = 0; i < list->length; ++i) {
      SEDGE_TRY_ASSIGN(ComponentVal item, lift_flat(list->element, cells));
      out.items.push_back(std::move(item));
    }
    return out;
  }
  if (const auto* flags = std::get_if<Flags>(&t.type)) return flags_value(*flags, *cells++);
  return lift_index(type, static_cast<uint32_t>(*cells++));
}

Result<std::vector<ComponentVal>> Crossing::lift(std::span<const ValType> list, uint32_t most,
                                                 const uint64_t*& cells) {
  std::vector<ComponentVal> out;
  out.reserve(list.size());
  if (total_flat(types_, list) <= most) {
    for (ValType type : list) {
      SEDGE_TRY_ASSIGN(ComponentVal value, lift_flat(type, cells));
      out.push_back(std::move(value));
    }
    return out;
  }
  uint64_t at = options_.is64 ? *cells : static_cast<uint32_t>(*cells);
  ++cells;
  TupleLayout whole = tuple_layout(types_, list, options_.is64);
  SEDGE_TRY(check_range(at, whole.align, whole.size, "pointer out of bounds of memory"));
  for (ValType type : list) {
    Layout part = layout(type);
    at = align_to(at, part.align);
    SEDGE_TRY_ASSIGN(ComponentVal value, load(type, at));
    out.push_back(std::move(value));
    at += part.size;
  }
  return out;
}

// Lowering

Result<Crossing::Range> Crossing::store_list(ValType element, const ComponentVal& value) {
  Layout each = layout(element);
  bool bytes = is_u8(types_, element);
  uint64_t count = bytes ? value.text.size() : value.items.size();
  if (count > kMaxRealloc / each.size) return trap("list content out-of-bounds");
  SEDGE_TRY_ASSIGN(uint64_t at, realloc(0, 0, each.align, count * each.size, "list"));
  if (bytes) {
    if (count) std::memcpy(memory().data() + at, value.text.data(), count);
    return Range{at, count};
  }
  SEDGE_TRY(store_items(element, value.items, at));
  return Range{at, count};
}

Result<void> Crossing::store_items(ValType element, std::span<const ComponentVal> items,
                                   uint64_t at) {
  Layout each = layout(element);
  for (size_t i = 0; i < items.size(); ++i) SEDGE_TRY(store(element, items[i], at + i * each.size));
  return {};
}

Result<void> Crossing::store_string_at(const ComponentVal& value, uint64_t at) {
  SEDGE_TRY(check_range(at, pointer_size(), 2 * uint64_t{pointer_size()},
                        "pointer out of bounds of memory"));
  return store(PrimType::string, value, at);
}

namespace {

/// What a string was lifted from, and its length there in code units: wide strings of latin1+utf16
/// are told from those of utf16.
enum class Source : uint8_t { host, utf8, utf16, latin1, wide };
struct SourceUnits {
  Source source;
  uint64_t units;
};
/// A string that the host made, or changed since it was lifted, is one in UTF-8.
SourceUnits source_of(const ComponentVal& value) {
  const auto source = static_cast<Source>(value.encoding);
  const bool kept = source == Source::latin1 ? value.bits == latin1_length(value.text)
                    : source == Source::utf16 || source == Source::wide
                        ? value.bits == utf16_length(value.text)
                        : false;
  return kept ? SourceUnits{source, value.bits} : SourceUnits{Source::utf8, value.text.size()};
}

}  // namespace

/// Allocates and writes as the specification does, guess and correction, since the guest's
/// allocator sees it: what was written before a reallocation is its to copy.
Result<Crossing::Range> Crossing::store_string(const ComponentVal& value) {
  using Encoding = AbiOptions::Encoding;
  const uint64_t tag = options_.is64 ? uint64_t{1} << 63 : uint64_t{1} << 31;
  const auto [source, units] = source_of(value);
  const std::string& text = value.text;
  // No encoding makes more than two bytes of one in UTF-8.
  if (text.size() > kMaxRealloc / 2) return trap("string content out-of-bounds");
  auto put = [&](uint64_t at, const void* bytes, size_t size) {
    if (size) std::memcpy(memory().data() + at, bytes, size);
  };
  if (options_.encoding == Encoding::utf8) {
    SEDGE_TRY_ASSIGN(uint64_t at, realloc(0, 0, 1, units));
    const auto beyond =
        source == Source::utf8
            ? text.end()
            : std::ranges::find_if(text, [](char c) { return static_cast<uint8_t>(c) >= 0x80; });
    const auto ascii = static_cast<size_t>(beyond - text.begin());
    put(at, text.data(), ascii);
    if (ascii == text.size()) return Range{at, units};
    const uint64_t worst = units * (source == Source::latin1 ? 2 : 3);
    SEDGE_TRY_ASSIGN(at, realloc(at, units, 1, worst));
    put(at + ascii, text.data() + ascii, text.size() - ascii);
    if (worst > text.size()) {
      SEDGE_TRY_ASSIGN(at, realloc(at, worst, 1, text.size()));
    }
    return Range{at, text.size()};
  }
  const std::u32string points = code_points(text);
  const std::vector<uint8_t> wide = utf16_from(points);
  if (options_.encoding == Encoding::utf16) {
    SEDGE_TRY_ASSIGN(uint64_t at, realloc(0, 0, 2, 2 * units));
    put(at, wide.data(), wide.size());
    if (source == Source::utf8 && wide.size() < 2 * units) {
      SEDGE_TRY_ASSIGN(at, realloc(at, 2 * units, 2, wide.size()));
    }
    return Range{at, wide.size() / 2};
  }
  const auto narrow = static_cast<size_t>(
      std::ranges::find_if(points, [](char32_t point) { return point >= 0x100; }) - points.begin());
  if (source == Source::wide) {
    SEDGE_TRY_ASSIGN(uint64_t at, realloc(0, 0, 2, 2 * units));
    put(at, wide.data(), wide.size());
    if (narrow < points.size()) return Range{at, wide.size() / 2 | tag};
    uint8_t* const bytes = memory().data() + at;
    for (size_t i = 0; i < narrow; ++i) bytes[i] = bytes[2 * i];
    SEDGE_TRY_ASSIGN(at, realloc(at, 2 * units, 1, narrow));
    return Range{at, narrow};
  }
  SEDGE_TRY_ASSIGN(uint64_t at, realloc(0, 0, 2, units));
  const std::vector<uint8_t> latin1(points.begin(),
                                    points.begin() + static_cast<ptrdiff_t>(narrow));
  put(at, latin1.data(), narrow);
  if (narrow < points.size()) {
    SEDGE_TRY_ASSIGN(at, realloc(at, units, 2, 2 * units));
    uint8_t* const bytes = memory().data() + at;
    for (size_t i = narrow; i-- > 0;) {
      bytes[2 * i] = bytes[i];
      bytes[2 * i + 1] = 0;
    }
    put(at + 2 * narrow, wide.data() + 2 * narrow, wide.size() - 2 * narrow);
    if (wide.size() < 2 * units) {
      SEDGE_TRY_ASSIGN(at, realloc(at, 2 * units, 2, wide.size()));
    }
    return Range{at, wide.size() / 2 | tag};
  }
  if (narrow < units) {
    SEDGE_TRY_ASSIGN(at, realloc(at, units, 2, narrow));
  }
  return Range{at, narrow};
}

Result<void> Crossing::store(ValType type, const ComponentVal& value, uint64_t at) {
  auto range = [&](Result<Range> stored) -> Result<void> {
    if (!stored) return std::unexpected(std::move(stored).error());
    write(at, pointer_size(), stored->at);
    write(at + pointer_size(), pointer_size(), stored->length);
    return {};
  };
  if (type.is_prim()) {
    if (type.prim() == PrimType::string) return range(store_string(value));
    uint64_t bits = value.bits;
    if (type.prim() == PrimType::error_context) {
      SEDGE_TRY_ASSIGN(bits, lower_index(type, value));
    }
    write(at, layout(type).size, bits);
    return {};
  }
  const Defined& t = types_.defined(type.index());
  if (const auto* prim = std::get_if<PrimType>(&t.type)) return store(*prim, value, at);
  if (auto fields = fields_of(t)) {
    for (size_t i = 0; i < fields->size(); ++i) {
      Layout part = layout((*fields)[i]);
      at = align_to(at, part.align);
      SEDGE_TRY(store((*fields)[i], value.items[i], at));
      at += part.size;
    }
    return {};
  }
  if (auto cases = cases_of(t)) {
    uint32_t size = discriminant_size(cases->payloads.size());
    uint32_t index = case_of(value);
    write(at, size, index);
    if (!cases->payloads[index]) return {};
    return store(*cases->payloads[index], value.items[0],
                 align_to(at + size, payload_align(types_, *cases, options_.is64)));
  }
  if (std::optional<ValType> element = element_of(t)) return range(store_list(*element, value));
  if (const auto* list = std::get_if<FixedList>(&t.type)) {
    Layout each = layout(list->element);
    for (uint32_t i = 0; i < list->length; ++i)
      SEDGE_TRY(store(list->element, value.items[i], at + uint64_t{i} * each.size));
    return {};
  }
  if (std::holds_alternative<Flags>(t.type)) {
    write(at, t.layout32.size, value.bits);
    return {};
  }
  SEDGE_TRY_ASSIGN(uint32_t index, lower_index(type, value));
  write(at, 4, index);
  return {};
}

Result<void> Crossing::lower_flat(ValType type, const ComponentVal& value, FlatCells& out) {
  auto range = [&](Result<Range> stored) -> Result<void> {
    if (!stored) return std::unexpected(std::move(stored).error());
    out.push_back(stored->at);
    out.push_back(stored->length);
    return {};
  };
  if (type.is_prim()) {
    switch (type.prim()) {
      case PrimType::string:
        return range(store_string(value));
      case PrimType::error_context: {
        SEDGE_TRY_ASSIGN(uint32_t index, lower_index(type, value));
        out.push_back(index);
        return {};
      }
      case PrimType::s64:
      case PrimType::u64:
      case PrimType::f64:
        out.push_back(value.bits);
        return {};
      default:
        out.push_back(static_cast<uint32_t>(value.bits));
        return {};
    }
  }
  const Defined& t = types_.defined(type.index());
  if (const auto* prim = std::get_if<PrimType>(&t.type)) return lower_flat(*prim, value, out);
  if (auto fields = fields_of(t)) {
    for (size_t i = 0; i < fields->size(); ++i)
      SEDGE_TRY(lower_flat((*fields)[i], value.items[i], out));
    return {};
  }
  if (auto cases = cases_of(t)) {
    size_t end = out.size() + t.flat_count;
    uint32_t index = case_of(value);
    out.push_back(index);
    if (cases->payloads[index]) SEDGE_TRY(lower_flat(*cases->payloads[index], value.items[0], out));
    out.resize(end);
    return {};
  }
  if (std::optional<ValType> element = element_of(t)) return range(store_list(*element, value));
  if (const auto* list = std::get_if<FixedList>(&t.type)) {
    for (const ComponentVal& item : value.items) SEDGE_TRY(lower_flat(list->element, item, out));
    return {};
  }
  if (std::holds_alternative<Flags>(t.type)) {
    out.push_back(value.bits);
    return {};
  }
  SEDGE_TRY_ASSIGN(uint32_t index, lower_index(type, value));
  out.push_back(index);
  return {};
}

Result<void> Crossing::lower(std::span<const ValType> list, uint32_t most,
                             std::span<const ComponentVal> values, std::optional<uint64_t> pointer,
                             FlatCells& out) {
  if (total_flat(types_, list) <= most) {
    for (size_t i = 0; i < list.size(); ++i) SEDGE_TRY(lower_flat(list[i], values[i], out));
    return {};
  }
  TupleLayout whole = tuple_layout(types_, list, options_.is64);
  uint64_t at = 0;
  if (pointer) {
    at = options_.is64 ? *pointer : static_cast<uint32_t>(*pointer);
    SEDGE_TRY(check_range(at, whole.align, whole.size, "pointer out of bounds of memory"));
  } else {
    SEDGE_TRY_ASSIGN(at, realloc(0, 0, whole.align, whole.size));
    out.push_back(at);
  }
  for (size_t i = 0; i < list.size(); ++i) {
    Layout part = layout(list[i]);
    at = align_to(at, part.align);
    SEDGE_TRY(store(list[i], values[i], at));
    at += part.size;
  }
  return {};
}

}  // namespace sedge::component
