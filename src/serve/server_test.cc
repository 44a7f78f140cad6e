// The whole server over loopback with functions written in C++: routing, limits, queue, deadlines,
// errors, health, metrics, log and drain.
#include "serve/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "base/test_folder.h"
#if SEDGE_HAVE_HTTP2
#include "net/http2_test_peer.h"
#endif
#include "net/test_client.h"

namespace sedge::serve {
namespace {

using net::TestClient;

// Waits until a predicate holds; a test that waits for ever is ended by its runner.
template <typename F>
void wait_until(F predicate) {
  while (!predicate()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// Says what the module's name says: "echo" gives its input back, "hold" waits until it is released
// or its deadline has passed, the others fail in their own way.
class FakeFunction final : public BlockingFunction {
 public:
  FakeFunction(std::string name, Kind kind) : name_(std::move(name)), kind_(kind) {}
  Kind kind() const override { return kind_; }
  Result<std::string> invoke(FunctionInput input, Deadline deadline) override {
    if (name_ == "echo") return std::move(input.data);
    if (name_ == "text") return R"({"status_code":201,"headers":{"X-A":"b"},"body":"hi"})";
    if (name_ == "garbage") return "garbage";
    if (name_ == "trap") return fail(ErrorCode::unreachable);
    if (name_ == "memory") return fail(ErrorCode::out_of_memory);
    if (name_ == "spin") {
      while (std::chrono::steady_clock::now() < deadline && !interrupted_) {
      }
      return fail(interrupted_ ? ErrorCode::interrupted : ErrorCode::deadline_exceeded);
    }
    std::unique_lock lock(mutex_);
    ++held_;
    ++begun_;
    changed_.wait_until(lock, deadline, [&] { return released_ || interrupted_; });
    --held_;
    if (interrupted_) return fail(ErrorCode::interrupted);
    if (!released_) return fail(ErrorCode::deadline_exceeded);
    return R"({"status_code":200,"body":"released"})";
  }
  bool prepare() override { return false; }
  void interrupt_all() override {
    std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }
  PoolFigures figures() const override { return {.capacity = 2, .idle = 1, .live = 1}; }

  void release() {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  int held() {
    std::lock_guard lock(mutex_);
    return held_;
  }
  /// How many were ever held: those whose time is up count on.
  int begun() {
    std::lock_guard lock(mutex_);
    return begun_;
  }

 private:
  const std::string name_;
  const Kind kind_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int held_ = 0;
  int begun_ = 0;
  bool released_ = false;
  std::atomic<bool> interrupted_ = false;
};

class ServerTest : public ::testing::Test {
 protected:
  RouteConfig& route(std::string path, std::string module, Kind kind = Kind::edge) {
    RouteConfig config;
    config.path = std::move(path);
    config.module = std::move(module);
    config.kind = kind;
    config_.routes.push_back(std::move(config));
    return config_.routes.back();
  }
  void start() {
    config_.listen = {"127.0.0.1:0"};
    config_.workers = 2;
    if (!config_.log) config_.log = "none";
    auto server = Server::start(config_, factory(), false, report());
    ASSERT_TRUE(server) << server.error().render();
    server_ = *std::move(server);
  }
  FunctionFactory factory() {
    return [&](const RouteConfig& config, uint32_t) -> Result<std::unique_ptr<Function>> {
      if (config.module == "broken")
        return fail(ErrorCode::unsupported_file, ": it is a component");
      auto function = std::make_unique<FakeFunction>(config.module, config.kind);
      functions_.push_back(function.get());
      return function;
    };
  }
  std::function<void(const Error&)> report() {
    return [&](const Error& error) { reports_.push_back(error.render()); };
  }
  TestClient client() { return TestClient(server_->addresses()[0]); }
  std::string metrics() { return client().get("/metrics").body; }
  bool has_metric(std::string_view line) {
    return ("\n" + metrics()).find("\n" + std::string(line) + "\n") != std::string::npos;
  }

  const test::TempFolder folder_;
  RouterConfig config_;
  std::vector<FakeFunction*> functions_;
  std::vector<std::string> reports_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersFromAFunction) {
  route("/text", "text");
  route("/body/*", "echo", Kind::pointer);
  start();
  TestClient one = client();
  TestClient::Reply reply = one.get("/text", "X-Request-Id: my-id.1\r\n");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "hi");
  EXPECT_EQ(reply.headers["x-a"], "b");
  EXPECT_EQ(reply.headers["content-type"], "text/plain; charset=utf-8");
  EXPECT_EQ(reply.headers["x-request-id"], "my-id.1");
  reply = one.post("/body/1", "{\"n\": 1.0}");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "{\"n\": 1.0}");
  EXPECT_EQ(reply.headers["content-type"], "application/json");
  EXPECT_EQ(reply.headers["x-request-id"].size(), 32U);
  EXPECT_EQ(one.post("/body/1", "2").headers["x-request-id"].size(), 32U);
}

TEST_F(ServerTest, GivesTheEventOfTheDocument) {
  route("/api/{what}", "echo");
  start();
  TestClient one = client();
  TestClient::Reply reply =
      one.post("/x/../api/geo?max_age=60", "[1]", "X-Edge-Region: cn\r\nX-Request-Id: r1\r\n");
  EXPECT_EQ(reply.body,
            "{\"request_id\":\"r1\",\"source_ip\":\"127.0.0.1\",\"path\":\"/api/geo\",\"method\":"
            "\"POST\",\"headers\":{\"content-length\":\"3\",\"host\":\"test\",\"x-edge-region\":"
            "\"cn\",\"x-request-id\":\"r1\"},\"body\":[1],\"query_params\":{\"max_age\":\"60\"},"
            "\"path_params\":{\"what\":\"geo\"}}");
}

TEST_F(ServerTest, AnswersMistakesWithJson) {
  route("/get", "text").methods = {"GET"};
  route("/small", "echo", Kind::pointer).max_body_bytes = 3;
  route("/trap", "trap");
  route("/garbage", "garbage");
  route("/memory", "memory");
  route("/broken", "broken");
  route("/edge", "echo");
  start();
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(reports_[0], "not supported: it is a component");
  TestClient one = client();
  auto expect = [&](const TestClient::Reply& reply, int status, std::string_view error) {
    EXPECT_EQ(reply.status, status);
    auto id = reply.headers.find("x-request-id");
    ASSERT_NE(id, reply.headers.end());
    EXPECT_EQ(reply.body,
              fmt::format("{{\"error\":\"{}\",\"request_id\":\"{}\"}}\n", error, id->second));
  };
  expect(one.get("/none"), 404, "no route for this path");
  TestClient::Reply reply = one.post("/get", "");
  EXPECT_EQ(reply.headers["allow"], "GET, HEAD");
  expect(reply, 405, "this path does not take POST");
  expect(one.get("/%zz"), 400, "the path has a malformed percent escape");
  expect(one.get("/trap"), 500, "unreachable");
  expect(one.get("/garbage"), 502, "bad answer: the function's output is not JSON: `garbage`");
  expect(one.get("/memory"), 503, "out of memory: wasm trap");
  expect(one.get("/broken"), 503, "this route's function cannot be run: see the server's log");
  expect(one.post("/edge", "\xff"), 415, "bad argument: the request body is not UTF-8 text");
  expect(one.post("/healthz", ""), 405, "this path takes GET only");
  expect(client().post("/small", "1234"), 413, "the body is larger than this route allows");
  TestClient bad = client();
  bad.send("BAD\r\n\r\n");
  expect(bad.read(), 400, "the request line is not METHOD TARGET HTTP/1.1");
  EXPECT_TRUE(has_metric("sedge_http_requests_total{route=\"/trap\",status=\"500\"} 1"));
  EXPECT_TRUE(has_metric("sedge_http_requests_total{route=\"\",status=\"404\"} 1"));
  EXPECT_TRUE(
      has_metric("sedge_http_requests_total{route=\"/get\",methods=\"GET\",status=\"405\"} 1"));
  EXPECT_TRUE(has_metric("sedge_route_available{route=\"/broken\"} 0"));
}

TEST_F(ServerTest, QueuesAndThenRefuses) {
  RouteConfig& config = route("/hold", "hold");
  config.max_concurrency = 2;
  config.queue = 3;
  route("/text", "text");
  start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(client());
    clients.back().send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  wait_until([&] { return functions_[0]->held() == 2; });
  wait_until([&] { return has_metric("sedge_requests_queued{route=\"/hold\"} 3"); });
  EXPECT_TRUE(has_metric("sedge_requests_in_flight{route=\"/hold\"} 5"));
  TestClient extra = client();
  TestClient::Reply reply = extra.get("/hold");
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers["retry-after"], "1");
  // The route is full; others are not affected.
  EXPECT_EQ(extra.get("/text").status, 201);
  functions_[0]->release();
  for (TestClient& waiting : clients) EXPECT_EQ(waiting.read().body, "released");
  EXPECT_EQ(extra.get("/hold").status, 200);
  EXPECT_TRUE(has_metric("sedge_requests_in_flight{route=\"/hold\"} 0"));
  EXPECT_TRUE(has_metric("sedge_http_requests_total{route=\"/hold\",status=\"429\"} 1"));
}

TEST_F(ServerTest, EndsRequestsAtTheirDeadline) {
  RouteConfig& config = route("/hold", "hold");
  config.max_concurrency = 1;
  config.timeout_ms = 2000;  // a slow machine begins within it
  start();
  TestClient running = client();
  running.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  wait_until([&] { return functions_[0]->begun() == 1; });
  TestClient waiting = client();
  waiting.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  TestClient::Reply reply = running.read();
  EXPECT_EQ(reply.status, 504);
  EXPECT_NE(reply.body.find("wall-clock deadline exceeded"), std::string::npos) << reply.body;
  EXPECT_EQ(waiting.read().status, 504);
}

// As many functions spin as there are slots on one route; the other route still answers.
TEST_F(ServerTest, KeepsServingWhileFunctionsSpin) {
  RouteConfig& config = route("/spin", "spin");
  config.timeout_ms = 3'600'000;
  config.max_concurrency = 12;
  route("/text", "text");
  start();
  std::vector<TestClient> spinning;
  for (int i = 0; i < 20; ++i) {
    spinning.push_back(client());
    spinning.back().send("GET /spin HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  wait_until([&] { return has_metric("sedge_requests_in_flight{route=\"/spin\"} 20"); });
  TestClient one = client();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(one.get("/text").status, 201);
  server_->interrupt_all();
  for (TestClient& ended : spinning) EXPECT_EQ(ended.read().status, 503);
}

TEST_F(ServerTest, ReloadFinishesWhatIsInFlightAndLosesNothing) {
  route("/old", "hold");
  start();
  TestClient held = client();
  held.send("GET /old HTTP/1.1\r\nHost: a\r\n\r\n");
  FakeFunction& function = *functions_[0];
  wait_until([&] { return function.held() == 1; });
  TestClient half = client();  // its head is judged by the old routes, its body comes later
  half.send("POST /old HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1");

  config_.routes.clear();
  route("/new", "text");
  ASSERT_TRUE(server_->reload(config_, factory(), false, report()));
  EXPECT_FALSE(server_->sweep());
  TestClient one = client();
  EXPECT_EQ(one.get("/new").status, 201);
  EXPECT_EQ(one.get("/old").status, 404);
  function.release();
  EXPECT_EQ(held.read().body, "released");
  half.send("2");
  EXPECT_NE(half.read().status, 0);
  wait_until([&] { return server_->sweep(); });

  // Routes none of which can be run: the old ones stay.
  config_.routes.clear();
  route("/broken", "broken");
  auto refused = server_->reload(config_, factory(), false, report());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "configuration: 1 of 1 routes in  cannot be run");
  EXPECT_EQ(one.get("/new").status, 201);
}

TEST_F(ServerTest, KeepsResponsesForTheirTime) {
  route("/text", "text").edge_cache_ttl = 60;
  route("/echo", "echo").edge_cache_ttl = 60;
  start();
  TestClient one = client();
  EXPECT_EQ(one.get("/text").headers.count("age"), 0);
  EXPECT_EQ(one.get("/text").headers.count("age"), 0);  // a 201 says what it says
  TestClient::Reply first = one.get("/echo?a=1");
  TestClient::Reply second = one.get("/echo?a=1");
  EXPECT_EQ(second.body, first.body);
  EXPECT_TRUE(second.headers.contains("age"));
  EXPECT_NE(second.headers["x-request-id"], first.headers["x-request-id"]);
  EXPECT_NE(one.get("/echo?a=2").body, first.body);
  EXPECT_TRUE(has_metric("sedge_cache_hits_total{route=\"/echo\"} 1"));
  EXPECT_TRUE(has_metric("sedge_cache_misses_total{route=\"/echo\"} 2"));
  EXPECT_TRUE(has_metric("sedge_http_requests_total{route=\"/echo\",status=\"200\"} 3"));
}

TEST_F(ServerTest, ReportsHealthAndMetrics) {
  route("/text", "text");
  start();
  TestClient one = client();
  EXPECT_EQ(one.get("/healthz").body, "ok\n");
  EXPECT_EQ(one.get("/readyz").status, 200);
  one.get("/text");
  TestClient::Reply reply = one.get("/metrics");
  EXPECT_EQ(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  for (std::string_view line :
       {"# TYPE sedge_http_requests_total counter",
        "sedge_http_requests_total{route=\"/text\",status=\"201\"} 1",
        "sedge_http_request_duration_seconds_bucket{route=\"/text\",le=\"+Inf\"} 1",
        "sedge_http_request_duration_seconds_count{route=\"/text\"} 1",
        "sedge_http_response_body_bytes_total{route=\"/text\"} 2",
        "sedge_requests_in_flight{route=\"/text\"} 0", "sedge_pool_size{route=\"/text\"} 2",
        "sedge_pool_idle{route=\"/text\"} 1", "sedge_instances_live{route=\"/text\"} 1",
        "sedge_connections_open 1", "# TYPE process_resident_memory_bytes gauge"})
    EXPECT_NE(reply.body.find("\n" + std::string(line) + "\n"), std::string::npos)
        << line << " in\n"
        << reply.body;
}

TEST_F(ServerTest, LeavesItsPathsToRoutesThatNameThem) {
  route("/healthz", "text");
  route("/*", "echo", Kind::pointer);
  start();
  EXPECT_EQ(client().get("/healthz").body, "hi");
  EXPECT_EQ(client().get("/readyz").body, "ok\n");
}

TEST_F(ServerTest, WritesTheAccessLog) {
  const std::string path = folder_.path() + "/log";
  config_.log = path;
  route("/text", "text");
  start();
  TestClient one = client();
  one.get("/text?q=\"", "User-Agent: t\r\nX-Request-Id: r1\r\n");
  one.get("/none", "X-Request-Id: r2\r\n");
  server_.reset();
  FILE* file = std::fopen(path.c_str(), "r");
  ASSERT_NE(file, nullptr);
  std::string log(4096, '\0');
  log.resize(std::fread(log.data(), 1, log.size(), file));
  std::fclose(file);
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 2) << log;
  EXPECT_TRUE(log.starts_with("{\"time\":\"20")) << log;
  EXPECT_NE(log.find("\"request_id\":\"r1\",\"peer\":\"127.0.0.1\",\"method\":\"GET\",\"target\":"
                     "\"/text?q=\\\"\",\"protocol\":\"HTTP/"
                     "1.1\",\"host\":\"test\",\"user_agent\":\"t\",\"route\":\"/text\","
                     "\"status\":201,\"bytes_in\":"),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("\"request_id\":\"r2\""), std::string::npos) << log;
  EXPECT_NE(log.find("\"error\":\"no route for this path\"}\n"), std::string::npos) << log;
}

#if SEDGE_HAVE_HTTP2
TEST_F(ServerTest, TakesRequestsOfHttp2TheSameWay) {
  const std::string path = folder_.path() + "/log";
  config_.log = path;
  config_.max_streams = 5;
  route("/text", "text");
  route("/body/*", "echo", Kind::pointer).max_body_bytes = 10;
  RouteConfig& held = route("/hold", "hold");
  held.max_concurrency = 1;
  held.queue = 0;
  start();
  net::Http2TestClient two(server_->addresses()[0]);
  net::Http2TestClient::Reply reply = two.ask("GET", "/text", {}, {{"x-request-id", "my-id"}});
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "hi");
  EXPECT_EQ(reply.headers["x-a"], "b");
  EXPECT_EQ(reply.headers["x-request-id"], "my-id");
  EXPECT_EQ(two.ask("POST", "/body/1", "{\"n\": 1}").body, "{\"n\": 1}");
  EXPECT_EQ(two.ask("POST", "/body/1", "{\"n\": 12345}").status, 413);
  EXPECT_EQ(two.ask("GET", "/none").status, 404);
  EXPECT_EQ(two.ask("GET", "/healthz").body, "ok\n");
  int32_t first = two.request("GET", "/hold");
  two.flush();
  wait_until([&] { return functions_[2]->held() == 1; });
  EXPECT_EQ(two.ask("GET", "/hold").status, 429);
  functions_[2]->release();
  two.until([&] { return two.replies[first].closed; });
  EXPECT_EQ(two.replies[first].body, "released");
  EXPECT_TRUE(has_metric("sedge_http2_connections_total 1"));
  EXPECT_TRUE(has_metric("sedge_http2_requests_total 7"));
  EXPECT_TRUE(has_metric("sedge_http_requests_total{route=\"/text\",status=\"201\"} 1"));
  server_->drain(60'000);
  EXPECT_TRUE(two.at_end());
  EXPECT_TRUE(two.goaway);
  EXPECT_TRUE(server_->wait());
  server_.reset();
  FILE* file = std::fopen(path.c_str(), "r");
  ASSERT_NE(file, nullptr);
  std::string log(8192, '\0');
  log.resize(std::fread(log.data(), 1, log.size(), file));
  std::fclose(file);
  EXPECT_NE(
      log.find("\"request_id\":\"my-id\",\"peer\":\"127.0.0.1\",\"method\":\"GET\",\"target\":"
               "\"/text\",\"protocol\":\"HTTP/2.0\",\"host\":\"test\",\"route\":\"/text\","
               "\"status\":201,"),
      std::string::npos)
      << log;
}
#endif

TEST_F(ServerTest, DrainsAndFinishesWhatRuns) {
  route("/hold", "hold");
  start();
  TestClient busy = client();
  busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  wait_until([&] { return functions_[0]->held() == 1; });
  TestClient probe = client();
  probe.send("GET /readyz HTTP/1.1\r\nHost: a\r\n");  // its head is complete only after the drain
  wait_until([&] { return has_metric("sedge_connections_open 3"); });
  server_->drain(60'000);
  probe.send("\r\n");
  TestClient::Reply reply = probe.read();
  // The head may arrive as one piece with the drain: then the connection was idle and is closed.
  if (reply.status != 0) {
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.body, "draining\n");
  }
  functions_[0]->release();
  reply = busy.read();
  EXPECT_EQ(reply.body, "released");
  EXPECT_EQ(reply.headers["connection"], "close");
  EXPECT_TRUE(server_->wait());
}

TEST_F(ServerTest, EndsWhatOutlastsTheDrain) {
  route("/hold", "hold").max_concurrency = 1;
  start();
  TestClient busy = client();
  busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  wait_until([&] { return functions_[0]->held() == 1; });
  TestClient queued = client();
  queued.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  wait_until([&] { return has_metric("sedge_requests_queued{route=\"/hold\"} 1"); });
  server_->drain(20);
  EXPECT_TRUE(server_->wait());
  EXPECT_EQ(busy.read().status, 503);
  EXPECT_EQ(queued.read().status, 503);
}

TEST_F(ServerTest, RefusesToStartWithoutARoute) {
  config_.listen = {"127.0.0.1:0"};
  config_.file = "router.yaml";
  config_.log = "none";
  route("/broken", "broken");
  auto factory = [](const RouteConfig&, uint32_t) -> Result<std::unique_ptr<Function>> {
    return fail(ErrorCode::unsupported_file, ": it is a component");
  };
  auto server = Server::start(config_, factory, false, {});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().render(), "configuration: 1 of 1 routes in router.yaml cannot be run");
}

