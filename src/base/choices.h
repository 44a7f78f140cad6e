// Random decisions from bytes, for fuzz targets and for tests that make many cases.
#ifndef SEDGE_BASE_CHOICES_H_
#define SEDGE_BASE_CHOICES_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

namespace sedge::fuzz {

/// The input as a stream of choices; past the last byte every choice is 0.
class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : rest_(data, size) {}
  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  /// 0 … bound - 1
  uint32_t below(uint32_t bound) {
    uint32_t value = byte();
    if (bound > 256) value = value << 8 | byte();
    return value % bound;
  }
  /// Numbers that matter (0, 1, -1, the limits) about as often as any number.
  uint64_t number() {
    static constexpr uint64_t kEdges[] = {0,
                                          1,
                                          ~0ull,
                                          0x7f,
                                          0x80,
                                          0xff,
                                          0x7fff,
                                          0x8000,
                                          0xffff,
                                          0x10000,
                                          0x7fffffff,
                                          0x80000000,
                                          0xffffffff,
                                          1ull << 32,
                                          1ull << 63,
                                          ~0ull >> 1,
                                          0x7fc00000,
                                          0x7f800000,
                                          0xff800001,
                                          0x7ff8ull << 48,
                                          0x7ff0ull << 48,
                                          0x3ff0ull << 48};
    if (below(2) == 0) return kEdges[below(std::size(kEdges))];
    uint64_t value = 0;
    for (uint32_t bytes = 1 + below(8); bytes > 0; --bytes) value = value << 8 | byte();
    return value;
  }

 private:
  std::span<const uint8_t> rest_;
};

}  // namespace sedge::fuzz

#endif  // SEDGE_BASE_CHOICES_H_
