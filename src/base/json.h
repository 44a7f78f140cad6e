// A small JSON writer for `--json` output (RFC 8259), indented by two spaces.
#ifndef SEDGE_BASE_JSON_H_
#define SEDGE_BASE_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sedge {

/// Builds one document; keys and values alternate as the caller writes them.
class Json {
 public:
  Json& begin_object() { return open('{', '}'); }
  Json& begin_array() { return open('[', ']'); }
  Json& end();
  Json& key(std::string_view name);
  Json& value(std::string_view text);
  Json& value(const char* text) { return value(std::string_view(text)); }
  Json& value(bool truth) { return raw(truth ? "true" : "false"); }
  template <typename T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  Json& value(T number) {
    return raw(std::to_string(number));
  }
  Json& null() { return raw("null"); }
  template <typename T>
  Json& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }
  /// The document and a newline.
  std::string take() { return std::move(out_) + "\n"; }

 private:
  Json& open(char begin, char close);
  Json& raw(std::string_view text);
  void separate();
  void newline();

  std::string out_;
  std::vector<char> closers_;
  bool first_ = true;
  bool after_key_ = false;
};

}  // namespace sedge

#endif  // SEDGE_BASE_JSON_H_
