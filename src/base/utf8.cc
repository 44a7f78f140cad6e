// UTF-8 checking by the table of RFC 3629 section 4, with fast paths for ASCII.
#include "base/utf8.h"

#include <cstddef>
#include <cstring>

namespace sedge {
namespace {

bool is_tail(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Bytes of the sequence that starts at p (end exclusive), or 0 if it is malformed.
size_t sequence_length(const unsigned char* p, const unsigned char* end) {
  unsigned char lead = *p;
  auto left = static_cast<size_t>(end - p);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return left >= 2 && is_tail(p[1]) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (left < 3 || !is_tail(p[1]) || !is_tail(p[2])) return 0;
    if (lead == 0xe0 && p[1] < 0xa0) return 0;
    if (lead == 0xed && p[1] > 0x9f) return 0;
    return 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (left < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3])) return 0;
    if (lead == 0xf0 && p[1] < 0x90) return 0;
    if (lead == 0xf4 && p[1] > 0x8f) return 0;
    return 4;
  }
  return 0;
}

constexpr uint64_t kHighBits = 0x8080808080808080;

template <typename T>
T load(const unsigned char* p) {
  T value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

constexpr std::ptrdiff_t kBlock = 128;

bool is_ascii_block(const unsigned char* p) {
  using Vector [[gnu::vector_size(16)]] = uint64_t;
  Vector all = {};
  for (std::ptrdiff_t i = 0; i < kBlock; i += 16) all |= load<Vector>(p + i);
  return ((all[0] | all[1]) & kHighBits) == 0;
}

}  // namespace

size_t utf8_valid_prefix(std::string_view text) {
  const auto* begin = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* end = begin + text.size();
  const unsigned char* p = begin;
  while (p != end) {
    if (end - p >= 8 && (load<uint64_t>(p) & kHighBits) == 0) {
      p += 8;
      while (end - p >= kBlock && is_ascii_block(p)) p += kBlock;
      continue;
    }
    size_t length = sequence_length(p, end);
    if (length == 0) break;
    p += length;
  }
  return static_cast<size_t>(p - begin);
}

bool is_utf8(std::string_view text) { return utf8_valid_prefix(text) == text.size(); }

void append_utf8(std::string& out, uint32_t code_point) {
  auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    put(0xe0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3f));
    put(0x80 | (code_point & 0x3f));
  } else {
    put(0xf0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3f));
    put(0x80 | ((code_point >> 6) & 0x3f));
    put(0x80 | (code_point & 0x3f));
  }
}

}  // namespace sedge
