// What a client's connection reads from and writes to: a socket, or TLS over it.
#ifndef SEDGE_NET_TRANSPORT_H_
#define SEDGE_NET_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <sedge/error.h>

#include "net/http_error.h"

namespace sedge::net {

/// Never blocks. The socket is its owner's.
class Transport {
 public:
  enum class Outcome : uint8_t {
    moved,    ///< `count` bytes
    blocked,  ///< the socket must become readable or writable first
    ended,    ///< reading: the peer sends no more
    failed,   ///< see error()
  };
  struct Io {
    Outcome outcome = Outcome::blocked;
    size_t count = 0;
  };

  virtual ~Transport() = default;
  /// To be called until it is no longer blocked; `moved` when the connection is established.
  virtual Outcome handshake() = 0;
  virtual Io read(std::span<char> buffer) = 0;
  virtual Io write(std::string_view bytes) = 0;
  /// Whether the peer has chosen HTTP/2 (ALPN); after the handshake.
  virtual bool http2() const { return false; }
  /// Why the last call failed.
  const HttpError& error() const { return error_; }

 protected:
  Io fail(HttpError error) {
    error_ = std::move(error);
    return {.outcome = Outcome::failed, .count = 0};
  }

 private:
  HttpError error_;
};

std::unique_ptr<Transport> plain_transport(int socket);

/// Settings of TLS for outgoing connections: TLS 1.2 or newer, certificates and names checked
/// against the system's authorities, or those in SSL_CERT_FILE and SSL_CERT_DIR. Thread-safe.
class TlsClient {
 public:
  virtual ~TlsClient() = default;
  /// TLS to `host`, a name or a literal address, over a connected socket.
  virtual std::unique_ptr<Transport> connect(int socket, const std::string& host) = 0;
};

/// Reads the authorities' certificates. Errors: not_in_build without SEDGE_TLS; io.
Result<std::unique_ptr<TlsClient>> make_tls_client();

}  // namespace sedge::net

#endif  // SEDGE_NET_TRANSPORT_H_
