// Internet sockets on the kernel's, with bounded waiting.
#include "wasi/os/socket.h"

#include <limits.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <tuple>

#include "wasi/os/wait.h"

namespace sedge::wasi::os {
namespace {

int to_af(AddressFamily family) {
  switch (family) {
    case AddressFamily::inet4:
      return AF_INET;
    case AddressFamily::inet6:
      return AF_INET6;
    case AddressFamily::unspec:
      break;
  }
  return AF_UNSPEC;
}

AddressFamily from_af(int family) {
  return family == AF_INET    ? AddressFamily::inet4
         : family == AF_INET6 ? AddressFamily::inet6
                              : AddressFamily::unspec;
}

int to_sock(SocketType type) {
  return type == SocketType::datagram ? SOCK_DGRAM : type == SocketType::stream ? SOCK_STREAM : 0;
}

SocketType from_sock(int type) {
  return type == SOCK_DGRAM    ? SocketType::datagram
         : type == SOCK_STREAM ? SocketType::stream
                               : SocketType::any;
}

struct Native {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

OsResult<Native> to_native(const SocketAddress& address) {
  Native out;
  if (address.family == AddressFamily::inet4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    std::memcpy(&in.sin_addr, address.bytes.data(), 4);
    std::memcpy(&out.storage, &in, sizeof(in));
    out.size = sizeof(in);
  } else if (address.family == AddressFamily::inet6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    std::memcpy(&in.sin6_addr, address.bytes.data(), 16);
    std::memcpy(&out.storage, &in, sizeof(in));
    out.size = sizeof(in);
  } else {
    return Err(Errno::afnosupport);
  }
  return out;
}

SocketAddress from_native(const void* address, size_t size) {
  SocketAddress out;
  sa_family_t family = AF_UNSPEC;
  if (size >= sizeof(family)) std::memcpy(&family, address, sizeof(family));
  if (family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof(in));
    out.family = AddressFamily::inet4;
    out.port = ntohs(in.sin_port);
    std::memcpy(out.bytes.data(), &in.sin_addr, 4);
  } else if (family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, address, sizeof(in));
    out.family = AddressFamily::inet6;
    out.port = ntohs(in.sin6_port);
    std::memcpy(out.bytes.data(), &in.sin6_addr, 16);
  }
  return out;
}

/// How long a guest's own SO_RCVTIMEO or SO_SNDTIMEO lets a call wait, as a monotonic time.
uint64_t wait_limit(int fd, int option) {
  timeval value{};
  socklen_t size = sizeof(value);
  if (::getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0) return Interrupt::kNever;
  if (value.tv_sec <= 0 && value.tv_usec <= 0) return Interrupt::kNever;
  uint64_t seconds = std::min<uint64_t>(static_cast<uint64_t>(value.tv_sec), 1u << 30);
  return monotonic_now() + seconds * 1'000'000'000u + static_cast<uint64_t>(value.tv_usec) * 1000u;
}

/// Repeats `call` until it does not answer EAGAIN, waiting for `events` between.
template <typename Call>
OsResult<int64_t> retry(int fd, short events, int timeout_option, bool nonblock,
                        Interrupt& interrupt, Call call) {
  uint64_t limit = 0;
  for (;;) {
    if (interrupt.requested()) return Err(Errno::canceled);
    int64_t result = call();
    if (result >= 0) return result;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || nonblock) return Err(last_errno());
    if (limit == 0) limit = wait_limit(fd, timeout_option);
    pollfd one{fd, events, 0};
    auto ready = wait({&one, 1}, limit, interrupt);
    if (!ready) return Err(ready.error());
    if (*ready == 0) return Err(Errno::again);
  }
}

Errno from_eai(int error) {
  switch (error) {
    case EAI_AGAIN:
      return Errno::ai_again;
    case EAI_BADFLAGS:
      return Errno::ai_badflags;
    case EAI_FAIL:
      return Errno::ai_fail;
    case EAI_FAMILY:
      return Errno::ai_family;
    case EAI_MEMORY:
      return Errno::ai_memory;
    case EAI_NONAME:
      return Errno::ai_noname;
    case EAI_SERVICE:
      return Errno::ai_service;
    case EAI_SOCKTYPE:
      return Errno::ai_socktype;
#ifdef EAI_NODATA
    case EAI_NODATA:
      return Errno::ai_nodata;
#endif
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY:
      return Errno::ai_addrfamily;
#endif
    default:
      return Errno::ai_system;
  }
}

