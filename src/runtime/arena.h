// Bump allocation for what lives exactly as long as its store: function, global and tag objects,
// instance tables. Objects are trivially destructible; memory comes zeroed.
#ifndef SEDGE_RUNTIME_ARENA_H_
#define SEDGE_RUNTIME_ARENA_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace sedge::runtime {

class Arena {
 public:
  /// One zero-initialised-then-constructed T.
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }
  /// `count` zeroed Ts; null for none.
  template <typename T>
  T* array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count == 0) return nullptr;
    return static_cast<T*>(allocate(sizeof(T) * count, alignof(T)));
  }
  /// Of all chunks.
  size_t bytes() const { return bytes_; }

 private:
  // Chunks double from the one size to the other.
  static constexpr size_t kFirstChunk = 1024, kLastChunk = 16 * 1024;
  void* allocate(size_t size, size_t alignment) {
    size_t start = (used_ + alignment - 1) & ~(alignment - 1);
    if (chunks_.empty() || start + size > capacity_) {
      size_t chunk = kFirstChunk << (chunks_.size() < 4 ? chunks_.size() : 4);
      static_assert(kFirstChunk << 4 == kLastChunk);
      capacity_ = size > chunk ? size : chunk;
      bytes_ += capacity_;
      chunks_.push_back(std::unique_ptr<std::byte, Free>(
          static_cast<std::byte*>(::operator new(capacity_, std::align_val_t{64}))));
      start = 0;
    }
    void* at = chunks_.back().get() + start;
    used_ = start + size;
    std::memset(at, 0, size);
    return at;
  }
  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t{64}); }
  };
  std::vector<std::unique_ptr<std::byte, Free>> chunks_;
  size_t used_ = 0;
  size_t capacity_ = 0;  ///< of the last chunk
  size_t bytes_ = 0;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_ARENA_H_
