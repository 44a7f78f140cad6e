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
#include "vm/layout.h"

namespace sedge::runtime {

/// Address ranges of 32-bit memories that were used and given back, ready for the next instance
/// (cleared when they are taken, or their pages discarded). Thread-safe; shared by the stores of an
/// engine.
class MemoryPool {
 public:
  struct Slot {
    Mapping mapping;
    size_t committed = 0;  ///< bytes from the start that are accessible
    size_t dirty = 0;      ///< bytes from the start that its last user may have written
  };
  /// A slot of at least `reserve` bytes, all zero, or nothing if the system refuses.
  std::optional<Slot> take(size_t reserve);
  /// Takes a slot back; `used` bytes from its start may have been written.
  void give(Slot slot, size_t used);

 private:
  static constexpr size_t kMaxFree = 256;
  std::mutex mutex_;
  std::vector<Slot> free_;
};

/// One memory. Growth by several threads is serialised here; reads of `size` need no lock.
class LinearMemory : public vm::Memory {
 public:
  /// Reserves up to the type's maximum (32-bit: at most 4 GiB; 64-bit: at most `kMaxReserve64`) and
  /// commits the minimum. Errors: out_of_memory.
  static Result<std::unique_ptr<LinearMemory>> create(const MemoryType& type,
                                                      std::shared_ptr<MemoryPool> pool);
  ~LinearMemory();
  LinearMemory(const LinearMemory&) = delete;
  LinearMemory& operator=(const LinearMemory&) = delete;

  const MemoryType& type() const { return type_; }
  /// The most pages it can ever have.
  uint64_t max_pages() const { return max_pages_; }
  uint64_t pages() const { return size.load(std::memory_order_acquire) >> page_size_log2; }
  /// The page count before growing by `delta`, or nothing if it cannot.
  std::optional<uint64_t> grow(uint64_t delta);

  static constexpr uint64_t kMaxReserve64 = 64ull << 30;

 private:
  LinearMemory(const MemoryType& type, std::shared_ptr<MemoryPool> pool);
  MemoryType type_;
  std::shared_ptr<MemoryPool> pool_;
  MemoryPool::Slot slot_;
  uint64_t max_pages_ = 0;
  std::mutex grow_mutex_;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_LINEAR_MEMORY_H_
