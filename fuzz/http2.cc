// Any frames to the server's side of HTTP/2, twice: whole, and cut into pieces between which it
// says what it has to say and time passes. Requests must be well-formed and bounded, what waits to
// be sent too, and the session must come to its end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "net/http2_connection.h"
#include "net/http2_server_session.h"

#if SEDGE_HAVE_HTTP2
namespace {

using namespace sedge;
using fuzz::require;

constexpr uint32_t kMaxStreams = 8;
constexpr uint64_t kMaxBody = 512;

net::HttpServerOptions options() {
  net::HttpServerOptions made;
  made.limits = {
      .max_request_line = 256, .max_header_bytes = 2048, .max_headers = 16, .max_body_bytes = 512};
  made.max_streams = kMaxStreams;
  made.max_bodies_bytes = 300'000;
  return made;
}

/// /stream is streamed; other heads are refused by what they begin with.
class FuzzHandler final : public net::Handler {
 public:
  net::HeadVerdict check_head(net::Request& request) override {
    net::HeadVerdict verdict{.max_body_bytes = kMaxBody, .stream = false, .refusal = {}};
    verdict.stream = request.path() == "/stream";
    if (request.path() == "/refused") verdict.refusal = refuse(403, "refused", {});
    return verdict;
  }
  void handle(std::unique_ptr<net::Request>, net::Responder) override {}
  net::Response refuse(int status, std::string_view reason, std::string_view) override {
    require(status >= 400 && status < 600, "a refusal has an error status");
    require(!reason.empty(), "a refusal has a reason");
    net::Response response;
    response.status = status;
    response.body = reason;
    return response;
  }
};

/// Answers at once; what asks for /late later, for /pipe through a pipe that is filled later.
class FuzzSession final : public net::Http2ServerSession {
 public:
  FuzzSession(const net::HttpServerOptions& options, net::Handler& handler,
              net::HttpServerStats& stats)
      : Http2ServerSession(options, handler, stats,
                           std::make_shared<net::BodyBudget>(options.max_bodies_bytes), "peer") {}

  /// Handlers get on with their work.
  void work() {
    now_ += 700;
    if (next_check_ms() && now_ >= *next_check_ms()) sweep();
    std::map<uint32_t, std::unique_ptr<net::Request>> late;
    late.swap(late_);
    for (auto& [id, request] : late) {
      net::Response response;
      if (request->stream) {
        request->stream->read(response.body, 100);
        streams_in_[id] = request->stream;
      }
      complete(id, std::move(response));
    }
    for (auto& [id, pipe] : streams_in_) {
      std::string piece;
      pipe->read(piece, 1000);
      require(pipe->total() <= kMaxBody, "streamed content is bounded");
      resume(static_cast<int32_t>(id));
    }
    for (auto& [id, pipe] : pipes_) {
      if (pipe->total() < 100)
        pipe->write("some content that comes later");
      else
        pipe->finish({{"x-sum", "1"}});
      resume(static_cast<int32_t>(id));
    }
  }
  bool has_late() const { return !late_.empty(); }
  std::string story;

 private:
  void dispatch(std::unique_ptr<net::Request> request, uint32_t stream) override {
    require(net::is_token(request->method()), "the method is a token");
    require(!request->path().empty(), "there is a path");
    require(net::is_host(request->host()) && !request->host().empty(), "there is a host");
    require(request->body.size() <= kMaxBody, "the body is bounded");
    story.append(request->method()).append(" ").append(request->target()).append("\n");
    size_t bytes = 0;
    for (size_t i = 0; i < request->header_count(); ++i) {
      net::HeaderView field = request->header(i);
      require(net::is_token(field.name) && net::is_field_value(field.value), "a field is one");
      bytes += field.name.size() + field.value.size();
      story.append(field.name).append(":").append(field.value).append("\n");
    }
    require(bytes <= 2048, "the fields are bounded");
    story += request->body + "done ";
    if (request->path() == "/late" || request->stream) {
      late_[stream] = std::move(request);
      return;
    }
    net::Response response;
    response.body = request->path();
    if (request->path() == "/pipe") {
      response.stream = std::make_shared<net::BodyPipe>(64);
      pipes_[stream] = response.stream;
    }
    complete(stream, std::move(response));
  }
  std::string_view date() override { return "Thu, 01 Jan 1970 00:00:00 GMT"; }
  uint64_t now_ms() const override { return now_; }
  net::BodyPipe::Wake wake(int32_t) const override { return {}; }

  uint64_t now_ = 1'000'000;
  std::map<uint32_t, std::unique_ptr<net::Request>> late_;
  std::map<uint32_t, std::shared_ptr<net::BodyPipe>> pipes_, streams_in_;
};

/// From the notation in which lengths are right to what goes over the wire.
std::string wire(std::string_view notation) {
  std::string out;
  while (notation.size() >= 4) {
    auto size = std::min<size_t>(static_cast<uint8_t>(notation[3]), notation.size() - 4);
    out += {'\0', '\0',       static_cast<char>(size), notation[0], notation[1], '\0', '\0',
            '\0', notation[2]};
    out += notation.substr(4, size);
    notation.remove_prefix(4 + size);
  }
  return out;
}

/// The requests that came, when nothing was said in between.
std::string story(std::string_view input, size_t piece) {
  net::HttpServerOptions made = options();
  net::HttpServerStats stats;
  FuzzHandler handler;
  FuzzSession session(made, handler, stats);
  while (!input.empty()) {
    session.receive(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
    require(session.stream_count() <= kMaxStreams, "streams are bounded");
  }
  session.dispatch_waiting();
  return session.story;
}

void converse(std::string_view input, size_t piece) {
  net::HttpServerOptions made = options();
  net::HttpServerStats stats;
  FuzzHandler handler;
  FuzzSession session(made, handler, stats);
  std::string out;
  while (!input.empty()) {
    session.receive(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
    session.dispatch_waiting();
    session.work();
    out.clear();
    session.produce(out, 4096);
    require(session.stream_count() <= kMaxStreams, "streams are bounded");
    require(session.unsent() <= kMaxStreams * 1024, "what waits to be sent is bounded");
  }
  session.begin_drain();
  session.finish_drain();
  for (int i = 0; i < 200; ++i) {
    session.dispatch_waiting();
    session.work();
    out.clear();
    session.produce(out, SIZE_MAX);
  }
  require(!session.has_late(), "every request was answered");
  // A request that never ends keeps its stream until the connection's time is up.
  require(session.stream_count() > 0 || (session.done_reading() && !session.wants_write()),
          "the session comes to its end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  std::string input = data[0] % 2 == 0 ? std::string(rest) : wire(rest);
  if (data[0] < 128) input.insert(0, net::kHttp2Preface);
  size_t piece = 1 + data[0] / 2 % 32;
  require(story(input, piece) == story(input, SIZE_MAX),
          "pieces give the same requests as the whole");
  converse(input, piece);
  return 0;
}
#else
extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t) { return 0; }
#endif
