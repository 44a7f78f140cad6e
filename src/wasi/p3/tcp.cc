// tcp-socket of wasi:sockets 0.3: what 0.2 asks about again and again is waited for in the store's
// event loop.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "wasi/os/clock.h"
#include "wasi/p2/sockets.h"
#include "wasi/p3/sockets.h"
#include "wasi/tcp.h"

namespace sedge::wasi::p3 {
namespace {

types::ErrorCode code_of(Errno error) { return to_code(socket_error(error)); }
Verdict verdict() { return verdict_of(code_of); }
/// What a second `send` or `receive`, or one without a connection, ends with.
constexpr Errno kInvalidState = Errno::notconn;

class TcpSocket;
std::unique_ptr<types::TcpSocket> make_socket(Tcp tcp);

/// From a listening socket to a guest's stream. It ends with the stream or with a socket that is
/// broken; who comes while the guest reads nothing waits in the kernel's queue.
class Accepting final : public Kept {
 public:
  Accepting(Store& store, ComponentWriter stream, std::shared_ptr<Tcp> listener)
      : Kept(store), stream_(std::move(stream)), listener_(std::move(listener)) {}

  void start() {
    stream_->on_dropped(weakly(this, [](Accepting& self) { self.end(); }));
    await_reader();
  }

 private:
  void await_reader() {
    stream_->write({}, weakly(this, [](Accepting& self, const ComponentItems& items) {
                     if (items.ended)
                       self.end();
                     else
                       self.accept();
                   }));
  }
  void accept() {
    constexpr uint64_t kLater = 50'000'000;  // nanoseconds
    constexpr int kAtOnce = 64;
    auto again = weakly(this, [](Accepting& self) { self.accept(); });
    for (int left = kAtOnce; left > 0; --left) {
      auto accepted = listener_->accept();
      if (accepted) return offer(*std::move(accepted));
      switch (accepted.error()) {
        case SocketError::would_block: {
          const Fd& fd = *listener_->socket();
          return wait_for(p2::Condition::when(fd.get(), POLLIN), again);
        }
        case SocketError::new_socket_limit:
        case SocketError::out_of_memory:
          // Until the guest has closed something.
          return wait_for(p2::Condition::until(os::monotonic_now() + kLater), again);
        case SocketError::invalid_state:
        case SocketError::invalid_argument:
          return end();
        default:
          break;  // of a connection that is gone before it was accepted
      }
    }
    wait_for(p2::Condition::now(), again);
  }
  void offer(Tcp accepted) {
    auto value = host::lower(store(), make_socket(std::move(accepted)));
    if (!value) return end();
    uint64_t representation = value->bits;
    std::vector<ComponentVal> values;
    values.push_back(*std::move(value));
    stream_->write(std::move(values),
                   weakly(this, [representation](Accepting& self, const ComponentItems& items) {
                     if (items.count == 0) host::drop_resource(self.store(), representation);
                     if (items.ended) return self.end();
                     self.await_reader();
                   }));
  }
  void end() {
    stream_.reset();
    leave();
  }

  std::optional<ComponentWriter> stream_;
  std::shared_ptr<Tcp> listener_;
};

class TcpSocket final : public types::TcpSocket {
 public:
  explicit TcpSocket(Tcp tcp) : tcp_(std::make_shared<Tcp>(std::move(tcp))) {}

  Socketed<Unit> bind(Store&, types::IpSocketAddress local) override {
    return outcome(bind_now(to_address(local)));
  }
  void connect(Store& store, SocketDone<Unit> done, types::IpSocketAddress remote) override {
    if (auto begun = tcp_->start_connect(to_address(remote)); !begun)
      return done.resolve(refused(begun.error()));
    attempt_when(
        store, done.call(), tcp_->socket(), POLLOUT,
        [tcp = tcp_, done] {
          auto connected = tcp->finish_connect();
          if (!connected && connected.error() == SocketError::would_block) return false;
          done.resolve(outcome(connected));
          return true;
        },
        [tcp = tcp_] { tcp->close(); });
  }
  Socketed<host::Stream> listen(Store& store) override {
    if (auto listening = listen_now(); !listening) return refused(listening.error());
    auto [stream, writer] = ComponentWriter::stream(store);
    Kept::make<Accepting>(store, std::move(writer), tcp_)->start();
    return host::Stream{std::move(stream)};
  }

