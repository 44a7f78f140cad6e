// wasi:sockets/tcp and tcp-create-socket: the interface's states over non-blocking sockets.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "p2/wasi/sockets/tcp-create-socket.h"
#include "p2/wasi/sockets/tcp.h"
#include "wasi/os/linger.h"
#include "wasi/p2/sockets.h"
#include "wasi/tcp.h"

namespace sedge::wasi::p2 {
namespace {

namespace tcp = bindings::p2::wasi::sockets::tcp;
namespace create = bindings::p2::wasi::sockets::tcp_create_socket;

class TcpInput final : public InputStream {
 public:
  /// `shut`: whether the guest reads no more, which Linux alone would not enforce; may be null.
  TcpInput(SharedSocket socket, bool ends, std::shared_ptr<const bool> shut)
      : socket_(std::move(socket)), ends_(ends), shut_(std::move(shut)) {}
  ~TcpInput() override {
    if (ends_) ::shutdown(socket_->get(), SHUT_RD);
  }
  Result<Streamed<std::string>> take(Store&, size_t len) override {
    if (shut_ && *shut_) return closed();
    std::string bytes(len, '\0');
    ssize_t count = ::recv(socket_->get(), bytes.data(), bytes.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
      return std::string();
    if (count < 0) return failed(std::make_unique<SocketIoError>(errno));
    if (count == 0) return closed();
    bytes.resize(static_cast<size_t>(count));
    return bytes;
  }
  Watch watch() override {
    return [socket = socket_] { return Condition::when(socket->get(), POLLIN); };
  }

 private:
  SharedSocket socket_;
  bool ends_;
  std::shared_ptr<const bool> shut_;
};

/// What a socket and its output stream share: bytes that the kernel has not taken yet.
struct Sending {
  explicit Sending(SharedSocket of) : socket(std::move(of)) {}
  SharedSocket socket;
  std::string pending;
  int error = 0;
  void send() {
    while (!pending.empty() && error == 0) {
      ssize_t sent = ::send(socket->get(), pending.data(), pending.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        pending.erase(0, static_cast<size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return;
      } else if (errno != EINTR) {
        error = errno;
      }
    }
  }
  /// Sends what is pending, now or when there is room.
  void leave(bool then_shut) {
    send();
    if (!pending.empty() && error == 0)
      os::linger(*socket, std::exchange(pending, {}), then_shut);
    else if (then_shut)
      ::shutdown(socket->get(), SHUT_WR);
  }
  void shut() {
    leave(true);
    if (error == 0) error = EPIPE;
  }
};

/// Keeps what the kernel does not take at once, so that a permitted write is taken whole.
class TcpOutput final : public OutputStream {
 public:
  TcpOutput(std::shared_ptr<Sending> state, bool ends) : state_(std::move(state)), ends_(ends) {}
  ~TcpOutput() override {
    if (ends_)
      state_->shut();
    else
      state_->leave(false);
  }

  Result<Streamed<uint64_t>> room(Store&) override {
    state_->send();
    if (state_->error != 0) return ended();
    if (!state_->pending.empty()) return uint64_t{0};
    pollfd one{state_->socket->get(), POLLOUT, 0};
    return ::poll(&one, 1, 0) > 0 ? kMaxTransfer : uint64_t{0};
  }
  Result<Streamed<Unit>> put(Store&, std::string_view bytes) override {
    state_->pending.append(bytes);
    state_->send();
    if (state_->error != 0) return ended();
    return Unit{};
  }
  bool pending() const override { return !state_->pending.empty(); }
  Result<Streamed<Unit>> begin_flush(Store&) override {
    state_->send();
    if (state_->error != 0) return ended();
    return Unit{};
  }
  Watch watch() override {
    return [state = state_] {
      state->send();
      if (state->error != 0) return Condition::now();
      return Condition::when(state->socket->get(), POLLOUT);
    };
  }

 private:
  host::Err<StreamError> ended() const {
    if (state_->error == EPIPE) return closed();
    return failed(std::make_unique<SocketIoError>(state_->error));
  }
  std::shared_ptr<Sending> state_;
  bool ends_;
};

class TcpSocket final : public tcp::TcpSocket {
 public:
  explicit TcpSocket(Tcp tcp) : tcp_(std::move(tcp)) {}

  Socketed<Unit> start_bind(Store&, network::Network&, network::IpSocketAddress local) override {
    return outcome(tcp_.start_bind(to_address(local)));
  }
  Socketed<Unit> finish_bind(Store&) override { return outcome(tcp_.finish_bind()); }

  Socketed<Unit> start_connect(Store&, network::Network&,
                               network::IpSocketAddress remote) override {
    return outcome(tcp_.start_connect(to_address(remote)));
  }
  Socketed<std::tuple<std::unique_ptr<tcp::InputStream>, std::unique_ptr<tcp::OutputStream>>>
  finish_connect(Store&) override {
    if (auto done = tcp_.finish_connect(); !done) return refused(done.error());
    return streams();
  }

  Socketed<Unit> start_listen(Store&) override { return outcome(tcp_.start_listen()); }
  Socketed<Unit> finish_listen(Store&) override { return outcome(tcp_.finish_listen()); }
  Socketed<std::tuple<std::unique_ptr<tcp::TcpSocket>, std::unique_ptr<tcp::InputStream>,
                      std::unique_ptr<tcp::OutputStream>>>
  accept(Store&) override {
    auto accepted = tcp_.accept();
    if (!accepted) return refused(accepted.error());
    auto socket = std::make_unique<TcpSocket>(*std::move(accepted));
    auto [input, output] = socket->streams();
    return std::tuple(std::unique_ptr<tcp::TcpSocket>(std::move(socket)), std::move(input),
                      std::move(output));
  }

