// Requests, responses and bodies. See http_types.h.
#include "wasi/p2/http_types.h"

#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "net/chars.h"

namespace sedge::wasi::p2 {
namespace {

using wasi::http::declared_length;
using wasi::http::kPipeBytes;

/// Ready when `ready` says so; owns what it asks.
template <typename Ready>
Watch watch_signal(std::shared_ptr<Signal> signal, Ready ready) {
  return
      [signal = std::move(signal), ready = std::move(ready)] { return signal->condition(ready); };
}

class BodyInput final : public InputStream {
 public:
  explicit BodyInput(std::shared_ptr<IncomingEnd> end) : end_(std::move(end)) {
    end_->stream_alive = true;
  }
  ~BodyInput() override { end_->stream_alive = false; }
  Result<Streamed<std::string>> take(Store&, size_t len) override {
    std::string bytes;
    net::BodyPipe::State state = end_->pipe->read(bytes, len);
    if (!bytes.empty() || state == net::BodyPipe::State::open) return bytes;
    if (state == net::BodyPipe::State::done) return closed();
    return failed(std::make_unique<HttpIoError>(end_->pipe->error()));
  }
  Watch watch() override {
    return watch_signal(end_->signal, [end = end_] { return end->pipe->readable(); });
  }

 private:
  std::shared_ptr<IncomingEnd> end_;
};

class BodyOutput final : public OutputStream {
 public:
  explicit BodyOutput(std::shared_ptr<OutgoingEnd> end) : end_(std::move(end)) {
    end_->stream_alive = true;
  }
  ~BodyOutput() override { end_->stream_alive = false; }
  Result<Streamed<uint64_t>> room(Store&) override {
    if (end_->pipe->reader_gone()) return closed();
    return end_->pipe->room();
  }
  Result<Streamed<Unit>> put(Store&, std::string_view bytes) override {
    if (end_->declared && bytes.size() > *end_->declared - end_->written)
      return failed(std::make_unique<HttpIoError>(
          net::HttpError{net::HttpError::Kind::request_body_size,
                         "more content than Content-Length says", end_->written + bytes.size()}));
    end_->written += end_->pipe->write(bytes);
    return Unit{};
  }
  Watch watch() override {
    return watch_signal(end_->signal,
                        [end = end_] { return end->pipe->room() > 0 || end->pipe->reader_gone(); });
  }

