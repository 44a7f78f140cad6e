// Components of wasi:http 0.3 behind the server: streams and trailers both ways, guests that end
// badly, requests that they send themselves, and waiting without threads. The guest is
// test/guests/http_p3_guest.wat, made a component by this program.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/cpu.h"
#include "component_server.h"

namespace sedge::serve {
namespace {

constexpr const char* kWorld = R"(world guest {
  import wasi:http/types@0.3.0;
  import wasi:http/client@0.3.0;
  export wasi:http/handler@0.3.0;
}
)";
constexpr std::string_view kChunkedPost =
    " HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";

class ServeComponentP3Test : public ComponentServerTest {
 protected:
  static void SetUpTestSuite() { make_guest("http_p3_guest.wat", "p3", kWorld); }
  uint64_t in_flight() { return metric("sedge_requests_in_flight{route=\"/*\"}"); }
};

TEST_F(ServeComponentP3Test, EchoesContentAndTrailers) {
  start();
  for (const char* path : {"/echo", "/pass"}) {
    std::string reply =
        raw("POST " + std::string(path) +
            " HTTP/1.1\r\nHost: test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << path << reply;
    EXPECT_NE(reply.find("hello"), std::string::npos) << path << reply;
    EXPECT_NE(reply.find(" world"), std::string::npos) << path << reply;
    EXPECT_TRUE(reply.ends_with("0\r\nx-sum: 11\r\n\r\n")) << path << reply;
  }
}

TEST_F(ServeComponentP3Test, AnswersWhileTheRequestIsStillComing) {
  start();
  for (const char* path : {"/echo", "/pass"}) {
    TestClient client(address());
    client.send("POST " + std::string(path) + std::string(kChunkedPost) + "5\r\nfirst\r\n");
    std::string got = read_until(client, "first\r\n");
    EXPECT_NE(got.find("first"), std::string::npos) << got;
    client.send("6\r\nsecond\r\n0\r\n\r\n");
    got = read_until(client, "second\r\n0\r\n\r\n");
    EXPECT_NE(got.find("second\r\n0\r\n\r\n"), std::string::npos) << got;
    // The connection is good for another request.
    EXPECT_EQ(client.get("/count").body, "1");
  }
}

TEST_F(ServeComponentP3Test, StreamsMoreThanItKeeps) {
  start();
  std::string big(2 << 20, 'x');
  for (const char* path : {"/echo", "/pass"}) {
    std::string reply = raw("POST " + std::string(path) + " HTTP/1.0\r\nContent-Length: " +
                            std::to_string(big.size()) + "\r\n\r\n" + big);
    EXPECT_GT(reply.size(), big.size());
    EXPECT_TRUE(reply.ends_with(big));
  }
}

TEST_F(ServeComponentP3Test, AnswersWithoutContent) {
  start();
  EXPECT_EQ(TestClient(address()).post("/wait", "content").status, 204);
  EXPECT_EQ(get("/wait").status, 204);
  TestClient client(address());
  client.send("HEAD /count HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(client.read(true).status, 200);
}

TEST_F(ServeComponentP3Test, EveryRequestHasAnInstanceOfItsOwn) {
  start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/count").body, "1");
}

TEST_F(ServeComponentP3Test, ReusesAnInstanceAsOftenAsTheRouteSays) {
  route_.reuse = 2;
  start();
  std::string counts;
  // A connection of its own for each: the instance is back before the next one comes.
  for (int i = 0; i < 4; ++i) {
    counts += get("/count").body;
    wait_until_idle();
  }
  EXPECT_EQ(counts, "1212");
  get("/trap");  // a trap ends the instance
  EXPECT_EQ(get("/count").body, "1");
}

TEST_F(ServeComponentP3Test, SaysWhatWentWrong) {
  start();
  TestClient::Reply trap = get("/trap");
  EXPECT_EQ(trap.status, 500);
  EXPECT_NE(trap.body.find("unreachable"), std::string::npos) << trap.body;
  EXPECT_EQ(get("/none").status, 500);
  TestClient::Reply error = get("/error");
  EXPECT_EQ(error.status, 502);
  EXPECT_NE(error.body.find("the function answered with an error: loop-detected"),
            std::string::npos)
      << error.body;
  EXPECT_EQ(get("/odd").status, 502);
  EXPECT_EQ(get("/count").body, "1");
}

TEST_F(ServeComponentP3Test, CutsAResponseThatIsNotFinished) {
  // The status has been sent: only the missing end can say that something is wrong.
  auto expect_cut = [this](const std::string& path) {
    std::string cut = raw("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_TRUE(cut.starts_with("HTTP/1.1 200")) << path << cut;
    EXPECT_FALSE(cut.ends_with("0\r\n\r\n")) << path << cut;
  };
  start();
  expect_cut("/late");
  expect_cut("/fail");
  EXPECT_EQ(get("/count").body, "1");
  server_.reset();
  // What ends /half, whose trailers may still come as far as anybody knows.
  route_.timeout_ms = kShortTimeoutMs;
  start();
  expect_cut("/half");
  EXPECT_EQ(get("/count").body, "1");
}

TEST_F(ServeComponentP3Test, ContentThatIsNeverReadHoldsNothingUp) {
  start();
  std::string big(1 << 20, 'x');
  std::string reply =
      raw("POST /unread HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(big.size()) +
          "\r\n\r\n" + big);
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200")) << reply;
  EXPECT_EQ(get("/count").body, "1");
}

TEST_F(ServeComponentP3Test, EndsAGuestThatDoesNotEnd) {
  route_.timeout_ms = kShortTimeoutMs;
  start();
  EXPECT_EQ(get("/spin").status, 504);
  TestClient client(address());
  client.send("POST /wait" + std::string(kChunkedPost));
  EXPECT_EQ(client.read().status, 504);
  EXPECT_EQ(get("/count").status, 200);
}

TEST_F(ServeComponentP3Test, EndsAGuestWhoseClientGoes) {
  start();
  {
    TestClient client(address());
    client.send("POST /echo" + std::string(kChunkedPost) + "5\r\nfirst\r\n");
    read_until(client, "first\r\n");
    EXPECT_EQ(in_flight(), 1u);
  }
  wait_until_idle();
}

TEST_F(ServeComponentP3Test, WaitingGuestsHoldNoThread) {
  route_.max_concurrency = 200;
  start();
  std::vector<std::unique_ptr<TestClient>> waiting;
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(std::make_unique<TestClient>(address()));
    waiting.back()->send("POST /wait" + std::string(kChunkedPost));
  }
  while (in_flight() != 100) std::this_thread::yield();
  EXPECT_EQ(get("/count").body, "1");
  EXPECT_LE(metric("sedge_worker_threads"), 4 * available_cores() + 8);
  for (auto& client : waiting) client->send("5\r\nhello\r\n0\r\n\r\n");
  for (auto& client : waiting) EXPECT_EQ(client->read().status, 204);
}

TEST_F(ServeComponentP3Test, LetsAGuestSendRequestsWhereTheRouteAllows) {
  start();
  auto here = [this](const char* what) {
    return fmt::format("{}127.0.0.1:{}", what, address().port());
  };
  // HTTP-request-denied is case 15.
  EXPECT_EQ(get(here("/x")).status, 515);
  server_.reset();
  route_.network.http = {"127.0.0.1:*"};
  start();
  // The request comes back to this server, as /echo.
  TestClient::Reply reply = get(here("/x"));
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.body, "");
  // Its own content, which that echoes; 201 if it was not transmitted.
  EXPECT_EQ(TestClient(address()).post(here("/y"), std::string(200'000, 'x')).status, 200);
  // Nobody listens on port 1: connection-refused is case 6.
  EXPECT_EQ(get("/x127.0.0.1:1").status, 506);
  EXPECT_EQ(TestClient(address()).post("/y127.0.0.1:1", "content").status, 201);
  server_.reset();
  route_.network.net = {"deny:tcp:127.0.0.0/8:*"};
  start();
  // destination-IP-prohibited is case 4.
  EXPECT_EQ(get(here("/x")).status, 504);
}

TEST_F(ServeComponentP3Test, SaysWhichKindItIs) {
  start();
  EXPECT_EQ(get("/count").body, "1");
  std::string metrics = get("/metrics").body;
  EXPECT_NE(metrics.find(R"(kind="wasi-http")"), std::string::npos) << metrics;
}

}  // namespace
}  // namespace sedge::serve
