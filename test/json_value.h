// JSON (RFC 8259) for the specifications that suites come with: trusted files of the test set, so
// errors are just "no value".
#ifndef SEDGE_TEST_JSON_VALUE_H_
#define SEDGE_TEST_JSON_VALUE_H_

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sedge::test {

struct Json {
  enum class Kind { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  double number = 0;  // 0 and 1 for booleans
  std::string text;
  std::vector<std::string> keys;  // of an object; its values are `items`, in the same order
  std::vector<Json> items;

  const Json* find(std::string_view name) const {
    for (size_t i = 0; i < keys.size(); ++i)
      if (keys[i] == name) return &items[i];
    return nullptr;
  }
  std::string text_or(std::string_view name, std::string_view otherwise) const {
    const Json* value = find(name);
    return value ? value->text : std::string(otherwise);
  }
};

class JsonParser {
 public:
  static std::optional<Json> parse(std::string_view text) {
    JsonParser parser(text);
    Json out;
    if (!parser.value(out) || (parser.space(), parser.at_ != text.size())) return std::nullopt;
    return out;
  }

 private:
  explicit JsonParser(std::string_view text) : text_(text) {}
  void space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
  }
  bool eat(char c) {
    space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view name) {
    if (!text_.substr(at_).starts_with(name)) return false;
    at_ += name.size();
    return true;
  }
  bool value(Json& out) {
    space();
    if (at_ == text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return object(out);
      case '[':
        return array(out);
      case '"':
        out.kind = Json::Kind::string;
        return string(out.text);
      case 'n':
        return word("null");
      case 't':
        out.kind = Json::Kind::boolean;
        out.number = 1;
        return word("true");
      case 'f':
        out.kind = Json::Kind::boolean;
        return word("false");
      default:
        break;
    }
    size_t end = text_.find_first_not_of("+-.0123456789eE", at_);
    std::string digits(text_.substr(at_, end - at_));
    if (digits.empty()) return false;
    out.kind = Json::Kind::number;
    out.number = std::strtod(digits.c_str(), nullptr);
    at_ += digits.size();
    return true;
  }
  bool array(Json& out) {
    out.kind = Json::Kind::array;
    eat('[');
    if (eat(']')) return true;
    do {
      if (!value(out.items.emplace_back())) return false;
    } while (eat(','));
    return eat(']');
  }
  bool object(Json& out) {
    out.kind = Json::Kind::object;
    eat('{');
    if (eat('}')) return true;
    do {
      space();
      if (!string(out.keys.emplace_back()) || !eat(':') || !value(out.items.emplace_back()))
        return false;
    } while (eat(','));
    return eat('}');
  }
  bool string(std::string& out) {
    if (at_ == text_.size() || text_[at_++] != '"') return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_++];
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ == text_.size()) return false;
      c = text_[at_++];
      constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
      size_t index = kNames.find(c);
      if (index == std::string_view::npos) return false;  // no file of ours has \u
      out += kValues[index];
    }
    return at_ < text_.size() && text_[at_++] == '"';
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace sedge::test

#endif  // SEDGE_TEST_JSON_VALUE_H_
