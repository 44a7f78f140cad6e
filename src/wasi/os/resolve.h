// Path resolution that cannot leave a directory. Two ways give the same answers: the kernel's
// openat2(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS), and a walk that opens one component at a time
// without following links, for kernels or seccomp filters that refuse openat2.
#ifndef SEDGE_WASI_OS_RESOLVE_H_
#define SEDGE_WASI_OS_RESOLVE_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/fd.h"
#include "wasi/os/errno.h"

namespace sedge::wasi::os {

enum class Resolver : uint8_t {
  kernel,  ///< openat2.
  walk,    ///< Component by component.
};

/// The resolver that works for `dir_fd` on this machine: `kernel` unless openat2 is refused.
Resolver detect_resolver(int dir_fd);

/// Checks a guest path before any use: not empty (noent), no NUL (inval), shorter than PATH_MAX
/// (nametoolong), relative (notcapable).
OsResult<> check_path(std::string_view path);

/// Opens `path` beneath `dir_fd`. `flags` are those of open(2); O_CLOEXEC is added, O_NOFOLLOW
/// there decides about the last component. A path that leads out, by `..` or an absolute link, is
/// `notcapable`, one through a magic link of /proc `notcapable` or `loop`. `mode` counts where
/// O_CREAT is given.
OsResult<Fd> open_beneath(Resolver resolver, int dir_fd, std::string_view path, int flags,
                          mode_t mode = 0);

/// A path split for operations on a name in a directory (mkdir, unlink, rename, ...).
struct Parent {
  Fd fd;             ///< The directory; none when it is `dir_fd` itself.
  int at;            ///< What to pass to the *at calls.
  std::string name;  ///< Last component, with one `/` when the path ended in slashes.
  bool trailing_slash() const { return name.ends_with('/'); }
};

/// Opens the directory that holds the last component of `path`. The name itself is not resolved:
/// the caller must use calls that do not follow it (the kernel refuses `.` and `..` there, and a
/// path `..` that leads out is `notcapable` already here).
OsResult<Parent> open_parent(Resolver resolver, int dir_fd, std::string_view path);

}  // namespace sedge::wasi::os

#endif  // SEDGE_WASI_OS_RESOLVE_H_
