#include "cli/compressed_size.h"

#if SEDGE_HAVE_SERVER
#include <algorithm>

#include "serve/content_encoding.h"
#endif

namespace sedge::cli {

std::vector<CompressedSize> compressed_sizes(Bytes bytes) {
  std::vector<CompressedSize> out;
#if SEDGE_HAVE_SERVER
  for (std::string_view coding : {"gzip", "br", "zstd"}) {
    net::Response response;
    response.body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    serve::encode_body(response, coding, coding);
    const bool coded = std::ranges::any_of(
        response.headers, [](const auto& field) { return field.first == "Content-Encoding"; });
    if (coded) out.push_back({coding, response.body.size()});
  }
#else
  (void)bytes;
#endif
  return out;
}

}  // namespace sedge::cli
