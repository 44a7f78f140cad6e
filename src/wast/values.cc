// Comparison is by bits; NaN patterns per lane as the script format defines them. `ref.extern n` is
// an external reference that holds n, `ref.host n` the same one converted to `any`.
#include "wast/values.h"

#include <cstring>

#include <fmt/format.h>

#include "wast/component_values.h"

namespace sedge::wast {
namespace {

using wasm::ScriptPattern;
using wasm::ScriptValue;
using Kind = ScriptPattern::Kind;

// Numbers of script references begin at 0, which as a pointer would read as absent.
void* tag_of(uint64_t number) { return reinterpret_cast<void*>(number + 1); }

uint64_t lane_of(std::span<const uint8_t> bytes, size_t index, size_t width) {
  uint64_t lane = 0;
  std::memcpy(&lane, bytes.data() + index * width, width);
  return lane;
}

bool lane_matches(const ScriptPattern::Lane& lane, uint64_t bits, unsigned width) {
  if (lane.nan == ScriptPattern::Nan::none) return lane.bits == bits;
  uint64_t quiet = width == 32 ? uint64_t{1} << 22 : uint64_t{1} << 51;
  uint64_t exponent = width == 32 ? uint64_t{0xff} << 23 : uint64_t{0x7ff} << 52;
  uint64_t magnitude = bits & ((uint64_t{1} << (width - 1)) - 1);
  if (lane.nan == ScriptPattern::Nan::canonical) return magnitude == (exponent | quiet);
  return (magnitude & (exponent | quiet)) == (exponent | quiet);
}

/// What a kind of reference pattern demands beyond being no null.
HeapType heap_of(Kind kind) {
  switch (kind) {
    case Kind::ref_func:
      return HeapType::func;
    case Kind::ref_eq:
      return HeapType::eq;
    case Kind::ref_i31:
      return HeapType::i31;
    case Kind::ref_struct:
      return HeapType::struct_;
    case Kind::ref_array:
      return HeapType::array;
    case Kind::ref_exn:
      return HeapType::exn;
    case Kind::ref_extern:
    case Kind::ref_extern_any:
      return HeapType::extern_;
    default:
      return HeapType::any;
  }
}

bool value_matches(const Store& store, const ScriptValue& expected, const Val& value) {
  switch (expected.kind) {
    case ScriptValue::Kind::i32:
      return value.type() == ValType::i32 &&
             static_cast<uint32_t>(value.i32()) == static_cast<uint32_t>(expected.bits);
    case ScriptValue::Kind::i64:
      return value.type() == ValType::i64 && static_cast<uint64_t>(value.i64()) == expected.bits;
    case ScriptValue::Kind::f32:
      return value.type() == ValType::f32 &&
             static_cast<uint32_t>(value.low()) == static_cast<uint32_t>(expected.bits);
    case ScriptValue::Kind::f64:
      return value.type() == ValType::f64 && value.low() == expected.bits;
    case ScriptValue::Kind::v128:
      return value.type() == ValType::v128 && value.v128() == expected.v128;
    case ScriptValue::Kind::ref_null:
      return value.is_null();
    case ScriptValue::Kind::ref_extern:
    case ScriptValue::Kind::ref_host:
      return value.type().is_ref() && !value.is_null() &&
             store.externref_value(value) == tag_of(expected.bits);
    case ScriptValue::Kind::component:
      break;
  }
  return false;
}

std::string float_text(uint64_t bits, unsigned width) {
  if (width == 32) {
    auto value = std::bit_cast<float>(static_cast<uint32_t>(bits));
    return value != value ? fmt::format("nan:0x{:x}", bits & 0x7fffff) : fmt::format("{}", value);
  }
  auto value = std::bit_cast<double>(bits);
  return value != value ? fmt::format("nan:0x{:x}", bits & 0xfffffffffffff)
                        : fmt::format("{}", value);
}

std::string lane_text(const ScriptPattern& pattern, const ScriptPattern::Lane& lane) {
  if (lane.nan == ScriptPattern::Nan::canonical) return "nan:canonical";
  if (lane.nan == ScriptPattern::Nan::arithmetic) return "nan:arithmetic";
  if (pattern.lane_float || pattern.kind == Kind::f32 || pattern.kind == Kind::f64)
    return float_text(lane.bits, pattern.lane_bits);
  return fmt::format("0x{:x}", lane.bits);
}

}  // namespace

Result<Val> to_val(Store& store, const ScriptValue& value) {
  switch (value.kind) {
    case ScriptValue::Kind::i32:
      return Val(static_cast<int32_t>(value.bits));
    case ScriptValue::Kind::i64:
      return Val(static_cast<int64_t>(value.bits));
    case ScriptValue::Kind::f32:
      return Val::f32_bits(static_cast<uint32_t>(value.bits));
    case ScriptValue::Kind::f64:
      return Val::f64_bits(value.bits);
    case ScriptValue::Kind::v128:
      return Val::v128(value.v128);
    case ScriptValue::Kind::ref_null:
      return Val::null(value.heap);
    case ScriptValue::Kind::ref_extern:
      return store.make_externref(tag_of(value.bits));
    case ScriptValue::Kind::ref_host: {
      SEDGE_TRY_ASSIGN(Val external, store.make_externref(tag_of(value.bits)));
      return store.make_val(ValType::reference(HeapType::any, false), external.low());
    }
    case ScriptValue::Kind::component:
      return fail(ErrorCode::bad_argument,
                  fmt::format(": {} is a value of a component", value.tree->word));
  }
  return Val();
}

bool matches(const Store& store, const ScriptPattern& pattern, const Val& value) {
  switch (pattern.kind) {
    case Kind::value:
      return value_matches(store, pattern.value, value);
    case Kind::f32:
      return value.type() == ValType::f32 &&
             lane_matches(pattern.lanes[0], static_cast<uint32_t>(value.low()), 32);
    case Kind::f64:
      return value.type() == ValType::f64 && lane_matches(pattern.lanes[0], value.low(), 64);
    case Kind::v128: {
      if (value.type() != ValType::v128) return false;
      std::array<uint8_t, 16> bytes = value.v128();
      size_t width = pattern.lane_bits / 8;
      for (size_t i = 0; i < pattern.lanes.size(); ++i)
        if (!lane_matches(pattern.lanes[i], lane_of(bytes, i, width), pattern.lane_bits))
          return false;
      return true;
    }
    case Kind::ref_null:
      return value.is_null() && store.matches(value, ValType::reference(pattern.heap, true));
    case Kind::ref_null_any:
      return value.is_null();
    case Kind::ref_extern:
    case Kind::ref_host: {
      ScriptValue expected = pattern.value;
      expected.kind = ScriptValue::Kind::ref_extern;
      return value_matches(store, expected, value);
    }
    case Kind::either:
      for (const ScriptPattern& choice : pattern.either)
        if (matches(store, choice, value)) return true;
      return false;
    default:
      return value.type().is_ref() && !value.is_null() &&
             store.matches(value, ValType::reference(heap_of(pattern.kind), false));
  }
}

std::string describe(const Store& store, const Val& value) {
  switch (value.type().kind()) {
    case ValType::i32:
      return fmt::format("i32.const {}", value.i32());
    case ValType::i64:
      return fmt::format("i64.const {}", value.i64());
    case ValType::f32:
      return "f32.const " + float_text(static_cast<uint32_t>(value.low()), 32);
    case ValType::f64:
      return "f64.const " + float_text(value.low(), 64);
    case ValType::v128: {
      std::string text = "v128.const i8x16";
      for (uint8_t byte : value.v128()) text += fmt::format(" 0x{:02x}", byte);
      return text;
    }
    default:
      break;
  }
  if (value.is_null()) return fmt::format("null of {}", to_string(value.type()));
  if (void* external = store.externref_value(value))
    return fmt::format("ref.extern {}", reinterpret_cast<uint64_t>(external) - 1);
  return fmt::format("a {}", to_string(value.type()));
}

std::string describe(const Store& store, std::span<const Val> values) {
  std::string out;
  for (const Val& value : values) out += (out.empty() ? "(" : " (") + describe(store, value) + ")";
  return out.empty() ? "no results" : out;
}

std::string describe(const ScriptPattern& pattern) {
  switch (pattern.kind) {
    case Kind::value:
      switch (pattern.value.kind) {
        case ScriptValue::Kind::i32:
          return fmt::format("i32.const {}", static_cast<int32_t>(pattern.value.bits));
        case ScriptValue::Kind::i64:
          return fmt::format("i64.const {}", static_cast<int64_t>(pattern.value.bits));
        case ScriptValue::Kind::f32:
          return "f32.const " + float_text(pattern.value.bits, 32);
        case ScriptValue::Kind::f64:
          return "f64.const " + float_text(pattern.value.bits, 64);
        case ScriptValue::Kind::component: {
          auto value = to_component_val(pattern.value);
          return value ? to_string(*value) : pattern.value.tree->word;
        }
        case ScriptValue::Kind::v128: {
          std::string text = "v128.const i8x16";
          for (uint8_t byte : pattern.value.v128) text += fmt::format(" 0x{:02x}", byte);
          return text;
        }
        case ScriptValue::Kind::ref_null:
          return "ref.null " + to_string(pattern.value.heap);
        default:
          return fmt::format("ref.extern {}", pattern.value.bits);
      }
    case Kind::f32:
      return "f32.const " + lane_text(pattern, pattern.lanes[0]);
    case Kind::f64:
      return "f64.const " + lane_text(pattern, pattern.lanes[0]);
    case Kind::v128: {
      std::string text = fmt::format("v128.const {}{}x{}", pattern.lane_float ? 'f' : 'i',
                                     pattern.lane_bits, pattern.lanes.size());
      for (const ScriptPattern::Lane& lane : pattern.lanes) text += " " + lane_text(pattern, lane);
      return text;
    }
    case Kind::ref_null:
      return "ref.null " + to_string(pattern.heap);
    case Kind::ref_null_any:
      return "ref.null";
    case Kind::ref_extern:
      return fmt::format("ref.extern {}", pattern.value.bits);
    case Kind::ref_host:
      return fmt::format("ref.host {}", pattern.value.bits);
    case Kind::either: {
      std::string text = "either";
      for (const ScriptPattern& choice : pattern.either) text += " (" + describe(choice) + ")";
      return text;
    }
    default:
      return "ref." + to_string(heap_of(pattern.kind));
  }
}

std::string describe(std::span<const ScriptPattern> patterns) {
  std::string out;
  for (const ScriptPattern& pattern : patterns)
    out += (out.empty() ? "(" : " (") + describe(pattern) + ")";
  return out.empty() ? "no results" : out;
}

}  // namespace sedge::wast
