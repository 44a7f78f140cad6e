// Mapping over mmap, mprotect and madvise.
#include "base/mapping.h"

#include <sys/mman.h>
#include <unistd.h>

namespace sedge {
namespace {

size_t round_up(size_t size) {
  size_t mask = page_size() - 1;
  return (size + mask) & ~mask;
}

}  // namespace

size_t page_size() {
  static const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

Mapping Mapping::reserve(size_t size) {
  Mapping mapping;
  size = round_up(size == 0 ? 1 : size);
  void* base =
      ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return mapping;
  mapping.base_ = static_cast<uint8_t*>(base);
  mapping.size_ = size;
  return mapping;
}

Mapping Mapping::zeroed(size_t size) {
  Mapping mapping;
  size = round_up(size == 0 ? 1 : size);
  void* base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return mapping;
  mapping.base_ = static_cast<uint8_t*>(base);
  mapping.size_ = size;
  return mapping;
}

bool Mapping::commit(size_t from, size_t to) {
  from &= ~(page_size() - 1);
  to = round_up(to);
  if (to > size_) return false;
  return from >= to || ::mprotect(base_ + from, to - from, PROT_READ | PROT_WRITE) == 0;
}

void Mapping::discard(size_t from, size_t to) {
  from = round_up(from);
  to = round_up(to);
  if (from < to && to <= size_) ::madvise(base_ + from, to - from, MADV_DONTNEED);
}

void Mapping::release() {
  if (base_ != nullptr) ::munmap(base_, size_);
  base_ = nullptr;
  size_ = 0;
}

}  // namespace sedge
