// Parsers of requests (for the server) and responses (for the client) over the message parser.
#ifndef SEDGE_NET_HTTP_PARSER_H_
#define SEDGE_NET_HTTP_PARSER_H_

#include <memory>
#include <string_view>
#include <utility>

#include "net/http.h"
#include "net/message_parser.h"

namespace sedge::net {

/// After `done`, take() the request and go on with the rest of the bytes.
class RequestParser final : public MessageParser {
 public:
  explicit RequestParser(const ParserLimits& limits) : MessageParser(limits) { reset(); }

  /// The request so far; complete head after `head`.
  Request& request() { return *request_; }
  /// Hands out the request after `done` and begins the next.
  std::unique_ptr<Request> take();
  /// Hands out the head after `head`; content and trailers go to an empty request from then on.
  std::unique_ptr<Request> take_head() {
    return std::exchange(request_, std::make_unique<Request>());
  }
  /// The client waits for "100 Continue" before it sends its body.
  bool expects_continue() const { return expects_continue_; }

 private:
  void reset();
  Message& message() override { return *request_; }
  bool parse_start_line(std::string_view line) override;
  bool parse_target();
  bool note_field(std::string_view name, std::string_view value, size_t index) override;
  bool finish_head() override;

  std::unique_ptr<Request> request_;
  bool has_host_ = false;
  bool has_authority_ = false;
  bool expects_continue_ = false;
  bool bad_expectation_ = false;
};

/// Interim responses (1xx) are skipped.
class ResponseParser final : public MessageParser {
 public:
  explicit ResponseParser(const ParserLimits& limits) : MessageParser(limits) { expect(false); }

  /// Begins the next response; `head_request`: it answers HEAD and has no content.
  void expect(bool head_request);
  /// The response so far; complete head after `head`.
  IncomingResponse& response() { return *response_; }
  /// Hands out the head after `head`; content and trailers go to an empty response from then on.
  std::unique_ptr<IncomingResponse> take_head();

 private:
  Message& message() override { return *response_; }
  bool parse_start_line(std::string_view line) override;
  bool finish_head() override;
  void begin();

  std::unique_ptr<IncomingResponse> response_;
  bool head_request_ = false;
  int interim_ = 0;  // responses skipped before this one
};

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP_PARSER_H_
