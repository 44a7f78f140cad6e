// Answering by other tools' names: links, exit statuses, messages in the tool's own words, and the
// parts of `run` that those tools' lines need.
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sedge/engine.h>

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

TEST_F(Names, AToolsUsualFormsWork) {
  struct Case {
    const char* tool;
    std::vector<std::string> line;
    int status;
    const char* out;
  };
  for (const Case& c : {
           Case{"wasm-tools", {"parse", "guest.wat", "-o", "guest.wasm"}, 0, ""},
           Case{"wasm-tools", {"validate", "guest.wasm"}, 0, nullptr},
           Case{"wasm-tools", {"strip", "-a", "guest.wasm", "-o", "small.wasm"}, 0, nullptr},
           Case{"wasm-tools", {"metadata", "show", "guest.wasm"}, 0, nullptr},
           Case{"wasm-tools", {"help", "print"}, 0, nullptr},
           Case{"wasmtime", {"run", "-W", "help"}, 0, nullptr},
           Case{"wasmtime", {"run", "--invoke", "add", "guest.wasm", "2", "3"}, 0, "5\n"},
           Case{"wasmtime", {"guest.wasm", "--flag", "of", "the", "guest"}, 7, ""},
           Case{"wasmer", {"run", "guest.wasm", "-i", "add", "2", "3"}, 0, "5\n"},
           Case{"wasmer", {"run", "guest.wasm", "--", "--flag", "of", "the", "guest"}, 7, ""},
           Case{"wasmer", {"run", "guest.wasm", "--flag"}, 2, ""},
           Case{"wasmer", {"validate", "guest.wasm"}, 0, nullptr},
           Case{"wasmedge", {"--reactor", "guest.wasm", "add", "2", "3"}, 0, "5\n"},
           Case{"wasm-opt", {"-O2", "--vacuum", "-S", "guest.wasm", "-o", "-"}, 0, nullptr},
       }) {
    Outcome outcome = as(c.tool, c.line);
    EXPECT_EQ(outcome.status, c.status) << c.tool << ' ' << c.line[0] << '\n' << outcome.err;
    if (c.out) EXPECT_EQ(outcome.out, c.out) << c.tool << ' ' << c.line[0];
  }
  // Without a file: standard input, and the result to standard output.
  Outcome binary = as("wasm-tools", {"parse"}, "(module)");
  EXPECT_EQ(binary.out, std::string("\0asm\1\0\0\0", 8)) << binary.err;
  EXPECT_EQ(as("wasm-tools", {"print"}, binary.out).out, "(module)\n");
  Outcome text = as("wasm-opt", {"-Oz", "-S", "guest.wasm", "-o", "small.wat"});
  EXPECT_EQ(run({"validate", "small.wat"}).status, 0) << text.err;
}

TEST_F(Names, WorldsAreNamedAsTheToolNamesThem) {
  folder_.write("w.wit", "package a:b;\nworld w { export f: func() -> u32; }\n");
  folder_.write("core.wat", "(module (func (export \"f\") (result i32) (i32.const 5)))");
  Outcome embedded =
      as("wasm-tools", {"component", "embed", "w.wit", "core.wat", "-o", "core.wasm"});
  EXPECT_EQ(embedded.status, 0) << embedded.err;
  EXPECT_EQ(as("wasm-tools", {"component", "new", "core.wasm", "-o", "c.wasm"}).status, 0);
  EXPECT_EQ(as("wasm-tools", {"component", "targets", "w.wit", "c.wasm"}).status, 0);
  EXPECT_EQ(as("wasmtime", {"run", "--invoke", "f()", "c.wasm"}).out, "5\n");
  Outcome wit = as("wasm-tools", {"component", "wit", "c.wasm", "-o", "made.wit"});
  EXPECT_EQ(wit.status, 0) << wit.err;
  EXPECT_TRUE(fs::exists(folder_.path() + "/made.wit"));
}

