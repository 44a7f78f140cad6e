// A script plays the other runtime: what it is told, what it gives, and how it is ended.
#include "serve/external_function.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/test_folder.h"

namespace sedge::serve {
namespace {

namespace fs = std::filesystem;

constexpr int kLong = 300'000;  // ms; no test waits for it
Deadline after(int ms) { return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms); }

class External : public testing::Test {
 protected:
  External() {
    route_.path = "/x";
    route_.module = temporary_.write("m.wasm", "x");
    route_.external_engine = true;
    route_.engine_at = {3, 5};
    const char* path = std::getenv("PATH");
    path_ = path ? path : "";
    ::setenv("PATH", (folder_.string() + ":" + path_).c_str(), 1);
  }
  ~External() override { ::setenv("PATH", path_.c_str(), 1); }
  void program(std::string_view name, std::string_view script) {
    ::chmod(temporary_.write(name, fmt::format("#!/bin/sh\n{}\n", script)).c_str(), 0755);
  }
  std::unique_ptr<BlockingFunction> load() {
    auto function = load_external_function(route_, "r.yaml",
                                           [this](std::string_view route, std::string_view text) {
                                             stderr_ += fmt::format("{}: {}", route, text);
                                           });
    EXPECT_TRUE(function) << function.error().render();
    return function ? *std::move(function) : nullptr;
  }
  std::string refusal() {
    auto function = load_external_function(route_, "r.yaml", {});
    return function ? "loaded" : function.error().render();
  }

  const test::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
  std::string path_;
  RouteConfig route_;
  std::string stderr_;
};

TEST_F(External, EachRuntimeIsToldInItsOwnWords) {
  route_.module = "m.wasm";
  route_.memory_limit_mb = 32;
  route_.dirs = {{"/host", "/guest", false, nullptr}};
  route_.args = {"a"};
  auto command = [&](const char* runtime, const char* backend) {
    route_.runtime = runtime;
    route_.backend = backend;
    return fmt::format("{}", fmt::join(external_command(route_, "/p", {{"K", "V"}}), " "));
  };
  EXPECT_EQ(command("wasmedge", ""),
            "/p --memory-page-limit 512 --dir /guest:/host --env K=V m.wasm a");
  EXPECT_EQ(command("wasmtime", "winch"),
            "/p run -Ccompiler=winch -Wmax-memory-size=33554432 --dir /host::/guest --env K=V "
            "m.wasm a");
  EXPECT_EQ(command("wasmer", "llvm"), "/p run --llvm --mapdir /guest:/host --env K=V m.wasm -- a");
}

TEST_F(External, InputGoesInAndOutputComesOut) {
  program("wasmedge", "echo warning >&2; cat; printf %s \" $K\"; test \"$1\" = --env");
  route_.runtime = "wasmedge";
  route_.env = {{"K", "V"}};
  auto function = load();
  ASSERT_TRUE(function);
  EXPECT_EQ(function->kind(), Kind::edge);
  std::string big(300'000, 'x');
  auto output = function->invoke(big, after(kLong));
  ASSERT_TRUE(output) << output.error().render();
  EXPECT_EQ(*output, big + " ");
  EXPECT_EQ(stderr_, "/x: warning\n");
  EXPECT_EQ(function->figures().created, 1);
  EXPECT_EQ(function->figures().live, 0);
}

TEST_F(External, FailuresAreNamed) {
  route_.runtime = "wasmer";
  program("wasmer", "exit 3");
  auto output = load()->invoke(std::string("not read"), after(kLong));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message(),
            "guest exited with status 3 under " + (folder_ / "wasmer").string());
  program("wasmer", "sleep 1000 & sleep 1000");
  output = load()->invoke(std::string(), after(100));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), ErrorCode::deadline_exceeded);
  auto function = load();
  std::atomic<bool> done = false;
  std::thread stopper([&] {
    // What has not begun is not ended.
    for (; !done; std::this_thread::sleep_for(std::chrono::milliseconds(1)))
      function->interrupt_all();
  });
  output = function->invoke(std::string(), after(kLong));
  done = true;
  stopper.join();
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), ErrorCode::interrupted);
  program("wasmer", "exec cat /dev/zero");
  output = load()->invoke(std::string(), after(kLong));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message(), "bad answer: the function printed more than 16777216 bytes");
}

TEST_F(External, WhatCannotBeIsRefusedWithItsPlace) {
  EXPECT_EQ(refusal(),
            "r.yaml:3:5: configuration: `engine: external` needs a `runtime` that is another "
            "program\n"
            "help: write `runtime: wasmedge`, wasmtime or wasmer, or leave `engine` out");
  route_.runtime = "wasmtime";
  ::setenv("PATH", folder_.c_str(), 1);
  EXPECT_EQ(refusal(),
            "r.yaml:3:5: configuration: `engine: external`: no wasmtime is on the PATH, other than "
            "sedge's own links\n"
            "help: install wasmtime, or leave `engine` out: the embedded engine runs the module");
  // A link to this very program is no other runtime: it would call itself for ever.
  fs::create_symlink("/proc/self/exe", folder_ / "wasmtime");
  EXPECT_NE(refusal().find("no wasmtime is on the PATH"), std::string::npos);
  route_.function = "handle";
  EXPECT_EQ(refusal(),
            "r.yaml:3:5: configuration: `engine: external` runs commands; wasmtime cannot be told "
            "to answer as a pointer function\n"
            "help: leave `engine` out: the embedded engine runs the module");
}

}  // namespace
}  // namespace sedge::serve
