// Collection: marks from the roots with an explicit stack, then finds free lines and blocks.
// Objects stay where they are, so a conservative root costs no more than what it keeps alive.
#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/gc_heap.h"

namespace sedge::runtime {
namespace {

using vm::ObjectHeader;
using vm::ObjectKind;

// Elements of an array that are looked at before what they refer to: bounds the stack.
constexpr uint32_t kElementsAtOnce = 512;

}  // namespace

class GcHeap::Marker : public RootVisitor {
 public:
  explicit Marker(GcHeap& heap)
      : heap_(heap),
        marks_(heap.region_.marks()),
        lines_(heap.region_.lines()),
        blocks_end_(heap.blocks_ * kGcBlock) {}

  void cells(const Cell* begin, const Cell* end) override {
    for (const Cell* cell = begin; cell < end; cell++) candidate(static_cast<GcRef>(*cell));
    drain();
  }
  void ref(GcRef ref) override {
    candidate(ref);
    drain();
  }
  uint64_t live_bytes() const { return live_bytes_; }

 private:
  struct Work {
    GcRef ref = 0;
    uint32_t element = 0;  ///< of an array: the next to look at; 0 for an object not seen yet
  };

  // Marks `value` if an object starts there.
  void candidate(GcRef value) {
    if (value < kGcBias || value % kGcGranule != 0) return;
    const GcPlace place = value - kGcBias;
    if (place < blocks_end_) {
      if (heap_.starts_at(place)) mark_small(value);
    } else if (heap_.large_.mark(place)) {
      push(value);
    }
  }
  // Marks what a field holds: null, an i31 or an object.
  void field(GcRef value) {
    if (value < kGcBias || (value & 1) != 0) return;
    if (value - kGcBias < blocks_end_) {
      mark_small(value);
    } else if (heap_.large_.mark(value - kGcBias)) {
      push(value);
    }
  }
  void mark_small(GcRef ref) {
    const GcPlace place = ref - kGcBias;
    const auto bit = static_cast<uint8_t>(1u << (place / 8 % 8));
    if ((marks_[place / 64] & bit) != 0) return;
    marks_[place / 64] |= bit;
    push(ref);
  }
  void push(GcRef ref) { stack_.push_back({ref, 0}); }

  // Work waits in a short queue between the stack and its turn, while its object is fetched.
  void drain() {
    for (;;) {
      Work& oldest = queue_[turn_];
      turn_ = (turn_ + 1) % kQueue;
      const Work work = std::exchange(oldest, Work{});
      if (!stack_.empty()) {
        oldest = stack_.back();
        stack_.pop_back();
        queued_++;
        __builtin_prefetch(heap_.base_ + oldest.ref);
      } else if (queued_ == 0) {
        return;
      }
      if (work.ref != 0) {
        queued_--;
        visit(work);
      }
    }
  }
  // Counts the object and its lines on the first visit, and marks what it refers to.
  void visit(Work work) {
    const uint8_t* object = heap_.base_ + work.ref;
    ObjectHeader header;
    std::memcpy(&header, object, sizeof(header));
    const ObjectType& type = heap_.type_of(header);
    if (header.kind() == ObjectKind::array) {
      const uint32_t length = load(object + vm::kArrayLength);
      if (work.element == 0) account(work.ref, vm::array_size(length, type.element_size));
      if (type.element_refs) visit_elements(work, object, length);
      return;
    }
    account(work.ref, type.size);
    for (const uint32_t offset : type.ref_offsets) field(load(object + offset));
  }
  void account(GcRef ref, uint64_t size) {
    live_bytes_ += size;
    const GcPlace place = ref - kGcBias;
    if (place >= blocks_end_) return;
    const uint64_t last = (place + size - 1) / kGcLine;
    for (uint64_t line = place / kGcLine; line <= last; line++) lines_[line] = 1;
  }
  void visit_elements(Work work, const uint8_t* array, uint32_t length) {
    uint32_t end = length;
    if (length - work.element > kElementsAtOnce) {
      end = work.element + kElementsAtOnce;
      stack_.push_back({work.ref, end});
    }
    const uint8_t* elements = array + vm::kArrayElements;
    for (uint32_t i = work.element; i < end; i++) field(load(elements + uint64_t{i} * 4));
  }
  static uint32_t load(const uint8_t* place) {
    uint32_t word;
    std::memcpy(&word, place, sizeof(word));
    return word;
  }

