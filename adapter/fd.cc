// Functions on descriptors: transfers, positions and attributes.
#include "files.h"

using namespace adapter;

namespace {

Errno read_stream(Fd& fd, const Iovec& to, uint32_t* count) {
  p2::StreamResult result;
  ResultsTo there(reinterpret_cast<uint32_t>(to.data), to.size);
  bool nonblock = fd.flags & kFdNonblock;
  if (nonblock)
    p2::stream_read(standard_stream(fd), to.size, &result);
  else
    p2::stream_blocking_read(standard_stream(fd), to.size, &result);
  *count = 0;
  if (result.failed) {
    Errno error = errno_of(result.error, Errno::success);
    return error;  // a closed stream is the end
  }
  *count = result.bytes.size;
  return nonblock && *count == 0 ? Errno::again : Errno::success;
}

Errno write_stream(p2::Handle stream, const Iovec& from, uint32_t* count) {
  constexpr uint32_t kMost = 4096;  // of blocking-write-and-flush
  for (*count = 0; *count < from.size;) {
    uint32_t size = from.size - *count < kMost ? from.size - *count : kMost;
    p2::StreamResult result;
    p2::stream_write(stream, from.data + *count, size, &result);
    if (result.failed) return errno_of(result.error, Errno::pipe);
    *count += size;
  }
  return Errno::success;
}

Errno read_file(const Fd& fd, const Iovec& to, uint64_t offset, uint32_t* count) {
  *count = 0;
  if constexpr (!kIsProxy) {
    p2::ReadResult result;
    ResultsTo there(reinterpret_cast<uint32_t>(to.data), to.size);
    p2::read(fd.handle, to.size, offset, &result);
    if (result.failed) return errno_of(result.error);
    *count = result.bytes.size;
  }
  return Errno::success;
}

Errno write_file(const Fd& fd, const Iovec& from, uint64_t offset, uint32_t* count) {
  *count = 0;
  if constexpr (!kIsProxy) {
    p2::SizeResult result;
    p2::write(fd.handle, from.data, from.size, offset, &result);
    if (result.failed) return errno_of(result.error);
    *count = static_cast<uint32_t>(result.size);
  }
  return Errno::success;
}

/// At the file's end, wherever that is when the bytes arrive.
Errno append_file(Fd& fd, const Iovec& from, uint32_t* count) {
  *count = 0;
  if constexpr (!kIsProxy) {
    p2::HandleResult stream;
    p2::append_via_stream(fd.handle, &stream);
    if (stream.failed) return errno_of(stream.error);
    Errno error = write_stream(stream.handle, from, count);
    p2::drop_output_stream(stream.handle);
    if (error != Errno::success) return error;
    p2::StatResult stat;
    p2::stat(fd.handle, &stat);
    if (!stat.failed) fd.position = stat.stat.size;
  }
  return Errno::success;
}

/// Runs `transfer(buffer, bytes done, &count)` over the buffers until one is not filled. What was
/// done before an error counts.
template <typename Transfer>
Errno each(const Iovec* iovs, uint32_t iovs_count, uint32_t* out, Transfer transfer) {
  if (iovs_count > kMaxIovecs) iovs_count = kMaxIovecs;
  if (!in_memory(iovs, iovs_count) || !in_memory(out)) return Errno::fault;
  uint32_t total = 0;
  for (uint32_t i = 0; i < iovs_count; ++i) {
    Iovec buffer = iovs[i];
    if (!in_memory(buffer.data, buffer.size)) return total == 0 ? Errno::fault : Errno::success;
    if (buffer.size == 0) continue;
    if (buffer.size > INT32_MAX - total) buffer.size = INT32_MAX - total;
    uint32_t count = 0;
    Errno error = transfer(buffer, total, &count);
    total += count;
    if (error != Errno::success && total == 0) return error;
    if (error != Errno::success || count < buffer.size) break;
  }
  *out = total;
  return Errno::success;
}

bool is_stream(const Fd& fd) { return fd.kind == Fd::Kind::input || fd.kind == Fd::Kind::output; }

/// Directories are told apart before rights: "is a directory" says more than "not capable".
Fd* find_file(uint32_t number, uint64_t rights, Errno& error) {
  Fd* fd = find_fd(number, 0, error);
  if (fd == nullptr) return nullptr;
  error = Errno::isdir;
  if (fd->kind == Fd::Kind::directory) return nullptr;
  return find_fd(number, rights, error);
}

/// A file with a position.
Fd* find_seekable(uint32_t number, uint64_t rights, Errno& error) {
  Fd* fd = find_file(number, rights, error);
  if (fd == nullptr || fd->kind == Fd::Kind::file) return fd;
  error = Errno::spipe;
  return nullptr;
}

bool is_terminal(const Fd& fd) {
  if constexpr (kIsProxy) return false;
  p2::OptionHandle terminal = {};
  if (fd.standard == 0) {
    p2::get_terminal_stdin(&terminal);
    if (terminal.some) p2::drop_terminal_input(terminal.handle);
    return terminal.some;
  }
  if (fd.standard == 1)
    p2::get_terminal_stdout(&terminal);
  else
    p2::get_terminal_stderr(&terminal);
  if (terminal.some) p2::drop_terminal_output(terminal.handle);
  return terminal.some;
}

}  // namespace

