// The resources of wasi:http/types 0.3. Content is a stream and a future with trailers; between
// guests of one store both stay theirs, else they are moved through the pipes of src/net
// (http_body.h).
#ifndef SEDGE_WASI_P3_HTTP_TYPES_H_
#define SEDGE_WASI_P3_HTTP_TYPES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "p3/wasi/http/types.h"
#include "wasi/http/field_list.h"
#include "wasi/http/message.h"
#include "wasi/p3/http_body.h"

namespace sedge::wasi::p3 {

class Fields final : public http::Fields {
 public:
  explicit Fields(wasi::http::FieldList list) : list_(std::move(list)) {}
  /// Fields that nobody may change.
  static std::unique_ptr<http::Fields> view(std::shared_ptr<const net::Headers> headers) {
    return std::make_unique<Fields>(wasi::http::FieldList::view(std::move(headers)));
  }
  static const std::shared_ptr<const net::Headers>& in(const http::Fields& fields) {
    return static_cast<const Fields&>(fields).list_.headers();
  }

  Result<std::vector<http::FieldValue>> get(Store& store, http::FieldName name) override;
  Result<bool> has(Store& store, http::FieldName name) override;
  Result<Outcome<Unit, http::HeaderError>> set(Store& store, http::FieldName name,
                                               std::vector<http::FieldValue> value) override;
  Result<Outcome<Unit, http::HeaderError>> delete_(Store& store, http::FieldName name) override;
  Result<Outcome<std::vector<http::FieldValue>, http::HeaderError>> get_and_delete(
      Store& store, http::FieldName name) override;
  Result<Outcome<Unit, http::HeaderError>> append(Store& store, http::FieldName name,
                                                  http::FieldValue value) override;
  Result<std::vector<std::tuple<http::FieldName, http::FieldValue>>> copy_all(
      Store& store) override;
  Result<std::unique_ptr<http::Fields>> clone(Store& store) override;

 private:
  wasi::http::FieldList list_;
};

class RequestOptions final : public http::RequestOptions {
 public:
  struct Times {
    std::optional<http::Duration> connect, first_byte, between_bytes;  // nanoseconds
  };
  explicit RequestOptions(Times times = {}, bool immutable = false)
      : times_(times), immutable_(immutable) {}
  const Times& times() const { return times_; }

  using Set = Outcome<Unit, http::RequestOptionsError>;
  Result<std::optional<http::Duration>> get_connect_timeout(Store&) override {
    return times_.connect;
  }
  Result<Set> set_connect_timeout(Store&, std::optional<http::Duration> duration) override {
    return set(times_.connect, duration);
  }
  Result<std::optional<http::Duration>> get_first_byte_timeout(Store&) override {
    return times_.first_byte;
  }
  Result<Set> set_first_byte_timeout(Store&, std::optional<http::Duration> duration) override {
    return set(times_.first_byte, duration);
  }
  Result<std::optional<http::Duration>> get_between_bytes_timeout(Store&) override {
    return times_.between_bytes;
  }
  Result<Set> set_between_bytes_timeout(Store&, std::optional<http::Duration> duration) override {
    return set(times_.between_bytes, duration);
  }
  Result<std::unique_ptr<http::RequestOptions>> clone(Store&) override {
    return std::make_unique<RequestOptions>(times_);
  }

 private:
  Set set(std::optional<http::Duration>& to, std::optional<http::Duration> value) const {
    if (immutable_)
      return host::err(http::RequestOptionsError{http::RequestOptionsError::Immutable{}});
    to = value;
    return Unit{};
  }
  Times times_;
  bool immutable_;
};

class Request final : public http::Request {
 public:
  Request(std::shared_ptr<const net::Headers> headers, Content content)
      : headers_(std::move(headers)), content_(std::move(content)) {}
  /// One that came from outside.
  static std::unique_ptr<Request> of(wasi::http::GuestRequest given);

  /// What the client is to send, without content, rules and timeouts; or what is wrong with it.
  net::HttpResult<net::ClientRequest> head() const;
  void set_options(RequestOptions::Times times) { options_ = times; }
  const std::optional<RequestOptions::Times>& options() const { return options_; }
  const net::Headers& headers() const { return *headers_; }
  Content take_content() { return std::move(content_); }

  Result<http::Method> get_method(Store&) override { return method_; }
  Result<Outcome<Unit, Unit>> set_method(Store& store, http::Method method) override;
  Result<std::optional<std::string>> get_path_with_query(Store&) override { return path_; }
  Result<Outcome<Unit, Unit>> set_path_with_query(Store& store,
                                                  std::optional<std::string> path) override;
  Result<std::optional<http::Scheme>> get_scheme(Store&) override { return scheme_; }
  Result<Outcome<Unit, Unit>> set_scheme(Store& store, std::optional<http::Scheme> scheme) override;
  Result<std::optional<std::string>> get_authority(Store&) override { return authority_; }
  Result<Outcome<Unit, Unit>> set_authority(Store& store,
                                            std::optional<std::string> authority) override;
  Result<std::optional<std::unique_ptr<http::RequestOptions>>> get_options(Store& store) override;
  Result<std::unique_ptr<http::Headers>> get_headers(Store&) override {
    return Fields::view(headers_);
  }

 private:
  /// Whether the guest has memory for another text of so many bytes.
  Result<bool> fits(Store& store, size_t bytes);

  http::Method method_{http::Method::Get{}};
  std::optional<std::string> path_;
  std::optional<http::Scheme> scheme_;
  std::optional<std::string> authority_;
  std::optional<RequestOptions::Times> options_;
  std::shared_ptr<const net::Headers> headers_;
  Content content_;
  net::BodyLease lease_;  // of method, path, scheme and authority
};

class Response final : public http::Response {
 public:
  Response(uint16_t status, std::shared_ptr<const net::Headers> headers, Content content)
      : status_(status), headers_(std::move(headers)), content_(std::move(content)) {}

  uint16_t status() const { return status_; }
  const net::Headers& headers() const { return *headers_; }
  Content take_content() { return std::move(content_); }

  Result<http::StatusCode> get_status_code(Store&) override { return status_; }
  Result<Outcome<Unit, Unit>> set_status_code(Store& store, http::StatusCode code) override;
  Result<std::unique_ptr<http::Headers>> get_headers(Store&) override {
    return Fields::view(headers_);
  }

 private:
  uint16_t status_;
  std::shared_ptr<const net::Headers> headers_;
  Content content_;
};

http::Host& http_types_host(Store& store);

}  // namespace sedge::wasi::p3

#endif  // SEDGE_WASI_P3_HTTP_TYPES_H_