TEST_F(Names, WhatIsCompiledIsUsedAtOnce) {
  if (!Engine::has(Tier::llvm)) GTEST_SKIP() << "there is no sedgec";
  const std::string cache = "SEDGE_CACHE=" + folder_.path() + "/cache";
  auto with_cache = [&](std::vector<std::string> line) {
    line.insert(line.begin(), program_path().string());
    return run_program(line, {}, folder_.path(), {"NO_COLOR=1", cache});
  };
  Outcome compiled = with_cache({"--as", "wasmedgec", "guest.wat", "aot.wasm"});
  EXPECT_EQ(compiled.status, 0) << compiled.err;
  Outcome here = with_cache({"--as", "wasmedge", "aot.wasm"});
  EXPECT_EQ(here.status, 7);
  EXPECT_EQ(here.err, "");
  // Another user, or another machine, has no such code and does not believe a file.
  EXPECT_EQ(as("wasmedge", {"aot.wasm"}).err,
            "note: native code in the module is not used without --allow-precompiled\n");
  EXPECT_EQ(as("wasmedge", {"--allow-precompiled", "aot.wasm"}).err, "");
}

TEST_F(Names, WasmtimeRunsWhatHasNoCommandAndHasItsOwnStatuses) {
  folder_.write("none.wat", R"((module (func (export "f") (param i32))))");
  Outcome none = as("wasmtime", {"none.wat"});
  EXPECT_EQ(none.status, 0);
  EXPECT_EQ(none.err,
            "note: nothing to run: none.wat is no command (it exports no `_start`); its functions "
            "are:\n  f: func(i32)\n");
  EXPECT_EQ(as("wasmedge", {"none.wat"}).status, 1);
  folder_.write("exit.wat", R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (i32.const 126)))))");
  Outcome large = as("wasmtime", {"exit.wat"});
  EXPECT_EQ(large.status, 1);
  EXPECT_EQ(large.err,
            "note: the guest exited with 126, an invalid exit status of wasmtime (0 to 125): 1 "
            "instead\n");
  EXPECT_EQ(as("wasmedge", {"exit.wat"}).status, 126);
  EXPECT_EQ(as("wasmtime", {"run", "-O", "help"}).status, 0);
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

TEST_F(Names, DeployWritesManifests) {
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
}

TEST_F(Names, DeployGivesFilesOfValuesAPlace) {
  if (run({"help", "deploy"}).status != 0) GTEST_SKIP() << "this build has no server";
  auto deployed = [&](std::string_view place, std::vector<std::string> more = {}) {
    folder_.write("r.yaml", "routes:\n  - path: /*\n    module: guest.wat\n    keyvalue: " +
                                std::string(place) + "\n");
    more.insert(more.begin(), {"deploy", "r.yaml", "-o", "-"});
    return run(more);
  };
  auto has = [](const Outcome& outcome, std::string_view part) {
    return outcome.out.find(part) != std::string::npos;
  };
  Outcome own = deployed("/var/lib/edge/kept.db");
  EXPECT_TRUE(has(own, "        - name: data-0\n          mountPath: \"/var/lib/edge\"\n"))
      << own.out << own.err;
  EXPECT_TRUE(has(own,
                  "      # What is kept here is each pod's own and ends with it; --claim NAME of "
                  "`sedge deploy` keeps it.\n      - name: data-0\n        emptyDir: {}\n"))
      << own.out;
  Outcome claimed = deployed("/var/lib/edge/kept.db", {"--claim", "values"});
  EXPECT_TRUE(has(claimed,
                  "        - name: data\n          mountPath: \"/var/lib/edge\"\n"
                  "          subPath: data-0\n"))
      << claimed.out << claimed.err;
  EXPECT_TRUE(has(claimed, "        persistentVolumeClaim:\n          claimName: \"values\"\n"))
      << claimed.out;
  EXPECT_FALSE(has(deployed("memory"), "data-0"));
  for (const char* place : {"kept.db", "/kept.db", "/etc/sedge/kept.db"}) {
    Outcome refused = deployed(place);
    EXPECT_EQ(refused.status, 2) << place;
    EXPECT_TRUE(refused.err.ends_with(
        "has no place in a pod, which can write into folders of its own only\n"
        "help: write an absolute path in a folder for this alone, such as "
        "/var/lib/sedge/values.db\n"))
        << refused.err;
  }
  Outcome nothing_kept = deployed("memory", {"--claim", "values"});
  EXPECT_EQ(nothing_kept.err,
            "error: bad argument: `--claim values`: no route of r.yaml keeps values\n"
            "help: give a route `keyvalue: /var/lib/sedge/values.db`\n");
}

}  // namespace
}  // namespace sedge::test
