// A TCP socket of wasi:sockets, 0.2 and 0.3 alike: the states of the interface over a non-blocking
// socket, under the rules of the guest's network. Nothing here waits.
#ifndef SEDGE_WASI_TCP_H_
#define SEDGE_WASI_TCP_H_

#include <cstdint>
#include <optional>

#include "wasi/socket.h"

namespace sedge::wasi {

/// The states are those of 0.2, where binding and listening are two calls each.
class Tcp {
 public:
  static SocketResult<Tcp> create(Context& guest, bool v6);

  /// None: an address that the interface has no use for.
  SocketResult<> start_bind(const std::optional<net::Address>& local);
  SocketResult<> finish_bind();
  SocketResult<> start_connect(const std::optional<net::Address>& remote);
  /// Error: would_block while the peer has not answered.
  SocketResult<> finish_connect();
  /// A connection that is given up.
  void close();
  SocketResult<> start_listen();
  SocketResult<> finish_listen();
  /// Error: would_block while nobody has come.
  SocketResult<Tcp> accept();
  /// `how` as in shutdown(2).
  SocketResult<> shutdown(int how) const;

  SocketResult<net::Address> local_address() const;
  SocketResult<net::Address> remote_address() const;
  bool is_unbound() const { return state_ == State::unbound; }
  bool is_connecting() const { return state_ == State::connecting; }
  bool is_connected() const { return state_ == State::connected; }
  bool is_listening() const { return state_ == State::listening; }
  bool is_v6() const { return v6_; }
  const SharedSocket& socket() const { return socket_; }

  SocketResult<> set_listen_backlog_size(uint64_t value);
  SocketResult<bool> keep_alive_enabled() const;
  SocketResult<> set_keep_alive_enabled(bool value) const;
  /// Nanoseconds. `name`: TCP_KEEPIDLE or TCP_KEEPINTVL.
  SocketResult<uint64_t> keep_alive_time(int name) const;
  SocketResult<> set_keep_alive_time(int name, uint64_t value) const;
  SocketResult<uint32_t> keep_alive_count() const;
  SocketResult<> set_keep_alive_count(uint32_t value) const;

 private:
  enum class State : uint8_t {
    unbound,
    bind_started,
    bound,
    listen_started,
    listening,
    connecting,
    connected,
    closed,
  };
  Tcp(Context& guest, SharedSocket socket, bool v6)
      : guest_(&guest), socket_(std::move(socket)), v6_(v6) {}

  Context* guest_;  // outlives the resources of its store
  SharedSocket socket_;
  bool v6_;
  State state_ = State::unbound;
  int backlog_ = 128;
};

}  // namespace sedge::wasi

#endif  // SEDGE_WASI_TCP_H_
