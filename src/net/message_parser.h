// Incremental HTTP/1.1 message parser (RFC 9112): what requests and responses have in common,
// strict where leniency has been used to smuggle requests: CRLF only, no obs-fold, no space before
// the colon, one Content-Length, never together with Transfer-Encoding. Lines are parsed as they
// complete, so a bad message fails early.
#ifndef SEDGE_NET_MESSAGE_PARSER_H_
#define SEDGE_NET_MESSAGE_PARSER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/chars.h"
#include "net/http.h"

namespace sedge::net {

/// Bounds on what a message may cost before anybody sees it.
struct ParserLimits {
  uint32_t max_request_line = 8192;    ///< Bytes of the first line; beyond: 414.
  uint32_t max_header_bytes = 32768;   ///< Bytes of first line, fields and trailers; beyond: 431.
  uint32_t max_headers = 100;          ///< Field lines, trailers included; beyond: 431.
  uint64_t max_body_bytes = 10485760;  ///< Bytes of content; beyond: 413.
};

/// Why a message was refused.
struct ParseError {
  int status = 400;
  std::string_view reason;  ///< Static text: what was wrong, for the client.
};

/// Parses one message at a time. Feed bytes until `done` or `error`. Content is appended to
/// Message::body, from where it may be taken between two calls.
class MessageParser {
 public:
  enum class Event : uint8_t {
    need_more,  ///< All bytes were consumed.
    head,       ///< The head is complete: look at the message, set_max_body(), then go on feeding.
    done,       ///< The message is complete.
    error,      ///< See error(). The connection cannot be used for another message.
  };

  virtual ~MessageParser() = default;

  /// Consumes from `bytes` up to the next event; `consumed` says how many. After `head` the next
  /// call may return `done` without consuming anything.
  Event feed(std::string_view bytes, size_t& consumed);
  /// The stream has ended: `done` for content that lasts until then, `error` otherwise.
  Event feed_end();

  const ParseError& error() const { return error_; }
  /// Replaces the limit on the body; between `head` and the next feed().
  void set_max_body(uint64_t bytes) { max_body_ = bytes; }
  /// Whether no byte of a message has been seen yet.
  bool idle() const { return state_ == State::start_line && carry_.empty() && head_bytes_ == 0; }
  /// Whether the head is complete and the body is not.
  bool in_body() const { return state_ >= State::body && state_ < State::complete; }
  /// Whether the message has content that has not been read yet; valid after `head`.
  bool has_body() const { return chunked_ || to_end_ || content_length_ > 0; }
  /// The declared length, if there is one.
  std::optional<uint64_t> declared_length() const {
    return has_content_length_ ? std::optional(content_length_) : std::nullopt;
  }
  /// Bytes of content so far.
  uint64_t body_bytes() const { return body_bytes_; }

 protected:
  enum class State : uint8_t {
    start_line,
    fields,
    head_done,
    body,
    body_to_end,
    chunk_size,
    chunk_data,
    chunk_end,
    trailers,
    complete,
    failed,
  };

  explicit MessageParser(const ParserLimits& limits) : limits_(limits) {}
  void reset();
  Event refuse(int status, std::string_view reason);

  virtual Message& message() = 0;
  // Each returns false after refuse().
  virtual bool parse_start_line(std::string_view line) = 0;
  /// Remembers a field that frames the message or steers the connection; `name` is lower case.
  virtual bool note_field(std::string_view name, std::string_view value, size_t index);
  virtual bool finish_head() = 0;
  /// The rules of framing that both kinds of message share; first thing in finish_head().
  bool check_framing();

  ParserLimits limits_;
  State state_ = State::start_line;
  uint64_t content_length_ = 0;
  bool has_content_length_ = false;
  bool chunked_ = false;
  bool to_end_ = false;  // content lasts until the connection closes (responses)
  bool close_seen_ = false;
  bool keep_alive_seen_ = false;

 private:
  bool on_line(std::string_view line);
  bool take_line(std::string_view bytes, size_t& pos, bool& whole);
  void take_content(std::string_view bytes, size_t& pos);
  void begin_body();
  bool parse_field(std::string_view line, bool trailer);
  bool note_content_length(std::string_view value);
  bool note_transfer_encoding(std::string_view value);
  bool parse_chunk_size(std::string_view line);

  ParseError error_;
  std::string carry_;  // the bytes of a line that is not complete
  uint64_t max_body_ = 0;
  uint64_t remaining_ = 0;  // of the body or the chunk
  uint64_t body_bytes_ = 0;
  uint32_t head_bytes_ = 0;
  uint32_t field_count_ = 0;
  uint32_t chunk_overhead_ = 0;
  bool has_transfer_encoding_ = false;
  bool unknown_coding_ = false;
};

/// Calls `each` with every element of a comma-separated list, without OWS; empty ones are skipped
/// (RFC 9110 section 5.6.1).
template <typename F>
void for_each_element(std::string_view list, F each) {
  while (!list.empty()) {
    size_t comma = list.find(',');
    std::string_view element = trim_ows(list.substr(0, comma));
    if (!element.empty()) each(element);
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace sedge::net

#endif  // SEDGE_NET_MESSAGE_PARSER_H_
