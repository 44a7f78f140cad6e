// From the fields of HTTP/2 to the messages that the rest of the program knows: pseudo-fields
// become method, target and host, so that handlers see what they would see of HTTP/1.1. RFC 9113
// section 8.3.
#ifndef SEDGE_NET_HTTP2_FIELDS_H_
#define SEDGE_NET_HTTP2_FIELDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/message_parser.h"

namespace sedge::net {

/// Puts one request together. nghttp2 has seen to it that pseudo-fields come first and once, that
/// names are lower case, and that fields of the connection do not occur.
class Http2RequestFields {
 public:
  Http2RequestFields();
  void add(std::string_view name, std::string_view value);
  /// The head is complete. What is wrong with it, if something is.
  std::optional<ParseError> finish(const ParserLimits& limits);

  Request& request() { return *request_; }
  std::unique_ptr<Request> take() { return std::move(request_); }
  std::optional<uint64_t> content_length() const { return content_length_; }
  bool expects_continue() const { return expects_continue_; }

 private:
  void refuse(int status, std::string_view reason);
  void set_host(std::string_view host);

  std::unique_ptr<Request> request_;
  std::optional<ParseError> error_;  // the first
  std::string cookies_;
  std::optional<uint64_t> content_length_;
  bool has_cookies_ = false;
  bool expects_continue_ = false;
};

/// The same for a response.
class Http2ResponseFields {
 public:
  /// False if it cannot be the head of a response.
  static bool add(IncomingResponse& response, std::string_view name, std::string_view value);
};

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP2_FIELDS_H_
