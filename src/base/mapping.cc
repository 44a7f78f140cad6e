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

#include "base/page_image.h"

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
constexpr uint64_t kFile = 1 << 2, kPresent = 1 << 3, kSwapped = 1 << 4, kZeroPage = 1 << 5;

constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, which older C libraries lack

// Rewriting pages is much cheaper than giving them back and having them faulted in again. So many
// of them (1 MiB) are kept for the next user; what lies behind goes back.
constexpr size_t kMaxRewritten = 256;

int pagemap() {
  static const int fd = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  return fd;
}

// Writes what the image says, and zero behind it, to [from, to).
void rewrite(uint8_t* base, size_t from, size_t to, const PageImage* image) {
  size_t imaged = image != nullptr ? std::clamp(image->size(), from, to) : from;
  if (imaged > from) std::memcpy(base + from, image->data() + from, imaged - from);
  std::memset(base + imaged, 0, to - imaged);
}

// Rewrites the first pages of [base, base + size) that are private copies, kMaxRewritten at most;
// gives the size of the range that this has restored, 0 if it is unknown which pages those are.
size_t rewrite_touched(uint8_t* base, size_t size, const PageImage* image) {
  std::array<PageRegion, kMaxRewritten> regions;
  ScanArguments scan;
  scan.start = reinterpret_cast<uint64_t>(base);
  scan.end = scan.start + size;
  scan.regions = reinterpret_cast<uint64_t>(regions.data());
  scan.region_count = regions.size();
  scan.max_pages = kMaxRewritten;
  scan.inverted = scan.all_of = kFile | kZeroPage;
  scan.any_of = scan.returned = kPresent | kSwapped;
  int found = ::ioctl(pagemap(), kPagemapScan, &scan);
  if (found < 0) return 0;
  for (int i = 0; i < found; ++i) {
    const PageRegion& region = regions[static_cast<size_t>(i)];
    rewrite(base, region.start - scan.start, region.end - scan.start, image);
  }
  return scan.walk_end - scan.start;
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

Mapping Mapping::zeroed(size_t size, Backing backing) {
  Mapping mapping;
  size = round_up(size == 0 ? 1 : size);
  void* base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return mapping;
  mapping.base_ = static_cast<uint8_t*>(base);
  mapping.size_ = size;
  if (backing == Backing::eager) {
    // Both are wishes: an older kernel (MADV_POPULATE_WRITE: Linux 5.14) faults page by page.
    ::madvise(base, size, MADV_HUGEPAGE);
    ::madvise(base, size, kPopulateWrite);
  }
  return mapping;
}

Mapping Mapping::of_file(int file, size_t size) {
  Mapping mapping;
  void* base = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (base == MAP_FAILED) return mapping;
  mapping.base_ = static_cast<uint8_t*>(base);
  mapping.size_ = size;
  return mapping;
}

Mapping Mapping::shared_file(int file, size_t size) {
  Mapping mapping;
  void* base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
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

bool Mapping::protect(size_t from, size_t to) {
  from = round_up(from);
  to = std::min(round_up(to), size_);
  return from >= to || ::mprotect(base_ + from, to - from, PROT_NONE) == 0;
}

bool Mapping::prefer_huge(size_t from, size_t to) {
  constexpr uintptr_t kHuge = 2 << 20;
  const auto base = reinterpret_cast<uintptr_t>(base_);
  const uintptr_t begin = (base + from + kHuge - 1) & ~(kHuge - 1);
  const uintptr_t end = (base + std::min(to, size_)) & ~(kHuge - 1);
  if (begin >= end) return false;
  return ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE) == 0;
}

bool Mapping::seal_as_code() {
  if (::mprotect(base_, size_, PROT_READ | PROT_EXEC) != 0) return false;
  __builtin___clear_cache(reinterpret_cast<char*>(base_), reinterpret_cast<char*>(base_ + size_));
  return true;
}

bool Mapping::discard(size_t from, size_t to) {
  from = round_up(from);
  to = std::min(round_up(to), size_);
  return from >= to || ::madvise(base_ + from, to - from, MADV_DONTNEED) == 0;
}

bool Mapping::restore(size_t to, const PageImage* image) {
  constexpr size_t kRewriteWhole = 4 * 4096;
  size_t end = std::min(round_up(to), size_);
  if (end <= kRewriteWhole) {
    rewrite(base_, 0, end, image);
    return true;
  }
  const size_t done = rewrite_touched(base_, end, image);
  if (!discard(done, end)) return false;
  if (image != nullptr && !image->is_backing() && done < image->size())
    rewrite(base_, done, image->size(), image);
  return true;
}

bool Mapping::unmap_image(size_t size) {
  return ::mmap(base_, size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

void Mapping::release() {
  if (base_ != nullptr) ::munmap(base_, size_);
  base_ = nullptr;
  size_ = 0;
}

}  // namespace sedge