 private:
  std::shared_ptr<OutgoingEnd> end_;
};

/// The one body of a request or response; an error once it was taken, or when the guest has too
/// much content in transit.
Result<Outcome<std::unique_ptr<http::OutgoingBody>, Unit>> make_body(
    Store& store, const net::Headers& headers, std::shared_ptr<OutgoingEnd>& end, bool request) {
  if (end) return host::err();
  SEDGE_TRY_ASSIGN(GuestNetwork * network, network_of(store));
  auto made = std::make_shared<OutgoingEnd>(declared_length(headers));
  if (!made->pipe->lease.grow(network->memory, kPipeBytes)) return host::err();
  end = made;
  return std::unique_ptr<http::OutgoingBody>(
      std::make_unique<OutgoingBody>(std::move(made), request));
}

Result<std::unique_ptr<http::Headers>> view_of(Store& store,
                                               std::shared_ptr<const net::Headers> headers) {
  SEDGE_TRY_ASSIGN(auto fields, Fields::view(store, std::move(headers)));
  return fields;
}

}  // namespace

// ---- Ends of pipes

IncomingEnd::IncomingEnd(std::shared_ptr<net::BodyPipe> from)
    : pipe(std::move(from)), signal(std::make_shared<Signal>()) {
  pipe->on_readable([signal = signal] { signal->raise(); });
}

OutgoingEnd::OutgoingEnd(std::optional<uint64_t> declared_length)
    : pipe(std::make_shared<net::BodyPipe>(kPipeBytes)),
      signal(std::make_shared<Signal>()),
      declared(declared_length) {
  pipe->on_writable([signal = signal] { signal->raise(); });
}

OutgoingEnd::~OutgoingEnd() {
  pipe->fail({net::HttpError::Kind::internal_error, "the guest did not finish the body"});
}

Result<Outcome<std::unique_ptr<http::InputStream>, Unit>> IncomingBody::stream(Store&) {
  if (std::exchange(taken_, true)) return host::err();
  return std::unique_ptr<http::InputStream>(std::make_unique<BodyInput>(end_));
}

Result<Outcome<std::unique_ptr<http::OutputStream>, Unit>> OutgoingBody::write(Store&) {
  if (std::exchange(taken_, true)) return host::err();
  return std::unique_ptr<http::OutputStream>(std::make_unique<BodyOutput>(end_));
}

Result<Outcome<Unit, http::ErrorCode>> OutgoingBody::finish(net::Headers trailers) {
  if (end_->stream_alive)
    return fail(ErrorCode::component_trap, ": outgoing-body.finish while its stream is open");
  if (end_->declared && end_->written != *end_->declared) {
    end_->pipe->fail({net::HttpError::Kind::request_body_size,
                      "not as much content as Content-Length says", end_->written});
    http::ErrorCode error;
    if (request_)
      error.value = http::ErrorCode::HttpRequestBodySize{end_->written};
    else
      error.value = http::ErrorCode::HttpResponseBodySize{end_->written};
    return host::err(std::move(error));
  }
  end_->pipe->finish(std::move(trailers));
  return Unit{};
}

// ---- Trailers

Result<std::unique_ptr<PollableResource>> FutureTrailers::subscribe(Store&) {
  // What nobody reads must not keep the trailers from coming.
  return pollable(watch_signal(end_->signal, [end = end_] {
    std::string dropped;
    return end->pipe->read(dropped, SIZE_MAX) != net::BodyPipe::State::open;
  }));
}

Result<std::optional<
    Outcome<Outcome<std::optional<std::unique_ptr<http::Trailers>>, http::ErrorCode>, Unit>>>
FutureTrailers::get(Store& store) {
  using Inner = Outcome<std::optional<std::unique_ptr<http::Trailers>>, http::ErrorCode>;
  using Outer = Outcome<Inner, Unit>;
  if (taken_) return Outer(host::err());
  std::string dropped;
  net::BodyPipe::State state = end_->pipe->read(dropped, SIZE_MAX);
  if (state == net::BodyPipe::State::open) return std::nullopt;
  taken_ = true;
  if (state == net::BodyPipe::State::failed)
    return Outer(Inner(host::err(error_code(end_->pipe->error()))));
  net::Headers trailers = end_->pipe->trailers();
  std::optional<std::unique_ptr<http::Trailers>> some;
  if (!trailers.empty()) {
    SEDGE_TRY_ASSIGN(some,
                     view_of(store, std::make_shared<const net::Headers>(std::move(trailers))));
  }
  return Outer(Inner(std::move(some)));
}

// ---- Requests that come in

IncomingRequest::IncomingRequest(GuestRequest request)
    : request_(std::move(request)),
      headers_(std::make_shared<const net::Headers>(std::move(request_.headers))),
      end_(std::make_shared<IncomingEnd>(std::move(request_.body))) {}

Result<http::Method> IncomingRequest::method(Store&) {
  return wasi::http::method_of<http::Method>(request_.method);
}
Result<std::optional<std::string>> IncomingRequest::path_with_query(Store&) {
  return request_.path_with_query;
}
Result<std::optional<http::Scheme>> IncomingRequest::scheme(Store&) {
  return http::Scheme{http::Scheme::Http{}};
}
Result<std::optional<std::string>> IncomingRequest::authority(Store&) {
  if (request_.authority.empty()) return std::nullopt;
  return request_.authority;
}
Result<std::unique_ptr<http::Headers>> IncomingRequest::headers(Store& store) {
  return view_of(store, headers_);
}
Result<Outcome<std::unique_ptr<http::IncomingBody>, Unit>> IncomingRequest::consume(Store&) {
  if (!end_) return host::err();
  return std::unique_ptr<http::IncomingBody>(std::make_unique<IncomingBody>(std::move(end_)));
}

// ---- Responses that go out

ResponseOutparam::~ResponseOutparam() {
  set(std::unexpected(
      net::HttpError{net::HttpError::Kind::internal_error, "the guest set no response"}));
}

void ResponseOutparam::set(net::HttpResult<net::Response> response) {
  if (sink_) std::exchange(sink_, nullptr)(std::move(response));
}

Result<Outcome<Unit, http::ErrorCode>> ResponseOutparam::send_informational(
    Store&, uint16_t status, std::unique_ptr<http::Headers> headers) {
  // Nobody has asked for another protocol, which is what 101 would answer.
  if (!net::is_interim(status) || status == 101)
    return host::err(http::ErrorCode{http::ErrorCode::HttpProtocolError{}});
  if (informed_ == kMostInformational)
    return host::err(http::ErrorCode{http::ErrorCode::InternalError{
        fmt::format("more than {} informational responses to one request", kMostInformational)}});
  ++informed_;
  net::Response response;
  response.status = status;
  response.headers = *static_cast<Fields&>(*headers).headers();
  // RFC 9110 section 8.6.
  std::erase_if(response.headers, [](const auto& field) {
    return net::equals_ignoring_case(field.first, "content-length");
  });
  if (sink_) sink_(std::move(response));
  return Unit{};
}

Result<Outcome<Unit, Unit>> OutgoingResponse::set_status_code(Store&, http::StatusCode code) {
  // 1xx are no final responses; beyond 999 no status line holds them.
  if (code < 200 || code > 999) return host::err();
  status_ = code;
  return Unit{};
}

Result<std::unique_ptr<http::Headers>> OutgoingResponse::headers(Store& store) {
  return view_of(store, headers_);
}

Result<Outcome<std::unique_ptr<http::OutgoingBody>, Unit>> OutgoingResponse::body(Store& store) {
  return make_body(store, *headers_, end_, false);
}

net::Response OutgoingResponse::take() {
  net::Response response;
  response.status = status_;
  response.headers = *headers_;
  if (end_) {
    response.stream = end_->pipe;
    response.stream_length = end_->declared;
  }
  return response;
}

// ---- Requests that go out

Result<Outcome<std::unique_ptr<http::OutgoingBody>, Unit>> OutgoingRequest::body(Store& store) {
  return make_body(store, *headers_, end_, true);
}

Result<Outcome<Unit, Unit>> OutgoingRequest::set_method(Store&, http::Method method) {
  if (!net::is_token(wasi::http::method_name(method))) return host::err();
  method_ = std::move(method);
  return Unit{};
}

Result<Outcome<Unit, Unit>> OutgoingRequest::set_path_with_query(Store&,
                                                                 std::optional<std::string> path) {
  if (path && !wasi::http::is_path(*path)) return host::err();
  path_ = std::move(path);
  return Unit{};
}

Result<Outcome<Unit, Unit>> OutgoingRequest::set_scheme(Store&,
                                                        std::optional<http::Scheme> scheme) {
  const auto* other = scheme ? std::get_if<http::Scheme::Other>(&scheme->value) : nullptr;
  if (other && !wasi::http::is_scheme(other->value)) return host::err();
  scheme_ = std::move(scheme);
  return Unit{};
}

Result<Outcome<Unit, Unit>> OutgoingRequest::set_authority(Store&,
                                                           std::optional<std::string> authority) {
  auto parsed = wasi::http::parse_authority(authority.value_or(""));
  if (authority && (!parsed || parsed->has_user)) return host::err();
  authority_ = std::move(authority);
  return Unit{};
}

Result<std::unique_ptr<http::Headers>> OutgoingRequest::headers(Store& store) {
  return view_of(store, headers_);
}

net::HttpResult<net::ClientRequest> OutgoingRequest::take() {
  auto request = wasi::http::client_request({.method = wasi::http::method_name(method_),
                                             .scheme = wasi::http::scheme_of(scheme_),
                                             .authority = authority_,
                                             .path = path_},
                                            *headers_);
  if (request && end_) {
    request->body = end_->pipe;
    request->body_length = end_->declared;
  }
  return request;
}

net::ClientTimeouts RequestOptions::timeouts() const {
  return wasi::http::timeouts_of(connect_, first_byte_, between_);
}

// ---- Responses that come in

IncomingResponse::IncomingResponse(net::ClientResponse response, net::BodyLease lease)
    : status_(static_cast<uint16_t>(response.head->status)),
      headers_(std::make_shared<const net::Headers>(wasi::http::headers_of(*response.head))),
      end_(std::make_shared<IncomingEnd>(std::move(response.body))) {
  end_->lease = std::move(lease);
}

Result<http::StatusCode> IncomingResponse::status(Store&) { return status_; }
Result<std::unique_ptr<http::Headers>> IncomingResponse::headers(Store& store) {
  return view_of(store, headers_);
}
Result<Outcome<std::unique_ptr<http::IncomingBody>, Unit>> IncomingResponse::consume(Store&) {
  if (!end_) return host::err();
  return std::unique_ptr<http::IncomingBody>(std::make_unique<IncomingBody>(std::move(end_)));
}

struct FutureIncomingResponse::Shared {
  std::mutex mutex;
  std::optional<net::HttpResult<net::ClientResponse>> response;  // guarded by mutex
  bool dropped = false;                                          // guarded by mutex
  std::shared_ptr<Signal> signal = std::make_shared<Signal>();

