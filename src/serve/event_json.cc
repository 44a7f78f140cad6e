// Events are written as text; of a response only the outermost members are looked at, so that a
// body of any shape is passed on as it is, numbers included.
#include "serve/event_json.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/json_scan.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "net/chars.h"

namespace sedge::serve {
namespace {

// ---- The event
// ------------------------------------------------------------------------------------

struct Member {
  std::string_view name;
  size_t order;  // among those of its name
  std::string_view value;
};

// An object with unique keys, from members of which several may have one name.
void append_object(std::string& out, std::vector<Member>& members, bool join) {
  std::ranges::sort(members, [](const Member& a, const Member& b) {
    return a.name != b.name ? a.name < b.name : a.order < b.order;
  });
  out += '{';
  std::string joined;
  for (size_t i = 0; i < members.size();) {
    size_t end = i + 1;
    while (end < members.size() && members[end].name == members[i].name) ++end;
    if (i > 0) out += ',';
    append_json_string(out, members[i].name);
    out += ':';
    if (join && end > i + 1) {
      // RFC 9110 section 5.3, RFC 6265 section 5.4 for the one exception.
      std::string_view separator = members[i].name == "cookie" ? "; " : ", ";
      joined.clear();
      for (size_t j = i; j < end; ++j)
        joined.append(j > i ? separator : "").append(members[j].value);
      append_json_string(out, joined);
    } else {
      append_json_string(out, members[end - 1].value);
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
  std::vector<Member> members;
  members.reserve(decoded.size());
  for (const auto& [name, value] : decoded) members.push_back({name, members.size(), value});
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
    return fail(
        Error(ErrorCode::bad_argument, ": the request body is not UTF-8 text")
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
  std::vector<Member> members;
  members.reserve(request.header_count());
  for (size_t i = 0; i < request.header_count(); ++i)
    members.push_back({request.header(i).name, i, request.header(i).value});
  append_object(out, members, true);
  out += ",\"body\":";
  SEDGE_TRY(append_body(out, request.body));
  out += ",\"query_params\":";
  append_query(out, request.query());
  if (context.params && !context.params->empty()) {
    out += ",\"path_params\":";
    members.clear();
    for (const auto& [name, value] : *context.params)
      members.push_back({name, members.size(), value});
    append_object(out, members, false);
  }
  out += '}';
  return {};
}

// ---- The response
// ---------------------------------------------------------------------------------

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

bool is_named(const std::pair<std::string, std::string>& header, std::string_view lower_name) {
  return std::ranges::equal(header.first, lower_name,
                            [](char a, char b) { return net::to_lower(a) == b; });
}

bool has_header(const net::Response& response, std::string_view lower_name) {
  return std::ranges::any_of(response.headers,
                             [&](const auto& header) { return is_named(header, lower_name); });
}

// A header's value: a string, a number or a boolean as text; nothing for null. False for the rest.
bool append_header(net::Response& response, const std::string& name, std::string_view json) {
  if (json == "null") return true;
  if (json.starts_with('{') || json.starts_with('[')) return false;
  std::optional<std::string> text = json_string(json);
  response.headers.emplace_back(name, text ? *std::move(text) : std::string(json));
  return true;
}

Result<void> read_headers(FunctionResponse& response, std::string_view json) {
  if (json == "null") return {};
  auto members = json_members(json);
  if (!members) return bad_answer("`headers` in the function's response is no object");
  for (const JsonMember& member : *members) {
    auto elements = json_elements(member.value);
    if (!elements) elements.emplace(1, member.value);
    for (std::string_view element : *elements)  // a list is sent as several fields
      if (!append_header(response, member.name, element))
        return bad_answer(fmt::format("the header {} in the function's response is no text",
                                      excerpt(member.name)));
  }
  for (const auto& [name, value] : response.headers) {
    if (!net::is_token(name))
      return bad_answer(fmt::format("{} is not the name of a header", excerpt(name)));
    if (!net::is_field_value(value))
      return bad_answer(fmt::format("the header `{}` has line breaks or control characters", name));
  }
  // Encoding the body is the server's business: saying so without doing it would make the response
  // unreadable.
  std::erase_if(response.headers, [&](const auto& header) {
    bool encoding = is_named(header, "content-encoding");
    if (encoding) response.content_encoding = header.second;
    return encoding;
  });
  return {};
}

Result<int> read_status(std::string_view json) {
  std::optional<double> number = json_number(json);
  if (!number || *number < 200 || *number > 599 || *number != static_cast<int>(*number))
    return bad_answer(
        fmt::format("`status_code` is {}, not a whole number from 200 to 599", excerpt(json)));
  return static_cast<int>(*number);
}

}  // namespace

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

Result<FunctionResponse> response_from_output(std::string_view output) {
  output = trim(output);
  if (output.empty()) return bad_answer("the function printed nothing");
  if (!is_json(output))
    return bad_answer(fmt::format("the function's output is not JSON: {}", excerpt(output)));
  FunctionResponse response;
  std::string_view status, headers = "null", body = "null", cache_control = "null", ttl = "null";
  if (auto members = json_members(output)) {
    for (const JsonMember& member : *members) {
      if (member.name == "status_code") status = member.value;
      if (member.name == "headers") headers = member.value;
      if (member.name == "body") body = member.value;
      if (member.name == "cache_control") cache_control = member.value;
      if (member.name == "edge_cache_ttl") ttl = member.value;
    }
  }
  if (status.empty()) {
    response.headers.emplace_back("Content-Type", "application/json");
    response.body = output;
    return response;
  }
  SEDGE_TRY_ASSIGN(response.status, read_status(status));
  SEDGE_TRY(read_headers(response, headers));

  std::optional<std::string> control = json_string(cache_control);
  if (!control && cache_control != "null") return bad_answer("`cache_control` is no text");
  std::optional<double> seconds = json_number(ttl);
  if (!seconds && ttl != "null") return bad_answer("`edge_cache_ttl` is no number");
  if (!net::is_field_value(control.value_or("")))
    return bad_answer("`cache_control` has line breaks or control characters");
  if (seconds) {
    constexpr double kYear = 31'536'000;
    response.edge_cache_ttl = static_cast<uint32_t>(std::clamp(*seconds, 0.0, kYear));
  }
  if ((!control || control->empty()) && seconds && *seconds > 0)
    control = fmt::format("s-maxage={:.0f}", *seconds);
  if (control && !control->empty()) {
    std::erase_if(response.headers,
                  [](const auto& header) { return is_named(header, "cache-control"); });
    response.headers.emplace_back("Cache-Control", *std::move(control));
  }

  bool typed = has_header(response, "content-type");
  if (auto text = json_string(body)) {
    response.body = *std::move(text);
    if (!typed) response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  } else if (body != "null") {
    response.body = body;
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
