// Definitions of values, and their constants (see constants.h): recursive descent, over the syntax
// to kMaxTypeDepth and then along the type.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "component/shapes.h"
#include "component/strings.h"
#include "component/text/constants.h"
#include "component/text/parser.h"
#include "component/type_text.h"
#include "component/validate.h"
#include "wasm/text/number.h"

namespace sedge::component {

using wasm::Token;
using Kind = Token::Kind;

// Definitions

/// `(value $id? (import "n") type)`, `(value $id? (alias …))`, `(value $id? type constant)`.
Result<void> Parser::value_form() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Binding own, binding());
  SEDGE_TRY_ASSIGN(bool imported, inline_import(Sort::value, own.id, where));
  if (imported) {
    // its type is read
  } else if (take_open("alias")) {
    SEDGE_TRY_ASSIGN(Alias alias, alias_target());
    alias.sort = Sort::value;
    SEDGE_TRY(expect_close());
    append(alias, where);
  } else {
    Value item;
    // Behind a bare index a string is the constant, not the name of an export.
    if (at_index()) {
      SEDGE_TRY_ASSIGN(uint32_t type, resolve(Sort::type));
      SEDGE_TRY_ASSIGN(item.type, indexed_type(type));
    } else {
      SEDGE_TRY_ASSIGN(item.type, val_type());
    }
    if (take_open("binary")) {
      std::string content;
      while (at(Kind::string)) content += wasm::decode_string(tokens().text(advance()));
      SEDGE_TRY(expect_close());
      item.encoding =
          arena_->store(Bytes(reinterpret_cast<const uint8_t*>(content.data()), content.size()));
    } else {
      constants_.emplace(where.begin, position());
      SEDGE_TRY(skip_constant(*this));
    }
    append(item, where);
  }
  SEDGE_TRY(define(Sort::value, own));
  return {};
}

namespace {

/// A constant of the component or of one nested in it, and the place of its text.
struct OpenConstant {
  Value* value = nullptr;
  size_t position = 0;
};

void find_constants(Component& component, const std::unordered_map<uint64_t, size_t>& places,
                    std::unordered_map<const Value*, OpenConstant>& out) {
  for (Definition& item : component.definitions) {
    if (auto* nested = std::get_if<std::unique_ptr<Component>>(&item.node))
      find_constants(**nested, places, out);
    auto* value = std::get_if<Value>(&item.node);
    auto place = value ? places.find(item.offset) : places.end();
    if (place != places.end()) out.emplace(value, OpenConstant{value, place->second});
  }
}

}  // namespace

Result<void> Parser::encode_constants(Component& component) {
  if (constants_.empty()) return {};
  std::unordered_map<const Value*, OpenConstant> open;
  find_constants(component, constants_, open);
  ConstantParser parser(tokens());
  auto encode_one = [&](const Types& types, ValType type, const Value& value) -> Result<void> {
    auto found = open.find(&value);
    if (found == open.end()) return {};
    const auto [constant, place] = found->second;
    SEDGE_TRY_ASSIGN(std::vector<uint8_t> encoding, parser.encoding(types, type, place));
    constant->encoding = arena_->store(Bytes(encoding));
    open.erase(found);
    return {};
  };
  auto valid = validate(component, every_feature(), wasm::TypeRegistry::create(), encode_one);
  // What else is wrong with the component is for its own validation to say.
  if (valid || open.empty()) return {};
  Error error = std::move(valid).error();
  if (error.location().kind == Location::Kind::line) return fail(std::move(error));
  auto first =
      std::ranges::min_element(open, {}, [](const auto& entry) { return entry.second.position; });
  error.set_location(location(tokens()[first->second.position]));
  return fail(std::move(error).with_context("up to the constant, whose type is asked for"));
}

// Syntax

