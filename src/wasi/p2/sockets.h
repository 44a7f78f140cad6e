// wasi:sockets 0.2: TCP, UDP and names, under the rules of the guest's network.
#ifndef SEDGE_WASI_P2_SOCKETS_H_
#define SEDGE_WASI_P2_SOCKETS_H_

#include <sedge/component.h>

#include <cstring>
#include <memory>

#include "p2/wasi/sockets/network.h"
#include "wasi/p2/guest.h"
#include "wasi/p2/streams.h"
#include "wasi/socket.h"

namespace sedge::wasi::p2 {

namespace network = bindings::p2::wasi::sockets::network;
/// What socket functions give: a value or the guest's error.
template <typename T>
using Socketed = Result<Outcome<T, network::ErrorCode>>;

network::ErrorCode to_code(SocketError error);
inline host::Err<network::ErrorCode> refused(SocketError error) { return {to_code(error)}; }
/// A result of the sockets beneath as the guest gets it.
template <typename T>
Outcome<T, network::ErrorCode> outcome(SocketResult<T> result) {
  if (!result) return refused(result.error());
  return *std::move(result);
}
inline Outcome<Unit, network::ErrorCode> outcome(SocketResult<> result) {
  if (!result) return refused(result.error());
  return Unit{};
}
inline Outcome<network::IpSocketAddress, network::ErrorCode> outcome_address(
    SocketResult<net::Address> result) {
  if (!result) return refused(result.error());
  return from_address<network::IpSocketAddress>(*result);
}

/// wasi:io/error of a TCP stream.
class SocketIoError final : public IoError {
 public:
  explicit SocketIoError(int error_number)
      : IoError(from_posix(error_number), std::string(std::strerror(error_number))) {}
};

/// The streams of a TCP connection. `ends`: when the stream goes, so does that direction of the
/// connection.
std::unique_ptr<InputStream> tcp_input(SharedSocket socket, bool ends);
std::unique_ptr<OutputStream> tcp_output(SharedSocket socket, bool ends = false);

/// All interfaces of wasi:sockets.
void link_sockets(ComponentLinker& linker);
void link_tcp(ComponentLinker& linker);
void link_udp(ComponentLinker& linker);

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_SOCKETS_H_
