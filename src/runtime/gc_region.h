// The address range of a GC heap: 4 GiB reserved, objects in its upper half only, with side tables
// for object starts, marks and lines. Small objects' blocks grow from the bottom of that half, runs
// of pages for large objects from its top.
#ifndef SEDGE_RUNTIME_GC_REGION_H_
#define SEDGE_RUNTIME_GC_REGION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/mapping.h"

namespace sedge::runtime {

inline constexpr uint32_t kGcBias = 0x8000'0000;  ///< the least reference to an object
inline constexpr uint64_t kGcSpan = 0x8000'0000;  ///< bytes from there to the end of the range
inline constexpr uint32_t kGcGranule = 8;         ///< alignment of objects
inline constexpr uint32_t kGcLine = 128;          ///< unit in which free space is found
inline constexpr uint32_t kGcBlock = 32 * 1024;   ///< unit in which blocks are classified
inline constexpr uint32_t kGcPage = 4096;         ///< unit of large objects

/// Places are byte offsets from kGcBias: reference - kGcBias.
using GcPlace = uint32_t;

class GcRegion {
 public:
  static std::optional<GcRegion> reserve();

  uint8_t* base() const { return range_.data(); }
  uint8_t* at(GcPlace place) const { return range_.data() + kGcBias + place; }
  /// Makes objects and side tables of [from, to) accessible; false if the system refuses.
  bool commit(uint64_t from, uint64_t to);
  /// Gives memory of [from, to) back to the system; it reads as zero afterwards.
  void discard(uint64_t from, uint64_t to);

  // Side tables. Starts and marks: one bit per granule, bit (place / 8) % 8 of byte place / 64.
  // Lines: one byte per line, not 0 if live.
  uint8_t* starts() const { return starts_.data(); }
  uint8_t* marks() const { return marks_.data(); }
  uint8_t* lines() const { return lines_.data(); }
  void swap_starts_and_marks() { std::swap(starts_, marks_); }

 private:
  Mapping range_, starts_, marks_, lines_;
  uint64_t low_ = 0, high_ = kGcSpan;  ///< committed: [0, low_) and [high_, kGcSpan)
};

/// Objects too large for blocks: each is a run of pages. Best fit, neighbours coalesced.
class GcLargeSpace {
 public:
  explicit GcLargeSpace(GcRegion& region) : region_(region) {}

  /// Place of a zeroed run of at least `bytes`; nothing if it would reach below `floor`.
  std::optional<GcPlace> allocate(uint64_t bytes, uint64_t floor);
  /// Whether an object starts at `place`.
  bool contains(GcPlace place) const { return objects_.contains(place); }
  /// Marks the object at `place`; false if it was marked, or if there is none.
  bool mark(GcPlace place);
  /// Frees what is not marked and clears marks.
  void sweep();

  uint64_t begin() const { return begin_; }    ///< lowest place in use
  uint64_t lowest() const { return lowest_; }  ///< lowest place ever in use: below it all is zero

 private:
  struct Object {
    uint32_t bytes;  ///< whole pages
    bool marked;
  };
  void add_free(uint64_t place, uint64_t bytes);
  void remove_free(std::map<uint64_t, uint64_t>::iterator run);

  GcRegion& region_;
  std::unordered_map<GcPlace, Object> objects_;
  std::map<uint64_t, uint64_t> free_;                     ///< bytes by place
  std::set<std::pair<uint64_t, uint64_t>> free_by_size_;  ///< (bytes, place)
  uint64_t begin_ = kGcSpan;
  uint64_t lowest_ = kGcSpan;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_GC_REGION_H_
