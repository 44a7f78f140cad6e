// Path resolution beneath a directory: openat2, or a walk that keeps the chain of open directories
// so that `..` is a pop and never a look-up.
#include "wasi/os/resolve.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <vector>

namespace sedge::wasi::os {
namespace {

constexpr int kMaxLinks = 40;        // what Linux itself follows
constexpr int kMaxRaceRetries = 64;  // openat2 answers EAGAIN while a rename races with `..`
constexpr uint64_t kResolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;

int64_t openat2(int dir_fd, const char* path, const open_how& how) {
  return ::syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

OsResult<Fd> open_walk(int dir_fd, std::string_view path, int flags, mode_t mode);

OsResult<Fd> open_kernel(int dir_fd, std::string_view path, int flags, mode_t mode) {
  std::string text(path);
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.mode = (flags & O_CREAT) ? mode : 0;
  how.resolve = kResolve;
  for (int i = 0; i < kMaxRaceRetries; ++i) {
    int64_t fd = openat2(dir_fd, text.c_str(), how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    if (errno == EXDEV) return Err(Errno::notcapable);
    if (errno != EAGAIN && errno != EINTR) return Err(last_errno());
    // With O_NONBLOCK, EAGAIN may be the file's own answer; the walk below gives it again.
  }
  return open_walk(dir_fd, path, flags, mode);
}

/// Text of the link `name` in `dir_fd` ("" : the link that `dir_fd` itself is).
OsResult<std::string> read_link(int dir_fd, const char* name) {
  std::array<char, PATH_MAX> buffer;
  ssize_t size = ::readlinkat(dir_fd, name, buffer.data(), buffer.size());
  if (size < 0) return Err(last_errno());
  if (static_cast<size_t>(size) == buffer.size()) return Err(Errno::nametoolong);
  return std::string(buffer.data(), static_cast<size_t>(size));
}

/// One walk: directories entered so far, and the text that is left.
class Walk {
 public:
  Walk(int root, std::string_view path) : root_(root), rest_(path) {}

  OsResult<Fd> open(int flags, mode_t mode) {
    bool follow = !(flags & O_NOFOLLOW);
    for (;;) {
      size_t start = rest_.find_first_not_of('/');
      if (start == std::string::npos) return open_here(flags, mode);
      size_t end = rest_.find('/', start);
      std::string name = rest_.substr(start, end == std::string::npos ? end : end - start);
      bool last =
          end == std::string::npos || rest_.find_first_not_of('/', end) == std::string::npos;
      bool slash = last && end != std::string::npos;
      rest_.erase(0, end == std::string::npos ? rest_.size() : end);
      if (name == ".") {
        if (last) return open_here(flags, mode);
        continue;
      }
      if (name == "..") {
        if (dirs_.empty()) return Err(Errno::notcapable);
        dirs_.pop_back();
        if (last) return open_here(flags, mode);
        continue;
      }
      if (name.size() > NAME_MAX) return Err(Errno::nametoolong);
      if (!last) {
        if (auto entered = enter(name); !entered) return Err(entered.error());
        continue;
      }
      if (slash) {
        if (flags & O_CREAT) return Err(Errno::isdir);
        flags |= O_DIRECTORY;
      }
      auto opened = open_last(name, flags, mode, follow || slash);
      if (!opened) return Err(opened.error());
      if (*opened) return std::move(*opened);
      // The name was a link and its text is now the rest of the path.
    }
  }

 private:
  int here() const { return dirs_.empty() ? root_ : dirs_.back().get(); }

  OsResult<Fd> open_here(int flags, mode_t mode) {
    int fd = ::openat(here(), ".", flags | O_CLOEXEC, mode);
    if (fd < 0) return Err(last_errno());
    return Fd(fd);
  }

  /// Puts the link's text before what is left.
  OsResult<> expand(OsResult<std::string> target) {
    if (!target) return Err(target.error());
    if (++links_ > kMaxLinks) return Err(Errno::loop);
    if (target->empty()) return Err(Errno::noent);
    if (target->starts_with('/')) return Err(Errno::notcapable);
    if (target->size() + rest_.size() >= PATH_MAX) return Err(Errno::nametoolong);
    rest_.insert(0, *target);
    return {};
  }

  /// A component that is not the last: a directory to enter or a link to expand.
  OsResult<> enter(const std::string& name) {
    Fd next(::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return Err(last_errno());
    struct stat st;
    if (::fstat(next.get(), &st) < 0) return Err(last_errno());
    if (S_ISLNK(st.st_mode)) return expand(read_link(next.get(), ""));
    if (!S_ISDIR(st.st_mode)) return Err(Errno::notdir);
    dirs_.push_back(std::move(next));
    return {};
  }

  /// The last component; no Fd when it was a link that is to be followed.
  OsResult<Fd> open_last(const std::string& name, int flags, mode_t mode, bool follow) {
    Fd fd(::openat(here(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
    if (fd) {
      if (!(flags & O_PATH) || !follow) return fd;
      struct stat st;
      if (::fstat(fd.get(), &st) < 0) return Err(last_errno());
      if (!S_ISLNK(st.st_mode)) return fd;
      if (auto ok = expand_last(read_link(fd.get(), ""), flags); !ok) return Err(ok.error());
      return Fd();
    }
    Errno error = last_errno();
    // O_NOFOLLOW answers ELOOP for a link, with O_DIRECTORY ENOTDIR.
    if (!follow || (error != Errno::loop && error != Errno::notdir)) return Err(error);
    auto target = read_link(here(), name.c_str());
    if (!target) return Err(target.error() == Errno::inval ? error : target.error());
    if (auto ok = expand_last(std::move(target), flags); !ok) return Err(ok.error());
    return Fd();
  }

  OsResult<> expand_last(OsResult<std::string> target, int flags) {
    rest_.clear();
    if (auto ok = expand(std::move(target)); !ok) return ok;
    // A link's own trailing slash must not undo O_CREAT's refusal or the wish for a directory.
    if ((flags & O_DIRECTORY) && !rest_.ends_with('/') && !(flags & O_CREAT)) rest_ += '/';
    return {};
  }

  int root_;
  std::vector<Fd> dirs_;  // entered below root_, innermost last
  std::string rest_;
  int links_ = 0;
};

OsResult<Fd> open_walk(int dir_fd, std::string_view path, int flags, mode_t mode) {
  return Walk(dir_fd, path).open(flags, mode);
}

}  // namespace

Resolver detect_resolver(int dir_fd) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = kResolve;
  int64_t fd = openat2(dir_fd, ".", how);
  if (fd < 0) return Resolver::walk;
  Fd close(static_cast<int>(fd));
  return Resolver::kernel;
}

OsResult<> check_path(std::string_view path) {
  if (path.empty()) return Err(Errno::noent);
  if (path.size() >= PATH_MAX) return Err(Errno::nametoolong);
  if (path.find('\0') != std::string_view::npos) return Err(Errno::inval);
  if (path.front() == '/') return Err(Errno::notcapable);
  return {};
}

OsResult<Fd> open_beneath(Resolver resolver, int dir_fd, std::string_view path, int flags,
                          mode_t mode) {
  if (auto ok = check_path(path); !ok) return Err(ok.error());
  return resolver == Resolver::kernel ? open_kernel(dir_fd, path, flags, mode)
                                      : open_walk(dir_fd, path, flags, mode);
}

OsResult<Parent> open_parent(Resolver resolver, int dir_fd, std::string_view path) {
  if (auto ok = check_path(path); !ok) return Err(ok.error());
  size_t end = path.find_last_not_of('/') + 1;  // the path is relative: it has other characters
  size_t slash = path.rfind('/', end - 1);
  size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
  Parent out{Fd(), dir_fd, std::string(path.substr(begin, end - begin))};
  if (out.name == "..") {
    auto inside = open_beneath(resolver, dir_fd, path, O_PATH | O_DIRECTORY);
    if (!inside) return Err(inside.error());
  }
  if (end != path.size()) out.name += '/';
  if (begin > 0) {
    auto parent = open_beneath(resolver, dir_fd, path.substr(0, begin), O_PATH | O_DIRECTORY);
    if (!parent) return Err(parent.error());
    out.fd = std::move(*parent);
    out.at = out.fd.get();
  }
  return out;
}

}  // namespace sedge::wasi::os
