// Real modules behind the Function interface: what is loaded and how, what is refused with which
// words, isolation, limits and the pool. The guests of the shared folder are used where it is
// there.
#include "serve/wasm_function.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "base/test_folder.h"
#include "base/test_paths.h"
#include "serve/event_json.h"

namespace sedge::serve {
namespace {

constexpr int kLong = 300'000;  // ms; no test waits for it
Deadline after(int milliseconds) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
}

class WasmFunctionTest : public ::testing::Test {
 protected:
  WasmFunctionTest()
      : engine_(*Engine::create({.features = Features::all(),
                                 .tier = Tier::automatic,
                                 .fuel = false,
                                 .interruptible = true})) {
    route_.path = "/f";
    route_.at = {2, 5};
    route_.module_at = {3, 13};
    route_.kind_at = {4, 11};
    route_.wasi_at = {5, 11};
    route_.function_at = {6, 15};
    route_.engine_at = {7, 13};
  }

  void wat(std::string_view text) { route_.module = folder_.write("m.wat", text); }
  // False, with the test skipped, if the shared folder is not there.
  bool guest(std::string_view name) {
    route_.module = (test::shared_path("guests/wasm") / name).string();
    return std::filesystem::exists(route_.module);
  }
  std::unique_ptr<BlockingFunction> load(uint32_t pool_size = 1) {
    auto function = load_wasm_function(engine_, route_, "router.yaml", pool_size,
                                       [this](std::string_view route, std::string_view text) {
                                         stderr_ += std::string(route) + ": " + std::string(text);
                                       });
    EXPECT_TRUE(function) << function.error().render();
    return function ? *std::move(function) : nullptr;
  }
  std::string load_error() {
    auto function = load_wasm_function(engine_, route_, "router.yaml", 1, {});
    if (function) return "loaded";
    std::string text = function.error().render();
    for (size_t at; (at = text.find(route_.module)) != std::string::npos;)
      text.replace(at, route_.module.size(), "FILE");
    return text;
  }
  static std::string call(BlockingFunction& function, std::string input, int timeout_ms = kLong) {
    Result<std::string> output = function.invoke(std::move(input), after(timeout_ms));
    function.prepare();
    return output ? *output : output.error().message();
  }

  Engine engine_;
  const test::TempFolder folder_;
  RouteConfig route_;
  std::string stderr_;
};

constexpr std::string_view kCounter = R"((module (memory (export "memory") 1)
  (func (export "handle_request") (param i32 i32) (result i32)
    (i32.store8 (i32.const 8) (i32.add (i32.load8_u (i32.const 8)) (i32.const 49)))
    (i32.const 8))))";

TEST_F(WasmFunctionTest, GivesEachCallAFreshInstance) {
  wat(kCounter);
  for (uint32_t pool_size : {0U, 1U, 4U}) {
    auto function = load(pool_size);
    ASSERT_TRUE(function);
    EXPECT_EQ(function->kind(), Kind::pointer);
    while (function->prepare()) {
    }
    EXPECT_EQ(function->figures().idle, pool_size);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(call(*function, "x"), "1");
    PoolFigures figures = function->figures();
    EXPECT_EQ(figures.idle, pool_size);
    EXPECT_EQ(figures.live, pool_size);
    EXPECT_EQ(figures.taken_ready, pool_size ? 10U : 0U);
  }
}

// A reactor whose `_initialize` counts a global and a byte of memory up; `%` is what else it does.
// It answers with both and counts them up again.
constexpr std::string_view kReactor = R"((module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $environ (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (type $s (struct))
  (global $count (mut i32) (i32.const 49))
  (global $object (mut anyref) (ref.null any))
  (func (export "_initialize")
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (drop (memory.grow (i32.const 3)))
    (i32.store8 (i32.const 200000) (i32.add (i32.load8_u (i32.const 200000)) (i32.const 51)))
    %)
  (func (export "handle_request") (param i32 i32) (result i32)
    (i32.store8 (i32.const 8) (global.get $count))
    (i32.store8 (i32.const 9) (i32.load8_u (i32.const 200000)))
    (global.set $count (i32.const 57))
    (i32.store8 (i32.const 200000) (i32.const 57))
    (i32.const 8))))";

