// wasi:sockets/udp and udp-create-socket.
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "p2/wasi/sockets/udp-create-socket.h"
#include "p2/wasi/sockets/udp.h"
#include "wasi/p2/sockets.h"
#include "wasi/udp.h"

namespace sedge::wasi::p2 {
namespace {

namespace udp = bindings::p2::wasi::sockets::udp;
namespace create = bindings::p2::wasi::sockets::udp_create_socket;

constexpr uint64_t kMaxAtOnce = 16;  // datagrams of one call

/// What the socket and its streams share.
struct Shared {
  Udp udp;
  /// Which `stream` made the streams that count: older ones see nothing any more.
  uint64_t generation = 0;

  const Fd& socket() const { return *udp.socket(); }
};

class Incoming final : public udp::IncomingDatagramStream {
 public:
  explicit Incoming(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), generation_(shared_->generation) {}

  Socketed<std::vector<udp::IncomingDatagram>> receive(Store&, uint64_t most) override {
    std::vector<udp::IncomingDatagram> out;
    if (generation_ != shared_->generation) return out;
    while (out.size() < std::min(most, kMaxAtOnce)) {
      auto got = shared_->udp.receive();
      if (!got && (got.error() == SocketError::would_block || !out.empty())) return out;
      if (!got) return refused(got.error());
      out.push_back({.data = {std::move(got->data)},
                     .remote_address = from_address<network::IpSocketAddress>(got->from)});
    }
    return out;
  }
  Result<std::unique_ptr<udp::Pollable>> subscribe(Store&) override {
    return pollable([shared = shared_] { return Condition::when(shared->socket().get(), POLLIN); });
  }

 private:
  std::shared_ptr<Shared> shared_;
  uint64_t generation_;
};

class Outgoing final : public udp::OutgoingDatagramStream {
 public:
  explicit Outgoing(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), generation_(shared_->generation) {}

  Socketed<uint64_t> check_send(Store&) override {
    permitted_ = 0;
    pollfd one{shared_->socket().get(), POLLOUT, 0};
    if (generation_ == shared_->generation && ::poll(&one, 1, 0) > 0) permitted_ = kMaxAtOnce;
    return permitted_;
  }
  Socketed<uint64_t> send(Store&, std::vector<udp::OutgoingDatagram> datagrams) override {
    if (datagrams.size() > permitted_)
      return fail(ErrorCode::component_trap, ": send of more datagrams than check-send permitted");
    permitted_ -= datagrams.size();
    uint64_t sent = 0;
    for (const udp::OutgoingDatagram& datagram : datagrams) {
      if (auto done = send_one(datagram); !done) {
        if (sent == 0 && done.error() != SocketError::would_block) return refused(done.error());
        return sent;
      }
      ++sent;
    }
    return sent;
  }
  Result<std::unique_ptr<udp::Pollable>> subscribe(Store&) override {
    return pollable(
        [shared = shared_] { return Condition::when(shared->socket().get(), POLLOUT); });
  }

 private:
  SocketResult<> send_one(const udp::OutgoingDatagram& datagram) {
    std::optional<net::Address> to;
    if (datagram.remote_address) {
      to = to_address(*datagram.remote_address);
      if (!to) return SocketErr(SocketError::invalid_argument);
    }
    return shared_->udp.send(datagram.data.data, to);
  }

  std::shared_ptr<Shared> shared_;
  uint64_t generation_;
  uint64_t permitted_ = 0;
};

class UdpSocket final : public udp::UdpSocket {
 public:
  explicit UdpSocket(Udp udp) : shared_(std::make_shared<Shared>(std::move(udp))) {}

  Socketed<Unit> start_bind(Store&, network::Network&, network::IpSocketAddress local) override {
    if (bind_started_) return refused(SocketError::invalid_state);
    auto done = udp().bind(to_address(local));
    bind_started_ = done.has_value();
    return outcome(done);
  }
  Socketed<Unit> finish_bind(Store&) override {
    if (!std::exchange(bind_started_, false)) return refused(SocketError::not_in_progress);
    return Unit{};
  }
  Socketed<std::tuple<std::unique_ptr<udp::IncomingDatagramStream>,
                      std::unique_ptr<udp::OutgoingDatagramStream>>>
  stream(Store&, std::optional<network::IpSocketAddress> remote) override {
    if (!is_bound()) return refused(SocketError::invalid_state);
    if (remote) {
      if (auto done = udp().connect(to_address(*remote)); !done) return refused(done.error());
    } else if (udp().peer()) {
      if (auto done = udp().disconnect(); !done) return refused(done.error());
    }
    ++shared_->generation;
    return std::tuple(
        std::unique_ptr<udp::IncomingDatagramStream>(std::make_unique<Incoming>(shared_)),
        std::unique_ptr<udp::OutgoingDatagramStream>(std::make_unique<Outgoing>(shared_)));
  }
  Socketed<network::IpSocketAddress> local_address(Store&) override {
    if (!is_bound()) return refused(SocketError::invalid_state);
    return outcome_address(udp().local_address());
  }
  Socketed<network::IpSocketAddress> remote_address(Store&) override {
    if (!udp().peer()) return refused(SocketError::invalid_state);
    return from_address<network::IpSocketAddress>(*udp().peer());
  }
  Result<network::IpAddressFamily> address_family(Store&) override {
    return udp().is_v6() ? network::IpAddressFamily::ipv6 : network::IpAddressFamily::ipv4;
  }
  Socketed<uint8_t> unicast_hop_limit(Store&) override {
    return outcome(hop_limit(shared_->socket(), udp().is_v6()));
  }
  Socketed<Unit> set_unicast_hop_limit(Store&, uint8_t value) override {
    return outcome(set_hop_limit(shared_->socket(), udp().is_v6(), value));
  }
  Socketed<uint64_t> receive_buffer_size(Store&) override {
    return outcome(buffer_size(shared_->socket(), SO_RCVBUF));
  }
  Socketed<Unit> set_receive_buffer_size(Store&, uint64_t value) override {
    return outcome(set_buffer_size(shared_->socket(), SO_RCVBUF, value));
  }
  Socketed<uint64_t> send_buffer_size(Store&) override {
    return outcome(buffer_size(shared_->socket(), SO_SNDBUF));
  }
  Socketed<Unit> set_send_buffer_size(Store&, uint64_t value) override {
    return outcome(set_buffer_size(shared_->socket(), SO_SNDBUF, value));
  }
  Result<std::unique_ptr<udp::Pollable>> subscribe(Store&) override {
    return pollable([] { return Condition::now(); });
  }

 private:
  Udp& udp() { return shared_->udp; }
  bool is_bound() const { return shared_->udp.is_bound() && !bind_started_; }

  std::shared_ptr<Shared> shared_;
  bool bind_started_ = false;
};

class CreateHost final : public create::Host {
 public:
  Socketed<std::unique_ptr<udp::UdpSocket>> create_udp_socket(
      Store& store, network::IpAddressFamily family) override {
    SEDGE_TRY_ASSIGN(Context * guest, context_of(store));
    auto made = Udp::create(*guest, family == network::IpAddressFamily::ipv6);
    if (!made) return refused(made.error());
    return std::unique_ptr<udp::UdpSocket>(std::make_unique<UdpSocket>(*std::move(made)));
  }
};

}  // namespace

void link_udp(ComponentLinker& linker) {
  udp::add_to_linker(linker);
  create::add_to_linker(linker, single<CreateHost, create::Host>);
}

}  // namespace sedge::wasi::p2
