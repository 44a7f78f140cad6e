// A connection of HTTP/1.1: reads requests one after the other, hands each to the handler and
// writes its response. A small state machine driven by epoll edges, its timer and completions. A
// client that begins with the preface of HTTP/2 gets another connection in its place.
#ifndef SEDGE_NET_HTTP1_CONNECTION_H_
#define SEDGE_NET_HTTP1_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/body_pipe.h"
#include "net/connection.h"
#include "net/http_parser.h"
#include "net/http_server.h"

namespace sedge::net {

/// Belongs to one shard and is used on its thread only.
class Http1Connection final : public Connection, private Timer {
 public:
  Http1Connection(Shard& shard, Fd socket, std::string peer, uint32_t slot, uint32_t generation);
  ~Http1Connection() override;

  bool lingering() const override { return state_ == State::lingering; }
  void on_event(uint32_t epoll_events) override;
  void complete(uint32_t stream, Response response) override;
  /// Answers with `response` although nothing was asked, and closes (connection limit).
  void turn_away(Response response);
  void drain() override;
  void resume(uint32_t stream) override;

 private:
  enum class State : uint8_t {
    reading,    ///< Waiting for or reading a request.
    handling,   ///< The handler has the request, or its response is streamed.
    lingering,  ///< Everything is sent and our side is shut; reads until the peer closes.
    closed,
  };
  /// What the timer is armed for.
  enum class Phase : uint8_t { none, idle, head, body, write, linger };

  void on_timer() override;
  void advance();
  bool read_input();
  bool undecided(std::string_view input);
  size_t consume(std::string_view input);
  void on_head();
  void dispatch();
  void dispatch_stream();
  void take_streamed_content(bool complete);
  void end_incoming(HttpError error);
  void end_streams();
  void use_input(int& budget);
  bool wants_input() const;
  size_t input_allowance() const;
  bool pump();
  void finish_response();
  BodyPipe::Wake wake() const;
  void protocol_error(int status, std::string_view reason);
  void append(Response response, bool keep_alive);
  bool may_begin() const;
  bool flush();
  bool output_pending() const { return out_pos_ < out_.size() || body_pos_ < body_.size(); }
  void start_lingering();
  void update_timer();
  void close();

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
  bool peer_shut_ = false;
  bool eof_ = false;
  bool advancing_ = false;
  bool resume_posted_ = false;
  bool close_after_output_ = false;
  bool served_any_ = false;
  bool sniffing_;  // the first bytes may be the preface of HTTP/2; pending_ is their beginning
  // Of the request in flight:
  std::shared_ptr<BodyPipe> incoming_;  // where its content goes while it is read
  std::shared_ptr<BodyPipe> outgoing_;  // where its response's content comes from
  uint64_t outgoing_left_ = 0;          // with Content-Length
  /// Why the rest of the request that is being handled was refused: status and reason.
  std::optional<std::pair<int, std::string>> refused_;
  bool outgoing_chunked_ = false;
  bool outgoing_sized_ = false;
  bool head_only_ = false;
  bool keep_alive_ = false;
  uint8_t minor_version_ = 1;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP1_CONNECTION_H_
