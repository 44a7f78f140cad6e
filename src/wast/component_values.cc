// See component_values.h.
#include "wast/component_values.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "wasm/text/number.h"
#include "wast/component_script.h"

namespace sedge::wast {
namespace {

using Kind = ComponentVal::Kind;
using wasm::ScriptTree;

struct NumberWord {
  std::string_view word;
  Kind kind;
  unsigned bits;
  bool is_signed;
};
constexpr NumberWord kNumbers[] = {
    {"u8.const", Kind::u8, 8, false},    {"s8.const", Kind::s8, 8, true},
    {"u16.const", Kind::u16, 16, false}, {"s16.const", Kind::s16, 16, true},
    {"u32.const", Kind::u32, 32, false}, {"s32.const", Kind::s32, 32, true},
    {"u64.const", Kind::u64, 64, false}, {"s64.const", Kind::s64, 64, true}};

Result<ComponentVal> from_tree(const ScriptTree& tree);

Result<void> children(const ScriptTree& tree, ComponentVal& out) {
  for (const ScriptTree& child : tree.children) {
    SEDGE_TRY_ASSIGN(ComponentVal item, from_tree(child));
    out.items.push_back(std::move(item));
  }
  return {};
}

Result<ComponentVal> number(const ScriptTree& tree, const NumberWord& row) {
  std::optional<uint64_t> bits = wasm::parse_int(tree.scalar, row.bits);
  if (!bits) return fail(ErrorCode::bad_argument, fmt::format(": {} {}", tree.word, tree.scalar));
  ComponentVal out;
  out.kind = row.kind;
  unsigned unused = 64 - row.bits;
  out.bits = row.is_signed ? static_cast<uint64_t>(static_cast<int64_t>(*bits << unused) >> unused)
                           : *bits;
  return out;
}

Result<ComponentVal> from_tree(const ScriptTree& tree) {
  ComponentVal out;
  for (const NumberWord& row : kNumbers)
    if (row.word == tree.word) return number(tree, row);
  if (tree.word == "bool.const") {
    out.bits = tree.scalar == "true";
  } else if (tree.word == "f32.const" || tree.word == "f64.const") {
    bool is32 = tree.word == "f32.const";
    out.kind = is32 ? Kind::f32 : Kind::f64;
    if (tree.scalar.starts_with("nan")) {
      out.bits = is32 ? 0x7fc00000 : 0x7ff8000000000000;
      return out;
    }
    std::optional<uint64_t> bits = wasm::parse_float(tree.scalar, is32 ? 32 : 64);
    if (!bits) return fail(ErrorCode::bad_argument, fmt::format(": {} {}", tree.word, tree.scalar));
    out.bits = *bits;
  } else if (tree.word == "char.const") {
    out.kind = Kind::char_;
    if (tree.strings.size() != 1 || tree.strings[0].empty())
      return fail(ErrorCode::bad_argument, ": char.const takes one character");
    std::string_view text = tree.strings[0];
    auto first = static_cast<uint8_t>(text[0]);
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    out.bits = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size && i < text.size(); ++i)
      out.bits = out.bits << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
  } else if (tree.word == "str.const") {
    out.kind = Kind::string;
    if (!tree.strings.empty()) out.text = tree.strings[0];
  } else if (tree.word == "list.const" || tree.word == "tuple.const") {
    out.kind = tree.word == "list.const" ? Kind::list : Kind::tuple;
    SEDGE_TRY(children(tree, out));
  } else if (tree.word == "record.const") {
    out.kind = Kind::record;
    for (const ScriptTree& field : tree.children) {
      if (field.strings.size() != 1 || field.children.size() != 1)
        return fail(ErrorCode::bad_argument, ": a field has a name and a value");
      out.labels.push_back(field.strings[0]);
      SEDGE_TRY_ASSIGN(ComponentVal item, from_tree(field.children[0]));
      out.items.push_back(std::move(item));
    }
  } else if (tree.word == "variant.const" || tree.word == "enum.const") {
    out.kind = tree.word == "variant.const" ? Kind::variant : Kind::enum_;
    if (!tree.strings.empty()) out.text = tree.strings[0];
    SEDGE_TRY(children(tree, out));
  } else if (tree.word == "option.none" || tree.word == "option.some") {
    out.kind = Kind::option;
    SEDGE_TRY(children(tree, out));
  } else if (tree.word == "result.ok" || tree.word == "result.err") {
    out.kind = Kind::result;
    out.bits = tree.word == "result.err";
    SEDGE_TRY(children(tree, out));
  } else if (tree.word == "flags.const") {
    out.kind = Kind::flags;
    out.labels = tree.strings;
  } else {
    return fail(ErrorCode::bad_argument, fmt::format(": unknown value {}", tree.word));
  }
  return out;
}

}  // namespace

Result<ComponentVal> to_component_val(const wasm::ScriptValue& value) {
  if (value.kind == wasm::ScriptValue::Kind::component) return from_tree(*value.tree);
  ComponentVal out;
  out.bits = value.bits;
  if (value.kind == wasm::ScriptValue::Kind::f32) {
    out.kind = Kind::f32;
  } else if (value.kind == wasm::ScriptValue::Kind::f64) {
    out.kind = Kind::f64;
  } else {
    return fail(ErrorCode::bad_argument, ": a core value is no value of a component");
  }
  return out;
}

bool matches(const wasm::ScriptPattern& pattern, const ComponentVal& value) {
  using PatternKind = wasm::ScriptPattern::Kind;
  if (pattern.kind == PatternKind::f32 || pattern.kind == PatternKind::f64) {
    // The one NaN there is.
    bool is32 = pattern.kind == PatternKind::f32;
    return value.kind == (is32 ? Kind::f32 : Kind::f64) &&
           value.bits == (is32 ? 0x7fc00000 : 0x7ff8000000000000);
  }
  if (pattern.kind != PatternKind::value) return false;
  auto expected = to_component_val(pattern.value);
  return expected && expected->kind == value.kind && to_string(*expected) == to_string(value);
}

}  // namespace sedge::wast
