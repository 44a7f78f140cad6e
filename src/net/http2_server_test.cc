// The server over loopback with clients of HTTP/2, beside those of HTTP/1.1.
#include "net/http_server.h"

#if SEDGE_HAVE_HTTP2

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "net/body_pipe.h"
#include "net/http2_test_peer.h"
#include "net/test_client.h"
#include "net/test_server.h"

namespace sedge::net {
namespace {

using namespace http2_frames;

// /late answers from another thread, /hold when release() is called, /big sends eight megabytes,
// /stream sends its content back as it comes, others answer with what they were asked.
class Http2Handler final : public Handler {
 public:
  ~Http2Handler() override {
    for (std::thread& thread : threads_) thread.join();
  }
  HeadVerdict check_head(Request& request) override {
    return {.max_body_bytes = 16 << 20, .stream = request.path() == "/stream", .refusal = {}};
  }
  void handle(std::unique_ptr<Request> request, Responder responder) override {
    ++handled;
    std::string_view path = request->path();
    if (path == "/late") {
      start([request = std::move(request), responder = std::move(responder)]() mutable {
        responder.respond(text("late " + request->body));
      });
    } else if (path == "/hold") {
      std::lock_guard lock(mutex_);
      held_.push_back(std::move(responder));
      changed_.notify_all();
    } else if (path == "/big") {
      responder.respond(text(std::string(8 << 20, 'b')));
    } else if (path == "/stream") {
      start([in = request->stream, responder = std::move(responder)]() mutable {
        echo(in, std::move(responder));
      });
    } else if (path != "/drop") {
      responder.respond(text(std::string(request->protocol()) + " " +
                             std::string(request->method()) + " " + request->body));
    }
  }
  Response refuse(int status, std::string_view reason, std::string_view) override {
    Response response = text(std::string(reason));
    response.status = status;
    return response;
  }
  void wait_held(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
  }
  void release() {
    std::lock_guard lock(mutex_);
    for (Responder& responder : held_) responder.respond(text("held"));
    held_.clear();
  }
  std::atomic<int> handled = 0;

