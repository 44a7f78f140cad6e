// A stream's way: fields → head → (content) → dispatch → answer → closed. One whose handler still
// works when the client has reset it stays and counts, so that resets win nothing.
#include "net/http2_server_session.h"

#if SEDGE_HAVE_HTTP2

#include <algorithm>
#include <utility>

#include "net/chars.h"
#include "net/event_loop.h"

namespace sedge::net {
namespace {

constexpr uint64_t kBytesPerSecond = 16384;  // slowest tolerated upload, after the body timeout
constexpr uint64_t kMaxUnsent = 8 << 20;     // of whole answers, beyond which no request is begun

}  // namespace

struct Http2ServerSession::ServerStream final : Stream {
  Http2RequestFields fields;
  std::unique_ptr<Request> request;  // until it is dispatched
  Headers trailers;
  uint64_t received_ns = 0;
  uint64_t max_body = 0;
  uint64_t body_bytes = 0;
  uint64_t body_since_ms = 0;
  /// Why the rest of the request that is being handled was refused: status and reason.
  std::optional<std::pair<int, std::string>> refused;
  std::optional<ParseError> bad_fields;
  bool head_done = false;
  bool head_only = false;
  bool ready = false;    // whole, or to be streamed: waits for its dispatch
  bool handled = false;  // the handler has it
  bool answered = false;
};

Http2ServerSession::Http2ServerSession(const HttpServerOptions& options, Handler& handler,
                                       HttpServerStats& stats, std::shared_ptr<BodyBudget> bodies,
                                       std::string peer)
    : Http2Session({.side = Side::server,
                    .max_streams = options.max_streams,
                    .max_header_bytes = options.limits.max_header_bytes,
                    .max_headers = options.limits.max_headers}),
      server_options_(options),
      handler_(handler),
      stats_(stats),
      bodies_(std::move(bodies)),
      peer_(std::move(peer)) {}

Http2ServerSession::~Http2ServerSession() {
  for (auto& [id, stream] : streams())
    end_pipes(*stream, {HttpError::Kind::connection_terminated, "the client ended the connection"});
}

bool Http2ServerSession::on_begin(int32_t id) {
  if (client_leaves_ || stream_count() >= server_options_.max_streams) {
    stats_.http2_refused.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  auto stream = std::make_unique<ServerStream>();
  stream->received_ns = now_ns();
  insert(id, std::move(stream));
  check_at(now_ms() + server_options_.header_timeout_ms);
  return true;
}

void Http2ServerSession::on_field(Stream& base, std::string_view name, std::string_view value) {
  auto& stream = static_cast<ServerStream&>(base);
  if (stream.bad_fields) return;
  if (!stream.head_done)
    stream.fields.add(name, value);
  else if (is_token(name) && is_field_value(value))
    stream.trailers.emplace_back(name, value);
}

void Http2ServerSession::on_bad_field(Stream& base, int status, std::string_view reason) {
  auto& stream = static_cast<ServerStream&>(base);
  if (!stream.bad_fields) stream.bad_fields = ParseError{status, reason};
}

void Http2ServerSession::on_fields(Stream& base) {
  auto& stream = static_cast<ServerStream&>(base);
  if (!stream.head_done) return on_head(stream);
  if (stream.bad_fields) refuse(stream, stream.bad_fields->status, stream.bad_fields->reason);
}

void Http2ServerSession::on_head(ServerStream& stream) {
  stream.head_done = true;
  served_any_ = true;
  stats_.http2_requests.fetch_add(1, std::memory_order_relaxed);
  // How long the answer to HEAD would be is all that its answer says, refusals included.
  std::optional<ParseError> bad = std::exchange(stream.bad_fields, std::nullopt);
  if (!bad) bad = stream.fields.finish(server_options_.limits);
  stream.request = stream.fields.take();
  stream.head_only = stream.request->method() == "HEAD";
  if (bad) return refuse(stream, bad->status, bad->reason);
  Request& request = *stream.request;
  request.peer = peer_;
  request.received_ns = stream.received_ns;
  request.wire_bytes = stream.wire_bytes;
  HeadVerdict verdict = handler_.check_head(request);
  if (verdict.refusal) return respond(stream, *std::move(verdict.refusal));
  stream.max_body = verdict.max_body_bytes;
  stream.body_since_ms = now_ms();
  check_at(stream.body_since_ms + server_options_.body_timeout_ms);
  std::optional<uint64_t> declared = stream.fields.content_length();
  if (declared.value_or(0) > stream.max_body)
    return refuse(stream, 413, "the body is larger than this route allows");
  if (verdict.stream) start_stream(stream);
  if (stream.fields.expects_continue() && !stream.answered)
    submit_interim(stream.id, {{":status", "100"}});
}

// The handler gets the head now; the content follows through a pipe while it works.
void Http2ServerSession::start_stream(ServerStream& stream) {
  auto pipe = std::make_shared<BodyPipe>(kWindow);
  if (!pipe->lease.grow(bodies_, kWindow))
    return refuse(stream, 503, "the bodies of all requests together are too large");
  stream.request->stream = pipe;
  open_pipe(stream, std::move(pipe));
  make_ready(stream);
}

void Http2ServerSession::on_data(Stream& base, std::string_view bytes) {
  auto& stream = static_cast<ServerStream&>(base);
  if (!stream.incoming && (stream.handled || stream.answered)) return;  // nobody waits for it
  stream.body_bytes += bytes.size();
  if (stream.body_bytes > stream.max_body)
    return refuse(stream, 413, "the body is larger than this route allows");
  if (stream.incoming) return pipe_in(stream, bytes);
  Request& request = *stream.request;
  if (!request.body_lease.grow(bodies_, stream.body_bytes))
    return refuse(stream, 503, "the bodies of all requests together are too large");
  request.body.append(bytes);
  consume(stream, bytes.size());
}

void Http2ServerSession::on_end(Stream& base) {
  auto& stream = static_cast<ServerStream&>(base);
  if (stream.incoming) {
    stream.incoming->finish(std::move(stream.trailers));
    stream.incoming.reset();
  } else if (!stream.handled && !stream.answered) {
    stream.request->trailers = std::move(stream.trailers);
    stream.request->wire_bytes = stream.wire_bytes;
    make_ready(stream);
  }
}

void Http2ServerSession::make_ready(ServerStream& stream) {
  stream.ready = true;
  waiting_.push_back(static_cast<uint32_t>(stream.id));
}

void Http2ServerSession::dispatch_waiting() {
  while (!waiting_.empty() && unsent() < kMaxUnsent) {
    uint32_t id = waiting_.front();
    waiting_.pop_front();
    auto* stream = static_cast<ServerStream*>(find(static_cast<int32_t>(id)));
    if (!stream || stream->closed || !stream->ready || stream->answered) continue;
    stream->ready = false;
    stream->handled = true;
    dispatch(std::move(stream->request), id);
  }
}

// What cannot be gone on with: an answer of our own, or, where the handler already has the request,
// the handler's, which learns of it.
void Http2ServerSession::refuse(ServerStream& stream, int status, std::string_view reason) {
  std::shared_ptr<BodyPipe> incoming = std::exchange(stream.incoming, nullptr);
  if (incoming) {
    HttpError::Kind kind =
        status == 413 ? HttpError::Kind::request_body_size : HttpError::Kind::protocol_error;
    incoming->fail({kind, std::string(reason)});
  }
  if (!stream.handled) {
    if (!stream.answered) respond(stream, handler_.refuse(status, reason, peer_));
  } else if (incoming) {
    stream.refused = {status, std::string(reason)};
    stream.cut = stream.sending && !stream.outgoing_left;
  }
}

void Http2ServerSession::complete(uint32_t id, Response response) {
  auto* stream = static_cast<ServerStream*>(find(static_cast<int32_t>(id)));
  if (!stream || !stream->handled || stream->answered) {
    if (response.stream) response.stream->close_reader();
    return;
  }
  if (stream->closed) {
    if (response.stream) response.stream->close_reader();
    stream->answered = true;
    return forget(*stream);
  }
  if (stream->refused && response.status < 400) {  // what it answers is not to all of the request
    if (response.stream) response.stream->close_reader();
    response = handler_.refuse(stream->refused->first, stream->refused->second, peer_);
  }
  respond(*stream, std::move(response));
}

void Http2ServerSession::respond(ServerStream& stream, Response response) {
  stream.answered = true;
  stream.ready = false;
  if (response.close) say_goodbye();
  // What is whole already needs no stream.
  if (response.stream && response.stream->state() == BodyPipe::State::done &&
      response.stream->trailers().empty()) {
    response.stream->read(response.body, SIZE_MAX);
    response.stream.reset();
  }
  Headers fields = {{":status", std::to_string(response.status)}, {"date", std::string(date())}};
  std::erase_if(response.headers,
                [](const auto& field) { return equals_ignoring_case(field.first, "date"); });
  append_http2_fields(fields, response.headers);
  const bool bodyless = status_has_no_body(response.status);
  if (!bodyless && (!response.stream || response.stream_length))
    fields.emplace_back("content-length", std::to_string(response.stream ? *response.stream_length
                                                                         : response.body.size()));
  bool content = false;
  if (stream.head_only || bodyless) {
    if (response.stream) response.stream->skip_rest();
  } else if (response.stream) {
    stream.outgoing = std::move(response.stream);
    stream.outgoing_left = response.stream_length;
    stream.cut = stream.refused && !stream.outgoing_left;
    stream.outgoing->on_readable(wake(stream.id));
    content = true;
  } else {
    stream.body = std::move(response.body);
    content = !stream.body.empty();
  }
  check_at(now_ms() + server_options_.write_timeout_ms);
  if (submit(&stream, fields, content) != 0) reset(stream.id, Http2Error::internal_error);
}

// Content that nobody will read any more need not come (RFC 9113 section 8.1).
void Http2ServerSession::on_sent(Stream& stream) {
  if (!stream.remote_done) reset(stream.id, Http2Error::no_error);
}

void Http2ServerSession::on_closed(Stream& base, Http2Error) {
  auto& stream = static_cast<ServerStream&>(base);
  end_pipes(stream, {HttpError::Kind::connection_terminated, "the client ended the request"});
  if (!stream.handled || stream.answered) forget(stream);
}

void Http2ServerSession::forget(ServerStream& stream) {
  erase(stream);
  if (stream_count() == 0) idle_since_ms_ = now_ms();
}

void Http2ServerSession::sweep() {
  const uint64_t now = now_ms();
  checked();
  auto late = [&](uint64_t deadline) {
    if (now < deadline) {
      check_at(deadline);
      return false;
    }
    stats_.timeouts.fetch_add(1, std::memory_order_relaxed);
    return true;
  };
  if (std::optional<uint64_t> since = fields_since_ms();
      since && late(*since + server_options_.header_timeout_ms))
    terminate(Http2Error::enhance_your_calm);
  for (auto& [id, base] : streams()) {
    auto& stream = static_cast<ServerStream&>(*base);
    if (stream.closed) continue;
    if (!stalled(stream)) stream.progress_ms = now;
    if (stream.sending && late(stream.progress_ms + server_options_.write_timeout_ms))
      reset(id, Http2Error::cancel);
    bool wanted = stream.incoming || !(stream.handled || stream.answered || stream.ready);
    if (!stream.head_done || stream.remote_done || !wanted) continue;
    // It may be the handler that takes its time.
    if (!may_receive(stream)) stream.body_since_ms = now;
    if (late(stream.body_since_ms + server_options_.body_timeout_ms +
             stream.body_bytes * 1000 / kBytesPerSecond))
      refuse(stream, 408, "the request body did not arrive in time");
  }
}

void Http2ServerSession::begin_drain() {
  announce_end();
  ping();
}

void Http2ServerSession::finish_drain() { goaway(); }

}  // namespace sedge::net

#endif
