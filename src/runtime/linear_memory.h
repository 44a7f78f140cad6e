// Linear memories: a reserved address range whose beginning is accessible, recycled through a pool.
// Spec: "Memory Instances".
#ifndef SEDGE_RUNTIME_LINEAR_MEMORY_H_
#define SEDGE_RUNTIME_LINEAR_MEMORY_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <sedge/error.h>
#include <sedge/types.h>

#include "base/mapping.h"
#include "base/page_image.h"
#include "vm/layout.h"
#include "vm/native.h"

namespace sedge::runtime {

/// What this process can do: `guarded` where faults become traps and address space for it is there.
vm::MemoryStyle best_memory_style();

/// Address ranges of 32-bit memories that were used and given back, ready for the next instance
/// (cleared when they are taken, or their pages discarded). Thread-safe; shared by the stores of an
/// engine.
class MemoryPool {
 public:
  /// `guarded`: memories that can be are, all of them.
  explicit MemoryPool(vm::MemoryStyle style) : style_(style) {}
  /// How accesses to a memory of this type are checked.
  vm::MemoryStyle style(const MemoryType& type) const {
    return !type.is64 && type.page_size_log2 == 16 ? style_ : vm::MemoryStyle::checked;
  }
  struct Slot {
    Mapping mapping;
    size_t committed = 0;  ///< bytes from the start that are accessible
    size_t dirty = 0;      ///< bytes from the start that its last user may have written
  };
  /// The size of slots for 32-bit memories.
  size_t slot_size() const;
  /// A slot of at least `reserve` bytes, all zero, or nothing if the system refuses.
  std::optional<Slot> take(size_t reserve);
  /// Takes a slot back; `used` bytes from its start may have been written.
  void give(Slot slot, size_t used);

 private:
  static constexpr size_t kMaxFree = 256;
  vm::MemoryStyle style_;
  std::mutex mutex_;
  std::vector<Slot> free_;
};

/// One memory. Growth by several threads is serialised here; reads of `size` need no lock.
class LinearMemory : public vm::Memory {
 public:
  /// Reserves up to the type's maximum (guarded: vm::kGuardedReserve, else 32-bit: at most 4 GiB;
  /// 64-bit: at most `kMaxReserve64`) and commits the minimum. Errors: out_of_memory.
  /// `image`: what the minimum holds at first, no larger than that; null: zeros.
  static Result<std::unique_ptr<LinearMemory>> create(
      const MemoryType& type, std::shared_ptr<MemoryPool> pool,
      std::shared_ptr<const PageImage> image = nullptr);
  ~LinearMemory();
  LinearMemory(const LinearMemory&) = delete;
  LinearMemory& operator=(const LinearMemory&) = delete;

  const MemoryType& type() const { return type_; }
  vm::MemoryStyle style() const { return pool_->style(type_); }
  /// The most pages it can ever have.
  uint64_t max_pages() const { return max_pages_; }
  /// Whether an address lies in its address range, accessible or not.
  bool reserves(const void* address) const {
    const auto* at = static_cast<const uint8_t*>(address);
    return at >= slot_.mapping.data() && at < slot_.mapping.data() + slot_.mapping.size();
  }
  uint64_t pages() const { return size.load(std::memory_order_acquire) >> page_size_log2; }
  /// The page count before growing by `delta`, or nothing if it cannot.
  std::optional<uint64_t> grow(uint64_t delta);
  /// Data is about to fill [from, to), which lies in it.
  void expect_data(uint64_t from, uint64_t to);
  /// Makes its size and content, which are those of `image` and zeros behind it, what `reset` goes
  /// back to. False if the system refuses; then nothing has changed.
  bool start_from(std::shared_ptr<const PageImage> image);
  /// As `create` made it, or as it was at `start_from`: size and content. For a memory that nobody
  /// uses. False if the system refuses; then the memory must not be used again.
  bool reset();

  static constexpr uint64_t kMaxReserve64 = 64ull << 30;

 private:
  LinearMemory(const MemoryType& type, std::shared_ptr<MemoryPool> pool);
  MemoryType type_;
  std::shared_ptr<MemoryPool> pool_;
  MemoryPool::Slot slot_;
  std::shared_ptr<const PageImage> image_;
  uint64_t max_pages_ = 0;
  bool has_huge_pages_ = false;  ///< then nobody uses its range again
  std::mutex grow_mutex_;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_LINEAR_MEMORY_H_
