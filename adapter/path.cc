// Functions on paths, and directories' entries.
#include "files.h"

using namespace adapter;

namespace {

/// Strings of WASI 0.2 are UTF-8; others would trap (RFC 3629, section 4).
bool is_utf8(const uint8_t* text, uint32_t size) {
  for (uint32_t i = 0; i < size;) {
    uint8_t first = text[i++];
    if (first < 0x80) continue;
    uint32_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || more > size - i) return false;
    uint8_t second = text[i];
    bool fits = (first != 0xe0 || second >= 0xa0) && (first != 0xed || second < 0xa0) &&
                (first != 0xf0 || second >= 0x90) && (first != 0xf4 || second < 0x90);
    if (!fits) return false;
    for (; more != 0; --more)
      if ((text[i++] & 0xc0) != 0x80) return false;
  }
  return true;
}

Errno check_path(const uint8_t* path, uint32_t size) {
  if (!in_memory(path, size)) return Errno::fault;
  return is_utf8(path, size) ? Errno::success : Errno::ilseq;
}

/// The directory that a path begins at; null with the reason why not.
Fd* find_base(uint32_t number, uint64_t rights, const uint8_t* path, uint32_t size, Errno& error) {
  Fd* fd = find_fd(number, 0, error);
  if (fd == nullptr) return nullptr;
  error = Errno::notdir;
  if (fd->kind != Fd::Kind::directory) return nullptr;
  fd = find_fd(number, rights, error);
  if (fd == nullptr) return nullptr;
  error = check_path(path, size);
  return error == Errno::success ? fd : nullptr;
}

constexpr uint64_t kCreateDirectory = 1ull << 9, kCreateFile = 1ull << 10, kLinkSource = 1ull << 11,
                   kLinkTarget = 1ull << 12, kOpen = 1ull << 13, kReadlink = 1ull << 15,
                   kRenameSource = 1ull << 16, kRenameTarget = 1ull << 17,
                   kFilestatGet = 1ull << 18, kFilestatSetSize = 1ull << 19,
                   kFilestatSetTimes = 1ull << 20, kSymlink = 1ull << 24,
                   kRemoveDirectory = 1ull << 25, kUnlinkFile = 1ull << 26;

/// What a call on one path does behind the checks.
template <typename Operation>
Errno on_path(uint32_t number, uint64_t right, const uint8_t* path, uint32_t size,
              Operation operation) {
  Errno error;
  Fd* fd = find_base(number, right, path, size, error);
  if (fd == nullptr) return error;
  if constexpr (!kIsProxy) return operation(*fd);
  return Errno::badf;
}

struct Entry {
  uint64_t ino = 0;
  FileType type = FileType::directory;
  p2::List name = {};
};

uint64_t own_ino(const Fd& fd) {
  p2::HashResult hash;
  p2::metadata_hash(fd.handle, &hash);
  return hash.failed ? 0 : hash.lower;
}

void close_entries(Fd& fd) {
  if (fd.has_entries) p2::drop_entries(fd.entries);
  fd.has_entries = false;
}

/// The next entry of the open stream; `some` is false at the end.
Errno next_entry(Fd& fd, p2::EntryResult& result) {
  ResultsTo there(passing());
  p2::read_entry(fd.entries, &result);
  if (result.failed) return errno_of(result.error);
  ++fd.position;
  return Errno::success;
}

/// Makes the stream one whose next entry is at the cookie; those before 2 are "." and "..".
Errno go_to(Fd& fd, uint64_t cookie, bool& at_end) {
  at_end = false;
  if (fd.has_entries && fd.position == cookie) return Errno::success;
  close_entries(fd);
  p2::HandleResult opened;
  p2::read_directory(fd.handle, &opened);
  if (opened.failed) return errno_of(opened.error);
  fd.entries = opened.handle;
  fd.has_entries = true;
  fd.position = 2;
  while (fd.position < cookie) {
    p2::EntryResult skipped;
    Errno error = next_entry(fd, skipped);
    if (error != Errno::success) return error;
    if (!skipped.some) {
      at_end = true;
      break;
    }
  }
  return Errno::success;
}

