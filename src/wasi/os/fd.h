// A file descriptor that closes itself. Move-only; -1 means none.
#ifndef SEDGE_WASI_OS_FD_H_
#define SEDGE_WASI_OS_FD_H_

#include <unistd.h>

#include <utility>

namespace sedge::wasi::os {

class Fd {
 public:
  Fd() = default;
  /// Takes ownership of `fd`.
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  /// Gives the descriptor away; the caller closes it.
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace sedge::wasi::os

#endif  // SEDGE_WASI_OS_FD_H_
