// The connection's state machine. Requests of one connection are handled strictly one after the
// other; while one is in flight nothing more is read, which is the back-pressure on pipelining.
#include "net/http1_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "net/http2_connection.h"
#include "net/shard.h"

namespace sedge::net {
namespace {

constexpr size_t kLargeBody = 16384;         // sent from where it lies instead of being copied
constexpr size_t kMaxOutput = 65536;         // unsent bytes beyond which no request is begun
constexpr size_t kPipeBytes = 65536;         // of streamed content, between socket and reader
constexpr uint64_t kBytesPerSecond = 16384;  // slowest tolerated upload, after the body timeout
constexpr int kRequestsPerTurn = 32;         // of one connection, before others get their turn

}  // namespace

Http1Connection::Http1Connection(Shard& shard, Fd socket, std::string peer, uint32_t slot,
                                 uint32_t generation)
    : Connection(shard, std::move(socket), std::move(peer), slot, generation),
      parser_(shard.server().options_.limits),
      sniffing_(shard.server().options_.http2) {
  update_timer();
}

Http1Connection::~Http1Connection() { end_streams(); }

void Http1Connection::on_event(uint32_t epoll_events) {
  if (state_ == State::closed) return;
  if (epoll_events & (EPOLLERR | EPOLLHUP)) return close();
  if (epoll_events & (EPOLLIN | EPOLLRDHUP)) readable_ = true;
  if (epoll_events & EPOLLRDHUP) peer_shut_ = true;
  advance();
}

void Http1Connection::resume(uint32_t) {
  resume_posted_ = false;
  advance();
}

void Http1Connection::drain() {
  if (state_ != State::reading || !parser_.idle()) return;
  readable_ = true;  // what the client has already sent is still answered
  advance();
  if (state_ != State::reading || !parser_.idle() || !pending_.empty()) return;
  if (!output_pending()) return close();
  close_after_output_ = true;
  advance();
}

void Http1Connection::turn_away(Response response) {
  turned_away_ = true;
  minor_version_ = 1;
  append(std::move(response), false);
  advance();
}

// Whether bytes of the client can be used now.
bool Http1Connection::wants_input() const {
  if (close_after_output_) return false;
  if (state_ == State::reading) return true;
  return state_ == State::handling && incoming_ && input_allowance() > 0;
}

// How many bytes may be parsed: content that is streamed waits in the socket for its reader.
size_t Http1Connection::input_allowance() const {
  if (!incoming_ || incoming_->reader_gone()) return SIZE_MAX;
  return incoming_->room();
}

// Does everything that can be done without waiting.
void Http1Connection::advance() {
  if (advancing_ || state_ == State::closed) return;
  advancing_ = true;
  int budget = kRequestsPerTurn;
  while (budget > 0) {
    use_input(budget);
    if (state_ == State::closed || state_ == State::lingering) break;
    State before = state_;
    bool flushed = flush();
    // A response that was streamed has ended: the next request may be there already.
    if (before == State::handling && state_ == State::reading && !close_after_output_) continue;
    if (flushed && state_ == State::reading) {
      if (close_after_output_)
        start_lingering();
      else if (eof_ && pending_.empty())
        close();
    }
    break;
  }
  if (budget == 0 && !resume_posted_ && state_ != State::closed) {
    resume_posted_ = true;
    shard_.post_resume(slot_, generation_, 0);
  }
  if (state_ == State::lingering && !discard_input()) close();
  advancing_ = false;
  update_timer();
}

// Parses what was read and reads on, for as long as that leads anywhere.
void Http1Connection::use_input(int& budget) {
  while (budget > 0 && wants_input()) {
    if (state_ == State::reading && !may_begin() && !flush()) return;
    if (pending_.empty() || sniffing_) {
      if (!read_input()) return;
    } else {
      std::string input;
      input.swap(pending_);
      size_t used = consume(input);
      if (used < input.size() && state_ != State::closed) {
        input.erase(0, used);
        pending_ = std::move(input);
      }
    }
    --budget;
  }
}

// Reads once and parses. False if there was nothing to read.
bool Http1Connection::read_input() {
  if (!readable_ || eof_) return false;
  auto& scratch = shard_.scratch();
  ssize_t count = ::recv(fd(), scratch.data(), scratch.size(), 0);
  if (count < 0) {
    if (errno == EINTR) return true;
    readable_ = false;
    if (errno != EAGAIN && errno != EWOULDBLOCK) close();
    return false;
  }
  // A short read has emptied the socket: the next bytes come with a new edge. The end of the stream
  // may have come with this one.
  if (static_cast<size_t>(count) < scratch.size() && !peer_shut_) readable_ = false;
  if (count == 0) {
    eof_ = true;
    if (sniffing_) pending_.clear();
    if (incoming_)
      end_incoming({HttpError::Kind::connection_terminated, "the client ended the connection"});
    return false;
  }
  shard_.server().stats_.bytes_received.fetch_add(static_cast<uint64_t>(count),
                                                  std::memory_order_relaxed);
  std::string_view input(scratch.data(), static_cast<size_t>(count));
  if (sniffing_ && undecided(input)) return state_ != State::closed;
  size_t used = consume(input);
  if (used < input.size() && state_ != State::closed) pending_.assign(input.substr(used));
  return true;
}

// Whether the client's version of HTTP is not known yet, or known to be 2: then this connection has
// ended and another has its place. Otherwise `input`, and what came before it, is HTTP/1.1.
bool Http1Connection::undecided(std::string_view input) {
  if (pending_.empty() && input[0] != kHttp2Preface[0]) {
    sniffing_ = false;
    return false;
  }
  pending_.append(input);
  if (kHttp2Preface.starts_with(pending_) && pending_.size() < kHttp2Preface.size()) return true;
  sniffing_ = false;
  if (!pending_.starts_with(kHttp2Preface)) return true;  // it is parsed from pending_
  state_ = State::closed;
  shard_.loop().timers().disarm(*this);
  shard_.switch_to_http2(*this, std::move(socket_), std::move(peer_), std::move(pending_));
  return true;
}

// Parses `input` until it is used up, a request went to the handler, or an error. Returns how much
// was used.
size_t Http1Connection::consume(std::string_view input) {
  size_t pos = 0;
  int requests = 0;
  while (wants_input() && (state_ == State::handling || may_begin())) {
    if (pos == input.size() && parser_.idle()) break;
    if (parser_.idle()) request_start_ns_ = now_ns();
    size_t used = 0;
    std::string_view piece = input.substr(pos, input_allowance());
    RequestParser::Event event = parser_.feed(piece, used);
    pos += used;
    if (incoming_) {
      take_streamed_content(event == RequestParser::Event::done);
      if (event == RequestParser::Event::done) return pos;
      if (event == RequestParser::Event::need_more && pos < input.size()) continue;
    }
    if (Request& request = parser_.request();
        !request.body_lease.grow(shard_.server().bodies_, request.body.size())) {
      protocol_error(503, "the bodies of all requests together are too large");
      return input.size();
    }
    switch (event) {
      case RequestParser::Event::need_more:
        if (parser_.in_body() && parser_.expects_continue() && parser_.body_bytes() == 0 &&
            phase_ != Phase::body && !outgoing_) {
          // The client holds its body back until it hears from us.
          out_ += "HTTP/1.1 100 Continue\r\n\r\n";
        }
        return pos;
      case RequestParser::Event::head:
        on_head();
        break;
      case RequestParser::Event::done:
        dispatch();
        if (++requests == kRequestsPerTurn) return pos;
        break;
      case RequestParser::Event::error:
        protocol_error(parser_.error().status, parser_.error().reason);
        return input.size();
    }
  }
  return pos;
}

void Http1Connection::on_head() {
  Request& request = parser_.request();
  request.peer = peer_;
  request.received_ns = request_start_ns_;
  HeadVerdict verdict = shard_.server().handler_.check_head(request);
  if (!verdict.refusal) {
    parser_.set_max_body(verdict.max_body_bytes);
    // A body that is too long by its own account is refused before anybody hears of it.
    if (verdict.stream && parser_.declared_length().value_or(0) <= verdict.max_body_bytes)
      dispatch_stream();
    return;
  }
  // Without a body the connection stays usable: the refusal is the answer to this request.
  bool has_body = parser_.has_body();
  head_only_ = request.method() == "HEAD";
  minor_version_ = static_cast<uint8_t>(request.minor_version());
  bool keep_alive = request.keep_alive() && !has_body;
  if (!has_body) {
    size_t used = 0;
    parser_.feed({}, used);
    parser_.take();
    served_any_ = true;
    phase_ = Phase::none;
  }
  append(*std::move(verdict.refusal), keep_alive);
}

void Http1Connection::dispatch() {
  std::unique_ptr<Request> request = parser_.take();
  head_only_ = request->method() == "HEAD";
  keep_alive_ = request->keep_alive();
  minor_version_ = static_cast<uint8_t>(request->minor_version());
  served_any_ = true;
  phase_ = Phase::none;
  state_ = State::handling;
  shard_.set_dispatching(this);
  shard_.server().handler_.handle(std::move(request),
                                  Responder(shard_.shared_from_this(), slot_, generation_, 0));
  shard_.set_dispatching(nullptr);
}

// The handler gets the head now; the content follows through a pipe while it works.
void Http1Connection::dispatch_stream() {
  auto pipe = std::make_shared<BodyPipe>(kPipeBytes);
  if (!pipe->lease.grow(shard_.server().bodies_, kPipeBytes))
    return protocol_error(503, "the bodies of all requests together are too large");
  incoming_ = pipe;
  std::unique_ptr<Request> request = parser_.take_head();
  head_only_ = request->method() == "HEAD";
  keep_alive_ = request->keep_alive();
  minor_version_ = static_cast<uint8_t>(request->minor_version());
  request->stream = std::move(pipe);
  served_any_ = true;
  phase_ = Phase::none;
  state_ = State::handling;
  if (!parser_.has_body()) {
    size_t used = 0;
    parser_.feed({}, used);
    take_streamed_content(true);
  } else {
    incoming_->on_writable(wake());
  }
  shard_.set_dispatching(this);
  shard_.server().handler_.handle(std::move(request),
                                  Responder(shard_.shared_from_this(), slot_, generation_, 0));
  shard_.set_dispatching(nullptr);
}

// Moves what was parsed into the pipe, which has room for it.
void Http1Connection::take_streamed_content(bool complete) {
  std::string& body = parser_.request().body;
  incoming_->write(body);
  body.clear();
  if (!complete) return;
  std::unique_ptr<Request> rest = parser_.take();
  incoming_->finish(std::move(rest->trailers));
  incoming_.reset();
}

// Nothing more of the content will come; the connection is of no use after the response.
void Http1Connection::end_incoming(HttpError error) {
  keep_alive_ = false;
  incoming_->fail(std::move(error));
  incoming_.reset();
  pending_ = std::string();
}

void Http1Connection::end_streams() {
  if (incoming_)
    end_incoming({HttpError::Kind::connection_terminated, "the client ended the connection"});
  if (outgoing_) outgoing_->close_reader();
  outgoing_.reset();
}

BodyPipe::Wake Http1Connection::wake() const {
  return [shard = shard_.weak_from_this(), slot = slot_, generation = generation_] {
    if (auto alive = shard.lock()) alive->post_resume(slot, generation, 0);
  };
}

void Http1Connection::complete(uint32_t, Response response) {
  if (state_ != State::handling || outgoing_) return;
  if (is_interim(response.status)) {
    // HTTP/1.0 has no interim responses.
    if (minor_version_ == 0 || refused_ || !may_begin()) return;
    append_response_head(out_, response, minor_version_, false, shard_.date());
    return advance();
  }
  if (refused_ && response.status < 400) {  // what it answers is not to all of the request
    if (response.stream) response.stream->close_reader();
    response = shard_.server().handler_.refuse(refused_->first, refused_->second, peer_);
  }
  // What is whole already needs no stream.
  if (response.stream && response.stream->state() == BodyPipe::State::done &&
      response.stream->trailers().empty()) {
    response.stream->read(response.body, SIZE_MAX);
    response.stream.reset();
  }
  if (response.stream) {
    std::shared_ptr<BodyPipe> stream = response.stream;
    outgoing_chunked_ = minor_version_ == 1 && !response.stream_length;
    outgoing_sized_ = response.stream_length.has_value();
    outgoing_left_ = response.stream_length.value_or(0);
    keep_alive_ &= outgoing_chunked_ || outgoing_sized_;
    const bool no_body = head_only_ || status_has_no_body(response.status);
    append(std::move(response), keep_alive_);
    keep_alive_ = !std::exchange(close_after_output_, false);
    if (no_body) {
      stream->skip_rest();
      finish_response();
    } else {
      stream->on_readable(wake());
      outgoing_ = std::move(stream);
    }
  } else {
    append(std::move(response), keep_alive_);
    finish_response();
  }
  advance();  // does nothing when the answer came from within dispatch()
}

// The response is in the output, whole.
void Http1Connection::finish_response() {
  outgoing_.reset();
  refused_.reset();
  state_ = State::reading;
  // Content that nobody will read any more stands between here and the next request.
  if (incoming_) end_incoming({HttpError::Kind::connection_terminated, "the response has ended"});
  close_after_output_ |= !keep_alive_;
}

// Moves content of a streamed response to the output. False if there was none.
bool Http1Connection::pump() {
  if (!outgoing_) return false;
  std::string piece;
  size_t most = outgoing_sized_ ? std::min<uint64_t>(outgoing_left_, kMaxOutput) : kMaxOutput;
  BodyPipe::State state = outgoing_->read(piece, most);
  if (outgoing_sized_) outgoing_left_ -= piece.size();
  if (outgoing_chunked_ && !piece.empty())
    append_chunk(out_, piece);
  else
    out_ += piece;
  if (state == BodyPipe::State::open) return !piece.empty();
  const bool whole = !refused_ || outgoing_sized_;
  if (state == BodyPipe::State::failed || !whole || (outgoing_sized_ && outgoing_left_ > 0)) {
    // The client must see that something is missing: without a length only a broken connection
    // tells; else what there is goes out, and the connection ends before its end.
    if (!outgoing_chunked_ && !outgoing_sized_) {
      close();
      return false;
    }
    keep_alive_ = false;
    finish_response();
    return !out_.empty();
  }
  if (outgoing_chunked_) append_last_chunk(out_, outgoing_->trailers());
  finish_response();
  return !out_.empty();
}

void Http1Connection::protocol_error(int status, std::string_view reason) {
  if (state_ == State::handling) {
    // The request was handed over when its head was there: its handler answers.
    HttpError::Kind kind =
        status == 413 ? HttpError::Kind::request_body_size : HttpError::Kind::protocol_error;
    refused_ = {status, std::string(reason)};
    return end_incoming({kind, std::string(reason)});
  }
  head_only_ = false;
  minor_version_ = 1;
  append(shard_.server().handler_.refuse(status, reason, peer_), false);
}

void Http1Connection::append(Response response, bool keep_alive) {
  bool close = response.close || !keep_alive || shard_.draining() || eof_;
  append_response_head(out_, response, minor_version_, close, shard_.date());
  close_after_output_ |= close;
  if (response.stream || head_only_ || status_has_no_body(response.status)) return;
  if (response.body.size() < kLargeBody)
    out_ += response.body;
  else
    body_ = std::move(response.body);
}

// Whether another response may be begun: not behind a large body, which is sent after out_.
bool Http1Connection::may_begin() const {
  return body_.empty() && out_.size() - out_pos_ < kMaxOutput;
}

// Sends what there is. True when all of it is sent.
bool Http1Connection::flush() {
  while (output_pending() || pump()) {
    iovec parts[2];
    int count = 0;
    if (out_pos_ < out_.size()) parts[count++] = {out_.data() + out_pos_, out_.size() - out_pos_};
    if (body_pos_ < body_.size())
      parts[count++] = {body_.data() + body_pos_, body_.size() - body_pos_};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = static_cast<size_t>(count);
    ssize_t sent = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) close();
      return false;
    }
    auto rest = static_cast<size_t>(sent);
    shard_.server().stats_.bytes_sent.fetch_add(rest, std::memory_order_relaxed);
    size_t of_out = std::min(rest, out_.size() - out_pos_);
    out_pos_ += of_out;
    body_pos_ += rest - of_out;
    if (phase_ == Phase::write) phase_ = Phase::none;  // progress: the write timeout starts again
  }
  if (state_ == State::closed) return false;
  // An idle connection keeps no large buffers.
  if (out_.capacity() > kLargeBody)
    out_ = std::string();
  else
    out_.clear();
  body_ = std::string();
  out_pos_ = 0;
  body_pos_ = 0;
  return true;
}

