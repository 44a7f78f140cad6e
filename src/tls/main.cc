// libsedge_tls.so: TLS of outgoing connections by OpenSSL. RFC 8446, RFC 9110 section 4.3.4 (which
// host a certificate must name), RFC 7301 (ALPN).
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "tls/interface.h"

namespace sedge::tls {
namespace {

struct Deleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

// Where distributions keep the authorities' certificates, beside OpenSSL's own default.
constexpr const char* kBundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                    "/etc/ssl/cert.pem"};

void put_text(Failure& failure, std::string_view text) {
  const size_t size = std::min(text.size(), sizeof(failure.text) - 1);
  std::memcpy(failure.text, text.data(), size);
  failure.text[size] = '\0';
}

const char* error_text() {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "unknown error";
}

// A BIO over the socket that raises no SIGPIPE.
int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  auto socket = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  ssize_t count = ::send(socket, data, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    BIO_set_retry_write(bio);
  return static_cast<int>(count);
}
int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  auto socket = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  ssize_t count = ::recv(socket, data, static_cast<size_t>(size), 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    BIO_set_retry_read(bio);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(count);
}
long bio_ctrl(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}
int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

// SSL_CERT_FILE and SSL_CERT_DIR are looked at by OpenSSL itself; only if neither is set and its
// default is not there, the other distributions' places are tried.
bool load_authorities(SSL_CTX* context) {
  if (SSL_CTX_set_default_verify_paths(context) != 1) return false;
  if (std::getenv("SSL_CERT_FILE") || std::getenv("SSL_CERT_DIR") ||
      ::access(X509_get_default_cert_file(), R_OK) == 0)
    return true;
  for (const char* bundle : kBundles)
    if (::access(bundle, R_OK) == 0)
      return SSL_CTX_load_verify_locations(context, bundle, nullptr) == 1;
  return true;  // none: every certificate is refused
}

}  // namespace

struct Client {
  Owned<BIO_METHOD> method;  // outlives the connections' BIOs
  Owned<SSL_CTX> context;
};

struct Connection {
  Owned<SSL> ssl;
  bool established = false;
};

namespace {

Client* open_client(Failure* failure) {
  auto client = std::make_unique<Client>();
  client->method.reset(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket"));
  client->context.reset(SSL_CTX_new(TLS_client_method()));
  BIO_METHOD* method = client->method.get();
  SSL_CTX* context = client->context.get();
  if (!context || !method) return put_text(*failure, error_text()), nullptr;
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_ctrl);
  BIO_meth_set_create(method, bio_create);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!load_authorities(context)) {
    failure->kind = Failure::Kind::certificate_error;
    return put_text(*failure, error_text()), nullptr;
  }
  return client.release();
}

void close_client(Client* client) { std::unique_ptr<Client> ends(client); }

Connection* connect(Client* client, int socket, const char* host, bool is_address, bool offer_http2,
                    Failure* failure) {
  // What is liked best comes first.
  static constexpr std::array<unsigned char, 12> kAlpn = {2,   'h', '2', 8,   'h', 't',
                                                          't', 'p', '/', '1', '.', '1'};
  const size_t skipped = offer_http2 ? 0 : 3;
  Owned<SSL> ssl(SSL_new(client->context.get()));
  BIO* bio = ssl ? BIO_new(client->method.get()) : nullptr;
  if (!bio) return put_text(*failure, error_text()), nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(socket)));
  SSL_set_bio(ssl.get(), bio, bio);
  bool good = SSL_set_alpn_protos(ssl.get(), kAlpn.data() + skipped,
                                  static_cast<unsigned>(kAlpn.size() - skipped)) == 0;
  if (is_address) {
    good &= X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host) == 1;
  } else {
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    good &= SSL_set1_host(ssl.get(), host) == 1;
    good &= SSL_set_tlsext_host_name(ssl.get(), host) == 1;
  }
  if (!good) return put_text(*failure, error_text()), nullptr;
  ERR_clear_error();
  return new Connection{.ssl = std::move(ssl)};
}

void close(Connection* connection) {
  std::unique_ptr<Connection> ends(connection);
  if (connection->established) SSL_shutdown(connection->ssl.get());
  ERR_clear_error();
}

/// What a call that did not succeed means.
Outcome give_up(Connection& connection, int result, bool reading, Failure& failure) {
  using Kind = Failure::Kind;
  switch (SSL_get_error(connection.ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Outcome::blocked;
    case SSL_ERROR_ZERO_RETURN:
      if (reading) return Outcome::ended;
      break;
    default:
      break;
  }
  connection.established = false;  // no close_notify over a broken connection
  if (long verdict = SSL_get_verify_result(connection.ssl.get()); verdict != X509_V_OK) {
    failure.kind = Kind::certificate_error;
    put_text(failure, X509_verify_cert_error_string(verdict));
    return Outcome::failed;
  }
  unsigned long code = ERR_peek_error();
  if (code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    failure.kind = Kind::connection_terminated;
    put_text(failure, "the connection ended within TLS");
    return Outcome::failed;
  }
  // Reasons above the offset are alerts that the peer sent.
  int reason = ERR_GET_REASON(code);
  put_text(failure, error_text());
  failure.kind = Kind::protocol_error;
  if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    failure.kind = Kind::alert_received;
    failure.alert = static_cast<uint8_t>(reason - SSL_AD_REASON_OFFSET);
  }
  return Outcome::failed;
}

Outcome handshake(Connection* connection, Failure* failure) {
  ERR_clear_error();
  int result = SSL_connect(connection->ssl.get());
  if (result != 1) return give_up(*connection, result, false, *failure);
  connection->established = true;
  return Outcome::moved;
}

Outcome read(Connection* connection, char* buffer, size_t size, size_t* count, Failure* failure) {
  ERR_clear_error();
  int result = SSL_read_ex(connection->ssl.get(), buffer, size, count);
  return result == 1 ? Outcome::moved : give_up(*connection, result, true, *failure);
}

Outcome write(Connection* connection, const char* bytes, size_t size, size_t* count,
              Failure* failure) {
  ERR_clear_error();
  int result = SSL_write_ex(connection->ssl.get(), bytes, size, count);
  return result == 1 ? Outcome::moved : give_up(*connection, result, false, *failure);
}

bool http2(const Connection* connection) {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(connection->ssl.get(), &chosen, &size);
  return std::string_view(reinterpret_cast<const char*>(chosen), size) == "h2";
}

}  // namespace
}  // namespace sedge::tls

extern "C" __attribute__((visibility("default"))) const sedge::tls::Interface* sedge_tls() {
  using namespace sedge::tls;
  static constexpr Interface kInterface = {kVersion,  open_client, close_client, connect, close,
                                           handshake, read,        write,        http2};
  return &kInterface;
}
