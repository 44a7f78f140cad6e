// Why an exchange of HTTP failed, in the terms of wasi:http's `error-code`.
#ifndef SEDGE_NET_HTTP_ERROR_H_
#define SEDGE_NET_HTTP_ERROR_H_

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace sedge::net {

/// A failure with what is known about it.
struct HttpError {
  enum class Kind : uint8_t {
    dns_timeout,
    dns_error,  ///< detail: the resolver's message
    destination_not_found,
    destination_unavailable,
    destination_ip_prohibited,
    destination_ip_unroutable,
    connection_refused,
    connection_terminated,
    connection_timeout,
    connection_read_timeout,
    connection_write_timeout,
    connection_limit_reached,
    tls_protocol_error,
    tls_certificate_error,
    tls_alert_received,  ///< number: the alert
    request_denied,
    request_method_invalid,
    request_uri_invalid,
    request_body_size,  ///< number: bytes that were written
    response_incomplete,
    response_header_section_size,
    response_body_size,
    response_transfer_coding,
    protocol_error,
    internal_error,
  };
  Kind kind = Kind::internal_error;
  std::string detail = {};              ///< For people; may be empty.
  std::optional<uint64_t> number = {};  ///< What the kind says.
};

template <typename T>
using HttpResult = std::expected<T, HttpError>;

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP_ERROR_H_
