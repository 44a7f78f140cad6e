// Incremental HTTP/1.1 request parser (RFC 9112), strict where leniency has been used to smuggle
// requests: CRLF only, no obs-fold, no space before the colon, one Content-Length, never together
// with Transfer-Encoding. Lines are parsed as they complete, so a bad request fails early.
#ifndef SEDGE_NET_HTTP_PARSER_H_
#define SEDGE_NET_HTTP_PARSER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace sedge::net {

/// Bounds on what a request may cost before a handler sees it.
struct ParserLimits {
  uint32_t max_request_line = 8192;    ///< Bytes; beyond: 414.
  uint32_t max_header_bytes = 32768;   ///< Bytes of request line, fields and trailers; beyond: 431.
  uint32_t max_headers = 100;          ///< Field lines, trailers included; beyond: 431.
  uint64_t max_body_bytes = 10485760;  ///< Bytes of content; beyond: 413.
};

/// Why a request was refused.
struct ParseError {
  int status = 400;
  std::string_view reason;  ///< Static text: what was wrong, for the client.
};

/// Parses one request at a time. Feed bytes until `done` or `error`; after `done`, take() the
/// request and go on with the rest of the bytes.
class RequestParser {
 public:
  enum class Event : uint8_t {
    need_more,  ///< All bytes were consumed.
    head,       ///< The head is complete: look at request(), set_max_body(), then go on feeding.
    done,       ///< The request is complete.
    error,      ///< See error(). The connection cannot be used for another request.
  };

  explicit RequestParser(const ParserLimits& limits) : limits_(limits) { reset(); }

  /// Consumes from `bytes` up to the next event; `consumed` says how many. After `head` the next
  /// call may return `done` without consuming anything.
  Event feed(std::string_view bytes, size_t& consumed);

  /// The request so far; complete head after `head`.
  Request& request() { return *request_; }
  /// Hands out the request after `done` and begins the next.
  std::unique_ptr<Request> take();
  const ParseError& error() const { return error_; }
  /// Replaces the limit on the body; between `head` and the next feed().
  void set_max_body(uint64_t bytes) { max_body_ = bytes; }
  /// Whether no byte of a request has been seen yet.
  bool idle() const { return state_ == State::request_line && carry_.empty() && head_bytes_ == 0; }
  /// Whether the head is complete and the body is not.
  bool in_body() const { return state_ >= State::body && state_ < State::complete; }
  /// The client waits for "100 Continue" before it sends its body.
  bool expects_continue() const { return expects_continue_; }
  /// Whether the request has content that has not been read yet; valid after `head`.
  bool has_body() const { return chunked_ || content_length_ > 0; }
  /// Declared length; 0 when chunked.
  uint64_t content_length() const { return chunked_ ? 0 : content_length_; }

 private:
  enum class State : uint8_t {
    request_line,
    fields,
    head_done,
    body,
    chunk_size,
    chunk_data,
    chunk_end,
    trailers,
    complete,
    failed,
  };

  void reset();
  Event refuse(int status, std::string_view reason);
  // Each returns false after refuse().
  bool on_line(std::string_view line);
  bool parse_request_line(std::string_view line);
  bool parse_target();
  bool parse_field(std::string_view line, bool trailer);
  bool note_field(std::string_view name, std::string_view value, size_t index);
  bool note_transfer_encoding(std::string_view value);
  bool finish_head();
  bool parse_chunk_size(std::string_view line);
  Request::Slice slice_of(std::string_view part) const;

  ParserLimits limits_;
  State state_;
  std::unique_ptr<Request> request_;
  ParseError error_;
  std::string carry_;  // the bytes of a line that is not complete
  uint64_t max_body_;
  uint64_t remaining_;  // of the body or the chunk
  uint64_t content_length_;
  uint32_t head_bytes_;
  uint32_t field_count_;
  uint32_t chunk_overhead_;
  bool has_content_length_;
  bool has_transfer_encoding_;
  bool chunked_;
  bool unknown_coding_;
  bool has_host_;
  bool has_authority_;
  bool expects_continue_;
  bool bad_expectation_;
  bool close_seen_;
  bool keep_alive_seen_;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP_PARSER_H_
