// The server over loopback, with a handler that answers at once, later from another thread, or
// never.
#include "net/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "net/test_client.h"

namespace sedge::net {
namespace {

// /echo answers with the body, /late from another thread, /hold when release() is called, /drop
// never answers, /big sends a megabyte, /refused is refused by its head.
class TestHandler final : public Handler {
 public:
  ~TestHandler() override {
    for (std::thread& thread : threads_) thread.join();
  }
  HeadVerdict check_head(Request& request) override {
    HeadVerdict verdict{.max_body_bytes = 2 << 20, .refusal = {}};
    if (request.path() == "/refused") verdict.refusal = text(403, "refused");
    if (request.path() == "/small") verdict.max_body_bytes = 4;
    return verdict;
  }
  void handle(std::unique_ptr<Request> request, Responder responder) override {
    ++handled;
    std::string_view path = request->path();
    if (path == "/late") {
      std::lock_guard lock(mutex_);
      threads_.emplace_back(
          [request = std::move(request), responder = std::move(responder)]() mutable {
            responder.respond(text(200, "late " + request->body));
          });
    } else if (path == "/hold") {
      std::lock_guard lock(mutex_);
      held_.push_back(std::move(responder));
      holding_.notify_all();
    } else if (path == "/hints") {
      Response hints;
      hints.status = 103;
      hints.headers = {{"Link", "</a>"}};
      responder.respond(hints);
      responder.respond(hints);
      responder.respond(text(200, "answer"));
    } else if (path == "/drop") {
      return;
    } else if (path == "/big") {
      responder.respond(text(200, std::string(8 << 20, 'b')));
    } else {
      responder.respond(text(
          200, std::string(request->method()) + " " + std::string(path) + " " + request->body));
    }
  }
  Response refuse(int status, std::string_view reason, std::string_view) override {
    return text(status, std::string(reason));
  }
  static Response text(int status, std::string body) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
  void wait_held(size_t count) {
    std::unique_lock lock(mutex_);
    holding_.wait(lock, [&] { return held_.size() >= count; });
  }
  void release() {
    std::lock_guard lock(mutex_);
    for (Responder& responder : held_) responder.respond(text(200, "held"));
    held_.clear();
  }
  std::atomic<int> handled = 0;

 private:
  std::mutex mutex_;
  std::condition_variable holding_;
  std::vector<Responder> held_;
  std::vector<std::thread> threads_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void start(HttpServerOptions options = {}) {
    Result<Address> any = Address::parse("127.0.0.1:0");
    ASSERT_TRUE(any);
    options.listen = {*any};
    if (options.loops == 1) options.loops = 2;
    Result<std::unique_ptr<HttpServer>> server = HttpServer::start(options, handler_);
    ASSERT_TRUE(server) << server.error().render();
    server_ = *std::move(server);
  }
  TestClient client() { return TestClient(server_->addresses()[0]); }
  void wait_open(int64_t count) {
    while (server_->stats().connections_open.load() != count) std::this_thread::yield();
  }

  TestHandler handler_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, KeepsConnectionsAlive) {
  start();
  TestClient one = client();
  for (int i = 0; i < 100; ++i) {
    TestClient::Reply reply = one.post("/echo", "body" + std::to_string(i));
    ASSERT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "POST /echo body" + std::to_string(i));
    EXPECT_FALSE(reply.headers.contains("connection"));
    EXPECT_TRUE(reply.headers.contains("date"));
  }
  EXPECT_EQ(server_->stats().connections_accepted.load(), 1U);
  TestClient::Reply last = one.get("/x", "Connection: close\r\n");
  EXPECT_EQ(last.headers["connection"], "close");
  EXPECT_TRUE(one.at_end());
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  TestClient one = client();
  std::string requests;
  for (int i = 0; i < 300; ++i)
    requests += "POST " + std::string(i % 3 ? "/echo" : "/late") +
                " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n" + std::to_string(100 + i);
  one.send(requests);
  for (int i = 0; i < 300; ++i)
    ASSERT_EQ(one.read().body, (i % 3 ? "POST /echo " : "late ") + std::to_string(100 + i));
}

TEST_F(HttpServerTest, AnswersAClientThatHasShutItsSide) {
  start();
  TestClient one = client();
  one.send(
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /late HTTP/1.1\r\nHost: a\r\n"
      "Content-Length: 1\r\n\r\nx");
  one.shut_write();
  EXPECT_EQ(one.read().body, "GET /1 ");
  EXPECT_EQ(one.read().body, "late x");
  EXPECT_TRUE(one.at_end());
}

TEST_F(HttpServerTest, LeavesTheBodyOutOfHead) {
  start();
  TestClient one = client();
  one.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
  TestClient::Reply reply = one.read(true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers["content-length"], "8");
  EXPECT_EQ(one.get("/y").body, "GET /y ");
}

TEST_F(HttpServerTest, SendsContinueBeforeTheBody) {
  start();
  TestClient one = client();
  one.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(one.read().status, 100);
  one.send("ok");
  EXPECT_EQ(one.read().body, "POST /echo ok");
  // Refused by its head: the client is told at once and sends nothing.
  one.send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  TestClient::Reply reply = one.read();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.headers["connection"], "close");
  EXPECT_TRUE(one.at_end());
}

