// What libsedge_tls.so offers to sedge: TLS over a connected socket, by functions and plain data
// only. OpenSSL is a library of its own, opened at the first connection that needs it: its
// constructors and relocations would cost every start half of its time.
#ifndef SEDGE_TLS_INTERFACE_H_
#define SEDGE_TLS_INTERFACE_H_

#include <cstddef>
#include <cstdint>

namespace sedge::tls {

/// Certificates of authorities and settings; thread-safe.
struct Client;
/// TLS over one socket; one thread at a time.
struct Connection;

struct Failure {
  enum class Kind : uint8_t {
    internal_error,
    connection_terminated,
    certificate_error,
    alert_received,
    protocol_error,
  };
  Kind kind = Kind::internal_error;
  uint8_t alert = 0;    ///< RFC 8446 section 6; of alert_received
  char text[247] = {};  ///< for people, ends with a zero
};

enum class Outcome : uint8_t {
  moved,    ///< handshake: done; otherwise so many bytes as the count says
  blocked,  ///< the socket must become readable or writable first
  ended,    ///< reading: the peer sends no more
  failed,   ///< see the Failure
};

/// Every function that may fail fills the Failure it is given.
struct Interface {
  uint32_t version;  ///< kVersion
  /// TLS 1.2 or newer, certificates and names checked against the system's authorities, or those
  /// in SSL_CERT_FILE and SSL_CERT_DIR. Null: failed.
  Client* (*open_client)(Failure* failure);
  void (*close_client)(Client* client);
  /// TLS to `host`, a literal address or a name; whether HTTP/2 is offered beside HTTP/1.1. The
  /// socket stays the caller's and must outlive the connection, as the client must. Null: failed.
  Connection* (*connect)(Client* client, int socket, const char* host, bool is_address,
                         bool offer_http2, Failure* failure);
  /// Sends the closing alert if the connection is still good.
  void (*close)(Connection* connection);
  /// To be called until it is no longer `blocked`.
  Outcome (*handshake)(Connection* connection, Failure* failure);
  Outcome (*read)(Connection* connection, char* buffer, size_t size, size_t* count,
                  Failure* failure);
  Outcome (*write)(Connection* connection, const char* bytes, size_t size, size_t* count,
                   Failure* failure);
  /// Whether the server has chosen HTTP/2; after the handshake.
  bool (*http2)(const Connection* connection);
};

inline constexpr uint32_t kVersion = 2;
inline constexpr const char* kLibrary = "libsedge_tls.so";
/// The library's one symbol: `const Interface* sedge_tls()`.
inline constexpr const char* kSymbol = "sedge_tls";
using EntryPoint = const Interface* (*)();

}  // namespace sedge::tls

#endif  // SEDGE_TLS_INTERFACE_H_
