// One connection of the HTTP client, and the client's loop that owns all of them.
#ifndef SEDGE_NET_CLIENT_CONNECTION_H_
#define SEDGE_NET_CLIENT_CONNECTION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/event_loop.h"
#include "net/http_client.h"
#include "net/http_parser.h"
#include "net/resolver.h"
#include "net/transport.h"

namespace sedge::net {

/// A request and the one who waits for its response, who is always told.
struct ClientExchange {
  uint64_t id = 0;
  ClientRequest request;
  HttpClient::Done done;
  bool retried = false;

  ~ClientExchange() {
    if (done) done(std::unexpected(HttpError{HttpError::Kind::connection_terminated, "stopped"}));
  }
  /// Where connections may be shared: scheme, host and port.
  std::string origin() const;
  /// What Content-Length says, if it is sent. Content that is all there has a length.
  std::optional<uint64_t> content_length();
};

/// A connection of HTTP/2, which many exchanges use at a time. Used on the loop's thread only.
class SharedConnection : public EventLoop::Source {
 public:
  SharedConnection(uint64_t id, std::string origin) : id_(id), origin_(std::move(origin)) {}
  uint64_t id() const { return id_; }
  const std::string& origin() const { return origin_; }
  virtual int fd() const = 0;
  virtual bool idle() const = 0;
  /// Whether it can take another exchange.
  virtual bool accepts() const = 0;
  virtual void begin(std::unique_ptr<ClientExchange> exchange) = 0;
  /// Ends an exchange without telling anybody; whether it was here.
  virtual bool cancel(uint64_t exchange_id) = 0;
  /// A pipe of the stream has something to read or room.
  virtual void resume(int32_t stream) = 0;
  /// Ends all exchanges with an error.
  virtual void fail(HttpError error) = 0;

 private:
  const uint64_t id_;
  const std::string origin_;
};

/// Null without SEDGE_HTTP2.
std::unique_ptr<SharedConnection> make_http2_client_connection(
    HttpClient::Core& core, uint64_t id, std::string origin, Fd socket,
    std::unique_ptr<Transport> transport);

/// Used on the loop's thread only.
class ClientConnection final : public EventLoop::Source, private Timer {
 public:
  ClientConnection(HttpClient::Core& core, uint64_t id, std::unique_ptr<ClientExchange> exchange);
  ~ClientConnection() override;

  uint64_t id() const { return id_; }
  int fd() const { return socket_.get(); }
  bool idle() const { return state_ == State::idle; }
  const std::string& origin() const { return origin_; }
  uint64_t exchange_id() const { return exchange_ ? exchange_->id : 0; }

  /// Begins with the name.
  void open();
  /// Sends another request over an idle connection.
  void reuse(std::unique_ptr<ClientExchange> exchange);
  void on_resolved(Resolved resolved);
  void on_event(uint32_t epoll_events) override;
  /// A pipe has something to read or room.
  void resume() { advance(); }
  /// Ends the exchange without telling anybody, or the idle connection.
  void close();
  /// Ends the exchange with an error.
  void fail(HttpError error);

 private:
  enum class State : uint8_t { resolving, connecting, handshaking, active, idle, closed };

  void on_timer() override;
  void advance();
  void connect_next();
  void on_connected();
  void on_established();
  void begin_request();
  bool send_some();
  bool pump_request();
  bool receive_some();
  bool on_input(std::string_view input);
  void deliver_head();
  void finish(bool clean);
  void fail_parse();
  void progress();
  uint64_t now_ms() const;
  BodyPipe::Wake wake() const;

  HttpClient::Core& core_;
  const uint64_t id_;
  std::unique_ptr<ClientExchange> exchange_;
  const std::string origin_;
  State state_ = State::resolving;
  std::vector<Address> addresses_;
  size_t next_address_ = 0;
  bool prohibited_ = false;  // an address was left out
  Fd socket_;
  std::unique_ptr<Transport> transport_;

  ResponseParser parser_;
  std::string out_;
  size_t out_pos_ = 0;
  std::shared_ptr<BodyPipe> response_body_;
  uint64_t body_left_ = 0;
  uint64_t body_sent_ = 0;
  bool body_chunked_ = false;
  bool body_done_ = true;
  bool reused_ = false;
  bool received_any_ = false;
  bool keep_alive_ = false;
  bool advancing_ = false;
  uint64_t progress_ms_ = 0;
};

class HttpClient::Core : public std::enable_shared_from_this<HttpClient::Core> {
 public:
  Core(const HttpClientOptions& options, std::unique_ptr<EventLoop> loop)
      : options_(options), loop_(std::move(loop)) {}

  EventLoop& loop() { return *loop_; }
  const HttpClientOptions& options() const { return options_; }
  Resolver& resolver() { return resolver_; }
  std::array<char, 16384>& scratch() { return scratch_; }

  /// Until the loop is stopped; then fails what is left.
  void run();
  void submit(std::unique_ptr<ClientExchange> exchange);
  void cancel(uint64_t exchange_id);
  /// Null if it has gone.
  ClientConnection* find(uint64_t connection_id);
  SharedConnection* find_shared(uint64_t connection_id);
  void release(ClientConnection& connection, bool was_idle);
  void release(SharedConnection& connection);
  void made_idle(ClientConnection& connection);
  void made_idle(SharedConnection& connection);
  /// The server speaks HTTP/2: what belongs to `connection` goes on in one that is shared.
  void share(ClientConnection& connection, Fd socket, std::unique_ptr<Transport> transport,
             std::unique_ptr<ClientExchange> exchange);
  /// Of TLS; made when it is first needed.
  Result<TlsClient*> tls();
  std::atomic<uint64_t> last_exchange = 0;

 private:
  bool make_room();
  size_t idle_count() const;

  const HttpClientOptions options_;
  std::unique_ptr<EventLoop> loop_;
  Resolver resolver_;
  std::unique_ptr<TlsClient> tls_;
  std::unordered_map<uint64_t, std::unique_ptr<ClientConnection>> connections_;
  std::unordered_map<uint64_t, std::unique_ptr<SharedConnection>> shared_;
  uint64_t last_connection_ = 0;
  uint32_t idle_ = 0;  // of connections_
  bool stopping_ = false;
  std::array<char, 16384> scratch_;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_CLIENT_CONNECTION_H_