namespace {

/// A string in UTF-8.
Result<void> skip_name(wasm::Cursor& cursor) {
  SEDGE_TRY(cursor.name());
  return {};
}

Result<void> skip_value(wasm::Cursor& cursor, uint32_t depth) {
  if (depth > kMaxTypeDepth)
    return cursor.error(ErrorCode::nesting_too_deep,
                        fmt::format(": more than {} values inside each other", kMaxTypeDepth));
  auto values = [&]() -> Result<void> {
    while (!cursor.at(Kind::rparen)) SEDGE_TRY(skip_value(cursor, depth + 1));
    return {};
  };
  switch (cursor.kind()) {
    case Kind::float_:
      if (cursor.text().contains("nan:"))
        return cursor.error(
            ErrorCode::unexpected_token,
            fmt::format(" {}: values have one NaN, write nan", cursor.shown(cursor.peek())));
      [[fallthrough]];
    case Kind::nat:
    case Kind::int_:
    case Kind::char_:
      cursor.advance();
      return {};
    case Kind::string:
      return skip_name(cursor);
    case Kind::keyword:
      for (const char* word : {"true", "false", "none", "ok", "error"})
        if (cursor.take_keyword(word)) return {};
      break;
    case Kind::lparen: {
      if (cursor.take_open("record") || cursor.take_open("tuple")) {
        SEDGE_TRY(skip_value(cursor, depth + 1));
        SEDGE_TRY(values());
      } else if (cursor.take_open("list")) {
        SEDGE_TRY(values());
      } else if (cursor.take_open("variant")) {
        SEDGE_TRY(skip_name(cursor));
        if (!cursor.at(Kind::rparen)) SEDGE_TRY(skip_value(cursor, depth + 1));
      } else if (cursor.take_open("enum")) {
        SEDGE_TRY(skip_name(cursor));
      } else if (cursor.take_open("flags")) {
        while (cursor.at(Kind::string)) SEDGE_TRY(skip_name(cursor));
      } else if (cursor.take_open("some") || cursor.take_open("ok") || cursor.take_open("error")) {
        SEDGE_TRY(skip_value(cursor, depth + 1));
      } else if (cursor.take_open("binary")) {
        while (cursor.at(Kind::string)) cursor.advance();
      } else {
        return cursor.unexpected_token(1);
      }
      return cursor.expect_close();
    }
    default:
      break;
  }
  return cursor.unexpected_token();
}

}  // namespace

Result<void> skip_constant(wasm::Cursor& cursor) { return skip_value(cursor, 0); }

// Against the type: the parentheses are known to close.

Result<std::vector<uint8_t>> ConstantParser::encoding(const Types& types, ValType type,
                                                      size_t position) {
  types_ = &types;
  held_ = {};
  seek(position);
  ComponentVal read;
  if (auto done = value(type, read); !done)
    return fail(std::move(done).error().at(location(peek())));
  wasm::Writer w;
  write_constant(types, type, read, w);
  return w.take();
}

std::unexpected<Error> ConstantParser::wrong(ValType type, std::string_view expected) const {
  constexpr size_t kMostTypeText = 200;
  std::string found = shown(peek());
  if (at(Kind::lparen)) found += shown(peek(1));
  return error(ErrorCode::invalid_component,
               fmt::format(": a constant of type {}: expected {}, found {}",
                           value_text(*types_, type, kMostTypeText), expected, found));
}

Result<void> ConstantParser::item(ValType type, ComponentVal& out) {
  SEDGE_TRY(held_.add_items(1));
  return value(type, out.items.emplace_back());
}

Result<void> ConstantParser::value(ValType type, ComponentVal& out) {
  if (at_open("binary")) return binary(type, out);
  if (type.is_prim()) return primitive(type.prim(), out);
  const Defined& t = defined(type);
  if (const auto* prim = std::get_if<PrimType>(&t.type)) return primitive(*prim, out);
  if (auto fields = fields_of(t)) return record(type, *fields, out);
  if (std::optional<ValType> element = element_of(t)) return list(type, *element, nullptr, out);
  if (const auto* fixed = std::get_if<FixedList>(&t.type))
    return list(type, fixed->element, &fixed->length, out);
  if (const auto* node = std::get_if<Flags>(&t.type)) return flags(type, *node, out);
  if (std::holds_alternative<Variant>(t.type) || std::holds_alternative<Enum>(t.type))
    return labelled_case(type, out);
  if (case_count(t)) return worded_case(type, out);
  return wrong(type, "no constant: handles, streams and futures have none");
}

