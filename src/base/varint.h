// Numbers as compact side tables keep them: unsigned LEB128. For our own data, which is
// well-formed; what comes from outside is read by base/reader.h.
#ifndef SEDGE_BASE_VARINT_H_
#define SEDGE_BASE_VARINT_H_

#include <cstdint>
#include <vector>

namespace sedge {

inline void write_varint(std::vector<uint8_t>& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
  out.push_back(static_cast<uint8_t>(value));
}

inline uint64_t read_varint(const uint8_t*& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = *at++;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

/// Differences may be negative: small ones of either sign become small numbers.
inline uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

}  // namespace sedge

#endif  // SEDGE_BASE_VARINT_H_
