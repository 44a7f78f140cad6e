// The client's side of HTTP/2: a stream for each exchange. A request that the server has certainly
// not looked at (refused, or beyond its last stream) is sent again once, as far as it has no
// content; so is one that finds an idle connection ended.
#include "net/client_connection.h"

#if SEDGE_HAVE_HTTP2

#include <sys/epoll.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "net/chars.h"
#include "net/http2_fields.h"
#include "net/http2_session.h"
#endif

namespace sedge::net {

#if SEDGE_HAVE_HTTP2
namespace {

using Kind = HttpError::Kind;

constexpr size_t kOutput = 32768;  // taken from the session at a time
constexpr int kMaxInterim = 16;

/// Streams and exchanges, without socket and timer.
class ClientSession : public Http2Session {
 public:
  explicit ClientSession(const HttpClientOptions& options)
      : Http2Session({.side = Side::client,
                      .max_header_bytes = options.limits.max_header_bytes,
                      .max_headers = options.limits.max_headers}) {}

  bool accepts() const { return !failed() && can_submit(); }
  /// Whether the end of the connection is our answer to what the server sent.
  bool broken_by_server() const { return done_reading() && !goaway_seen_; }

  void begin(std::unique_ptr<ClientExchange> exchange) {
    ClientRequest& request = exchange->request;
    Headers fields = {{":method", request.method},
                      {":scheme", request.tls ? "https" : "http"},
                      {":authority", request.authority},
                      {":path", request.target}};
    std::erase_if(request.headers,
                  [](const auto& field) { return equals_ignoring_case(field.first, "host"); });
    append_http2_fields(fields, request.headers);
    if (std::optional<uint64_t> length = exchange->content_length())
      fields.emplace_back("content-length", std::to_string(*length));
    auto stream = std::make_unique<ClientStream>();
    stream->outgoing = request.body;
    stream->outgoing_left = request.body_length;
    stream->sending = true;
    stream->reused = used_;
    used_ = true;
    int32_t id = submit(nullptr, fields, request.body != nullptr);
    stream->exchange = std::move(exchange);
    if (id <= 0) {
      end(*stream, {Kind::connection_terminated, "the connection takes no more requests"}, true);
      return;
    }
    check_at(now_ms() + stream->exchange->request.timeouts.first_byte_ms);
    if (stream->outgoing) stream->outgoing->on_readable(wake(id));
    insert(id, std::move(stream));
  }

  bool cancel(uint64_t exchange_id) {
    for (auto& [id, base] : streams()) {
      auto& stream = static_cast<ClientStream&>(*base);
      if (!stream.exchange || stream.exchange->id != exchange_id) continue;
      stream.exchange->done = nullptr;
      give_up(stream, {Kind::connection_terminated, "the request was given up"});
      return true;
    }
    return false;
  }

  /// The reader of a response may have gone.
  void check_reader(int32_t id) {
    auto* stream = static_cast<ClientStream*>(find(id));
    if (stream && stream->incoming && stream->incoming->reader_gone())
      give_up(*stream, {Kind::connection_terminated, "the request was given up"});
  }

  void sweep() {
    const uint64_t now = now_ms();
    checked();
    for (auto& [id, base] : streams()) {
      auto& stream = static_cast<ClientStream&>(*base);
      if (!stream.exchange) continue;
      // It may be our reader who takes its time.
      if (!may_receive(stream)) stream.progress_ms = now;
      const ClientTimeouts& timeouts = stream.exchange->request.timeouts;
      uint64_t deadline = stream.progress_ms +
                          (stream.head_done ? timeouts.between_bytes_ms : timeouts.first_byte_ms);
      if (now >= deadline)
        give_up(stream, {Kind::connection_read_timeout, "the server did not answer in time"});
      else
        check_at(deadline);
    }
  }

  /// The connection has ended.
  void end_all(const HttpError& error) {
    for (auto& [id, base] : streams()) {
      auto& stream = static_cast<ClientStream&>(*base);
      if (stream.exchange) end(stream, error, stream.reused);
    }
    streams().clear();
  }

  /// Exchanges to be sent again, over another connection.
  std::vector<std::unique_ptr<ClientExchange>> take_retries() {
    return std::exchange(retries_, {});
  }

 private:
  struct ClientStream final : Stream {
    std::unique_ptr<ClientExchange> exchange;  // until its end is known
    std::unique_ptr<IncomingResponse> response = std::make_unique<IncomingResponse>();
    Headers trailers;
    bool head_done = false;
    bool reused = false;  // the connection had served others
    int interim = 0;
  };

  bool on_begin(int32_t) override { return false; }
  void on_goaway() override { goaway_seen_ = true; }

