// Mapping over mmap, mprotect and madvise; which pages were touched comes from PAGEMAP_SCAN where
// the kernel has it (Linux 6.7), see Documentation/admin-guide/mm/pagemap.rst of the kernel.
#include "base/mapping.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sedge {
namespace {

size_t round_up(size_t size) {
  size_t mask = page_size() - 1;
  return (size + mask) & ~mask;
}

// The interface of PAGEMAP_SCAN, which older kernel headers lack.
struct PageRegion {
  uint64_t start, end, categories;
};
struct ScanArguments {
  uint64_t size = sizeof(ScanArguments);
  uint64_t flags = 0, start = 0, end = 0, walk_end = 0;
  uint64_t regions = 0, region_count = 0, max_pages = 0;
  uint64_t inverted = 0, all_of = 0, any_of = 0, returned = 0;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArguments);
constexpr uint64_t kPresent = 1 << 3, kSwapped = 1 << 4;

// Beyond so many touched pages giving all of them back is cheaper than clearing them.
constexpr size_t kMaxClearedPages = 48;

int pagemap() {
  static const int fd = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  return fd;
}

// Clears the pages of [base, base + size) that hold anything; false if that is unknown or too many.
bool clear_touched(uint8_t* base, size_t size) {
  std::array<PageRegion, kMaxClearedPages> regions;
  ScanArguments scan;
  scan.start = reinterpret_cast<uint64_t>(base);
  scan.end = scan.start + size;
  scan.regions = reinterpret_cast<uint64_t>(regions.data());
  scan.region_count = regions.size();
  scan.max_pages = kMaxClearedPages + 1;
  scan.any_of = scan.returned = kPresent | kSwapped;
  int found = ::ioctl(pagemap(), kPagemapScan, &scan);
  if (found < 0 || scan.walk_end != scan.end) return false;
  for (int i = 0; i < found; ++i)
    std::memset(base + (regions[static_cast<size_t>(i)].start - scan.start), 0,
                regions[static_cast<size_t>(i)].end - regions[static_cast<size_t>(i)].start);
  return true;
}

}  // namespace

size_t page_size() {
  static const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

Mapping Mapping::reserve(size_t size) {
  Mapping mapping;
  size = round_up(size == 0 ? 1 : size);
  void* base = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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

void Mapping::clear(size_t to) {
  constexpr size_t kClearWhole = 4 * 4096;
  if (to <= kClearWhole) {
    std::memset(base_, 0, to);
    return;
  }
  size_t end = std::min(round_up(to), size_);
  if (!clear_touched(base_, end)) discard(0, end);
}

void Mapping::release() {
  if (base_ != nullptr) ::munmap(base_, size_);
  base_ = nullptr;
  size_ = 0;
}

}  // namespace sedge
