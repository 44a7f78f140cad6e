// udp-socket of wasi:sockets 0.3.
#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "wasi/p3/sockets.h"
#include "wasi/udp.h"

namespace sedge::wasi::p3 {
namespace {

class UdpSocket final : public types::UdpSocket {
 public:
  explicit UdpSocket(Udp udp) : udp_(std::make_shared<Udp>(std::move(udp))) {}

  Socketed<Unit> bind(Store&, types::IpSocketAddress local) override {
    return outcome(udp_->bind(to_address(local)));
  }
  Socketed<Unit> connect(Store&, types::IpSocketAddress remote) override {
    return outcome(udp_->connect(to_address(remote)));
  }
  Socketed<Unit> disconnect(Store&) override { return outcome(udp_->disconnect()); }

  void send(Store& store, SocketDone<Unit> done, host::Bytes data,
            std::optional<types::IpSocketAddress> remote) override {
    std::optional<net::Address> to;
    if (remote) {
      to = to_address(*remote);
      if (!to) return done.resolve(refused(SocketError::invalid_argument));
    }
    attempt_when(store, done.call(), udp_->socket(), POLLOUT,
                 [udp = udp_, done, bytes = std::move(data.data), to] {
                   auto sent = udp->send(bytes, to);
                   if (!sent && sent.error() == SocketError::would_block) return false;
                   done.resolve(outcome(sent));
                   return true;
                 });
  }
  void receive(Store& store,
               SocketDone<std::tuple<host::Bytes, types::IpSocketAddress>> done) override {
    if (!udp_->is_bound()) return done.resolve(refused(SocketError::invalid_state));
    attempt_when(store, done.call(), udp_->socket(), POLLIN, [udp = udp_, done] {
      auto got = udp->receive();
      if (got) {
        done.resolve(std::tuple(host::Bytes{std::move(got->data)},
                                from_address<types::IpSocketAddress>(got->from)));
        return true;
      }
      if (got.error() == SocketError::would_block) return false;
      done.resolve(refused(got.error()));
      return true;
    });
  }

  Socketed<types::IpSocketAddress> get_local_address(Store&) override {
    return outcome_address(udp_->local_address());
  }
  Socketed<types::IpSocketAddress> get_remote_address(Store&) override {
    if (!udp_->peer()) return refused(SocketError::invalid_state);
    return from_address<types::IpSocketAddress>(*udp_->peer());
  }
  Result<types::IpAddressFamily> get_address_family(Store&) override {
    return udp_->is_v6() ? types::IpAddressFamily::ipv6 : types::IpAddressFamily::ipv4;
  }
  Socketed<uint8_t> get_unicast_hop_limit(Store&) override {
    return outcome(hop_limit(socket(), udp_->is_v6()));
  }
  Socketed<Unit> set_unicast_hop_limit(Store&, uint8_t value) override {
    return outcome(set_hop_limit(socket(), udp_->is_v6(), value));
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
  const Fd& socket() const { return *udp_->socket(); }
  std::shared_ptr<Udp> udp_;
};

}  // namespace

Socketed<std::unique_ptr<types::UdpSocket>> create_udp(Store& store, bool v6) {
  SEDGE_TRY_ASSIGN(Context * guest, context_of(store));
  auto made = Udp::create(*guest, v6);
  if (!made) return refused(made.error());
  return std::unique_ptr<types::UdpSocket>(std::make_unique<UdpSocket>(*std::move(made)));
}

}  // namespace sedge::wasi::p3