  Socketed<network::IpSocketAddress> local_address(Store&) override {
    return outcome_address(tcp_.local_address());
  }
  Socketed<network::IpSocketAddress> remote_address(Store&) override {
    return outcome_address(tcp_.remote_address());
  }
  Result<bool> is_listening(Store&) override { return tcp_.is_listening(); }
  Result<network::IpAddressFamily> address_family(Store&) override {
    return tcp_.is_v6() ? network::IpAddressFamily::ipv6 : network::IpAddressFamily::ipv4;
  }

  Socketed<Unit> set_listen_backlog_size(Store&, uint64_t value) override {
    return outcome(tcp_.set_listen_backlog_size(value));
  }
  Socketed<bool> keep_alive_enabled(Store&) override { return outcome(tcp_.keep_alive_enabled()); }
  Socketed<Unit> set_keep_alive_enabled(Store&, bool value) override {
    return outcome(tcp_.set_keep_alive_enabled(value));
  }
  Socketed<tcp::Duration> keep_alive_idle_time(Store&) override {
    return outcome(tcp_.keep_alive_time(TCP_KEEPIDLE));
  }
  Socketed<Unit> set_keep_alive_idle_time(Store&, tcp::Duration value) override {
    return outcome(tcp_.set_keep_alive_time(TCP_KEEPIDLE, value));
  }
  Socketed<tcp::Duration> keep_alive_interval(Store&) override {
    return outcome(tcp_.keep_alive_time(TCP_KEEPINTVL));
  }
  Socketed<Unit> set_keep_alive_interval(Store&, tcp::Duration value) override {
    return outcome(tcp_.set_keep_alive_time(TCP_KEEPINTVL, value));
  }
  Socketed<uint32_t> keep_alive_count(Store&) override { return outcome(tcp_.keep_alive_count()); }
  Socketed<Unit> set_keep_alive_count(Store&, uint32_t value) override {
    return outcome(tcp_.set_keep_alive_count(value));
  }
  Socketed<uint8_t> hop_limit(Store&) override {
    return outcome(wasi::hop_limit(socket(), tcp_.is_v6()));
  }
  Socketed<Unit> set_hop_limit(Store&, uint8_t value) override {
    return outcome(wasi::set_hop_limit(socket(), tcp_.is_v6(), value));
  }
  Socketed<uint64_t> receive_buffer_size(Store&) override {
    return outcome(buffer_size(socket(), SO_RCVBUF));
  }
  Socketed<Unit> set_receive_buffer_size(Store&, uint64_t value) override {
    return outcome(set_buffer_size(socket(), SO_RCVBUF, value));
  }
  Socketed<uint64_t> send_buffer_size(Store&) override {
    return outcome(buffer_size(socket(), SO_SNDBUF));
  }
  Socketed<Unit> set_send_buffer_size(Store&, uint64_t value) override {
    return outcome(set_buffer_size(socket(), SO_SNDBUF, value));
  }

  Result<std::unique_ptr<tcp::Pollable>> subscribe(Store&) override {
    if (tcp_.is_connecting() || tcp_.is_listening()) {
      short events = tcp_.is_connecting() ? POLLOUT : POLLIN;
      return pollable(
          [socket = tcp_.socket(), events] { return Condition::when(socket->get(), events); });
    }
    return pollable([] { return Condition::now(); });
  }
  Socketed<Unit> shutdown(Store&, tcp::ShutdownType type) override {
    const bool receives = type != tcp::ShutdownType::send;
    const bool sends = type != tcp::ShutdownType::receive;
    std::shared_ptr<Sending> sending = sending_.lock();
    // What was written goes out first.
    const bool later = sends && sending && !sending->pending.empty();
    if (!tcp_.is_connected()) return refused(SocketError::invalid_state);
    if (receives || !later) {
      constexpr int kHow[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
      int how = later ? SHUT_RD : kHow[static_cast<size_t>(type)];
      if (auto done = tcp_.shutdown(how); !done) return refused(done.error());
    }
    if (later) sending->shut();
    if (receives) *shut_ = true;
    return Unit{};
  }

 private:
  const Fd& socket() const { return *tcp_.socket(); }
  std::tuple<std::unique_ptr<tcp::InputStream>, std::unique_ptr<tcp::OutputStream>> streams() {
    auto sending = std::make_shared<Sending>(tcp_.socket());
    sending_ = sending;
    return {std::make_unique<TcpInput>(tcp_.socket(), false, shut_),
            std::make_unique<TcpOutput>(std::move(sending), false)};
  }

  Tcp tcp_;
  std::shared_ptr<bool> shut_ = std::make_shared<bool>(false);
  std::weak_ptr<Sending> sending_;
};

class CreateHost final : public create::Host {
 public:
  Socketed<std::unique_ptr<tcp::TcpSocket>> create_tcp_socket(
      Store& store, network::IpAddressFamily family) override {
    SEDGE_TRY_ASSIGN(Context * guest, context_of(store));
    auto made = Tcp::create(*guest, family == network::IpAddressFamily::ipv6);
    if (!made) return refused(made.error());
    return std::unique_ptr<tcp::TcpSocket>(std::make_unique<TcpSocket>(*std::move(made)));
  }
};

}  // namespace

std::unique_ptr<InputStream> tcp_input(SharedSocket socket, bool ends) {
  return std::make_unique<TcpInput>(std::move(socket), ends, nullptr);
}
std::unique_ptr<OutputStream> tcp_output(SharedSocket socket, bool ends) {
  return std::make_unique<TcpOutput>(std::make_shared<Sending>(std::move(socket)), ends);
}

void link_tcp(ComponentLinker& linker) {
  tcp::add_to_linker(linker);
  create::add_to_linker(linker, single<CreateHost, create::Host>);
}

}  // namespace sedge::wasi::p2