TEST_F(WasmFunctionTest, InitialisesReactorsOnce) {
  struct Case {
    std::string_view also;
    bool asked;
    bool snapshot;
  };
  const Case cases[] = {
      {"", true, true},
      {"", false, false},
      {"(drop (call $environ (i32.const 16) (i32.const 20)))", true, true},
      // Every instance has its own random numbers.
      {"(drop (call $random (i32.const 16) (i32.const 4)))", true, false},
      // No module can hold an object.
      {"(global.set $object (struct.new $s))", true, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.also);
    std::string text(kReactor);
    wat(text.replace(text.find('%'), 1, c.also));
    route_.snapshot = c.asked;
    for (uint32_t pool_size : {0U, 2U}) {
      auto function = load(pool_size);
      ASSERT_TRUE(function);
      EXPECT_EQ(function->figures().snapshot, c.snapshot);
      for (int i = 0; i < 5; ++i) EXPECT_EQ(call(*function, "x"), "23");
    }
  }
}

TEST_F(WasmFunctionTest, RunsCommands) {
  // Copies one read of standard input to standard output.
  wat(R"((module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\00\10\00\00")
    (func (export "_start")
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (i32.store (i32.const 4) (i32.load (i32.const 8)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))))))");
  auto function = load();
  ASSERT_TRUE(function);
  EXPECT_EQ(function->kind(), Kind::edge);
  EXPECT_EQ(call(*function, "hello\n"), "hello\n");
  EXPECT_EQ(stderr_, "/f: hello\n");
  EXPECT_EQ(call(*function, ""), "");
}

TEST_F(WasmFunctionTest, EndsEveryMisbehaviour) {
  wat(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "loop") (param i32 i32) (result i32) (loop $l (br $l)) i32.const 0)
    (func $r (export "recurse") (param i32 i32) (result i32)
      (call $r (local.get 0) (local.get 1)))
    (func (export "trap") (param i32 i32) (result i32) unreachable)
    (func (export "exit") (param i32 i32) (result i32) (call $exit (i32.const 3)) i32.const 0)
    (func (export "bomb") (param i32 i32) (result i32)
      (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable)))");
  route_.memory_limit_mb = 2;
  for (auto [name, message] :
       {std::pair{"loop", "wall-clock deadline exceeded"},
        {"recurse", "call stack exhausted"},
        {"trap", "unreachable"},
        {"exit", "guest exited"},
        {"bomb",
         "out of memory: wasm trap: the function asked for 2.1 MiB of memory, the route "
         "allows 2.0 MiB; it then ended with: unreachable"}}) {
    route_.function = name;
    auto function = load();
    ASSERT_TRUE(function);
    const int timeout_ms = name == std::string_view("loop") ? 200 : kLong;
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(call(*function, "", timeout_ms).starts_with(message)) << name;
  }
}

TEST_F(WasmFunctionTest, IsInterruptedFromOutside) {
  wat(R"((module (memory (export "memory") 1)
    (func (export "handle_request") (param i32 i32) (result i32) (loop $l (br $l)) i32.const 0)))");
  auto function = load();
  ASSERT_TRUE(function);
  std::atomic<bool> done = false;
  std::string message;
  std::thread runner([&] {
    message = call(*function, "");
    done = true;
  });
  while (!done) function->interrupt_all();
  runner.join();
  EXPECT_EQ(message, "interrupted");
}

TEST_F(WasmFunctionTest, SaysWhatCannotBeServed) {
  wat("(module)");
  EXPECT_EQ(
      load_error(),
      "router.yaml:3:13: configuration: FILE is no function that can be served; it exports no "
      "function\nhelp: it imports nothing, as programs built for wasm32-unknown-unknown do: "
      "build it with cargo build --target wasm32-wasip1");
  wat(R"((module (func (export "a") (param i32 i32) (result i32) local.get 0)
                 (func (export "b") (param i32 i32) (result i32) local.get 0)))");
  EXPECT_EQ(load_error(),
            "router.yaml:3:13: configuration: FILE has several functions (ptr, len) -> ptr: a, b\n"
            "help: say which with `function: NAME`");
  route_.function = "c";
  EXPECT_EQ(
      load_error(),
      "router.yaml:6:15: configuration: FILE has no function `c` of type (ptr, len) -> ptr; it "
      "exports a (func [i32 i32] -> [i32]), b (func [i32 i32] -> [i32])\n"
      "help: name one of its functions that takes two integers and returns one");
  route_.function.clear();
  route_.kind = Kind::edge;
  EXPECT_EQ(
      load_error(),
      "router.yaml:4:11: configuration: `kind: edge` needs a command, and FILE has no "
      "`_start`; it exports a (func [i32 i32] -> [i32]), b (func [i32 i32] -> [i32])\n"
      "help: build a program with `main` (cargo build --target wasm32-wasip1), or leave `kind` "
      "out");
  route_.kind = Kind::wasi_http;
  EXPECT_EQ(
      load_error(),
      "router.yaml:4:11: configuration: `kind: wasi-http` needs a component, and FILE is a core "
      "module\nhelp: build a component for wasi:http/proxy, or leave `kind` out");
  route_.kind = Kind::automatic;
  route_.wasi = WasiVersion::preview2;
  EXPECT_EQ(
      load_error(),
      "router.yaml:5:11: configuration: incompatible WASI version: FILE is a core module, not "
      "a component\nhelp: write `wasi: preview1`, or leave `wasi` out");
}

