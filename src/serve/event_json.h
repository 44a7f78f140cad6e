// The JSON between server and function: the event that goes in, the response that comes out, and
// the server's own error bodies.
#ifndef SEDGE_SERVE_EVENT_JSON_H_
#define SEDGE_SERVE_EVENT_JSON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sedge/error.h>

#include "net/http.h"
#include "serve/route_pattern.h"

namespace sedge::serve {

/// What an event says beside the request itself.
struct EventContext {
  std::string_view request_id;
  std::string_view path;  ///< Normalised.
  const PathParams* params = nullptr;
};

/// One line of JSON, with its newline: {request_id, source_ip, path, method, headers, body,
/// query_params}, and path_params for a pattern with named parts. Header names are lower case,
/// fields of one name are joined; of several query parameters with one name the last counts; the
/// body is JSON if it parses as JSON, else a string, else null. Error: bad_argument if the body is
/// no text.
Result<std::string> edge_event(const net::Request& request, const EventContext& context);

/// {"event_type":"http-request","data":{…edge event…},"timestamp":seconds}; a body that is itself
/// an object with an `event_type` goes in as it is. `unix_seconds` is the time.
Result<std::string> serverless_event(const net::Request& request, const EventContext& context,
                                     int64_t unix_seconds);

/// A response, and what the function wants done with it.
struct FunctionResponse : net::Response {
  std::optional<uint32_t> edge_cache_ttl;  ///< seconds, as far as the function says
  std::string content_encoding;            ///< the coding it names; the body is not encoded yet
};

/// Makes the HTTP response from a function's output: an object with `status_code` is taken apart
/// ({status_code, headers, body, cache_control, edge_cache_ttl}); any other JSON value is a 200
/// with that value as its body. Error: bad_answer, saying what is wrong.
Result<FunctionResponse> response_from_output(std::string_view output);

/// {"error": …, "request_id": …}
std::string error_body(std::string_view error, std::string_view request_id);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_EVENT_JSON_H_
