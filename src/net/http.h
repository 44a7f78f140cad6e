// HTTP messages as the server hands them to a handler and gets them back. RFC 9110.
#ifndef SEDGE_NET_HTTP_H_
#define SEDGE_NET_HTTP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sedge::net {

/// One field line. Names of requests are lower case.
struct HeaderView {
  std::string_view name;
  std::string_view value;
};

/// What a handler wants to remember between the head and the whole of a request.
class RequestContext {
 public:
  virtual ~RequestContext() = default;
};

/// A request. Owns its bytes; every view it returns lives as long as the request stays in place.
class Request {
 public:
  std::string_view method() const { return view(method_); }
  /// The request-target as it was sent.
  std::string_view target() const { return view(target_); }
  /// Path of the target, percent-encoding untouched; begins with '/', or is "*" (OPTIONS).
  std::string_view path() const { return path_.size ? view(path_) : std::string_view("/"); }
  /// Query of the target without the '?'; empty if there is none.
  std::string_view query() const { return view(query_); }
  /// Host of the target or of the Host field, with its port; empty in HTTP/1.0 without one.
  std::string_view host() const { return view(host_); }
  /// 0 for HTTP/1.0, 1 for HTTP/1.1.
  int minor_version() const { return minor_version_; }
  bool keep_alive() const { return keep_alive_; }

  size_t header_count() const { return headers_.size(); }
  HeaderView header(size_t index) const {
    return {view(headers_[index].name), view(headers_[index].value)};
  }
  /// Value of the first field of that (lower-case) name.
  std::optional<std::string_view> find(std::string_view name) const {
    for (const Field& field : headers_)
      if (view(field.name) == name) return view(field.value);
    return std::nullopt;
  }

  std::string body;
  /// Address of the peer without port.
  std::string peer;
  /// Bytes that the request took on the wire.
  uint64_t wire_bytes = 0;
  /// CLOCK_MONOTONIC in nanoseconds when the first byte was read.
  uint64_t received_ns = 0;
  /// The handler's own; set in check_head().
  std::unique_ptr<RequestContext> context;

 private:
  friend class RequestParser;
  struct Slice {
    uint32_t offset = 0;
    uint32_t size = 0;
  };
  struct Field {
    Slice name;
    Slice value;
  };
  std::string_view view(Slice slice) const {
    return std::string_view(text_).substr(slice.offset, slice.size);
  }

  std::string text_;  // the request line and the field lines; Slices point into it
  Slice method_, target_, path_, query_, host_;
  std::vector<Field> headers_;
  int minor_version_ = 1;
  bool keep_alive_ = true;
};

/// A response. The server adds Date, Content-Length and Connection; a handler never sets those.
struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// Closes the connection after this response.
  bool close = false;
};

/// The reason phrase of RFC 9110 section 15, or "Unknown".
std::string_view reason_phrase(int status);

/// Whether `name` is a token (RFC 9110 section 5.6.2), as field names and methods must be.
bool is_token(std::string_view name);
/// Whether `value` may stand as a field value: no control characters but HTAB.
bool is_field_value(std::string_view value);

/// Appends the response to `out`: status line, fields, body. `head_only` leaves the body out but
/// keeps its length (HEAD). `date` is an IMF-fixdate. Fields that could not be framed safely (not a
/// token, line breaks, framing fields) are dropped.
void append_response_head(std::string& out, const Response& response, int minor_version, bool close,
                          std::string_view date);

/// Whether a response with this status carries no body at all (1xx, 204, 304).
bool status_has_no_body(int status);

/// Formats `unix_seconds` as IMF-fixdate ("Sun, 06 Nov 1994 08:49:37 GMT").
std::string format_http_date(int64_t unix_seconds);

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP_H_
