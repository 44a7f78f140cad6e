// Arguments and expected results of script actions.
#include <fmt/format.h>

#include "wasm/text/keyword.h"
#include "wasm/text/number.h"
#include "wasm/text/script_parser.h"
#include "wasm/text/vector.h"

namespace sedge::wasm {

Result<ScriptValue> ScriptParser::number(ScriptValue::Kind kind) {
  using Kind = ScriptValue::Kind;
  unsigned bits = kind == Kind::i32 || kind == Kind::f32 ? 32 : 64;
  bool integer = kind == Kind::i32 || kind == Kind::i64;
  if (!peek().is_number() || (integer && at(Token::Kind::float_))) return unexpected_token();
  std::optional<uint64_t> value = integer ? parse_int(text(), bits) : parse_float(text(), bits);
  if (!value) return error(ErrorCode::constant_out_of_range, fmt::format(" {}", text()));
  advance();
  ScriptValue out;
  out.kind = kind;
  out.bits = *value;
  return out;
}

Result<uint64_t> ScriptParser::reference_number() {
  if (!at(Token::Kind::nat)) return unexpected_token();
  std::optional<uint64_t> value = parse_nat(text(), UINT32_MAX);
  if (!value) return error(ErrorCode::i32_constant_out_of_range);
  advance();
  return *value;
}

/// The rest of a value whose opening parenthesis is read: a word, then what it is made of.
Result<ScriptTree> ScriptParser::value_tree(uint32_t depth) {
  if (depth > 1000) return error(ErrorCode::nesting_too_deep, ": a value in a script");
  ScriptTree out;
  if (!at(Token::Kind::keyword)) return unexpected_token();
  out.word = text();
  advance();
  while (!at(Token::Kind::rparen)) {
    if (at(Token::Kind::string)) {
      SEDGE_TRY_ASSIGN(std::string content, string());
      out.strings.push_back(std::move(content));
    } else if (take(Token::Kind::lparen)) {
      SEDGE_TRY_ASSIGN(ScriptTree child, value_tree(depth + 1));
      SEDGE_TRY(expect_close());
      out.children.push_back(std::move(child));
    } else if (at(Token::Kind::keyword) && (text().contains('.'))) {
      // (field "name" u8.const 1): the value goes without parentheses of its own.
      SEDGE_TRY_ASSIGN(ScriptTree child, value_tree(depth + 1));
      out.children.push_back(std::move(child));
    } else if (peek().is_number() || at(Token::Kind::keyword)) {
      out.scalar = text();
      advance();
    } else {
      return unexpected_token();
    }
  }
  return out;
}

/// A value of a component, if one begins here.
Result<std::optional<ScriptValue>> ScriptParser::component_value() {
  static constexpr std::string_view kWords[] = {
      "bool.const",   "u8.const",    "s8.const",      "u16.const",  "s16.const",   "u32.const",
      "s32.const",    "u64.const",   "s64.const",     "char.const", "str.const",   "list.const",
      "record.const", "tuple.const", "variant.const", "enum.const", "option.none", "option.some",
      "result.ok",    "result.err",  "flags.const"};
  for (std::string_view word : kWords) {
    if (!at_open(word)) continue;
    advance();
    ScriptValue out;
    out.kind = ScriptValue::Kind::component;
    SEDGE_TRY_ASSIGN(ScriptTree tree, value_tree(0));
    SEDGE_TRY(expect_close());
    out.tree = std::make_shared<const ScriptTree>(std::move(tree));
    return std::optional(std::move(out));
  }
  return std::optional<ScriptValue>();
}

/// A constant in parentheses.
Result<ScriptValue> ScriptParser::argument() {
  SEDGE_TRY_ASSIGN(std::optional<ScriptValue> of_component, component_value());
  if (of_component) return *std::move(of_component);
  struct Row {
    std::string_view word;
    ScriptValue::Kind kind;
  };
  static constexpr Row kNumbers[] = {{"i32.const", ScriptValue::Kind::i32},
                                     {"i64.const", ScriptValue::Kind::i64},
                                     {"f32.const", ScriptValue::Kind::f32},
                                     {"f64.const", ScriptValue::Kind::f64}};
  ScriptValue out;
  for (const Row& row : kNumbers) {
    if (!take_open(row.word)) continue;
    SEDGE_TRY_ASSIGN(out, number(row.kind));
    SEDGE_TRY(expect_close());
    return out;
  }
  if (take_open("v128.const")) {
    SEDGE_TRY_ASSIGN(VectorLanes lanes, vector_lanes(*this, false));
    out.kind = ScriptValue::Kind::v128;
    out.v128 = lanes.bytes();
  } else if (take_open("ref.null")) {
    out.kind = ScriptValue::Kind::ref_null;
    std::optional<HeapType> heap = find_heap_type(text());
    if (!heap) return unexpected_token();
    out.heap = *heap;
    advance();
  } else if (at_open("ref.extern") || at_open("ref.host")) {
    out.kind = at_open("ref.extern") ? ScriptValue::Kind::ref_extern : ScriptValue::Kind::ref_host;
    seek(position() + 2);
    SEDGE_TRY_ASSIGN(out.bits, reference_number());
  } else {
    return unexpected_token(at(Token::Kind::lparen) ? 1 : 0);
  }
  SEDGE_TRY(expect_close());
  return out;
}

/// What a constant or pattern in parentheses expects.
Result<ScriptPattern> ScriptParser::result(bool allow_either) {
  ScriptPattern out;
  if (allow_either && take_open("either")) {
    out.kind = ScriptPattern::Kind::either;
    while (at(Token::Kind::lparen)) {
      SEDGE_TRY_ASSIGN(ScriptPattern alternative, result(false));
      out.either.push_back(std::move(alternative));
    }
    SEDGE_TRY(expect_close());
    return out;
  }
  if (take_open("f32.const")) return float_pattern(32);
  if (take_open("f64.const")) return float_pattern(64);
  if (take_open("v128.const")) return vector_pattern();
  SEDGE_TRY_ASSIGN(std::optional<ScriptPattern> reference, reference_pattern());
  if (reference) return *std::move(reference);
  SEDGE_TRY_ASSIGN(out.value, argument());
  return out;
}

Result<ScriptPattern> ScriptParser::float_pattern(unsigned bits) {
  ScriptPattern out;
  out.lane_bits = static_cast<uint8_t>(bits);
  out.lane_float = true;
  ScriptPattern::Lane lane;
  if (take_keyword("nan:canonical")) {
    lane.nan = ScriptPattern::Nan::canonical;
  } else if (take_keyword("nan:arithmetic")) {
    lane.nan = ScriptPattern::Nan::arithmetic;
  } else {
    SEDGE_TRY_ASSIGN(out.value,
                     number(bits == 32 ? ScriptValue::Kind::f32 : ScriptValue::Kind::f64));
    lane.bits = out.value.bits;
  }
  if (lane.nan != ScriptPattern::Nan::none)
    out.kind = bits == 32 ? ScriptPattern::Kind::f32 : ScriptPattern::Kind::f64;
  out.lanes.push_back(lane);
  SEDGE_TRY(expect_close());
  return out;
}

Result<ScriptPattern> ScriptParser::vector_pattern() {
  SEDGE_TRY_ASSIGN(VectorLanes lanes, vector_lanes(*this, true));
  ScriptPattern out;
  out.value.kind = ScriptValue::Kind::v128;
  out.value.v128 = lanes.bytes();
  out.lane_bits = lanes.lane_bits;
  out.lane_float = lanes.is_float;
  for (size_t i = 0; i < lanes.count(); ++i) {
    out.lanes.push_back({lanes.lanes[i], static_cast<ScriptPattern::Nan>(lanes.nans[i])});
    if (lanes.nans[i] != VectorLanes::Nan::none) out.kind = ScriptPattern::Kind::v128;
  }
  SEDGE_TRY(expect_close());
  return out;
}

/// (ref.null heap?), (ref.extern n?), (ref.host n), (ref.func), …; nothing if something else comes.
Result<std::optional<ScriptPattern>> ScriptParser::reference_pattern() {
  using Kind = ScriptPattern::Kind;
  struct Row {
    std::string_view word;
    Kind kind;
  };
  static constexpr Row kKinds[] = {{"ref.func", Kind::ref_func},     {"ref.any", Kind::ref_any},
                                   {"ref.eq", Kind::ref_eq},         {"ref.i31", Kind::ref_i31},
                                   {"ref.struct", Kind::ref_struct}, {"ref.array", Kind::ref_array},
                                   {"ref.exn", Kind::ref_exn}};
  ScriptPattern out;
  for (const Row& row : kKinds) {
    if (!take_open(row.word)) continue;
    out.kind = row.kind;
    SEDGE_TRY(expect_close());
    return std::optional(std::move(out));
  }
  if (take_open("ref.null")) {
    out.kind = Kind::ref_null_any;
    if (std::optional<HeapType> heap = find_heap_type(text())) {
      out.kind = Kind::ref_null;
      out.heap = *heap;
      advance();
    }
  } else if (take_open("ref.extern")) {
    out.kind = Kind::ref_extern_any;
    out.value.kind = ScriptValue::Kind::ref_extern;
    if (!at(Token::Kind::rparen)) {
      out.kind = Kind::ref_extern;
      SEDGE_TRY_ASSIGN(out.value.bits, reference_number());
    }
  } else if (take_open("ref.host")) {
    out.kind = Kind::ref_host;
    out.value.kind = ScriptValue::Kind::ref_host;
    SEDGE_TRY_ASSIGN(out.value.bits, reference_number());
  } else {
    return std::optional<ScriptPattern>();
  }
  SEDGE_TRY(expect_close());
  return std::optional(std::move(out));
}

}  // namespace sedge::wasm
