// Reserving, committing and recycling the address ranges of linear memories.
#include "runtime/linear_memory.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace sedge::runtime {
namespace {

// Ranges of 32-bit memories are all of this size so that any slot fits any of them; the page beyond
// 4 GiB catches nothing, it keeps address arithmetic of 16-byte accesses inside the range.
constexpr size_t kSlotSize = (size_t{1} << 32) + 65536;
// A free slot keeps at most this much of its last user's memory.
constexpr size_t kKeepLimit = 4 << 20;

}  // namespace

std::optional<MemoryPool::Slot> MemoryPool::take(size_t reserve) {
  Slot slot;
  if (reserve <= kSlotSize) {
    std::lock_guard lock(mutex_);
    if (!free_.empty() && free_.back().mapping.size() >= reserve) {
      slot = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (slot.mapping) {
    slot.mapping.clear(std::exchange(slot.dirty, 0));
    return slot;
  }
  if (reserve <= kSlotSize) slot.mapping = Mapping::reserve(kSlotSize);
  if (!slot.mapping) slot.mapping = Mapping::reserve(reserve);
  if (!slot.mapping) return std::nullopt;
  return slot;
}

void MemoryPool::give(Slot slot, size_t used) {
  if (slot.mapping.size() < kSlotSize || slot.mapping.size() > kSlotSize + page_size()) return;
  {
    std::lock_guard lock(mutex_);
    if (free_.size() >= kMaxFree) return;
  }
  // Clearing waits for the next user, so that a process that ends never pays for it; what is too
  // much to keep goes back to the system at once.
  if (used <= kKeepLimit) {
    slot.dirty = used;
  } else {
    slot.mapping.discard(0, used);
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
                                                           std::shared_ptr<MemoryPool> pool) {
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
  // Where address space is scarce (RLIMIT_AS, 39-bit kernels) try less than the maximum.
  for (;;) {
    if (auto slot = memory->pool_->take(reserve)) {
      memory->slot_ = std::move(*slot);
      break;
    }
    if (reserve <= std::max<uint64_t>(min_bytes, 65536)) return refuse();
    reserve = std::max(reserve / 2, std::max<uint64_t>(min_bytes, 65536));
  }
  memory->max_pages_ = std::min(memory->max_pages_, memory->slot_.mapping.size() >> shift);
  memory->base = memory->slot_.mapping.data();
  if (!memory->grow(type.limits.min)) return refuse();
  return memory;
}

LinearMemory::~LinearMemory() {
  pool_->give(std::move(slot_), size.load(std::memory_order_relaxed));
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

}  // namespace sedge::runtime
