// TLS of outgoing connections, by the library libsedge_tls.so (src/tls).
#include "net/transport.h"

#if SEDGE_HAVE_TLS

#include <dlfcn.h>

#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/companion.h"
#include "net/address.h"
#include "tls/interface.h"

namespace sedge::net {
namespace {

HttpError::Kind kind_of(tls::Failure::Kind kind) {
  using Kind = HttpError::Kind;
  switch (kind) {
    case tls::Failure::Kind::connection_terminated:
      return Kind::connection_terminated;
    case tls::Failure::Kind::certificate_error:
      return Kind::tls_certificate_error;
    case tls::Failure::Kind::alert_received:
      return Kind::tls_alert_received;
    case tls::Failure::Kind::protocol_error:
      return Kind::tls_protocol_error;
    case tls::Failure::Kind::internal_error:
      break;
  }
  return Kind::internal_error;
}

class TlsTransport final : public Transport {
 public:
  TlsTransport(const tls::Interface& library, tls::Connection* connection)
      : library_(library), connection_(connection) {}
  ~TlsTransport() override { library_.close(connection_); }
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  Outcome handshake() override {
    tls::Failure failure;
    return result(library_.handshake(connection_, &failure), 0, failure).outcome;
  }
  Io read(std::span<char> buffer) override {
    tls::Failure failure;
    size_t count = 0;
    auto outcome = library_.read(connection_, buffer.data(), buffer.size(), &count, &failure);
    return result(outcome, count, failure);
  }
  Io write(std::string_view bytes) override {
    tls::Failure failure;
    size_t count = 0;
    auto outcome = library_.write(connection_, bytes.data(), bytes.size(), &count, &failure);
    return result(outcome, count, failure);
  }
  bool http2() const override { return library_.http2(connection_); }

 private:
  Io result(tls::Outcome outcome, size_t count, const tls::Failure& failure) {
    switch (outcome) {
      case tls::Outcome::moved:
        return {.outcome = Outcome::moved, .count = count};
      case tls::Outcome::blocked:
        return {.outcome = Outcome::blocked, .count = 0};
      case tls::Outcome::ended:
        return {.outcome = Outcome::ended, .count = 0};
      case tls::Outcome::failed:
        break;
    }
    HttpError error{kind_of(failure.kind), failure.text};
    if (failure.kind == tls::Failure::Kind::alert_received) error.number = failure.alert;
    return fail(std::move(error));
  }

  const tls::Interface& library_;
  tls::Connection* connection_;
};

class LibraryClient final : public TlsClient {
 public:
  LibraryClient(const tls::Interface& library, tls::Client* client)
      : library_(library), client_(client) {}
  ~LibraryClient() override { library_.close_client(client_); }
  LibraryClient(const LibraryClient&) = delete;
  LibraryClient& operator=(const LibraryClient&) = delete;

  std::unique_ptr<Transport> connect(int socket, const std::string& host) override {
    tls::Failure failure;
    tls::Connection* connection =
        library_.connect(client_, socket, host.c_str(), Address::literal(host).has_value(),
                         SEDGE_HAVE_HTTP2, &failure);
    if (!connection) return nullptr;
    return std::make_unique<TlsTransport>(library_, connection);
  }

 private:
  const tls::Interface& library_;
  tls::Client* client_;
};

std::unexpected<Error> no_library(std::string_view why) {
  return fail(Error(ErrorCode::io, fmt::format(": TLS: {}", why))
                  .with_remedy(fmt::format(
                      "install {} of the same version beside sedge or in ../libexec/sedge, or let "
                      "SEDGE_TLS_LIBRARY name it",
                      tls::kLibrary)));
}

// Stays open until the process ends: OpenSSL registers functions that run then.
Result<const tls::Interface*> open_library() {
  const std::string path = find_companion(tls::kLibrary, "SEDGE_TLS_LIBRARY");
  if (path.empty()) return no_library(fmt::format("{} is not there", tls::kLibrary));
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return no_library(::dlerror());
  auto entry = reinterpret_cast<tls::EntryPoint>(::dlsym(library, tls::kSymbol));
  const tls::Interface* functions = entry ? entry() : nullptr;
  if (!functions || functions->version != tls::kVersion)
    return no_library(fmt::format("{} is not of this version of sedge", path));
  return functions;
}

}  // namespace

Result<std::unique_ptr<TlsClient>> make_tls_client() {
  static const Result<const tls::Interface*> library = open_library();
  if (!library) return std::unexpected(library.error());
  tls::Failure failure;
  tls::Client* client = (*library)->open_client(&failure);
  if (client) return std::make_unique<LibraryClient>(**library, client);
  if (failure.kind == tls::Failure::Kind::certificate_error)
    return fail(Error(ErrorCode::io, fmt::format(": certificates of authorities: {}", failure.text))
                    .with_remedy("let SSL_CERT_FILE name a readable PEM file"));
  return fail(ErrorCode::io, fmt::format(": TLS: {}", failure.text));
}

}  // namespace sedge::net

#endif
