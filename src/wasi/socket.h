// What wasi:sockets of 0.2 and 0.3 have in common: why a socket refuses, addresses, rules, options.
// The kernel's sockets are opened here, in tcp.h and udp.h, and nowhere else.
#ifndef SEDGE_WASI_SOCKET_H_
#define SEDGE_WASI_SOCKET_H_

#include <netinet/in.h>

#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/fd.h"
#include "net/address.h"
#include "net/resolver.h"
#include "net/rules.h"
#include "wasi/network.h"
#include "wasi/os/errno.h"

namespace sedge::wasi {

/// In the order of wasi:sockets/network.error-code of 0.2; what only 0.3 tells apart comes last.
enum class SocketError : uint8_t {
  unknown,
  access_denied,
  not_supported,
  invalid_argument,
  out_of_memory,
  timeout,
  concurrency_conflict,
  not_in_progress,
  would_block,
  invalid_state,
  new_socket_limit,
  address_not_bindable,
  address_in_use,
  remote_unreachable,
  connection_refused,
  connection_reset,
  connection_aborted,
  datagram_too_large,
  name_unresolvable,
  temporary_resolver_failure,
  permanent_resolver_failure,
  connection_broken,
};
SocketError socket_error(Errno value);
/// Of errno.
SocketError socket_error(int error_number);

template <typename T = void>
using SocketResult = std::expected<T, SocketError>;
using SocketErr = std::unexpected<SocketError>;
/// What `to` makes of a value; errors stay.
template <typename T, typename F>
auto mapped(SocketResult<T> from, F to) -> SocketResult<decltype(to(*std::move(from)))> {
  if (!from) return SocketErr(from.error());
  return to(*std::move(from));
}

/// A non-blocking socket, which counts among the guest's descriptors until its last user is gone.
using SharedSocket = std::shared_ptr<const Fd>;
/// `type` as in socket(2). An IPv6 socket takes no IPv4. Errors: new_socket_limit, the system's.
SocketResult<SharedSocket> open_socket(Context& guest, bool v6, int type);
/// Counts a socket that the kernel gave otherwise. Error: new_socket_limit.
SocketResult<SharedSocket> adopt_socket(Context& guest, Fd socket);

/// Whether the rules allow it; if not, it is kept as the guest's last denial.
bool permits(Context& guest, net::NetRules::Use use, const net::Address& address);
/// Whether a socket may have a port of the system's choice, which is no authority by itself:
/// whether some rule allows this use at all.
bool may_have_a_port(Context& guest, net::NetRules::Use use);
/// Whether the guest may ask for the addresses of `name`. Errors: invalid_argument, access_denied.
SocketResult<> may_look_up(Context& guest, std::string_view name);
SocketError lookup_error(const net::ResolveError& error);

bool is_unspecified(const net::Address& address);
/// Multicast, or IPv4's broadcast.
bool is_multicast(const net::Address& address);
bool same_address(const net::Address& a, const net::Address& b);
SocketResult<net::Address> local_address(const Fd& socket);
SocketResult<net::Address> remote_address(const Fd& socket);

/// Options that TCP and UDP share. `level` and `name` as in setsockopt(2).
SocketResult<int> get_option(const Fd& socket, int level, int name);
SocketResult<> set_option(const Fd& socket, int level, int name, int value);
SocketResult<uint64_t> buffer_size(const Fd& socket, int name);
SocketResult<> set_buffer_size(const Fd& socket, int name, uint64_t value);
SocketResult<uint8_t> hop_limit(const Fd& socket, bool v6);
SocketResult<> set_hop_limit(const Fd& socket, bool v6, uint8_t value);

// Addresses as the bindings of both versions have them: different types of one form.

template <typename Ipv6, size_t... kIndex>
Ipv6 ipv6_of(const uint8_t* bytes, std::index_sequence<kIndex...>) {
  return {static_cast<uint16_t>(bytes[2 * kIndex] << 8 | bytes[2 * kIndex + 1])...};
}
template <typename Ipv6, size_t... kIndex>
void ipv6_bytes(const Ipv6& from, uint8_t* to, std::index_sequence<kIndex...>) {
  ((to[2 * kIndex] = static_cast<uint8_t>(std::get<kIndex>(from) >> 8),
    to[2 * kIndex + 1] = static_cast<uint8_t>(std::get<kIndex>(from))),
   ...);
}

/// An ip-socket-address. None for an IPv4-mapped IPv6 address, which the interface has no use for.
template <typename IpSocketAddress>
std::optional<net::Address> to_address(const IpSocketAddress& address) {
  sockaddr_storage storage{};
  if (const auto* four = std::get_if<typename IpSocketAddress::Ipv4>(&address.value)) {
    auto* to = reinterpret_cast<sockaddr_in*>(&storage);
    to->sin_family = AF_INET;
    to->sin_port = htons(four->value.port);
    const auto& [a, b, c, d] = four->value.address;
    const uint8_t bytes[] = {a, b, c, d};
    std::memcpy(&to->sin_addr, bytes, sizeof bytes);
    return net::Address::from(storage);
  }
  const auto& six = std::get<typename IpSocketAddress::Ipv6>(address.value).value;
  auto* to = reinterpret_cast<sockaddr_in6*>(&storage);
  to->sin6_family = AF_INET6;
  to->sin6_port = htons(six.port);
  to->sin6_flowinfo = six.flow_info;
  to->sin6_scope_id = six.scope_id;
  ipv6_bytes(six.address, to->sin6_addr.s6_addr, std::make_index_sequence<8>{});
  if (IN6_IS_ADDR_V4MAPPED(&to->sin6_addr)) return std::nullopt;
  return net::Address::from(storage);
}

template <typename IpSocketAddress>
IpSocketAddress from_address(const net::Address& address) {
  const uint8_t* bytes = address.bytes().data();
  if (!address.is_v6())
    return {typename IpSocketAddress::Ipv4{
        {.port = address.port(), .address = {bytes[0], bytes[1], bytes[2], bytes[3]}}}};
  using Six = decltype(IpSocketAddress::Ipv6::value);
  const auto* six = reinterpret_cast<const sockaddr_in6*>(address.get());
  return {
      typename IpSocketAddress::Ipv6{{.port = address.port(),
                                      .flow_info = six->sin6_flowinfo,
                                      .address = ipv6_of<decltype(Six::address)>(
                                          six->sin6_addr.s6_addr, std::make_index_sequence<8>{}),
                                      .scope_id = six->sin6_scope_id}}};
}

template <typename IpAddress>
IpAddress ip_of(const net::Address& address) {
  std::span<const uint8_t> bytes = address.bytes();
  if (bytes.size() == 4)
    return {typename IpAddress::Ipv4{{bytes[0], bytes[1], bytes[2], bytes[3]}}};
  return {typename IpAddress::Ipv6{
      ipv6_of<decltype(IpAddress::Ipv6::value)>(bytes.data(), std::make_index_sequence<8>{})}};
}

}  // namespace sedge::wasi

#endif  // SEDGE_WASI_SOCKET_H_
