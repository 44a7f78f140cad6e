// A component behind the server, for tests: made of a core module in text and a world of WASI.
#ifndef SEDGE_TEST_COMPONENT_SERVER_H_
#define SEDGE_TEST_COMPONENT_SERVER_H_

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "net/test_client.h"
#include "program.h"
#include "serve/component_function.h"
#include "serve/server.h"

namespace sedge::serve {

class ComponentServerTest : public testing::Test {
 protected:
  using TestClient = net::TestClient;

  /// `wat` in test/guests; packages of the folders `wits` in wit/; a world `guest`. `features`:
  /// gates of WIT.
  static void make_guest(const std::string& wat, const std::vector<std::string>& wits,
                         const std::string& world, const std::string& features = "") {
    folder_ = std::make_unique<test::TempFolder>();
    namespace fs = std::filesystem;
    fs::create_directories(folder_->path() + "/wit");
    for (const std::string& wit : wits)
      fs::copy(test::root_path("wit") / wit / "deps", folder_->path() + "/wit/deps");
    folder_->write("wit/world.wit", "package test:guest;\n" + world);
    const std::string core = folder_->path() + "/core.wasm";
    run({"component", "embed", "--features", features, "--wit", folder_->path() + "/wit", "--world",
         "guest", (test::root_path("test/guests") / wat).string(), "-o", core});
    run({"component", "new", core, "-o", component()});
  }
  static void TearDownTestSuite() { folder_.reset(); }
  static std::string component() { return folder_->path() + "/guest.wasm"; }
  static void run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), test::program_path().string());
    test::Outcome outcome = test::run_program(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }

  ComponentServerTest() : engine_(*Engine::create({.interruptible = true})) {
    route_.path = "/*";
    route_.module = component();
    route_.timeout_ms = 300'000;  // no test waits for it
    route_.pool_size = 1;
  }
  /// What a guest must not need, but a test waits for: as short as a slow machine allows, on which
  /// a request that is to be answered takes its time too.
  static constexpr uint32_t kShortTimeoutMs = 2000;
  void start() {
    RouterConfig config;
    config.routes = {route_};
    config.listen = {"127.0.0.1:0"};
    config.workers = 1;
    config.log = log_;
    auto server = Server::start(config, factory(), true, {});
    ASSERT_TRUE(server) << server.error().render();
    server_ = *std::move(server);
  }
  FunctionFactory factory() {
    return [this](const RouteConfig& route, uint32_t pool_size) {
      return load_component_function(engine_, route, "router.yaml", pool_size, {});
    };
  }
  const net::Address& address() const { return server_->addresses()[0]; }
  TestClient::Reply get(const std::string& path) { return TestClient(address()).get(path); }
  /// Everything that comes until the server closes, for what TestClient does not read. Reads while
  /// it sends, as a client must that is answered before its end.
  std::string raw(const std::string& request) {
    TestClient client(address());
    std::thread sender([&] { client.send(request); });
    std::string all = read_until(client, {});
    sender.join();
    return all;
  }
  /// Everything that comes up to `end`, or until the server closes.
  static std::string read_until(TestClient& client, const std::string& end) {
    std::string all;
    char piece[4096];
    while (end.empty() || all.find(end) == std::string::npos) {
      ssize_t count = ::recv(client.fd(), piece, sizeof piece, 0);
      if (count <= 0) break;
      all.append(piece, static_cast<size_t>(count));
    }
    return all;
  }

  /// A client that has sent a GET.
  std::unique_ptr<TestClient> ask(const std::string& path) {
    auto client = std::make_unique<TestClient>(address());
    client->send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
    return client;
  }
  uint64_t metric(const std::string& name) {
    std::string text = get("/metrics").body;
    size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) ADD_FAILURE() << "no " << name << " in " << text;
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size() + 2));
  }
  /// Until no request runs; a test that waits for ever is ended by its runner.
  void wait_until_idle() {
    while (!server_->app()->idle()) std::this_thread::yield();
  }

  static inline std::unique_ptr<test::TempFolder> folder_;
  std::string log_ = "none";
  Engine engine_;
  RouteConfig route_;
  std::unique_ptr<Server> server_;
};

}  // namespace sedge::serve

#endif  // SEDGE_TEST_COMPONENT_SERVER_H_
