// A file descriptor that is closed when its owner goes away.
#ifndef SEDGE_NET_FD_H_
#define SEDGE_NET_FD_H_

#include <unistd.h>

#include <utility>

namespace sedge::net {

/// Owns a descriptor; -1 owns nothing. Move-only.
class Fd {
 public:
  Fd() = default;
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
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_FD_H_