SEDGE_P1(fd_read)(uint32_t number, const Iovec* iovs, uint32_t count, uint32_t* out) {
  Errno error;
  Fd* fd = find_file(number, kFdRead, error);
  if (fd == nullptr) return error;
  return each(iovs, count, out, [&](const Iovec& to, uint32_t done, uint32_t* size) {
    if (fd->kind == Fd::Kind::output) return Errno::badf;
    if (fd->kind == Fd::Kind::input) {
      // What follows the first buffer must not wait for more input.
      return done != 0 ? Errno::again : read_stream(*fd, to, size);
    }
    Errno status = read_file(*fd, to, fd->position, size);
    fd->position += *size;
    return status;
  });
}

SEDGE_P1(fd_write)(uint32_t number, const Iovec* iovs, uint32_t count, uint32_t* out) {
  Errno error;
  Fd* fd = find_file(number, kFdWrite, error);
  if (fd == nullptr) return error;
  return each(iovs, count, out, [&](const Iovec& from, uint32_t, uint32_t* size) {
    if (fd->kind == Fd::Kind::input) return Errno::badf;
    if (fd->kind == Fd::Kind::output) return write_stream(standard_stream(*fd), from, size);
    if (fd->flags & kFdAppend) return append_file(*fd, from, size);
    Errno status = write_file(*fd, from, fd->position, size);
    fd->position += *size;
    return status;
  });
}

SEDGE_P1(fd_pread)(uint32_t number, const Iovec* iovs, uint32_t count, uint64_t offset,
                   uint32_t* out) {
  Errno error;
  Fd* fd = find_seekable(number, kFdRead, error);
  if (fd == nullptr) return error;
  return each(iovs, count, out, [&](const Iovec& to, uint32_t done, uint32_t* size) {
    return read_file(*fd, to, offset + done, size);
  });
}

SEDGE_P1(fd_pwrite)(uint32_t number, const Iovec* iovs, uint32_t count, uint64_t offset,
                    uint32_t* out) {
  Errno error;
  Fd* fd = find_seekable(number, kFdWrite, error);
  if (fd == nullptr) return error;
  return each(iovs, count, out, [&](const Iovec& from, uint32_t done, uint32_t* size) {
    return write_file(*fd, from, offset + done, size);
  });
}

