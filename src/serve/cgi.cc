// Building the environment and reading the response of a CGI program.
#include "serve/cgi.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "net/chars.h"

namespace sedge::serve {
namespace {

std::string_view trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), net::to_lower);
  return out;
}

/// HTTP_ACCEPT_ENCODING for accept-encoding; empty for a name that maps ambiguously.
std::string variable_name(std::string_view field) {
  std::string out = "HTTP_";
  for (char c : field) {
    if (c >= 'a' && c <= 'z')
      out += static_cast<char>(c - 32);
    else if (net::is_digit(c))
      out += c;
    else if (c == '-')
      out += '_';
    else
      return {};
  }
  return out;
}

std::pair<std::string_view, std::string_view> host_and_port(std::string_view host) {
  size_t bracket = host.rfind(']');
  size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return {host, "80"};
  return {host.substr(0, colon), host.substr(colon + 1)};
}

std::unexpected<Error> bad_answer(std::string message) {
  return fail(ErrorCode::bad_answer, ": " + std::move(message));
}

std::string excerpt(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 60)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return fmt::format("`{}{}`", out, text.size() > 60 ? "…" : "");
}

/// "404 Not Found" → 404.
Result<int> read_status(std::string_view value) {
  int status = 0;
  auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), status);
  bool ended = end == value.data() + value.size() || *end == ' ';
  if (failure != std::errc() || !ended || status < 200 || status > 599)
    return bad_answer(fmt::format("the CGI program's Status is {}, not a number from 200 to 599",
                                  excerpt(value)));
  return status;
}

}  // namespace

std::string_view script_name(std::string_view pattern) {
  size_t wild = pattern.find_first_of("*:{");
  if (wild == std::string_view::npos) return pattern;
  return pattern.substr(0, pattern.substr(0, wild).rfind('/'));
}

Environment cgi_environment(const net::Request& request, const CgiContext& context) {
  Environment out;
  auto set = [&](std::string_view name, std::string_view value) { out.emplace_back(name, value); };
  auto [server, port] = host_and_port(request.host());
  std::string_view path = context.path, script = context.script_name;
  std::string_view path_info = path.starts_with(script) ? path.substr(script.size()) : path;
  set("GATEWAY_INTERFACE", "CGI/1.1");
  set("SERVER_SOFTWARE", "sedge/" SEDGE_VERSION);
  set("SERVER_PROTOCOL", request.protocol());
  set("SERVER_NAME", server.empty() ? "localhost" : server);
  set("SERVER_PORT", port);
  set("REQUEST_METHOD", request.method());
  set("REQUEST_URI", request.target());
  set("SCRIPT_NAME", script);
  set("PATH_INFO", path_info);
  set("QUERY_STRING", request.query());
  set("REMOTE_ADDR", request.peer);
  set("REQUEST_ID", context.request_id);
  // PHP refuses to run without it under a server that it does not know.
  set("REDIRECT_STATUS", "200");
  if (!request.body.empty() || request.find("content-length"))
    set("CONTENT_LENGTH", std::to_string(request.body.size()));
  if (auto type = request.find("content-type")) set("CONTENT_TYPE", *type);
  std::vector<std::pair<std::string, std::string>> fields;
  for (size_t i = 0; i < request.header_count(); ++i) {
    net::HeaderView field = request.header(i);
    if (field.name == "proxy" || field.name == "content-type" || field.name == "content-length" ||
        field.name == "authorization" || field.name == "connection" ||
        field.name == "transfer-encoding")
      continue;
    std::string name = variable_name(field.name);
    if (name.empty()) continue;
    auto known = std::ranges::find(fields, name, &std::pair<std::string, std::string>::first);
    if (known == fields.end())
      fields.emplace_back(std::move(name), field.value);
    else
      known->second.append(name == "HTTP_COOKIE" ? "; " : ", ").append(field.value);
  }
  // Unlike servers that authenticate themselves, this one leaves that to the program.
  if (auto authorization = request.find("authorization"))
    fields.emplace_back("HTTP_AUTHORIZATION", *authorization);
  for (auto& field : fields) out.push_back(std::move(field));
  return out;
}

Result<FunctionResponse> response_from_cgi(std::string_view output) {
  FunctionResponse response;
  bool status_given = false, location_given = false, typed = false;
  std::string_view rest = output;
  for (;;) {
    size_t end = rest.find('\n');
    if (end == std::string_view::npos)
      return bad_answer(output.empty()
                            ? "the CGI program printed nothing"
                            : fmt::format("the CGI program's output has no empty line behind its "
                                          "header: {}",
                                          excerpt(output)));
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    size_t colon = line.find(':');
    std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || !net::is_token(name))
      return bad_answer(fmt::format("{} is no header line of a CGI response", excerpt(line)));
    std::string_view value = trim(line.substr(colon + 1));
    if (!net::is_field_value(value))
      return bad_answer(fmt::format("the header `{}` has control characters", name));
    std::string key = lower(name);
    if (key == "status") {
      SEDGE_TRY_ASSIGN(response.status, read_status(value));
      status_given = true;
      continue;
    }
    location_given |= key == "location";
    typed |= key == "content-type";
    response.headers.emplace_back(name, value);
  }
  if (location_given && !status_given) response.status = 302;
  if (!typed && !rest.empty())
    response.headers.emplace_back("Content-Type", "application/octet-stream");
  response.body = rest;
  return response;
}

}  // namespace sedge::serve
