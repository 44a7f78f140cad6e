// The client against the server of this folder, whose handlers stream too, and against raw sockets
// that answer badly.
#include "net/http_client.h"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "net/test_server.h"

namespace sedge::net {
namespace {

/// /echo streams the content back with its trailers; others answer with what they were asked.
class EchoHandler final : public Handler {
 public:
  ~EchoHandler() override {
    for (std::thread& thread : threads_) thread.join();
  }
  HeadVerdict check_head(Request& request) override {
    return {.max_body_bytes = 16 << 20, .stream = request.path() == "/echo", .refusal = {}};
  }
  void handle(std::unique_ptr<Request> request, Responder responder) override {
    Response response;
    response.headers.emplace_back("X-Peer", request->find("x-thing").value_or("none"));
    if (!request->stream) {
      response.body = std::string(request->method()) + " " + std::string(request->target()) + " " +
                      request->body;
      return responder.respond(std::move(response));
    }
    auto out = std::make_shared<BodyPipe>(4096);
    response.stream = out;
    responder.respond(std::move(response));
    std::lock_guard lock(mutex_);
    threads_.emplace_back([in = request->stream, out] {
      Content content = drain(in);
      feed(out, content.bytes);
      if (content.state == BodyPipe::State::failed)
        out->fail(content.error);
      else
        out->finish(content.trailers);
    });
  }
  Response refuse(int status, std::string_view reason, std::string_view) override {
    Response response;
    response.status = status;
    response.body = reason;
    return response;
  }

 private:
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

struct Reply {
  HttpResult<int> status = std::unexpected(HttpError{});
  std::string peer;
  Content content;
};

/// The parameter: whether HTTP/2 is spoken.
class HttpClientTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!SEDGE_HAVE_HTTP2 && GetParam()) GTEST_SKIP() << "built without SEDGE_HTTP2";
    HttpServerOptions options;
    options.listen = {*Address::parse("127.0.0.1:0")};
    auto server = HttpServer::start(options, handler_);
    ASSERT_TRUE(server) << server.error().render();
    server_ = *std::move(server);
    client_ = *HttpClient::start({.http2_cleartext = GetParam()});
  }
  ClientRequest request(std::string target, std::string method = "GET") const {
    ClientRequest request;
    request.method = std::move(method);
    request.host = "127.0.0.1";
    request.port = server_->addresses()[0].port();
    request.authority = server_->addresses()[0].to_string();
    request.target = std::move(target);
    return request;
  }
  Reply ask(ClientRequest request) {
    std::promise<HttpResult<ClientResponse>> promise;
    auto future = promise.get_future();
    client_->send(std::move(request), [&promise](HttpResult<ClientResponse> response) {
      promise.set_value(std::move(response));
    });
    HttpResult<ClientResponse> response = future.get();
    Reply reply;
    if (!response) {
      reply.status = std::unexpected(response.error());
      return reply;
    }
    reply.status = response->head->status;
    reply.peer = response->head->find("x-peer").value_or("");
    reply.content = drain(response->body);
    return reply;
  }
  EchoHandler handler_;
  std::unique_ptr<HttpServer> server_;
  std::shared_ptr<HttpClient> client_;
};

TEST_P(HttpClientTest, KeepsTheConnectionForTheNextRequest) {
  for (int i = 0; i < 3; ++i) {
    ClientRequest request = this->request("/a?b=" + std::to_string(i));
    request.headers = {{"X-Thing", "one"}, {"Host", "elsewhere"}};
    Reply reply = ask(std::move(request));
    ASSERT_TRUE(reply.status) << reply.status.error().detail;
    EXPECT_EQ(*reply.status, 200);
    EXPECT_EQ(reply.peer, "one");
    EXPECT_EQ(reply.content.bytes, "GET /a?b=" + std::to_string(i) + " ");
  }
  EXPECT_EQ(server_->stats().connections_accepted.load(), 1U);
}

TEST_P(HttpClientTest, SendsContentWithALengthAndWithout) {
  ClientRequest sized = request("/", "POST");
  sized.body = BodyPipe::of("hello");
  Reply reply = ask(std::move(sized));
  EXPECT_EQ(reply.content.bytes, "POST / hello");
  ClientRequest chunked = request("/", "PUT");
  chunked.body = std::make_shared<BodyPipe>(3);
  std::thread writer([pipe = chunked.body] {
    feed(pipe, "in small pieces");
    pipe->finish();
  });
  EXPECT_EQ(ask(std::move(chunked)).content.bytes, "PUT / in small pieces");
  writer.join();
}

TEST_P(HttpClientTest, StreamsBothWaysWithTrailers) {
  std::string big(3 << 20, 'x');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 23);
  ClientRequest echo = request("/echo", "POST");
  echo.body = std::make_shared<BodyPipe>(1024);
  std::thread writer([pipe = echo.body, &big] {
    feed(pipe, big);
    pipe->finish({{"x-sum", "42"}});
  });
  Reply reply = ask(std::move(echo));
  writer.join();
  EXPECT_EQ(reply.content.state, BodyPipe::State::done);
  EXPECT_EQ(reply.content.bytes, big);
  EXPECT_EQ(reply.content.trailers, (Headers{{"x-sum", "42"}}));
}

TEST_P(HttpClientTest, RefusesContentOfAnotherLength) {
  ClientRequest longer = request("/", "POST");
  longer.body = BodyPipe::of("four");
  longer.body_length = 3;
  Reply reply = ask(std::move(longer));
  ASSERT_FALSE(reply.status);
  EXPECT_EQ(reply.status.error().kind, HttpError::Kind::request_body_size);
}

