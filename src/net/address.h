// Listening addresses: text to sockaddr, and listening sockets that several loops share.
#ifndef SEDGE_NET_ADDRESS_H_
#define SEDGE_NET_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sedge/error.h>

#include "base/fd.h"

namespace sedge::net {

/// An IPv4 or IPv6 address with a port.
class Address {
 public:
  /// Parses `HOST:PORT`, `[V6]:PORT`, `:PORT` or `PORT`; HOST is a literal address, `localhost` or
  /// `*`. Names are not resolved. Without HOST: 127.0.0.1.
  static Result<Address> parse(std::string_view text);
  static Address from(const sockaddr_storage& storage);
  /// `127.0.0.1`, `::1` or `[::1]`, with port 0; nothing for anything else.
  static std::optional<Address> literal(std::string_view host);
  Address with_port(uint16_t port) const;
  bool is_v6() const { return storage_.ss_family == AF_INET6; }
  /// The address' bytes in network order, 4 or 16; a mapped IPv4 address gives 4.
  std::span<const uint8_t> bytes() const;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const;
  uint16_t port() const;
  /// `127.0.0.1` or `::1`; a mapped IPv4 address is shown as IPv4.
  std::string ip() const;
  /// `127.0.0.1:80` or `[::1]:80`.
  std::string to_string() const;

 private:
  sockaddr_storage storage_{};
};

/// A non-blocking listening socket. `shared` lets further sockets bind the same address
/// (SO_REUSEPORT); the first one of a server first makes sure that nobody else has it.
Result<Fd> listen_on(const Address& address, int backlog, bool first);
/// The address that the kernel gave the socket (port 0 asks for a free one).
Result<Address> local_address(const Fd& socket);

}  // namespace sedge::net

#endif  // SEDGE_NET_ADDRESS_H_
