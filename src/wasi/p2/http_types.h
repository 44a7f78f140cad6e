// The resources of wasi:http/types: fields, requests, responses and their bodies, over the pipes of
// src/net.
#ifndef SEDGE_WASI_P2_HTTP_TYPES_H_
#define SEDGE_WASI_P2_HTTP_TYPES_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/body_pipe.h"
#include "net/http_client.h"
#include "p2/wasi/http/types.h"
#include "wasi/http/field_list.h"
#include "wasi/http/message.h"
#include "wasi/network.h"
#include "wasi/p2/signal.h"
#include "wasi/p2/streams.h"

namespace sedge::wasi::p2 {

namespace http = bindings::p2::wasi::http::types;
using PollableResource = bindings::p2::wasi::io::poll::Pollable;
using wasi::http::FieldList;
using wasi::http::GuestRequest;
using wasi::http::ResponseSink;

inline http::ErrorCode error_code(const net::HttpError& error) {
  return wasi::http::error_code<http::ErrorCode>(error);
}

/// wasi:io/error of a body that failed.
class HttpIoError final : public IoError {
 public:
  explicit HttpIoError(net::HttpError error) : IoError(error.detail), error_(std::move(error)) {}
  const net::HttpError& error() const { return error_; }

 private:
  net::HttpError error_;
};

class Fields final : public http::Fields {
 public:
  /// Fields that nobody may change.
  static Result<std::unique_ptr<Fields>> view(Store& store,
                                              std::shared_ptr<const net::Headers> headers);
  /// Fields of the guest's own. Error: component_trap when they take too much memory.
  static Result<std::unique_ptr<Fields>> own(Store& store, net::Headers headers);

  explicit Fields(FieldList list) : list_(std::move(list)) {}
  const std::shared_ptr<const net::Headers>& headers() const { return list_.headers(); }

  Result<std::vector<http::FieldValue>> get(Store& store, http::FieldName name) override;
  Result<bool> has(Store& store, http::FieldName name) override;
  Result<Outcome<Unit, http::HeaderError>> set(Store& store, http::FieldName name,
                                               std::vector<http::FieldValue> value) override;
  Result<Outcome<Unit, http::HeaderError>> delete_(Store& store, http::FieldName name) override;
  Result<Outcome<Unit, http::HeaderError>> append(Store& store, http::FieldName name,
                                                  http::FieldValue value) override;
  Result<std::vector<std::tuple<http::FieldName, http::FieldValue>>> entries(Store& store) override;
  Result<std::unique_ptr<http::Fields>> clone(Store& store) override;

 private:
  FieldList list_;
};

/// `fields.from-list`.
Result<Outcome<std::unique_ptr<http::Fields>, http::HeaderError>> fields_from_list(
    Store& store, std::vector<std::tuple<http::FieldName, http::FieldValue>> entries);

/// Where content comes from; the last owner ends it.
struct IncomingEnd {
  explicit IncomingEnd(std::shared_ptr<net::BodyPipe> from);
  ~IncomingEnd() { pipe->close_reader(); }
  std::shared_ptr<net::BodyPipe> pipe;
  std::shared_ptr<Signal> signal;
  net::BodyLease lease;
  bool stream_alive = false;
};

class IncomingBody final : public http::IncomingBody {
 public:
  explicit IncomingBody(std::shared_ptr<IncomingEnd> end) : end_(std::move(end)) {}
  const std::shared_ptr<IncomingEnd>& end() const { return end_; }
  Result<Outcome<std::unique_ptr<http::InputStream>, Unit>> stream(Store& store) override;

 private:
  std::shared_ptr<IncomingEnd> end_;
  bool taken_ = false;
};

/// Where content goes to; failed unless it is finished.
struct OutgoingEnd {
  explicit OutgoingEnd(std::optional<uint64_t> declared_length);
  ~OutgoingEnd();
  std::shared_ptr<net::BodyPipe> pipe;
  std::shared_ptr<Signal> signal;
  std::optional<uint64_t> declared;  ///< Content-Length
  uint64_t written = 0;
  bool stream_alive = false;
};

class OutgoingBody final : public http::OutgoingBody {
 public:
  OutgoingBody(std::shared_ptr<OutgoingEnd> end, bool request)
      : end_(std::move(end)), request_(request) {}
  Result<Outcome<std::unique_ptr<http::OutputStream>, Unit>> write(Store& store) override;
  Result<Outcome<Unit, http::ErrorCode>> finish(net::Headers trailers);

 private:
  std::shared_ptr<OutgoingEnd> end_;
  bool request_;
  bool taken_ = false;
};

class FutureTrailers final : public http::FutureTrailers {
 public:
  explicit FutureTrailers(std::shared_ptr<IncomingEnd> end) : end_(std::move(end)) {}
  Result<std::unique_ptr<PollableResource>> subscribe(Store& store) override;
  Result<std::optional<
      Outcome<Outcome<std::optional<std::unique_ptr<http::Trailers>>, http::ErrorCode>, Unit>>>
  get(Store& store) override;

 private:
  std::shared_ptr<IncomingEnd> end_;
  bool taken_ = false;
};

class IncomingRequest final : public http::IncomingRequest {
 public:
  explicit IncomingRequest(GuestRequest request);
  Result<http::Method> method(Store& store) override;
  Result<std::optional<std::string>> path_with_query(Store& store) override;
  Result<std::optional<http::Scheme>> scheme(Store& store) override;
  Result<std::optional<std::string>> authority(Store& store) override;
  Result<std::unique_ptr<http::Headers>> headers(Store& store) override;
  Result<Outcome<std::unique_ptr<http::IncomingBody>, Unit>> consume(Store& store) override;

