// System calls on open files. Regular files never make a caller wait; for everything else the
// transfer is tried with RWF_NOWAIT and, where that is not offered, after poll(2) says it may go.
#include "wasi/os/file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "wasi/os/wait.h"

namespace sedge::wasi::os {
namespace {

constexpr size_t kMaxIov = IOV_MAX;

uint64_t to_nanoseconds(const timespec& t) {
  if (t.tv_sec < 0) return 0;
  uint64_t seconds = static_cast<uint64_t>(t.tv_sec);
  constexpr uint64_t kMax = UINT64_MAX / 1'000'000'000u - 1;
  if (seconds > kMax) return UINT64_MAX;
  return seconds * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
}

/// What one call may take: the kernel refuses more than IOV_MAX buffers, and a short transfer is
/// always a right answer.
int iov_count(std::span<const iovec> io) { return static_cast<int>(std::min(io.size(), kMaxIov)); }

/// The first buffers of `io`, at most `limit` bytes: a blocking descriptor that poll calls
/// writable takes PIPE_BUF bytes without waiting.
std::span<const iovec> first_bytes(std::span<const iovec> io, size_t limit,
                                   std::array<iovec, 16>& storage) {
  size_t used = 0;
  for (const iovec& part : io) {
    if (used == storage.size() || limit == 0) break;
    size_t take = std::min(part.iov_len, limit);
    storage[used++] = {part.iov_base, take};
    limit -= take;
  }
  return {storage.data(), used};
}

bool refused_nowait(int error) { return error == EOPNOTSUPP || error == EINVAL || error == ENOSYS; }

}  // namespace

FileType file_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFBLK:
      return FileType::block_device;
    case S_IFCHR:
      return FileType::character_device;
    case S_IFDIR:
      return FileType::directory;
    case S_IFREG:
      return FileType::regular_file;
    case S_IFLNK:
      return FileType::symbolic_link;
    case S_IFSOCK:
      return FileType::socket_stream;
    default:
      return FileType::unknown;
  }
}

Stat to_stat(const struct ::stat& st) {
  Stat out;
  out.dev = st.st_dev;
  out.ino = st.st_ino;
  out.type = file_type(st.st_mode);
  out.nlink = st.st_nlink;
  out.size = st.st_size < 0 ? 0 : static_cast<uint64_t>(st.st_size);
  out.atim = to_nanoseconds(st.st_atim);
  out.mtim = to_nanoseconds(st.st_mtim);
  out.ctim = to_nanoseconds(st.st_ctim);
  return out;
}

OsResult<Stat> stat_fd(int fd) {
  struct ::stat st;
  if (::fstat(fd, &st) < 0) return Err(last_errno());
  Stat out = to_stat(st);
  if (S_ISSOCK(st.st_mode))
    if (auto type = type_of(fd)) out.type = *type;
  return out;
}

OsResult<FileType> type_of(int fd) {
  struct ::stat st;
  if (::fstat(fd, &st) < 0) return Err(last_errno());
  if (!S_ISSOCK(st.st_mode)) return file_type(st.st_mode);
  int type = 0;
  socklen_t size = sizeof(type);
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) return Err(last_errno());
  return type == SOCK_DGRAM ? FileType::socket_dgram : FileType::socket_stream;
}

OsResult<> set_append(int fd, bool append) {
  int old = ::fcntl(fd, F_GETFL);
  if (old < 0) return Err(last_errno());
  return done(::fcntl(fd, F_SETFL, append ? old | O_APPEND : old & ~O_APPEND));
}

OsResult<size_t> read(int fd, std::span<const iovec> to, Waiting waiting, Interrupt& interrupt) {
  bool waits = waiting != Waiting::never;
  for (;;) {
    if (interrupt.requested()) return Err(Errno::canceled);
    ssize_t size = waits ? ::preadv2(fd, to.data(), iov_count(to), -1, RWF_NOWAIT)
                         : ::readv(fd, to.data(), iov_count(to));
    if (waits && size < 0 && refused_nowait(errno)) {
      pollfd one{fd, POLLIN, 0};
      int ready = ::poll(&one, 1, 0);
      if (ready < 0 && errno != EINTR) return Err(last_errno());
      if (ready > 0)
        size = ::readv(fd, to.data(), iov_count(to));
      else
        errno = EAGAIN;
    }
    if (size >= 0) return static_cast<size_t>(size);
    if (errno == EINTR) continue;
    if (errno != EAGAIN || waiting == Waiting::refuse) return Err(last_errno());
    if (auto ok = wait_for(fd, POLLIN, interrupt); !ok) return Err(ok.error());
  }
}

