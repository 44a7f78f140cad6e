// Reservation of a GC heap's range and its large-object space.
#include "runtime/gc_region.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace sedge::runtime {
namespace {

// Commits go in steps of this, so that the system is seldom asked.
constexpr uint64_t kCommitStep = 1 << 20;
// Freed runs from this size on are given back to the system at once.
constexpr uint64_t kDiscardFrom = 1 << 20;

}  // namespace

std::optional<GcRegion> GcRegion::reserve() {
  GcRegion region;
  region.range_ = Mapping::reserve(kGcBias + kGcSpan);
  region.starts_ = Mapping::reserve(kGcSpan / kGcGranule / 8);
  region.marks_ = Mapping::reserve(kGcSpan / kGcGranule / 8);
  region.lines_ = Mapping::reserve(kGcSpan / kGcLine);
  if (!region.range_ || !region.starts_ || !region.marks_ || !region.lines_) return std::nullopt;
  return region;
}

bool GcRegion::commit(uint64_t from, uint64_t to) {
  if (to <= low_ || from >= high_) return true;
  from &= ~(kCommitStep - 1);
  to = (to + kCommitStep - 1) & ~(kCommitStep - 1);
  constexpr uint64_t kPerBitmapByte = uint64_t{kGcGranule} * 8;
  const bool done = range_.commit(kGcBias + from, kGcBias + to) &&
                    starts_.commit(from / kPerBitmapByte, to / kPerBitmapByte) &&
                    marks_.commit(from / kPerBitmapByte, to / kPerBitmapByte) &&
                    lines_.commit(from / kGcLine, to / kGcLine);
  if (!done) return false;
  if (from <= low_) low_ = std::max(low_, to);
  if (to >= high_) high_ = std::min(high_, from);
  return true;
}

void GcRegion::discard(uint64_t from, uint64_t to) { range_.discard(kGcBias + from, kGcBias + to); }

void GcLargeSpace::add_free(uint64_t place, uint64_t bytes) {
  auto next = free_.lower_bound(place);
  if (next != free_.end() && place + bytes == next->first) {
    bytes += next->second;
    const auto merged = next++;
    remove_free(merged);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == place) {
      place = before->first;
      bytes += before->second;
      remove_free(before);
    }
  }
  if (place == begin_) {  // nothing below: the space shrinks
    begin_ += bytes;
    return;
  }
  free_.emplace(place, bytes);
  free_by_size_.emplace(bytes, place);
}

void GcLargeSpace::remove_free(std::map<uint64_t, uint64_t>::iterator run) {
  free_by_size_.erase({run->second, run->first});
  free_.erase(run);
}

std::optional<GcPlace> GcLargeSpace::allocate(uint64_t bytes, uint64_t floor) {
  bytes = (bytes + kGcPage - 1) & ~uint64_t{kGcPage - 1};
  uint64_t place;
  if (const auto fit = free_by_size_.lower_bound({bytes, 0}); fit != free_by_size_.end()) {
    const uint64_t run_bytes = fit->first;
    place = fit->second;
    remove_free(free_.find(place));
    if (run_bytes > bytes) {
      free_.emplace(place + bytes, run_bytes - bytes);
      free_by_size_.emplace(run_bytes - bytes, place + bytes);
    }
  } else {
    if (begin_ < floor + bytes) return std::nullopt;
    place = begin_ - bytes;
    if (!region_.commit(place, begin_)) return std::nullopt;
    begin_ = place;
  }
  // Below lowest_ memory is as the system gave it.
  const uint64_t used_before = place < lowest_ ? std::min(lowest_, place + bytes) : place;
  std::memset(region_.at(static_cast<GcPlace>(used_before)), 0, place + bytes - used_before);
  lowest_ = std::min(lowest_, place);
  objects_.emplace(static_cast<GcPlace>(place), Object{static_cast<uint32_t>(bytes), false});
  return static_cast<GcPlace>(place);
}

bool GcLargeSpace::mark(GcPlace place) {
  const auto found = objects_.find(place);
  if (found == objects_.end() || found->second.marked) return false;
  found->second.marked = true;
  return true;
}

void GcLargeSpace::sweep() {
  for (auto it = objects_.begin(); it != objects_.end();) {
    if (it->second.marked) {
      it->second.marked = false;
      ++it;
      continue;
    }
    const uint64_t place = it->first, bytes = it->second.bytes;
    it = objects_.erase(it);
    if (bytes >= kDiscardFrom) region_.discard(place, place + bytes);
    add_free(place, bytes);
  }
}

}  // namespace sedge::runtime
