// The message parser: a loop over lines and content. RFC 9112 sections 2 to 7.
#include "net/message_parser.h"

#include <algorithm>
#include <limits>

#include "net/chars.h"

namespace sedge::net {
namespace {

// Chunk-size lines cost work but carry nothing: extensions are bounded per message, and so is what
// tiny chunks may waste.
constexpr uint32_t kMaxChunkLine = 256;
constexpr uint32_t kMaxChunkExtensions = 16384;

}  // namespace

void MessageParser::reset() {
  state_ = State::start_line;
  carry_.clear();
  max_body_ = limits_.max_body_bytes;
  remaining_ = 0;
  content_length_ = 0;
  body_bytes_ = 0;
  head_bytes_ = 0;
  field_count_ = 0;
  chunk_overhead_ = 0;
  has_content_length_ = false;
  has_transfer_encoding_ = false;
  chunked_ = false;
  unknown_coding_ = false;
  to_end_ = false;
  close_seen_ = false;
  keep_alive_seen_ = false;
}

MessageParser::Event MessageParser::refuse(int status, std::string_view reason) {
  state_ = State::failed;
  error_ = {status, reason};
  return Event::error;
}

MessageParser::Event MessageParser::feed(std::string_view bytes, size_t& consumed) {
  size_t pos = 0;
  auto finish = [&](Event event) {
    consumed = pos;
    message().wire_bytes += pos;
    return event;
  };
  for (;;) {
    switch (state_) {
      case State::failed:
        return finish(Event::error);
      case State::complete:
        return finish(Event::done);
      case State::head_done:
        begin_body();
        continue;
      case State::body:
      case State::body_to_end:
      case State::chunk_data:
        take_content(bytes, pos);
        if (state_ == State::failed) continue;
        if (remaining_ > 0) return finish(Event::need_more);
        state_ = state_ == State::body ? State::complete : State::chunk_end;
        continue;
      default: {
        if (pos == bytes.size()) return finish(Event::need_more);
        bool whole = false;
        if (!take_line(bytes, pos, whole)) return finish(Event::error);
        if (!whole) return finish(Event::need_more);
        if (state_ == State::head_done) return finish(Event::head);
        continue;
      }
    }
  }
}

MessageParser::Event MessageParser::feed_end() {
  if (state_ == State::body_to_end) {
    state_ = State::complete;
    return Event::done;
  }
  return refuse(400, "the connection was closed before the message was complete");
}

void MessageParser::begin_body() {
  if (content_length_ > max_body_) {
    refuse(413, "the body is larger than this route allows");
  } else if (chunked_) {
    state_ = State::chunk_size;
  } else if (to_end_) {
    remaining_ = std::numeric_limits<uint64_t>::max();
    state_ = State::body_to_end;
  } else if (content_length_ > 0) {
    remaining_ = content_length_;
    // The declared length is not trusted with memory before bytes back it.
    message().body.reserve(std::min<uint64_t>(content_length_, 65536));
    state_ = State::body;
  } else {
    state_ = State::complete;
  }
}

void MessageParser::take_content(std::string_view bytes, size_t& pos) {
  size_t take = std::min<uint64_t>(remaining_, bytes.size() - pos);
  if (take > max_body_ - body_bytes_) {
    refuse(413, "the body is larger than this route allows");
    return;
  }
  message().body.append(bytes.substr(pos, take));
  pos += take;
  remaining_ -= take;
  body_bytes_ += take;
}

// Takes one line, or what there is of it; false after refuse().
bool MessageParser::take_line(std::string_view bytes, size_t& pos, bool& whole) {
  std::string_view rest = bytes.substr(pos);
  size_t newline = rest.find('\n');
  size_t taken = newline == std::string_view::npos ? rest.size() : newline + 1;
  size_t line_size = carry_.size() + taken;
  bool in_head =
      state_ == State::start_line || state_ == State::fields || state_ == State::trailers;
  if (state_ == State::start_line && idle() && rest[0] != '\r' && !is_token_char(rest[0]))
    return refuse(400, "no method at the start of the request line"), false;
  if (state_ == State::start_line && line_size > limits_.max_request_line)
    return refuse(414, "the request line is too long"), false;
  if (in_head && head_bytes_ + line_size > limits_.max_header_bytes)
    return refuse(431, "the header fields are too large"), false;
  if (!in_head && line_size > kMaxChunkLine)
    return refuse(400, "a chunk-size line is too long"), false;
  pos += taken;
  if (newline == std::string_view::npos) {
    carry_.append(rest);
    return true;
  }
  std::string_view line = rest.substr(0, taken);
  if (!carry_.empty()) {
    carry_.append(line);
    line = carry_;
  }
  if (in_head) head_bytes_ += static_cast<uint32_t>(line.size());
  if (line.size() < 2 || line[line.size() - 2] != '\r')
    return refuse(400, "a line ends in LF without CR"), false;
  line.remove_suffix(2);
  bool good = on_line(line);
  carry_.clear();
  whole = true;
  return good;
}

bool MessageParser::on_line(std::string_view line) {
  switch (state_) {
    case State::start_line:
      // RFC 9112 section 2.2: an empty line before the first line is ignored. It still counts
      // against the head, so that a stream of them ends.
      if (line.empty()) return true;
      return parse_start_line(line);
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

bool MessageParser::parse_field(std::string_view line, bool trailer) {
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
  Message& message = this->message();
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), to_lower);
  if (trailer) {
    // Kept apart from the fields: nothing downstream may take one for the other.
    message.trailers.emplace_back(std::move(lower), value);
    return true;
  }
  size_t index = message.header_count();
  message.append_header(lower, value);
  HeaderView stored = message.header(index);
  return note_field(stored.name, stored.value, index);
}

bool MessageParser::note_field(std::string_view name, std::string_view value, size_t) {
  if (name == "content-length") return note_content_length(value);
  if (name == "transfer-encoding") return note_transfer_encoding(value);
  if (name == "connection")
    for_each_element(value, [&](std::string_view option) {
      close_seen_ |= equals_ignoring_case(option, "close");
      keep_alive_seen_ |= equals_ignoring_case(option, "keep-alive");
    });
  return true;
}

bool MessageParser::note_content_length(std::string_view value) {
  if (has_content_length_) return refuse(400, "more than one Content-Length"), false;
  has_content_length_ = true;
  std::optional<uint64_t> length = parse_content_length(value);
  if (!length) return refuse(400, "Content-Length is not a number"), false;
  if (*length == std::numeric_limits<uint64_t>::max())
    return refuse(413, "Content-Length is too large"), false;
  content_length_ = *length;
  return true;
}

bool MessageParser::note_transfer_encoding(std::string_view value) {
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

bool MessageParser::check_framing() {
  if (has_transfer_encoding_ && has_content_length_)
    return refuse(400, "both Content-Length and Transfer-Encoding"), false;
  if (has_transfer_encoding_ && message().minor_version() == 0)
    return refuse(400, "Transfer-Encoding in an HTTP/1.0 message"), false;
  if (unknown_coding_) return refuse(501, "the only transfer coding known here is chunked"), false;
  return true;
}

bool MessageParser::parse_chunk_size(std::string_view line) {
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
  if (size > max_body_ || body_bytes_ > max_body_ - size)
    return refuse(413, "the body is larger than this route allows"), false;
  remaining_ = size;
  state_ = size == 0 ? State::trailers : State::chunk_data;
  return true;
}

}  // namespace sedge::net
