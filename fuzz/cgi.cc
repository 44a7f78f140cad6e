// Any bytes as the output of a CGI program, and as an Accept-Encoding field.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/require.h"
#include "net/http.h"
#include "serve/cgi.h"
#include "serve/content_encoding.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  using fuzz::require;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto response = serve::response_from_cgi(text);
  if (!response) {
    require(response.error().code() == ErrorCode::bad_answer,
            "what is no response is a bad answer");
    return 0;
  }
  require(response->status >= 200 && response->status <= 599, "a status is final");
  for (const auto& [name, value] : response->headers) {
    require(net::is_token(name), "a field's name is a token");
    require(net::is_field_value(value), "a field's value has no control characters");
  }
  size_t before = response->body.size();
  serve::encode_body(*response, "identity", text);
  require(response->body.size() == before, "identity changes nothing");
  for (std::string_view coding : {"br", "gzip", "zstd"})
    (void)serve::accepts_encoding(text, coding);
  return 0;
}
