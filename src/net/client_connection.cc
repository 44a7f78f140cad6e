// A connection's way: name → connect (one address after the other) → TLS → request and response →
// idle, and again. The request may still be sent while the response comes.
#include "net/client_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "net/chars.h"

namespace sedge::net {
namespace {

using Kind = HttpError::Kind;

constexpr size_t kPipeBytes = 65536;  // of response content, between socket and reader
constexpr size_t kPumpBytes = 32768;  // of request content, between pipe and socket

HttpError connect_error(int error) {
  switch (error) {
    case ECONNREFUSED:
      return {Kind::connection_refused, std::strerror(error)};
    case ETIMEDOUT:
      return {Kind::connection_timeout, std::strerror(error)};
    case ENETUNREACH:
    case EHOSTUNREACH:
      return {Kind::destination_ip_unroutable, std::strerror(error)};
    default:
      return {Kind::destination_unavailable, std::strerror(error)};
  }
}

HttpError resolve_error(const ResolveError& error) {
  if (error.kind == ResolveError::Kind::temporary) return {Kind::dns_timeout, error.message};
  return {Kind::dns_error, error.message};
}

}  // namespace

std::string ClientExchange::origin() const {
  return fmt::format("{}://{}:{}", request.tls ? "https" : "http", request.host, request.port);
}

std::optional<uint64_t> ClientExchange::content_length() {
  // Content that is all there needs no chunks; none at all needs nothing where none is expected.
  if (request.body && !request.body_length && request.body->state() == BodyPipe::State::done &&
      request.body->trailers().empty())
    request.body_length = request.body->available();
  bool expected = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!request.body && expected) request.body_length = 0;
  return expected || request.body_length.value_or(0) > 0 ? request.body_length : std::nullopt;
}

ClientConnection::ClientConnection(HttpClient::Core& core, uint64_t id,
                                   std::unique_ptr<ClientExchange> exchange)
    : core_(core),
      id_(id),
      exchange_(std::move(exchange)),
      origin_(exchange_->origin()),
      parser_(core.options().limits) {}

ClientConnection::~ClientConnection() {
  if (response_body_) response_body_->fail({Kind::connection_terminated, "the client was stopped"});
}

uint64_t ClientConnection::now_ms() const { return core_.loop().now_ms(); }

void ClientConnection::open() {
  // Addresses that were allowed for one request need not be for the next: idle connections are
  // only used again for the same host, whose rules are the same.
  core_.loop().timers().arm(*this, now_ms() + exchange_->request.timeouts.connect_ms);
  core_.resolver().resolve(
      exchange_->request.host, [core = core_.weak_from_this(), id = id_](Resolved resolved) {
        auto alive = core.lock();
        if (!alive) return;
        alive->loop().post([&core = *alive, id, resolved = std::move(resolved)]() mutable {
          if (ClientConnection* connection = core.find(id))
            connection->on_resolved(std::move(resolved));
        });
      });
}

void ClientConnection::on_resolved(Resolved resolved) {
  if (!resolved) return fail(resolve_error(resolved.error()));
  addresses_ = *std::move(resolved);
  connect_next();
}

void ClientConnection::connect_next() {
  state_ = State::connecting;
  HttpError last{Kind::destination_not_found, "the name has no address"};
  while (next_address_ < addresses_.size()) {
    Address address = addresses_[next_address_++].with_port(exchange_->request.port);
    const auto& permit = exchange_->request.permit;
    if (permit && !permit(address)) {
      prohibited_ = true;
      last = {Kind::destination_ip_prohibited, address.to_string()};
      continue;
    }
    if (socket_) core_.loop().remove(socket_.get());
    socket_ = Fd(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return fail({Kind::internal_error, std::strerror(errno)});
    int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool connected = ::connect(socket_.get(), address.get(), address.size()) == 0;
    if (!connected && errno != EINPROGRESS) {
      last = connect_error(errno);
      continue;
    }
    if (!core_.loop().add(socket_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this))
      return fail({Kind::internal_error, "epoll_ctl"});
    if (connected) on_connected();
    return;
  }
  fail(std::move(last));
}

void ClientConnection::on_event(uint32_t epoll_events) {
  if (state_ == State::closed) return;
  if (state_ == State::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      if (next_address_ < addresses_.size()) return connect_next();
      return fail(connect_error(error));
    }
    if (!(epoll_events & EPOLLOUT)) return;
    return on_connected();
  }
  if (state_ == State::idle) {
    // Anything but the very first edge of writability means that the server is done with it.
    if (epoll_events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) close();
    return;
  }
  advance();
}

void ClientConnection::on_connected() {
  if (exchange_->request.tls) {
    Result<TlsClient*> tls = core_.tls();
    if (!tls) return fail({Kind::tls_protocol_error, tls.error().message()});
    transport_ = (*tls)->connect(socket_.get(), exchange_->request.host);
    if (!transport_) return fail({Kind::internal_error, "TLS could not begin"});
  } else {
    transport_ = plain_transport(socket_.get());
  }
  state_ = State::handshaking;
  advance();
}

