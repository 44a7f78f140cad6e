// read(2) until the end; write to a neighbour and rename over.
#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mapping.h"

namespace sedge {
namespace {

/// A descriptor that is closed on the way out, unless it is one of the process's standard ones.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  int close() {
    int status = fd_ > STDERR_FILENO ? ::close(fd_) : 0;
    fd_ = -1;
    return status;
  }

 private:
  int fd_;
};

/// Memory to read into. Page faults are half of what loading a large file costs, so a large buffer
/// is backed at once.
class Buffer {
 public:
  /// Room for `size` bytes, of which the first `used` keep their content; false without memory.
  bool resize(size_t size, size_t used) {
    constexpr size_t kMapped = 128 << 10;
    std::unique_ptr<uint8_t[]> heap;
    Mapping mapping;
    if (size >= kMapped) {
      mapping = Mapping::zeroed(size, Mapping::Backing::eager);
      if (!mapping) return false;
    } else {
      heap = std::make_unique_for_overwrite<uint8_t[]>(size);
    }
    if (used > 0) std::memcpy(mapping ? mapping.data() : heap.get(), data(), used);
    heap_ = std::move(heap);
    mapping_ = std::move(mapping);
    size_ = size;
    return true;
  }
  uint8_t* data() const { return mapping_ ? mapping_.data() : heap_.get(); }
  size_t size() const { return size_; }

 private:
  std::unique_ptr<uint8_t[]> heap_;
  Mapping mapping_;
  size_t size_ = 0;
};

Error system_error(const std::string& path, int error) {
  if (error == ENOENT) return Error(ErrorCode::file_not_found, ": " + path);
  if (error == EACCES || error == EPERM) return Error(ErrorCode::permission_denied, ": " + path);
  return Error(ErrorCode::io, ": " + path + ": " + std::strerror(error));
}

int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

}  // namespace

Result<FileContent> read_file(const std::string& path, uint64_t limit) {
  Descriptor file(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(system_error(path, errno));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail(system_error(path, errno));
  if (S_ISDIR(info.st_mode)) return fail(system_error(path, EISDIR));
  auto too_long = [&] {
    return fail(ErrorCode::limit_exceeded,
                ": " + path + " has more than " + std::to_string(limit) + " bytes");
  };
  bool regular = S_ISREG(info.st_mode);
  if (regular && static_cast<uint64_t>(info.st_size) > limit) return too_long();
  auto buffer = std::make_shared<Buffer>();
  size_t used = 0;
  size_t wanted = regular ? static_cast<size_t>(info.st_size) + 1 : 64 * 1024;
  for (;;) {
    if (used == buffer->size()) {
      if (used > 0) wanted = 2 * used;
      if (!buffer->resize(wanted, used)) return fail(system_error(path, ENOMEM));
    }
    ssize_t got = ::read(file.get(), buffer->data() + used, buffer->size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(system_error(path, errno));
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (used > limit) return too_long();
  }
  std::span<const uint8_t> bytes(buffer->data(), used);
  return FileContent{bytes, std::move(buffer)};
}

Result<void> write_file(const std::string& path, std::string_view content) {
  if (path == "-") {
    if (int error = write_all(STDOUT_FILENO, content)) return fail(system_error(path, error));
    return {};
  }
  struct stat info{};
  bool special = ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  std::string target = special ? path : path + ".tmp" + std::to_string(::getpid());
  Descriptor file(::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.get() < 0) return fail(system_error(path, errno));
  int error = write_all(file.get(), content);
  if (file.close() != 0 && error == 0) error = errno;
  if (error == 0 && !special && ::rename(target.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    if (!special) ::unlink(target.c_str());
    return fail(system_error(path, error));
  }
  return {};
}

}  // namespace sedge
