// Commas and indentation.
#include "base/json.h"

#include "base/json_text.h"

namespace sedge {

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
  append_json_string(out_, text);
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

}  // namespace sedge