void ClientConnection::on_established() {
  core_.loop().timers().disarm(*this);
  bool known = SEDGE_HAVE_HTTP2 && core_.options().http2_cleartext && !exchange_->request.tls;
  if (!known && !transport_->http2()) return begin_request();
  state_ = State::closed;
  core_.share(*this, std::move(socket_), std::move(transport_), std::move(exchange_));
}

void ClientConnection::reuse(std::unique_ptr<ClientExchange> exchange) {
  exchange_ = std::move(exchange);
  reused_ = true;
  begin_request();
  advance();
}

void ClientConnection::begin_request() {
  ClientRequest& request = exchange_->request;
  state_ = State::active;
  received_any_ = false;
  keep_alive_ = false;
  body_sent_ = 0;
  parser_.expect(request.method == "HEAD");
  out_.clear();
  out_pos_ = 0;
  fmt::format_to(std::back_inserter(out_), "{} {} HTTP/1.1\r\nHost: {}\r\n", request.method,
                 request.target, request.authority);
  std::erase_if(request.headers,
                [](const auto& header) { return equals_ignoring_case(header.first, "host"); });
  append_fields(out_, request.headers);
  std::optional<uint64_t> length = exchange_->content_length();
  body_done_ = !request.body;
  body_chunked_ = request.body && !request.body_length;
  body_left_ = request.body_length.value_or(0);
  if (body_chunked_)
    out_ += "Transfer-Encoding: chunked\r\n";
  else if (length)
    fmt::format_to(std::back_inserter(out_), "Content-Length: {}\r\n", *length);
  out_ += "\r\n";
  if (request.body) request.body->on_readable(wake());
  progress();
}

BodyPipe::Wake ClientConnection::wake() const {
  return [core = core_.weak_from_this(), id = id_] {
    auto alive = core.lock();
    if (!alive) return;
    alive->loop().post([&core = *alive, id] {
      if (ClientConnection* connection = core.find(id)) connection->resume();
    });
  };
}

void ClientConnection::progress() {
  progress_ms_ = now_ms();
  if (armed()) return;
  const ClientTimeouts& timeouts = exchange_->request.timeouts;
  core_.loop().timers().arm(
      *this, progress_ms_ + (response_body_ ? timeouts.between_bytes_ms : timeouts.first_byte_ms));
}

void ClientConnection::on_timer() {
  switch (state_) {
    case State::resolving:
      return fail({Kind::dns_timeout, "the name was not resolved in time"});
    case State::connecting:
    case State::handshaking:
      return fail({Kind::connection_timeout, "no connection in time"});
    case State::active: {
      const ClientTimeouts& timeouts = exchange_->request.timeouts;
      // Whether it is our reader who takes its time.
      bool paused = response_body_ && response_body_->room() == 0;
      uint64_t deadline =
          progress_ms_ + (response_body_ ? timeouts.between_bytes_ms : timeouts.first_byte_ms);
      if (paused) progress_ms_ = now_ms();
      if (paused || deadline > now_ms())
        return core_.loop().timers().arm(*this,
                                         paused ? now_ms() + timeouts.between_bytes_ms : deadline);
      return fail({Kind::connection_read_timeout, "the server did not answer in time"});
    }
    default:
      return close();
  }
}

void ClientConnection::advance() {
  if (advancing_) return;
  advancing_ = true;
  if (state_ == State::handshaking) {
    switch (transport_->handshake()) {
      case Transport::Outcome::moved:
        on_established();
        break;
      case Transport::Outcome::blocked:
        break;
      default:
        fail(transport_->error());
        break;
    }
  }
  while (state_ == State::active) {
    bool sent = send_some();
    if (state_ != State::active) break;
    bool received = receive_some();
    if (!sent && !received) break;
  }
  advancing_ = false;
}

// Moves request content to the output. False if there was none.
bool ClientConnection::pump_request() {
  if (body_done_) return false;
  BodyPipe& body = *exchange_->request.body;
  std::string piece;
  BodyPipe::State state = body.read(piece, kPumpBytes);
  body_sent_ += piece.size();
  if (state == BodyPipe::State::failed || (!body_chunked_ && piece.size() > body_left_) ||
      (!body_chunked_ && state == BodyPipe::State::done && piece.size() < body_left_)) {
    HttpError error = body.error();
    if (state != BodyPipe::State::failed)
      error = {Kind::request_body_size, "not the length that Content-Length says", body_sent_};
    fail(std::move(error));
    return false;
  }
  if (!body_chunked_) {
    body_left_ -= piece.size();
    out_ += piece;
  } else if (!piece.empty()) {
    append_chunk(out_, piece);
  }
  if (state == BodyPipe::State::done) {
    if (body_chunked_) append_last_chunk(out_, body.trailers());
    body_done_ = true;
  }
  return !piece.empty() || body_done_;
}

