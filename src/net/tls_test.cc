// TLS of the client against a server with certificates that are made here.
#include "net/transport.h"

#if SEDGE_HAVE_TLS

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cstdlib>
#include <future>
#include <thread>

#include "base/fd.h"
#include "net/http_client.h"

namespace sedge::net {
namespace {

struct Deleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter>;
using Certificate = std::unique_ptr<X509, Deleter>;

Key make_key() { return Key(EVP_EC_gen("P-256")); }

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// Valid from two days ago until `days` from now; signed by `issuer`, or by itself.
Certificate make_certificate(const char* name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
                             const char* alternative, int days) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  static int serial = 0;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -2L * 86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * 86400L);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), issuer ? X509_get_subject_name(issuer) : subject);
  X509* signer = issuer ? issuer : certificate.get();
  if (!issuer) add_extension(certificate.get(), signer, NID_basic_constraints, "critical,CA:TRUE");
  if (alternative) add_extension(certificate.get(), signer, NID_subject_alt_name, alternative);
  X509_sign(certificate.get(), issuer_key, EVP_sha256());
  return certificate;
}

/// Answers one connection after the other with "hello" over TLS; with nothing over HTTP/2, if it
/// likes that and the client offers it.
class TlsServer {
 public:
  TlsServer(X509* certificate, EVP_PKEY* key, bool http2 = false)
      : context_(SSL_CTX_new(TLS_server_method())) {
    if (http2) SSL_CTX_set_alpn_select_cb(context_.get(), choose, nullptr);
    SSL_CTX_use_certificate(context_.get(), certificate);
    SSL_CTX_use_PrivateKey(context_.get(), key);
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    Address any = *Address::parse("127.0.0.1:0");
    ::bind(listener_.get(), any.get(), any.size());
    ::listen(listener_.get(), 8);
    address_ = *local_address(listener_);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  uint16_t port() const { return address_.port(); }

 private:
  void serve() {
    for (;;) {
      Fd socket(::accept(listener_.get(), nullptr, nullptr));
      if (!socket) return;
      std::unique_ptr<SSL, Deleter> ssl(SSL_new(context_.get()));
      SSL_set_fd(ssl.get(), socket.get());
      if (SSL_accept(ssl.get()) != 1) continue;
      const unsigned char* chosen = nullptr;
      unsigned size = 0;
      SSL_get0_alpn_selected(ssl.get(), &chosen, &size);
      char request[4096];
      if (size == 2) {
        // Settings, and ":status: 200" with the end of stream 1.
        constexpr std::string_view kAnswer("\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\1\x88", 19);
        SSL_read(ssl.get(), request, sizeof request);
        SSL_write(ssl.get(), kAnswer.data(), kAnswer.size());
        while (SSL_read(ssl.get(), request, sizeof request) > 0) {
        }
        continue;
      }
      while (SSL_read(ssl.get(), request, sizeof request) > 0) {
        constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        SSL_write(ssl.get(), kAnswer.data(), kAnswer.size());
      }
    }
  }
  static int choose(SSL*, const unsigned char** out, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void*) {
    std::string_view list(reinterpret_cast<const char*>(offered), offered_size);
    size_t at = list.find("\2h2");
    if (at == std::string_view::npos) return SSL_TLSEXT_ERR_NOACK;
    *out = offered + at + 1;
    *size = 2;
    return SSL_TLSEXT_ERR_OK;
  }
  std::unique_ptr<SSL_CTX, Deleter> context_;
  Fd listener_;
  Address address_;
  std::thread thread_;
};

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    authority_key_ = make_key();
    authority_ = make_certificate("Test Authority", authority_key_.get(), nullptr,
                                  authority_key_.get(), nullptr, 30);
    path_ = testing::TempDir() + "sedge-tls-XXXXXX";
    FILE* file = ::fdopen(::mkstemp(path_.data()), "w");
    PEM_write_X509(file, authority_.get());
    std::fclose(file);
    ::setenv("SSL_CERT_FILE", path_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("SSL_CERT_FILE");
    ::unlink(path_.c_str());
  }
  Certificate issue(EVP_PKEY* key, const char* alternative, int days) {
    return make_certificate("server", key, authority_.get(), authority_key_.get(), alternative,
                            days);
  }
  HttpResult<int> ask(const TlsServer& server, const char* host) {
    ClientRequest request;
    request.tls = true;
    request.host = host;
    request.port = server.port();
    request.authority = host;
    std::promise<HttpResult<int>> promise;
    // Its connections end with it, which the server waits for.
    std::shared_ptr<HttpClient> client = *HttpClient::start();
    client->send(std::move(request), [&](HttpResult<ClientResponse> response) {
      if (response) protocol_ = response->head->protocol();
      promise.set_value(response ? HttpResult<int>(response->head->status)
                                 : std::unexpected(response.error()));
    });
    return promise.get_future().get();
  }
  std::string path_;
  std::string protocol_;  // of the last answer
  Key authority_key_;
  Certificate authority_;
};

TEST_F(TlsTest, TrustsItsAuthorityForNamesAndAddresses) {
  Key key = make_key();
  Certificate certificate = issue(key.get(), "DNS:localhost,IP:127.0.0.1", 30);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    TlsServer server(certificate.get(), key.get());  // it serves one connection at a time
    HttpResult<int> status = ask(server, host);
    ASSERT_TRUE(status) << status.error().detail;
    EXPECT_EQ(*status, 200);
  }
}

TEST_F(TlsTest, SpeaksTheVersionThatTheServerChooses) {
  Key key = make_key();
  Certificate certificate = issue(key.get(), "DNS:localhost", 30);
  for (bool http2 : {false, true}) {
    TlsServer server(certificate.get(), key.get(), http2);
    HttpResult<int> status = ask(server, "localhost");
    ASSERT_TRUE(status) << status.error().detail;
    EXPECT_EQ(*status, 200);
    EXPECT_EQ(protocol_, http2 && SEDGE_HAVE_HTTP2 ? "HTTP/2.0" : "HTTP/1.1");
  }
}

TEST_F(TlsTest, RefusesAnotherName) {
  Key key = make_key();
  Certificate certificate = issue(key.get(), "DNS:other.test,IP:127.0.0.2", 30);
  TlsServer server(certificate.get(), key.get());
  for (const char* host : {"localhost", "127.0.0.1"}) {
    HttpResult<int> status = ask(server, host);
    ASSERT_FALSE(status) << host;
    EXPECT_EQ(status.error().kind, HttpError::Kind::tls_certificate_error);
  }
}

TEST_F(TlsTest, RefusesACertificateThatHasExpired) {
  Key key = make_key();
  Certificate certificate = issue(key.get(), "DNS:localhost", -1);
  TlsServer server(certificate.get(), key.get());
  HttpResult<int> status = ask(server, "localhost");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, HttpError::Kind::tls_certificate_error);
  EXPECT_EQ(status.error().detail, "certificate has expired");
}

TEST_F(TlsTest, RefusesACertificateOfNobody) {
  Key key = make_key();
  Certificate certificate =
      make_certificate("localhost", key.get(), nullptr, key.get(), "DNS:localhost", 30);
  TlsServer server(certificate.get(), key.get());
  HttpResult<int> status = ask(server, "localhost");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, HttpError::Kind::tls_certificate_error);
}

}  // namespace
}  // namespace sedge::net

#endif
