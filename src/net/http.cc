// Character classes, reason phrases and the response head. RFC 9110, RFC 9112.
#include "net/http.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>

#include <fmt/format.h>

#include "net/chars.h"

namespace sedge::net {

void Request::split_target(std::string_view target) {
  size_t question = target.find('?');
  path_ = slice_of(target.substr(0, question));
  if (question != std::string_view::npos) query_ = slice_of(target.substr(question + 1));
}

bool is_framing_field(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "connection", "content-length", "keep-alive", "proxy-connection",
      "te",         "trailer",        "upgrade",    "transfer-encoding"};
  return std::ranges::any_of(
      kNames, [&](std::string_view known) { return equals_ignoring_case(name, known); });
}

bool is_sendable(std::string_view name, std::string_view value) {
  return is_token(name) && is_field_value(value) && !is_framing_field(name);
}

void append_fields(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_sendable(name, value)) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
}

void append_chunk(std::string& out, std::string_view bytes) {
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", bytes.size());
  out.append(bytes).append("\r\n");
}

void append_last_chunk(std::string& out, const Headers& trailers) {
  out += "0\r\n";
  append_fields(out, trailers);
  out += "\r\n";
}

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, is_token_char);
}

bool is_field_value(std::string_view value) { return std::ranges::all_of(value, is_field_char); }

// uri-host [":" port], characters only.
bool is_host(std::string_view host) {
  return std::ranges::all_of(host, [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
           std::string_view("-._~%!$&'()*+;=:[]").find(c) != std::string_view::npos;
  });
}

std::optional<uint64_t> parse_content_length(std::string_view value) {
  if (value.empty()) return std::nullopt;
  uint64_t length = 0;
  for (char c : value) {
    if (!is_digit(c)) return std::nullopt;
    auto digit = static_cast<uint64_t>(c - '0');
    // Saturates: what is too large for this is too large for everything.
    if (length > (std::numeric_limits<uint64_t>::max() - digit) / 10)
      length = std::numeric_limits<uint64_t>::max();
    else
      length = length * 10 + digit;
  }
  return length;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 102:
      return "Processing";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 418:
      return "I'm a teapot";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    case 508:
      return "Loop Detected";
    case 511:
      return "Network Authentication Required";
    default:
      return "Unknown";
  }
}

bool status_has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

void append_response_head(std::string& out, const Response& response, int minor_version, bool close,
                          std::string_view date) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 reason_phrase(response.status), date);
  for (const auto& [name, value] : response.headers) {
    if (!is_sendable(name, value) || equals_ignoring_case(name, "date")) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  // RFC 9110 section 8.6: no Content-Length in 1xx and 204; a 304 needs none.
  if (!status_has_no_body(response.status)) {
    if (!response.stream)
      fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.body.size());
    else if (response.stream_length)
      fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", *response.stream_length);
    else if (minor_version == 1)
      out += "Transfer-Encoding: chunked\r\n";
  }
  if (close)
    out += "Connection: close\r\n";
  else if (minor_version == 0)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

std::string format_http_date(int64_t unix_seconds) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::time_t time = unix_seconds;
  std::tm tm{};
  gmtime_r(&time, &tm);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[tm.tm_wday], tm.tm_mday,
                     kMonths[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

}  // namespace sedge::net