/// The entry at a cookie. Its name is in the region of passing results, or in that of the pending
/// entry.
Errno entry_at(uint32_t number, Fd& fd, uint64_t cookie, Entry& out, bool& at_end) {
  at_end = false;
  State& s = state();
  if (cookie < 2) {
    uint8_t* dots = reinterpret_cast<uint8_t*>(take(passing(), 1, 2));
    dots[0] = dots[1] = '.';
    // The directory above may be out of reach.
    out = {own_ino(fd),
           FileType::directory,
           {reinterpret_cast<uint32_t>(dots), static_cast<uint32_t>(cookie) + 1}};
    return Errno::success;
  }
  if (s.pending.valid && s.pending.fd == number && s.pending.cookie == cookie) {
    out = {s.pending.ino,
           s.pending.type,
           {reinterpret_cast<uint32_t>(s.pending.name), s.pending.size}};
    return Errno::success;
  }
  Errno error = go_to(fd, cookie, at_end);
  if (error != Errno::success || at_end) return error;
  p2::EntryResult result;
  error = next_entry(fd, result);
  if (error != Errno::success) return error;
  at_end = !result.some;
  if (at_end) return Errno::success;
  p2::HashResult hash;
  p2::metadata_hash_at(fd.handle, 0, reinterpret_cast<const uint8_t*>(result.entry.name.data),
                       result.entry.name.size, &hash);
  out = {hash.failed ? 0 : hash.lower, file_type(result.entry.type), result.entry.name};
  return Errno::success;
}

void keep_pending(uint32_t number, uint64_t cookie, const Entry& entry) {
  PendingEntry& pending = state().pending;
  if (entry.name.size > sizeof(pending.name)) return;
  if (entry.name.data != reinterpret_cast<uint32_t>(pending.name))
    __builtin_memcpy(pending.name, reinterpret_cast<const void*>(entry.name.data), entry.name.size);
  pending.valid = true;
  pending.type = entry.type;
  pending.fd = number;
  pending.size = entry.name.size;
  pending.cookie = cookie;
  pending.ino = entry.ino;
}

uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

}  // namespace

SEDGE_P1(fd_readdir)(uint32_t number, uint8_t* buffer, uint32_t size, uint64_t cookie,
                     uint32_t* used) {
  Errno error;
  Fd* fd = find_fd(number, 0, error);
  if (fd == nullptr) return error;
  if (fd->kind != Fd::Kind::directory) return Errno::notdir;
  if (!(fd->rights & kFdReaddir)) return Errno::notcapable;
  if (!in_memory(buffer, size) || !in_memory(used)) return Errno::fault;
  uint32_t at = 0;
  if constexpr (!kIsProxy) {
    for (; at < size; ++cookie) {
      Entry entry;
      bool at_end = false;
      error = entry_at(number, *fd, cookie, entry, at_end);
      if (error != Errno::success && at == 0) return error;
      if (error != Errno::success || at_end) break;
      Dirent header = {};
      header.next = cookie + 1;
      header.ino = entry.ino;
      header.name_size = entry.name.size;
      header.type = entry.type;
      uint32_t part = least(sizeof(header), size - at);
      __builtin_memcpy(buffer + at, &header, part);
      at += part;
      part = least(entry.name.size, size - at);
      __builtin_memcpy(buffer + at, reinterpret_cast<const void*>(entry.name.data), part);
      at += part;
      // The last entry is cut, as the interface wants; it is asked for again.
      if (at == size) keep_pending(number, cookie, entry);
    }
  }
  *used = at;
  return Errno::success;
}

SEDGE_P1(path_open)(uint32_t number, uint32_t path_flags, const uint8_t* path, uint32_t size,
                    uint32_t open_flags, uint64_t rights, uint64_t inheriting, uint32_t fd_flags,
                    uint32_t* out) {
  if (open_flags > kAllOpenFlags || fd_flags > kAllFdFlags) return Errno::inval;
  uint64_t needs = kOpen;
  if (open_flags & kOCreat) needs |= kCreateFile;
  if (open_flags & kOTrunc) needs |= kFilestatSetSize;
  return on_path(number, needs, path, size, [&](const Fd& base) {
    // Rights that the directory does not pass on are left out rather than refused: guests ask for
    // all there are and find out by use.
    uint64_t passed = base.inheriting;
    uint64_t given = rights & passed;
    if ((open_flags & kOCreat) && (open_flags & kODirectory)) return Errno::inval;
    uint32_t flags = 0;
    if (given & (kFdRead | kFdReaddir)) flags |= p2::kRead;
    if (given & kFdWrite) flags |= p2::kWrite;
    if (fd_flags & kFdSyncFlag) flags |= p2::kFileSync;
    if (fd_flags & kFdDsync) flags |= p2::kDataSync;
    if (fd_flags & kFdRsync) flags |= p2::kRequestedWriteSync;
    p2::HandleResult opened;
    p2::open_at(base.handle, path_flags & kSymlinkFollow, path, size, open_flags, flags, &opened);
    if (opened.failed) return errno_of(opened.error);
    p2::Status type;
    p2::get_type(opened.handle, &type);
    if (type.failed) {
      p2::drop_descriptor(opened.handle);
      return errno_of(type.value);
    }
    Fd fd;
    fd.type = file_type(static_cast<p2::DescriptorType>(type.value));
    fd.handle = opened.handle;
    fd.has_handle = true;
    if (fd.type == FileType::directory) {
      fd.kind = Fd::Kind::directory;
      fd.rights = given & (kDirectoryRights | kFdReaddir);
      fd.inheriting = inheriting & passed;
    } else {
      fd.kind = Fd::Kind::file;
      fd.rights = given & kFileRights;
      fd.flags = static_cast<uint16_t>(fd_flags);
    }
    *out = add_fd(fd);
    return Errno::success;
  });
}