  void on_field(Stream& base, std::string_view name, std::string_view value) override {
    auto& stream = static_cast<ClientStream&>(base);
    if (!stream.exchange) return;
    bool good;
    if (stream.head_done) {
      good = is_token(name) && is_field_value(value);
      if (good) stream.trailers.emplace_back(name, value);
    } else {
      good = Http2ResponseFields::add(*stream.response, name, value);
    }
    if (!good) on_bad_field(stream, 400, "a header field is malformed");
  }

  void on_bad_field(Stream& base, int status, std::string_view reason) override {
    give_up(static_cast<ClientStream&>(base),
            {status == 431 ? Kind::response_header_section_size : Kind::protocol_error,
             std::string(reason)});
  }

  void on_fields(Stream& base) override {
    auto& stream = static_cast<ClientStream&>(base);
    if (!stream.exchange || stream.head_done) return;
    stream.progress_ms = now_ms();
    if (stream.response->status < 200) {  // the final response follows
      if (stream.response->status == 101 || ++stream.interim > kMaxInterim)
        return give_up(stream, {Kind::protocol_error, "an interim response that nobody asked for"});
      stream.response = std::make_unique<IncomingResponse>();
      return;
    }
    stream.head_done = true;
    open_pipe(stream, std::make_shared<BodyPipe>(kWindow));
    check_at(now_ms() + stream.exchange->request.timeouts.between_bytes_ms);
    ClientResponse response{.head = std::move(stream.response), .body = stream.incoming};
    if (HttpClient::Done done = std::exchange(stream.exchange->done, nullptr))
      done(std::move(response));
  }

  void on_data(Stream& base, std::string_view bytes) override {
    auto& stream = static_cast<ClientStream&>(base);
    if (!stream.incoming) return;
    if (stream.incoming->reader_gone()) return check_reader(stream.id);
    pipe_in(stream, bytes);
  }

  void on_end(Stream& base) override {
    auto& stream = static_cast<ClientStream&>(base);
    if (!stream.exchange) return;
    if (!stream.head_done)
      return give_up(stream, {Kind::protocol_error, "the server ended without a response"});
    std::exchange(stream.incoming, nullptr)->finish(std::move(stream.trailers));
    // A server may answer before it has read everything: its answer counts.
    if (stream.exchange->request.body) stream.exchange->request.body->close_reader();
    stream.exchange.reset();
    if (stream.sending && stream.outgoing) reset(stream.id, Http2Error::cancel);
  }

  void on_sent(Stream&) override {}

  void on_content_failed(Stream& base, HttpError error) override {
    auto& stream = static_cast<ClientStream&>(base);
    if (stream.exchange) end(stream, std::move(error), false);
  }

  void on_closed(Stream& base, Http2Error error) override {
    auto& stream = static_cast<ClientStream&>(base);
    if (stream.exchange)
      end(stream,
          {error == Http2Error::protocol_error ? Kind::protocol_error : Kind::connection_terminated,
           fmt::format("the server ended the request (HTTP/2 error {})",
                       std::to_underlying(error))},
          error == Http2Error::refused_stream);
    erase(stream);
  }

  void give_up(ClientStream& stream, HttpError error) {
    reset(stream.id, Http2Error::cancel);
    if (stream.exchange) end(stream, std::move(error), false);
  }

  // Tells the one who waits, or keeps the exchange to be sent again. The stream may go on without.
  void end(ClientStream& stream, HttpError error, bool again) {
    std::unique_ptr<ClientExchange> exchange = std::move(stream.exchange);
    if (stream.head_done && error.kind == Kind::connection_terminated)
      error.kind = Kind::response_incomplete;
    end_pipes(stream, error);
    if (!exchange->done) return;
    again &= !stream.head_done && !exchange->request.body && !exchange->retried;
    if (again) {
      exchange->retried = true;
      retries_.push_back(std::move(exchange));
    } else {
      std::exchange(exchange->done, nullptr)(std::unexpected(std::move(error)));
    }
  }

  bool used_ = false;
  bool goaway_seen_ = false;
  std::vector<std::unique_ptr<ClientExchange>> retries_;
};

class Http2ClientConnection final : public SharedConnection, private Timer {
 public:
  Http2ClientConnection(HttpClient::Core& core, uint64_t id, std::string origin, Fd socket,
                        std::unique_ptr<Transport> transport)
      : SharedConnection(id, std::move(origin)),
        core_(core),
        socket_(std::move(socket)),
        transport_(std::move(transport)),
        session_(*this) {}
  ~Http2ClientConnection() override {
    session_.end_all({Kind::connection_terminated, "the client was stopped"});
  }

  int fd() const override { return socket_.get(); }
  bool idle() const override { return idle_; }
  bool accepts() const override { return !closed_ && session_.accepts(); }
  void begin(std::unique_ptr<ClientExchange> exchange) override {
    idle_ = false;
    session_.begin(std::move(exchange));
    advance();
  }
  bool cancel(uint64_t exchange_id) override {
    if (!session_.cancel(exchange_id)) return false;
    advance();
    return true;
  }
  void resume(int32_t stream) override {
    session_.check_reader(stream);
    session_.resume(stream);
    advance();
  }
  void on_event(uint32_t) override { advance(); }
  void fail(HttpError error) override {
    if (closed_) return;
    closed_ = true;
    session_.end_all(error);
    transport_.reset();
    core_.loop().timers().disarm(*this);
    core_.release(*this);
    send_again();
  }