TEST_P(HttpClientTest, AsksForPermissionForTheAddress) {
  ClientRequest asked = request("/");
  asked.permit = [](const Address& address) { return address.ip() != "127.0.0.1"; };
  Reply reply = ask(std::move(asked));
  ASSERT_FALSE(reply.status);
  EXPECT_EQ(reply.status.error().kind, HttpError::Kind::destination_ip_prohibited);
}

TEST_P(HttpClientTest, RefusesWhatCouldBeReadAsAnotherRequest) {
  for (const char* target : {"/a b", "/a\r\nX: y", "no-slash", ""}) {
    Reply reply = ask(request(target));
    ASSERT_FALSE(reply.status) << target;
    EXPECT_EQ(reply.status.error().kind, HttpError::Kind::request_uri_invalid);
  }
  Reply reply = ask(request("/", "G ET"));
  ASSERT_FALSE(reply.status);
  EXPECT_EQ(reply.status.error().kind, HttpError::Kind::request_method_invalid);
  ClientRequest split = request("/");
  split.headers = {{"x-thing", "a\r\nx-other: b"}, {"x thing", "c"}};
  EXPECT_EQ(ask(std::move(split)).peer, "none");
}

TEST_P(HttpClientTest, ReadsAnswersOfAllFramings) {
  if (GetParam()) GTEST_SKIP() << "of HTTP/1.1";
  struct Case {
    const char* answer;
    int status;
    const char* content;
  };
  for (const Case& each :
       {Case{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
        Case{"HTTP/1.1 200\r\n\r\nuntil the end", 200, "until the end"},
        Case{"HTTP/1.0 404 Not Found\r\n\r\ngone", 404, "gone"},
        Case{"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, ""},
        Case{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""},
        Case{"HTTP/1.1 302 Found\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3;x=y\r\nabc\r\n0\r\n\r\n",
             302, "abc"}}) {
    RawServer server(each.answer);
    Reply reply = ask(server.request());
    ASSERT_TRUE(reply.status) << each.answer << ": " << reply.status.error().detail;
    EXPECT_EQ(*reply.status, each.status);
    EXPECT_EQ(reply.content.state, BodyPipe::State::done);
    EXPECT_EQ(reply.content.bytes, each.content);
  }
}

TEST_P(HttpClientTest, NamesWhatIsWrongWithAnAnswer) {
  if (GetParam()) GTEST_SKIP() << "of HTTP/1.1";
  using Kind = HttpError::Kind;
  struct Case {
    std::string answer;
    Kind kind;
  };
  for (const Case& each :
       {Case{"", Kind::connection_terminated}, Case{"HTTP/1.1 200 O", Kind::response_incomplete},
        Case{"SSH-2.0-OpenSSH\r\n", Kind::protocol_error},
        Case{"HTTP/1.1 101 Switching Protocols\r\n\r\n", Kind::protocol_error},
        Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Kind::response_transfer_coding},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
             Kind::protocol_error},
        Case{"HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'a') + "\r\n\r\n",
             Kind::response_header_section_size}}) {
    RawServer server(each.answer);
    Reply reply = ask(server.request());
    ASSERT_FALSE(reply.status) << each.answer.substr(0, 40);
    EXPECT_EQ(reply.status.error().kind, each.kind) << each.answer.substr(0, 40);
  }
  for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"}) {
    RawServer server(answer);
    Reply reply = ask(server.request());
    ASSERT_TRUE(reply.status);
    EXPECT_EQ(reply.content.state, BodyPipe::State::failed);
    EXPECT_EQ(reply.content.bytes, "ok");
    EXPECT_EQ(reply.content.error.kind, Kind::response_incomplete);
  }
}

TEST_P(HttpClientTest, SaysThatNobodyListens) {
  // A port that is taken, so that no other test has it, and not listened to.
  Fd bound(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Address any = *Address::parse("127.0.0.1:0");
  ASSERT_EQ(::bind(bound.get(), any.get(), any.size()), 0);
  ClientRequest refused = request("/");
  refused.port = local_address(bound)->port();
  Reply reply = ask(std::move(refused));
  ASSERT_FALSE(reply.status);
  EXPECT_EQ(reply.status.error().kind, HttpError::Kind::connection_refused);
}

TEST_P(HttpClientTest, GivesUpWhenTheServerSaysNothing) {
  Fd silent = *listen_on(*Address::parse("127.0.0.1:0"), 1, true);
  ClientRequest asked = request("/");
  asked.port = local_address(silent)->port();
  asked.timeouts.first_byte_ms = 50;
  Reply reply = ask(std::move(asked));
  ASSERT_FALSE(reply.status);
  EXPECT_EQ(reply.status.error().kind, HttpError::Kind::connection_read_timeout);
}

TEST_P(HttpClientTest, TellsEverybodyWhenItEnds) {
  Fd silent = *listen_on(*Address::parse("127.0.0.1:0"), 1, true);
  ClientRequest asked = request("/");
  asked.port = local_address(silent)->port();
  std::promise<HttpError::Kind> told;
  client_->send(std::move(asked), [&](HttpResult<ClientResponse> response) {
    told.set_value(response ? HttpError::Kind::internal_error : response.error().kind);
  });
  client_.reset();
  EXPECT_EQ(told.get_future().get(), HttpError::Kind::connection_terminated);
}

INSTANTIATE_TEST_SUITE_P(Versions, HttpClientTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Http2" : "Http1"; });

}  // namespace
}  // namespace sedge::net