// Prints its environment, NUL-separated, behind a header.
constexpr std::string_view kCgi = R"((module
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 1000) "X-A: b\n\n")
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $get (i32.const 2000) (i32.const 8192)))
    (i32.store (i32.const 16) (i32.const 1000))
    (i32.store (i32.const 20) (i32.const 8))
    (i32.store (i32.const 24) (i32.const 8192))
    (i32.store (i32.const 28) (i32.load (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 2) (i32.const 32))))))";

TEST_F(WasmFunctionTest, CgiProgramsGetTheVariablesOfTheRequest) {
  wat(kCgi);
  route_.command_kind = Kind::wcgi;
  route_.env = {{"A", "route"}};
  auto function = load();
  ASSERT_TRUE(function);
  EXPECT_EQ(function->kind(), Kind::wcgi);
  for (const char* value : {"1", "2"}) {  // the first finds a prepared instance
    FunctionInput input{std::string()};
    input.env = {{"B", value}, {"A", "request"}};
    auto output = function->invoke(std::move(input), after(kLong));
    ASSERT_TRUE(output) << output.error().render();
    EXPECT_EQ(*output, std::string("X-A: b\n\nA=route\0B=", 18) + value + std::string(1, '\0'));
  }
}

TEST_F(WasmFunctionTest, RefusesComponentsByName) {
  route_.module = folder_.write("c.wasm", std::string_view("\0asm\x0d\0\1\0", 8));
  EXPECT_EQ(load_error(),
            "router.yaml:3:13: FILE: not supported: this is a component, not a core module (at "
            "offset 0x4)\nhelp: a core module is needed here: build for wasm32-wasip1");
}

TEST_F(WasmFunctionTest, RunsTheDocumentsFunctions) {
  if (!guest("p5_edge_function.wasm")) GTEST_SKIP() << "no shared guests: " << route_.module;
  auto edge = load(2);
  ASSERT_TRUE(edge);
  EXPECT_EQ(edge->kind(), Kind::edge);
  std::string output = call(
      *edge,
      R"({"request_id":"req-001","source_ip":"10.0.0.1","path":"/api/geo","method":"GET","headers":{"x-edge-region":"cn-north"},"body":null,"query_params":{}})"
      "\n");
  Result<net::Response> response = response_from_output(output);
  ASSERT_TRUE(response) << output;
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->body, R"({"redirect":"https://cn-north.example.com","region":"cn-north"})");
  for (std::string_view name :
       {"p1_edge_service.wasm", "p1_edge_service_verbatim.wasm", "p1_edge_service_reactor.wasm"}) {
    ASSERT_TRUE(guest(name));
    auto service = load(1);
    ASSERT_TRUE(service);
    EXPECT_EQ(service->kind(), Kind::pointer);
    for (int i = 0; i < 3; ++i) {
      std::string answer =
          call(*service, R"({"action":"transform","payload":{"name":"edge","version":2}})");
      EXPECT_TRUE(answer.starts_with(R"({"status":"ok","data":{"NAME":"edge","VERSION":2},)"))
          << answer;
    }
    EXPECT_TRUE(call(*service, "").starts_with("{\"error\":\"")) << name;
  }
  ASSERT_TRUE(guest("p3_container_service.wasm"));
  auto container = load(1);
  ASSERT_TRUE(container);
  EXPECT_EQ(
      call(*container, R"({"service":"image-resize","operation":"","params":{"width":10}})"),
      R"({"success":true,"result":{"format":"webp","output_size":"10x600","quality":85},"runtime":"wasmer-4.3","memory_peak_mb":12.5})");
}

TEST_F(WasmFunctionTest, NamesTheWrongTarget) {
  if (!guest("p1_edge_service_wrong_target.wasm"))
    GTEST_SKIP() << "no shared guests: " << route_.module;
  auto function = load();
  ASSERT_TRUE(function);
  Result<std::string> output =
      function->invoke(std::string(R"({"action":"transform","payload":{}})"), after(kLong));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message(), "unreachable");
  EXPECT_EQ(
      output.error().remedy(),
      "the module imports nothing, as programs built for wasm32-unknown-unknown do: clocks, "
      "files and random numbers trap there; build it with cargo build --target wasm32-wasip1");
}

}  // namespace
}  // namespace sedge::serve
