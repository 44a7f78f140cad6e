// Anonymous address ranges: reserved without access, committed page by page. Move-only.
#ifndef SEDGE_BASE_MAPPING_H_
#define SEDGE_BASE_MAPPING_H_

#include <cstddef>
#include <cstdint>
#include <utility>

namespace sedge {

class PageImage;

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
  /// Lazy: backed page by page as they are touched. Eager: all at once, in pages of 2 MiB where the
  /// system has them, for ranges of which every byte will be used.
  enum class Backing : uint8_t { lazy, eager };
  /// `size` readable and writable zero bytes; empty if the system refuses.
  static Mapping zeroed(size_t size, Backing backing = Backing::lazy);
  /// The first `size` bytes (whole pages) of a file, read-only; empty if the system refuses.
  static Mapping of_file(int file, size_t size);
  /// The same to be written as well, and what is written is in the file.
  static Mapping shared_file(int file, size_t size);

  uint8_t* data() const { return base_; }
  size_t size() const { return size_; }
  explicit operator bool() const { return base_ != nullptr; }

  /// Makes [from, to) of the range readable and writable (both rounded to pages); false if refused.
  bool commit(size_t from, size_t to);
  /// Takes the access to [from, to) away (both rounded up to pages); what they hold stays. False if
  /// refused.
  bool protect(size_t from, size_t to);
  /// Every byte of [from, to) will be written: asks for pages of 2 MiB that lie wholly in it. False
  /// if there are none, or the system has none to give.
  bool prefer_huge(size_t from, size_t to);
  /// Makes the whole range readable and executable, no more writable, for good. False if refused.
  bool seal_as_code();
  /// Gives the pages of [from, to) back; they read as at first afterwards. False if refused.
  bool discard(size_t from, size_t to);
  /// Makes [0, to) read as at first: as `image`, which was mapped at the start, and zero behind it
  /// (null: all zero). By whichever is cheaper: rewriting the pages that were written and keeping
  /// them, or giving all of them back. False if the system refuses.
  bool restore(size_t to, const PageImage* image = nullptr);
  /// Puts accessible zero pages in the place of [0, size). False if refused.
  bool unmap_image(size_t size);

 private:
  void release();
  uint8_t* base_ = nullptr;
  size_t size_ = 0;
};

/// The system's page size in bytes.
size_t page_size();

}  // namespace sedge

#endif  // SEDGE_BASE_MAPPING_H_
