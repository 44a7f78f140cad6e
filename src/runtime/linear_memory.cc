// Reserving, committing and recycling the address ranges of linear memories.
#include "runtime/linear_memory.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>

namespace sedge::runtime {
namespace {

// Ranges of 32-bit memories are all of this size so that any slot fits any of them; the page beyond
// 4 GiB catches nothing, it keeps address arithmetic of 16-byte accesses inside the range.
constexpr size_t kCheckedSlot = (size_t{1} << 32) + 65536;
// A free slot keeps at most this much of its last user's memory.
constexpr size_t kKeepLimit = 4 << 20;

}  // namespace

vm::MemoryStyle best_memory_style() {
#if defined(__x86_64__) || defined(__aarch64__)
  rlimit limit{};
  const bool limited = ::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
  if (!limited && Mapping::reserve(vm::kGuardedReserve)) return vm::MemoryStyle::guarded;
#endif
  return vm::MemoryStyle::checked;
}

size_t MemoryPool::slot_size() const {
  return style_ == vm::MemoryStyle::guarded ? vm::kGuardedReserve : kCheckedSlot;
}

std::optional<MemoryPool::Slot> MemoryPool::take(size_t reserve) {
  Slot slot;
  if (reserve <= slot_size()) {
    std::lock_guard lock(mutex_);
    if (!free_.empty() && free_.back().mapping.size() >= reserve) {
      slot = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (slot.mapping) {
    if (slot.mapping.restore(std::exchange(slot.dirty, 0))) return slot;
    slot = {};
  }
  if (reserve <= slot_size()) slot.mapping = Mapping::reserve(slot_size());
  if (!slot.mapping) slot.mapping = Mapping::reserve(reserve);
  if (!slot.mapping) return std::nullopt;
  return slot;
}

void MemoryPool::give(Slot slot, size_t used) {
  if (slot.mapping.size() < slot_size() || slot.mapping.size() > slot_size() + page_size()) return;
  {
    std::lock_guard lock(mutex_);
    if (free_.size() >= kMaxFree) return;
  }
  // Clearing waits for the next user, so that a process that ends never pays for it; what is too
  // much to keep goes back to the system at once.
  if (used <= kKeepLimit) {
    slot.dirty = used;
  } else if (!slot.mapping.discard(0, used)) {
    return;
  }
  std::lock_guard lock(mutex_);
  free_.push_back(std::move(slot));
}

LinearMemory::LinearMemory(const MemoryType& type, std::shared_ptr<MemoryPool> pool)
    : type_(type), pool_(std::move(pool)) {
  page_size_log2 = type.page_size_log2;
  is64 = type.is64;
  shared = type.shared;
}

Result<std::unique_ptr<LinearMemory>> LinearMemory::create(const MemoryType& type,
                                                           std::shared_ptr<MemoryPool> pool,
                                                           std::shared_ptr<const PageImage> image) {
  std::unique_ptr<LinearMemory> memory(new LinearMemory(type, std::move(pool)));
  int shift = type.page_size_log2;
  uint64_t cap_bytes = type.is64 ? kMaxReserve64 : uint64_t{1} << 32;
  uint64_t cap_pages = cap_bytes >> shift;
  if (!type.is64 && shift == 0) cap_pages = UINT32_MAX;  // sizes are i32 values
  memory->max_pages_ = std::min(type.limits.max.value_or(UINT64_MAX), cap_pages);
  auto refuse = [&] {
    return fail(ErrorCode::out_of_memory,
                fmt::format(": a memory of {} pages of {} bytes cannot be reserved",
                            type.limits.min, uint64_t{1} << shift));
  };
  if (type.limits.min > memory->max_pages_) return refuse();
  uint64_t min_bytes = type.limits.min << shift;
  uint64_t reserve = std::max<uint64_t>(memory->max_pages_ << shift, 1);
  const bool guarded = memory->style() == vm::MemoryStyle::guarded;
  if (guarded) reserve = vm::kGuardedReserve;
  // Where address space is scarce (RLIMIT_AS, 39-bit kernels) try less than the maximum.
  for (;;) {
    if (auto slot = memory->pool_->take(reserve)) {
      memory->slot_ = std::move(*slot);
      break;
    }
    if (guarded || reserve <= std::max<uint64_t>(min_bytes, 65536)) return refuse();
    reserve = std::max(reserve / 2, std::max<uint64_t>(min_bytes, 65536));
  }
  memory->max_pages_ = std::min(memory->max_pages_, memory->slot_.mapping.size() >> shift);
  memory->base = memory->slot_.mapping.data();
  // What the last user of the range had beyond our size must fault.
  if (guarded && memory->slot_.committed > min_bytes) {
    if (!memory->slot_.mapping.protect(min_bytes, memory->slot_.committed)) return refuse();
    memory->slot_.committed = min_bytes;
  }
  if (!memory->grow(type.limits.min)) return refuse();
  if (image != nullptr) {
    if (!image->map_at(memory->base)) return refuse();
    memory->image_ = std::move(image);
  }
  return memory;
}

LinearMemory::~LinearMemory() {
  if (image_ != nullptr && !slot_.mapping.unmap_image(image_->size())) return;
  if (!has_huge_pages_) pool_->give(std::move(slot_), size.load(std::memory_order_relaxed));
}

std::optional<uint64_t> LinearMemory::grow(uint64_t delta) {
  std::lock_guard lock(grow_mutex_);
  uint64_t old_size = size.load(std::memory_order_relaxed);
  uint64_t old_pages = old_size >> page_size_log2;
  if (delta > max_pages_ || old_pages + delta > max_pages_) return std::nullopt;
  if (delta == 0) return old_pages;
  uint64_t new_size = (old_pages + delta) << page_size_log2;
  if (new_size > slot_.committed) {
    if (!slot_.mapping.commit(slot_.committed, new_size)) return std::nullopt;
    slot_.committed =
        std::min<size_t>((new_size + page_size() - 1) & ~(page_size() - 1), slot_.mapping.size());
  }
  size.store(new_size, std::memory_order_release);
  return old_pages;
}

void LinearMemory::expect_data(uint64_t from, uint64_t to) {
  has_huge_pages_ |= slot_.mapping.prefer_huge(from, to);
}

bool LinearMemory::start_from(std::shared_ptr<const PageImage> image) {
  if (image_ != image && !image->map_at(base)) return false;
  image_ = std::move(image);
  return true;
}

bool LinearMemory::reset() {
  const uint64_t used = size.load(std::memory_order_relaxed);
  if (!slot_.mapping.restore(used, image_.get())) return false;
  const uint64_t initial = type_.limits.min << page_size_log2;
  if (used == initial) return true;
  if (style() == vm::MemoryStyle::guarded) {
    if (!slot_.mapping.protect(initial, slot_.committed)) return false;
    slot_.committed = initial;
  }
  size.store(initial, std::memory_order_relaxed);
  return true;
}

}  // namespace sedge::runtime
