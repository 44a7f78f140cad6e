// One event loop of the server with its listening sockets and its connections.
#ifndef SEDGE_NET_SHARD_H_
#define SEDGE_NET_SHARD_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/connection.h"
#include "net/event_loop.h"
#include "net/http_server.h"

namespace sedge::net {

/// Lives as long as its server or any Responder, whichever is longer.
class Shard : public std::enable_shared_from_this<Shard> {
 public:
  Shard(HttpServer& server, std::unique_ptr<EventLoop> loop);
  ~Shard();

  /// Adds a listening socket; before run().
  Result<> listen(Fd socket);
  void run();

  /// Any thread: see HttpServer::drain and Responder.
  void post_drain(uint32_t deadline_ms);
  void post_stop();
  void post_response(uint32_t slot, uint32_t generation, uint32_t stream, Response response);
  void post_resume(uint32_t slot, uint32_t generation, uint32_t stream);

  // On the loop's thread.
  EventLoop& loop() { return *loop_; }
  HttpServer& server() { return *server_; }
  /// Whether answers end their connections: from HttpServer::drain on, on every loop at once.
  bool draining() const;
  /// Where connections read into; contents last until the next read.
  std::array<char, 65536>& scratch() { return scratch_; }
  /// The Date field's value for now.
  std::string_view date();
  /// Takes `connection` out and destroys it when that is safe.
  void release(Connection& connection);
  /// Puts a connection of HTTP/2 in the place of `connection`, whose client began with `input`.
  void switch_to_http2(Connection& connection, Fd socket, std::string peer, std::string input);
  /// The connection that is being dispatched may be answered without a detour through post().
  void set_dispatching(Connection* connection) { dispatching_ = connection; }

 private:
  class Listener;
  friend class Listener;
  struct Slot {
    std::unique_ptr<Connection> connection;
    uint32_t generation = 0;
  };

  void accept_from(Listener& listener);
  void admit(Fd socket, std::string peer);
  Connection* find(uint32_t slot, uint32_t generation);
  void begin_drain(uint32_t deadline_ms);
  void finish_if_drained();
  void cut_all();

  HttpServer* server_;
  std::unique_ptr<EventLoop> loop_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  uint32_t open_ = 0;
  uint32_t turned_away_ = 0;
  bool drain_begun_ = false;  // here; draining() turns true on every loop at once
  Connection* dispatching_ = nullptr;
  std::unique_ptr<Timer> drain_timer_;
  int64_t date_second_ = -1;
  std::string date_;
  std::array<char, 65536> scratch_;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_SHARD_H_