TEST(WorkerPool, RunsEveryJobAndGrowsOnlyWhenStuck) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool(2, 8);
    for (int i = 0; i < 1000; ++i) pool.submit([&] { ++done; });
  }
  EXPECT_EQ(done.load(), 1000);
}

// Jobs that run for so long that their threads are made nicer and end with them: others take over.
TEST(WorkerPool, OutlivesLongJobs) {
  std::atomic<int> done = 0;
  WorkerPool pool(2, 4);
  for (int i = 0; i < 8; ++i)
    pool.submit([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(150));
      ++done;
    });
  wait_until([&] { return done.load() == 8; });
  for (int i = 0; i < 100; ++i) pool.submit([&] { ++done; });
  wait_until([&] { return done.load() == 108; });
  EXPECT_LE(pool.threads(), 4U);
}

TEST(WorkerPool, ReplacesThreadsThatAreStuck) {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::atomic<int> done = 0;
  {
    WorkerPool pool(2, 6);
    for (int i = 0; i < 5; ++i)
      pool.submit([&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return open; });
      });
    // Five of six threads are blocked, and still everything else runs.
    for (int i = 0; i < 100; ++i) pool.submit([&] { ++done; });
    wait_until([&] { return done.load() == 100; });
    EXPECT_LE(pool.threads(), 6U);
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
}

}  // namespace
}  // namespace sedge::serve
