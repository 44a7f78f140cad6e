// Nothing is read while output waits for the socket: a client that does not take its answers gets
// no further requests in, and what it can make us queue is bounded by one read.
#include "net/http2_connection.h"

#if SEDGE_HAVE_HTTP2

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/http2_server_session.h"
#include "net/shard.h"
#endif

namespace sedge::net {

#if SEDGE_HAVE_HTTP2
namespace {

constexpr size_t kOutput = 32768;          // taken from the session at a time
constexpr int kReadsPerTurn = 8;           // of one connection, before others get their turn
constexpr size_t kBytesPerTurn = 1 << 20;  // the same for what is sent
constexpr uint64_t kDrainGraceMs = 1000;   // for requests that were on their way when a drain began

}  // namespace

class Http2Connection final : public Connection, private Timer {
 public:
  Http2Connection(Shard& shard, Fd socket, std::string peer, uint32_t slot, uint32_t generation,
                  std::string input)
      : Connection(shard, std::move(socket), std::move(peer), slot, generation),
        input_(std::move(input)),
        begun_ms_(shard.loop().now_ms()),
        session_(*this) {
    shard_.server().stats_.http2_connections.fetch_add(1, std::memory_order_relaxed);
    update_timer();
  }

  bool lingering() const override { return state_ == State::lingering; }

  void on_event(uint32_t epoll_events) override {
    if (state_ == State::closed) return;
    if (epoll_events & (EPOLLERR | EPOLLHUP)) return close();
    if (epoll_events & (EPOLLIN | EPOLLRDHUP)) readable_ = true;
    if (epoll_events & EPOLLRDHUP) peer_shut_ = true;
    advance();
  }

  void complete(uint32_t stream, Response response) override {
    session_.complete(stream, std::move(response));
    advance();  // does nothing when the answer came from within a dispatch
  }

  void drain() override {
    if (state_ != State::open) return;
    readable_ = true;
    advance();
  }

  void resume(uint32_t stream) override {
    if (stream == 0)
      resume_posted_ = false;
    else
      session_.resume(static_cast<int32_t>(stream));
    advance();
  }

 private:
  enum class State : uint8_t { open, lingering, closed };

  class Session final : public Http2ServerSession {
   public:
    explicit Session(Http2Connection& connection)
        : Http2ServerSession(server(connection).options_, server(connection).handler_,
                             server(connection).stats_, server(connection).bodies_,
                             connection.peer_),
          connection_(connection) {}

   private:
    static HttpServer& server(const Http2Connection& connection) {
      return connection.shard_.server();
    }
    void dispatch(std::unique_ptr<Request> request, uint32_t stream) override {
      Shard& shard = connection_.shard_;
      shard.set_dispatching(&connection_);
      server(connection_)
          .handler_.handle(std::move(request),
                           Responder(shard.shared_from_this(), connection_.slot_,
                                     connection_.generation_, stream));
      shard.set_dispatching(nullptr);
    }
    std::string_view date() override { return connection_.shard_.date(); }
    uint64_t now_ms() const override { return connection_.now_ms(); }
    BodyPipe::Wake wake(int32_t id) const override {
      return [shard = connection_.shard_.weak_from_this(), slot = connection_.slot_,
              generation = connection_.generation_, stream = static_cast<uint32_t>(id)] {
        if (auto alive = shard.lock()) alive->post_resume(slot, generation, stream);
      };
    }
    Http2Connection& connection_;
  };

  uint64_t now_ms() const { return shard_.loop().now_ms(); }

  // Does everything that can be done without waiting.
  void advance() {
    if (advancing_ || state_ == State::closed) return;
    advancing_ = true;
    int reads = kReadsPerTurn;
    size_t bytes = kBytesPerTurn;
    if (state_ == State::open && !drain_since_ms_ && shard_.draining()) {
      drain_since_ms_ = now_ms();
      session_.begin_drain();
    }
    while (state_ == State::open) {
      session_.dispatch_waiting();
      if (drain_since_ms_ && !drained_ && session_.drain_answered()) finish_drain();
      if (!flush(bytes) || ended()) break;
      if (reads == 0 || !read_input()) break;
      --reads;
    }
    if ((reads == 0 || bytes == 0) && !resume_posted_ && state_ == State::open) {
      resume_posted_ = true;
      shard_.post_resume(slot_, generation_, 0);
    }
    if (state_ == State::lingering && !discard_input()) close();
    advancing_ = false;
    update_timer();
  }

  // Whether the session has come to its end; then the client's end of the connection is next.
  bool ended() {
    if (drain_since_ms_ && !drained_ && !session_.failed()) return false;
    if (!session_.done_reading() || session_.wants_write()) return false;
    if (session_.abused())
      shard_.server().stats_.http2_abuses.fetch_add(1, std::memory_order_relaxed);
    state_ = State::lingering;
    linger_since_ms_ = now_ms();
    shut();
    return true;
  }