bool ClientConnection::send_some() {
  bool any = false;
  for (;;) {
    if (out_pos_ == out_.size()) {
      out_.clear();
      out_pos_ = 0;
      if (!pump_request() || out_.empty()) return any;
    }
    Transport::Io io = transport_->write(std::string_view(out_).substr(out_pos_));
    if (io.outcome == Transport::Outcome::blocked) return any;
    if (io.outcome != Transport::Outcome::moved) {
      // A server may answer and close before it has read everything: its answer counts.
      body_done_ = true;
      out_.clear();
      out_pos_ = 0;
      if (exchange_->request.body) exchange_->request.body->close_reader();
      return any;
    }
    out_pos_ += io.count;
    any = true;
    progress();
  }
}

bool ClientConnection::receive_some() {
  auto& scratch = core_.scratch();
  size_t most = scratch.size();
  if (response_body_) {
    if (response_body_->reader_gone()) {
      close();
      return false;
    }
    most = std::min(most, response_body_->room());
    if (most == 0) return false;
  }
  Transport::Io io = transport_->read(std::span(scratch).first(most));
  switch (io.outcome) {
    case Transport::Outcome::blocked:
      return false;
    case Transport::Outcome::ended:
      if (parser_.feed_end() == MessageParser::Event::done) {
        finish(false);
      } else {
        fail({received_any_ ? Kind::response_incomplete : Kind::connection_terminated,
              "the server ended the connection"});
      }
      return false;
    case Transport::Outcome::failed:
      fail(transport_->error());
      return false;
    case Transport::Outcome::moved:
      received_any_ = true;
      progress();
      return on_input(std::string_view(scratch.data(), io.count));
  }
  return false;
}

bool ClientConnection::on_input(std::string_view input) {
  for (;;) {
    size_t used = 0;
    MessageParser::Event event = parser_.feed(input, used);
    input.remove_prefix(used);
    if (response_body_) {
      std::string& body = parser_.response().body;
      response_body_->write(body);
      body.clear();
    }
    switch (event) {
      case MessageParser::Event::need_more:
        return true;
      case MessageParser::Event::head:
        deliver_head();
        break;
      case MessageParser::Event::done:
        finish(input.empty());
        return false;
      case MessageParser::Event::error:
        fail_parse();
        return false;
    }
  }
}

void ClientConnection::fail_parse() {
  Kind kind = Kind::protocol_error;
  if (parser_.error().status == 431 || parser_.error().status == 414)
    kind = Kind::response_header_section_size;
  if (parser_.error().status == 413) kind = Kind::response_body_size;
  if (parser_.error().status == 501) kind = Kind::response_transfer_coding;
  fail({kind, std::string(parser_.error().reason)});
}

void ClientConnection::deliver_head() {
  keep_alive_ = parser_.response().keep_alive();
  response_body_ = std::make_shared<BodyPipe>(kPipeBytes);
  response_body_->on_writable(wake());
  core_.loop().timers().disarm(*this);  // another limit counts from here
  progress();
  ClientResponse response{.head = parser_.take_head(), .body = response_body_};
  if (HttpClient::Done done = std::exchange(exchange_->done, nullptr)) done(std::move(response));
}

// The response is complete. `clean`: nothing came behind it.
void ClientConnection::finish(bool clean) {
  response_body_->finish(std::move(parser_.response().trailers));
  response_body_.reset();
  bool sent = body_done_ && out_pos_ == out_.size();
  if (exchange_->request.body) exchange_->request.body->close_reader();
  exchange_.reset();
  core_.loop().timers().disarm(*this);
  if (!clean || !sent || !keep_alive_) return close();
  // The server's end of the connection may have come with the last bytes: no event tells of it.
  if (transport_->read(std::span(core_.scratch()).first(1)).outcome != Transport::Outcome::blocked)
    return close();
  state_ = State::idle;
  core_.loop().timers().arm(*this, now_ms() + core_.options().idle_timeout_ms);
  core_.made_idle(*this);
}

void ClientConnection::fail(HttpError error) {
  if (state_ == State::closed) return;
  std::unique_ptr<ClientExchange> exchange = std::move(exchange_);
  // An idle connection may be closed by the server at the moment that it is used.
  bool stale = reused_ && !received_any_ && exchange && !exchange->request.body &&
               !exchange->retried && error.kind == Kind::connection_terminated;
  if (response_body_) response_body_->fail(error);
  response_body_.reset();
  if (exchange && exchange->request.body && !stale) exchange->request.body->close_reader();
  close();
  if (!exchange || !exchange->done) return;
  if (stale) {
    exchange->retried = true;
    core_.submit(std::move(exchange));
  } else {
    std::exchange(exchange->done, nullptr)(std::unexpected(std::move(error)));
  }
}

void ClientConnection::close() {
  if (state_ == State::closed) return;
  bool was_idle = state_ == State::idle;
  state_ = State::closed;
  if (exchange_) exchange_->done = nullptr;  // given up by the one who would be told
  if (exchange_ && exchange_->request.body) exchange_->request.body->close_reader();
  if (response_body_)
    response_body_->fail({Kind::connection_terminated, "the request was given up"});
  response_body_.reset();
  exchange_.reset();
  transport_.reset();
  core_.loop().timers().disarm(*this);
  if (socket_) core_.loop().remove(socket_.get());
  core_.release(*this, was_idle);
}

}  // namespace sedge::net