TEST_F(HttpServerTest, SendsInterimResponsesBeforeTheFinalOne) {
  start();
  TestClient one = client();
  EXPECT_EQ(one.get("/hints").status, 103);
  TestClient::Reply hints = one.read();
  EXPECT_EQ(hints.status, 103);
  EXPECT_EQ(hints.headers["link"], "</a>");
  EXPECT_FALSE(hints.headers.contains("content-length"));
  EXPECT_FALSE(hints.headers.contains("connection"));
  EXPECT_EQ(one.read().body, "answer");
  EXPECT_EQ(one.get("/x").body, "GET /x ");
  // HTTP/1.0 knows nothing of them.
  one.send("GET /hints HTTP/1.0\r\nHost: a\r\n\r\n");
  EXPECT_EQ(one.read().body, "answer");
  EXPECT_TRUE(one.at_end());
}

TEST_F(HttpServerTest, RefusesByHead) {
  start();
  TestClient one = client();
  EXPECT_EQ(one.get("/refused").status, 403);
  EXPECT_EQ(one.get("/x").status, 200);  // no body: the connection stays
  // With a body that is on its way, the answer still arrives.
  EXPECT_EQ(one.post("/refused", std::string(1 << 20, 'x')).status, 403);
  EXPECT_TRUE(one.at_end());
  EXPECT_EQ(handler_.handled.load(), 1);
}

TEST_F(HttpServerTest, AnswersBadRequestsAndCloses) {
  start();
  for (auto [bytes, status] :
       {std::pair{"nonsense\r\n\r\n", 400},
        {"GET / HTTP/3.0\r\n\r\n", 505},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n", 501}}) {
    TestClient one = client();
    one.send(bytes);
    TestClient::Reply reply = one.read();
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.headers["connection"], "close");
    EXPECT_TRUE(one.at_end());
  }
  EXPECT_EQ(handler_.handled.load(), 0);
}

TEST_F(HttpServerTest, SendsWhatTheClientReadsSlowly) {
  start();
  TestClient one = client();
  for (int i = 0; i < 3; ++i) one.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(one.read().body.size(), size_t{8} << 20);
}

TEST_F(HttpServerTest, AnswersForAHandlerThatForgets) {
  start();
  TestClient one = client();
  EXPECT_EQ(one.get("/drop").status, 500);
}

TEST_F(HttpServerTest, SurvivesClientsThatLeave) {
  start();
  for (int i = 0; i < 20; ++i) {
    TestClient gone = client();
    gone.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    handler_.wait_held(1);
    linger hard{1, 0};  // reset instead of an orderly close
    ::setsockopt(gone.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    if (i % 2) {
      TestClient moved = std::move(gone);
    }
    handler_.release();
  }
  wait_open(0);
  EXPECT_EQ(client().get("/x").status, 200);
}

TEST_F(HttpServerTest, TurnsAwayConnectionsBeyondTheLimit) {
  HttpServerOptions options;
  options.max_connections = 3;
  start(options);
  std::vector<TestClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(client());
    ASSERT_EQ(clients.back().get("/x").status, 200);
  }
  TestClient extra = client();
  extra.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  TestClient::Reply reply = extra.read();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "too many connections");
  EXPECT_TRUE(extra.at_end());
  clients.pop_back();
  while (server_->stats().connections_open.load() >= 3) std::this_thread::yield();
  EXPECT_EQ(client().get("/x").status, 200);
}

