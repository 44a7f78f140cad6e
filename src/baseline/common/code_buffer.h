// Machine code while it grows: bytes, with room asked for ahead and a limit.
#ifndef SEDGE_BASELINE_COMMON_CODE_BUFFER_H_
#define SEDGE_BASELINE_COMMON_CODE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace sedge::baseline {

class CodeBuffer {
 public:
  CodeBuffer() { bytes_.resize(4096); }

  uint32_t pos() const { return at_; }
  std::vector<uint8_t> take() {
    bytes_.resize(at_);
    return std::move(bytes_);
  }

  void byte(unsigned value) { bytes_[at_++] = static_cast<uint8_t>(value); }
  void word32(uint32_t value) { put(value); }
  void word64(uint64_t value) { put(value); }
  uint32_t read32(uint32_t at) const {
    uint32_t value;
    std::memcpy(&value, &bytes_[at], sizeof(value));
    return value;
  }
  void patch32(uint32_t at, uint32_t value) { std::memcpy(&bytes_[at], &value, sizeof(value)); }
  /// Code beyond this size is dropped, which `overflowed` tells; at most 1 GiB.
  void set_limit(size_t bytes) { limit_ = bytes; }
  bool overflowed() const { return overflowed_; }
  /// Makes room for a few instructions.
  void reserve(size_t size = 64) {
    if (at_ + size > bytes_.size()) [[unlikely]]
      grow(size);
  }

 protected:
  template <typename T>
  void put(T value) {
    std::memcpy(&bytes_[at_], &value, sizeof(T));
    at_ += static_cast<uint32_t>(sizeof(T));
  }
  /// What was asked for cannot be encoded: as if there were no room.
  void give_up() { overflowed_ = true; }

 private:
  void grow(size_t size) {
    if (at_ + size > limit_) {
      overflowed_ = true;
      at_ = 0;
    }
    if (at_ + size > bytes_.size()) bytes_.resize((at_ + size) * 2);
  }

  std::vector<uint8_t> bytes_;
  uint32_t at_ = 0;
  size_t limit_ = size_t{1} << 30;
  bool overflowed_ = false;
};

}  // namespace sedge::baseline

#endif  // SEDGE_BASELINE_COMMON_CODE_BUFFER_H_
