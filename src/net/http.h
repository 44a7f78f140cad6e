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

#include "net/body_budget.h"

namespace sedge::net {

class BodyPipe;

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

/// Field lines as they are sent.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// What was received of a message. Owns its bytes; every view it returns lives as long as the
/// message stays in place.
class Message {
 public:
  /// Of HTTP/1: 0 for HTTP/1.0, 1 for HTTP/1.1.
  int minor_version() const { return minor_version_; }
  /// The version as SERVER_PROTOCOL of CGI names it.
  std::string_view protocol() const {
    if (http2_) return "HTTP/2.0";
    return minor_version_ == 0 ? "HTTP/1.0" : "HTTP/1.1";
  }
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
  /// The fields after the content; names are lower case.
  Headers trailers;
  /// Bytes that the message took on the wire.
  uint64_t wire_bytes = 0;

 protected:
  friend class MessageParser;
  friend class Http2ResponseFields;
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
  Slice slice_of(std::string_view part) const {
    return {static_cast<uint32_t>(part.data() - text_.data()), static_cast<uint32_t>(part.size())};
  }
  Slice append_text(std::string_view part) {
    Slice slice{static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(part.size())};
    text_.append(part);
    return slice;
  }
  void append_header(std::string_view name, std::string_view value) {
    Slice at = append_text(name);
    headers_.push_back({at, append_text(value)});
  }

  std::string text_;  // the first line and the field lines; Slices point into it
  std::vector<Field> headers_;
  int minor_version_ = 1;
  bool http2_ = false;
  bool keep_alive_ = true;
};

/// A request.
class Request : public Message {
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

  BodyLease body_lease;
  /// The content as it comes, for handlers that asked for that; `body` is empty then.
  std::shared_ptr<BodyPipe> stream;
  /// Address of the peer without port.
  std::string peer;
  /// CLOCK_MONOTONIC in nanoseconds when the first byte was read.
  uint64_t received_ns = 0;
  /// The handler's own; set in check_head().
  std::unique_ptr<RequestContext> context;

 private:
  friend class RequestParser;
  friend class Http2RequestFields;
  /// Path and query from a target without scheme and host, which is part of the text.
  void split_target(std::string_view target);

  Slice method_, target_, path_, query_, host_;
};

/// A response as the client gets it; the content comes separately.
class IncomingResponse : public Message {
 public:
  int status = 0;

 private:
  friend class ResponseParser;
};

/// A response. The server adds Date, the framing and Connection; a handler never sets those.
struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  /// The content as it comes, instead of `body`.
  std::shared_ptr<BodyPipe> stream;
  /// How long the stream will be, where that is known.
  std::optional<uint64_t> stream_length;
  /// Closes the connection after this response.
  bool close = false;
};

/// The reason phrase of RFC 9110 section 15, or "Unknown".
std::string_view reason_phrase(int status);

/// Bytes of the longest method.
inline constexpr size_t kMaxMethod = 32;
/// Whether `name` is a token (RFC 9110 section 5.6.2), as field names and methods must be.
bool is_token(std::string_view name);
/// Whether `value` may stand as a field value: no control characters but HTAB.
bool is_field_value(std::string_view value);
/// Whether `host` can be an authority, with or without a port; the rest is the router's business.
bool is_host(std::string_view host);
/// The number that Content-Length gives, if it is one.
std::optional<uint64_t> parse_content_length(std::string_view value);

/// Fields by which a message is framed or a connection is steered: the connection's own business.
bool is_framing_field(std::string_view name);
/// Whether a field of a message may be sent: well-formed, and not the connection's own business.
bool is_sendable(std::string_view name, std::string_view value);
/// Appends field lines. Those that could not be framed safely (not a token, line breaks, framing
/// fields) are dropped.
void append_fields(std::string& out, const Headers& headers);
/// Appends one chunk of the chunked coding (RFC 9112 section 7.1); `bytes` is not empty.
void append_chunk(std::string& out, std::string_view bytes);
/// Appends the chunked coding's end.
void append_last_chunk(std::string& out, const Headers& trailers);

/// Appends the response to `out`: status line, fields, body. `head_only` leaves the body out but
/// keeps its length (HEAD). `date` is an IMF-fixdate. Fields that could not be framed safely (not a
/// token, line breaks, framing fields) are dropped.
void append_response_head(std::string& out, const Response& response, int minor_version, bool close,
                          std::string_view date);

/// Whether it says that the final response is still to come (1xx, RFC 9110 section 15.2).
inline bool is_interim(int status) { return status >= 100 && status < 200; }
/// Whether a response with this status carries no body at all (1xx, 204, 304).
bool status_has_no_body(int status);

/// Formats `unix_seconds` as IMF-fixdate ("Sun, 06 Nov 1994 08:49:37 GMT").
std::string format_http_date(int64_t unix_seconds);

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP_H_