SEDGE_P1(fd_seek)(uint32_t number, int64_t offset, uint32_t whence, uint64_t* out) {
  constexpr uint32_t kSet = 0, kCurrent = 1, kEnd = 2;
  if (whence > kEnd) return Errno::inval;
  Errno error;
  Fd* fd = find_seekable(number, 0, error);
  if (fd == nullptr) return error;
  bool only_tells = whence == kCurrent && offset == 0;
  if (!(fd->rights & kFdSeek) && !(only_tells && (fd->rights & kFdTell))) return Errno::notcapable;
  int64_t base = 0;
  if (whence == kCurrent) base = static_cast<int64_t>(fd->position);
  if constexpr (!kIsProxy) {
    if (whence == kEnd) {
      p2::StatResult stat;
      p2::stat(fd->handle, &stat);
      if (stat.failed) return errno_of(stat.error);
      base = static_cast<int64_t>(stat.stat.size);
    }
  }
  int64_t at = 0;
  if (__builtin_add_overflow(base, offset, &at))
    return offset > 0 && whence != kSet ? Errno::overflow : Errno::inval;
  if (at < 0) return Errno::inval;
  fd->position = static_cast<uint64_t>(at);
  *out = fd->position;
  return Errno::success;
}

SEDGE_P1(fd_tell)(uint32_t number, uint64_t* out) {
  Errno error;
  Fd* fd = find_seekable(number, 0, error);
  if (fd == nullptr) return error;
  if (!(fd->rights & (kFdTell | kFdSeek))) return Errno::notcapable;
  *out = fd->position;
  return Errno::success;
}

SEDGE_P1(fd_close)(uint32_t number) {
  Errno error;
  Fd* fd = find_fd(number, 0, error);
  if (fd == nullptr) return error;
  release(number, *fd);
  return Errno::success;
}

SEDGE_P1(fd_renumber)(uint32_t from, uint32_t to) {
  Errno error;
  Fd* source = find_fd(from, 0, error);
  if (source == nullptr) return error;
  Fd* target = find_fd(to, 0, error);
  if (target == nullptr) return error;
  if (from == to) return Errno::success;
  release(to, *target);
  *target = *source;
  *source = {};
  State& s = state();
  if (s.pending.fd == from) s.pending.fd = to;
  return Errno::success;
}

SEDGE_P1(fd_fdstat_get)(uint32_t number, Fdstat* out) {
  Errno error;
  Fd* fd = find_fd(number, 0, error);
  if (fd == nullptr) return error;
  if (is_stream(*fd) && fd->type == FileType::unknown && is_terminal(*fd))
    fd->type = FileType::character_device;
  *out = {};
  out->type = fd->type;
  out->flags = fd->flags;
  out->rights = fd->rights;
  out->inheriting = fd->inheriting;
  return Errno::success;
}

SEDGE_P1(fd_fdstat_set_flags)(uint32_t number, uint32_t flags) {
  if (flags > kAllFdFlags) return Errno::inval;
  Errno error;
  Fd* fd = find_fd(number, kFdFdstatSetFlags, error);
  if (fd == nullptr) return error;
  constexpr uint32_t kFixed = kFdDsync | kFdRsync | kFdSyncFlag;  // at opening
  if ((flags & kFixed) != (fd->flags & kFixed)) return Errno::notsup;
  if (((flags ^ fd->flags) & kFdAppend) && fd->kind != Fd::Kind::file) return Errno::notsup;
  fd->flags = static_cast<uint16_t>(flags);
  return Errno::success;
}

SEDGE_P1(fd_fdstat_set_rights)(uint32_t number, uint64_t rights, uint64_t inheriting) {
  Errno error;
  Fd* fd = find_fd(number, 0, error);
  if (fd == nullptr) return error;
  if ((rights & ~fd->rights) != 0 || (inheriting & ~fd->inheriting) != 0) return Errno::notcapable;
  fd->rights = rights;
  fd->inheriting = inheriting;
  return Errno::success;
}

SEDGE_P1(fd_prestat_get)(uint32_t number, Prestat* out) {
  Errno error;
  Fd* fd = find_fd(number, 0, error);
  if (fd == nullptr || !fd->is_preopen) return Errno::badf;
  *out = {0, fd->name.size};
  return Errno::success;
}