 private:
  class Session final : public ClientSession {
   public:
    explicit Session(Http2ClientConnection& connection)
        : ClientSession(connection.core_.options()), connection_(connection) {}

   private:
    uint64_t now_ms() const override { return connection_.core_.loop().now_ms(); }
    BodyPipe::Wake wake(int32_t stream) const override {
      return [core = connection_.core_.weak_from_this(), id = connection_.id(), stream] {
        auto alive = core.lock();
        if (!alive) return;
        alive->loop().post([&core = *alive, id, stream] {
          if (SharedConnection* connection = core.find_shared(id)) connection->resume(stream);
        });
      };
    }
    Http2ClientConnection& connection_;
  };

  void advance() {
    if (advancing_ || closed_) return;
    advancing_ = true;
    for (bool moved = true; moved && !closed_;) {
      moved = send_some();
      moved |= receive_some();
    }
    if (!closed_ && session_.done_reading() && !session_.wants_write() && out_.empty()) lost();
    advancing_ = false;
    if (closed_) return;
    if (session_.stream_count() == 0 && !std::exchange(idle_, true)) {
      idle_since_ms_ = core_.loop().now_ms();
      core_.made_idle(*this);
    }
    if (closed_) return;
    update_timer();
    send_again();
  }

  void lost() {
    if (session_.abused())
      fail({Kind::protocol_error, "the server sends too much that carries nothing"});
    else if (session_.broken_by_server())
      fail({Kind::protocol_error, "what the server sends is not HTTP/2"});
    else
      fail({Kind::connection_terminated, "the server ended the connection"});
  }

  void send_again() {
    for (auto& exchange : session_.take_retries()) core_.submit(std::move(exchange));
  }

  bool send_some() {
    bool any = false;
    while (!closed_ && !write_broken_) {
      if (out_pos_ == out_.size()) {
        out_.clear();
        out_pos_ = 0;
        session_.produce(out_, kOutput);
        if (out_.empty()) break;
      }
      Transport::Io io = transport_->write(std::string_view(out_).substr(out_pos_));
      if (io.outcome == Transport::Outcome::blocked) break;
      if (io.outcome != Transport::Outcome::moved) {
        // What the server has answered before it went still counts.
        write_broken_ = true;
        out_.clear();
        out_pos_ = 0;
        break;
      }
      out_pos_ += io.count;
      any = true;
    }
    return any;
  }

  bool receive_some() {
    if (closed_) return false;
    auto& scratch = core_.scratch();
    Transport::Io io = transport_->read(scratch);
    switch (io.outcome) {
      case Transport::Outcome::blocked:
        return false;
      case Transport::Outcome::moved:
        session_.receive({scratch.data(), io.count});
        return true;
      case Transport::Outcome::ended:
        lost();
        return false;
      case Transport::Outcome::failed:
        fail(transport_->error());
        return false;
    }
    return false;
  }

  void update_timer() {
    std::optional<uint64_t> next = session_.next_check_ms();
    if (idle_) next = idle_since_ms_ + core_.options().idle_timeout_ms;
    if (!next)
      core_.loop().timers().disarm(*this);
    else if (!armed() || deadline_ms() != *next)
      core_.loop().timers().arm(*this, *next);
  }

  void on_timer() override {
    const uint64_t now = core_.loop().now_ms();
    if (idle_ && now >= idle_since_ms_ + core_.options().idle_timeout_ms)
      return fail({Kind::connection_terminated, "idle"});
    if (session_.next_check_ms() && now >= *session_.next_check_ms()) session_.sweep();
    advance();
    if (!closed_) update_timer();
  }

  HttpClient::Core& core_;
  Fd socket_;
  std::unique_ptr<Transport> transport_;
  std::string out_;
  size_t out_pos_ = 0;
  uint64_t idle_since_ms_ = 0;
  bool idle_ = true;
  bool closed_ = false;
  bool write_broken_ = false;
  bool advancing_ = false;
  Session session_;
};

}  // namespace
#endif

std::unique_ptr<SharedConnection> make_http2_client_connection(
    [[maybe_unused]] HttpClient::Core& core, [[maybe_unused]] uint64_t id,
    [[maybe_unused]] std::string origin, [[maybe_unused]] Fd socket,
    [[maybe_unused]] std::unique_ptr<Transport> transport) {
#if SEDGE_HAVE_HTTP2
  return std::make_unique<Http2ClientConnection>(core, id, std::move(origin), std::move(socket),
                                                 std::move(transport));
#else
  return nullptr;
#endif
}

}  // namespace sedge::net