 private:
  static Response text(std::string body) {
    Response response;
    response.body = std::move(body);
    return response;
  }
  void start(std::move_only_function<void()> work) {
    std::lock_guard lock(mutex_);
    threads_.emplace_back(std::move(work));
  }
  static void echo(const std::shared_ptr<BodyPipe>& in, Responder responder) {
    auto out = std::make_shared<BodyPipe>(4096);
    Response response;
    response.stream = out;
    responder.respond(std::move(response));
    Content content = drain(in);
    feed(out, content.bytes);
    if (content.state == BodyPipe::State::failed)
      out->fail(content.error);
    else
      out->finish(content.trailers);
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Responder> held_;
  std::vector<std::thread> threads_;
};

class Http2ServerTest : public testing::Test {
 protected:
  void start(HttpServerOptions options = {}) {
    options.listen = {*Address::parse("127.0.0.1:0")};
    options.loops = 2;
    Result<std::unique_ptr<HttpServer>> server = HttpServer::start(options, handler_);
    ASSERT_TRUE(server) << server.error().render();
    server_ = *std::move(server);
  }
  const Address& address() const { return server_->addresses()[0]; }
  void wait_open(int64_t count) {
    while (server_->stats().connections_open.load() != count) std::this_thread::yield();
  }
  Http2Handler handler_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(Http2ServerTest, SpeaksBothVersionsOnOnePort) {
  start();
  Http2TestClient two(address());
  TestClient one(address());
  for (int i = 0; i < 20; ++i) {
    std::string body = std::to_string(i);
    EXPECT_EQ(two.ask("POST", "/", body).body, "HTTP/2.0 POST " + body);
    EXPECT_EQ(one.post("/", body).body, "HTTP/1.1 POST " + body);
  }
  EXPECT_EQ(server_->stats().connections_accepted.load(), 2U);
  EXPECT_EQ(server_->stats().http2_connections.load(), 1U);
  EXPECT_EQ(server_->stats().http2_requests.load(), 20U);
}

TEST_F(Http2ServerTest, KnowsThePrefaceInPieces) {
  start();
  Http2TestClient two(address());
  two.request("GET", "/");
  std::string bytes = two.output();
  for (char c : bytes) two.send({&c, 1});
  EXPECT_TRUE(two.until([&] { return two.replies[1].closed; }));
  EXPECT_EQ(two.replies[1].body, "HTTP/2.0 GET ");
  // What begins like it, and is not.
  TestClient one(address());
  for (const char* piece : {"P", "OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"})
    one.send(piece);
  EXPECT_EQ(one.read().body, "HTTP/1.1 POST x");
  TestClient other(address());
  for (const char* piece : {"PRI * HT", "TP/2.0\r\n", "\r\nSX\r\n\r\n"}) other.send(piece);
  EXPECT_EQ(other.read().status, 505);
  TestClient gone(address());
  gone.send("PRI");
  gone.shut_write();
  EXPECT_TRUE(gone.at_end());
}

TEST_F(Http2ServerTest, IsNotSpokenWhereItIsSwitchedOff) {
  HttpServerOptions options;
  options.http2 = false;
  start(options);
  TestClient one(address());
  one.send(opening());
  EXPECT_EQ(one.read().status, 505);
}

TEST_F(Http2ServerTest, AnswersManyRequestsAtOnce) {
  start();
  Http2TestClient client(address());
  std::vector<int32_t> ids;
  for (int i = 0; i < 90; ++i)
    ids.push_back(client.request("POST", i % 3 ? "/" : "/late", {}, std::to_string(i)));
  client.until([&] {
    return std::ranges::all_of(ids, [&](int32_t id) { return client.replies[id].closed; });
  });
  for (int i = 0; i < 90; ++i)
    EXPECT_EQ(client.replies[ids[i]].body,
              (i % 3 ? "HTTP/2.0 POST " : "late ") + std::to_string(i));
}

TEST_F(Http2ServerTest, SendsLargeAnswersSideBySide) {
  start();
  Http2TestClient client(address());
  std::vector<int32_t> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(client.request("GET", "/big"));
  client.until([&] {
    return std::ranges::all_of(ids, [&](int32_t id) { return client.replies[id].closed; });
  });
  for (int32_t id : ids) EXPECT_EQ(client.replies[id].body.size(), size_t{8} << 20);
}

TEST_F(Http2ServerTest, StreamsBothWaysWithTrailers) {
  start();
  Http2TestClient client(address());
  std::string big(3 << 20, 'x');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 23);
  int32_t id = client.request("POST", "/stream", {}, big, true, {{"x-sum", "42"}});
  client.until([&] { return client.replies[id].closed; });
  EXPECT_EQ(client.replies[id].body, big);
  EXPECT_EQ(client.replies[id].trailers["x-sum"], "42");
}

TEST_F(Http2ServerTest, AnswersForAHandlerThatForgets) {
  start();
  Http2TestClient client(address());
  EXPECT_EQ(client.ask("GET", "/drop").status, 500);
  EXPECT_EQ(client.ask("GET", "/").status, 200);
}

TEST_F(Http2ServerTest, SurvivesClientsThatLeave) {
  start();
  for (int i = 0; i < 20; ++i) {
    Http2TestClient gone(address());
    gone.request("GET", "/hold");
    gone.request("POST", "/stream", {}, "half", false);
    gone.request("GET", "/big");
    gone.flush();
    handler_.wait_held(1);
    linger hard{1, 0};  // reset instead of an orderly close
    if (i % 2) ::setsockopt(gone.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::shutdown(gone.fd(), SHUT_WR);
    handler_.release();
  }
  wait_open(0);
  Http2TestClient client(address());
  EXPECT_EQ(client.ask("GET", "/").status, 200);
}

TEST_F(Http2ServerTest, EndsFloods) {
  start();
  Http2TestClient client(address());
  std::string frames;
  for (uint32_t i = 0; i < 20'000; ++i)
    frames += frame(kHeaders, kEndStream | kEndHeaders, 2 * i + 1, head("GET", "/hold")) +
              frame(kReset, 0, 2 * i + 1, number(8));
  std::thread sender([&] { client.send(opening() + frames); });
  while (server_->stats().http2_abuses.load() == 0) std::this_thread::yield();
  sender.join();
  wait_open(0);
  EXPECT_EQ(server_->stats().http2_abuses.load(), 1U);
  EXPECT_LE(handler_.handled.load(), 100);
  handler_.release();
}

TEST_F(Http2ServerTest, ClosesIdleConnections) {
  HttpServerOptions options;
  options.header_timeout_ms = 2000;  // a slow client says in time that it speaks HTTP/2
  start(options);
  Http2TestClient silent(address());
  silent.flush();
  EXPECT_TRUE(silent.at_end());
  EXPECT_TRUE(silent.goaway);
  EXPECT_EQ(silent.goaway_error, uint32_t{NGHTTP2_NO_ERROR});
  options = {};
  options.idle_timeout_ms = 100;
  start(options);
  Http2TestClient idle(address());
  EXPECT_EQ(idle.ask("GET", "/").status, 200);
  EXPECT_TRUE(idle.at_end());
}

TEST_F(Http2ServerTest, EndsWhatIsTooSlow) {
  HttpServerOptions options;
  options.body_timeout_ms = 100;
  options.write_timeout_ms = 100;
  start(options);
  Http2TestClient client(address(), 0);
  int32_t slow = client.request("POST", "/", {}, "half", false);
  int32_t stalled = client.request("GET", "/big");
  client.until([&] { return client.replies[slow].closed && client.replies[stalled].closed; });
  EXPECT_EQ(client.replies[slow].status, 408);
  EXPECT_EQ(client.replies[stalled].error, uint32_t{NGHTTP2_CANCEL});
  EXPECT_EQ(client.ask("HEAD", "/").status, 200);  // the connection goes on
}

TEST_F(Http2ServerTest, DrainsWithoutLosingARequest) {
  start();
  Http2TestClient idle(address()), busy(address());
  EXPECT_EQ(idle.ask("GET", "/").status, 200);
  int32_t held = busy.request("GET", "/hold");
  int32_t half = busy.request("POST", "/", {}, "ha", false);
  busy.flush();
  handler_.wait_held(1);
  wait_open(2);
  server_->drain(120'000);
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(idle.goaway);
  EXPECT_TRUE(busy.until([&] { return busy.goaway && busy.goaway_last != INT32_MAX; }));
  busy.add(half, "lf", true);
  EXPECT_TRUE(busy.until([&] { return busy.replies[half].closed; }));
  EXPECT_EQ(busy.replies[half].body, "HTTP/2.0 POST half");
  handler_.release();
  EXPECT_TRUE(busy.until([&] { return busy.replies[held].closed; }));
  EXPECT_EQ(busy.replies[held].body, "held");
  EXPECT_TRUE(busy.at_end());
  EXPECT_TRUE(server_->wait());
}

TEST_F(Http2ServerTest, DrainsClientsThatDoNotAnswer) {
  start();
  Http2TestClient client(address());
  EXPECT_EQ(client.ask("GET", "/").status, 200);
  server_->drain(120'000);
  EXPECT_TRUE(server_->wait());  // it never reads again
}

TEST_F(Http2ServerTest, CutsWhatIsLeftAtTheDeadline) {
  start();
  Http2TestClient busy(address());
  busy.request("GET", "/hold");
  busy.flush();
  handler_.wait_held(1);
  server_->drain(50);
  EXPECT_FALSE(server_->wait());
  server_.reset();
  handler_.release();  // too late, and harmless
}

TEST_F(Http2ServerTest, ServesManyClientsFromManyThreads) {
  start();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int c = 0; c < 5; ++c) {
        Http2TestClient client(address());
        std::map<int32_t, std::string> asked;
        for (int i = 0; i < 40; ++i) {
          std::string body = std::to_string(t) + "." + std::to_string(i);
          asked[client.request("POST", i % 2 ? "/" : "/stream", {}, body)] =
              (i % 2 ? "HTTP/2.0 POST " : "") + body;
        }
        client.until([&] {
          return std::ranges::all_of(asked,
                                     [&](auto& each) { return client.replies[each.first].closed; });
        });
        for (auto& [id, body] : asked) good += client.replies[id].body == body;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good.load(), 8 * 5 * 40);
  wait_open(0);
}

}  // namespace
}  // namespace sedge::net

#endif