  GcHeap& heap_;
  uint8_t* const marks_;
  uint8_t* const lines_;
  const GcPlace blocks_end_;
  static constexpr uint32_t kQueue = 8;
  std::vector<Work> stack_;
  Work queue_[kQueue];
  uint32_t turn_ = 0;
  uint32_t queued_ = 0;
  uint64_t live_bytes_ = 0;
};

// Whether an object of a block starts at `place`. Allocation notes no starts: few objects are ever
// asked for, and theirs are found from the beginning of their hole on.
bool GcHeap::starts_at(GcPlace place) {
  auto noted = [&] { return (starts_[place / 64] >> (place / 8 % 8) & 1) != 0; };
  if (noted()) return true;
  auto after = std::ranges::upper_bound(fresh_, place, {}, &Fresh::begin);
  if (after == fresh_.begin()) return false;
  Fresh& hole = *std::prev(after);
  if (hole.settled || place >= hole.end) return false;
  for (GcPlace at = hole.begin; at < hole.end;
       at += static_cast<GcPlace>(object_size(kGcBias + at))) {
    starts_[at / 64] = static_cast<uint8_t>(starts_[at / 64] | 1u << (at / 8 % 8));
  }
  hole.settled = true;
  return noted();
}

void GcHeap::collect() {
  close_hole(hole_);
  close_hole(overflow_);
  std::ranges::sort(fresh_, {}, &Fresh::begin);
  std::memset(region_.lines(), 0, uint64_t{blocks_} * kGcBlock / kGcLine);

  Marker marker(*this);
  roots_.visit_roots(marker);
  marker.cells(extra_roots_.data(), extra_roots_.data() + extra_roots_.size());

  // What is not marked is no object any more; the table of marks is cleared for the next time.
  region_.swap_starts_and_marks();
  starts_ = region_.starts();
  fresh_.clear();
  std::memset(region_.marks(), 0, uint64_t{blocks_} * kGcBlock / kGcGranule / 8);
  large_.sweep();
  sweep_blocks();
  live_ = marker.live_bytes();
  allocated_ = 0;
  trigger_ = std::max(kMinTrigger, live_);
  release_free_blocks();
  collections_++;
  sweep_externs();
}

void GcHeap::sweep_blocks() {
  constexpr uint32_t kLines = kGcBlock / kGcLine;
  free_blocks_.clear();
  recyclable_.clear();
  scan_ = scan_end_ = 0;
  for (uint32_t block = blocks_; block-- > 0;) {
    const uint8_t* lines = region_.lines() + uint64_t{block} * kLines;
    const auto live = static_cast<uint32_t>(std::count(lines, lines + kLines, uint8_t{1}));
    if (live == 0) {
      free_blocks_.push_back(block);
    } else if (live < kLines) {
      recyclable_.push_back(block);
    }
  }
}

// Free blocks that are not needed until the next collection go back to the system, highest first.
void GcHeap::release_free_blocks() {
  const uint64_t keep = (trigger_ + trigger_ / 4) / kGcBlock;
  uint64_t begin = 0, end = 0;  // a run of blocks
  for (size_t i = 0; i + keep < free_blocks_.size(); i++) {
    const uint32_t block = free_blocks_[i];
    if (clean_[block]) continue;
    clean_[block] = true;
    if (block + uint64_t{1} != begin) {
      if (begin < end) region_.discard(begin * kGcBlock, end * kGcBlock);
      end = block + uint64_t{1};
    }
    begin = block;
  }
  if (begin < end) region_.discard(begin * kGcBlock, end * kGcBlock);
}

void GcHeap::sweep_externs() {
  std::vector<ExternBox> dead;
  std::erase_if(externs_, [&](const ExternBox& box) {
    const GcPlace place = box.ref - kGcBias;
    if ((starts_[place / 64] >> (place / 8 % 8) & 1) != 0) return false;
    dead.push_back(box);
    return true;
  });
  for (const ExternBox& box : dead) box.destroy(box.value);
}

}  // namespace sedge::runtime