 private:
  GuestRequest request_;
  std::shared_ptr<const net::Headers> headers_;
  std::shared_ptr<IncomingEnd> end_;  // null once consumed
};

class ResponseOutparam final : public http::ResponseOutparam {
 public:
  explicit ResponseOutparam(ResponseSink sink) : sink_(std::move(sink)) {}
  ~ResponseOutparam() override;
  void set(net::HttpResult<net::Response> response);
  Result<Outcome<Unit, http::ErrorCode>> send_informational(
      Store& store, uint16_t status, std::unique_ptr<http::Headers> headers) override;

 private:
  /// They go out as they come: beyond, a guest could fill the server's memory with them.
  static constexpr uint32_t kMostInformational = 100;
  ResponseSink sink_;
  uint32_t informed_ = 0;
};

class OutgoingResponse final : public http::OutgoingResponse {
 public:
  explicit OutgoingResponse(std::shared_ptr<const net::Headers> headers)
      : headers_(std::move(headers)) {}
  net::Response take();
  Result<http::StatusCode> status_code(Store&) override { return status_; }
  Result<Outcome<Unit, Unit>> set_status_code(Store& store, http::StatusCode code) override;
  Result<std::unique_ptr<http::Headers>> headers(Store& store) override;
  Result<Outcome<std::unique_ptr<http::OutgoingBody>, Unit>> body(Store& store) override;

 private:
  uint16_t status_ = 200;
  std::shared_ptr<const net::Headers> headers_;
  std::shared_ptr<OutgoingEnd> end_;
};

class OutgoingRequest final : public http::OutgoingRequest {
 public:
  explicit OutgoingRequest(std::shared_ptr<const net::Headers> headers)
      : headers_(std::move(headers)) {}
  /// The request without its rules and timeouts, or what is wrong with it.
  net::HttpResult<net::ClientRequest> take();
  Result<Outcome<std::unique_ptr<http::OutgoingBody>, Unit>> body(Store& store) override;
  Result<http::Method> method(Store&) override { return method_; }
  Result<Outcome<Unit, Unit>> set_method(Store& store, http::Method method) override;
  Result<std::optional<std::string>> path_with_query(Store&) override { return path_; }
  Result<Outcome<Unit, Unit>> set_path_with_query(Store& store,
                                                  std::optional<std::string> path) override;
  Result<std::optional<http::Scheme>> scheme(Store&) override { return scheme_; }
  Result<Outcome<Unit, Unit>> set_scheme(Store& store, std::optional<http::Scheme> scheme) override;
  Result<std::optional<std::string>> authority(Store&) override { return authority_; }
  Result<Outcome<Unit, Unit>> set_authority(Store& store,
                                            std::optional<std::string> authority) override;
  Result<std::unique_ptr<http::Headers>> headers(Store& store) override;

 private:
  http::Method method_{http::Method::Get{}};
  std::optional<std::string> path_;
  std::optional<http::Scheme> scheme_;
  std::optional<std::string> authority_;
  std::shared_ptr<const net::Headers> headers_;
  std::shared_ptr<OutgoingEnd> end_;
};

class RequestOptions final : public http::RequestOptions {
 public:
  net::ClientTimeouts timeouts() const;
  Result<std::optional<http::Duration>> connect_timeout(Store&) override { return connect_; }
  Result<Outcome<Unit, Unit>> set_connect_timeout(Store&,
                                                  std::optional<http::Duration> time) override {
    connect_ = time;
    return Unit{};
  }
  Result<std::optional<http::Duration>> first_byte_timeout(Store&) override { return first_byte_; }
  Result<Outcome<Unit, Unit>> set_first_byte_timeout(Store&,
                                                     std::optional<http::Duration> time) override {
    first_byte_ = time;
    return Unit{};
  }
  Result<std::optional<http::Duration>> between_bytes_timeout(Store&) override { return between_; }
  Result<Outcome<Unit, Unit>> set_between_bytes_timeout(
      Store&, std::optional<http::Duration> time) override {
    between_ = time;
    return Unit{};
  }

 private:
  std::optional<http::Duration> connect_, first_byte_, between_;  // nanoseconds
};

class IncomingResponse final : public http::IncomingResponse {
 public:
  IncomingResponse(net::ClientResponse response, net::BodyLease lease);
  Result<http::StatusCode> status(Store& store) override;
  Result<std::unique_ptr<http::Headers>> headers(Store& store) override;
  Result<Outcome<std::unique_ptr<http::IncomingBody>, Unit>> consume(Store& store) override;

 private:
  uint16_t status_;
  std::shared_ptr<const net::Headers> headers_;
  std::shared_ptr<IncomingEnd> end_;  // null once consumed
};

/// A response that is to come. Dropped before that, it ends the request.
class FutureIncomingResponse final : public http::FutureIncomingResponse {
 public:
  explicit FutureIncomingResponse(net::BodyLease lease);
  ~FutureIncomingResponse() override;
  void send(net::HttpClient& client, net::ClientRequest request);
  Result<std::unique_ptr<PollableResource>> subscribe(Store& store) override;
  Result<std::optional<
      Outcome<Outcome<std::unique_ptr<http::IncomingResponse>, http::ErrorCode>, Unit>>>
  get(Store& store) override;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  net::HttpClient::Exchange exchange_;
  net::BodyLease lease_;
  bool taken_ = false;
};

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_HTTP_TYPES_H_
