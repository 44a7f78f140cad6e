// The request line, its target, and the fields that only requests have. RFC 9112 section 3.
#include "net/http_parser.h"

#include <algorithm>
#include <utility>

#include "net/chars.h"

namespace sedge::net {
namespace {

constexpr int kMaxInterim = 16;

}  // namespace

void RequestParser::reset() {
  MessageParser::reset();
  request_ = std::make_unique<Request>();
  has_host_ = false;
  has_authority_ = false;
  expects_continue_ = false;
  bad_expectation_ = false;
}

std::unique_ptr<Request> RequestParser::take() {
  std::unique_ptr<Request> request = std::move(request_);
  reset();
  return request;
}

bool RequestParser::parse_start_line(std::string_view line) {
  Request& request = *request_;
  size_t first = line.find(' ');
  size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return refuse(400, "the request line is not METHOD TARGET HTTP/1.1"), false;
  std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, last - first - 1);
  std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return refuse(400, "the method is not a token"), false;
  if (method.size() > kMaxMethod) return refuse(501, "the method is unknown"), false;
  if (target.empty() || !std::ranges::all_of(target, is_target_char))
    return refuse(400, "the request target has characters that must be percent-encoded"), false;
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7]))
    return refuse(400, "the request line does not end in an HTTP version"), false;
  if (version[5] != '1') return refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here"), false;
  request.minor_version_ = version[7] == '0' ? 0 : 1;
  request.text_.reserve(1024);
  request.text_.append(line.substr(0, last));
  request.method_ = {.offset = 0, .size = static_cast<uint32_t>(first)};
  request.target_ = {.offset = static_cast<uint32_t>(first + 1),
                     .size = static_cast<uint32_t>(target.size())};
  state_ = State::fields;
  return parse_target();
}

// The four forms of RFC 9112 section 3.2.
bool RequestParser::parse_target() {
  Request& request = *request_;
  std::string_view target = request.target();
  std::string_view method = request.method();
  if (method == "CONNECT") return refuse(501, "CONNECT is not supported"), false;
  if (target == "*") {
    if (method != "OPTIONS") return refuse(400, "the target * is only for OPTIONS"), false;
    request.path_ = request.target_;
    return true;
  }
  std::string_view rest = target;
  if (rest[0] != '/') {
    size_t scheme_end = rest.find("://");
    if (scheme_end == std::string_view::npos ||
        !(equals_ignoring_case(rest.substr(0, scheme_end), "http") ||
          equals_ignoring_case(rest.substr(0, scheme_end), "https")))
      return refuse(400, "the request target is neither a path nor an http URL"), false;
    rest.remove_prefix(scheme_end + 3);
    std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    if (authority.empty() || !is_host(authority))
      return refuse(400, "the request target has no valid host"), false;
    request.host_ = request.slice_of(authority);
    has_authority_ = true;
    rest.remove_prefix(authority.size());
  }
  request.split_target(rest);
  return true;
}

bool RequestParser::note_field(std::string_view name, std::string_view value, size_t index) {
  if (name == "host") {
    if (has_host_) return refuse(400, "more than one Host"), false;
    has_host_ = true;
    if (!is_host(value)) return refuse(400, "Host is not a host name"), false;
    // RFC 9112 section 3.2.2: the host of an absolute target wins.
    if (!has_authority_) request_->host_ = request_->headers_[index].value;
    return true;
  }
  if (name == "expect") {
    if (equals_ignoring_case(value, "100-continue"))
      expects_continue_ = true;
    else
      bad_expectation_ = true;
    return true;
  }
  return MessageParser::note_field(name, value, index);
}

bool RequestParser::finish_head() {
  if (!check_framing()) return false;
  Request& request = *request_;
  if (request.minor_version_ == 1 && !has_host_)
    return refuse(400, "an HTTP/1.1 request needs a Host field"), false;
  if (request.minor_version_ == 0) {
    expects_continue_ = false;  // RFC 9110 section 10.1.1
  } else if (bad_expectation_) {
    return refuse(417, "the only expectation known here is 100-continue"), false;
  }
  request.keep_alive_ = !close_seen_ && (request.minor_version_ == 1 || keep_alive_seen_);
  state_ = State::head_done;
  return true;
}

// ---- Responses

void ResponseParser::expect(bool head_request) {
  head_request_ = head_request;
  interim_ = 0;
  begin();
}

void ResponseParser::begin() {
  MessageParser::reset();
  response_ = std::make_unique<IncomingResponse>();
}

std::unique_ptr<IncomingResponse> ResponseParser::take_head() {
  return std::exchange(response_, std::make_unique<IncomingResponse>());
}

bool ResponseParser::parse_start_line(std::string_view line) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || !is_digit(line[7]) || line[8] != ' ' ||
      !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) ||
      (line.size() > 12 && line[12] != ' ') || line[9] == '0')
    return refuse(400, "the status line is not HTTP/1.1 STATUS REASON"), false;
  response_->minor_version_ = line[7] == '0' ? 0 : 1;
  response_->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  state_ = State::fields;
  return true;
}

bool ResponseParser::finish_head() {
  if (!check_framing()) return false;
  IncomingResponse& response = *response_;
  // Nobody here asks for another protocol.
  if (response.status == 101) return refuse(400, "the server switches protocols unasked"), false;
  if (response.status < 200) {  // an interim response: the final one follows
    if (++interim_ > kMaxInterim) return refuse(400, "too many interim responses"), false;
    begin();
    return true;
  }
  response.keep_alive_ = !close_seen_ && (response.minor_version_ == 1 || keep_alive_seen_);
  bool bodyless = head_request_ || status_has_no_body(response.status);
  if (bodyless) {
    chunked_ = false;
    content_length_ = 0;
  } else if (!chunked_ && !has_content_length_) {
    to_end_ = true;
    response.keep_alive_ = false;
  }
  state_ = State::head_done;
  return true;
}

}  // namespace sedge::net