/// Bytes inside of another constant: one value of the type, in any encoding.
Result<void> ConstantParser::binary(ValType type, ComponentVal& out) {
  const Token& where = peek();
  seek(position() + 2);
  std::string content;
  while (at(Kind::string)) content += wasm::decode_string(tokens().text(advance()));
  Reader reader(Bytes(reinterpret_cast<const uint8_t*>(content.data()), content.size()));
  auto read = read_constant(*types_, type, reader, nullptr, &out, PartNames::without);
  if (read && !reader.at_end())
    read = fail(ErrorCode::invalid_component, ": bytes left over behind a value");
  if (!read) {
    read.error().set_location(location(where));
    return read;
  }
  return expect_close();
}

Result<void> ConstantParser::primitive(PrimType type, ComponentVal& out) {
  out.kind = kind_of(type);
  switch (type) {
    case PrimType::bool_:
      out.bits = at_keyword("true");
      if (!take_keyword("true") && !take_keyword("false")) return wrong(type, "true or false");
      return {};
    case PrimType::s8:
      return integer(type, 8, true, out);
    case PrimType::u8:
      return integer(type, 8, false, out);
    case PrimType::s16:
      return integer(type, 16, true, out);
    case PrimType::u16:
      return integer(type, 16, false, out);
    case PrimType::s32:
      return integer(type, 32, true, out);
    case PrimType::u32:
      return integer(type, 32, false, out);
    case PrimType::s64:
      return integer(type, 64, true, out);
    case PrimType::u64:
      return integer(type, 64, false, out);
    case PrimType::f32:
      return floating(type, 32, out);
    case PrimType::f64:
      return floating(type, 64, out);
    case PrimType::char_:
      if (!at(Kind::char_)) return wrong(type, "one character in '…'");
      out.bits = code_points(wasm::decode_string(tokens().text(advance())))[0];
      return {};
    case PrimType::string:
      if (!at(Kind::string)) return wrong(type, "\"…\"");
      out.text = wasm::decode_string(tokens().text(advance()));
      return {};
    case PrimType::error_context:
      break;
  }
  return wrong(type, "no constant: error contexts have none");
}

Result<void> ConstantParser::integer(PrimType type, unsigned width, bool is_signed,
                                     ComponentVal& out) {
  const uint64_t most = UINT64_MAX >> (64 - width + (is_signed ? 1 : 0));
  std::optional<uint64_t> magnitude;
  bool negative = false;
  if (at(Kind::nat) || at(Kind::int_)) {
    std::string_view digits = text();
    negative = digits.starts_with('-');
    if (at(Kind::int_)) digits.remove_prefix(1);
    const uint64_t below = is_signed ? most + 1 : 0;
    magnitude = wasm::parse_nat(digits, negative ? below : most);
  }
  if (!magnitude)
    return wrong(type, is_signed ? fmt::format("a number from -{} to {}", most + 1, most)
                                 : fmt::format("a number from 0 to {}", most));
  advance();
  out.bits = negative ? -*magnitude : *magnitude;
  return {};
}

Result<void> ConstantParser::floating(PrimType type, unsigned width, ComponentVal& out) {
  std::optional<uint64_t> bits;
  if (peek().is_number()) {
    // There is one NaN, which has no sign.
    const bool is_nan = text().ends_with("nan");
    bits = wasm::parse_float(is_nan ? "nan" : text(), width);
  }
  if (!bits) return wrong(type, "nan, inf or a number that does not round to infinity");
  advance();
  out.bits = *bits;
  return {};
}

