// One accepted connection: reads requests one after the other, hands each to the handler and writes
// its response. A small state machine driven by epoll edges, its timer and completions.
#ifndef SEDGE_NET_CONNECTION_H_
#define SEDGE_NET_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/event_loop.h"
#include "net/http_parser.h"
#include "net/http_server.h"

namespace sedge::net {

/// Belongs to one shard and is used on its thread only.
class Connection final : public EventLoop::Source, private Timer {
 public:
  Connection(Shard& shard, Fd socket, std::string peer, uint32_t slot, uint32_t generation);

  int fd() const { return socket_.get(); }
  uint32_t slot() const { return slot_; }
  uint32_t generation() const { return generation_; }
  bool lingering() const { return state_ == State::lingering; }

  void on_event(uint32_t epoll_events) override;
  /// The handler's answer to the request in flight.
  void complete(Response response);
  /// Answers with `response` although nothing was asked, and closes (connection limit).
  void turn_away(Response response);
  /// The server drains: closes now if idle, otherwise after the response in flight.
  void drain();
  /// Goes on where advance() had to pause.
  void resume();

 private:
  enum class State : uint8_t {
    reading,    ///< Waiting for or reading a request.
    handling,   ///< The handler has the request.
    lingering,  ///< Everything is sent and our side is shut; reads until the peer closes.
    closed,
  };
  /// What the timer is armed for.
  enum class Phase : uint8_t { none, idle, head, body, write, linger };

  void on_timer() override;
  void advance();
  bool read_input();
  size_t consume(std::string_view input);
  void on_head();
  void dispatch();
  void protocol_error(int status, std::string_view reason);
  void append(Response response, bool keep_alive);
  bool may_begin() const;
  bool flush();
  bool output_pending() const { return out_pos_ < out_.size() || body_pos_ < body_.size(); }
  void start_lingering();
  void discard_input();
  void update_timer();
  void close();

  Shard& shard_;
  Fd socket_;
  std::string peer_;
  const uint32_t slot_;
  const uint32_t generation_;

  RequestParser parser_;
  std::string pending_;  // bytes read but not parsed: pipelined requests
  std::string out_;      // heads and small bodies
  size_t out_pos_ = 0;
  std::string body_;  // one large body, sent after out_
  size_t body_pos_ = 0;

  State state_ = State::reading;
  Phase phase_ = Phase::none;
  uint64_t phase_start_ms_ = 0;
  uint64_t request_start_ns_ = 0;
  uint64_t discarded_ = 0;
  bool readable_ = true;
  bool peer_shut_ = false;
  bool eof_ = false;
  bool advancing_ = false;
  bool resume_posted_ = false;
  bool close_after_output_ = false;
  bool served_any_ = false;
  // Of the request in flight:
  bool head_only_ = false;
  bool keep_alive_ = false;
  uint8_t minor_version_ = 1;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_CONNECTION_H_
