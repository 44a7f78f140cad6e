// The request parser: a loop over lines and content. RFC 9112 sections 2 to 7.
#include "net/http_parser.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "net/chars.h"

namespace sedge::net {
namespace {

constexpr size_t kMaxMethod = 32;
// Chunk-size lines cost the server work but carry nothing: extensions are bounded per request, and
// so is what tiny chunks may waste.
constexpr uint32_t kMaxChunkLine = 256;
constexpr uint32_t kMaxChunkExtensions = 16384;

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return to_lower(x) == y; });
}

// Calls `each` with every element of a comma-separated list, without OWS; empty ones are skipped
// (RFC 9110 section 5.6.1).
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

// uri-host [":" port]: what is no authority at all is refused, the rest is the router's business.
bool is_host(std::string_view host) {
  return std::ranges::all_of(host, [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
           std::string_view("-._~%!$&'()*+;=:[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

void RequestParser::reset() {
  state_ = State::request_line;
  request_ = std::make_unique<Request>();
  carry_.clear();
  max_body_ = limits_.max_body_bytes;
  remaining_ = 0;
  content_length_ = 0;
  head_bytes_ = 0;
  field_count_ = 0;
  chunk_overhead_ = 0;
  has_content_length_ = false;
  has_transfer_encoding_ = false;
  chunked_ = false;
  unknown_coding_ = false;
  has_host_ = false;
  has_authority_ = false;
  expects_continue_ = false;
  bad_expectation_ = false;
  close_seen_ = false;
  keep_alive_seen_ = false;
}

std::unique_ptr<Request> RequestParser::take() {
  std::unique_ptr<Request> request = std::move(request_);
  reset();
  return request;
}

RequestParser::Event RequestParser::refuse(int status, std::string_view reason) {
  state_ = State::failed;
  error_ = {status, reason};
  return Event::error;
}

Request::Slice RequestParser::slice_of(std::string_view part) const {
  return {static_cast<uint32_t>(part.data() - request_->text_.data()),
          static_cast<uint32_t>(part.size())};
}

RequestParser::Event RequestParser::feed(std::string_view bytes, size_t& consumed) {
  size_t pos = 0;
  auto finish = [&](Event event) {
    consumed = pos;
    request_->wire_bytes += pos;
    return event;
  };
  for (;;) {
    switch (state_) {
      case State::failed:
        return finish(Event::error);
      case State::complete:
        return finish(Event::done);
      case State::head_done:
        if (content_length_ > max_body_) {
          refuse(413, "the body is larger than this route allows");
        } else if (chunked_) {
          state_ = State::chunk_size;
        } else if (content_length_ > 0) {
          remaining_ = content_length_;
          // The declared length is not trusted with memory before bytes back it.
          request_->body.reserve(std::min<uint64_t>(content_length_, 65536));
          state_ = State::body;
        } else {
          state_ = State::complete;
        }
        continue;
      case State::body:
      case State::chunk_data: {
        size_t take = std::min<uint64_t>(remaining_, bytes.size() - pos);
        request_->body.append(bytes.substr(pos, take));
        pos += take;
        remaining_ -= take;
        if (remaining_ > 0) return finish(Event::need_more);
        state_ = state_ == State::body ? State::complete : State::chunk_end;
        continue;
      }
      case State::request_line:
      case State::fields:
      case State::chunk_size:
      case State::chunk_end:
      case State::trailers: {
        if (pos == bytes.size()) return finish(Event::need_more);
        std::string_view rest = bytes.substr(pos);
        size_t newline = rest.find('\n');
        size_t taken = newline == std::string_view::npos ? rest.size() : newline + 1;
        size_t line_size = carry_.size() + taken;
        bool in_head =
            state_ == State::request_line || state_ == State::fields || state_ == State::trailers;
        if (state_ == State::request_line && carry_.empty() && head_bytes_ == 0 &&
            rest[0] != '\r' && !is_token_char(rest[0]))
          return refuse(400, "no method at the start of the request line"), finish(Event::error);
        if (state_ == State::request_line && line_size > limits_.max_request_line)
          return refuse(414, "the request line is too long"), finish(Event::error);
        if (in_head && head_bytes_ + line_size > limits_.max_header_bytes)
          return refuse(431, "the header fields are too large"), finish(Event::error);
        if (!in_head && line_size > kMaxChunkLine)
          return refuse(400, "a chunk-size line is too long"), finish(Event::error);
        pos += taken;
        if (newline == std::string_view::npos) {
          carry_.append(rest);
          return finish(Event::need_more);
        }
        std::string_view line = rest.substr(0, taken);
        if (!carry_.empty()) {
          carry_.append(line);
          line = carry_;
        }
        if (in_head) head_bytes_ += static_cast<uint32_t>(line.size());
        if (line.size() < 2 || line[line.size() - 2] != '\r')
          return refuse(400, "a line ends in LF without CR"), finish(Event::error);
        line.remove_suffix(2);
        bool good = on_line(line);
        carry_.clear();
        if (!good) return finish(Event::error);
        if (state_ == State::head_done) return finish(Event::head);
        continue;
      }
    }
  }
}

bool RequestParser::on_line(std::string_view line) {
  switch (state_) {
    case State::request_line:
      // RFC 9112 section 2.2: an empty line before the request line is ignored. It still counts
      // against the head, so that a stream of them ends.
      if (line.empty()) return true;
      return parse_request_line(line);
    case State::fields:
      if (line.empty()) return finish_head();
      return parse_field(line, false);
    case State::trailers:
      if (!line.empty()) return parse_field(line, true);
      state_ = State::complete;
      return true;
    case State::chunk_size:
      return parse_chunk_size(line);
    case State::chunk_end:
      if (!line.empty()) return refuse(400, "a chunk is longer than its size says"), false;
      state_ = State::chunk_size;
      return true;
    default:
      return refuse(400, "unexpected line"), false;
  }
}

bool RequestParser::parse_request_line(std::string_view line) {
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
  request.method_ = {0, static_cast<uint32_t>(first)};
  request.target_ = {static_cast<uint32_t>(first + 1), static_cast<uint32_t>(target.size())};
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
    request.host_ = slice_of(authority);
    has_authority_ = true;
    rest.remove_prefix(authority.size());
  }
  size_t question = rest.find('?');
  request.path_ = slice_of(rest.substr(0, question));
  if (question != std::string_view::npos) request.query_ = slice_of(rest.substr(question + 1));
  return true;
}

bool RequestParser::parse_field(std::string_view line, bool trailer) {
  if (line[0] == ' ' || line[0] == '\t')
    return refuse(400, "a header field is folded over two lines"), false;
  if (++field_count_ > limits_.max_headers) return refuse(431, "too many header fields"), false;
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return refuse(400, "a header field has no colon"), false;
  std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return refuse(400, "a header field's name is not a token"), false;
  std::string_view value = trim_ows(line.substr(colon + 1));
  if (!is_field_value(value))
    return refuse(400, "a header field's value has control characters"), false;
  if (trailer) return true;  // checked and dropped: nothing downstream may trust a trailer

  Request& request = *request_;
  auto name_at = static_cast<uint32_t>(request.text_.size());
  for (char c : name) request.text_.push_back(to_lower(c));
  auto value_at = static_cast<uint32_t>(request.text_.size());
  request.text_.append(value);
  request.headers_.push_back({{name_at, static_cast<uint32_t>(name.size())},
                              {value_at, static_cast<uint32_t>(value.size())}});
  HeaderView stored = request.header(request.headers_.size() - 1);
  return note_field(stored.name, stored.value, request.headers_.size() - 1);
}

// Remembers the fields that frame the message or steer the connection.
bool RequestParser::note_field(std::string_view name, std::string_view value, size_t index) {
  if (name == "content-length") {
    if (has_content_length_) return refuse(400, "more than one Content-Length"), false;
    has_content_length_ = true;
    if (value.empty() || !std::ranges::all_of(value, is_digit))
      return refuse(400, "Content-Length is not a number"), false;
    content_length_ = 0;
    for (char c : value) {
      auto digit = static_cast<uint64_t>(c - '0');
      if (content_length_ > (std::numeric_limits<uint64_t>::max() - digit) / 10)
        return refuse(413, "Content-Length is too large"), false;
      content_length_ = content_length_ * 10 + digit;
    }
  } else if (name == "transfer-encoding") {
    return note_transfer_encoding(value);
  } else if (name == "host") {
    if (has_host_) return refuse(400, "more than one Host"), false;
    has_host_ = true;
    if (!is_host(value)) return refuse(400, "Host is not a host name"), false;
    // RFC 9112 section 3.2.2: the host of an absolute target wins.
    if (!has_authority_) request_->host_ = request_->headers_[index].value;
  } else if (name == "connection") {
    for_each_element(value, [&](std::string_view option) {
      close_seen_ |= equals_ignoring_case(option, "close");
      keep_alive_seen_ |= equals_ignoring_case(option, "keep-alive");
    });
  } else if (name == "expect") {
    if (equals_ignoring_case(value, "100-continue"))
      expects_continue_ = true;
    else
      bad_expectation_ = true;
  }
  return true;
}

bool RequestParser::note_transfer_encoding(std::string_view value) {
  has_transfer_encoding_ = true;
  bool any = false;
  bool after_chunked = false;
  for_each_element(value, [&](std::string_view coding) {
    any = true;
    if (chunked_) after_chunked = true;  // chunked was not the last, or came twice
    if (equals_ignoring_case(coding, "chunked"))
      chunked_ = true;
    else
      unknown_coding_ = true;
  });
  if (!any) return refuse(400, "Transfer-Encoding is empty"), false;
  if (after_chunked) return refuse(400, "chunked is not the last transfer coding"), false;
  return true;
}

bool RequestParser::finish_head() {
  Request& request = *request_;
  if (has_transfer_encoding_ && has_content_length_)
    return refuse(400, "both Content-Length and Transfer-Encoding"), false;
  if (has_transfer_encoding_ && request.minor_version_ == 0)
    return refuse(400, "Transfer-Encoding in an HTTP/1.0 request"), false;
  if (unknown_coding_) return refuse(501, "the only transfer coding known here is chunked"), false;
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

bool RequestParser::parse_chunk_size(std::string_view line) {
  size_t digits = 0;
  uint64_t size = 0;
  while (digits < line.size() && hex_value(line[digits]) >= 0) {
    if (digits == 16) return refuse(400, "a chunk size is too long"), false;
    size = size << 4 | static_cast<uint64_t>(hex_value(line[digits]));
    ++digits;
  }
  if (digits == 0) return refuse(400, "a chunk size is not a hexadecimal number"), false;
  std::string_view extension = line.substr(digits);
  if (!extension.empty()) {
    if (trim_ows(extension).substr(0, 1) != ";")
      return refuse(400, "a chunk size is not a hexadecimal number"), false;
    if (!is_field_value(extension))
      return refuse(400, "a chunk extension has control characters"), false;
    chunk_overhead_ += static_cast<uint32_t>(extension.size());
    if (chunk_overhead_ > kMaxChunkExtensions)
      return refuse(400, "the chunk extensions are too long"), false;
  }
  if (size > max_body_ || request_->body.size() > max_body_ - size)
    return refuse(413, "the body is larger than this route allows"), false;
  remaining_ = size;
  state_ = size == 0 ? State::trailers : State::chunk_data;
  return true;
}

}  // namespace sedge::net
