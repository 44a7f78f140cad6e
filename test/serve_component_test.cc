// Components behind the server: streams both ways, errors, limits, reuse, and requests that they
// send themselves. The guest is test/guests/http_guest.wat, made a component by this program.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/cpu.h"
#include "component_server.h"
#if SEDGE_HAVE_HTTP2
#include "net/http2_test_peer.h"
#endif
#include "net/http_server.h"

namespace sedge::serve {
namespace {

constexpr const char* kWorld = R"(world guest {
  import wasi:clocks/monotonic-clock@0.2.12;
  import wasi:io/streams@0.2.12;
  import wasi:http/types@0.2.12;
  import wasi:http/outgoing-handler@0.2.12;
  export wasi:http/incoming-handler@0.2.12;
}
)";

/// A server that answers only when it is told to, and then all that wait.
class Upstream final : public net::Handler {
 public:
  Upstream() {
    net::HttpServerOptions options;
    options.listen = {*net::Address::parse("127.0.0.1:0")};
    server_ = *net::HttpServer::start(options, *this);
  }
  ~Upstream() override { release(); }
  net::HeadVerdict check_head(net::Request&) override {
    return {.max_body_bytes = 0, .stream = false, .refusal = {}};
  }
  void handle(std::unique_ptr<net::Request>, net::Responder responder) override {
    std::lock_guard lock(mutex_);
    held_.push_back(std::move(responder));
    changed_.notify_all();
  }
  net::Response refuse(int status, std::string_view, std::string_view) override {
    return {.status = status};
  }
  /// Waits until so many wait.
  void wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
  }
  void release() {
    std::lock_guard lock(mutex_);
    for (net::Responder& one : held_) one.respond({.body = "at last"});
    held_.clear();
  }
  /// The path by which the guest asks it.
  std::string path() const {
    return fmt::format("/get127.0.0.1:{}", server_->addresses()[0].port());
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<net::Responder> held_;  // guarded by mutex_
  std::unique_ptr<net::HttpServer> server_;
};

class ServeComponentTest : public ComponentServerTest {
 protected:
  static void SetUpTestSuite() { make_guest("http_guest.wat", {"p2"}, kWorld); }
};

