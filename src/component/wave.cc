// See wave.h: recursive descent along the type, whose depth validation has bounded.
#include "component/wave.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/utf8.h"
#include "component/instance.h"
#include "component/strings.h"
#include "component/type_text.h"
#include "wasm/text/number.h"

namespace sedge::component {
namespace {

using Kind = ComponentVal::Kind;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

ComponentVal of_kind(Kind kind, uint64_t bits = 0) {
  ComponentVal out;
  out.kind = kind;
  out.bits = bits;
  return out;
}

class Parser {
 public:
  Parser(const Types& types, std::string_view text) : types_(types), text_(text) {}

  Result<ComponentVal> whole(ValType type) {
    SEDGE_TRY_ASSIGN(ComponentVal out, value(type));
    SEDGE_TRY(end());
    return out;
  }

  Result<std::vector<ComponentVal>> arguments(const FuncType& type) {
    std::vector<ComponentVal> out;
    SEDGE_TRY(take('('));
    while (!takes(')')) {
      if (out.size() == type.params.size())
        return wrong(fmt::format("`)`: the function takes {} argument{}", type.params.size(),
                                 type.params.size() == 1 ? "" : "s"));
      auto argument = value(type.params[out.size()].type);
      if (!argument)
        return fail(std::move(argument).error().with_context(
            fmt::format("parameter `{}`", type.params[out.size()].name)));
      out.push_back(*std::move(argument));
      SEDGE_TRY(separator(')'));
    }
    SEDGE_TRY(end());
    if (out.size() != type.params.size())
      return fail(ErrorCode::bad_argument,
                  fmt::format(": {} argument{} of {} given; the function is {}", out.size(),
                              out.size() == 1 ? "" : "s", type.params.size(),
                              func_text(types_, type, kMostTypeText)));
    return out;
  }

 private:
  static constexpr size_t kMostTypeText = 1000;

  // Tokens

  std::unexpected<Error> wrong(std::string_view expected) const {
    size_t column = at_ + 1;
    std::string found = at_ < text_.size() ? fmt::format("`{}`", text_.substr(at_, kShown))
                                           : std::string("the end");
    return fail(ErrorCode::bad_argument,
                fmt::format(": column {}: expected {}, found {}", column, expected, found));
  }
  static constexpr size_t kShown = 12;