OsResult<size_t> write(int fd, std::span<const iovec> from, Waiting waiting, Interrupt& interrupt) {
  bool waits = waiting != Waiting::never;
  std::array<iovec, 16> storage;
  for (;;) {
    if (interrupt.requested()) return Err(Errno::canceled);
    ssize_t size = waits ? ::pwritev2(fd, from.data(), iov_count(from), -1, RWF_NOWAIT)
                         : ::writev(fd, from.data(), iov_count(from));
    if (waits && size < 0 && refused_nowait(errno)) {
      pollfd one{fd, POLLOUT, 0};
      int ready = ::poll(&one, 1, 0);
      if (ready < 0 && errno != EINTR) return Err(last_errno());
      if (ready > 0) {
        auto part = first_bytes(from, PIPE_BUF, storage);
        size = ::writev(fd, part.data(), iov_count(part));
      } else {
        errno = EAGAIN;
      }
    }
    if (size >= 0) return static_cast<size_t>(size);
    if (errno == EINTR) continue;
    if (errno != EAGAIN || waiting == Waiting::refuse) return Err(last_errno());
    if (auto ok = wait_for(fd, POLLOUT, interrupt); !ok) return Err(ok.error());
  }
}

OsResult<size_t> pread(int fd, std::span<const iovec> to, uint64_t offset) {
  if (offset > INT64_MAX) return Err(Errno::inval);
  auto size = checked(::preadv(fd, to.data(), iov_count(to), static_cast<off_t>(offset)));
  if (!size) return Err(size.error());
  return static_cast<size_t>(*size);
}

OsResult<size_t> pwrite(int fd, std::span<const iovec> from, uint64_t offset) {
  if (offset > INT64_MAX) return Err(Errno::inval);
  auto size = checked(::pwritev(fd, from.data(), iov_count(from), static_cast<off_t>(offset)));
  if (!size) return Err(size.error());
  return static_cast<size_t>(*size);
}

OsResult<size_t> append(int fd, std::span<const iovec> from) {
  auto size = checked(::pwritev2(fd, from.data(), iov_count(from), 0, RWF_APPEND));
  if (!size && (size.error() == Errno::nosys || size.error() == Errno::notsup)) {
    // An emulator, or a filter of system calls: here another writer could come in between.
    struct stat info{};
    if (::fstat(fd, &info) != 0) return Err(last_errno());
    size = checked(::pwritev(fd, from.data(), iov_count(from), info.st_size));
  }
  if (!size) return Err(size.error());
  return static_cast<size_t>(*size);
}

OsResult<uint64_t> seek(int fd, int64_t offset, Whence whence) {
  int how = whence == Whence::set ? SEEK_SET : whence == Whence::cur ? SEEK_CUR : SEEK_END;
  auto at = checked(::lseek(fd, offset, how));
  if (!at) return Err(at.error());
  return static_cast<uint64_t>(*at);
}

OsResult<> advise(int fd, uint64_t offset, uint64_t length, Advice advice) {
  if (offset > INT64_MAX || length > INT64_MAX) return Err(Errno::inval);
  static constexpr int kAdvice[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                    POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
  int error = ::posix_fadvise(fd, static_cast<off_t>(offset), static_cast<off_t>(length),
                              kAdvice[static_cast<size_t>(advice)]);
  if (error != 0) return Err(from_posix(error));
  return {};
}

OsResult<> allocate(int fd, uint64_t offset, uint64_t length) {
  if (offset > INT64_MAX || length > INT64_MAX) return Err(Errno::fbig);
  if (length == 0) return Err(Errno::inval);
  // Not posix_fallocate: where the file system lacks the call, that writes a byte to every block.
  return done(::fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(length)));
}

OsResult<> set_size(int fd, uint64_t size) {
  if (size > INT64_MAX) return Err(Errno::inval);
  return done(::ftruncate(fd, static_cast<off_t>(size)));
}

timespec to_timespec(TimeChange change) {
  switch (change.kind) {
    case TimeChange::Kind::keep:
      return {0, UTIME_OMIT};
    case TimeChange::Kind::now:
      return {0, UTIME_NOW};
    case TimeChange::Kind::set:
      break;
  }
  return {static_cast<time_t>(change.nanoseconds / 1'000'000'000u),
          static_cast<long>(change.nanoseconds % 1'000'000'000u)};
}

OsResult<> set_times(int fd, TimeChange atim, TimeChange mtim) {
  timespec times[2] = {to_timespec(atim), to_timespec(mtim)};
  return done(::futimens(fd, times));
}

OsResult<> sync(int fd) { return done(::fsync(fd)); }
OsResult<> datasync(int fd) { return done(::fdatasync(fd)); }

}  // namespace sedge::wasi::os
