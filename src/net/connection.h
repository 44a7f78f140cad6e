// One accepted connection as its shard sees it, whatever version of HTTP it speaks.
#ifndef SEDGE_NET_CONNECTION_H_
#define SEDGE_NET_CONNECTION_H_

#include <cstdint>
#include <string>
#include <utility>

#include "base/fd.h"
#include "net/event_loop.h"
#include "net/http.h"

namespace sedge::net {

class Shard;

/// Belongs to one shard and is used on its thread only.
class Connection : public EventLoop::Source {
 public:
  int fd() const { return socket_.get(); }
  uint32_t slot() const { return slot_; }
  uint32_t generation() const { return generation_; }
  bool turned_away() const { return turned_away_; }
  /// Whether the client has all its answers and only its end of the connection is waited for.
  virtual bool lingering() const = 0;

  /// The handler's answer to the request on `stream`, which is 0 where there is one at a time.
  virtual void complete(uint32_t stream, Response response) = 0;
  /// The server drains: closes now if idle, otherwise after the responses in flight.
  virtual void drain() = 0;
  /// Goes on where a pipe of `stream`, or the connection's turn, had to pause.
  virtual void resume(uint32_t stream) = 0;

 protected:
  Connection(Shard& shard, Fd socket, std::string peer, uint32_t slot, uint32_t generation)
      : shard_(shard),
        socket_(std::move(socket)),
        peer_(std::move(peer)),
        slot_(slot),
        generation_(generation) {}

  static constexpr uint64_t kLingerMs = 2000;
  /// Closing a socket with unread input sends a reset, which can destroy the response on its way.
  /// So our side is shut first, and the peer's bytes are read until it closes, within bounds.
  void shut();
  /// Reads what has come after that; false when it is time to close.
  bool discard_input();

  Shard& shard_;
  Fd socket_;
  std::string peer_;
  const uint32_t slot_;
  const uint32_t generation_;
  bool readable_ = true;
  bool turned_away_ = false;

 private:
  uint64_t discarded_ = 0;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_CONNECTION_H_
