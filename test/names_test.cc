// Answering by other tools' names: links, exit statuses, messages in the tool's own words, and the
// parts of `run` that those tools' lines need.
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "program.h"

namespace sedge::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGuest = R"((module $guest
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 7)))
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "trap") unreachable)
  (func (export "grow") (if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable)))))";

class Names : public testing::Test {
 protected:
  Names() {
    folder_.write("guest.wat", kGuest);
    fs::create_directory(folder_.path() + "/bin");
  }
  Outcome run(std::vector<std::string> args, std::string_view input = {}) {
    args.insert(args.begin(), program_path().string());
    return run_program(args, input, folder_.path(), {"NO_COLOR=1"});
  }
  Outcome as(const std::string& tool, std::vector<std::string> args, std::string_view input = {}) {
    args.insert(args.begin(), {"--as", tool});
    return run(std::move(args), input);
  }
  TempFolder folder_;
};

TEST_F(Names, LinksAnswerAsTheTool) {
  Outcome links = run({"links", "bin"});
  EXPECT_EQ(links.status, 0) << links.err;
  EXPECT_TRUE(links.out.starts_with("bin/wasmedge -> /")) << links.out;
  for (const char* tool :
       {"wasmedge", "wasmedgec", "wasmtime", "wasmer", "wasm-tools", "wasm-opt"}) {
    Outcome version =
        run_program({folder_.path() + "/bin/" + tool, "--version"}, {}, folder_.path());
    EXPECT_EQ(version.status, 0) << tool;
    EXPECT_EQ(version.out, "sedge " SEDGE_VERSION " (as " + std::string(tool) + ")\n");
  }
  EXPECT_EQ(run_program({folder_.path() + "/bin/wasmtime", "guest.wat"}, {}, folder_.path()).status,
            7);
  EXPECT_EQ(run({"links", "bin"}).status, 0);
  EXPECT_EQ(run({"links", "--remove", "bin"}).status, 0);
  EXPECT_TRUE(fs::is_empty(folder_.path() + "/bin"));
}

TEST_F(Names, LinksNeverReplaceARealToolUnasked) {
  folder_.write("bin/wasmer", "#!/bin/sh\n");
  Outcome links = run({"links", "--only", "wasmer", "--only", "wasmtime", "bin"});
  EXPECT_EQ(links.status, 1);
  EXPECT_EQ(links.err, "note: bin/wasmer is another tool and stays; --force replaces it\n");
  EXPECT_FALSE(fs::is_symlink(folder_.path() + "/bin/wasmer"));
  EXPECT_TRUE(fs::is_symlink(folder_.path() + "/bin/wasmtime"));
  EXPECT_EQ(run({"links", "--remove", "bin"}).out, "removed bin/wasmtime\n");
  EXPECT_TRUE(fs::exists(folder_.path() + "/bin/wasmer"));
  EXPECT_EQ(run({"links", "--force", "--only", "wasmer", "bin"}).status, 0);
  EXPECT_TRUE(fs::is_symlink(folder_.path() + "/bin/wasmer"));
  Outcome unknown = run({"links", "--only", "node", "bin"});
  EXPECT_EQ(unknown.status, 2);
}