TEST_F(HttpServerTest, GoesOnSayingWhyItTurnsAway) {
  HttpServerOptions options;
  options.max_connections = 1;
  options.loops = 1;
  start(options);
  TestClient first = client();
  ASSERT_EQ(first.get("/x").status, 200);
  // More than may be turned away at one time, with a connection open all along.
  for (int i = 0; i < 1200; ++i) {
    {
      TestClient extra = client();
      extra.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      ASSERT_EQ(extra.read().status, 503) << i;
    }
    wait_open(1);
  }
}

TEST_F(HttpServerTest, BoundsTheBodiesOfAllRequestsTogether) {
  HttpServerOptions options;
  options.max_bodies_bytes = 100'000;
  start(options);
  TestClient waiting = client(), reading = client(), third = client();
  std::string half(50'000, 'x');
  waiting.send("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n" +
               half.substr(0, 40'000));
  handler_.wait_held(1);
  // The handler of this test keeps the right to answer, not the request: its bytes are free again.
  while (server_->bodies_bytes() != 0) std::this_thread::yield();
  reading.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + half);
  while (server_->bodies_bytes() != half.size()) std::this_thread::yield();
  third.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50001\r\n\r\n" + half + "x");
  TestClient::Reply refused = third.read();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, "the bodies of all requests together are too large");
  EXPECT_TRUE(third.at_end());
  reading.send(half.substr(0, 10'000));
  EXPECT_EQ(reading.read().status, 200);
  while (server_->bodies_bytes() != 0) std::this_thread::yield();
  EXPECT_EQ(client().post("/echo", half).status, 200);
  handler_.release();
}

TEST_F(HttpServerTest, TimesOutSlowRequests) {
  // Short is only what each client is to exceed: it may itself be slow.
  HttpServerOptions options;
  options.header_timeout_ms = 2000;
  start(options);
  TestClient silent = client();
  TestClient head = client();
  head.send("GET / HT");
  EXPECT_TRUE(silent.at_end());  // never began: closed without a word
  TestClient::Reply reply = head.read();
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(reply.body, "the request head did not arrive in time");
  options = {};
  options.body_timeout_ms = 100;
  options.idle_timeout_ms = 100;
  start(options);
  TestClient body = client();
  body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
  reply = body.read();
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(reply.body, "the request body did not arrive in time");
  TestClient idle = client();
  EXPECT_EQ(idle.get("/x").status, 200);
  EXPECT_TRUE(idle.at_end());
}

TEST_F(HttpServerTest, DrainsWithoutLosingARequest) {
  start();
  TestClient idle = client();
  EXPECT_EQ(idle.get("/x").status, 200);
  TestClient busy = client();
  busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  handler_.wait_held(1);
  TestClient half = client();
  half.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
  wait_open(3);
  while (server_->stats().bytes_received.load() < 100) std::this_thread::yield();

  server_->drain(120'000);
  EXPECT_TRUE(idle.at_end());
  half.send("lf");
  TestClient::Reply reply = half.read();
  EXPECT_EQ(reply.body, "POST /echo half");
  EXPECT_EQ(reply.headers["connection"], "close");
  while (client().connected()) std::this_thread::yield();  // each loop stops in its own time
  handler_.release();
  reply = busy.read();
  EXPECT_EQ(reply.body, "held");
  EXPECT_EQ(reply.headers["connection"], "close");
  EXPECT_TRUE(server_->wait());
}

TEST_F(HttpServerTest, CutsWhatIsLeftAtTheDeadline) {
  start();
  TestClient busy = client();
  busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  handler_.wait_held(1);
  server_->drain(50);
  EXPECT_FALSE(server_->wait());
  EXPECT_EQ(busy.read().status, 0);
  server_.reset();
  handler_.release();  // too late, and harmless
}

TEST_F(HttpServerTest, ServesManyClientsFromManyThreads) {
  start();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int c = 0; c < 10; ++c) {
        TestClient one = client();
        for (int i = 0; i < 20; ++i) {
          std::string body = std::to_string(t) + "." + std::to_string(i);
          good += one.post("/echo", body).body == "POST /echo " + body;
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good.load(), 8 * 10 * 20);
  wait_open(0);
}

}  // namespace
}  // namespace sedge::net
