// CGI/1.1 (RFC 3875) over WASI: what a program finds in its environment, and the response that it
// prints.
#ifndef SEDGE_SERVE_CGI_H_
#define SEDGE_SERVE_CGI_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/error.h>

#include "net/http.h"
#include "serve/event_json.h"

namespace sedge::serve {

/// What the server knows beside the request.
struct CgiContext {
  std::string_view request_id;
  std::string_view path;         ///< Normalised and decoded where that is safe.
  std::string_view script_name;  ///< See script_name().
};

using Environment = std::vector<std::pair<std::string, std::string>>;

/// The literal beginning of a route's pattern: "/php" of "/php/*", empty for "/*".
std::string_view script_name(std::string_view pattern);

/// The meta-variables of RFC 3875 section 4.1 and HTTP_* of the request's fields; `Proxy` is left
/// out (CVE-2016-5385), as are fields whose names could not be told from others.
Environment cgi_environment(const net::Request& request, const CgiContext& context);

/// Takes a CGI response apart (RFC 3875 section 6): header fields with CR LF or LF, an empty line,
/// a body. `Status`, `Location` and `Content-Type` as it says there. Errors: bad_answer.
Result<FunctionResponse> response_from_cgi(std::string_view output);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_CGI_H_
