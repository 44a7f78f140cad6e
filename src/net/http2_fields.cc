// The rules that HTTP/1.1's parser has too are those of http.h.
#include "net/http2_fields.h"

#include <algorithm>

#include "net/chars.h"

namespace sedge::net {

Http2RequestFields::Http2RequestFields() : request_(std::make_unique<Request>()) {
  request_->http2_ = true;
  request_->text_.reserve(1024);
}

void Http2RequestFields::refuse(int status, std::string_view reason) {
  if (!error_) error_ = ParseError{status, reason};
}

// Handlers find the host among the fields, as in HTTP/1.1.
void Http2RequestFields::set_host(std::string_view host) {
  Request& request = *request_;
  if (!is_host(host)) return refuse(400, "Host is not a host name");
  if (request.host_.size > 0) {
    if (request.host() != host) refuse(400, "Host and :authority differ");
    return;
  }
  request.append_header("host", host);
  request.host_ = request.headers_.back().value;
}

void Http2RequestFields::add(std::string_view name, std::string_view value) {
  Request& request = *request_;
  if (name == ":method") {
    request.method_ = request.append_text(value);
  } else if (name == ":path") {
    request.target_ = request.append_text(value);
  } else if (name == ":authority" || name == "host") {
    set_host(value);
  } else if (name == ":scheme") {
    if (value != "http" && value != "https") refuse(400, "the scheme is neither http nor https");
  } else if (name.starts_with(':')) {
    refuse(400, "an unknown pseudo-field");
  } else if (!is_token(name)) {
    refuse(400, "a header field's name is not a token");
  } else if (!is_field_value(value)) {
    refuse(400, "a header field's value has control characters");
  } else if (name == "cookie") {
    // RFC 9113 section 8.2.3: crumbs are one field for everybody else.
    if (has_cookies_) cookies_ += "; ";
    cookies_ += value;
    has_cookies_ = true;
  } else {
    if (name == "content-length") {
      content_length_ = parse_content_length(value);
      if (!content_length_) refuse(400, "Content-Length is not a number");
    } else if (name == "expect") {
      if (equals_ignoring_case(value, "100-continue"))
        expects_continue_ = true;
      else
        refuse(417, "the only expectation known here is 100-continue");
    }
    request.append_header(name, value);
  }
}

std::optional<ParseError> Http2RequestFields::finish(const ParserLimits& limits) {
  Request& request = *request_;
  if (has_cookies_) request.append_header("cookie", cookies_);
  std::string_view method = request.method();
  std::string_view target = request.target();
  if (!is_token(method))
    refuse(400, "the method is not a token");
  else if (method == "CONNECT")
    refuse(501, "CONNECT is not supported");
  else if (method.size() > kMaxMethod)
    refuse(501, "the method is unknown");
  else if (target.size() > limits.max_request_line)
    refuse(414, "the request line is too long");
  else if (target == "*" ? method != "OPTIONS" : !target.starts_with('/'))
    refuse(400, "the request target is not a path");
  else if (!std::ranges::all_of(target, is_target_char))
    refuse(400, "the request target has characters that must be percent-encoded");
  else if (request.host_.size == 0)
    refuse(400, "a request needs an :authority");
  if (!error_) request.split_target(target);
  return error_;
}

bool Http2ResponseFields::add(IncomingResponse& response, std::string_view name,
                              std::string_view value) {
  if (name == ":status") {
    if (value.size() != 3 || !std::ranges::all_of(value, is_digit) || value[0] == '0') return false;
    response.status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0');
    response.http2_ = true;
    return true;
  }
  if (!is_token(name) || !is_field_value(value)) return false;
  response.append_header(name, value);
  return true;
}

}  // namespace sedge::net
