// Functions on descriptors: attributes, transfers, directories' entries, renumbering.
#include <algorithm>

#include "wasi/p1/call.h"

namespace sedge::wasi::p1 {
namespace {

constexpr u32 kFstAtim = 1, kFstAtimNow = 2, kFstMtim = 4, kFstMtimNow = 8;

/// A descriptor that must be the kernel's file, for what only files have.
OsResult<int> file_of(const std::shared_ptr<Descriptor>& descriptor) {
  if (descriptor->is_dir()) return Err(Errno::isdir);
  if (auto* file = descriptor->as<FileHandle>()) return file->fd;
  return Err(Errno::spipe);
}

/// Directories are told apart before rights: "is a directory" says more than "not capable".
OsResult<std::shared_ptr<Descriptor>> get_file(Call& call, u32 fd, uint64_t rights) {
  auto any = call.fd(fd);
  if (!any) return any;
  if ((*any)->is_dir()) return Err(Errno::isdir);
  return call.fd(fd, rights);
}

}  // namespace

OsResult<std::shared_ptr<Descriptor>> Call::fd(uint32_t number, uint64_t rights) const {
  auto found = state.fds().get(number);
  if (!found) return found;
  uint64_t missing = rights & ~(*found)->rights.load(std::memory_order_relaxed);
  if (missing == 0) return found;
  // A descriptor that was not opened for reading or writing is POSIX's EBADF.
  return Err(missing & (kFdRead | kFdWrite) ? Errno::badf : Errno::notcapable);
}

OsResult<> store_filestat(const Call& call, u32 address, const os::Stat& stat) {
  bool older = call.snapshot == Snapshot::unstable;
  auto to = call.memory.range(address, filestat_size(call.snapshot));
  if (!to) return Err(to.error());
  std::memset(to->data(), 0, to->size());
  auto put = [&](uint32_t offset, auto value) {
    std::memcpy(to->data() + offset, &value, sizeof(value));
  };
  put(0, stat.dev);
  put(8, stat.ino);
  put(16, static_cast<uint8_t>(stat.type));
  // The older edition has a 32-bit link count right after the type.
  if (older)
    put(20, static_cast<uint32_t>(std::min<uint64_t>(stat.nlink, UINT32_MAX)));
  else
    put(24, stat.nlink);
  uint32_t rest = older ? 24 : 32;
  put(rest, stat.size);
  put(rest + 8, stat.atim);
  put(rest + 16, stat.mtim);
  put(rest + 24, stat.ctim);
  return {};
}

OsResult<> decode_times(u32 fst_flags, u64 atim, u64 mtim, os::TimeChange& atim_change,
                        os::TimeChange& mtim_change) {
  if (fst_flags > (kFstAtim | kFstAtimNow | kFstMtim | kFstMtimNow)) return Err(Errno::inval);
  auto one = [&](u32 set, u32 now, u64 time, os::TimeChange& out) {
    if ((fst_flags & set) && (fst_flags & now)) return false;
    if (fst_flags & set) out = {os::TimeChange::Kind::set, time};
    if (fst_flags & now) out = {os::TimeChange::Kind::now, 0};
    return true;
  };
  if (!one(kFstAtim, kFstAtimNow, atim, atim_change)) return Err(Errno::inval);
  if (!one(kFstMtim, kFstMtimNow, mtim, mtim_change)) return Err(Errno::inval);
  return {};
}

Answer fd_advise(Call& call, u32 fd, u64 offset, u64 length, u32 advice) {
  if (advice > static_cast<u32>(os::Advice::noreuse)) return Errno::inval;
  SEDGE_WASI_TRY(auto descriptor, call.fd(fd, kFdAdvise));
  if (descriptor->is_dir()) return Errno::badf;
  SEDGE_WASI_TRY(int file, file_of(descriptor));
  return answer(call, os::advise(file, offset, length, static_cast<os::Advice>(advice)));
}

Answer fd_allocate(Call& call, u32 fd, u64 offset, u64 length) {
  SEDGE_WASI_TRY(auto descriptor, get_file(call, fd, kFdAllocate));
  SEDGE_WASI_TRY(int file, file_of(descriptor));
  return answer(call, os::allocate(file, offset, length));
}

Answer fd_close(Call& call, u32 fd) { return answer(call, call.state.fds().close(fd)); }

Answer fd_datasync(Call& call, u32 fd) {
  SEDGE_WASI_TRY(auto descriptor, call.fd(fd, kFdDatasync));
  if (descriptor->kernel_fd() < 0) return Errno::inval;
  return answer(call, os::datasync(descriptor->kernel_fd()));
}

Answer fd_sync(Call& call, u32 fd) {
  SEDGE_WASI_TRY(auto descriptor, call.fd(fd, kFdSync));
  if (descriptor->kernel_fd() < 0) return Errno::inval;
  return answer(call, os::sync(descriptor->kernel_fd()));
}

Answer fd_fdstat_get(Call& call, u32 fd, u32 fdstat) {
  SEDGE_WASI_TRY(auto descriptor, call.fd(fd));
  SEDGE_WASI_TRY(auto to, call.memory.range(fdstat, kFdstatSize));
  std::memset(to.data(), 0, to.size());
  auto put = [&](uint32_t offset, auto value) {
    std::memcpy(to.data() + offset, &value, sizeof(value));
  };
  put(0, static_cast<uint8_t>(descriptor->type));
  put(2, descriptor->flags.load());
  put(8, descriptor->rights.load());
  put(16, descriptor->inheriting.load());
  return Errno::success;
}

Answer fd_fdstat_set_flags(Call& call, u32 fd, u32 flags) {
  if (flags > os::kAllFdFlags) return Errno::inval;
  SEDGE_WASI_TRY(auto descriptor, call.fd(fd, kFdFdstatSetFlags));
  auto wanted = static_cast<uint16_t>(flags);
  uint16_t now = descriptor->flags;
  // Linux fixes these at open.
  constexpr uint16_t kFixed = os::kDsync | os::kRsync | os::kSync;
  if ((wanted & kFixed) != (now & kFixed)) return Errno::notsup;
  if ((wanted ^ now) & os::kAppend) {
    auto* file = descriptor->as<FileHandle>();
    // A standard stream is shared with the processes around this one: left as it is.
    if (!file || !file->owned) return Errno::notsup;
    SEDGE_WASI_CHECK(os::set_append(file->fd, wanted & os::kAppend));
  }
  descriptor->flags = wanted;
  return Errno::success;
}

Answer fd_fdstat_set_rights(Call& call, u32 fd, u64 base, u64 inheriting) {
  SEDGE_WASI_TRY(auto descriptor, call.fd(fd));
  std::lock_guard lock(descriptor->mutex);
  if ((base & ~descriptor->rights) != 0 || (inheriting & ~descriptor->inheriting) != 0)
    return Errno::notcapable;
  descriptor->rights = base;
  descriptor->inheriting = inheriting;
  return Errno::success;
}

Answer fd_filestat_get(Call& call, u32 fd, u32 filestat) {
  SEDGE_WASI_TRY(auto descriptor, call.fd(fd, kFdFilestatGet));
  os::Stat stat;
  stat.type = descriptor->type;
  if (descriptor->kernel_fd() >= 0) {
    SEDGE_WASI_TRY(stat, os::stat_fd(descriptor->kernel_fd()));
  }
  return answer(call, store_filestat(call, filestat, stat));
}

Answer fd_filestat_set_size(Call& call, u32 fd, u64 size) {
  SEDGE_WASI_TRY(auto descriptor, get_file(call, fd, kFdFilestatSetSize));
  SEDGE_WASI_TRY(int file, file_of(descriptor));
  return answer(call, os::set_size(file, size));
}

Answer fd_filestat_set_times(Call& call, u32 fd, u64 atim, u64 mtim, u32 fst_flags) {
  SEDGE_WASI_TRY(auto descriptor, call.fd(fd, kFdFilestatSetTimes));
  os::TimeChange atim_change, mtim_change;
  SEDGE_WASI_CHECK(decode_times(fst_flags, atim, mtim, atim_change, mtim_change));
  if (auto* dir = descriptor->as<DirHandle>())
    return answer(call, dir->dir->set_own_times(atim_change, mtim_change));
  auto* file = descriptor->as<FileHandle>();
  if (!file) return Errno::inval;
  if (file->readonly) return Errno::rofs;
  return answer(call, os::set_times(file->fd, atim_change, mtim_change));
}

Answer fd_read(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 nread) {
  SEDGE_WASI_TRY(auto descriptor, get_file(call, fd, kFdRead));
  SEDGE_WASI_TRY(auto buffers, call.memory.buffers(iovs, iovs_len));
  SEDGE_WASI_CHECK(call.memory.range(nread, 4));  // before data is taken that nobody would get
  SEDGE_WASI_TRY(size_t size, descriptor->read(buffers, call.interrupt));
  return answer(call, call.memory.store(nread, static_cast<u32>(size)));
}

Answer fd_write(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 nwritten) {
  SEDGE_WASI_TRY(auto descriptor, get_file(call, fd, kFdWrite));
  SEDGE_WASI_TRY(auto buffers, call.memory.buffers(iovs, iovs_len));
  SEDGE_WASI_CHECK(call.memory.range(nwritten, 4));
  SEDGE_WASI_TRY(size_t size, descriptor->write(buffers, call.interrupt));
  return answer(call, call.memory.store(nwritten, static_cast<u32>(size)));
}

Answer fd_pread(Call& call, u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nread) {
  SEDGE_WASI_TRY(auto descriptor, get_file(call, fd, kFdRead));
  SEDGE_WASI_TRY(int file, file_of(descriptor));
  if (!(descriptor->rights & kFdSeek)) return Errno::spipe;
  SEDGE_WASI_TRY(auto buffers, call.memory.buffers(iovs, iovs_len));
  SEDGE_WASI_CHECK(call.memory.range(nread, 4));
  SEDGE_WASI_TRY(size_t size, os::pread(file, buffers, offset));
  return answer(call, call.memory.store(nread, static_cast<u32>(size)));
}

Answer fd_pwrite(Call& call, u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nwritten) {
  SEDGE_WASI_TRY(auto descriptor, get_file(call, fd, kFdWrite));
  SEDGE_WASI_TRY(int file, file_of(descriptor));
  if (!(descriptor->rights & kFdSeek)) return Errno::spipe;
  SEDGE_WASI_TRY(auto buffers, call.memory.buffers(iovs, iovs_len));
  SEDGE_WASI_CHECK(call.memory.range(nwritten, 4));
  SEDGE_WASI_TRY(size_t size, os::pwrite(file, buffers, offset));
  return answer(call, call.memory.store(nwritten, static_cast<u32>(size)));
}

Answer fd_seek(Call& call, u32 fd, u64 offset, u32 whence, u32 position) {
  // The older edition numbers them cur, end, set.
  static constexpr os::Whence kPreview1[] = {os::Whence::set, os::Whence::cur, os::Whence::end};
  static constexpr os::Whence kUnstable[] = {os::Whence::cur, os::Whence::end, os::Whence::set};
  if (whence > 2) return Errno::inval;
  os::Whence how = call.snapshot == Snapshot::unstable ? kUnstable[whence] : kPreview1[whence];
  bool only_tells = how == os::Whence::cur && offset == 0;
  SEDGE_WASI_TRY(auto descriptor, get_file(call, fd, 0));
  uint64_t rights = descriptor->rights;
  if (!(rights & kFdSeek) && !(only_tells && (rights & kFdTell)))
    return descriptor->as<FileHandle>() && (descriptor->type == os::FileType::regular_file)
               ? Errno::notcapable
               : Errno::spipe;
  SEDGE_WASI_TRY(int file, file_of(descriptor));
  SEDGE_WASI_CHECK(call.memory.range(position, 8));
  SEDGE_WASI_TRY(uint64_t at, os::seek(file, static_cast<int64_t>(offset), how));
  return answer(call, call.memory.store(position, at));
}

Answer fd_tell(Call& call, u32 fd, u32 position) {
  SEDGE_WASI_TRY(auto descriptor, get_file(call, fd, 0));
  // The right to seek implies it.
  if (!(descriptor->rights & (kFdTell | kFdSeek)))
    return descriptor->type == os::FileType::regular_file ? Errno::notcapable : Errno::spipe;
  SEDGE_WASI_TRY(int file, file_of(descriptor));
  SEDGE_WASI_TRY(uint64_t at, os::seek(file, 0, os::Whence::cur));
  return answer(call, call.memory.store(position, at));
}

Answer fd_prestat_get(Call& call, u32 fd, u32 prestat) {
  auto descriptor = call.state.fds().get(fd);
  auto* dir = descriptor ? (*descriptor)->as<DirHandle>() : nullptr;
  if (!dir || !dir->preopen) {
    constexpr u32 kFirstPreopen = 3;
    if (fd == kFirstPreopen) call.state.note_no_preopens();
    return Errno::badf;
  }
  SEDGE_WASI_TRY(auto to, call.memory.range(prestat, kPrestatSize));
  auto size = static_cast<u32>(dir->preopen->size());
  std::memset(to.data(), 0, to.size());  // tag 0: a directory
  std::memcpy(to.data() + 4, &size, sizeof(size));
  return Errno::success;
}

Answer fd_prestat_dir_name(Call& call, u32 fd, u32 path, u32 path_len) {
  SEDGE_WASI_TRY(auto descriptor, call.state.fds().get(fd));
  auto* dir = descriptor->as<DirHandle>();
  if (!dir || !dir->preopen) return Errno::badf;
  if (path_len < dir->preopen->size()) return Errno::nametoolong;
  SEDGE_WASI_TRY(auto to, call.memory.range(path, dir->preopen->size()));
  std::memcpy(to.data(), dir->preopen->data(), dir->preopen->size());
  return Errno::success;
}

Answer fd_readdir(Call& call, u32 fd, u32 buffer, u32 size, u64 cookie, u32 used) {
  SEDGE_WASI_TRY(auto descriptor, call.fd(fd));
  auto* dir = descriptor->as<DirHandle>();
  if (!dir) return Errno::notdir;
  if (!(descriptor->rights & kFdReaddir)) return Errno::notcapable;
  SEDGE_WASI_TRY(auto to, call.memory.range(buffer, size));
  SEDGE_WASI_CHECK(call.memory.range(used, 4));
  size_t at = 0, visited = 0;
  auto put = [&](const void* bytes, size_t count) {
    size_t take = std::min(count, to.size() - at);
    std::memcpy(to.data() + at, bytes, take);
    at += take;
  };
  bool stopped = false;
  auto visit = [&](const os::DirEntry& entry) {
    constexpr size_t kBetweenChecks = 1024;
    stopped = ++visited % kBetweenChecks == 0 && call.interrupt.requested();
    if (stopped) return false;
    uint8_t header[kDirentSize] = {};
    auto name_size = static_cast<u32>(entry.name.size());
    std::memcpy(header, &entry.next, 8);
    std::memcpy(header + 8, &entry.ino, 8);
    std::memcpy(header + 16, &name_size, 4);
    header[20] = static_cast<uint8_t>(entry.type);
    put(header, sizeof(header));
    put(entry.name.data(), entry.name.size());
    return at < to.size();  // the last entry is cut, as the interface wants
  };
  {
    std::lock_guard lock(descriptor->mutex);
    SEDGE_WASI_CHECK(dir->dir->read_entries(cookie, visit));
  }
  if (stopped) return answer(call, Errno::canceled);
  return answer(call, call.memory.store(used, static_cast<u32>(at)));
}

Answer fd_renumber(Call& call, u32 from, u32 to) {
  return answer(call, call.state.fds().renumber(from, to));
}

}  // namespace sedge::wasi::p1
