// Anonymous address ranges: reserved without access, committed page by page. Move-only.
#ifndef SEDGE_BASE_MAPPING_H_
#define SEDGE_BASE_MAPPING_H_

#include <cstddef>
#include <cstdint>
#include <utility>

namespace sedge {

/// Owns a range of address space; unmaps it on destruction.
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    if (this != &other) {
      release();
      base_ = std::exchange(other.base_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~Mapping() { release(); }

  /// Reserves `size` bytes (rounded up to pages) without access; empty if the system refuses.
  static Mapping reserve(size_t size);
  /// `size` readable and writable zero bytes, lazily backed; empty if the system refuses.
  static Mapping zeroed(size_t size);

  uint8_t* data() const { return base_; }
  size_t size() const { return size_; }
  explicit operator bool() const { return base_ != nullptr; }

  /// Makes [from, to) of the range readable and writable (both rounded to pages); false if refused.
  bool commit(size_t from, size_t to);
  /// Gives the pages of [from, to) back; they read as zero afterwards.
  void discard(size_t from, size_t to);
  /// Makes [0, to) read as zero, by whichever is cheaper: clearing the pages that were touched and
  /// keeping them, or giving all of them back.
  void clear(size_t to);

 private:
  void release();
  uint8_t* base_ = nullptr;
  size_t size_ = 0;
};

/// The system's page size in bytes.
size_t page_size();

}  // namespace sedge

#endif  // SEDGE_BASE_MAPPING_H_
