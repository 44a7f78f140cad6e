// The server's side of HTTP/2: requests to the handler, answers to the client, each stream on its
// own. The way of a request is that of HTTP/1.1: check_head, then the whole request or a stream,
// then the answer, whole or as a stream.
#ifndef SEDGE_NET_HTTP2_SERVER_SESSION_H_
#define SEDGE_NET_HTTP2_SERVER_SESSION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/http2_fields.h"
#include "net/http2_session.h"
#include "net/http_server.h"

#if SEDGE_HAVE_HTTP2

namespace sedge::net {

class Http2ServerSession : public Http2Session {
 public:
  /// All outlive the session, except the budget's users.
  Http2ServerSession(const HttpServerOptions& options, Handler& handler, HttpServerStats& stats,
                     std::shared_ptr<BodyBudget> bodies, std::string peer);
  ~Http2ServerSession() override;

  /// The handler's answer to the request on `stream`, which may have ended.
  void complete(uint32_t stream, Response response);
  /// Requests that waited until answers before them were taken.
  void dispatch_waiting();
  /// Ends what is over time; to be called when next_check_ms() has come.
  void sweep();
  /// Whether any request was seen.
  bool served_any() const { return served_any_; }
  /// Since when there is no request.
  uint64_t idle_since_ms() const { return idle_since_ms_; }
  /// Lets the requests on their way finish and takes no more. finish_drain() is to follow when the
  /// client has answered (drain_answered) or a moment later.
  void begin_drain();
  void finish_drain();
  bool drain_answered() const { return drain_answered_; }
  /// Tells the client that the connection ends.
  void say_goodbye() { goaway(); }

 protected:
  /// Hands a request to the handler; the answer may come from within.
  virtual void dispatch(std::unique_ptr<Request> request, uint32_t stream) = 0;
  /// The Date field's value.
  virtual std::string_view date() = 0;

 private:
  struct ServerStream;
  bool on_begin(int32_t id) override;
  void on_field(Stream& stream, std::string_view name, std::string_view value) override;
  void on_bad_field(Stream& stream, int status, std::string_view reason) override;
  void on_fields(Stream& stream) override;
  void on_data(Stream& stream, std::string_view bytes) override;
  void on_end(Stream& stream) override;
  void on_sent(Stream& stream) override;
  void on_closed(Stream& stream, Http2Error error) override;
  void on_goaway() override { client_leaves_ = true; }
  void on_ping_answered() override { drain_answered_ = true; }

  void on_head(ServerStream& stream);
  void start_stream(ServerStream& stream);
  void make_ready(ServerStream& stream);
  void refuse(ServerStream& stream, int status, std::string_view reason);
  void respond(ServerStream& stream, Response response);
  void forget(ServerStream& stream);

  const HttpServerOptions& server_options_;
  Handler& handler_;
  HttpServerStats& stats_;
  std::shared_ptr<BodyBudget> bodies_;
  const std::string peer_;
  std::deque<uint32_t> waiting_;  // streams whose requests are to be dispatched
  uint64_t idle_since_ms_ = 0;
  bool served_any_ = false;
  bool drain_answered_ = false;
  bool client_leaves_ = false;  // it has said so, and opens no more streams
};

}  // namespace sedge::net

#endif
#endif  // SEDGE_NET_HTTP2_SERVER_SESSION_H_