TEST_F(ServeComponentTest, EchoesContentAsItComes) {
  start();
  std::string reply = raw(
      "POST /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
  EXPECT_NE(reply.find("hello"), std::string::npos) << reply;
  EXPECT_NE(reply.find(" world"), std::string::npos) << reply;
}

#if SEDGE_HAVE_HTTP2
TEST_F(ServeComponentTest, StreamsOverHttp2) {
  route_.reuse = 100;
  start();
  net::Http2TestClient client(address());
  int32_t id = client.request("POST", "/echo", {}, "first", false);
  ASSERT_TRUE(client.until([&] { return client.replies[id].body == "first"; }));
  EXPECT_FALSE(client.replies[id].ended);  // it answers while the request is still coming
  client.add(id, " second", true);
  ASSERT_TRUE(client.until([&] { return client.replies[id].closed; }));
  EXPECT_EQ(client.replies[id].status, 200);
  EXPECT_EQ(client.replies[id].body, "first second");
  EXPECT_TRUE(client.replies[id].ended);
  std::string big(500'000, 'x');
  EXPECT_EQ(client.ask("POST", "/echo", big).body, big);
}

TEST_F(ServeComponentTest, AnswersCurlOverHttp2) {
  test::Outcome version = test::run_program({"curl", "--version"});
  if (version.status != 0 || version.out.find("HTTP2") == std::string::npos)
    GTEST_SKIP() << "no curl with HTTP/2 is installed";
  start();
  std::string big(200'000, 'x');
  test::Outcome outcome =
      test::run_program({"curl", "-q", "-sS", "--noproxy", "*", "--http2-prior-knowledge",
                         "--data-binary", "@-", "-w", "\n%{http_version} %{http_code}",
                         fmt::format("http://{}/echo", address().to_string())},
                        big);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, big + "\n2 200");
}
#endif

TEST_F(ServeComponentTest, AnswersWhileTheRequestIsStillComing) {
  start();
  TestClient client(address());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nfirst\r\n");
  std::string got = read_until(client, "first\r\n");
  EXPECT_NE(got.find("first"), std::string::npos) << got;
  client.send("6\r\nsecond\r\n0\r\n\r\n");
  got = read_until(client, "second\r\n0\r\n\r\n");
  EXPECT_NE(got.find("second\r\n0\r\n\r\n"), std::string::npos) << got;
  // The connection is good for another request.
  EXPECT_EQ(client.get("/count").status, 200);
}

TEST_F(ServeComponentTest, StreamsMoreThanItKeeps) {
  start();
  std::string big(2 << 20, 'x');
  std::string reply = raw("POST /echo HTTP/1.0\r\nContent-Length: " + std::to_string(big.size()) +
                          "\r\n\r\n" + big);
  EXPECT_GT(reply.size(), big.size());
  EXPECT_TRUE(reply.ends_with(big));
}

TEST_F(ServeComponentTest, EveryRequestHasAnInstanceOfItsOwn) {
  start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/count").body, "1");
}

TEST_F(ServeComponentTest, ReusesAnInstanceAsOftenAsTheRouteSays) {
  route_.reuse = 2;
  start();
  std::string counts;
  for (int i = 0; i < 4; ++i) {
    counts += get("/count").body;
    wait_until_idle();  // an answer may arrive before the guest that gave it ends
  }
  EXPECT_EQ(counts, "1212");
  get("/trap");  // a trap ends the instance
  EXPECT_EQ(get("/count").body, "1");
}

TEST_F(ServeComponentTest, SaysWhatWentWrong) {
  start();
  TestClient::Reply trap = get("/trap");
  EXPECT_EQ(trap.status, 500);
  EXPECT_NE(trap.body.find("unreachable"), std::string::npos) << trap.body;
  TestClient::Reply none = get("/none");
  EXPECT_EQ(none.status, 502);
  EXPECT_NE(none.body.find("the function set no response"), std::string::npos) << none.body;
  // The status has been sent: only the missing end can say that something is wrong.
  std::string unfinished = raw("GET /unfinished HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_TRUE(unfinished.starts_with("HTTP/1.1 200")) << unfinished;
  EXPECT_FALSE(unfinished.ends_with("0\r\n\r\n")) << unfinished;
}

TEST_F(ServeComponentTest, EndsAGuestThatDoesNotEnd) {
  route_.timeout_ms = kShortTimeoutMs;
  start();
  EXPECT_EQ(get("/spin").status, 504);
  EXPECT_EQ(get("/count").status, 200);
}

TEST_F(ServeComponentTest, RefusesABodyThatIsTooLarge) {
  route_.max_body_bytes = 10;
  start();
  EXPECT_EQ(TestClient(address()).post("/echo", "12345678901").status, 413);
  std::string chunked =
      raw("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
          "b\r\n12345678901\r\n0\r\n\r\n");
  bool refused = chunked.starts_with("HTTP/1.1 413");  // unless the answer had begun
  EXPECT_TRUE(refused || !chunked.ends_with("0\r\n\r\n")) << chunked;
}

TEST_F(ServeComponentTest, LetsAGuestSendRequestsWhereTheRouteAllows) {
  start();
  std::string target = fmt::format("/get127.0.0.1:{}", address().port());
  // HTTP-request-denied is case 15.
  EXPECT_EQ(get(target).status, 515);
  server_.reset();
  route_.network.http = {"127.0.0.1:*"};
  start();
  // The request comes back to this server, as "/".
  target = fmt::format("/get127.0.0.1:{}", address().port());
  TestClient::Reply reply = get(target);
  EXPECT_EQ(reply.status, 200) << reply.body;
  // Nobody listens on port 1: connection-refused is case 6.
  EXPECT_EQ(get("/get127.0.0.1:1").status, 506);
  server_.reset();
  route_.network.net = {"deny:tcp:127.0.0.0/8:*"};
  start();
  target = fmt::format("/get127.0.0.1:{}", address().port());
  // destination-IP-prohibited is case 4.
  EXPECT_EQ(get(target).status, 504);
}

TEST_F(ServeComponentTest, GuestsThatWaitHoldNoThread) {
  constexpr size_t kRequests = 1000;
  constexpr rlim_t kDescriptors = 4 * kRequests + 100;  // both ends of both connections
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < kDescriptors)
    GTEST_SKIP() << "no more than " << limit.rlim_max << " descriptors";
  limit.rlim_cur = std::max(limit.rlim_cur, kDescriptors);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  Upstream upstream;
  route_.network.http = {"127.0.0.1:*"};
  route_.max_concurrency = kRequests;
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (size_t i = 0; i < kRequests; ++i) clients.push_back(ask(upstream.path()));
  // Each waits for an answer that comes only when all of them do.
  upstream.wait_for(kRequests);
  EXPECT_LE(metric("sedge_worker_threads"), 4 * available_cores() + 8);
  upstream.release();
  for (auto& client : clients) {
    TestClient::Reply reply = client->read();
    ASSERT_EQ(reply.status, 200) << reply.body;
    ASSERT_EQ(reply.body, "at last");
  }
}

TEST_F(ServeComponentTest, MoreRequestsThanTheRouteTakesWaitInItsQueue) {
  Upstream upstream;
  route_.network.http = {"127.0.0.1:*"};
  route_.max_concurrency = 2;
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (size_t i = 0; i < 4; ++i) clients.push_back(ask(upstream.path()));
  for (size_t i = 0; i < 2; ++i) {
    upstream.wait_for(2);
    upstream.release();
  }
  for (auto& client : clients) EXPECT_EQ(client->read().status, 200);
}

TEST_F(ServeComponentTest, ADeadlineEndsAGuestThatWaits) {
  Upstream upstream;
  route_.network.http = {"127.0.0.1:*"};
  route_.timeout_ms = kShortTimeoutMs;
  start();
  EXPECT_EQ(get(upstream.path()).status, 504);
  EXPECT_EQ(get("/count").status, 200);
}

TEST_F(ServeComponentTest, TheEndOfTheServerEndsGuestsThatWait) {
  Upstream upstream;
  route_.network.http = {"127.0.0.1:*"};
  start();
  auto client = ask(upstream.path());
  upstream.wait_for(1);
  server_->drain(1);
  server_->wait();
  EXPECT_EQ(client->read().status, 503);
  server_.reset();
  upstream.release();
  // The same without a drain: nobody is answered, and nothing is left.
  start();
  client = ask(upstream.path());
  upstream.wait_for(1);
  server_.reset();
  EXPECT_TRUE(client->at_end());
}

TEST_F(ServeComponentTest, AReloadLetsGuestsThatWaitFinish) {
  Upstream upstream;
  route_.network.http = {"127.0.0.1:*"};
  start();
  auto client = ask(upstream.path());
  upstream.wait_for(1);
  RouterConfig config;
  config.routes = {route_};
  ASSERT_TRUE(server_->reload(config, factory(), true, {}));
  EXPECT_FALSE(server_->sweep());
  upstream.release();
  EXPECT_EQ(client->read().body, "at last");
  while (!server_->sweep()) std::this_thread::yield();
}

TEST_F(ServeComponentTest, AGuestWhoseClientIsGoneEnds) {
  start();
  auto client = ask("/flood");
  char piece[4096];
  ASSERT_GT(::recv(client->fd(), piece, sizeof piece, 0), 0);
  client.reset();
  wait_until_idle();
}

TEST_F(ServeComponentTest, GuestsWaitForTimers) {
  start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/later").status, 200);
}

TEST_F(ServeComponentTest, AnInstanceThatHasWaitedIsUsedAgain) {
  Upstream upstream;
  route_.network.http = {"127.0.0.1:*"};
  route_.reuse = 4;
  start();
  for (int i = 0; i < 2; ++i) {
    auto client = ask(upstream.path());
    upstream.wait_for(1);
    upstream.release();
    EXPECT_EQ(client->read().body, "at last");
    wait_until_idle();
  }
  EXPECT_EQ(get("/count").body, "3");
}

TEST_F(ServeComponentTest, TrailersGoBothWays) {
  start();
  std::string reply =
      raw("POST /x HTTP/1.1\r\nHost: test\r\nConnection: close\r\nTransfer-Encoding: "
          "chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200")) << reply;
  EXPECT_TRUE(reply.ends_with("hello\r\n0\r\nx-sum: abc\r\n\r\n")) << reply;
}

TEST_F(ServeComponentTest, LogsTheBytesOfStreamedContent) {
  log_ = folder_->path() + "/access.log";
  start();
  std::string content(100'000, 'x');
  std::string reply = raw("POST /echo HTTP/1.0\r\nContent-Length: 100000\r\n\r\n" + content);
  EXPECT_TRUE(reply.ends_with(content));
  wait_until_idle();
  EXPECT_EQ(get("/trap").status, 500);
  server_.reset();
  std::ifstream file(log_);
  std::string echo, trap;
  ASSERT_TRUE(std::getline(file, echo) && std::getline(file, trap));
  EXPECT_NE(echo.find("\"bytes_out\":100000,"), std::string::npos) << echo;
  EXPECT_NE(echo.find("\"status\":200,"), std::string::npos) << echo;
  EXPECT_NE(trap.find("\"status\":500,"), std::string::npos) << trap;
  EXPECT_NE(trap.find("unreachable"), std::string::npos) << trap;
  EXPECT_EQ(trap.find("\"bytes_out\":0,"), std::string::npos) << trap;
}

TEST_F(ServeComponentTest, KeepsResponsesForAsLongAsTheRouteSays) {
  route_.edge_cache_ttl = 3600;
  route_.reuse = 100;
  start();
  TestClient::Reply first = get("/count");
  EXPECT_EQ(first.body, "1");
  EXPECT_EQ(first.headers["cache-control"], "s-maxage=3600");
  wait_until_idle();
  TestClient::Reply second = get("/count");
  EXPECT_EQ(second.body, "1");
  EXPECT_TRUE(second.headers.contains("age"));
  EXPECT_NE(second.headers["x-request-id"], first.headers["x-request-id"]);
  // Another request, and one whose content is not whole, are not answered from it.
  EXPECT_EQ(get("/count?more").body, "2");
  for (int i = 0; i < 2; ++i) {
    wait_until_idle();
    raw("GET /unfinished HTTP/1.1\r\nHost: test\r\n\r\n");
  }
  wait_until_idle();
  EXPECT_EQ(get("/count?last").body, "5");
  EXPECT_EQ(metric("sedge_cache_hits_total{route=\"/*\"}"), 1U);
}

TEST_F(ServeComponentTest, CountsRequestsAndBytes) {
  start();
  EXPECT_EQ(get("/count").body, "1");
  std::string metrics = get("/metrics").body;
  EXPECT_NE(metrics.find(R"(sedge_http_requests_total{route="/*",status="200"} 1)"),
            std::string::npos)
      << metrics;
  EXPECT_NE(metrics.find(R"(kind="wasi-http")"), std::string::npos) << metrics;
}

TEST_F(ServeComponentTest, SaysWhichKindAComponentIsNot) {
  route_.kind = Kind::edge;
  auto function = load_component_function(engine_, route_, "router.yaml", 1, {});
  ASSERT_FALSE(function);
  EXPECT_NE(function.error().message().find("exports no wasi:cli/run"), std::string::npos)
      << function.error().render();
}

TEST_F(ServeComponentTest, ServesTheGuestsOfOtherToolChains) {
  std::filesystem::path rust = test::shared_path("guests/wasm/p5_edge_http.component.wasm");
  std::filesystem::path python = test::shared_path("guests/components/py-http-p2.wasm");
  if (!std::filesystem::exists(rust)) GTEST_SKIP() << rust << " is not there";
  route_.module = rust.string();
  start();
  EXPECT_EQ(get("/nothing-there").body, R"({"error":"not found"})");
  EXPECT_EQ(TestClient(address()).post("/echo", "content").body, "content");
  server_.reset();
  route_.module = python.string();
  start();
  EXPECT_EQ(get("/abc").body, "hello /abc\n");
}

/// Informational responses of wasi:http 0.2.
class ServeHintsTest : public ComponentServerTest {
 protected:
  static void SetUpTestSuite() {
    make_guest("http_hints_guest.wat", {"p2"}, R"(world guest {
  import wasi:http/types@0.2.12;
  export wasi:http/incoming-handler@0.2.12;
}
)",
               "informational-outbound-responses");
  }
};

TEST_F(ServeHintsTest, ComeBeforeTheAnswer) {
  start();
  TestClient client(address());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(client.get("/").status, 102);
    TestClient::Reply hints = client.read();
    EXPECT_EQ(hints.status, 103);
    EXPECT_EQ(hints.headers["link"], "</style.css>; rel=preload");
    EXPECT_FALSE(hints.headers.contains("content-length"));
    TestClient::Reply answer = client.read();
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.headers.contains("x-request-id"));
    EXPECT_FALSE(answer.headers.contains("link"));
  }
  // HTTP/1.0 has none.
  EXPECT_TRUE(raw("GET / HTTP/1.0\r\nHost: test\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
}

#if SEDGE_HAVE_HTTP2
TEST_F(ServeHintsTest, ComeBeforeTheAnswerOverHttp2) {
  start();
  net::Http2TestClient client(address());
  int32_t id = client.request("GET", "/", {}, "");
  ASSERT_TRUE(client.until([&] { return client.replies[id].closed; }));
  EXPECT_EQ(client.replies[id].interim, (std::vector{102, 103}));
  EXPECT_EQ(client.replies[id].status, 200);
  EXPECT_TRUE(client.replies[id].ended);
}
#endif

}  // namespace
}  // namespace sedge::serve
