// The plain transport, and what there is without TLS.
#include "net/transport.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace sedge::net {
namespace {

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(int socket) : socket_(socket) {}

  Outcome handshake() override { return Outcome::moved; }
  Io read(std::span<char> buffer) override {
    for (;;) {
      ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (count > 0) return {.outcome = Outcome::moved, .count = static_cast<size_t>(count)};
      if (count == 0) return {.outcome = Outcome::ended, .count = 0};
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {};
      if (errno != EINTR) return broken();
    }
  }
  Io write(std::string_view bytes) override {
    for (;;) {
      ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count >= 0) return {.outcome = Outcome::moved, .count = static_cast<size_t>(count)};
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {};
      if (errno != EINTR) return broken();
    }
  }

 private:
  Io broken() { return fail({HttpError::Kind::connection_terminated, std::strerror(errno)}); }
  int socket_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(int socket) {
  return std::make_unique<PlainTransport>(socket);
}

#if !SEDGE_HAVE_TLS
Result<std::unique_ptr<TlsClient>> make_tls_client() {
  return fail(
      Error(ErrorCode::not_in_build, ": TLS").with_remedy("build sedge with -DSEDGE_TLS=ON"));
}
#endif

}  // namespace sedge::net