TEST_F(Names, UnknownToolsNameTheNearest) {
  Outcome outcome = as("wasmtim", {"x.wasm"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err,
            "error: bad argument: `--as wasmtim`; did you mean `wasmtime`?\n"
            "help: sedge answers as wasmedge, wasmedgec, wasmtime, wasmer, wasm-tools, wasm-opt\n");
}

TEST_F(Names, ExitStatusesAreTheTools) {
  struct Case {
    const char* tool;
    int guest, trap, failure, usage;
  };
  for (const Case& c :
       {Case{"wasmtime", 7, 134, 1, 2}, Case{"wasmedge", 7, 1, 1, 1}, Case{"wasmer", 7, 1, 1, 2}}) {
    EXPECT_EQ(as(c.tool, {"guest.wat"}).status, c.guest) << c.tool;
    std::vector<std::string> trap = {"--invoke", "trap", "guest.wat"};
    if (std::string(c.tool) == "wasmedge") trap = {"--reactor", "guest.wat", "trap"};
    EXPECT_EQ(as(c.tool, trap).status, c.trap) << c.tool;
    EXPECT_EQ(as(c.tool, {"none.wasm"}).status, c.failure) << c.tool;
    EXPECT_EQ(as(c.tool, {"--nonsense", "guest.wat"}).status, c.usage) << c.tool;
  }
}

TEST_F(Names, MessagesNameTheToolsFlags) {
  Outcome memory = as("wasmedge", {"--memory-page-limit", "16", "--reactor", "guest.wat", "grow"});
  EXPECT_TRUE(
      memory.err.ends_with("help: the guest asked for 62.6 MiB of memory and was refused: "
                           "the limit is 1 MiB; raise --memory-page-limit\n"))
      << memory.err;
  Outcome stack = as("wasmtime", {"run", "-W", "fuel=1", "guest.wat"});
  EXPECT_EQ(stack.status, 134);
}

TEST_F(Names, MissingPartsAreNamed) {
  Outcome outcome = as("wasm-tools", {"smith", "x"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err,
            "error: not available here: `wasm-tools smith` has no counterpart in sedge\n"
            "help: sedge makes no random modules\n");
}

TEST_F(Names, WhatTheCommandOfSedgeLacksIsNoted) {
  Outcome outcome = as("wasmtime", {"run", "--opt-level", "2", "guest.wat"});
  EXPECT_EQ(outcome.status, 7);
  EXPECT_EQ(outcome.err, "note: wasmtime --opt-level 2: it has no meaning for `sedge run`\n");
}

// --wasi

TEST_F(Names, AWasiVersionThatDoesNotMatchIsRefusedWithTheCure) {
  Outcome outcome = as("wasmtime", {"run", "--wasi", "preview2", "guest.wat"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err,
            "error: incompatible WASI version: guest.wat is a core module (WASI preview1), not a "
            "component of WASI preview2\n"
            "help: run it with --wasi preview1, or build it for preview2: cargo build --target "
            "wasm32-wasip2\n");
  EXPECT_EQ(as("wasmtime", {"run", "--wasi", "preview1", "guest.wat"}).status, 7);
  EXPECT_EQ(run({"run", "--wasi", "auto", "guest.wat"}).status, 7);
  folder_.write("c.wasm", std::string_view("\0asm\x0d\0\1\0", 8));
  Outcome component = run({"run", "--wasi", "preview1", "c.wasm"});
  EXPECT_EQ(component.status, 4);
  EXPECT_EQ(component.err,
            "error: incompatible WASI version: c.wasm is a component (WASI preview2 or later), not "
            "a module of WASI preview1\n"
            "help: run it with --wasi preview2, or build it for preview1: cargo build --target "
            "wasm32-wasip1\n");
}

// --preload

TEST_F(Names, PreloadedModulesProvideImports) {
  folder_.write("lib.wat", R"((module
    (global $ready (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $ready (i32.const 40)))
    (func (export "base") (result i32) global.get $ready)))");
  folder_.write("mid.wat", R"((module
    (import "lib" "base" (func $base (result i32)))
    (func (export "next") (result i32) (i32.add (call $base) (i32.const 1)))))");
  folder_.write("user.wat", R"((module
    (import "mid" "next" (func $next (result i32)))
    (func (export "answer") (result i32) (i32.add (call $next) (i32.const 1)))))");
  Outcome outcome =
      run({"run", "--preload", "lib=lib.wat", "--preload", "mid=mid.wat", "user.wat", "answer"});
  EXPECT_EQ(outcome.out, "42\n") << outcome.err;
  outcome = as("wasmedge",
               {"--preload", "lib:lib.wat", "--preload", "mid:mid.wat", "user.wat", "answer"});
  EXPECT_EQ(outcome.out, "42\n") << outcome.err;
  // A preloaded WASI module that nothing uses does no harm.
  EXPECT_EQ(as("wasmedge", {"--preload", "module:guest.wat", "guest.wat"}).status, 7);
  outcome = run({"run", "--preload", "mid=mid.wat", "user.wat", "answer"});
  EXPECT_EQ(outcome.status, 4);
  EXPECT_TRUE(outcome.err.starts_with("error: preloaded module `mid`: unknown import"))
      << outcome.err;
  outcome = run({"run", "--preload", "lib.wat", "user.wat", "answer"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(
      outcome.err,
      "error: bad argument: `--preload lib.wat`\n"
      "help: write --preload NAME=FILE: the module's imports from NAME then come from FILE\n");
}

// deploy

TEST_F(Names, DeployWritesManifestsThatTheSchemasAccept) {
  if (run({"help", "deploy"}).status != 0) GTEST_SKIP() << "this build has no server";
  Outcome deploy = as("wasmer", {"deploy", "--name", "edge-one", "--module", "guest.wat", "--env",
                                 "MODE=a: \"b\""});
  EXPECT_EQ(deploy.status, 0) << deploy.err;
  EXPECT_EQ(deploy.out,
            "wrote edge-one.yaml: ConfigMap, Deployment, Service, HorizontalPodAutoscaler\n");
  Outcome check = run({"deploy", "edge-one.yaml", "--env", "A=B"});
  EXPECT_EQ(check.err,
            "error: bad argument: `--env` is for a module\n"
            "help: write it into a route of edge-one.yaml\n");
  if (run_program({"kubernetes-validate", "--version"}).status != 0)
    GTEST_SKIP() << "kubernetes-validate (PyPI) is not installed";
  for (const char* version : {"1.31", "1.33"}) {
    Outcome valid = run_program({"kubernetes-validate", "--strict", "-k", version, "edge-one.yaml"},
                                {}, folder_.path());
    EXPECT_EQ(valid.status, 0) << version << valid.out << valid.err;
  }
}

}  // namespace
}  // namespace sedge::test
