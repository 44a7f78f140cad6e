// The end of every connection.
#include "net/connection.h"

#include <sys/socket.h>

#include <cerrno>

#include "net/shard.h"

namespace sedge::net {
namespace {

constexpr uint64_t kMaxDiscard = 4 << 20;

}  // namespace

void Connection::shut() {
  ::shutdown(fd(), SHUT_WR);
  readable_ = true;
}

bool Connection::discard_input() {
  auto& scratch = shard_.scratch();
  while (readable_) {
    ssize_t count = ::recv(fd(), scratch.data(), scratch.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      readable_ = false;
      return true;
    }
    if (count <= 0 || (discarded_ += static_cast<uint64_t>(count)) > kMaxDiscard) return false;
  }
  return true;
}

}  // namespace sedge::net
