// Directory capability: each operation resolves the directory part beneath the root and then acts
// on one name with a call that does not follow it.
#include "wasi/os/dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace sedge::wasi::os {
namespace {

constexpr mode_t kFileMode = 0666;
constexpr mode_t kDirMode = 0777;

int open_flags(const OpenOptions& options) {
  int flags = options.read && options.write ? O_RDWR : options.write ? O_WRONLY : O_RDONLY;
  if (options.create) flags |= O_CREAT;
  if (options.exclusive) flags |= O_EXCL;
  if (options.truncate) flags |= O_TRUNC;
  if (options.directory) flags |= O_DIRECTORY;
  if (!options.follow) flags |= O_NOFOLLOW;
  if (options.flags & kAppend) flags |= O_APPEND;
  if (options.flags & kDsync) flags |= O_DSYNC;
  if (options.flags & (kSync | kRsync)) flags |= O_SYNC;
  // Without it, opening a FIFO waits for its other end. Waiting is wait.h's business in any case.
  return flags | O_NONBLOCK | O_NOCTTY;
}

/// The path by which /proc names an open file: the way to hand an O_PATH descriptor to calls that
/// only take names. It is followed only here, never for a guest's own path.
std::string proc_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

OsResult<> set_times_of(int fd, TimeChange atim, TimeChange mtim) {
  timespec times[2] = {to_timespec(atim), to_timespec(mtim)};
  if (::utimensat(fd, "", times, AT_EMPTY_PATH) == 0) return {};
  if (errno != EINVAL && errno != ENOENT) return Err(last_errno());
  // Linux before 5.8 does not take AT_EMPTY_PATH here.
  return done(::utimensat(AT_FDCWD, proc_path(fd).c_str(), times, 0));
}

FileType entry_type(unsigned char d_type) {
  switch (d_type) {
    case DT_BLK:
      return FileType::block_device;
    case DT_CHR:
      return FileType::character_device;
    case DT_DIR:
      return FileType::directory;
    case DT_REG:
      return FileType::regular_file;
    case DT_LNK:
      return FileType::symbolic_link;
    case DT_SOCK:
      return FileType::socket_stream;
    default:
      return FileType::unknown;
  }
}

}  // namespace

OsResult<Dir> Dir::open_host(const std::string& path, bool readonly) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return Err(last_errno());
  Resolver resolver = detect_resolver(fd.get());
  return Dir(std::move(fd), readonly, resolver);
}