  void skip() {
    for (;;) {
      while (at_ < text_.size() &&
             (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
        ++at_;
      if (!text_.substr(at_).starts_with("//")) return;
      at_ = std::min(text_.find('\n', at_), text_.size());
    }
  }
  char peek() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool takes(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  Result<void> take(char c) { return takes(c) ? Result<void>() : wrong(fmt::format("`{}`", c)); }
  Result<void> end() {
    skip();
    return at_ == text_.size() ? Result<void>() : wrong("the end");
  }
  /// A comma, or the closing bracket ahead.
  Result<void> separator(char close) {
    if (takes(',') || peek() == close) return {};
    return wrong(fmt::format("`,` or `{}`", close));
  }
  /// A label; `%` before it keeps it from being a keyword.
  std::string_view word() {
    skip();
    size_t begin = at_ + (at_ < text_.size() && text_[at_] == '%');
    size_t end = begin;
    while (end < text_.size() && is_word(text_[end])) ++end;
    if (end > begin) at_ = end;
    return text_.substr(begin, end - begin);
  }
  /// Takes `keyword` if it is the next word.
  bool takes_word(std::string_view keyword) {
    skip();
    size_t before = at_;
    if (text_.substr(at_).starts_with(keyword) && word() == keyword) return true;
    at_ = before;
    return false;
  }

  // Values

  Result<ComponentVal> value(ValType type) {
    if (type.is_prim()) return primitive(type.prim());
    const Defined& defined = types_.defined(type.index());
    return std::visit([&](const auto& node) { return of(node, defined); }, defined.type);
  }

  Result<ComponentVal> primitive(PrimType type) {
    switch (type) {
      case PrimType::bool_:
        if (takes_word("true")) return of_kind(Kind::bool_, 1);
        if (takes_word("false")) return of_kind(Kind::bool_, 0);
        return wrong("true or false");
      case PrimType::s8:
        return integer(Kind::s8, 8, true);
      case PrimType::u8:
        return integer(Kind::u8, 8, false);
      case PrimType::s16:
        return integer(Kind::s16, 16, true);
      case PrimType::u16:
        return integer(Kind::u16, 16, false);
      case PrimType::s32:
        return integer(Kind::s32, 32, true);
      case PrimType::u32:
        return integer(Kind::u32, 32, false);
      case PrimType::s64:
        return integer(Kind::s64, 64, true);
      case PrimType::u64:
        return integer(Kind::u64, 64, false);
      case PrimType::f32:
        return floating(Kind::f32, 32);
      case PrimType::f64:
        return floating(Kind::f64, 64);
      case PrimType::char_:
        return character();
      case PrimType::string:
        return string();
      case PrimType::error_context:
        break;
    }
    return wrong("nothing: error contexts have no text");
  }

  std::string_view number() {
    skip();
    size_t end = at_;
    auto part = [](char c) { return is_word(c) || c == '+' || c == '.'; };
    while (end < text_.size() && part(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }

  Result<ComponentVal> integer(Kind kind, unsigned width, bool is_signed) {
    std::string_view token = number();
    const char* last = token.data() + token.size();
    uint64_t bits = 0;
    bool fits = false;
    if (is_signed) {
      int64_t number = 0;
      auto [stop, error] = std::from_chars(token.data(), last, number);
      int64_t limit = INT64_MAX >> (64 - width);
      fits = error == std::errc() && stop == last && number <= limit && number >= -limit - 1;
      bits = static_cast<uint64_t>(number);
    } else {
      auto [stop, error] = std::from_chars(token.data(), last, bits);
      fits = error == std::errc() && stop == last && bits <= UINT64_MAX >> (64 - width);
    }
    if (!fits) return wrong(fmt::format("a number of {}{}", is_signed ? "s" : "u", width));
    at_ += token.size();
    return of_kind(kind, bits);
  }

  Result<ComponentVal> floating(Kind kind, unsigned width) {
    std::string_view token = number();
    if (token == "nan") {
      at_ += token.size();
      return of_kind(kind, width == 32 ? 0x7fc00000 : 0x7ff8000000000000);
    }
    // What the text format has beyond WAVE: signs in front, hexadecimal digits, `_`, NaN payloads.
    const size_t first = token.starts_with('-') ? 1 : 0;
    const bool digits = first < token.size() && token[first] >= '0' && token[first] <= '9' &&
                        token.find_first_of("xX_") == std::string_view::npos;
    std::optional<uint64_t> bits;
    if (digits || token.substr(first) == "inf") bits = wasm::parse_float(token, width);
    if (!bits) return wrong(fmt::format("a number of f{}", width));
    at_ += token.size();
    return of_kind(kind, *bits);
  }

  /// One character behind a backslash.
  Result<void> escape(std::string& out) {
    char c = at_ < text_.size() ? text_[at_] : '\0';
    constexpr std::string_view kNames = "\\'\"tnr", kMeanings = "\\'\"\t\n\r";
    if (size_t found = kNames.find(c); c != '\0' && found != std::string_view::npos) {
      ++at_;
      out += kMeanings[found];
      return {};
    }
    size_t close = text_.find('}', at_);
    if (!text_.substr(at_).starts_with("u{") || close == std::string_view::npos)
      return wrong("an escape: \\\\ \\' \\\" \\t \\n \\r \\u{…}");
    std::string_view digits = text_.substr(at_ + 2, close - at_ - 2);
    uint32_t point = 0;
    auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
    bool whole = error == std::errc() && stop == digits.data() + digits.size();
    if (!whole || point >= 0x110000 || (point >= 0xd800 && point <= 0xdfff))
      return wrong("a Unicode scalar value");
    append_utf8(out, point);
    at_ = close + 1;
    return {};
  }

  Result<std::string> quoted(char quote) {
    SEDGE_TRY(take(quote));
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (static_cast<uint8_t>(text_[at_]) < 0x20) return wrong("no control character");
      char c = text_[at_++];
      if (c == '\\')
        SEDGE_TRY(escape(out));
      else
        out += c;
    }
    if (at_ == text_.size()) return wrong(fmt::format("`{}`", quote));
    ++at_;
    if (!is_utf8(out)) return wrong("UTF-8");
    return out;
  }

  Result<ComponentVal> string() {
    SEDGE_TRY_ASSIGN(std::string text, quoted('"'));
    ComponentVal out = of_kind(Kind::string);
    out.text = std::move(text);
    return out;
  }

  Result<ComponentVal> character() {
    skip();
    size_t before = at_;
    SEDGE_TRY_ASSIGN(std::string text, quoted('\''));
    std::u32string points = code_points(text);
    if (points.size() == 1) return of_kind(Kind::char_, points[0]);
    at_ = before;
    return wrong("one character in '…'");
  }

  Result<ComponentVal> of(PrimType node, const Defined&) { return primitive(node); }

  Result<ComponentVal> list(ValType element) {
    ComponentVal out = of_kind(Kind::list);
    SEDGE_TRY(take('['));
    while (!takes(']')) {
      SEDGE_TRY_ASSIGN(ComponentVal item, value(element));
      out.items.push_back(std::move(item));
      SEDGE_TRY(separator(']'));
    }
    return out;
  }
  Result<ComponentVal> of(const List& node, const Defined&) { return list(node.element); }
  Result<ComponentVal> of(const FixedList& node, const Defined&) {
    SEDGE_TRY_ASSIGN(ComponentVal out, list(node.element));
    if (out.items.size() != node.length) return wrong(fmt::format("{} items", node.length));
    return out;
  }
  Result<ComponentVal> of(const Map&, const Defined& defined) {
    return list(ValType::index(defined.entry));
  }

  Result<ComponentVal> of(const Tuple& node, const Defined&) {
    ComponentVal out = of_kind(Kind::tuple);
    SEDGE_TRY(take('('));
    for (ValType type : node.types) {
      SEDGE_TRY_ASSIGN(ComponentVal item, value(type));
      out.items.push_back(std::move(item));
      SEDGE_TRY(separator(')'));
    }
    SEDGE_TRY(take(')'));
    return out;
  }

  Result<ComponentVal> of(const Record& node, const Defined&) {
    std::vector<std::optional<ComponentVal>> given(node.fields.size());
    SEDGE_TRY(take('{'));
    while (!takes('}')) {
      skip();
      size_t before = at_;
      std::string_view name = word();
      auto field = std::ranges::find(node.fields, name, &Field::name);
      auto index = static_cast<size_t>(field - node.fields.begin());
      if (field == node.fields.end() || given[index]) {
        at_ = before;
        return wrong("a field of the record, each once");
      }
      SEDGE_TRY(take(':'));
      SEDGE_TRY_ASSIGN(given[index], value(field->type));
      SEDGE_TRY(separator('}'));
    }
    ComponentVal out = of_kind(Kind::record);
    for (size_t i = 0; i < given.size(); ++i) {
      const Field& field = node.fields[i];
      if (!given[i] && !is<Option>(field.type))
        return wrong(fmt::format("a record with its field `{}`", field.name));
      out.labels.emplace_back(field.name);
      out.items.push_back(given[i] ? *std::move(given[i]) : of_kind(Kind::option));
    }
    return out;
  }

  Result<ComponentVal> of(const Flags& node, const Defined&) {
    ComponentVal out = of_kind(Kind::flags);
    SEDGE_TRY(take('{'));
    while (!takes('}')) {
      skip();
      size_t before = at_;
      std::string_view name = word();
      auto found = std::ranges::find(node.names, name);
      if (found == node.names.end()) {
        at_ = before;
        return wrong("a flag of the type");
      }
      if (std::ranges::find(out.labels, name) == out.labels.end()) out.labels.emplace_back(name);
      SEDGE_TRY(separator('}'));
    }
    return out;
  }

  Result<ComponentVal> of(const Enum& node, const Defined&) {
    skip();
    size_t before = at_;
    std::string_view name = word();
    if (std::ranges::find(node.names, name) == node.names.end()) {
      at_ = before;
      return wrong("a case of the enum");
    }
    ComponentVal out = of_kind(Kind::enum_);
    out.text = name;
    return out;
  }

  /// "(payload)" where the case has one.
  Result<void> payload(ComponentVal& out, const std::optional<ValType>& type) {
    if (!type) return {};
    SEDGE_TRY(take('('));
    SEDGE_TRY_ASSIGN(ComponentVal item, value(*type));
    out.items.push_back(std::move(item));
    return take(')');
  }

  Result<ComponentVal> of(const Variant& node, const Defined&) {
    skip();
    size_t before = at_;
    std::string_view name = word();
    auto found = std::ranges::find(node.cases, name, &Case::name);
    if (found == node.cases.end()) {
      at_ = before;
      return wrong("a case of the variant");
    }
    ComponentVal out = of_kind(Kind::variant);
    out.text = name;
    SEDGE_TRY(payload(out, found->type));
    return out;
  }

  Result<ComponentVal> of(const Option& node, const Defined&) {
    ComponentVal out = of_kind(Kind::option);
    if (takes_word("none")) return out;
    bool bare = !is<Option>(node.type) && !is<ResultType>(node.type);
    if (takes_word("some")) {
      SEDGE_TRY(payload(out, node.type));
      return out;
    }
    if (!bare) return wrong("some(…) or none");
    SEDGE_TRY_ASSIGN(ComponentVal item, value(node.type));
    out.items.push_back(std::move(item));
    return out;
  }

  Result<ComponentVal> of(const ResultType& node, const Defined&) {
    ComponentVal out = of_kind(Kind::result);
    if (takes_word("ok")) {
      SEDGE_TRY(payload(out, node.ok));
      return out;
    }
    if (takes_word("err")) {
      out.bits = 1;
      SEDGE_TRY(payload(out, node.error));
      return out;
    }
    if (!node.ok || is<Option>(*node.ok) || is<ResultType>(*node.ok)) return wrong("ok or err");
    SEDGE_TRY_ASSIGN(ComponentVal item, value(*node.ok));
    out.items.push_back(std::move(item));
    return out;
  }

  template <typename T>
  Result<ComponentVal> of(const T&, const Defined&) {
    return wrong("nothing: handles, streams and futures have no text");
  }

  template <typename T>
  bool is(ValType type) const {
    return !type.is_prim() && std::holds_alternative<T>(types_.defined(type.index()).type);
  }

  const Types& types_;
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<ComponentVal> parse_wave(const Types& types, ValType type, std::string_view text) {
  return Parser(types, text).whole(type);
}

WaveCall split_wave_call(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  size_t open = text.find('(');
  WaveCall out{text.substr(0, open), {}};
  while (out.name.ends_with(' ')) out.name.remove_suffix(1);
  if (open != std::string_view::npos) out.arguments = text.substr(open);
  return out;
}

Result<std::vector<ComponentVal>> parse_wave_arguments(const ComponentFunc& function,
                                                       std::string_view text) {
  const Types& types = *function.value->component->validated.types;
  return Parser(types, text).arguments(types.func(function.value->sig).type);
}

}  // namespace sedge::component
