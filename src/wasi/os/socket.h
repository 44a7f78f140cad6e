// Internet sockets for the guest: TCP and UDP over IPv4 and IPv6. Every blocking call waits in
// slices, so the sockets themselves are always non-blocking for the kernel; whether the guest
// asked for that is kept by the caller.
#ifndef SEDGE_WASI_OS_SOCKET_H_
#define SEDGE_WASI_OS_SOCKET_H_

#include <netinet/in.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "wasi/os/errno.h"
#include "wasi/os/file.h"

namespace sedge::wasi::os {

/// WASI socket extension's numbers.
enum class AddressFamily : uint8_t { unspec = 0, inet4 = 1, inet6 = 2 };
enum class SocketType : uint8_t { any = 0, datagram = 1, stream = 2 };

struct SocketAddress {
  AddressFamily family = AddressFamily::unspec;
  std::array<uint8_t, 16> bytes{};  ///< Network order; the first 4 for inet4.
  uint16_t port = 0;

  size_t size() const { return family == AddressFamily::inet4 ? 4 : 16; }
};

struct Received {
  size_t size = 0;
  bool truncated = false;
  SocketAddress from;  ///< Family unspec where the protocol does not say.
};

/// WASI numbers of the options that the extension names, in its order.
enum class SocketOption : uint32_t {
  reuseaddr,
  type,
  error,
  dontroute,
  broadcast,
  sndbuf,
  rcvbuf,
  keepalive,
  oobinline,
  linger,
  rcvlowat,
  rcvtimeo,
  sndtimeo,
  acceptconn,
  bindtodevice,
};
constexpr uint32_t kSocketOptions = 15;

OsResult<Fd> open_socket(AddressFamily family, SocketType type);
OsResult<> bind(int fd, const SocketAddress& address);
OsResult<> listen(int fd, int backlog);
OsResult<> connect(int fd, const SocketAddress& address, bool nonblock, Interrupt& interrupt);
OsResult<Fd> accept(int fd, bool nonblock, Interrupt& interrupt);
OsResult<SocketAddress> local_address(int fd);
OsResult<SocketAddress> peer_address(int fd);
/// `peek` and `waitall` as in recv(2).
OsResult<Received> receive(int fd, std::span<const iovec> to, bool peek, bool waitall,
                           bool nonblock, Interrupt& interrupt);
/// `to_address` may be null.
OsResult<size_t> send(int fd, std::span<const iovec> from, const SocketAddress* to_address,
                      bool nonblock, Interrupt& interrupt);
OsResult<> shutdown(int fd, bool read, bool write);
/// Value of an option as the kernel lays it out, except `type` (SocketType) and `error` (Errno),
/// which are WASI's numbers; at most `size` bytes.
OsResult<std::vector<uint8_t>> get_option(int fd, SocketOption option, size_t size);
OsResult<> set_option(int fd, SocketOption option, std::span<const uint8_t> value);

struct LookupHints {
  uint16_t flags =
      0;  ///< WASI: passive, canonname, numerichost, numericserv, v4mapped, all, addrconfig.
  AddressFamily family = AddressFamily::unspec;
  SocketType type = SocketType::any;
  uint8_t protocol = 0;  ///< 0 any, 1 TCP, 2 UDP.
};
struct LookupResult {
  AddressFamily family;
  SocketType type;
  uint8_t protocol;
  SocketAddress address;
  std::string canonical_name;
};
/// getaddrinfo(3). Blocks the thread for as long as the resolver of the system does.
OsResult<std::vector<LookupResult>> lookup(const std::string& node, const std::string& service,
                                           const LookupHints& hints);

}  // namespace sedge::wasi::os

#endif  // SEDGE_WASI_OS_SOCKET_H_
