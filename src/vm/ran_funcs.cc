// A memfd: it lives as long as one of the two processes has it, however the other one ended.
#include "vm/ran_funcs.h"

#include <atomic>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sedge::vm {
namespace {

/// Above the numbers that a child gets its descriptors at.
constexpr int kLeastFd = 16;

}  // namespace

RanFuncs RanFuncs::create(size_t count) {
  RanFuncs made;
  const Fd first(::memfd_create("sedge-ran", MFD_CLOEXEC));
  if (!first || ::ftruncate(first.get(), static_cast<off_t>(count)) != 0) return made;
  made.file_ = Fd(::fcntl(first.get(), F_DUPFD_CLOEXEC, kLeastFd));
  if (made.file_) made.bytes_ = Mapping::shared_file(made.file_.get(), count);
  if (!made.bytes_) made.file_.reset();
  return made;
}

void RanFuncs::mark(uint32_t func) {
  if (bytes_) std::atomic_ref(bytes_.data()[func]).store(1, std::memory_order_relaxed);
}

std::vector<uint32_t> RanFuncs::read(int fd, size_t count) {
  std::vector<uint8_t> bytes(count);
  size_t size = 0;
  while (size < count) {
    const ssize_t got = ::pread(fd, bytes.data() + size, count - size, static_cast<off_t>(size));
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  std::vector<uint32_t> funcs;
  for (size_t i = 0; i < size; ++i)
    if (bytes[i] != 0) funcs.push_back(static_cast<uint32_t>(i));
  return funcs;
}

}  // namespace sedge::vm
