// What a range of memory holds at first, kept once and mapped copy-on-write wherever it is needed:
// a sealed memfd, or private pages that are copied where the system has none.
#ifndef SEDGE_BASE_PAGE_IMAGE_H_
#define SEDGE_BASE_PAGE_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/mapping.h"

namespace sedge {

class PageImage;
/// What the memories of a store hold at first, in the order in which they are made; null: zeros.
using PageImages = std::vector<std::shared_ptr<const PageImage>>;

/// Immutable and thread-safe once made.
class PageImage {
 public:
  struct Piece {
    uint64_t at = 0;
    std::span<const uint8_t> bytes;
  };
  /// Zero but for `pieces`, of which later ones overwrite earlier ones; it ends with the page of
  /// the last byte. Null if the pieces are all empty, or if the system refuses.
  static std::shared_ptr<const PageImage> create(std::span<const Piece> pieces);

  const uint8_t* data() const { return pages_.data(); }
  /// In bytes, whole pages.
  size_t size() const { return pages_.size(); }
  /// Puts a private copy of the image in the place of [at, at + size()), which is mapped memory.
  /// False if the system refuses; then that range is as it was.
  bool map_at(uint8_t* at) const;
  /// Whether pages that are given back read as the image again.
  bool is_backing() const { return static_cast<bool>(file_); }

 private:
  bool fill_file(std::span<const Piece> pieces, size_t size);
  Fd file_;  ///< none: `pages_` are private
  Mapping pages_;
};

}  // namespace sedge

#endif  // SEDGE_BASE_PAGE_IMAGE_H_
