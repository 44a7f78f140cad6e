// Functions on paths. Each gets its directory as a capability, copies the path out of guest memory
// and leaves resolution to os::Dir; what is refused is remembered for the message after a failure.
#include <algorithm>

#include "wasi/p1/call.h"
#include "wasi/p1/denial.h"

namespace sedge::wasi::p1 {
namespace {

constexpr u32 kSymlinkFollow = 1;
constexpr u32 kOCreat = 1, kODirectory = 2, kOExcl = 4, kOTrunc = 8;

/// A directory of the guest and a path beneath it.
struct Target {
  std::shared_ptr<Descriptor> descriptor;  // keeps dir alive
  DirHandle* dir;
  std::string path;
};

OsResult<Target> target(Call& call, u32 fd, uint64_t rights, u32 path, u32 path_len) {
  auto descriptor = call.fd(fd);
  if (!descriptor) return Err(descriptor.error());
  auto* dir = (*descriptor)->as<DirHandle>();
  if (!dir) return Err(Errno::notdir);
  if (rights & ~(*descriptor)->rights) return Err(Errno::notcapable);
  auto text = call.memory.path(path, path_len);
  if (!text) return Err(text.error());
  return Target{std::move(*descriptor), dir, std::move(*text)};
}

template <typename T>
OsResult<T> noted(Call& call, const Target& at, OsResult<T> result) {
  return noted(call.state, *at.dir, at.path, std::move(result));
}

/// Which of two paths a refusal is about, as far as one can say.
const Target* blamed(const Target* from, const Target* to) {
  return to->dir->dir->readonly() && !from->dir->dir->readonly() ? to : from;
}

}  // namespace

Answer path_create_directory(Call& call, u32 fd, u32 path, u32 path_len) {
  SEDGE_WASI_TRY(Target at, target(call, fd, kPathCreateDirectory, path, path_len));
  return answer(call, noted(call, at, at.dir->dir->create_directory(at.path)));
}

Answer path_filestat_get(Call& call, u32 fd, u32 flags, u32 path, u32 path_len, u32 filestat) {
  SEDGE_WASI_TRY(Target at, target(call, fd, kPathFilestatGet, path, path_len));
  SEDGE_WASI_TRY(os::Stat stat,
                 noted(call, at, at.dir->dir->stat(at.path, flags & kSymlinkFollow)));
  return answer(call, store_filestat(call, filestat, stat));
}

Answer path_filestat_set_times(Call& call, u32 fd, u32 flags, u32 path, u32 path_len, u64 atim,
                               u64 mtim, u32 fst_flags) {
  SEDGE_WASI_TRY(Target at, target(call, fd, kPathFilestatSetTimes, path, path_len));
  os::TimeChange atim_change, mtim_change;
  SEDGE_WASI_CHECK(decode_times(fst_flags, atim, mtim, atim_change, mtim_change));
  return answer(call, noted(call, at,
                            at.dir->dir->set_times(at.path, flags & kSymlinkFollow, atim_change,
                                                   mtim_change)));
}

Answer path_link(Call& call, u32 old_fd, u32 old_flags, u32 old_path, u32 old_path_len, u32 new_fd,
                 u32 new_path, u32 new_path_len) {
  SEDGE_WASI_TRY(Target from, target(call, old_fd, kPathLinkSource, old_path, old_path_len));
  SEDGE_WASI_TRY(Target to, target(call, new_fd, kPathLinkTarget, new_path, new_path_len));
  return answer(call, noted(call, *blamed(&from, &to),
                            from.dir->dir->link(from.path, old_flags & kSymlinkFollow, *to.dir->dir,
                                                to.path)));
}

Answer path_open(Call& call, u32 fd, u32 dirflags, u32 path, u32 path_len, u32 oflags,
                 u64 rights_base, u64 rights_inheriting, u32 fdflags, u32 opened_fd) {
  if (oflags > (kOCreat | kODirectory | kOExcl | kOTrunc) || fdflags > os::kAllFdFlags)
    return Errno::inval;
  uint64_t rights = kPathOpen;
  if (oflags & kOCreat) rights |= kPathCreateFile;
  if (oflags & kOTrunc) rights |= kPathFilestatSetSize;
  SEDGE_WASI_TRY(Target at, target(call, fd, rights, path, path_len));
  SEDGE_WASI_CHECK(call.memory.range(opened_fd, 4));
  if (call.state.fds().full()) return Errno::mfile;

  // Rights that the directory does not pass on are left out rather than refused: guests ask for
  // all there are and find out by use.
  uint64_t passed = at.descriptor->inheriting;
  uint64_t base = rights_base & passed;
  os::OpenOptions options;
  options.read = base & (kFdRead | kFdReaddir);
  options.write = base & kFdWrite;
  options.create = oflags & kOCreat;
  options.exclusive = oflags & kOExcl;
  options.truncate = oflags & kOTrunc;
  options.directory = oflags & kODirectory;
  options.follow = dirflags & kSymlinkFollow;
  options.flags = static_cast<uint16_t>(fdflags);
  if (options.create && options.directory) return Errno::inval;
  SEDGE_WASI_TRY(Fd file, noted(call, at, at.dir->dir->open(at.path, options)));

  auto opened = std::make_shared<Descriptor>();
  SEDGE_WASI_TRY(opened->type, os::type_of(file.get()));
  if (opened->type == os::FileType::directory) {
    // Without rights a directory is of no use: whoever asks for none knows no rights, and means all.
    const bool knows_rights = rights_base != 0 || rights_inheriting != 0;
    opened->rights = (knows_rights ? base : passed) & kDirectoryRights;
    opened->inheriting = knows_rights ? rights_inheriting & passed : passed;
    const os::Dir& parent = *at.dir->dir;
    opened->handle = DirHandle{
        std::make_shared<const os::Dir>(std::move(file), parent.readonly(), parent.resolver()),
        std::nullopt, guest_path(at.dir->guest, at.path)};
  } else {
    opened->rights = base & kFileRights;
    opened->inheriting = 0;
    opened->flags = options.flags;
    FileHandle handle;
    handle.fd = file.get();
    handle.owned = std::move(file);
    handle.readonly = at.dir->dir->readonly();
    opened->handle = std::move(handle);
  }
  SEDGE_WASI_TRY(u32 number, call.state.fds().add(std::move(opened)));
  return answer(call, call.memory.store(opened_fd, number));
}

Answer path_readlink(Call& call, u32 fd, u32 path, u32 path_len, u32 buffer, u32 size, u32 used) {
  SEDGE_WASI_TRY(Target at, target(call, fd, kPathReadlink, path, path_len));
  SEDGE_WASI_TRY(auto to, call.memory.range(buffer, size));
  SEDGE_WASI_TRY(std::string text, noted(call, at, at.dir->dir->readlink(at.path)));
  size_t take = std::min<size_t>(text.size(), to.size());
  std::memcpy(to.data(), text.data(), take);
  return answer(call, call.memory.store(used, static_cast<u32>(take)));
}

Answer path_remove_directory(Call& call, u32 fd, u32 path, u32 path_len) {
  SEDGE_WASI_TRY(Target at, target(call, fd, kPathRemoveDirectory, path, path_len));
  return answer(call, noted(call, at, at.dir->dir->remove_directory(at.path)));
}

Answer path_rename(Call& call, u32 fd, u32 old_path, u32 old_path_len, u32 new_fd, u32 new_path,
                   u32 new_path_len) {
  SEDGE_WASI_TRY(Target from, target(call, fd, kPathRenameSource, old_path, old_path_len));
  SEDGE_WASI_TRY(Target to, target(call, new_fd, kPathRenameTarget, new_path, new_path_len));
  return answer(call, noted(call, *blamed(&from, &to),
                            from.dir->dir->rename(from.path, *to.dir->dir, to.path)));
}

Answer path_symlink(Call& call, u32 old_path, u32 old_path_len, u32 fd, u32 new_path,
                    u32 new_path_len) {
  SEDGE_WASI_TRY(Target at, target(call, fd, kPathSymlink, new_path, new_path_len));
  SEDGE_WASI_TRY(std::string text, call.memory.path(old_path, old_path_len));
  return answer(call, noted(call, at, at.dir->dir->symlink(text, at.path)));
}

Answer path_unlink_file(Call& call, u32 fd, u32 path, u32 path_len) {
  SEDGE_WASI_TRY(Target at, target(call, fd, kPathUnlinkFile, path, path_len));
  return answer(call, noted(call, at, at.dir->dir->unlink_file(at.path)));
}

}  // namespace sedge::wasi::p1
