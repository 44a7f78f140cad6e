// wasi:keyvalue behind the server: what one request keeps, the next one finds, in whatever
// instance, thread or process. The guest is test/guests/keyvalue_guest.wat, made a component by
// this program.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "component_server.h"

namespace sedge::serve {
namespace {

constexpr const char* kWorld = R"(world guest {
  import wasi:io/streams@0.2.12;
  import wasi:http/types@0.2.12;
  import wasi:keyvalue/store@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  export wasi:http/incoming-handler@0.2.12;
}
)";

class ServeKeyvalueTest : public ComponentServerTest {
 protected:
  static void SetUpTestSuite() { make_guest("keyvalue_guest.wat", {"p2", "edge"}, kWorld); }
  ServeKeyvalueTest() { route_.keyvalue = ""; }  // in memory
  /// The status and content of an answer.
  std::string answer(const std::string& path) {
    const TestClient::Reply reply = get(path);
    return std::to_string(reply.status) + " " + reply.body;
  }
};

TEST_F(ServeKeyvalueTest, TheNextRequestFindsWhatOneHasKept) {
  start();
  EXPECT_EQ(answer("/get/n"), "404 ");
  EXPECT_EQ(answer("/count/n"), "200 1");
  EXPECT_EQ(answer("/count/n"), "200 2");
  EXPECT_EQ(answer("/count/m"), "200 1");
  EXPECT_EQ(answer("/get/n"), "200 2");
}

TEST_F(ServeKeyvalueTest, NoRequestIsLostAmongMany) {
  route_.pool_size = 4;
  start();
  constexpr int kClients = 4, kEach = 10;
  std::vector<int> seen(kClients * kEach);
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client)
    clients.emplace_back([&, client] {
      for (int i = 0; i < kEach; ++i)
        seen[client * kEach + i] = std::atoi(get("/count/n").body.c_str());
    });
  for (std::thread& client : clients) client.join();
  std::ranges::sort(seen);
  for (int i = 0; i < kClients * kEach; ++i) EXPECT_EQ(seen[i], i + 1);
}

TEST_F(ServeKeyvalueTest, AReusedInstanceUsesTheSameStore) {
  route_.reuse = 2;
  start();
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(answer("/count/n"), "200 " + std::to_string(i));
}

TEST_F(ServeKeyvalueTest, TheStoreSaysWhatItRefuses) {
  start();
  EXPECT_EQ(answer("/count/" + std::string(1025, 'k')),
            "500 the key has 1025 bytes, at most 1024 are kept");
  EXPECT_EQ(answer("/count/n"), "200 1");
}

TEST_F(ServeKeyvalueTest, OnlyAFileOutlivesTheServer) {
  start();
  EXPECT_EQ(answer("/count/n"), "200 1");
  wait_until_idle();
  server_.reset();
  start();
  EXPECT_EQ(answer("/get/n"), "404 ");
#if SEDGE_HAVE_SQLITE
  wait_until_idle();
  server_.reset();
  route_.keyvalue = folder_->path() + "/kept.db";
  for (const char* count : {"200 1", "200 2"}) {
    start();
    EXPECT_EQ(answer("/count/n"), count);
    wait_until_idle();
    server_.reset();
  }
#endif
}

TEST_F(ServeKeyvalueTest, ARouteWithoutAStoreDoesNotStart) {
  route_.keyvalue.reset();
  auto function = load_component_function(engine_, route_, "router.yaml", 1, {});
  ASSERT_FALSE(function);
  EXPECT_NE(function.error().render().find("the component was given no key-value store"),
            std::string::npos)
      << function.error().render();
  EXPECT_NE(function.error().render().find("keyvalue: memory"), std::string::npos)
      << function.error().render();
}

}  // namespace
}  // namespace sedge::serve
