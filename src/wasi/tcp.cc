// See tcp.h.
#include "wasi/tcp.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "wasi/p1/state.h"

namespace sedge::wasi {
namespace {

using net::NetRules;

constexpr uint64_t kSecond = 1'000'000'000;

/// Whether a socket of this family can have it.
bool is_usable(const std::optional<net::Address>& address, bool v6) {
  return address && address->is_v6() == v6 && !is_multicast(*address);
}

}  // namespace

SocketResult<Tcp> Tcp::create(Context& guest, bool v6) {
  return mapped(open_socket(guest, v6, SOCK_STREAM),
                [&](SharedSocket socket) { return Tcp(guest, std::move(socket), v6); });
}

SocketResult<> Tcp::start_bind(const std::optional<net::Address>& local) {
  if (state_ != State::unbound) return SocketErr(SocketError::invalid_state);
  if (!is_usable(local, v6_)) return SocketErr(SocketError::invalid_argument);
  // A port of the system's choice lets nobody in before `listen`, which has rules of its own.
  bool free = local->port() == 0 && (may_have_a_port(*guest_, NetRules::Use::tcp_connect) ||
                                     may_have_a_port(*guest_, NetRules::Use::tcp_listen));
  if (!free && !permits(*guest_, NetRules::Use::tcp_listen, *local))
    return SocketErr(SocketError::access_denied);
  // A port that is asked for may still wait for the end of an earlier socket's connections. With
  // one of the system's choice the option would let another socket take it.
  if (local->port() != 0)
    if (auto reuse = set_option(*socket_, SOL_SOCKET, SO_REUSEADDR, 1); !reuse) return reuse;
  if (::bind(socket_->get(), local->get(), local->size()) != 0)
    // Linux says EADDRINUSE also when no port is left, and EINVAL for a socket that has one.
    return SocketErr(errno == EINVAL ? SocketError::invalid_state : socket_error(errno));
  state_ = State::bind_started;
  return {};
}

SocketResult<> Tcp::finish_bind() {
  if (state_ != State::bind_started) return SocketErr(SocketError::not_in_progress);
  state_ = State::bound;
  return {};
}

SocketResult<> Tcp::start_connect(const std::optional<net::Address>& remote) {
  if (state_ != State::unbound && state_ != State::bound)
    return SocketErr(state_ == State::connecting ? SocketError::concurrency_conflict
                                                 : SocketError::invalid_state);
  if (!is_usable(remote, v6_) || remote->port() == 0 || is_unspecified(*remote))
    return SocketErr(SocketError::invalid_argument);
  if (!permits(*guest_, NetRules::Use::tcp_connect, *remote))
    return SocketErr(SocketError::access_denied);
  if (::connect(socket_->get(), remote->get(), remote->size()) != 0 && errno != EINPROGRESS) {
    state_ = State::closed;
    // Here it is the system that has no port left.
    return SocketErr(errno == EADDRNOTAVAIL ? SocketError::address_in_use : socket_error(errno));
  }
  state_ = State::connecting;
  return {};
}

SocketResult<> Tcp::finish_connect() {
  if (state_ != State::connecting) return SocketErr(SocketError::not_in_progress);
  pollfd one{socket_->get(), POLLOUT, 0};
  if (::poll(&one, 1, 0) == 0) return SocketErr(SocketError::would_block);
  auto error = get_option(*socket_, SOL_SOCKET, SO_ERROR);
  if (!error || *error != 0) {
    state_ = State::closed;
    return SocketErr(error ? socket_error(*error) : error.error());
  }
  state_ = State::connected;
  return {};
}

void Tcp::close() {
  state_ = State::closed;
  ::shutdown(socket_->get(), SHUT_RDWR);
}

SocketResult<> Tcp::start_listen() {
  if (state_ != State::bound) return SocketErr(SocketError::invalid_state);
  auto own = wasi::local_address(*socket_);
  if (!own) return SocketErr(own.error());
  if (!permits(*guest_, NetRules::Use::tcp_listen, *own))
    return SocketErr(SocketError::access_denied);
  // For the next socket on this port, when the connections of this one are still ending. From here
  // on nobody else can take the port.
  if (auto reuse = set_option(*socket_, SOL_SOCKET, SO_REUSEADDR, 1); !reuse) return reuse;
  if (::listen(socket_->get(), backlog_) != 0) return SocketErr(socket_error(errno));
  state_ = State::listen_started;
  return {};
}

SocketResult<> Tcp::finish_listen() {
  if (state_ != State::listen_started) return SocketErr(SocketError::not_in_progress);
  state_ = State::listening;
  return {};
}

SocketResult<Tcp> Tcp::accept() {
  if (state_ != State::listening) return SocketErr(SocketError::invalid_state);
  // Whom the guest has no descriptor for stays in the queue.
  if (guest_->p1().fds().full()) return SocketErr(SocketError::new_socket_limit);
  Fd accepted(::accept4(socket_->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted) return SocketErr(socket_error(errno));
  return mapped(adopt_socket(*guest_, std::move(accepted)), [&](SharedSocket socket) {
    Tcp connection(*guest_, std::move(socket), v6_);
    connection.state_ = State::connected;
    return connection;
  });
}

SocketResult<> Tcp::shutdown(int how) const {
  if (state_ != State::connected) return SocketErr(SocketError::invalid_state);
  if (::shutdown(socket_->get(), how) != 0) return SocketErr(socket_error(errno));
  return {};
}

SocketResult<net::Address> Tcp::local_address() const {
  if (state_ == State::unbound || state_ == State::bind_started || state_ == State::closed)
    return SocketErr(SocketError::invalid_state);
  return wasi::local_address(*socket_);
}

SocketResult<net::Address> Tcp::remote_address() const {
  if (state_ != State::connected) return SocketErr(SocketError::invalid_state);
  return wasi::remote_address(*socket_);
}

// ---- Options

SocketResult<> Tcp::set_listen_backlog_size(uint64_t value) {
  if (value == 0) return SocketErr(SocketError::invalid_argument);
  if (state_ == State::connecting || state_ == State::connected || state_ == State::closed)
    return SocketErr(SocketError::invalid_state);
  backlog_ = static_cast<int>(std::min<uint64_t>(value, SOMAXCONN));
  if (state_ == State::listening && ::listen(socket_->get(), backlog_) != 0)
    return SocketErr(socket_error(errno));
  return {};
}

SocketResult<bool> Tcp::keep_alive_enabled() const {
  return mapped(get_option(*socket_, SOL_SOCKET, SO_KEEPALIVE),
                [](int value) { return value != 0; });
}

SocketResult<> Tcp::set_keep_alive_enabled(bool value) const {
  return set_option(*socket_, SOL_SOCKET, SO_KEEPALIVE, value ? 1 : 0);
}

SocketResult<uint64_t> Tcp::keep_alive_time(int name) const {
  return mapped(get_option(*socket_, IPPROTO_TCP, name),
                [](int seconds) { return static_cast<uint64_t>(seconds) * kSecond; });
}

SocketResult<> Tcp::set_keep_alive_time(int name, uint64_t value) const {
  constexpr uint64_t kMost = 32767;  // of Linux
  if (value == 0) return SocketErr(SocketError::invalid_argument);
  uint64_t rounded = value / kSecond + (value % kSecond != 0 ? 1 : 0);
  return set_option(*socket_, IPPROTO_TCP, name, static_cast<int>(std::min(rounded, kMost)));
}

SocketResult<uint32_t> Tcp::keep_alive_count() const {
  return mapped(get_option(*socket_, IPPROTO_TCP, TCP_KEEPCNT),
                [](int value) { return static_cast<uint32_t>(value); });
}

SocketResult<> Tcp::set_keep_alive_count(uint32_t value) const {
  constexpr uint32_t kMost = 127;  // of Linux
  if (value == 0) return SocketErr(SocketError::invalid_argument);
  return set_option(*socket_, IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(std::min(value, kMost)));
}

}  // namespace sedge::wasi