  Result<host::Future> send(Store& store, host::Stream data) override {
    if (!tcp_->is_connected() || std::exchange(sent_, true)) {
      // Taken, so that it ends.
      SEDGE_TRY(ComponentReader::from(store, std::move(data.value)));
      return settled(store, verdict(), kInvalidState);
    }
    return write_to(store, std::move(data), p2::tcp_output(tcp_->socket(), true), verdict());
  }
  Result<std::tuple<host::Stream, host::Future>> receive(Store& store) override {
    if (!tcp_->is_connected() || std::exchange(received_, true))
      return refused_stream(store, verdict(), kInvalidState);
    return read_from(store, p2::tcp_input(tcp_->socket(), true), verdict());
  }

  Socketed<types::IpSocketAddress> get_local_address(Store&) override {
    return outcome_address(tcp_->local_address());
  }
  Socketed<types::IpSocketAddress> get_remote_address(Store&) override {
    return outcome_address(tcp_->remote_address());
  }
  Result<bool> get_is_listening(Store&) override { return tcp_->is_listening(); }
  Result<types::IpAddressFamily> get_address_family(Store&) override {
    return tcp_->is_v6() ? types::IpAddressFamily::ipv6 : types::IpAddressFamily::ipv4;
  }

  Socketed<Unit> set_listen_backlog_size(Store&, uint64_t value) override {
    return outcome(tcp_->set_listen_backlog_size(value));
  }
  Socketed<bool> get_keep_alive_enabled(Store&) override {
    return outcome(tcp_->keep_alive_enabled());
  }
  Socketed<Unit> set_keep_alive_enabled(Store&, bool value) override {
    return outcome(tcp_->set_keep_alive_enabled(value));
  }
  Socketed<types::Duration> get_keep_alive_idle_time(Store&) override {
    return outcome(tcp_->keep_alive_time(TCP_KEEPIDLE));
  }
  Socketed<Unit> set_keep_alive_idle_time(Store&, types::Duration value) override {
    return outcome(tcp_->set_keep_alive_time(TCP_KEEPIDLE, value));
  }
  Socketed<types::Duration> get_keep_alive_interval(Store&) override {
    return outcome(tcp_->keep_alive_time(TCP_KEEPINTVL));
  }
  Socketed<Unit> set_keep_alive_interval(Store&, types::Duration value) override {
    return outcome(tcp_->set_keep_alive_time(TCP_KEEPINTVL, value));
  }
  Socketed<uint32_t> get_keep_alive_count(Store&) override {
    return outcome(tcp_->keep_alive_count());
  }
  Socketed<Unit> set_keep_alive_count(Store&, uint32_t value) override {
    return outcome(tcp_->set_keep_alive_count(value));
  }
  Socketed<uint8_t> get_hop_limit(Store&) override {
    return outcome(hop_limit(socket(), tcp_->is_v6()));
  }
  Socketed<Unit> set_hop_limit(Store&, uint8_t value) override {
    return outcome(wasi::set_hop_limit(socket(), tcp_->is_v6(), value));
  }
  Socketed<uint64_t> get_receive_buffer_size(Store&) override {
    return outcome(buffer_size(socket(), SO_RCVBUF));
  }
  Socketed<Unit> set_receive_buffer_size(Store&, uint64_t value) override {
    return outcome(set_buffer_size(socket(), SO_RCVBUF, value));
  }
  Socketed<uint64_t> get_send_buffer_size(Store&) override {
    return outcome(buffer_size(socket(), SO_SNDBUF));
  }
  Socketed<Unit> set_send_buffer_size(Store&, uint64_t value) override {
    return outcome(set_buffer_size(socket(), SO_SNDBUF, value));
  }

 private:
  const Fd& socket() const { return *tcp_->socket(); }
  SocketResult<> bind_now(const std::optional<net::Address>& local) {
    if (auto begun = tcp_->start_bind(local); !begun) return begun;
    return tcp_->finish_bind();
  }
  SocketResult<> listen_now() {
    if (tcp_->is_unbound()) {
      auto any = net::Address::literal(tcp_->is_v6() ? "::" : "0.0.0.0");
      if (auto bound = bind_now(any); !bound) return bound;
    }
    if (auto begun = tcp_->start_listen(); !begun) return begun;
    return tcp_->finish_listen();
  }

  std::shared_ptr<Tcp> tcp_;
  bool sent_ = false;
  bool received_ = false;
};

std::unique_ptr<types::TcpSocket> make_socket(Tcp tcp) {
  return std::make_unique<TcpSocket>(std::move(tcp));
}

}  // namespace

Socketed<std::unique_ptr<types::TcpSocket>> create_tcp(Store& store, bool v6) {
  SEDGE_TRY_ASSIGN(Context * guest, context_of(store));
  auto made = Tcp::create(*guest, v6);
  if (!made) return refused(made.error());
  return make_socket(*std::move(made));
}

}  // namespace sedge::wasi::p3
