// See udp.h.
#include "wasi/udp.h"

#include <sys/socket.h>

#include <cerrno>

#include <fmt/format.h>

namespace sedge::wasi {
namespace {

using net::NetRules;

constexpr size_t kMaxDatagram = 65535;
/// Datagrams that are skipped by one call, so that a flood of them does not hold up the thread.
constexpr int kMaxSkipped = 64;

}  // namespace

SocketResult<Udp> Udp::create(Context& guest, bool v6) {
  return mapped(open_socket(guest, v6, SOCK_DGRAM),
                [&](SharedSocket socket) { return Udp(guest, std::move(socket), v6); });
}

SocketResult<> Udp::bind(const std::optional<net::Address>& local) {
  if (bound_) return SocketErr(SocketError::invalid_state);
  if (!local || local->is_v6() != v6_) return SocketErr(SocketError::invalid_argument);
  // With a port of the system's choice only those are heard that may be sent to.
  bool free = local->port() == 0 && may_have_a_port(*guest_, NetRules::Use::udp);
  if (!free && !permits(*guest_, NetRules::Use::udp, *local))
    return SocketErr(SocketError::access_denied);
  if (::bind(socket_->get(), local->get(), local->size()) != 0)
    return SocketErr(socket_error(errno));
  bound_ = true;
  if (auto own = wasi::local_address(*socket_)) own_ = *own;
  return {};
}

std::optional<net::Address> Udp::target(const std::optional<net::Address>& given) const {
  if (!given || given->is_v6() != v6_ || given->port() == 0 || is_unspecified(*given))
    return std::nullopt;
  return given;
}

SocketResult<> Udp::connect(const std::optional<net::Address>& remote) {
  auto peer = target(remote);
  if (!peer) return SocketErr(SocketError::invalid_argument);
  if (!permits(*guest_, NetRules::Use::udp, *peer)) return SocketErr(SocketError::access_denied);
  // A local address that was chosen for the last peer may not do for this one.
  if (peer_)
    if (auto done = disconnect(); !done) return done;
  // Here it is the system that has no port left.
  if (::connect(socket_->get(), peer->get(), peer->size()) != 0)
    return SocketErr(errno == EADDRNOTAVAIL ? SocketError::address_in_use : socket_error(errno));
  peer_ = peer;
  bound_ = true;
  return {};
}

SocketResult<> Udp::disconnect() {
  if (!peer_) return SocketErr(SocketError::invalid_state);
  auto own = own_;
  if (!own)  // the port came with the connection, to a socket that hears on every address
    if (auto local = wasi::local_address(*socket_)) {
      auto any = net::Address::parse(fmt::format("{}:{}", v6_ ? "[::]" : "0.0.0.0", local->port()));
      if (any) own = *any;
    }
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  if (::connect(socket_->get(), &nobody, sizeof nobody) != 0) return SocketErr(socket_error(errno));
  peer_.reset();
  // Linux takes away a port that it had chosen, bound to or not.
  auto left = wasi::local_address(*socket_);
  bound_ = left && left->port() != 0;
  if (bound_ || !own) return {};
  if (::bind(socket_->get(), own->get(), own->size()) != 0) return SocketErr(socket_error(errno));
  bound_ = true;
  return {};
}

SocketResult<Udp::Datagram> Udp::receive() const {
  std::string data(kMaxDatagram, '\0');
  for (int skipped = 0; skipped < kMaxSkipped; ++skipped) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ssize_t count = ::recvfrom(socket_->get(), data.data(), data.size(), 0,
                               reinterpret_cast<sockaddr*>(&storage), &size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SocketErr(socket_error(errno));
    net::Address from = net::Address::from(storage);
    if (peer_ && !same_address(*peer_, from)) continue;
    // Who may not be sent to is not heard either.
    if (!guest_->network().authority->allows(NetRules::Use::udp, from)) continue;
    data.resize(static_cast<size_t>(count));
    data.shrink_to_fit();
    return Datagram{std::move(data), from};
  }
  return SocketErr(SocketError::would_block);
}

SocketResult<> Udp::send(std::string_view data, const std::optional<net::Address>& to) {
  std::optional<net::Address> remote = to ? target(to) : peer_;
  if (!remote || (peer_ && !same_address(*peer_, *remote)))
    return SocketErr(SocketError::invalid_argument);
  if (data.size() > kMaxDatagram) return SocketErr(SocketError::datagram_too_large);
  if (!permits(*guest_, NetRules::Use::udp, *remote)) return SocketErr(SocketError::access_denied);
  if (::sendto(socket_->get(), data.data(), data.size(), MSG_NOSIGNAL, remote->get(),
               remote->size()) < 0)
    return SocketErr(socket_error(errno));
  bound_ = true;
  return {};
}

SocketResult<net::Address> Udp::local_address() const {
  if (!bound_) return SocketErr(SocketError::invalid_state);
  return wasi::local_address(*socket_);
}

}  // namespace sedge::wasi