Result<void> ConstantParser::record(ValType type, const std::vector<ValType>& fields,
                                    ComponentVal& out) {
  const auto* node = std::get_if<Record>(&defined(type).type);
  out.kind = node ? ComponentVal::Kind::record : ComponentVal::Kind::tuple;
  if (!take_open(node ? "record" : "tuple")) return wrong(type, node ? "(record …)" : "(tuple …)");
  for (size_t i = 0; i < fields.size(); ++i) {
    if (at(Kind::rparen))
      return wrong(type, node ? fmt::format("a value for the field \"{}\"", node->fields[i].name)
                              : fmt::format("{} values", fields.size()));
    SEDGE_TRY(item(fields[i], out));
  }
  if (take(Kind::rparen)) return {};
  return wrong(type, ") behind its values");
}

std::optional<uint32_t> ConstantParser::take_label(uint32_t type_id) {
  const Defined& t = types_->defined(type_id);
  auto [found, is_new] = labels_.try_emplace(type_id);
  Labels& labels = found->second;
  if (is_new)
    for (uint32_t i = 0; i < *case_count(t); ++i) labels.emplace(case_label(t, i), i);
  auto label = labels.find(wasm::decode_string(text()));
  if (label == labels.end()) return std::nullopt;
  advance();
  return label->second;
}

Result<void> ConstantParser::labelled_case(ValType type, ComponentVal& out) {
  const Defined& t = defined(type);
  const bool is_enum = std::holds_alternative<Enum>(t.type);
  out.kind = case_kind(t);
  if (!take_open(is_enum ? "enum" : "variant"))
    return wrong(type, is_enum ? "(enum \"…\")" : "(variant \"…\" …)");
  std::optional<uint32_t> index = take_label(type.index());
  if (!index) return wrong(type, "the label of a case");
  out.bits = *index;
  if (std::optional<ValType> payload = payload_of(t, *index)) {
    if (at(Kind::rparen))
      return wrong(type, fmt::format("a value for the case \"{}\"", case_label(t, *index)));
    SEDGE_TRY(item(*payload, out));
  }
  if (take(Kind::rparen)) return {};
  return wrong(type, fmt::format(") behind the case \"{}\"", case_label(t, *index)));
}

Result<void> ConstantParser::worded_case(ValType type, ComponentVal& out) {
  const Defined& t = defined(type);
  const bool is_option = std::holds_alternative<Option>(t.type);
  const std::array<const char*, 2> words = {is_option ? "none" : "ok",
                                            is_option ? "some" : "error"};
  out.kind = case_kind(t);
  for (uint32_t i = 0; i < words.size(); ++i) {
    std::optional<ValType> payload = payload_of(t, i);
    if (!(payload ? take_open(words[i]) : take_keyword(words[i]))) continue;
    out.bits = i;
    if (!payload) return {};
    SEDGE_TRY(item(*payload, out));
    return expect_close();
  }
  auto form = [&](uint32_t i) {
    return payload_of(t, i) ? fmt::format("({} …)", words[i]) : std::string(words[i]);
  };
  return wrong(type, fmt::format("{} or {}", form(0), form(1)));
}

Result<void> ConstantParser::list(ValType type, ValType element, const uint32_t* length,
                                  ComponentVal& out) {
  out.kind = ComponentVal::Kind::list;
  if (!take_open("list")) return wrong(type, "(list …)");
  const bool is_text = !length && is_u8(*types_, element);
  for (uint32_t count = 0; !at(Kind::rparen) || (length && count < *length); ++count) {
    if (length && (at(Kind::rparen) || count == *length))
      return wrong(type, fmt::format("{} items", *length));
    if (!is_text) {
      SEDGE_TRY(item(element, out));
      continue;
    }
    ComponentVal byte;
    SEDGE_TRY(value(element, byte));
    out.text += static_cast<char>(byte.bits);
  }
  advance();
  return {};
}

Result<void> ConstantParser::flags(ValType type, const Flags& node, ComponentVal& out) {
  out.kind = ComponentVal::Kind::flags;
  if (!take_open("flags")) return wrong(type, "(flags \"…\" …)");
  while (!take(Kind::rparen)) {
    auto found = std::ranges::find(node.names, wasm::decode_string(text()));
    if (found == node.names.end()) return wrong(type, "labels of its flags");
    out.bits |= uint64_t{1} << (found - node.names.begin());
    advance();
  }
  return {};
}

}  // namespace sedge::component