OsResult<Dir> Dir::duplicate() const {
  // Not dup(2): that would share the offset which read_entries moves.
  Fd fd(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return Err(last_errno());
  return Dir(std::move(fd), readonly_, resolver_);
}

OsResult<> Dir::writable() const {
  if (readonly_) return Err(Errno::rofs);
  return {};
}

OsResult<Fd> Dir::open(std::string_view path, const OpenOptions& options) const {
  int flags = open_flags(options);
  if (readonly_) {
    if (options.write || options.truncate) return Err(Errno::rofs);
    flags &= ~(O_CREAT | O_EXCL);
  }
  auto fd = open_beneath(resolver_, fd_.get(), path, flags, kFileMode);
  if (readonly_ && options.create) {
    // As on a read-only mount: an existing file opens (or exists), a missing one cannot be made.
    if (fd && options.exclusive) return Err(Errno::exist);
    if (!fd && fd.error() == Errno::noent) return Err(Errno::rofs);
  }
  return fd;
}

OsResult<> Dir::create_directory(std::string_view path) const {
  if (auto ok = writable(); !ok) return ok;
  auto parent = open_parent(resolver_, fd_.get(), path);
  if (!parent) return Err(parent.error());
  return done(::mkdirat(parent->at, parent->name.c_str(), kDirMode));
}

OsResult<> Dir::remove_directory(std::string_view path) const {
  if (auto ok = writable(); !ok) return ok;
  auto parent = open_parent(resolver_, fd_.get(), path);
  if (!parent) return Err(parent.error());
  auto removed = done(::unlinkat(parent->at, parent->name.c_str(), AT_REMOVEDIR));
  // Behind a slash a link stands for what it leads to; one that leads out is told as everywhere.
  if (!removed && removed.error() == Errno::notdir && parent->trailing_slash())
    if (auto target = open_beneath(resolver_, fd_.get(), path, O_PATH | O_DIRECTORY); !target)
      return Err(target.error());
  return removed;
}

OsResult<> Dir::unlink_file(std::string_view path) const {
  if (auto ok = writable(); !ok) return ok;
  auto parent = open_parent(resolver_, fd_.get(), path);
  if (!parent) return Err(parent.error());
  return done(::unlinkat(parent->at, parent->name.c_str(), 0));
}

OsResult<> Dir::rename(std::string_view from, const Dir& to_dir, std::string_view to) const {
  if (auto ok = writable(); !ok) return ok;
  if (auto ok = to_dir.writable(); !ok) return ok;
  auto source = open_parent(resolver_, fd_.get(), from);
  if (!source) return Err(source.error());
  auto target = open_parent(to_dir.resolver_, to_dir.fd_.get(), to);
  if (!target) return Err(target.error());
  return done(::renameat(source->at, source->name.c_str(), target->at, target->name.c_str()));
}

OsResult<> Dir::link(std::string_view from, bool follow, const Dir& to_dir,
                     std::string_view to) const {
  if (auto ok = writable(); !ok) return ok;
  if (auto ok = to_dir.writable(); !ok) return ok;
  auto target = open_parent(to_dir.resolver_, to_dir.fd_.get(), to);
  if (!target) return Err(target.error());
  if (follow || from.ends_with('/')) {
    int flags = from.ends_with('/') ? O_PATH | O_DIRECTORY : O_PATH;
    auto file = open_beneath(resolver_, fd_.get(), from, flags);
    if (!file) return Err(file.error());
    return done(::linkat(AT_FDCWD, proc_path(file->get()).c_str(), target->at, target->name.c_str(),
                         AT_SYMLINK_FOLLOW));
  }
  auto source = open_parent(resolver_, fd_.get(), from);
  if (!source) return Err(source.error());
  return done(::linkat(source->at, source->name.c_str(), target->at, target->name.c_str(), 0));
}

OsResult<> Dir::symlink(std::string_view target, std::string_view path) const {
  if (auto ok = writable(); !ok) return ok;
  // An absolute target would lead every resolver of ours astray, and tools of the host outside.
  if (auto ok = check_path(target); !ok) return ok;
  auto parent = open_parent(resolver_, fd_.get(), path);
  if (!parent) return Err(parent.error());
  return done(::symlinkat(std::string(target).c_str(), parent->at, parent->name.c_str()));
}

OsResult<std::string> Dir::readlink(std::string_view path) const {
  auto link = open_beneath(resolver_, fd_.get(), path, O_PATH | O_NOFOLLOW);
  if (!link) return Err(link.error());
  std::array<char, PATH_MAX> buffer;
  ssize_t size = ::readlinkat(link->get(), "", buffer.data(), buffer.size());
  // For anything but a link Linux answers ENOENT when the path is empty.
  if (size < 0) return Err(errno == ENOENT ? Errno::inval : last_errno());
  return std::string(buffer.data(), static_cast<size_t>(size));
}

OsResult<Stat> Dir::stat(std::string_view path, bool follow) const {
  auto fd = open_beneath(resolver_, fd_.get(), path, follow ? O_PATH : O_PATH | O_NOFOLLOW);
  if (!fd) return Err(fd.error());
  struct ::stat st;
  if (::fstat(fd->get(), &st) < 0) return Err(last_errno());
  return to_stat(st);
}

OsResult<> Dir::set_times(std::string_view path, bool follow, TimeChange atim,
                          TimeChange mtim) const {
  if (auto ok = writable(); !ok) return ok;
  auto fd = open_beneath(resolver_, fd_.get(), path, follow ? O_PATH : O_PATH | O_NOFOLLOW);
  if (!fd) return Err(fd.error());
  return set_times_of(fd->get(), atim, mtim);
}

OsResult<> Dir::set_own_times(TimeChange atim, TimeChange mtim) const {
  if (auto ok = writable(); !ok) return ok;
  return os::set_times(fd_.get(), atim, mtim);
}

OsResult<> Dir::read_entries(uint64_t cookie,
                             const std::function<bool(const DirEntry&)>& visit) const {
  // linux_dirent64: inode u64, offset of the next entry i64, size u16, type u8, name. The system
  // call itself is used because glibc's readdir would hide a second offset in its buffer.
  constexpr size_t kNameOffset = 19;

  if (cookie > INT64_MAX) return Err(Errno::inval);
  if (::lseek(fd_.get(), static_cast<off_t>(cookie), SEEK_SET) < 0) return Err(last_errno());
  std::array<uint8_t, 8192> buffer;
  for (;;) {
    ssize_t size = ::syscall(SYS_getdents64, fd_.get(), buffer.data(), buffer.size());
    if (size < 0) return Err(last_errno());
    if (size == 0) return {};
    for (size_t at = 0; at + kNameOffset < static_cast<size_t>(size);) {
      DirEntry entry;
      uint16_t entry_size;
      std::memcpy(&entry.ino, &buffer[at], 8);
      std::memcpy(&entry.next, &buffer[at + 8], 8);
      std::memcpy(&entry_size, &buffer[at + 16], 2);
      const char* name = reinterpret_cast<const char*>(&buffer[at + kNameOffset]);
      entry.name = std::string_view(name, ::strnlen(name, entry_size - kNameOffset));
      entry.type = entry_type(buffer[at + 18]);
      if (buffer[at + 18] == DT_UNKNOWN) {
        // Some file systems keep no types in their directories.
        struct ::stat st;
        if (::fstatat(fd_.get(), name, &st, AT_SYMLINK_NOFOLLOW) == 0)
          entry.type = file_type(st.st_mode);
      }
      if (entry.name == "..") entry.ino = 0;
      if (!visit(entry)) return {};
      at += entry_size;
    }
  }
}

}  // namespace sedge::wasi::os
