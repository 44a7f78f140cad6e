// Shards (accepting, admitting, draining) and the server that starts them.
#include "net/http_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "net/http1_connection.h"
#include "net/http2_connection.h"
#include "net/shard.h"

namespace sedge::net {
namespace {

constexpr int kAcceptsPerEvent = 64;
constexpr uint32_t kConnectionEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr uint64_t kAcceptPauseMs = 100;
constexpr uint32_t kMaxTurnedAway = 256;

class CallbackTimer final : public Timer {
 public:
  explicit CallbackTimer(EventLoop::Task task) : task_(std::move(task)) {}

 private:
  void on_timer() override { task_(); }
  EventLoop::Task task_;
};

}  // namespace

// A listening socket in the loop. Out of descriptors, it pauses instead of spinning.
class Shard::Listener final : public EventLoop::Source, private Timer {
 public:
  Listener(Shard& shard, Fd socket) : shard_(shard), socket_(std::move(socket)) {}
  ~Listener() override { shard_.loop().remove(socket_.get()); }
  int fd() const { return socket_.get(); }
  Result<> watch() { return shard_.loop().add(fd(), EPOLLIN, *this); }
  void on_event(uint32_t) override { shard_.accept_from(*this); }
  void pause() {
    shard_.loop().remove(fd());
    shard_.loop().timers().arm(*this, shard_.loop().now_ms() + kAcceptPauseMs);
  }

