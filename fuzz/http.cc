// Any bytes through the HTTP/1.1 parsers of requests and responses, each twice: whole, and cut into
// pieces. Both must see the same messages and end the same way.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "net/http_parser.h"

namespace {

using namespace sedge;
using fuzz::require;

constexpr net::ParserLimits kLimits{
    .max_request_line = 256, .max_header_bytes = 1024, .max_headers = 8, .max_body_bytes = 512};

/// What the parser made of `input` when it got `piece` bytes at a time, as text.
std::string story(std::string_view input, size_t piece) {
  net::RequestParser parser(kLimits);
  std::string out;
  while (true) {
    std::string_view part = input.substr(0, piece);
    size_t consumed = 0;
    auto event = parser.feed(part, consumed);
    require(consumed <= part.size(), "the parser consumes what it was given");
    input.remove_prefix(consumed);
    switch (event) {
      case net::RequestParser::Event::need_more:
        require(consumed == part.size(), "all was consumed before more is asked for");
        if (input.empty()) return out + (parser.idle() ? "idle" : "more");
        break;
      case net::RequestParser::Event::head:
        out += "head ";
        break;
      case net::RequestParser::Event::done: {
        std::unique_ptr<net::Request> request = parser.take();
        require(request != nullptr, "a complete request can be taken");
        out.append(request->method()).append(" ").append(request->target()).append("\n");
        for (size_t i = 0; i < request->header_count(); ++i) {
          net::HeaderView field = request->header(i);
          out.append(field.name).append(":").append(field.value).append("\n");
        }
        out += request->body;
        out += "done ";
        break;
      }
      case net::RequestParser::Event::error:
        require(parser.error().status >= 400 && parser.error().status < 600,
                "a refusal has an error status");
        require(!parser.error().reason.empty(), "a refusal has a reason");
        return out + "error " + std::to_string(parser.error().status);
    }
  }
}

/// The same for responses, to a request whose method `head` says.
std::string response_story(std::string_view input, size_t piece, bool head) {
  net::ResponseParser parser(kLimits);
  parser.expect(head);
  std::string out;
  while (true) {
    std::string_view part = input.substr(0, piece);
    size_t consumed = 0;
    auto event = parser.feed(part, consumed);
    require(consumed <= part.size(), "the parser consumes what it was given");
    input.remove_prefix(consumed);
    if (event == net::MessageParser::Event::need_more && input.empty()) event = parser.feed_end();
    switch (event) {
      case net::MessageParser::Event::need_more:
        break;
      case net::MessageParser::Event::head:
        out += "head " + std::to_string(parser.response().status) + " ";
        break;
      case net::MessageParser::Event::done:
        out += parser.response().body;
        for (const auto& [name, value] : parser.response().trailers)
          out.append(name).append(":").append(value).append("\n");
        require(parser.response().body.size() <= kLimits.max_body_bytes, "the body is bounded");
        out += "done ";
        if (input.empty()) return out;
        parser.expect(head);
        break;
      case net::MessageParser::Event::error:
        require(!parser.error().reason.empty(), "a refusal has a reason");
        return out + "error " + std::to_string(parser.error().status);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  std::string whole = story(input, std::string_view::npos);
  size_t piece = 1 + data[0] % 7;
  require(story(input, piece) == whole, "pieces give the same requests as the whole");
  bool head = data[0] % 2 == 1;
  whole = response_story(input, std::string_view::npos, head);
  require(response_story(input, piece, head) == whole,
          "pieces give the same responses as the whole");
  return 0;
}