SEDGE_P1(path_create_directory)(uint32_t number, const uint8_t* path, uint32_t size) {
  return on_path(number, kCreateDirectory, path, size, [&](const Fd& base) {
    p2::Status status;
    p2::create_directory_at(base.handle, path, size, &status);
    return errno_of(status);
  });
}

SEDGE_P1(path_remove_directory)(uint32_t number, const uint8_t* path, uint32_t size) {
  return on_path(number, kRemoveDirectory, path, size, [&](const Fd& base) {
    p2::Status status;
    p2::remove_directory_at(base.handle, path, size, &status);
    return errno_of(status);
  });
}

SEDGE_P1(path_unlink_file)(uint32_t number, const uint8_t* path, uint32_t size) {
  return on_path(number, kUnlinkFile, path, size, [&](const Fd& base) {
    p2::Status status;
    p2::unlink_file_at(base.handle, path, size, &status);
    return errno_of(status);
  });
}

SEDGE_P1(path_filestat_get)(uint32_t number, uint32_t flags, const uint8_t* path, uint32_t size,
                            Filestat* out) {
  return on_path(number, kFilestatGet, path, size, [&](const Fd& base) {
    p2::StatResult stat;
    p2::stat_at(base.handle, flags & kSymlinkFollow, path, size, &stat);
    if (stat.failed) return errno_of(stat.error);
    p2::HashResult hash;
    p2::metadata_hash_at(base.handle, flags & kSymlinkFollow, path, size, &hash);
    if (hash.failed) return errno_of(hash.error);
    store_stat(stat.stat, hash, out);
    return Errno::success;
  });
}

SEDGE_P1(path_filestat_set_times)(uint32_t number, uint32_t flags, const uint8_t* path,
                                  uint32_t size, uint64_t atim, uint64_t mtim, uint32_t fst_flags) {
  return on_path(number, kFilestatSetTimes, path, size, [&](const Fd& base) {
    p2::NewTimestamp access, change;
    if (!new_times(fst_flags, atim, mtim, access, change)) return Errno::inval;
    p2::Status status;
    p2::set_times_at(base.handle, flags & kSymlinkFollow, path, size, access.change,
                     access.time.seconds, access.time.nanoseconds, change.change,
                     change.time.seconds, change.time.nanoseconds, &status);
    return errno_of(status);
  });
}

SEDGE_P1(path_link)(uint32_t old_number, uint32_t flags, const uint8_t* old_path, uint32_t old_size,
                    uint32_t number, const uint8_t* path, uint32_t size) {
  return on_path(old_number, kLinkSource, old_path, old_size, [&](const Fd& from) {
    return on_path(number, kLinkTarget, path, size, [&](const Fd& to) {
      p2::Status status;
      p2::link_at(from.handle, flags & kSymlinkFollow, old_path, old_size, to.handle, path, size,
                  &status);
      return errno_of(status);
    });
  });
}

SEDGE_P1(path_rename)(uint32_t old_number, const uint8_t* old_path, uint32_t old_size,
                      uint32_t number, const uint8_t* path, uint32_t size) {
  return on_path(old_number, kRenameSource, old_path, old_size, [&](const Fd& from) {
    return on_path(number, kRenameTarget, path, size, [&](const Fd& to) {
      p2::Status status;
      p2::rename_at(from.handle, old_path, old_size, to.handle, path, size, &status);
      return errno_of(status);
    });
  });
}

SEDGE_P1(path_symlink)(const uint8_t* text, uint32_t text_size, uint32_t number,
                       const uint8_t* path, uint32_t size) {
  return on_path(number, kSymlink, path, size, [&](const Fd& base) {
    Errno error = check_path(text, text_size);
    if (error != Errno::success) return error;
    p2::Status status;
    p2::symlink_at(base.handle, text, text_size, path, size, &status);
    return errno_of(status);
  });
}

SEDGE_P1(path_readlink)(uint32_t number, const uint8_t* path, uint32_t size, uint8_t* buffer,
                        uint32_t buffer_size, uint32_t* used) {
  return on_path(number, kReadlink, path, size, [&](const Fd& base) {
    if (!in_memory(buffer, buffer_size) || !in_memory(used)) return Errno::fault;
    p2::TextResult result;
    ResultsTo there(passing());
    p2::readlink_at(base.handle, path, size, &result);
    if (result.failed) return errno_of(result.error);
    uint32_t part = least(result.text.size, buffer_size);
    __builtin_memcpy(buffer, reinterpret_cast<const void*>(result.text.data), part);
    *used = part;
    return Errno::success;
  });
}