 private:
  void on_timer() override {
    if (!watch()) shard_.loop().timers().arm(*this, shard_.loop().now_ms() + kAcceptPauseMs);
  }
  Shard& shard_;
  Fd socket_;
};

Shard::Shard(HttpServer& server, std::unique_ptr<EventLoop> loop)
    : server_(&server), loop_(std::move(loop)) {}

Shard::~Shard() = default;

Result<> Shard::listen(Fd socket) {
  auto listener = std::make_unique<Listener>(*this, std::move(socket));
  SEDGE_TRY(listener->watch());
  listeners_.push_back(std::move(listener));
  return {};
}

void Shard::run() {
  loop_->run();
  // Connections go on the loop's thread, and while the server still lives.
  listeners_.clear();
  drain_timer_.reset();
  for (Slot& slot : slots_)
    if (slot.connection) server_->stats_.connections_open.fetch_sub(1, std::memory_order_relaxed);
  slots_.clear();
}

void Shard::accept_from(Listener& listener) {
  for (int i = 0; drain_begun_ || i < kAcceptsPerEvent; ++i) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    Fd socket(::accept4(listener.fd(), reinterpret_cast<sockaddr*>(&storage), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        listener.pause();
      return;
    }
    int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    admit(std::move(socket), Address::from(storage).ip());
  }
}

void Shard::admit(Fd socket, std::string peer) {
  HttpServerStats& stats = server_->stats_;
  int64_t open = stats.connections_open.fetch_add(1, std::memory_order_relaxed);
  bool over = open >= static_cast<int64_t>(server_->options_.max_connections);
  if (over) {
    stats.connections_refused.fetch_add(1, std::memory_order_relaxed);
    // A flood must not make refusing itself the expense.
    if (turned_away_ >= kMaxTurnedAway) {
      stats.connections_open.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
  } else {
    stats.connections_accepted.fetch_add(1, std::memory_order_relaxed);
  }
  uint32_t index;
  if (free_slots_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& slot = slots_[index];
  auto made = std::make_unique<Http1Connection>(*this, std::move(socket), std::move(peer), index,
                                                slot.generation);
  Http1Connection& connection = *made;
  slot.connection = std::move(made);
  ++open_;
  if (!loop_->add(connection.fd(), kConnectionEvents, connection)) {
    release(connection);
    return;
  }
  if (over) {
    ++turned_away_;  // before it may close, which counts down
    connection.turn_away(server_->handler_.refuse(503, "too many connections", {}));
  }
}

void Shard::switch_to_http2(Connection& connection, Fd socket, std::string peer,
                            std::string input) {
  Slot& slot = slots_[connection.slot()];
  loop_->remove(socket.get());
  loop_->retire(std::move(slot.connection));
  slot.connection = make_http2_connection(*this, std::move(socket), std::move(peer),
                                          connection.slot(), slot.generation, std::move(input));
  // The first event, of a socket that is writable, makes it begin.
  if (!loop_->add(slot.connection->fd(), kConnectionEvents, *slot.connection))
    release(*slot.connection);
}

void Shard::release(Connection& connection) {
  Slot& slot = slots_[connection.slot()];
  loop_->remove(connection.fd());
  loop_->retire(std::move(slot.connection));  // destroyed later: `connection` stays valid
  ++slot.generation;
  free_slots_.push_back(connection.slot());
  --open_;
  if (connection.turned_away()) --turned_away_;
  server_->stats_.connections_open.fetch_sub(1, std::memory_order_relaxed);
  finish_if_drained();
}

Connection* Shard::find(uint32_t slot, uint32_t generation) {
  if (slot >= slots_.size() || slots_[slot].generation != generation) return nullptr;
  return slots_[slot].connection.get();
}

std::string_view Shard::date() {
  int64_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    date_ = format_http_date(now);
  }
  return date_;
}

void Shard::post_response(uint32_t slot, uint32_t generation, uint32_t stream, Response response) {
  // Only the connection that is waiting for this very call may be answered directly: any other
  // could be in the middle of using the loop's scratch buffer.
  if (loop_->on_loop_thread() && dispatching_ && dispatching_->slot() == slot &&
      dispatching_->generation() == generation) {
    dispatching_->complete(stream, std::move(response));
    return;
  }
  loop_->post([this, slot, generation, stream, response = std::move(response)]() mutable {
    if (Connection* connection = find(slot, generation))
      connection->complete(stream, std::move(response));
  });
}

void Shard::post_resume(uint32_t slot, uint32_t generation, uint32_t stream) {
  loop_->post([this, slot, generation, stream] {
    if (Connection* connection = find(slot, generation)) connection->resume(stream);
  });
}

bool Shard::draining() const { return server_->draining_.load(std::memory_order_acquire); }

void Shard::post_drain(uint32_t deadline_ms) {
  loop_->post([this, deadline_ms] { begin_drain(deadline_ms); });
}

void Shard::post_stop() { loop_->stop(); }

void Shard::begin_drain(uint32_t deadline_ms) {
  if (!drain_begun_) {
    drain_begun_ = true;
    // What the kernel has already accepted for us would be reset by closing the socket.
    for (auto& listener : listeners_) accept_from(*listener);
    listeners_.clear();
    for (size_t i = 0; i < slots_.size(); ++i)
      if (slots_[i].connection) slots_[i].connection->drain();
  }
  drain_timer_ = std::make_unique<CallbackTimer>([this] { cut_all(); });
  loop_->timers().arm(*drain_timer_, loop_->now_ms() + deadline_ms);
  finish_if_drained();
}

void Shard::finish_if_drained() {
  if (drain_begun_ && open_ == 0) loop_->stop();
}

void Shard::cut_all() {
  // A connection that only waits for the client's end of it has had its answer.
  for (const Slot& slot : slots_)
    if (slot.connection && !slot.connection->lingering())
      server_->cut_.store(true, std::memory_order_relaxed);
  loop_->stop();
}

Responder::~Responder() {
  if (!shard_) return;
  Response response;
  response.status = 500;
  respond(std::move(response));
}

void Responder::respond(Response response) {
  if (!shard_) return;
  std::shared_ptr<Shard> shard = is_interim(response.status) ? shard_ : std::move(shard_);
  shard->post_response(slot_, generation_, stream_, std::move(response));
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      Handler& handler) {
  std::unique_ptr<HttpServer> server(new HttpServer(options, handler));
  std::vector<Address> addresses = options.listen;
  for (uint32_t i = 0; i < std::max(options.loops, 1U); ++i) {
    SEDGE_TRY_ASSIGN(std::unique_ptr<EventLoop> loop, EventLoop::create());
    auto shard = std::make_shared<Shard>(*server, std::move(loop));
    for (Address& address : addresses) {
      SEDGE_TRY_ASSIGN(Fd socket, listen_on(address, options.backlog, i == 0));
      // With port 0 the first loop's port is everyone's.
      if (i == 0) {
        SEDGE_TRY_ASSIGN(address, local_address(socket));
      }
      SEDGE_TRY(shard->listen(std::move(socket)));
    }
    server->shards_.push_back(std::move(shard));
  }
  server->addresses_ = std::move(addresses);
  // The loops leave signals to the thread that waits for them.
  sigset_t blocked, previous;
  sigemptyset(&blocked);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&blocked, signal);
  pthread_sigmask(SIG_BLOCK, &blocked, &previous);
  server->running_ = static_cast<uint32_t>(server->shards_.size());
  for (auto& shard : server->shards_)
    server->threads_.emplace_back([&running = server->running_, &shard = *shard] {
      shard.run();
      running.fetch_sub(1, std::memory_order_release);
    });
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  return server;
}

HttpServer::~HttpServer() {
  for (auto& shard : shards_) shard->post_stop();
  wait();
}

void HttpServer::drain(uint32_t deadline_ms) {
  draining_.store(true, std::memory_order_release);
  for (auto& shard : shards_) shard->post_drain(deadline_ms);
}

bool HttpServer::wait() {
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
  return !cut_.load(std::memory_order_relaxed);
}

}  // namespace sedge::net
