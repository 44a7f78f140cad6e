// Runs the programs of the official WASI test suite that serve or send HTTP (WASI 0.3): each behind
// the server, with the servers of its JSON specification on loopback.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/test_paths.h"
#include "json_value.h"
#include "net/body_pipe.h"
#include "net/http_server.h"
#include "net/test_client.h"
#include "serve/component_function.h"
#include "serve/server.h"

namespace sedge::serve {
namespace {

namespace fs = std::filesystem;

fs::path suite_dir() { return test::shared_path("suites/wasi/rust/wasm32-wasip3"); }

std::optional<test::Json> specification(const fs::path& program) {
  std::ifstream in(fs::path(program).replace_extension(".json"), std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return test::JsonParser::parse(text.str());
}

/// Those that export the handler.
std::vector<fs::path> programs() {
  std::vector<fs::path> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(suite_dir(), error)) {
    if (entry.path().extension() != ".wasm") continue;
    auto json = specification(entry.path());
    if (json && json->text_or("world", "") == "wasi:http/service") out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

std::string name_of(const fs::path& program) {
  std::string name = program.stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
}

/// A server of the specification.
class Endpoints final : public net::Handler {
 public:
  explicit Endpoints(test::Json json) : json_(std::move(json)) {
    net::HttpServerOptions options;
    options.listen = {*net::Address::parse("127.0.0.1:0")};
    server_ = *net::HttpServer::start(options, *this);
  }
  std::string authority() const {
    return "127.0.0.1:" + std::to_string(server_->addresses()[0].port());
  }

  net::HeadVerdict check_head(net::Request&) override { return {.max_body_bytes = 1 << 20}; }
  void handle(std::unique_ptr<net::Request> request, net::Responder responder) override {
    responder.respond(answer(*request));
  }
  net::Response refuse(int status, std::string_view, std::string_view) override {
    net::Response response;
    response.status = status;
    return response;
  }

 private:
  net::Response answer(const net::Request& request) const {
    net::Response response;
    response.status = 404;
    for (const test::Json& endpoint : json_.find("endpoints")->items) {
      if (endpoint.text_or("method", "") != request.method() ||
          endpoint.text_or("path", "") != request.target())
        continue;
      response.status = 200;
      const std::string mode = endpoint.text_or("mode", "");
      if (mode == "echo-body") response.body = request.body;
      if (mode == "echo-headers") {
        for (size_t i = 0; i < request.header_count(); ++i)
          response.headers.emplace_back("x-echo-" + std::string(request.header(i).name),
                                        request.header(i).value);
        for (const auto& [name, value] : request.trailers)
          response.headers.emplace_back("x-trailer-" + name, value);
        response.headers.emplace_back("x-request-method", request.method());
        response.headers.emplace_back("x-request-path", request.target());
      }
      if (const test::Json* fixed = endpoint.find("response")) {
        response.status = static_cast<int>(fixed->find("status")->number);
        response.body = fixed->text_or("body", "");
        if (const test::Json* chunks = fixed->find("chunks"))
          response.stream = in_chunks(*chunks, fixed->find("trailers"));
      }
    }
    return response;
  }

  /// Content whose length is not known before its end; `trailers` may be null.
  static std::shared_ptr<net::BodyPipe> in_chunks(const test::Json& chunks,
                                                  const test::Json* trailers) {
    auto pipe = std::make_shared<net::BodyPipe>(4096);
    for (const test::Json& chunk : chunks.items) pipe->write(chunk.text);
    net::Headers fields;
    for (size_t i = 0; trailers && i < trailers->keys.size(); ++i)
      fields.emplace_back(trailers->keys[i], trailers->items[i].text);
    pipe->finish(std::move(fields));
    return pipe;
  }

  test::Json json_;
  std::unique_ptr<net::HttpServer> server_;
};

class WasiHttpSuite : public testing::TestWithParam<fs::path> {
 protected:
  /// Starts the servers; their authorities go to the guest's environment.
  void start_servers(const test::Json& json, RouteConfig& route) {
    const test::Json* servers = json.find("servers");
    if (!servers) return;
    for (const test::Json& server : servers->items) {
      std::string authority = "127.0.0.1:1";  // where nobody listens
      if (server.text_or("kind", "") != "closed") {
        servers_.push_back(std::make_unique<Endpoints>(server));
        authority = servers_.back()->authority();
      }
      std::string name = "HTTP_SERVER_" + server.text_or("name", "");
      route.env.emplace_back(name, authority);
      std::ranges::transform(name, name.begin(), ::toupper);
      route.env.emplace_back(name, authority);
    }
  }
  std::vector<std::unique_ptr<Endpoints>> servers_;
};

TEST_P(WasiHttpSuite, Serve) {
  auto json = specification(GetParam());
  ASSERT_TRUE(json);
  RouteConfig route;
  route.path = "/*";
  route.module = GetParam().string();
  route.network.all_http = true;
  route.timeout_ms = 300'000;  // no test waits for it
  start_servers(*json, route);
  RouterConfig config;
  config.routes = {route};
  config.listen = {"127.0.0.1:0"};
  config.workers = 1;
  config.log = "none";
  auto engine = Engine::create({.interruptible = true});
  ASSERT_TRUE(engine);
  auto told = std::make_shared<std::string>();
  auto factory = [&](const RouteConfig& of, uint32_t pool_size) {
    return load_component_function(
        *engine, of, "router.yaml", pool_size,
        [told](std::string_view, std::string_view text) { *told += text; });
  };
  auto server = Server::start(config, factory, true, {});
  ASSERT_TRUE(server) << server.error().render();
  for (const test::Json& operation : json->find("operations")->items) {
    if (operation.text_or("type", "") != "request") continue;
    net::TestClient client((*server)->addresses()[0]);
    std::string head = operation.text_or("method", "") + " " + operation.text_or("path", "") +
                       " HTTP/1.1\r\nHost: test\r\n";
    if (const test::Json* fields = operation.find("headers"))
      for (size_t i = 0; i < fields->keys.size(); ++i)
        head += fields->keys[i] + ": " + fields->items[i].text + "\r\n";
    const std::string body = operation.text_or("body", "");
    if (operation.find("body")) head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client.send(head + "\r\n" + body);
    net::TestClient::Reply reply = client.read();
    const test::Json* expected = operation.find("response");
    EXPECT_EQ(reply.status, static_cast<int>(expected->find("status")->number))
        << reply.body << *told;
    if (const test::Json* headers = expected->find("headers"))
      for (size_t i = 0; i < headers->keys.size(); ++i)
        EXPECT_EQ(reply.headers[headers->keys[i]], headers->items[i].text);
    if (expected->find("body")) EXPECT_EQ(reply.body, expected->text_or("body", ""));
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WasiHttpSuite);
INSTANTIATE_TEST_SUITE_P(Preview3, WasiHttpSuite, testing::ValuesIn(programs()),
                         [](const auto& param) { return name_of(param.param); });

TEST(WasiHttpSuiteFolder, IsThere) {
  if (!fs::exists(suite_dir())) GTEST_SKIP() << "missing: " << suite_dir();
  EXPECT_GE(programs().size(), 10U);
}

}  // namespace
}  // namespace sedge::serve
