// What is particular to the client's HTTP/2: exchanges side by side, and servers that answer badly.
// The rest is tested with both versions in http_client_test.cc.
#include <gtest/gtest.h>

#include "net/http_client.h"

#if SEDGE_HAVE_HTTP2

#include <condition_variable>
#include <future>
#include <mutex>

#include "net/http2_test_peer.h"
#include "net/http_server.h"
#include "net/test_server.h"

namespace sedge::net {
namespace {

using namespace http2_frames;
using Kind = HttpError::Kind;

/// Holds back /hold until release(); answers others with a megabyte.
class HoldingHandler final : public Handler {
 public:
  HeadVerdict check_head(Request&) override {
    return {.max_body_bytes = 1 << 20, .stream = false, .refusal = {}};
  }
  void handle(std::unique_ptr<Request> request, Responder responder) override {
    Response response;
    response.body = std::string(1 << 20, 'x');
    if (request->path() != "/hold") return responder.respond(std::move(response));
    std::lock_guard lock(mutex_);
    held_.push_back(std::move(responder));
    changed_.notify_all();
  }
  Response refuse(int status, std::string_view, std::string_view) override {
    Response response;
    response.status = status;
    return response;
  }
  void wait_held(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
  }
  void release() {
    std::lock_guard lock(mutex_);
    for (Responder& responder : held_) responder.respond({});
    held_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Responder> held_;
};

class Http2ClientTest : public testing::Test {
 protected:
  void start(HttpServerOptions options = {}) {
    if (options.listen.empty()) options.listen = {*Address::parse("127.0.0.1:0")};
    server_ = *HttpServer::start(options, handler_);
  }
  std::future<HttpResult<ClientResponse>> send(ClientRequest request) {
    auto promise = std::make_shared<std::promise<HttpResult<ClientResponse>>>();
    exchange_ = client_->send(std::move(request), [promise](HttpResult<ClientResponse> response) {
      promise->set_value(std::move(response));
    });
    return promise->get_future();
  }
  std::future<HttpResult<ClientResponse>> get(const std::string& target) {
    ClientRequest request;
    request.host = server_->addresses()[0].ip();
    request.port = server_->addresses()[0].port();
    request.authority = "test";
    request.target = target;
    return send(std::move(request));
  }
  /// The error of an exchange with a server that answers with `frames` and ends, or the content's.
  HttpError failure(const std::string& frames) {
    RawServer server(frame(kSettings, 0, 0, "") + frames);
    HttpResult<ClientResponse> response = send(server.request()).get();
    if (!response) return response.error();
    Content content = drain(response->body);
    EXPECT_EQ(content.state, BodyPipe::State::failed);
    return content.error;
  }
  HoldingHandler handler_;
  std::unique_ptr<HttpServer> server_;
  std::shared_ptr<HttpClient> client_ = *HttpClient::start({.http2_cleartext = true});
  HttpClient::Exchange exchange_;  // the last
};

TEST_F(Http2ClientTest, SharesOneConnection) {
  start();
  // The first finds out that it can be shared.
  EXPECT_EQ(drain(get("/first").get()->body).bytes.size(), size_t{1} << 20);
  std::vector<std::future<HttpResult<ClientResponse>>> held;
  held.reserve(50);
  for (int i = 0; i < 50; ++i) held.push_back(get("/hold"));
  handler_.wait_held(50);
  EXPECT_EQ(drain(get("/other").get()->body).bytes.size(), size_t{1} << 20);
  handler_.release();
  for (auto& each : held) EXPECT_EQ(each.get()->head->status, 200);
  EXPECT_EQ(server_->stats().connections_accepted.load(), 1U);
  EXPECT_EQ(server_->stats().http2_requests.load(), 52U);
}

TEST_F(Http2ClientTest, OpensAnotherWhereTheServerTakesNoMore) {
  HttpServerOptions options;
  options.max_streams = 5;
  start(options);
  EXPECT_EQ(drain(get("/first").get()->body).bytes.size(), size_t{1} << 20);
  std::vector<std::future<HttpResult<ClientResponse>>> held;
  held.reserve(10);
  for (int i = 0; i < 10; ++i) held.push_back(get("/hold"));
  handler_.wait_held(10);
  handler_.release();
  for (auto& each : held) EXPECT_EQ(each.get()->head->status, 200);
  EXPECT_GE(server_->stats().connections_accepted.load(), 2U);
}

TEST_F(Http2ClientTest, ContentThatIsNotReadHoldsUpNobody) {
  start();
  EXPECT_EQ(drain(get("/first").get()->body).bytes.size(), size_t{1} << 20);
  std::vector<HttpResult<ClientResponse>> unread;
  for (int i = 0; i < 6; ++i) unread.push_back(get("/unread").get());
  EXPECT_EQ(drain(get("/read").get()->body).bytes.size(), size_t{1} << 20);
  EXPECT_LE(unread[0]->body->available(), 65535U);
  for (auto& each : unread) EXPECT_EQ(drain(each->body).bytes.size(), size_t{1} << 20);
  EXPECT_EQ(server_->stats().connections_accepted.load(), 1U);
}

TEST_F(Http2ClientTest, GivesUpOneOfMany) {
  start();
  EXPECT_EQ(drain(get("/first").get()->body).bytes.size(), size_t{1} << 20);
  auto other = get("/hold");
  auto given_up = get("/hold");
  handler_.wait_held(2);
  exchange_.cancel();
  HttpResult<ClientResponse> dropped = get("/unread").get();
  dropped->body->close_reader();
  EXPECT_EQ(drain(get("/read").get()->body).bytes.size(), size_t{1} << 20);
  handler_.release();
  EXPECT_EQ(other.get()->head->status, 200);
  EXPECT_EQ(server_->stats().connections_accepted.load(), 1U);
}

TEST_F(Http2ClientTest, SendsAgainWhenTheServerHasDrained) {
  HttpServerOptions options;
  // An address of its own, on which no other test takes the port while nobody has it.
  options.listen = {*Address::parse("127.77.0.1:0")};
  start(options);
  EXPECT_EQ(drain(get("/first").get()->body).bytes.size(), size_t{1} << 20);
  Address address = server_->addresses()[0];
  auto held = get("/hold");
  handler_.wait_held(1);
  server_->drain(120'000);
  handler_.release();
  EXPECT_EQ(held.get()->head->status, 200);
  EXPECT_TRUE(server_->wait());
  options.listen = {address};
  start(options);
  EXPECT_EQ(drain(get("/again").get()->body).bytes.size(), size_t{1} << 20);
}

TEST_F(Http2ClientTest, NamesWhatIsWrongWithAnAnswer) {
  const std::string ok = frame(kHeaders, kEndHeaders, 1, field(":status", "200"));
  struct Case {
    const char* name;
    std::string frames;
    Kind kind;
  };
  std::string large = field(":status", "200");
  for (int i = 0; i < 700; ++i) large += field("x", std::string(100, 'a'));
  std::string large_frames = frame(kHeaders, 0, 1, large.substr(0, 16384));
  for (size_t at = 16384; at < large.size(); at += 16384)
    large_frames += frame(kContinuation, at + 16384 >= large.size() ? kEndHeaders : 0, 1,
                          large.substr(at, 16384));
  std::string pings;
  for (int i = 0; i < 3000; ++i) pings += frame(kPing, 0, 0, "12345678");
  for (const Case& each :
       {Case{"nothing", "", Kind::connection_terminated},
        Case{"HTTP/1.1", "HTTP/1.1 400 Bad Request\r\n\r\n", Kind::protocol_error},
        Case{"refused twice", frame(kReset, 0, 1, number(7)), Kind::connection_terminated},
        Case{"going away", frame(kGoaway, 0, 0, number(0) + number(0)),
             Kind::connection_terminated},
        Case{"no status", frame(kHeaders, kEndHeaders, 1, field("x", "y")), Kind::protocol_error},
        Case{"switches", frame(kHeaders, kEndHeaders, 1, field(":status", "101")),
             Kind::protocol_error},
        Case{"a large head", large_frames, Kind::response_header_section_size},
        Case{"content first", frame(kData, 0, 1, "x"), Kind::protocol_error},
        Case{"half", ok + frame(kData, 0, 1, "half"), Kind::response_incomplete},
        Case{"reset", ok + frame(kData, 0, 1, "half") + frame(kReset, 0, 1, number(2)),
             Kind::response_incomplete},
        Case{"too short",
             frame(kHeaders, kEndHeaders, 1,
                   field(":status", "200") + field("content-length", "5")) +
                 frame(kData, kEndStream, 1, "half"),
             Kind::protocol_error},
        Case{"pings", pings, Kind::protocol_error}}) {
    HttpError error = failure(each.frames);
    EXPECT_EQ(error.kind, each.kind) << each.name << ": " << error.detail;
  }
}

TEST_F(Http2ClientTest, SkipsInterimResponses) {
  RawServer server(frame(kSettings, 0, 0, "") +
                   frame(kHeaders, kEndHeaders, 1, field(":status", "103") + field("link", "x")) +
                   frame(kHeaders, kEndHeaders, 1, field(":status", "200") + field("x", "y")) +
                   frame(kData, 0, 1, "content") +
                   frame(kHeaders, kEndHeaders | kEndStream, 1, field("x-sum", "1")));
  HttpResult<ClientResponse> response = send(server.request()).get();
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->head->status, 200);
  EXPECT_EQ(response->head->protocol(), "HTTP/2.0");
  EXPECT_EQ(response->head->find("x"), "y");
  EXPECT_EQ(response->head->find("link"), std::nullopt);
  Content content = drain(response->body);
  EXPECT_EQ(content.bytes, "content");
  EXPECT_EQ(content.trailers, (Headers{{"x-sum", "1"}}));
}

}  // namespace
}  // namespace sedge::net

#endif
