// HTTP client: connections are kept and used again; content is streamed both ways; redirects are
// the caller's business. One thread runs all connections. A server of https that chooses HTTP/2
// gets all requests to it over one connection, at the same time.
#ifndef SEDGE_NET_HTTP_CLIENT_H_
#define SEDGE_NET_HTTP_CLIENT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <sedge/error.h>

#include "net/address.h"
#include "net/body_pipe.h"
#include "net/http.h"
#include "net/http_error.h"
#include "net/message_parser.h"

namespace sedge::net {

/// Milliseconds.
struct ClientTimeouts {
  uint64_t connect_ms = 30000;         ///< Name, connection and TLS together.
  uint64_t first_byte_ms = 120000;     ///< From then to the head of the response.
  uint64_t between_bytes_ms = 120000;  ///< Without progress of the content.
};

struct ClientRequest {
  std::string method = "GET";
  bool tls = false;
  std::string host;  ///< Name or literal address, without brackets.
  uint16_t port = 80;
  std::string authority;     ///< The Host field.
  std::string target = "/";  ///< Path and query.
  Headers headers;           ///< Without Host and framing fields, which are dropped.
  std::shared_ptr<BodyPipe> body;
  std::optional<uint64_t> body_length;  ///< Where it is known; more or less is a failure.
  /// Whether an address may be connected to; null: any. Called on the client's thread.
  std::function<bool(const Address&)> permit;
  ClientTimeouts timeouts;
};

struct ClientResponse {
  std::unique_ptr<IncomingResponse> head;
  std::shared_ptr<BodyPipe> body;
};

struct HttpClientOptions {
  ParserLimits limits{.max_request_line = 8192,
                      .max_header_bytes = 65536,
                      .max_headers = 256,
                      .max_body_bytes = UINT64_MAX};
  uint32_t max_connections = 1024;  ///< At once, idle ones included.
  uint32_t max_idle = 64;           ///< Kept for further requests.
  uint64_t idle_timeout_ms = 30000;
  bool http2_cleartext = false;  ///< Servers of http are known to speak HTTP/2.
};

/// Thread-safe.
class HttpClient {
 public:
  using Done = std::move_only_function<void(HttpResult<ClientResponse>)>;

  /// A request under way; a handle that may be dropped.
  class Exchange {
   public:
    Exchange() = default;
    /// Ends the request, if it still runs. `done` is not called any more, unless it is already
    /// running. Any thread.
    void cancel() const;

   private:
    friend class HttpClient;
    std::function<void()> cancel_;
  };

  static Result<std::shared_ptr<HttpClient>> start(const HttpClientOptions& options = {});
  /// Ends everything: requests that run are failed.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Sends a request. `done` is called once, on the client's thread, with the head of the response
  /// or a failure; content that fails later is told by the pipe.
  Exchange send(ClientRequest request, Done done);

  class Core;

 private:
  explicit HttpClient(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
  std::thread thread_;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP_CLIENT_H_
