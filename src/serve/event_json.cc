// Events are written directly; responses are read with RapidJSON's streaming reader, so that a body
// of any shape is passed on as the text it is, numbers included.
#include "serve/event_json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/json_scan.h"
#include "base/utf8.h"
#include "net/chars.h"

namespace sedge::serve {
namespace {

constexpr unsigned kParseFlags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

// ---- The event ------------------------------------------------------------------------------------

// An object with unique keys, from pairs in which a key may come several times.
void append_object(std::string& out,
                   std::vector<std::pair<std::string_view, std::string_view>>& members,
                   bool join) {
  std::ranges::stable_sort(members, {}, &std::pair<std::string_view, std::string_view>::first);
  out += '{';
  std::string joined;
  for (size_t i = 0; i < members.size();) {
    size_t end = i + 1;
    while (end < members.size() && members[end].first == members[i].first) ++end;
    if (i > 0) out += ',';
    append_json_string(out, members[i].first);
    out += ':';
    if (join && end > i + 1) {
      // RFC 9110 section 5.3, RFC 6265 section 5.4 for the one exception.
      std::string_view separator = members[i].first == "cookie" ? "; " : ", ";
      joined.clear();
      for (size_t j = i; j < end; ++j) joined.append(j > i ? separator : "").append(members[j].second);
      append_json_string(out, joined);
    } else {
      append_json_string(out, members[end - 1].second);
    }
    i = end;
  }
  out += '}';
}

void append_query(std::string& out, std::string_view query) {
  std::vector<std::pair<std::string, std::string>> decoded;
  while (!query.empty()) {
    size_t end = query.find('&');
    std::string_view part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (part.empty()) continue;
    size_t equals = part.find('=');
    std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    decoded.emplace_back(percent_decode(part.substr(0, equals), true), percent_decode(value, true));
  }
  std::vector<std::pair<std::string_view, std::string_view>> members(decoded.begin(), decoded.end());
  append_object(out, members, false);
}

// The whole of the body as a JSON value in one line. Within valid JSON a line break can only be
// white space between tokens.
Result<void> append_body(std::string& out, std::string_view body) {
  if (body.empty()) {
    out += "null";
    return {};
  }
  if (is_json(body)) {
    size_t begin = out.size();
    out += body;
    std::replace_if(
        out.begin() + static_cast<ptrdiff_t>(begin), out.end(),
        [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return {};
  }
  if (!is_utf8(body))
    return fail(Error(ErrorCode::bad_argument, ": the request body is not UTF-8 text")
                    .with_remedy("a JSON event cannot carry it: send text, or binary data in base64"));
  append_json_string(out, body);
  return {};
}

Result<void> append_edge_event(std::string& out, const net::Request& request,
                               const EventContext& context) {
  out += "{\"request_id\":";
  append_json_string(out, context.request_id);
  out += ",\"source_ip\":";
  append_json_string(out, request.peer);
  out += ",\"path\":";
  append_json_string(out, context.path);
  out += ",\"method\":";
  append_json_string(out, request.method());
  out += ",\"headers\":";
  std::vector<std::pair<std::string_view, std::string_view>> members;
  members.reserve(request.header_count());
  for (size_t i = 0; i < request.header_count(); ++i)
    members.emplace_back(request.header(i).name, request.header(i).value);
  append_object(out, members, true);
  out += ",\"body\":";
  SEDGE_TRY(append_body(out, request.body));
  out += ",\"query_params\":";
  append_query(out, request.query());
  if (context.params && !context.params->empty()) {
    out += ",\"path_params\":";
    members.assign(context.params->begin(), context.params->end());
    append_object(out, members, false);
  }
  out += '}';
  return {};
}

// ---- The response ---------------------------------------------------------------------------------

// Reads the members of the outermost object; `body` and unknown members are passed over as text.
class ResponseReader : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, ResponseReader> {
 public:
  ResponseReader(std::string_view text, const rapidjson::MemoryStream& stream)
      : text_(text), stream_(stream) {}

  bool Null() { return value({}, Type::null, 0); }
  bool Bool(bool truth) { return value(truth ? "true" : "false", Type::boolean, 0); }
  bool Int(int number) { return integer(number); }
  bool Uint(unsigned number) { return integer(number); }
  bool Int64(int64_t number) { return integer(static_cast<double>(number)); }
  bool Uint64(uint64_t number) { return integer(static_cast<double>(number)); }
  bool Double(double number) { return value(fmt::format("{}", number), Type::number, number); }
  bool String(const char* data, rapidjson::SizeType size, bool) {
    return value(std::string_view(data, size), Type::string, 0);
  }
  bool Key(const char* data, rapidjson::SizeType size, bool) {
    if (depth_ == 1) {
      key_.assign(data, size);
      value_begin_ = stream_.Tell();
    } else if (depth_ == 2 && key_ == "headers") {
      header_.assign(data, size);
    }
    return true;
  }
  bool StartObject() { return open(true); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool StartArray() { return open(false); }
  bool EndArray(rapidjson::SizeType) { return close(); }

  bool is_object = false;
  std::optional<double> status;
  std::optional<std::string_view> body;      // JSON text
  std::optional<std::string> body_string;    // if it is a string
  std::string cache_control;
  double edge_cache_ttl = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string problem;  // of a member that has the wrong type

 private:
  enum class Type : uint8_t { null, boolean, number, string, container };

  bool integer(double number) {
    return value(fmt::format("{:.0f}", number), Type::number, number);
  }
  bool open(bool object) {
    if (depth_ == 0) is_object = object;
    if (depth_ == 1) member(Type::container, {}, 0, object);
    if (depth_ == 2 && key_ == "headers" && object) note("`headers` holds an object");
    if (depth_ == 3 && key_ == "headers") note("`headers` holds nested lists");
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    // The reader reports the end of a container before it takes the bracket.
    if (depth_ == 1) end_member(1);
    return true;
  }
  bool value(std::string_view text, Type type, double number) {
    if (depth_ == 1 && is_object) {
      member(type, text, number, false);
      end_member(0);
    } else if (key_ == "headers" && depth_ >= 2 && depth_ <= 3 && is_object) {
      // A null header is one that is not sent; a list is sent as several fields.
      if (type != Type::null) headers.emplace_back(header_, text);
    }
    return true;
  }
  void member(Type type, std::string_view text, double number, bool object) {
    if (key_ == "status_code") {
      status = number;
      if (type != Type::number) note("`status_code` is no number");
    } else if (key_ == "headers") {
      if (type != Type::null && !(type == Type::container && object))
        note("`headers` is no object");
    } else if (key_ == "cache_control") {
      if (type == Type::string) cache_control = text;
      if (type != Type::string && type != Type::null) note("`cache_control` is no string");
    } else if (key_ == "edge_cache_ttl") {
      edge_cache_ttl = number;
      if (type != Type::number && type != Type::null) note("`edge_cache_ttl` is no number");
    } else if (key_ == "body") {
      body_string.reset();
      if (type == Type::string) body_string = std::string(text);
      body_null_ = type == Type::null;
    }
  }
  // A member of the outermost object is complete: its text ends where the reader stands.
  void end_member(size_t bracket) {
    if (key_ != "body") return;
    std::string_view raw = text_.substr(value_begin_, stream_.Tell() + bracket - value_begin_);
    size_t begin = raw.find_first_not_of(" \t\r\n:");
    body = body_null_ || begin == std::string_view::npos ? std::nullopt
                                                         : std::optional(raw.substr(begin));
  }
  void note(std::string_view what) {
    if (problem.empty()) problem = what;
  }

  std::string_view text_;
  const rapidjson::MemoryStream& stream_;
  int depth_ = 0;
  std::string key_;
  std::string header_;
  size_t value_begin_ = 0;
  bool body_null_ = false;
};

std::string_view trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string excerpt(std::string_view text) {
  constexpr size_t kShown = 100;
  std::string_view shown = text.substr(0, kShown);
  shown = shown.substr(0, utf8_valid_prefix(shown));
  return fmt::format("`{}{}`", shown, shown.size() < text.size() ? "…" : "");
}

std::unexpected<Error> bad_answer(std::string message) {
  return fail(ErrorCode::bad_answer, ": " + std::move(message));
}

bool has_header(const net::Response& response, std::string_view lower_name) {
  return std::ranges::any_of(response.headers, [&](const auto& header) {
    return std::ranges::equal(header.first, lower_name,
                              [](char a, char b) { return net::to_lower(a) == b; });
  });
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    size_t valid = utf8_valid_prefix(text);
    for (char c : text.substr(0, valid)) {
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (static_cast<unsigned char>(c) >= 0x20) {
        out += c;
      } else if (c == '\n') {
        out += "\\n";
      } else if (c == '\r') {
        out += "\\r";
      } else if (c == '\t') {
        out += "\\t";
      } else {
        out += "\\u00";
        out += kHex[static_cast<unsigned char>(c) >> 4];
        out += kHex[c & 15];
      }
    }
    text.remove_prefix(valid);
    if (text.empty()) break;
    out += "\xef\xbf\xbd";
    text.remove_prefix(1);
  }
  out += '"';
}

Result<std::string> edge_event(const net::Request& request, const EventContext& context) {
  std::string out;
  out.reserve(512 + request.body.size());
  SEDGE_TRY(append_edge_event(out, request, context));
  out += '\n';
  return out;
}

Result<std::string> serverless_event(const net::Request& request, const EventContext& context,
                                     int64_t unix_seconds) {
  // A posted event is passed on as it is; response_from_output finds such members cheaply enough.
  if (request.body.find("\"event_type\"") != std::string::npos && is_json(request.body) &&
      trim(request.body).starts_with('{')) {
    std::string out;
    SEDGE_TRY(append_body(out, trim(request.body)));
    out += '\n';
    return out;
  }
  std::string out = "{\"event_type\":\"http-request\",\"data\":";
  SEDGE_TRY(append_edge_event(out, request, context));
  out += fmt::format(",\"timestamp\":{}}}\n", unix_seconds);
  return out;
}

Result<net::Response> response_from_output(std::string_view output) {
  output = trim(output);
  if (output.empty()) return bad_answer("the function printed nothing");
  rapidjson::MemoryStream stream(output.data(), output.size());
  rapidjson::Reader json;
  ResponseReader reader(output, stream);
  if (!json.Parse<kParseFlags>(stream, reader))
    return bad_answer(fmt::format("the function's output is not JSON ({} at byte {}): {}",
                                  rapidjson::GetParseError_En(json.GetParseErrorCode()),
                                  json.GetErrorOffset(), excerpt(output)));
  net::Response response;
  if (!reader.is_object || !reader.status) {
    response.headers.emplace_back("Content-Type", "application/json");
    response.body = output;
    return response;
  }
  if (!reader.problem.empty()) return bad_answer("in the function's response " + reader.problem);
  response.status = static_cast<int>(*reader.status);
  if (*reader.status != response.status || response.status < 200 || response.status > 599)
    return bad_answer(fmt::format("`status_code` is {}, not a whole number from 200 to 599",
                                  *reader.status));
  for (auto& [name, value] : reader.headers) {
    if (!net::is_token(name))
      return bad_answer(fmt::format("{} is not the name of a header", excerpt(name)));
    if (!net::is_field_value(value))
      return bad_answer(fmt::format("the header `{}` has line breaks or control characters", name));
    // The body is sent as it is; encoding it is the server's business, and saying so without doing it
    // would make the response unreadable.
    if (std::ranges::equal(name, std::string_view("content-encoding"),
                           [](char a, char b) { return net::to_lower(a) == b; }))
      continue;
    response.headers.emplace_back(std::move(name), std::move(value));
  }
  if (!reader.cache_control.empty() || reader.edge_cache_ttl > 0) {
    std::erase_if(response.headers, [](const auto& header) {
      return std::ranges::equal(header.first, std::string_view("cache-control"),
                                [](char a, char b) { return net::to_lower(a) == b; });
    });
    if (!net::is_field_value(reader.cache_control))
      return bad_answer("`cache_control` has line breaks or control characters");
    response.headers.emplace_back(
        "Cache-Control", !reader.cache_control.empty()
                             ? std::move(reader.cache_control)
                             : fmt::format("s-maxage={:.0f}", reader.edge_cache_ttl));
  }
  bool typed = has_header(response, "content-type");
  if (reader.body_string) {
    response.body = *std::move(reader.body_string);
    if (!typed) response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  } else if (reader.body) {
    response.body = *reader.body;
    if (!typed) response.headers.emplace_back("Content-Type", "application/json");
  }
  return response;
}

std::string error_body(std::string_view error, std::string_view request_id) {
  std::string out = "{\"error\":";
  append_json_string(out, error);
  out += ",\"request_id\":";
  append_json_string(out, request_id);
  out += "}\n";
  return out;
}

}  // namespace sedge::serve