  bool ready() {
    std::lock_guard lock(mutex);
    return response.has_value();
  }
};

FutureIncomingResponse::FutureIncomingResponse(net::BodyLease lease)
    : shared_(std::make_shared<Shared>()), lease_(std::move(lease)) {}

FutureIncomingResponse::~FutureIncomingResponse() {
  std::optional<net::HttpResult<net::ClientResponse>> unread;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->dropped = true;
    unread = std::move(shared_->response);
  }
  if (unread && *unread && (*unread)->body) (*unread)->body->close_reader();
  if (!taken_ && !unread) exchange_.cancel();
}

void FutureIncomingResponse::send(net::HttpClient& client, net::ClientRequest request) {
  exchange_ = client.send(std::move(request),
                          [shared = shared_](net::HttpResult<net::ClientResponse> response) {
                            {
                              std::lock_guard lock(shared->mutex);
                              if (shared->dropped) {
                                if (response) response->body->close_reader();
                                return;
                              }
                              shared->response = std::move(response);
                            }
                            shared->signal->raise();
                          });
}

Result<std::unique_ptr<PollableResource>> FutureIncomingResponse::subscribe(Store&) {
  return pollable(watch_signal(
      shared_->signal, [shared = shared_, taken = taken_] { return taken || shared->ready(); }));
}

Result<
    std::optional<Outcome<Outcome<std::unique_ptr<http::IncomingResponse>, http::ErrorCode>, Unit>>>
FutureIncomingResponse::get(Store&) {
  using Inner = Outcome<std::unique_ptr<http::IncomingResponse>, http::ErrorCode>;
  using Outer = Outcome<Inner, Unit>;
  if (taken_) return Outer(host::err());
  std::optional<net::HttpResult<net::ClientResponse>> response;
  {
    std::lock_guard lock(shared_->mutex);
    if (!shared_->response) return std::nullopt;
    response = std::exchange(shared_->response, std::nullopt);
  }
  taken_ = true;
  if (!*response) return Outer(Inner(host::err(error_code(response->error()))));
  return Outer(Inner(std::unique_ptr<http::IncomingResponse>(
      std::make_unique<IncomingResponse>(**std::move(response), std::move(lease_)))));
}

}  // namespace sedge::wasi::p2
