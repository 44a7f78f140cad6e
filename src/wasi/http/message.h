// What the requests and responses of both WASI versions have in common: the parts of a request, its
// way to the client, and the interfaces' variants, which have the same cases in the same order.
#ifndef SEDGE_WASI_HTTP_MESSAGE_H_
#define SEDGE_WASI_HTTP_MESSAGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <sedge/host.h>

#include "net/body_pipe.h"
#include "net/http_client.h"
#include "wasi/network.h"

namespace sedge::wasi::http {

/// Content in transit between a guest and its peer, in bytes.
constexpr size_t kPipeBytes = 65536;

/// A request that a guest is to answer.
struct GuestRequest {
  std::string method;
  std::string path_with_query;
  std::string authority;
  net::Headers headers;
  std::shared_ptr<net::BodyPipe> body;
};

/// What the guest answers: a response, or why there is none; before it interim responses (1xx).
using ResponseSink = std::move_only_function<void(net::HttpResult<net::Response>)>;

/// A request that a guest makes, beside its fields and content.
struct RequestHead {
  enum class Scheme : uint8_t { unset, http, https, other };
  std::string_view method;
  Scheme scheme = Scheme::unset;
  const std::optional<std::string>& authority;
  const std::optional<std::string>& path;
};
/// The request without content, rules and timeouts, or what is wrong with it.
net::HttpResult<net::ClientRequest> client_request(const RequestHead& head, net::Headers headers);

/// Sees whether the guest may send the request, and gives it the rules that its addresses are held
/// against. `lease`: what the exchange takes of the guest's memory. Error: host_failure.
Result<host::Outcome<net::BodyLease, net::HttpError>> permit(Store& store,
                                                             net::ClientRequest& request);

/// In nanoseconds; what is not said is the host's choice, and the most that may be said.
net::ClientTimeouts timeouts_of(std::optional<uint64_t> connect, std::optional<uint64_t> first_byte,
                                std::optional<uint64_t> between_bytes);

/// The Content-Length field's number, if there is one that makes sense.
std::optional<uint64_t> declared_length(const net::Headers& headers);

struct Authority {
  bool has_user = false;  ///< `user@`, which is never sent
  std::string host;
  std::optional<uint16_t> port;
};
/// `name`, `name:80`, `[::1]:80`, with `user@` or `user:password@` before.
std::optional<Authority> parse_authority(std::string_view text);
/// Characters of a path and query, and no more of them than a request line holds.
bool is_path(std::string_view path);
bool is_scheme(std::string_view scheme);

// ---- The variants of an interface

constexpr std::string_view kMethods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                         "CONNECT", "OPTIONS", "TRACE", "PATCH"};

template <typename Method>
std::string_view method_name(const Method& method) {
  if (const auto* other = std::get_if<typename Method::Other>(&method.value)) return other->value;
  return kMethods[method.value.index()];
}

template <typename Method>
Method method_of(std::string_view name) {
  Method method{typename Method::Other{std::string(name)}};
  [&]<size_t... kIndex>(std::index_sequence<kIndex...>) {
    ((name == kMethods[kIndex] ? void(method.value.template emplace<kIndex>()) : void()), ...);
  }(std::make_index_sequence<std::size(kMethods)>{});
  return method;
}

template <typename Scheme>
RequestHead::Scheme scheme_of(const std::optional<Scheme>& scheme) {
  if (!scheme) return RequestHead::Scheme::unset;
  if (std::holds_alternative<typename Scheme::Http>(scheme->value))
    return RequestHead::Scheme::http;
  return std::holds_alternative<typename Scheme::Https>(scheme->value) ? RequestHead::Scheme::https
                                                                       : RequestHead::Scheme::other;
}

template <typename E>
E error_code(const net::HttpError& error) {
  using Kind = net::HttpError::Kind;
  auto text = [](const std::string& detail) {
    return detail.empty() ? std::nullopt : std::optional(detail);
  };
  switch (error.kind) {
    case Kind::dns_timeout:
      return {typename E::DnsTimeout{}};
    case Kind::dns_error:
      return {typename E::DnsError{{.rcode = text(error.detail), .info_code = std::nullopt}}};
    case Kind::destination_not_found:
      return {typename E::DestinationNotFound{}};
    case Kind::destination_unavailable:
      return {typename E::DestinationUnavailable{}};
    case Kind::destination_ip_prohibited:
      return {typename E::DestinationIpProhibited{}};
    case Kind::destination_ip_unroutable:
      return {typename E::DestinationIpUnroutable{}};
    case Kind::connection_refused:
      return {typename E::ConnectionRefused{}};
    case Kind::connection_terminated:
      return {typename E::ConnectionTerminated{}};
    case Kind::connection_timeout:
      return {typename E::ConnectionTimeout{}};
    case Kind::connection_read_timeout:
      return {typename E::ConnectionReadTimeout{}};
    case Kind::connection_write_timeout:
      return {typename E::ConnectionWriteTimeout{}};
    case Kind::connection_limit_reached:
      return {typename E::ConnectionLimitReached{}};
    case Kind::tls_protocol_error:
      return {typename E::TlsProtocolError{}};
    case Kind::tls_certificate_error:
      return {typename E::TlsCertificateError{}};
    case Kind::tls_alert_received:
      return {
          typename E::TlsAlertReceived{{.alert_id = static_cast<uint8_t>(error.number.value_or(0)),
                                        .alert_message = text(error.detail)}}};
    case Kind::request_denied:
      return {typename E::HttpRequestDenied{}};
    case Kind::request_method_invalid:
      return {typename E::HttpRequestMethodInvalid{}};
    case Kind::request_uri_invalid:
      return {typename E::HttpRequestUriInvalid{}};
    case Kind::request_body_size:
      return {typename E::HttpRequestBodySize{error.number}};
    case Kind::response_incomplete:
      return {typename E::HttpResponseIncomplete{}};
    case Kind::response_header_section_size:
      return {typename E::HttpResponseHeaderSectionSize{std::nullopt}};
    case Kind::response_body_size:
      return {typename E::HttpResponseBodySize{error.number}};
    case Kind::response_transfer_coding:
      return {typename E::HttpResponseTransferCoding{std::nullopt}};
    case Kind::protocol_error:
      return {typename E::HttpProtocolError{}};
    case Kind::internal_error:
      break;
  }
  return {typename E::InternalError{text(error.detail)}};
}

/// The name of an `error-code`'s case, as the interface writes it.
std::string_view error_case(size_t index);
constexpr size_t kErrorCases = 39;

/// An internal_error with the case's name.
template <typename E>
net::HttpError http_error(const E& error) {
  static_assert(std::variant_size_v<decltype(error.value)> == kErrorCases);
  std::string detail(error_case(error.value.index()));
  if (const auto* internal = std::get_if<typename E::InternalError>(&error.value))
    if (internal->value) detail += ": " + *internal->value;
  return {.kind = net::HttpError::Kind::internal_error, .detail = std::move(detail)};
}

}  // namespace sedge::wasi::http

#endif  // SEDGE_WASI_HTTP_MESSAGE_H_
