// Operations on open files: attributes, data transfer that a deadline can end, sizes and times.
// Buffers are host memory that the caller has already checked.
#ifndef SEDGE_WASI_OS_FILE_H_
#define SEDGE_WASI_OS_FILE_H_

#include <sys/stat.h>
#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <span>

#include "wasi/os/errno.h"

namespace sedge::wasi::os {

class Interrupt;

/// WASI's numbers.
enum class FileType : uint8_t {
  unknown = 0,
  block_device = 1,
  character_device = 2,
  directory = 3,
  regular_file = 4,
  socket_dgram = 5,
  socket_stream = 6,
  symbolic_link = 7,
};

/// Times are nanoseconds since 1970; earlier ones read as 0.
struct Stat {
  uint64_t dev = 0;
  uint64_t ino = 0;
  FileType type = FileType::unknown;
  uint64_t nlink = 0;
  uint64_t size = 0;
  uint64_t atim = 0;
  uint64_t mtim = 0;
  uint64_t ctim = 0;
};

/// What to do with one of a file's times.
struct TimeChange {
  enum class Kind : uint8_t { keep, now, set };
  Kind kind = Kind::keep;
  uint64_t nanoseconds = 0;  ///< For `set`.
};

enum class Advice : uint8_t { normal, sequential, random, willneed, dontneed, noreuse };
enum class Whence : uint8_t { set, cur, end };

/// Status flags of an open file, in WASI's numbering.
enum FdFlag : uint16_t {
  kAppend = 1 << 0,
  kDsync = 1 << 1,
  kNonblock = 1 << 2,
  kRsync = 1 << 3,
  kSync = 1 << 4,
};
constexpr uint16_t kAllFdFlags = 0x1f;

FileType file_type(mode_t mode);
Stat to_stat(const struct ::stat& st);

OsResult<Stat> stat_fd(int fd);
/// Type of `fd`; sockets are told apart by SO_TYPE.
OsResult<FileType> type_of(int fd);
/// Switches O_APPEND.
OsResult<> set_append(int fd, bool append);

/// What a transfer does when data or room may not be there yet.
enum class Waiting : uint8_t {
  never,   ///< Cannot happen: a regular file or block device.
  slices,  ///< Waits in slices; ends with `canceled` as soon as the Interrupt says so.
  refuse,  ///< Answers `again`.
};
/// Reads at the file's offset.
OsResult<size_t> read(int fd, std::span<const iovec> to, Waiting waiting, Interrupt& interrupt);
/// Writes at the file's offset.
OsResult<size_t> write(int fd, std::span<const iovec> from, Waiting waiting, Interrupt& interrupt);
OsResult<size_t> pread(int fd, std::span<const iovec> to, uint64_t offset);
OsResult<size_t> pwrite(int fd, std::span<const iovec> from, uint64_t offset);
/// Writes at the end, wherever that is by then.
OsResult<size_t> append(int fd, std::span<const iovec> from);

OsResult<uint64_t> seek(int fd, int64_t offset, Whence whence);
OsResult<> advise(int fd, uint64_t offset, uint64_t length, Advice advice);
/// Makes the file at least offset + length bytes long and its blocks present.
OsResult<> allocate(int fd, uint64_t offset, uint64_t length);
OsResult<> set_size(int fd, uint64_t size);
OsResult<> set_times(int fd, TimeChange atim, TimeChange mtim);
OsResult<> sync(int fd);
OsResult<> datasync(int fd);

/// A timespec for utimensat.
timespec to_timespec(TimeChange change);

}  // namespace sedge::wasi::os

#endif  // SEDGE_WASI_OS_FILE_H_
