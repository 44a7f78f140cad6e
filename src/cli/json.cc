// Commas, indentation and string escapes.
#include "cli/json.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace sedge::cli {

Json& Json::open(char begin, char close) {
  separate();
  out_ += begin;
  closers_.push_back(close);
  first_ = true;
  return *this;
}

Json& Json::end() {
  char close = closers_.back();
  closers_.pop_back();
  if (!first_) newline();
  out_ += close;
  first_ = false;
  return *this;
}

Json& Json::key(std::string_view name) {
  value(name);
  out_ += ": ";
  after_key_ = true;
  return *this;
}

Json& Json::value(std::string_view text) {
  separate();
  out_ += '"';
  while (!text.empty()) {
    size_t valid = utf8_valid_prefix(text);
    for (char c : text.substr(0, valid)) {
      if (c == '"' || c == '\\')
        (out_ += '\\') += c;
      else if (static_cast<unsigned char>(c) < 0x20)
        out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      else
        out_ += c;
    }
    text.remove_prefix(valid);
    if (text.empty()) break;
    append_utf8(out_, 0xfffd);
    text.remove_prefix(1);
  }
  out_ += '"';
  return *this;
}

Json& Json::raw(std::string_view text) {
  separate();
  out_ += text;
  return *this;
}

void Json::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (closers_.empty()) return;
  if (!first_) out_ += ',';
  first_ = false;
  newline();
}

void Json::newline() {
  out_ += '\n';
  out_.append(2 * closers_.size(), ' ');
}

}  // namespace sedge::cli
