// Address parsing and listening sockets.
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace sedge::net {
namespace {

std::unexpected<Error> bad_address(std::string_view text, std::string_view why) {
  return fail(
      Error(ErrorCode::bad_argument, fmt::format(": listen address `{}`: {}", text, why))
          .with_remedy("write HOST:PORT, for example 127.0.0.1:8080, 0.0.0.0:8080 for every "
                       "IPv4 interface, or [::]:8080"));
}

Result<Fd> open_socket(const Address& address, bool reuse_port) {
  Fd socket(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int on = 1;
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      (reuse_port && ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0))
    return fail(ErrorCode::io, fmt::format(": cannot open a socket: {}", strerror(errno)));
  if (::bind(socket.get(), address.get(), address.size()) != 0) {
    int error = errno;
    Error failure(ErrorCode::io,
                  fmt::format(": cannot listen on {}: {}", address.to_string(), strerror(error)));
    if (error == EADDRINUSE)
      failure.set_remedy("another program has this port: stop it, or choose another with --listen");
    else if (error == EACCES)
      failure.set_remedy("ports below 1024 need a privilege: choose a higher one with --listen");
    else if (error == EADDRNOTAVAIL)
      failure.set_remedy(
          "this machine has no such address: use 0.0.0.0 or [::] for all of its own");
    return fail(std::move(failure));
  }
  return socket;
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  std::string_view host;
  std::string_view port = text;
  if (size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  uint16_t number = 0;
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || error != std::errc() || end != port.data() + port.size())
    return bad_address(text, "the port is not a number from 0 to 65535");

  if (host.contains('\0')) return bad_address(text, "the host is not an IP address");
  Address address;
  if (host.starts_with('[') && host.ends_with(']')) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage_);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(number);
    if (inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &v6->sin6_addr) !=
        1)
      return bad_address(text, "not an IPv6 address");
    return address;
  }
  if (host.find(':') != std::string_view::npos)
    return bad_address(text, "an IPv6 address stands in brackets");
  std::string literal(host);
  if (host.empty() || host == "localhost") literal = "127.0.0.1";
  if (host == "*") literal = "0.0.0.0";
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage_);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(number);
  if (inet_pton(AF_INET, literal.c_str(), &v4->sin_addr) != 1)
    return bad_address(text, "the host is not an IP address");
  return address;
}

Address Address::from(const sockaddr_storage& storage) {
  Address address;
  address.storage_ = storage;
  return address;
}

std::optional<Address> Address::literal(std::string_view host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  Address address;
  std::string text(host);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage_);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage_);
  if (text.contains('\0')) return std::nullopt;
  if (!bracketed && inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    return address;
  }
  return std::nullopt;
}

Address Address::with_port(uint16_t port) const {
  Address address = *this;
  if (is_v6())
    reinterpret_cast<sockaddr_in6*>(&address.storage_)->sin6_port = htons(port);
  else
    reinterpret_cast<sockaddr_in*>(&address.storage_)->sin_port = htons(port);
  return address;
}

std::span<const uint8_t> Address::bytes() const {
  if (!is_v6())
    return {reinterpret_cast<const uint8_t*>(
                &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr),
            4};
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return {&v6.s6_addr[12], 4};
  return {v6.s6_addr, 16};
}

socklen_t Address::size() const {
  return storage_.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

uint16_t Address::port() const {
  return storage_.ss_family == AF_INET6
             ? ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port)
             : ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
}

std::string Address::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage_.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
      inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text);
    else
      inet_ntop(AF_INET6, &v6, text, sizeof text);
  } else {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text,
              sizeof text);
  }
  return text;
}

std::string Address::to_string() const {
  std::string host = ip();
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port())
                                             : fmt::format("[{}]:{}", host, port());
}

Result<Fd> listen_on(const Address& address, int backlog, bool first) {
  // SO_REUSEPORT would let a second server of the same user share the port in silence: a bind
  // without it finds out. It is released again at once.
  if (first && address.port() != 0) SEDGE_TRY(open_socket(address, false));
  SEDGE_TRY_ASSIGN(Fd socket, open_socket(address, true));
  if (::listen(socket.get(), backlog) != 0)
    return fail(ErrorCode::io,
                fmt::format(": cannot listen on {}: {}", address.to_string(), strerror(errno)));
  return socket;
}

Result<Address> local_address(const Fd& socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0)
    return fail(ErrorCode::io, fmt::format(": getsockname: {}", strerror(errno)));
  return Address::from(storage);
}

}  // namespace sedge::net