  // Reads once. False if there was nothing.
  bool read_input() {
    if (!input_.empty()) {
      session_.receive(std::exchange(input_, {}));
      return true;
    }
    if (!readable_) return false;
    auto& scratch = shard_.scratch();
    ssize_t count = ::recv(fd(), scratch.data(), scratch.size(), 0);
    if (count < 0 && errno == EINTR) return true;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      readable_ = false;
      return false;
    }
    if (count <= 0) {  // there is no half of a connection in HTTP/2
      close();
      return false;
    }
    if (static_cast<size_t>(count) < scratch.size() && !peer_shut_) readable_ = false;
    shard_.server().stats_.bytes_received.fetch_add(static_cast<uint64_t>(count),
                                                    std::memory_order_relaxed);
    session_.receive({scratch.data(), static_cast<size_t>(count)});
    return true;
  }

  // Sends what there is. True when all of it is sent.
  bool flush(size_t& allowance) {
    while (allowance > 0) {
      if (out_pos_ == out_.size()) {
        out_.clear();
        out_pos_ = 0;
        session_.produce(out_, kOutput);
        if (out_.empty()) {
          out_ = std::string();  // an idle connection keeps no buffer
          return true;
        }
        write_since_ms_ = now_ms();
      }
      ssize_t sent = ::send(fd(), out_.data() + out_pos_, out_.size() - out_pos_, MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) close();
        return false;
      }
      auto count = static_cast<size_t>(sent);
      shard_.server().stats_.bytes_sent.fetch_add(count, std::memory_order_relaxed);
      out_pos_ += count;
      write_since_ms_ = now_ms();
      allowance -= std::min(count, allowance);
    }
    return false;
  }

  void finish_drain() {
    drained_ = true;
    session_.finish_drain();
  }

  uint64_t idle_deadline_ms() const {
    const HttpServerOptions& options = shard_.server().options_;
    if (!session_.served_any()) return begun_ms_ + options.header_timeout_ms;
    return session_.idle_since_ms() + options.idle_timeout_ms;
  }
  uint64_t write_deadline_ms() const {
    return write_since_ms_ + shard_.server().options_.write_timeout_ms;
  }

  void update_timer() {
    if (state_ == State::closed) return;
    std::optional<uint64_t> next;
    auto at = [&](uint64_t deadline) { next = std::min(next.value_or(deadline), deadline); };
    if (state_ == State::lingering) {
      at(linger_since_ms_ + kLingerMs);
    } else {
      if (out_pos_ < out_.size()) at(write_deadline_ms());
      if (session_.next_check_ms()) at(*session_.next_check_ms());
      if (session_.stream_count() == 0) at(idle_deadline_ms());
      if (drain_since_ms_ && !drained_) at(*drain_since_ms_ + kDrainGraceMs);
    }
    if (!next)
      shard_.loop().timers().disarm(*this);
    else if (!armed() || deadline_ms() != *next)
      shard_.loop().timers().arm(*this, *next);
  }

  void on_timer() override {
    const uint64_t now = now_ms();
    if (state_ == State::lingering) return close();
    if (out_pos_ < out_.size() && now >= write_deadline_ms()) {
      shard_.server().stats_.timeouts.fetch_add(1, std::memory_order_relaxed);
      return close();
    }
    if (session_.next_check_ms() && now >= *session_.next_check_ms()) session_.sweep();
    if (drain_since_ms_ && !drained_ && now >= *drain_since_ms_ + kDrainGraceMs) finish_drain();
    if (session_.stream_count() == 0 && now >= idle_deadline_ms()) {
      if (goodbye_said_) return close();
      goodbye_said_ = true;
      session_.say_goodbye();
    }
    advance();
  }

  void close() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    shard_.loop().timers().disarm(*this);
    shard_.release(*this);
  }

  std::string input_;  // what was read before this connection began
  std::string out_;
  size_t out_pos_ = 0;
  const uint64_t begun_ms_;
  uint64_t write_since_ms_ = 0;
  uint64_t linger_since_ms_ = 0;
  std::optional<uint64_t> drain_since_ms_;
  State state_ = State::open;
  bool peer_shut_ = false;
  bool advancing_ = false;
  bool resume_posted_ = false;
  bool drained_ = false;  // no more streams are taken
  bool goodbye_said_ = false;
  Session session_;
};

std::unique_ptr<Connection> make_http2_connection(Shard& shard, Fd socket, std::string peer,
                                                  uint32_t slot, uint32_t generation,
                                                  std::string input) {
  return std::make_unique<Http2Connection>(shard, std::move(socket), std::move(peer), slot,
                                           generation, std::move(input));
}

#else

std::unique_ptr<Connection> make_http2_connection(Shard&, Fd, std::string, uint32_t, uint32_t,
                                                  std::string) {
  return nullptr;
}

#endif

}  // namespace sedge::net