constexpr int kOptions[] = {
    SO_REUSEADDR, SO_TYPE,     SO_ERROR,     SO_DONTROUTE,  SO_BROADCAST,
    SO_SNDBUF,    SO_RCVBUF,   SO_KEEPALIVE, SO_OOBINLINE,  SO_LINGER,
    SO_RCVLOWAT,  SO_RCVTIMEO, SO_SNDTIMEO,  SO_ACCEPTCONN, SO_BINDTODEVICE,
};
static_assert(std::size(kOptions) == kSocketOptions);

}  // namespace

OsResult<Fd> open_socket(AddressFamily family, SocketType type) {
  if (family == AddressFamily::unspec) return Err(Errno::afnosupport);
  int kind = to_sock(type == SocketType::any ? SocketType::stream : type);
  Fd fd(::socket(to_af(family), kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Err(last_errno());
  return fd;
}

OsResult<> bind(int fd, const SocketAddress& address) {
  auto native = to_native(address);
  if (!native) return Err(native.error());
  return done(::bind(fd, native->get(), native->size));
}

OsResult<> listen(int fd, int backlog) { return done(::listen(fd, backlog)); }

OsResult<> connect(int fd, const SocketAddress& address, bool nonblock, Interrupt& interrupt) {
  auto native = to_native(address);
  if (!native) return Err(native.error());
  if (::connect(fd, native->get(), native->size) == 0) return {};
  if (errno != EINPROGRESS || nonblock) return Err(last_errno());
  pollfd one{fd, POLLOUT, 0};
  auto ready = wait({&one, 1}, wait_limit(fd, SO_SNDTIMEO), interrupt);
  if (!ready) return Err(ready.error());
  if (*ready == 0) return Err(Errno::timedout);
  // The second call tells how the first ended, and makes a third one fail with EISCONN.
  if (::connect(fd, native->get(), native->size) == 0 || errno == EISCONN) return {};
  return Err(last_errno());
}

OsResult<Fd> accept(int fd, bool nonblock, Interrupt& interrupt) {
  auto accepted = retry(fd, POLLIN, SO_RCVTIMEO, nonblock, interrupt, [&]() -> int64_t {
    return ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  });
  if (!accepted) return Err(accepted.error());
  return Fd(static_cast<int>(*accepted));
}

OsResult<SocketAddress> local_address(int fd) {
  Native native;
  if (::getsockname(fd, native.get(), &native.size) < 0) return Err(last_errno());
  return from_native(&native.storage, native.size);
}

OsResult<SocketAddress> peer_address(int fd) {
  Native native;
  if (::getpeername(fd, native.get(), &native.size) < 0) return Err(last_errno());
  return from_native(&native.storage, native.size);
}

OsResult<Received> receive(int fd, std::span<const iovec> to, bool peek, bool waitall,
                           bool nonblock, Interrupt& interrupt) {
  std::vector<iovec> left(
      to.begin(), to.begin() + static_cast<ptrdiff_t>(std::min<size_t>(to.size(), IOV_MAX)));
  Received out;
  for (;;) {
    Native from;
    msghdr message{};
    message.msg_name = from.get();
    message.msg_namelen = from.size;
    message.msg_iov = left.data();
    message.msg_iovlen = left.size();
    auto size = retry(fd, POLLIN, SO_RCVTIMEO, nonblock, interrupt, [&]() -> int64_t {
      return ::recvmsg(fd, &message, MSG_DONTWAIT | (peek ? MSG_PEEK : 0));
    });
    if (!size) {
      if (out.size > 0) return out;
      return Err(size.error());
    }
    out.size += static_cast<size_t>(*size);
    out.truncated = (message.msg_flags & MSG_TRUNC) != 0;
    out.from =
        from_native(&from.storage, std::min<size_t>(message.msg_namelen, sizeof(from.storage)));
    if (!waitall || peek || *size == 0) return out;
    // The socket does not block, so MSG_WAITALL is done here.
    size_t skip = static_cast<size_t>(*size);
    while (!left.empty() && skip >= left.front().iov_len) {
      skip -= left.front().iov_len;
      left.erase(left.begin());
    }
    if (left.empty()) return out;
    left.front().iov_base = static_cast<uint8_t*>(left.front().iov_base) + skip;
    left.front().iov_len -= skip;
    if (auto type = type_of(fd); !type || *type == FileType::socket_dgram) return out;
  }
}

OsResult<size_t> send(int fd, std::span<const iovec> from, const SocketAddress* to_address,
                      bool nonblock, Interrupt& interrupt) {
  Native native;
  msghdr message{};
  if (to_address) {
    auto converted = to_native(*to_address);
    if (!converted) return Err(converted.error());
    native = *converted;
    message.msg_name = native.get();
    message.msg_namelen = native.size;
  }
  message.msg_iov = const_cast<iovec*>(from.data());
  message.msg_iovlen = std::min<size_t>(from.size(), IOV_MAX);
  auto size = retry(fd, POLLOUT, SO_SNDTIMEO, nonblock, interrupt, [&]() -> int64_t {
    return ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (!size) return Err(size.error());
  return static_cast<size_t>(*size);
}

OsResult<> shutdown(int fd, bool read, bool write) {
  if (!read && !write) return Err(Errno::inval);
  return done(::shutdown(fd, read && write ? SHUT_RDWR : read ? SHUT_RD : SHUT_WR));
}

OsResult<std::vector<uint8_t>> get_option(int fd, SocketOption option, size_t size) {
  std::vector<uint8_t> value(std::min<size_t>(size, 256));
  socklen_t length = static_cast<socklen_t>(value.size());
  int name = kOptions[static_cast<size_t>(option)];
  if (::getsockopt(fd, SOL_SOCKET, name, value.data(), &length) < 0) return Err(last_errno());
  value.resize(std::min<size_t>(length, value.size()));
  if (value.size() == sizeof(int) &&
      (option == SocketOption::type || option == SocketOption::error)) {
    int raw;
    std::memcpy(&raw, value.data(), sizeof(raw));
    raw = option == SocketOption::type ? static_cast<int>(from_sock(raw))
                                       : static_cast<int>(from_posix(raw));
    std::memcpy(value.data(), &raw, sizeof(raw));
  }
  return value;
}

OsResult<> set_option(int fd, SocketOption option, std::span<const uint8_t> value) {
  // Binding to a device picks the host's interface: more than "may use the network" grants.
  if (option == SocketOption::bindtodevice) return Err(Errno::notcapable);
  if (value.size() > 256) return Err(Errno::inval);
  return done(::setsockopt(fd, SOL_SOCKET, kOptions[static_cast<size_t>(option)], value.data(),
                           static_cast<socklen_t>(value.size())));
}

OsResult<std::vector<LookupResult>> lookup(const std::string& node, const std::string& service,
                                           const LookupHints& hints) {
  static constexpr int kFlags[] = {AI_PASSIVE,  AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV,
                                   AI_V4MAPPED, AI_ALL,       AI_ADDRCONFIG};
  addrinfo native{};
  for (size_t i = 0; i < std::size(kFlags); ++i)
    if (hints.flags & (1u << i)) native.ai_flags |= kFlags[i];
  native.ai_family = to_af(hints.family);
  native.ai_socktype = to_sock(hints.type);
  native.ai_protocol = hints.protocol == 1 ? IPPROTO_TCP : hints.protocol == 2 ? IPPROTO_UDP : 0;
  addrinfo* found = nullptr;
  int error = ::getaddrinfo(node.empty() ? nullptr : node.c_str(),
                            service.empty() ? nullptr : service.c_str(), &native, &found);
  if (error != 0) return Err(from_eai(error));
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  std::vector<LookupResult> out;
  for (const addrinfo* at = found; at; at = at->ai_next) {
    LookupResult result{from_af(at->ai_family), from_sock(at->ai_socktype), 0,
                        from_native(at->ai_addr, at->ai_addrlen),
                        at->ai_canonname ? at->ai_canonname : ""};
    if (result.address.family == AddressFamily::unspec) continue;
    result.protocol = at->ai_protocol == IPPROTO_TCP ? 1 : at->ai_protocol == IPPROTO_UDP ? 2 : 0;
    out.push_back(std::move(result));
  }
  return out;
}

}  // namespace sedge::wasi::os