SEDGE_P1(fd_prestat_dir_name)(uint32_t number, uint8_t* path, uint32_t size) {
  Errno error;
  Fd* fd = find_fd(number, 0, error);
  if (fd == nullptr || !fd->is_preopen) return Errno::badf;
  if (size < fd->name.size) return Errno::nametoolong;
  __builtin_memcpy(path, reinterpret_cast<const void*>(fd->name.data), fd->name.size);
  return Errno::success;
}

SEDGE_P1(fd_advise)(uint32_t number, uint64_t offset, uint64_t length, uint32_t advice) {
  constexpr uint32_t kLast = 5;
  if (advice > kLast) return Errno::inval;
  Errno error;
  Fd* fd = find_fd(number, kFdAdvise, error);
  if (fd == nullptr) return error;
  if (fd->kind == Fd::Kind::directory) return Errno::badf;
  if (fd->kind != Fd::Kind::file) return Errno::spipe;
  if constexpr (!kIsProxy) {
    p2::Status status;
    p2::advise(fd->handle, offset, length, advice, &status);
    return errno_of(status);
  }
  return Errno::badf;
}

/// WASI 0.2 has no way to reserve room.
SEDGE_P1(fd_allocate)(uint32_t number, uint64_t, uint64_t) {
  Errno error;
  return find_seekable(number, kFdAllocate, error) == nullptr ? error : Errno::notsup;
}

SEDGE_P1(fd_datasync)(uint32_t number) {
  Errno error;
  Fd* fd = find_fd(number, kFdDatasync, error);
  if (fd == nullptr) return error;
  if (is_stream(*fd)) return Errno::inval;
  if constexpr (!kIsProxy) {
    p2::Status status;
    p2::sync_data(fd->handle, &status);
    return errno_of(status);
  }
  return Errno::badf;
}

SEDGE_P1(fd_sync)(uint32_t number) {
  Errno error;
  Fd* fd = find_fd(number, kFdSync, error);
  if (fd == nullptr) return error;
  if (is_stream(*fd)) return Errno::inval;
  if constexpr (!kIsProxy) {
    p2::Status status;
    p2::sync(fd->handle, &status);
    return errno_of(status);
  }
  return Errno::badf;
}

SEDGE_P1(fd_filestat_get)(uint32_t number, Filestat* out) {
  Errno error;
  Fd* fd = find_fd(number, kFdFilestatGet, error);
  if (fd == nullptr) return error;
  if (is_stream(*fd)) {
    *out = {};
    out->type = fd->type;
    return Errno::success;
  }
  if constexpr (!kIsProxy) {
    p2::StatResult stat;
    p2::stat(fd->handle, &stat);
    if (stat.failed) return errno_of(stat.error);
    p2::HashResult hash;
    p2::metadata_hash(fd->handle, &hash);
    if (hash.failed) return errno_of(hash.error);
    store_stat(stat.stat, hash, out);
    return Errno::success;
  }
  return Errno::badf;
}

SEDGE_P1(fd_filestat_set_size)(uint32_t number, uint64_t size) {
  Errno error;
  Fd* fd = find_seekable(number, kFdFilestatSetSize, error);
  if (fd == nullptr) return error;
  if constexpr (!kIsProxy) {
    p2::Status status;
    p2::set_size(fd->handle, size, &status);
    return errno_of(status);
  }
  return Errno::badf;
}

SEDGE_P1(fd_filestat_set_times)(uint32_t number, uint64_t atim, uint64_t mtim, uint32_t flags) {
  Errno error;
  Fd* fd = find_fd(number, kFdFilestatSetTimes, error);
  if (fd == nullptr) return error;
  if (is_stream(*fd)) return Errno::inval;
  if constexpr (!kIsProxy) {
    p2::NewTimestamp access, change;
    if (!new_times(flags, atim, mtim, access, change)) return Errno::inval;
    p2::Status status;
    p2::set_times(fd->handle, access.change, access.time.seconds, access.time.nanoseconds,
                  change.change, change.time.seconds, change.time.nanoseconds, &status);
    return errno_of(status);
  }
  return Errno::badf;
}
