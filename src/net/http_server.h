// HTTP/1.1 and HTTP/2 server: one event loop per core, all listening on the same addresses
// (SO_REUSEPORT), one handler behind them. The handler may answer at once or later from any thread.
#ifndef SEDGE_NET_HTTP_SERVER_H_
#define SEDGE_NET_HTTP_SERVER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sedge/error.h>

#include "net/address.h"
#include "net/http.h"
#include "net/http_parser.h"

namespace sedge::net {

class Shard;

/// The right to answer one request, once. Move-only; dropping it unanswered answers 500. It may
/// outlive the connection and the server: then the answer is discarded.
class Responder {
 public:
  Responder(Responder&& other) noexcept
      : shard_(std::move(other.shard_)),
        slot_(other.slot_),
        generation_(other.generation_),
        stream_(other.stream_) {}
  Responder& operator=(Responder&&) = delete;
  ~Responder();

  /// Sends the response, once; before it any number of interim ones (1xx), which a client that
  /// reads too slowly, or speaks HTTP/1.0, may not get. Any thread.
  void respond(Response response);

 private:
  friend class Http1Connection;
  friend class Http2Connection;
  Responder(std::shared_ptr<Shard> shard, uint32_t slot, uint32_t generation, uint32_t stream)
      : shard_(std::move(shard)), slot_(slot), generation_(generation), stream_(stream) {}

  std::shared_ptr<Shard> shard_;
  uint32_t slot_;
  uint32_t generation_;
  uint32_t stream_;
};

/// What a handler says about a request whose body has not been read yet.
struct HeadVerdict {
  uint64_t max_body_bytes = 0;
  /// Hands the request over now, its content by Request::stream.
  bool stream = false;
  /// Answers without reading the body; the connection is closed if there was one.
  std::optional<Response> refusal;
};

/// The one interface behind the server. Its functions are called on all loop threads at once and
/// must not block.
class Handler {
 public:
  virtual ~Handler() = default;
  /// After the head, before the body.
  virtual HeadVerdict check_head(Request& request) = 0;
  /// The whole request, or its head and a stream.
  virtual void handle(std::unique_ptr<Request> request, Responder responder) = 0;
  /// The response to something that is no acceptable request (400, 408, 413, 414, 417, 431, 501,
  /// 503, 505). `reason` is static text.
  virtual Response refuse(int status, std::string_view reason, std::string_view peer) = 0;
};

struct HttpServerOptions {
  std::vector<Address> listen;
  uint32_t loops = 1;
  int backlog = 1024;
  ParserLimits limits;
  uint32_t max_connections = 10000;       ///< Beyond: 503 and close.
  bool http2 = SEDGE_HAVE_HTTP2;          ///< Clients may begin with HTTP/2 (prior knowledge).
  uint32_t max_streams = 100;             ///< Requests at once on one connection of HTTP/2.
  uint64_t max_bodies_bytes = 256 << 20;  ///< Of all requests together; beyond: 503 and close.
  uint32_t header_timeout_ms = 10000;     ///< From the first byte of a head to its last.
  uint32_t idle_timeout_ms = 75000;       ///< Between requests.
  uint32_t body_timeout_ms = 20000;       ///< For a body, plus one second for each 16 KiB received.
  uint32_t write_timeout_ms = 30000;      ///< Without progress while the client does not read.
};

/// Live figures; relaxed atomics.
struct HttpServerStats {
  std::atomic<uint64_t> connections_accepted = 0;
  std::atomic<uint64_t> connections_refused = 0;
  std::atomic<int64_t> connections_open = 0;
  std::atomic<uint64_t> bytes_received = 0;
  std::atomic<uint64_t> bytes_sent = 0;
  std::atomic<uint64_t> timeouts = 0;
  std::atomic<uint64_t> http2_connections = 0;
  std::atomic<uint64_t> http2_requests = 0;
  std::atomic<uint64_t> http2_refused = 0;  ///< Streams beyond max_streams.
  std::atomic<uint64_t> http2_abuses = 0;   ///< Connections ended with ENHANCE_YOUR_CALM.
};

class HttpServer {
 public:
  /// Binds every address and starts the loops. `handler` must outlive the server.
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options,
                                                   Handler& handler);
  /// Stops at once if it still runs.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// The addresses that are listened on, with the ports that were chosen.
  const std::vector<Address>& addresses() const { return addresses_; }
  const HttpServerStats& stats() const { return stats_; }
  /// Bytes of request bodies in memory.
  uint64_t bodies_bytes() const { return bodies_->used(); }

  /// Accepts no more, lets requests in flight finish, closes kept-alive connections as they become
  /// idle, and cuts what is left after `deadline_ms`. Any thread; returns at once.
  void drain(uint32_t deadline_ms);
  /// Waits until every loop has ended, which a drain brings about. True if nothing had to be cut.
  bool wait();
  /// Whether every loop has ended.
  bool finished() const { return running_.load(std::memory_order_acquire) == 0; }

 private:
  HttpServer(const HttpServerOptions& options, Handler& handler)
      : options_(options),
        handler_(handler),
        bodies_(std::make_shared<BodyBudget>(options.max_bodies_bytes)) {
    options_.http2 &= SEDGE_HAVE_HTTP2;
  }
  friend class Shard;
  friend class Http1Connection;
  friend class Http2Connection;

  HttpServerOptions options_;
  Handler& handler_;
  HttpServerStats stats_;
  std::shared_ptr<BodyBudget> bodies_;  // requests may outlive the server
  std::vector<Address> addresses_;
  std::vector<std::shared_ptr<Shard>> shards_;
  std::vector<std::thread> threads_;
  std::atomic<uint32_t> running_ = 0;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> cut_ = false;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP_SERVER_H_
