// Just enough JSON for an edge function: finds members of an object in the text of a value, without
// building a tree, and writes strings. Nesting is bounded, so is every read.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace json {

/// A piece of text that somebody else owns. `data == nullptr` means that there is none.
struct Text {
  const char* data = nullptr;
  size_t size = 0;

  bool equals(const char* other) const {
    return data != nullptr && strlen(other) == size && memcmp(data, other, size) == 0;
  }
  bool starts_with(const char* prefix) const {
    size_t length = strlen(prefix);
    return data != nullptr && size >= length && memcmp(data, prefix, length) == 0;
  }
};

/// Walks over JSON text. Every step says false at the first character that cannot stand there.
class Cursor {
 public:
  explicit Cursor(Text text) : at_(text.data), end_(text.data + text.size) {}

  /// Skips white space, then takes `c` if it comes next.
  bool take(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool at_end() {
    skip_space();
    return at_ == end_;
  }

  /// Takes any value; `raw` is its text, quotes and brackets included.
  bool value(Text* raw, int depth = 0) {
    skip_space();
    if (at_ == end_ || depth > 64) return false;
    const char* start = at_;
    bool good = *at_ == '"'   ? string()
                : *at_ == '{' ? members(depth)
                : *at_ == '[' ? elements(depth)
                              : scalar();
    *raw = {start, static_cast<size_t>(at_ - start)};
    return good;
  }

 private:
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  bool string() {
    for (++at_; at_ != end_; ++at_) {
      if (*at_ == '"') return ++at_, true;
      if (static_cast<unsigned char>(*at_) < 0x20) return false;
      if (*at_ == '\\' && ++at_ == end_) return false;
    }
    return false;
  }
  bool scalar() {
    const char* start = at_;
    while (at_ != end_ && strchr(",]} \t\r\n", *at_) == nullptr) ++at_;
    Text word{start, static_cast<size_t>(at_ - start)};
    bool number = word.size != 0 && (*start == '-' || (*start >= '0' && *start <= '9'));
    return number || word.equals("true") || word.equals("false") || word.equals("null");
  }
  bool members(int depth) {
    Text ignored;
    ++at_;
    if (take('}')) return true;
    do {
      skip_space();
      if (at_ == end_ || *at_ != '"' || !string() || !take(':') || !value(&ignored, depth + 1)) {
        return false;
      }
    } while (take(','));
    return take('}');
  }
  bool elements(int depth) {
    Text ignored;
    ++at_;
    if (take(']')) return true;
    do {
      if (!value(&ignored, depth + 1)) return false;
    } while (take(','));
    return take(']');
  }

  const char* at_;
  const char* end_;
};

/// True if `text` is one JSON object and nothing else.
inline bool is_object(Text text) {
  Cursor cursor(text);
  Text raw;
  return cursor.value(&raw) && cursor.at_end() && raw.size != 0 && raw.data[0] == '{';
}

/// The raw value of member `key` of the object `object`; no data if there is none.
inline Text member(Text object, const char* key) {
  Cursor cursor(object);
  if (object.data == nullptr || !cursor.take('{')) return {};
  Text name;
  Text value;
  do {
    if (!cursor.value(&name) || !cursor.take(':') || !cursor.value(&value)) return {};
    if (name.size >= 2 && Text{name.data + 1, name.size - 2}.equals(key)) return value;
  } while (cursor.take(','));
  return {};
}

/// Appends the UTF-8 form of a code point.
inline char* put_utf8(char* out, uint32_t code) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xC0 | code >> 6);
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xE0 | code >> 12);
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | code >> 18);
    *out++ = static_cast<char>(0x80 | (code >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}

/// Four hexadecimal digits at `at`, or -1.
inline int32_t hex4(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int32_t code = 0;
  for (int i = 0; i < 4; ++i) {
    char c = at[i];
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

/// The characters that a raw string value stands for; no data if `raw` is no string. The memory is
/// the process's: an edge function handles one event and ends.
inline Text string_value(Text raw) {
  if (raw.size < 2 || raw.data[0] != '"') return {};
  char* start = static_cast<char*>(malloc(raw.size));
  if (start == nullptr) return {};
  char* out = start;
  const char* end = raw.data + raw.size - 1;
  for (const char* at = raw.data + 1; at < end; ++at) {
    if (*at != '\\') {
      *out++ = *at;
      continue;
    }
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    ++at;
    if (*at == 'u') {
      int32_t code = hex4(at + 1, end);
      if (code < 0) return {};
      at += 4;
      if (code >= 0xD800 && code < 0xDC00 && end - at > 6 && at[1] == '\\' && at[2] == 'u') {
        int32_t low = hex4(at + 3, end);
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          at += 6;
        }
      }
      bool lone = code >= 0xD800 && code < 0xE000;
      out = put_utf8(out, lone ? 0xFFFD : static_cast<uint32_t>(code));
    } else {
      const char* found = strchr(from, *at);
      *out++ = found != nullptr ? to[found - from] : *at;
    }
  }
  return {start, static_cast<size_t>(out - start)};
}

/// Prints `text` as a JSON string.
inline void print_string(Text text) {
  putchar('"');
  for (size_t i = 0; i < text.size; ++i) {
    unsigned char c = static_cast<unsigned char>(text.data[i]);
    if (c == '"' || c == '\\') {
      printf("\\%c", c);
    } else if (c < 0x20) {
      printf("\\u%04x", c);
    } else {
      putchar(c);
    }
  }
  putchar('"');
}

}  // namespace json
