// The connection's state machine. Requests of one connection are handled strictly one after the
// other; while one is in flight nothing more is read, which is the back-pressure on pipelining.
#include "net/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "net/shard.h"

namespace sedge::net {
namespace {

constexpr size_t kLargeBody = 16384;         // sent from where it lies instead of being copied
constexpr size_t kMaxOutput = 65536;         // unsent bytes beyond which no request is begun
constexpr uint64_t kBytesPerSecond = 16384;  // slowest tolerated upload, after the body timeout
constexpr uint64_t kLingerMs = 2000;
constexpr uint64_t kMaxDiscard = 4 << 20;
constexpr int kRequestsPerTurn = 32;  // of one connection, before others get their turn

}  // namespace

Connection::Connection(Shard& shard, Fd socket, std::string peer, uint32_t slot,
                       uint32_t generation)
    : shard_(shard),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      slot_(slot),
      generation_(generation),
      parser_(shard.server().options_.limits) {
  update_timer();
}

void Connection::on_event(uint32_t epoll_events) {
  if (state_ == State::closed) return;
  if (epoll_events & (EPOLLERR | EPOLLHUP)) return close();
  if (epoll_events & (EPOLLIN | EPOLLRDHUP)) readable_ = true;
  if (epoll_events & EPOLLRDHUP) peer_shut_ = true;
  advance();
}

void Connection::resume() {
  resume_posted_ = false;
  advance();
}

void Connection::drain() {
  if (state_ != State::reading || !parser_.idle()) return;
  readable_ = true;  // what the client has already sent is still answered
  advance();
  if (state_ != State::reading || !parser_.idle() || !pending_.empty()) return;
  if (!output_pending()) return close();
  close_after_output_ = true;
  advance();
}

void Connection::turn_away(Response response) {
  minor_version_ = 1;
  append(std::move(response), false);
  advance();
}

// Does everything that can be done without waiting.
void Connection::advance() {
  if (advancing_ || state_ == State::closed) return;
  advancing_ = true;
  for (int budget = kRequestsPerTurn; state_ == State::reading && !close_after_output_;) {
    if (!may_begin() && !flush()) break;
    if (pending_.empty()) {
      if (!read_input()) break;
    } else {
      std::string input;
      input.swap(pending_);
      size_t used = consume(input);
      if (used < input.size() && state_ != State::closed) {
        input.erase(0, used);
        pending_ = std::move(input);
      }
    }
    if (--budget == 0) {
      if (!resume_posted_) {
        resume_posted_ = true;
        shard_.post_resume(slot_, generation_);
      }
      break;
    }
  }
  if (state_ == State::lingering) {
    discard_input();
  } else if (state_ != State::closed && flush()) {
    if (close_after_output_ && state_ == State::reading)
      start_lingering();
    else if (eof_ && state_ == State::reading && pending_.empty())
      close();
  }
  advancing_ = false;
  update_timer();
}

// Reads once and parses. False if there was nothing to read.
bool Connection::read_input() {
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
    return false;
  }
  shard_.server().stats_.bytes_received.fetch_add(static_cast<uint64_t>(count),
                                                  std::memory_order_relaxed);
  std::string_view input(scratch.data(), static_cast<size_t>(count));
  size_t used = consume(input);
  if (used < input.size() && state_ != State::closed) pending_.assign(input.substr(used));
  return true;
}

// Parses `input` until it is used up, a request went to the handler, or an error. Returns how much
// was used.
size_t Connection::consume(std::string_view input) {
  size_t pos = 0;
  int requests = 0;
  while (state_ == State::reading && !close_after_output_ && may_begin()) {
    if (pos == input.size() && parser_.idle()) break;
    if (parser_.idle()) request_start_ns_ = now_ns();
    size_t used = 0;
    RequestParser::Event event = parser_.feed(input.substr(pos), used);
    pos += used;
    switch (event) {
      case RequestParser::Event::need_more:
        if (parser_.in_body() && parser_.expects_continue() && parser_.request().body.empty() &&
            phase_ != Phase::body) {
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

void Connection::on_head() {
  Request& request = parser_.request();
  request.peer = peer_;
  request.received_ns = request_start_ns_;
  HeadVerdict verdict = shard_.server().handler_.check_head(request);
  if (!verdict.refusal) {
    parser_.set_max_body(verdict.max_body_bytes);
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

void Connection::dispatch() {
  std::unique_ptr<Request> request = parser_.take();
  head_only_ = request->method() == "HEAD";
  keep_alive_ = request->keep_alive();
  minor_version_ = static_cast<uint8_t>(request->minor_version());
  served_any_ = true;
  phase_ = Phase::none;
  state_ = State::handling;
  shard_.set_dispatching(this);
  shard_.server().handler_.handle(std::move(request),
                                  Responder(shard_.shared_from_this(), slot_, generation_));
  shard_.set_dispatching(nullptr);
}

void Connection::complete(Response response) {
  if (state_ != State::handling) return;
  state_ = State::reading;
  append(std::move(response), keep_alive_);
  advance();  // does nothing when the answer came from within dispatch()
}

void Connection::protocol_error(int status, std::string_view reason) {
  head_only_ = false;
  minor_version_ = 1;
  append(shard_.server().handler_.refuse(status, reason, peer_), false);
}

void Connection::append(Response response, bool keep_alive) {
  bool close = response.close || !keep_alive || shard_.draining() || eof_;
  append_response_head(out_, response, minor_version_, close, shard_.date());
  close_after_output_ |= close;
  if (head_only_ || status_has_no_body(response.status)) return;
  if (response.body.size() < kLargeBody)
    out_ += response.body;
  else
    body_ = std::move(response.body);
}

// Whether another response may be begun: not behind a large body, which is sent after out_.
bool Connection::may_begin() const { return body_.empty() && out_.size() - out_pos_ < kMaxOutput; }

// Sends what there is. True when all of it is sent.
bool Connection::flush() {
  while (output_pending()) {
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

// Closing a socket with unread input sends a reset, which can destroy the response on its way. So
// our side is shut first, and the peer's bytes are read until it closes, within bounds.
void Connection::start_lingering() {
  state_ = State::lingering;
  pending_ = std::string();
  ::shutdown(fd(), SHUT_WR);
  readable_ = true;
  discard_input();
}

void Connection::discard_input() {
  auto& scratch = shard_.scratch();
  while (readable_) {
    ssize_t count = ::recv(fd(), scratch.data(), scratch.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      readable_ = false;
      return;
    }
    if (count <= 0 || (discarded_ += static_cast<uint64_t>(count)) > kMaxDiscard) return close();
  }
}

void Connection::update_timer() {
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
  } else if (state_ == State::reading) {
    if (parser_.in_body()) {
      phase = Phase::body;
      limit = options.body_timeout_ms + parser_.request().body.size() * 1000 / kBytesPerSecond;
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

void Connection::on_timer() {
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

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  shard_.loop().timers().disarm(*this);
  shard_.release(*this);
}

}  // namespace sedge::net
