// A UDP socket of wasi:sockets, 0.2 and 0.3 alike, under the rules of the guest's network. Nothing
// here waits.
#ifndef SEDGE_WASI_UDP_H_
#define SEDGE_WASI_UDP_H_

#include <optional>
#include <string>
#include <string_view>

#include "wasi/socket.h"

namespace sedge::wasi {

class Udp {
 public:
  struct Datagram {
    std::string data;
    net::Address from;
  };

  static SocketResult<Udp> create(Context& guest, bool v6);

  /// None: an address that the interface has no use for.
  SocketResult<> bind(const std::optional<net::Address>& local);
  /// Whom datagrams go to and come from. The kernel chooses a local address too.
  SocketResult<> connect(const std::optional<net::Address>& remote);
  /// The socket keeps its port. Error: invalid_state without a peer.
  SocketResult<> disconnect();
  const std::optional<net::Address>& peer() const { return peer_; }

  /// Error: would_block while there is none. Whom the rules let nothing be sent to is not heard.
  SocketResult<Datagram> receive() const;
  /// `to`: only the peer, if there is one. Error: would_block while there is no room.
  SocketResult<> send(std::string_view data, const std::optional<net::Address>& to);
  /// An address that can be sent to; none of any other.
  std::optional<net::Address> target(const std::optional<net::Address>& given) const;

  SocketResult<net::Address> local_address() const;
  bool is_bound() const { return bound_; }
  bool is_v6() const { return v6_; }
  const SharedSocket& socket() const { return socket_; }

 private:
  Udp(Context& guest, SharedSocket socket, bool v6)
      : guest_(&guest), socket_(std::move(socket)), v6_(v6) {}

  Context* guest_;  // outlives the resources of its store
  SharedSocket socket_;
  bool v6_;
  bool bound_ = false;
  std::optional<net::Address> own_;  // what it was bound to, with its port
  std::optional<net::Address> peer_;
};

}  // namespace sedge::wasi

#endif  // SEDGE_WASI_UDP_H_
