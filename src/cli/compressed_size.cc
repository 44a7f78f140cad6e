#include "cli/compressed_size.h"

#if SEDGE_HAVE_SERVER
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
    if (response.body.size() != bytes.size()) out.push_back({coding, response.body.size()});
  }
#else
  (void)bytes;
#endif
  return out;
}

}  // namespace sedge::cli
