// wasi:sockets 0.3: TCP, UDP and names on the store's event loop, under the rules of the guest's
// network.
#ifndef SEDGE_WASI_P3_SOCKETS_H_
#define SEDGE_WASI_P3_SOCKETS_H_

#include <sedge/component.h>

#include <functional>
#include <memory>

#include "p3/wasi/sockets/types.h"
#include "wasi/p3/channels.h"
#include "wasi/socket.h"

namespace sedge::wasi::p3 {

namespace types = bindings::p3::wasi::sockets::types;
using host::Outcome;
using host::Unit;
/// What socket functions give: a value or the guest's error.
template <typename T>
using Socketed = Result<Outcome<T, types::ErrorCode>>;
/// The end of an asynchronous one.
template <typename T>
using SocketDone = host::Completion<Outcome<T, types::ErrorCode>>;

types::ErrorCode to_code(SocketError error);
inline host::Err<types::ErrorCode> refused(SocketError error) { return {to_code(error)}; }
/// A result of the sockets beneath as the guest gets it.
template <typename T>
Outcome<T, types::ErrorCode> outcome(SocketResult<T> result) {
  if (!result) return refused(result.error());
  return *std::move(result);
}
inline Outcome<Unit, types::ErrorCode> outcome(SocketResult<> result) {
  if (!result) return refused(result.error());
  return Unit{};
}
inline Outcome<types::IpSocketAddress, types::ErrorCode> outcome_address(
    SocketResult<net::Address> result) {
  if (!result) return refused(result.error());
  return from_address<types::IpSocketAddress>(*result);
}

/// Calls `attempt` whenever the socket has one of `events`, until it returns true: it has answered
/// the call. When the guest cancels the call, `stopped` is called instead.
void attempt_when(Store& store, const ComponentCompletion& call, const SharedSocket& socket,
                  short events, std::function<bool()> attempt, std::function<void()> stopped = {});

/// The functions that make sockets.
Socketed<std::unique_ptr<types::TcpSocket>> create_tcp(Store& store, bool v6);
Socketed<std::unique_ptr<types::UdpSocket>> create_udp(Store& store, bool v6);

void link_sockets(ComponentLinker& linker);

}  // namespace sedge::wasi::p3

#endif  // SEDGE_WASI_P3_SOCKETS_H_