void Http1Connection::start_lingering() {
  state_ = State::lingering;
  pending_ = std::string();
  shut();
}

void Http1Connection::update_timer() {
  if (state_ == State::closed) return;
  const HttpServerOptions& options = shard_.server().options_;
  Phase phase = Phase::none;
  uint64_t limit = 0;
  if (state_ == State::lingering) {
    phase = Phase::linger;
    limit = kLingerMs;
  } else if (output_pending()) {
    phase = Phase::write;
    limit = options.write_timeout_ms;
  } else if (state_ == State::reading || incoming_) {
    if (incoming_ && input_allowance() == 0) {
      phase = Phase::none;  // it is the handler that takes its time
    } else if (parser_.in_body()) {
      phase = Phase::body;
      limit = options.body_timeout_ms + parser_.body_bytes() * 1000 / kBytesPerSecond;
    } else if (parser_.idle()) {
      phase = Phase::idle;
      limit = served_any_ ? options.idle_timeout_ms : options.header_timeout_ms;
    } else {
      phase = Phase::head;
      limit = options.header_timeout_ms;
    }
  }
  if (phase != phase_) {
    phase_ = phase;
    phase_start_ms_ = shard_.loop().now_ms();
  }
  if (phase == Phase::none)
    shard_.loop().timers().disarm(*this);
  else if (uint64_t deadline = phase_start_ms_ + limit; !armed() || deadline_ms() != deadline)
    shard_.loop().timers().arm(*this, deadline);
}

void Http1Connection::on_timer() {
  switch (phase_) {
    case Phase::head:
    case Phase::body:
      shard_.server().stats_.timeouts.fetch_add(1, std::memory_order_relaxed);
      protocol_error(408, phase_ == Phase::head ? "the request head did not arrive in time"
                                                : "the request body did not arrive in time");
      advance();
      break;
    case Phase::write:
      shard_.server().stats_.timeouts.fetch_add(1, std::memory_order_relaxed);
      close();
      break;
    default:
      close();
      break;
  }
}

void Http1Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  end_streams();
  shard_.loop().timers().disarm(*this);
  shard_.release(*this);
}

}  // namespace sedge::net
