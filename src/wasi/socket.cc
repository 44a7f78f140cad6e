// See socket.h.
#include "wasi/socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "net/chars.h"
#include "wasi/p1/state.h"

namespace sedge::wasi {
namespace {

const char* name_of(net::NetRules::Use use) {
  switch (use) {
    case net::NetRules::Use::tcp_connect:
      return "tcp";
    case net::NetRules::Use::tcp_listen:
      return "tcp-listen";
    case net::NetRules::Use::udp:
      return "udp";
    case net::NetRules::Use::lookup:
      break;
  }
  return "dns";
}

void deny(Context& guest, net::NetRules::Use use, std::string_view what) {
  guest.p1().deny({.kind = Denial::Kind::address,
                   .path = std::string(name_of(use)).append(":").append(what),
                   .guest = {}});
}

using GetName = int (*)(int, sockaddr*, socklen_t*);
SocketResult<net::Address> name_of_end(const Fd& socket, GetName get) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (get(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0)
    return SocketErr(socket_error(errno));
  return net::Address::from(storage);
}

}  // namespace

SocketError socket_error(Errno value) {
  switch (value) {
    case Errno::acces:
    case Errno::perm:
      return SocketError::access_denied;
    case Errno::notsup:
    case Errno::afnosupport:
    case Errno::protonosupport:
    case Errno::noprotoopt:
      return SocketError::not_supported;
    case Errno::inval:
    case Errno::destaddrreq:
    case Errno::fault:
      return SocketError::invalid_argument;
    case Errno::nomem:
    case Errno::nobufs:
      return SocketError::out_of_memory;
    case Errno::timedout:
      return SocketError::timeout;
    case Errno::already:
      return SocketError::concurrency_conflict;
    case Errno::again:
    case Errno::inprogress:
      return SocketError::would_block;
    case Errno::isconn:
    case Errno::notconn:
      return SocketError::invalid_state;
    case Errno::mfile:
    case Errno::nfile:
      return SocketError::new_socket_limit;
    case Errno::addrnotavail:
      return SocketError::address_not_bindable;
    case Errno::addrinuse:
      return SocketError::address_in_use;
    case Errno::hostunreach:
    case Errno::netdown:
    case Errno::netunreach:
      return SocketError::remote_unreachable;
    case Errno::connrefused:
      return SocketError::connection_refused;
    case Errno::connreset:
      return SocketError::connection_reset;
    case Errno::pipe:
      return SocketError::connection_broken;
    case Errno::connaborted:
      return SocketError::connection_aborted;
    case Errno::msgsize:
      return SocketError::datagram_too_large;
    default:
      return SocketError::unknown;
  }
}

SocketError socket_error(int error_number) {
  if (error_number == EHOSTDOWN) return SocketError::remote_unreachable;
  return socket_error(from_posix(error_number));
}

SocketResult<SharedSocket> adopt_socket(Context& guest, Fd socket) {
  auto descriptor = std::make_shared<p1::Descriptor>();
  descriptor->handle = p1::SocketHandle{std::move(socket)};
  descriptor->type = os::FileType::socket_stream;
  auto counted = p1::numbered(guest.p1(), descriptor);
  if (!counted) return SocketErr(socket_error(counted.error()));
  const Fd* fd = &(*counted)->as<p1::SocketHandle>()->fd;
  return SharedSocket(*std::move(counted), fd);
}

SocketResult<SharedSocket> open_socket(Context& guest, bool v6, int type) {
  Fd socket(::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return SocketErr(socket_error(errno));
  if (v6)
    if (auto only = set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1); !only)
      return SocketErr(only.error());
  return adopt_socket(guest, std::move(socket));
}

bool permits(Context& guest, net::NetRules::Use use, const net::Address& address) {
  if (guest.network().authority->allows(use, address)) return true;
  deny(guest, use, address.to_string());
  return false;
}

bool may_have_a_port(Context& guest, net::NetRules::Use use) {
  return guest.network().network->rules()->allows_some(use);
}

SocketResult<> may_look_up(Context& guest, std::string_view name) {
  // A literal address needs nobody's permission to be one.
  if (net::Address::literal(name)) return {};
  bool good = !name.empty() && name.size() <= 253 && std::ranges::none_of(name, [](char c) {
    // Labels of the DNS, and characters beyond ASCII, which IDNA maps to such.
    const char lower = net::to_lower(c);
    return static_cast<unsigned char>(c) < 0x80 && (lower < 'a' || lower > 'z') &&
           !net::is_digit(c) && c != '-' && c != '_' && c != '.';
  });
  if (!good) return SocketErr(SocketError::invalid_argument);
  if (guest.network().network->rules()->allows_lookup(name)) return {};
  deny(guest, net::NetRules::Use::lookup, name);
  return SocketErr(SocketError::access_denied);
}

SocketError lookup_error(const net::ResolveError& error) {
  switch (error.kind) {
    case net::ResolveError::Kind::unresolvable:
      return SocketError::name_unresolvable;
    case net::ResolveError::Kind::temporary:
    case net::ResolveError::Kind::busy:
      return SocketError::temporary_resolver_failure;
    case net::ResolveError::Kind::permanent:
      break;
  }
  return SocketError::permanent_resolver_failure;
}

// ---- Addresses

bool is_unspecified(const net::Address& address) {
  return std::ranges::all_of(address.bytes(), [](uint8_t byte) { return byte == 0; });
}

bool is_multicast(const net::Address& address) {
  std::span<const uint8_t> bytes = address.bytes();
  if (bytes.size() != 4) return bytes[0] == 0xff;
  return (bytes[0] & 0xf0) == 0xe0 ||
         std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0xff; });
}

bool same_address(const net::Address& a, const net::Address& b) {
  return a.port() == b.port() && std::ranges::equal(a.bytes(), b.bytes());
}

SocketResult<net::Address> local_address(const Fd& socket) {
  return name_of_end(socket, ::getsockname);
}

SocketResult<net::Address> remote_address(const Fd& socket) {
  return name_of_end(socket, ::getpeername);
}

// ---- Options

SocketResult<int> get_option(const Fd& socket, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket.get(), level, name, &value, &size) != 0)
    return SocketErr(socket_error(errno));
  return value;
}

SocketResult<> set_option(const Fd& socket, int level, int name, int value) {
  if (::setsockopt(socket.get(), level, name, &value, sizeof value) != 0)
    return SocketErr(socket_error(errno));
  return {};
}

SocketResult<uint64_t> buffer_size(const Fd& socket, int name) {
  // Linux doubles what it is asked for, and tells the double.
  return mapped(get_option(socket, SOL_SOCKET, name),
                [](int value) { return static_cast<uint64_t>(value) / 2; });
}

SocketResult<> set_buffer_size(const Fd& socket, int name, uint64_t value) {
  if (value == 0) return SocketErr(SocketError::invalid_argument);
  return set_option(socket, SOL_SOCKET, name,
                    static_cast<int>(std::min<uint64_t>(value, INT_MAX / 2)));
}

SocketResult<uint8_t> hop_limit(const Fd& socket, bool v6) {
  auto value = v6 ? get_option(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS)
                  : get_option(socket, IPPROTO_IP, IP_TTL);
  return mapped(value, [](int hops) { return static_cast<uint8_t>(hops); });
}

SocketResult<> set_hop_limit(const Fd& socket, bool v6, uint8_t value) {
  if (value == 0) return SocketErr(SocketError::invalid_argument);
  return v6 ? set_option(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, value)
            : set_option(socket, IPPROTO_IP, IP_TTL, value);
}

}  // namespace sedge::wasi
