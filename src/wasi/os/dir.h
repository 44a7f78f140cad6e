// A directory as a capability: every path of the guest is resolved beneath one of these, and
// nothing outside it can be named. Read-only directories refuse whatever would change them.
#ifndef SEDGE_WASI_OS_DIR_H_
#define SEDGE_WASI_OS_DIR_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "wasi/os/errno.h"
#include "wasi/os/file.h"
#include "wasi/os/resolve.h"

namespace sedge::wasi::os {

struct OpenOptions {
  bool read = false;
  bool write = false;
  bool create = false;
  bool exclusive = false;
  bool truncate = false;
  bool directory = false;  ///< Fail with `notdir` on anything else.
  bool follow = false;     ///< Follow a link in the last component.
  uint16_t flags = 0;      ///< FdFlag bits.
};

struct DirEntry {
  uint64_t next;  ///< Cookie of the entry after this one.
  uint64_t ino;   ///< 0 for `..`: what lies above is not the guest's.
  FileType type;
  std::string_view name;  ///< valid during the visit
};

/// Move-only. Operations on the same Dir from several threads are safe except `read_entries`,
/// which moves the descriptor's offset; its caller serialises.
class Dir {
 public:
  /// Opens a directory of the host for a guest, with the resolver that works there.
  static OsResult<Dir> open_host(const std::string& path, bool readonly);
  /// Takes an open directory.
  Dir(Fd fd, bool readonly, Resolver resolver)
      : fd_(std::move(fd)), readonly_(readonly), resolver_(resolver) {}

  int fd() const { return fd_.get(); }
  bool readonly() const { return readonly_; }
  Resolver resolver() const { return resolver_; }
  /// A second handle on the same directory.
  OsResult<Dir> duplicate() const;

  /// Opens a file or directory. Never waits for a FIFO's other end. What it returns is open for
  /// writing only if this Dir is writable. The kernel sees it as non-blocking.
  OsResult<Fd> open(std::string_view path, const OpenOptions& options) const;
  OsResult<> create_directory(std::string_view path) const;
  OsResult<> remove_directory(std::string_view path) const;
  OsResult<> unlink_file(std::string_view path) const;
  OsResult<> rename(std::string_view from, const Dir& to_dir, std::string_view to) const;
  /// Hard link. `follow` resolves a link at the end of `from` (still beneath this Dir). Refused
  /// for a read-only source: the new name would be a writable way to its file.
  OsResult<> link(std::string_view from, bool follow, const Dir& to_dir, std::string_view to) const;
  /// Symbolic link at `path` that reads `target`; `notcapable` for an absolute target.
  OsResult<> symlink(std::string_view target, std::string_view path) const;
  OsResult<std::string> readlink(std::string_view path) const;
  OsResult<Stat> stat(std::string_view path, bool follow) const;
  OsResult<> set_times(std::string_view path, bool follow, TimeChange atim, TimeChange mtim) const;
  OsResult<> set_own_times(TimeChange atim, TimeChange mtim) const;
  /// Visits the entries from `cookie` (0: the beginning) until the end or until `visit` returns
  /// false. Cookies stay valid while the directory changes.
  OsResult<> read_entries(uint64_t cookie, const std::function<bool(const DirEntry&)>& visit) const;

 private:
  OsResult<> writable() const;

  Fd fd_;
  bool readonly_;
  Resolver resolver_;
};

}  // namespace sedge::wasi::os

#endif  // SEDGE_WASI_OS_DIR_H_
