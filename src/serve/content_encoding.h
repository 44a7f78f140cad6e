// Content codings (RFC 9110 section 8.4, 12.5.3): which of those that a response may have the
// client takes, and encoding a body with it.
#ifndef SEDGE_SERVE_CONTENT_ENCODING_H_
#define SEDGE_SERVE_CONTENT_ENCODING_H_

#include <string>
#include <string_view>

#include "net/http.h"

namespace sedge::serve {

/// Whether the Accept-Encoding field `accepted` takes `coding`; without a field nothing but
/// identity is taken.
bool accepts_encoding(std::string_view accepted, std::string_view coding);

/// Encodes the body with `coding` ("br", "gzip" or "zstd", any case), if this build can and the
/// client takes it, and says so in Content-Encoding; otherwise the body stays. Either way the
/// response varies with Accept-Encoding. Other codings change nothing.
void encode_body(net::Response& response, std::string_view coding, std::string_view accepted);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_CONTENT_ENCODING_H_
