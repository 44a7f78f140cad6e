// See message.h.
#include "wasi/http/message.h"

#include <algorithm>
#include <charconv>

#include "net/chars.h"
#include "wasi/p1/state.h"

namespace sedge::wasi::http {
namespace {

constexpr size_t kMaxText = 65536;          // of a path or authority
constexpr uint64_t kExchangeBytes = 65536;  // of the guest's memory for a response in transit

std::unexpected<net::HttpError> refused(net::HttpError::Kind kind, std::string detail) {
  return std::unexpected(net::HttpError{kind, std::move(detail)});
}

bool is_alpha(char c) { return net::to_lower(c) >= 'a' && net::to_lower(c) <= 'z'; }

/// Of a registered name, or of who the user is.
bool is_name_char(char c) {
  return net::is_digit(c) || is_alpha(c) ||
         std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  if (text.empty() || text.size() > kMaxText) return std::nullopt;
  Authority out;
  if (size_t at = text.find('@'); at != std::string_view::npos) {
    out.has_user = true;
    bool good =
        std::ranges::all_of(text.substr(0, at), [](char c) { return c == ':' || is_name_char(c); });
    if (!good) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  size_t colon = text.rfind(':');
  size_t bracket = text.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon)) {
    std::string_view port = text.substr(colon + 1);
    uint16_t number = 0;
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (port.empty() || error != std::errc() || end != port.data() + port.size())
      return std::nullopt;
    out.port = number;
    text = text.substr(0, colon);
  }
  if (text.starts_with('[')) {
    if (!text.ends_with(']') || !net::Address::literal(text)) return std::nullopt;
    out.host = text.substr(1, text.size() - 2);
    return out;
  }
  if (text.empty() || !std::ranges::all_of(text, is_name_char)) return std::nullopt;
  out.host = text;
  return out;
}

bool is_path(std::string_view path) {
  // RFC 3986 section 3.3, and what other runtimes let pass, as the published tests ask.
  auto good = [](char c) {
    return is_name_char(c) || static_cast<uint8_t>(c) >= 0x7f ||
           std::string_view(R"(/?:@"{|}^[]\)").find(c) != std::string_view::npos;
  };
  return path.size() <= kMaxText && std::ranges::all_of(path, good);
}

bool is_scheme(std::string_view scheme) {
  return !scheme.empty() && scheme.size() <= kMaxText && is_alpha(scheme[0]) &&
         std::ranges::all_of(scheme, [](char c) {
           return net::is_digit(c) || is_alpha(c) || c == '+' || c == '-' || c == '.';
         });
}

std::optional<uint64_t> declared_length(const net::Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!net::equals_ignoring_case(name, "content-length")) continue;
    uint64_t length = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (error == std::errc() && end == value.data() + value.size()) return length;
  }
  return std::nullopt;
}

net::HttpResult<net::ClientRequest> client_request(const RequestHead& head, net::Headers headers) {
  using Kind = net::HttpError::Kind;
  net::ClientRequest request;
  request.method = head.method;
  if (head.scheme == RequestHead::Scheme::other)
    return refused(Kind::protocol_error, "only http and https are spoken here");
  request.tls = head.scheme != RequestHead::Scheme::http;
  std::optional<Authority> authority = parse_authority(head.authority.value_or(""));
  if (!authority) return refused(Kind::request_uri_invalid, "the request has no authority");
  if (authority->has_user)
    return refused(Kind::request_uri_invalid, "an authority that names a user is never sent");
  request.host = std::move(authority->host);
  request.port = authority->port.value_or(request.tls ? 443 : 80);
  request.authority = *head.authority;
  request.target = head.path.value_or("/");
  if (!std::ranges::all_of(request.target, net::is_target_char))
    return refused(Kind::request_uri_invalid, "the path has characters that are never sent");
  if (!request.target.starts_with('/') && request.target != "*") request.target.insert(0, "/");
  request.headers = std::move(headers);
  return request;
}

Result<host::Outcome<net::BodyLease, net::HttpError>> permit(Store& store,
                                                             net::ClientRequest& request) {
  using Kind = net::HttpError::Kind;
  SEDGE_TRY_ASSIGN(GuestNetwork * guest, network_of(store));
  auto rules = guest->network->rules();
  if (!rules->allows_http(request.host, request.port, request.tls)) {
    store.data<Context>()->p1().deny(
        {.kind = Denial::Kind::http, .path = request.authority, .guest = {}});
    return host::err(net::HttpError{Kind::request_denied, "no rule allows this host"});
  }
  request.permit = [rules](const net::Address& address) { return !rules->denies_connect(address); };
  net::BodyLease lease;
  if (!lease.grow(guest->memory, kExchangeBytes))
    return host::err(net::HttpError{Kind::connection_limit_reached,
                                    "the guest has too much content in transit"});
  return lease;
}

net::ClientTimeouts timeouts_of(std::optional<uint64_t> connect, std::optional<uint64_t> first_byte,
                                std::optional<uint64_t> between_bytes) {
  constexpr uint64_t kPerMillisecond = 1'000'000;
  net::ClientTimeouts timeouts;
  auto set = [](uint64_t& to, const std::optional<uint64_t>& from) {
    if (from) to = std::min(to, *from / kPerMillisecond + 1);
  };
  set(timeouts.connect_ms, connect);
  set(timeouts.first_byte_ms, first_byte);
  set(timeouts.between_bytes_ms, between_bytes);
  return timeouts;
}

std::string_view error_case(size_t index) {
  static constexpr std::string_view kNames[] = {"DNS-timeout",
                                                "DNS-error",
                                                "destination-not-found",
                                                "destination-unavailable",
                                                "destination-IP-prohibited",
                                                "destination-IP-unroutable",
                                                "connection-refused",
                                                "connection-terminated",
                                                "connection-timeout",
                                                "connection-read-timeout",
                                                "connection-write-timeout",
                                                "connection-limit-reached",
                                                "TLS-protocol-error",
                                                "TLS-certificate-error",
                                                "TLS-alert-received",
                                                "HTTP-request-denied",
                                                "HTTP-request-length-required",
                                                "HTTP-request-body-size",
                                                "HTTP-request-method-invalid",
                                                "HTTP-request-URI-invalid",
                                                "HTTP-request-URI-too-long",
                                                "HTTP-request-header-section-size",
                                                "HTTP-request-header-size",
                                                "HTTP-request-trailer-section-size",
                                                "HTTP-request-trailer-size",
                                                "HTTP-response-incomplete",
                                                "HTTP-response-header-section-size",
                                                "HTTP-response-header-size",
                                                "HTTP-response-body-size",
                                                "HTTP-response-trailer-section-size",
                                                "HTTP-response-trailer-size",
                                                "HTTP-response-transfer-coding",
                                                "HTTP-response-content-coding",
                                                "HTTP-response-timeout",
                                                "HTTP-upgrade-failed",
                                                "HTTP-protocol-error",
                                                "loop-detected",
                                                "configuration-error",
                                                "internal-error"};
  static_assert(std::size(kNames) == kErrorCases);
  return kNames[index];
}

}  // namespace sedge::wasi::http
